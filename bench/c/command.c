/* command: runs jobs of this library by the arguments of ffmpeg command lines, or the C loop from file to file, one after another, in a
 * process that stays warm.
 *
 * For each line on standard input, words between tabs,
 *
 *     job ARGUMENT ...
 *     loop INPUT OUTPUT FORMAT
 *
 * it prints a line: wall seconds, CPU seconds, and the most bytes that were resident meanwhile (VmHWM; of the whole process, without what
 * malloc kept of earlier ones). */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { LINE_BYTES = 16384, MAX_WORDS = 256 };

static void run_job(int count, const char *const *args) {
  mt_transcode_job *job = NULL;
  int32_t result = 0;
  check(mt_transcode_job_new(engine, &job), "job_new");
  check_job(mt_transcode_job_set_args(job, count, args), job, "job_set_args");
  check_job(mt_transcode_job_start(job), job, "job_start");
  check(mt_transcode_job_wait(job, -1, &result), "job_wait");
  check_job(result, job, "the job");
  mt_transcode_job_free(job);
}

static unsigned long long highest_resident_bytes(void) {
  char line[256];
  unsigned long long kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "re");
  if (file == NULL) die("cannot read /proc/self/status");
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "VmHWM:", 6) == 0) kilobytes = strtoull(line + 6, NULL, 10);
  }
  fclose(file);
  return kilobytes << 10;
}

static void forget_highest(void) {
  FILE *file = fopen("/proc/self/clear_refs", "we");
  if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) die("cannot reset VmHWM");
}

static int split(char *line, const char **words) {
  int count = 0;
  char *rest = NULL;
  line[strcspn(line, "\n")] = 0;
  for (char *word = strtok_r(line, "\t", &rest); word != NULL; word = strtok_r(NULL, "\t", &rest)) {
    if (count == MAX_WORDS) die("more than %d words", MAX_WORDS);
    words[count++] = word;
  }
  return count;
}

static void run(int count, const char *const *words) {
  if (count > 1 && strcmp(words[0], "job") == 0) {
    run_job(count - 1, words + 1);
  } else if (count == 4 && strcmp(words[0], "loop") == 0) {
    remux_files_by_loop(words[1], words[2], words[3]);
  } else {
    die("usage: job ARGUMENT ... or loop INPUT OUTPUT FORMAT, with tabs between");
  }
}

int main(void) {
  static char line[LINE_BYTES];
  const char *words[MAX_WORDS];
  free_a_large_block();
  while (fgets(line, sizeof line, stdin) != NULL) {
    int count = split(line, words);
    if (count == 0) continue;
    if (strcmp(words[0], "job") == 0 && engine == NULL) start_engine(64);
    malloc_trim(0); /* what malloc kept of the last one is not this one's */
    forget_highest();
    double cpu = cpu_seconds();
    double begin = now_seconds();
    run(count, words);
    printf("%.6f %.6f %llu\n", now_seconds() - begin, cpu_seconds() - cpu, highest_resident_bytes());
    fflush(stdout);
  }
  mt_transcode_engine_free(engine);
  return 0;
}
