/* A program for musl: musl MODE ARGS... runs the job that ARGS say, and when the first bytes come to its output mt:out, does on the job's own thread
 * what MODE says:
 *   stacks  prints of each thread how many KiB of its stack are left, and its name; before, the libc's default, before and with the engine
 *   cancel  lets the main thread print what the engine does, and cancel the job
 *   crash   writes to address 0, with crash reports on standard error
 * Then it prints the code that the job ended with. */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <mt_transcode/mt_transcode.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *mode;
static int is_begun;
static sem_t begun;

static void print_default(const char *when) {
  pthread_attr_t attributes;
  size_t bytes = 0;
  pthread_getattr_default_np(&attributes);
  pthread_attr_getstacksize(&attributes, &bytes);
  printf("default %zu KiB %s\n", bytes / 1024, when);
}

/* Reads one line of a file of a thread of ours. */
static int task_line(const char *thread, const char *file, char *line, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%.16s/%s", thread, file);
  FILE *opened = fopen(path, "r");
  if (!opened)
    return 0;
  int is_read = fgets(line, (int)size, opened) != NULL;
  fclose(opened);
  return is_read;
}

/* Where a thread's stack has got to; 0 for one that has ended. The others come to rest while this one holds up the output. */
static uintptr_t stack_pointer(const char *thread, uintptr_t own) {
  char line[256];
  if (atoi(thread) == gettid())
    return own;
  for (;;) {
    if (!task_line(thread, "syscall", line, sizeof line))
      return 0;
    char *last = strrchr(line, ' ');
    if (last) { /* ... the stack pointer, the instruction pointer */
      *last = 0;
      return (uintptr_t)strtoull(strrchr(line, ' ') + 1, NULL, 16);
    }
    usleep(1000); /* "running" */
  }
}

/* Below a stack lies a page that nobody may touch, so that the mapping begins where the stack ends. */
static size_t left_of_stack(uintptr_t pointer) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  uintptr_t low = 0, high = 0;
  size_t left = 0;
  while (maps && left == 0 && fgets(line, sizeof line, maps))
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &low, &high) == 2 && pointer >= low && pointer < high)
      left = pointer - low;
  if (maps)
    fclose(maps);
  return left;
}

static void print_stacks(void) {
  DIR *tasks = opendir("/proc/self/task");
  struct dirent *entry;
  char name[64];
  while (tasks && (entry = readdir(tasks)))
    if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid()) {
      uintptr_t pointer = stack_pointer(entry->d_name, (uintptr_t)&entry);
      if (pointer && task_line(entry->d_name, "comm", name, sizeof name))
        printf("left %zu KiB %s", left_of_stack(pointer) / 1024, name);
    }
  if (tasks)
    closedir(tasks);
}

static int64_t take(void *user, const uint8_t *data, uint64_t size_bytes) {
  (void)user;
  (void)data;
  if (is_begun)
    return (int64_t)size_bytes;
  is_begun = 1;
  if (strcmp(mode, "stacks") == 0)
    print_stacks();
  if (strcmp(mode, "crash") == 0)
    *(volatile int *)user = 1;
  sem_post(&begun);
  return (int64_t)size_bytes;
}

int main(int argc, char **argv) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  mt_transcode_io io = {.struct_size = sizeof io, .write = take};
  int32_t code = 0;
  if (argc < 3)
    return 2;
  mode = argv[1];
  sem_init(&begun, 0, 0);
  mt_transcode_engine_config_init(&config, sizeof config);
  if (strcmp(mode, "crash") == 0)
    config.flags |= MT_TRANSCODE_ENGINE_CRASH_REPORTS;
  print_default("before");
  if (mt_transcode_engine_new(&config, &engine, &error) < 0 || mt_transcode_job_new(engine, &job) < 0)
    return 2;
  print_default("with the engine");
  if (mt_transcode_job_bind_io(job, "out", &io) < 0 || mt_transcode_job_set_args(job, argc - 2, (const char *const *)(argv + 2)) < 0 ||
    mt_transcode_job_start(job) < 0)
    return 2;
  if (strcmp(mode, "cancel") == 0) {
    sem_wait(&begun);
    fflush(stdout);
    mt_transcode_engine_dump(engine, STDOUT_FILENO);
    mt_transcode_job_cancel(job);
  }
  if (mt_transcode_job_wait(job, 60000, &code) < 0)
    return 2;
  printf("code %" PRId32 "\n", code);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
  return 0;
}
