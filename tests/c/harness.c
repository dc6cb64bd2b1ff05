/* The harness: runs the tests, prints one line for each, cleans up. */
#define _GNU_SOURCE
#include "harness.h"

#include <dirent.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char folder[256];
static bool failed;
static char reasons[4096];

bool test_fail(const char *file, int line, const char *format, ...) {
  const char *name = strrchr(file, '/');
  size_t used = strlen(reasons);
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  /* clang-tidy 14 knows va_list in the first file of a run only. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  snprintf(reasons + used, sizeof reasons - used, "\n     %s:%d: %s", name ? name + 1 : file, line, text);
  failed = true;
  return false;
}

static const char *name_of(long long code) {
  return code < 0 && code > -2000 ? mt_transcode_error_name((int32_t)code) : "";
}

bool test_equal(const char *file, int line, const char *what, long long actual, long long expected) {
  if (actual == expected) return true;
  return test_fail(file, line, "%s is %lld %s, expected %lld %s", what, actual, name_of(actual), expected, name_of(expected));
}

bool test_contains(const char *file, int line, const char *what, const char *text, const char *part) {
  if (text != NULL && strstr(text, part) != NULL) return true;
  return test_fail(file, line, "%s is \"%.300s\", without \"%s\"", what, text ? text : "(null)", part);
}

int64_t patience_ms(void) { return getenv("MT_TEST_SLOW") ? 600000 : 180000; }

bool eventually(bool (*condition)(void *), void *context) {
  const struct timespec pause = {0, 5 * 1000 * 1000};
  for (int64_t waited = 0; waited < patience_ms(); waited += 5) {
    if (condition(context)) return true;
    nanosleep(&pause, NULL);
  }
  return condition(context);
}

struct path temporary(const char *name) {
  struct path path;
  snprintf(path.text, sizeof path.text, "%s/%s", folder, name);
  return path;
}

int count_entries(const char *name) {
  DIR *directory = opendir(name);
  int count = 0;
  if (directory == NULL) return -1;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

static void run_list(const struct test_case *tests, const char *filter, int counts[2]) {
  for (; tests->name != NULL; tests++) {
    if (filter != NULL && strstr(tests->name, filter) == NULL) continue;
    failed = false;
    reasons[0] = '\0';
    tests->run();
    printf("%s %s%s\n", failed ? "FAIL" : "ok  ", tests->name, reasons);
    fflush(stdout);
    counts[failed]++;
  }
}

/* Usage: scenarios [part of a name] */
int main(int argc, char **argv) {
  const struct test_case *lists[] = {basic_tests, event_tests,       error_tests,       handle_tests,     lifecycle_tests, engine_tests,
                                     pipe_tests,  pipe_misuse_tests, pipe_thread_tests, pipe_ready_tests, flow_tests,      bind_tests,
                                     limit_tests, io_tests,          format_tests,      store_tests,      edge_tests,
                                     memory_tests, profiling_tests,   live_tests};
  const char *parent = getenv("TMPDIR");
  int counts[2] = {0, 0};
  snprintf(folder, sizeof folder, "%s/mt-transcode-c-XXXXXX", parent ? parent : "/tmp");
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 2;
  }
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) run_list(lists[i], argc > 1 ? argv[1] : NULL, counts);
  nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  printf("%d passed, %d failed\n", counts[0], counts[1]);
  return counts[1] != 0;
}
