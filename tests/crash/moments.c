/* What a host may do in the middle of a job: moments WHAT REPORT LIBRARY ARGS... loads the library, starts a job with crash reports appended to REPORT, and does it.
 * WHAT: "free": frees the job when the file that MT_GATE names is there; "fork": forks, and the child asks about the job; "exec": becomes another program; "unload": closes the library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <mt_transcode/mt_transcode.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *library;

static uintptr_t function(const char *name) {
  void *found = dlsym(library, name);
  if (found == NULL) exit(9);
  return (uintptr_t)found;
}

#define CALL(name) ((__typeof__(mt_transcode_##name) *)function("mt_transcode_" #name))

static void check(int32_t code, const char *what) {
  if (code >= 0) return;
  fprintf(stderr, "%s: %d\n", what, (int)code);
  exit(1);
}

static mt_transcode_job *started(mt_transcode_engine *engine, int count, char **args) {
  mt_transcode_job *job = NULL;
  check(CALL(job_new)(engine, &job), "job_new");
  check(CALL(job_set_label)(job, "a moment"), "set_label"); /* which its threads' names end with */
  check(CALL(job_set_args)(job, count, (const char *const *)args), "set_args");
  check(CALL(job_start)(job), "start");
  while (CALL(job_state)(job) != MT_TRANSCODE_STATE_RUNNING && CALL(job_wait)(job, 1, NULL) == -ETIMEDOUT) continue;
  return job;
}

static int result_of(mt_transcode_job *job) {
  int32_t result = 0;
  check(CALL(job_wait)(job, 60000, &result), "wait");
  return result;
}

/* In the child an old handle is refused; nothing there ends what the parent runs. */
static void fork_and_ask(mt_transcode_job *job, mt_transcode_engine *engine) {
  pid_t child = fork();
  if (child == 0) {
    int is_refused = CALL(job_state)(job) == -EPERM && CALL(job_cancel)(job) == -EPERM;
    CALL(job_free)(job);
    CALL(engine_free)(engine);
    exit(is_refused ? 0 : 7); /* with what the C library does at exit */
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "the child ended with %d\n", status);
    exit(8);
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  const char *what = argv[1];
  library = dlopen(argv[3], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return 2;
  mt_transcode_engine_config config;
  check(CALL(engine_config_init)(&config, sizeof config), "config_init");
  config.flags |= MT_TRANSCODE_ENGINE_CRASH_REPORTS;
  config.crash_path = argv[2];
  mt_transcode_engine *engine = NULL;
  check(CALL(engine_new)(&config, &engine, NULL), "engine_new");
  mt_transcode_job *job = started(engine, argc - 4, argv + 4);
  int result = 0;
  if (strcmp(what, "free") == 0) {
    while (access(getenv("MT_GATE"), F_OK) != 0 && CALL(job_wait)(job, 1, NULL) == -ETIMEDOUT) continue; /* its thread is where it will crash */
    CALL(job_free)(job);
    char *again[] = {"-f", "lavfi", "-i", "testsrc2=d=0.1", "-c", "copy", "-f", "null", "-"};
    job = started(engine, 9, again);
  }
  if (strcmp(what, "fork") == 0) fork_and_ask(job, engine);
  if (strcmp(what, "exec") == 0) {
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    return 6;
  }
  if (strcmp(what, "unload") == 0) {
    __typeof__(mt_transcode_job_wait) *wait_for = CALL(job_wait);
    __typeof__(mt_transcode_job_free) *free_job = CALL(job_free);
    __typeof__(mt_transcode_engine_free) *free_engine = CALL(engine_free);
    if (dlclose(library) != 0) return 5;
    check(wait_for(job, 60000, &result), "wait");
    free_job(job);
    free_engine(engine);
    return result == 0 ? 0 : 3;
  }
  result = result_of(job);
  CALL(job_free)(job);
  CALL(engine_free)(engine);
  fprintf(stderr, "the last job ended with %d\n", result);
  return result == 0 ? 0 : 3;
}
