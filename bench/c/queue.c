/* queue: how long an engine takes for many jobs that are handed to it at once.
 *
 *     queue JOBS MAX_RUNNING THREADS_PER_JOB ARGUMENT ...
 *
 * The arguments are those of an ffmpeg command line, the same for each job. MAX_RUNNING and THREADS_PER_JOB are those of
 * mt_transcode_engine_config, 0 being the defaults. Who starts it measures. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "bench.h"

enum { MAX_JOBS = 1000 };

static void make_engine(uint32_t max_running, uint32_t threads_per_job) {
  mt_transcode_engine_config config;
  mt_transcode_engine_config_init(&config, sizeof config);
  config.max_running = max_running;
  config.threads_per_job = threads_per_job;
  if (max_running > 0) config.memory_budget_bytes = UINT64_MAX; /* jobs wait for max_running only */
  config.log_mode = MT_TRANSCODE_LOG_TAKE;
  check(mt_transcode_engine_new(&config, &engine, NULL), "engine_new");
}

static mt_transcode_job *start_job(int count, const char *const *args) {
  mt_transcode_job *job = NULL;
  check(mt_transcode_job_new(engine, &job), "job_new");
  check_job(mt_transcode_job_set_args(job, count, args), job, "job_set_args");
  check_job(mt_transcode_job_start(job), job, "job_start");
  return job;
}

static void end_job(mt_transcode_job *job) {
  int32_t result = 0;
  check(mt_transcode_job_wait(job, -1, &result), "job_wait");
  check_job(result, job, "the job");
  mt_transcode_job_free(job);
}

int main(int argc, char **argv) {
  static mt_transcode_job *jobs[MAX_JOBS];
  if (argc < 5) die("usage: queue JOBS MAX_RUNNING THREADS_PER_JOB ARGUMENT ...");
  size_t count = strtoul(argv[1], NULL, 10);
  if (count == 0 || count > MAX_JOBS) die("%zu jobs", count);
  make_engine((uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
  for (size_t i = 0; i < count; i++) jobs[i] = start_job(argc - 4, (const char *const *)argv + 4);
  for (size_t i = 0; i < count; i++) end_job(jobs[i]);
  mt_transcode_engine_free(engine);
  return 0;
}
