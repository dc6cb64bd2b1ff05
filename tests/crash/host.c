/* A host in C: host REPORT HANDLER LABEL ARGS... runs one job with crash reports appended to REPORT.
 * HANDLER: "default", or "own": a handler of the host's, installed before the engine, which says that it ran and ends the process with 42. */
#define _GNU_SOURCE
#include <mt_transcode/mt_transcode.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void own_handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  char text[96];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(text, sizeof text, "the host's handler: signal %d code %d at %lld ns\n", signal, info->si_code,
                        (long long)now.tv_sec * 1000000000 + now.tv_nsec);
  if (write(STDERR_FILENO, text, (size_t)length) != length) _exit(43);
  _exit(42);
}

static void check(int32_t code, const char *what) {
  if (code >= 0) return;
  fprintf(stderr, "%s: %d\n", what, (int)code);
  exit(1);
}

static void install_own_handlers(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = own_handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  if (strcmp(argv[2], "own") == 0) install_own_handlers();
  mt_transcode_engine_config config;
  check(mt_transcode_engine_config_init(&config, sizeof config), "config_init");
  if (strcmp(argv[1], "-") != 0) {
    config.flags |= MT_TRANSCODE_ENGINE_CRASH_REPORTS;
    config.crash_path = argv[1];
  }
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  check(mt_transcode_engine_new(&config, &engine, NULL), "engine_new");
  check(mt_transcode_job_new(engine, &job), "job_new");
  check(mt_transcode_job_set_label(job, argv[3]), "set_label");
  check(mt_transcode_job_set_call_site(job, "host.c: main"), "set_call_site");
  check(mt_transcode_job_set_args(job, argc - 4, (const char *const *)argv + 4), "set_args");
  check(mt_transcode_job_start(job), "start");
  int32_t result = 0;
  check(mt_transcode_job_wait(job, 60000, &result), "wait");
  fprintf(stderr, "the job ended with %d\n", (int)result);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
  return result == 0 ? 0 : 3;
}
