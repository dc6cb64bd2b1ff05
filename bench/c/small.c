/* small: remuxes small files from memory to memory for a while, as often as it can; or probes them.
 *
 * For each line on standard input
 *
 *     VARIANT SECONDS THREADS FILE FORMAT [KEY VALUE]
 *
 * it runs jobs for so many seconds on so many threads, and prints a line: how many jobs, wall seconds, CPU seconds, and the bytes of one
 * output. So a coordinator can let programs take turns while each stays warm. A process in which only loops run has no engine, so
 * nothing of the library stands in their way. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const struct {
  const char *name;
  remux_function *run;
  bool needs_engine;
} variants[] = {
    {"c_loop", remux_by_loop, false},
    {"c_loop_seek", remux_by_seekable_loop, false},
    {"c_pipe", remux_by_pipes, true},
    {"c_io", remux_by_io, true},
    {"c_memory", remux_by_memory, true},
    {"c_probe", probe_file, true},
};

struct slice {
  remux_function *run;
  struct remux remux;
  double end;
};

struct runner {
  const struct slice *slice;
  uint64_t jobs;
  struct sink sink;
};

static void *run_jobs(void *argument) {
  struct runner *runner = argument;
  do {
    runner->sink.size = 0;
    runner->slice->run(&runner->slice->remux, &runner->sink);
    runner->jobs++;
  } while (now_seconds() < runner->slice->end);
  return NULL;
}

static void run_slice(struct slice *slice, double seconds, size_t threads) {
  pthread_t ids[64];
  struct runner runners[64];
  uint64_t jobs = 0;
  size_t output_bytes = 0;
  memset(runners, 0, sizeof runners);
  if (threads == 0 || threads > 64) die("%zu threads", threads);
  double cpu = cpu_seconds();
  double begin = now_seconds();
  slice->end = begin + seconds;
  for (size_t i = 0; i < threads; i++) {
    runners[i].slice = slice;
    if (pthread_create(&ids[i], NULL, run_jobs, &runners[i]) != 0) die("pthread_create");
  }
  for (size_t i = 0; i < threads; i++) {
    pthread_join(ids[i], NULL);
    jobs += runners[i].jobs;
    output_bytes = runners[i].sink.size;
    free(runners[i].sink.data);
  }
  printf("%llu %.6f %.6f %zu\n", (unsigned long long)jobs, now_seconds() - begin, cpu_seconds() - cpu, output_bytes);
  fflush(stdout);
}

static remux_function *variant_named(const char *name) {
  for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
    if (strcmp(variants[i].name, name) != 0) continue;
    if (variants[i].needs_engine && engine == NULL) start_engine(64);
    return variants[i].run;
  }
  die("no variant is named %s", name);
}

int main(void) {
  char line[4096];
  char name[64];
  char path[2048];
  char format[64];
  char key[64];
  char value[128];
  if (getenv("BENCH_PLAIN") == NULL) free_a_large_block();
  while (fgets(line, sizeof line, stdin) != NULL) {
    double seconds = 0;
    size_t threads = 0;
    int fields = sscanf(line, "%63s %lf %zu %2047s %63s %63s %127s", name, &seconds, &threads, path, format, key, value);
    if (fields < 5) die("what is '%s'?", line);
    struct slice slice = {variant_named(name), {load_file(path), path, format, fields > 5 ? key : NULL, value}, 0};
    run_slice(&slice, seconds, threads);
    free(slice.remux.input.data);
  }
  mt_transcode_engine_free(engine);
  return 0;
}
