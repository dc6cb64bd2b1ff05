/* start: from a process that has nothing of the library to the end of its first jobs.
 *
 *     start LIBRARY FROM TO FORMAT [steps]
 *
 * loads the library, makes an engine, and remuxes the file. With "steps" it does so a second time, and prints a line: seconds of dlopen, of
 * engine_new, of the first job, of the second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "bench.h"

/* What is used of the library. */
static struct {
  __typeof__(&mt_transcode_engine_new) engine_new;
  __typeof__(&mt_transcode_engine_free) engine_free;
  __typeof__(&mt_transcode_job_new) job_new;
  __typeof__(&mt_transcode_job_set_args) job_set_args;
  __typeof__(&mt_transcode_job_start) job_start;
  __typeof__(&mt_transcode_job_wait) job_wait;
  __typeof__(&mt_transcode_job_free) job_free;
} mt;

/* POSIX says that a pointer to an object holds one to a function; ISO C knows no conversion. */
#define FIND(library, name) *(void **)&mt.name = dlsym(library, "mt_transcode_" #name)

static void load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) die("%s", dlerror());
  FIND(library, engine_new);
  FIND(library, engine_free);
  FIND(library, job_new);
  FIND(library, job_set_args);
  FIND(library, job_start);
  FIND(library, job_wait);
  FIND(library, job_free);
}

static void must(int32_t code, const char *what) {
  if (code < 0) die("%s: %d", what, (int)code);
}

static void run_job(mt_transcode_engine *of, char **words) {
  const char *const args[] = {"-y", "-v", "error", "-i", words[0], "-map", "0", "-c", "copy", "-f", words[2], words[1]};
  mt_transcode_job *job = NULL;
  int32_t result = 0;
  must(mt.job_new(of, &job), "job_new");
  must(mt.job_set_args(job, sizeof args / sizeof args[0], args), "job_set_args");
  must(mt.job_start(job), "job_start");
  must(mt.job_wait(job, -1, &result), "job_wait");
  must(result, "the job");
  mt.job_free(job);
}

int main(int argc, char **argv) {
  mt_transcode_engine *of = NULL;
  double times[5];
  if (argc < 5) die("usage: start LIBRARY FROM TO FORMAT [steps]");
  times[0] = now_seconds();
  load(argv[1]);
  times[1] = now_seconds();
  must(mt.engine_new(NULL, &of, NULL), "engine_new");
  times[2] = now_seconds();
  run_job(of, argv + 2);
  times[3] = now_seconds();
  if (argc > 5) {
    run_job(of, argv + 2);
    times[4] = now_seconds();
    for (size_t i = 0; i < 4; i++) printf("%.6f ", times[i + 1] - times[i]);
    printf("\n");
  }
  mt.engine_free(of);
  return 0;
}
