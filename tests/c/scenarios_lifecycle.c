/* Scenarios s11 to s13, s19 to s21, s26: jobs begin, wait, end, and leave nothing behind. */
#include "media.h"

static void s11_cancel(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = start_job(engine, ENDLESS);
  CHECK(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  CHECK_EQUAL(mt_transcode_job_wait(job, 0, NULL), -ETIMEDOUT);
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(result_of(job), -ECANCELED);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_CANCELLED);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

/* Pulls events until one of `type`; false where there is none. */
static bool comes(mt_transcode_job *job, uint32_t type) {
  mt_transcode_event *event;
  while (mt_transcode_job_next_event(job, patience_ms(), &event) == 0) {
    bool found = event->event_type == type;
    mt_transcode_event_free(event);
    if (found) return true;
  }
  return false;
}

static void s12_stop(void) {
  mt_transcode_engine *engine = new_engine();
  struct path out = temporary("stopped.mp4");
  char *json;
  mt_transcode_job *job = start_job(engine, ARGS("-re", "-f", "lavfi", "-i", "testsrc2=s=128x96", "-c:v", "libx264", "-preset",
                                                 "ultrafast", out.text));
  CHECK(comes(job, MT_TRANSCODE_EVENT_PROGRESS));
  CHECK_EQUAL(mt_transcode_job_stop(job), 0);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_SUCCEEDED);
  mt_transcode_job_free(job);
  json = probe(engine, out.text);
  CHECK(json_stream(json, "h264") != NULL);
  CHECK(json_duration(json) > 0);
  mt_transcode_string_free(json);
  mt_transcode_engine_free(engine);
}

static mt_transcode_engine_stats_data stats_of(const mt_transcode_engine *engine) {
  mt_transcode_engine_stats_data stats = {.struct_size = sizeof stats};
  CHECK_EQUAL(mt_transcode_engine_stats(engine, &stats), 0);
  return stats;
}

static void s13_queue(void) {
  mt_transcode_engine *engine = new_limited_engine(1, 1, MT_TRANSCODE_LOG_TAKE);
  mt_transcode_job *first = start_job(engine, ENDLESS), *second, *third = new_job(engine, ENDLESS);
  CHECK(reaches(first, MT_TRANSCODE_STATE_RUNNING));
  second = start_job(engine, ENDLESS);
  CHECK_EQUAL(mt_transcode_job_state(second), MT_TRANSCODE_STATE_QUEUED);
  CHECK_EQUAL(mt_transcode_job_start(third), -EAGAIN);
  CHECK_EQUAL(mt_transcode_job_state(third), MT_TRANSCODE_STATE_NEW);
  CHECK_EQUAL(stats_of(engine).jobs_refused, 1);
  CHECK_EQUAL(stats_of(engine).jobs_queued, 1);
  CHECK_EQUAL(stats_of(engine).health, MT_TRANSCODE_HEALTH_FULL);
  CHECK_EQUAL(mt_transcode_job_cancel(first), 0);
  CHECK_EQUAL(result_of(first), -ECANCELED);
  CHECK(reaches(second, MT_TRANSCODE_STATE_RUNNING));
  CHECK_EQUAL(mt_transcode_job_start(third), 0);
  CHECK_EQUAL(mt_transcode_job_state(third), MT_TRANSCODE_STATE_QUEUED);
  CHECK_EQUAL(mt_transcode_engine_set_limits(engine, 2, 1), 0);
  CHECK(reaches(third, MT_TRANSCODE_STATE_RUNNING));
  mt_transcode_job_free(first);
  mt_transcode_job_free(second);
  mt_transcode_job_free(third);
  mt_transcode_engine_free(engine);
}

enum { MANY = 64 };

static void s19_many_at_once(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *jobs[MANY];
  for (int i = 0; i < MANY; i++) jobs[i] = start_job(engine, SMALL);
  for (int i = 0; i < MANY; i++) CHECK_EQUAL(result_of(jobs[i]), 0);
  for (int i = 0; i < MANY; i++) mt_transcode_job_free(jobs[i]);
  CHECK_EQUAL(stats_of(engine).jobs_started, MANY);
  mt_transcode_engine_free(engine);
}

static bool nothing_now(void *engine) {
  mt_transcode_engine_stats_data stats = stats_of(engine);
  return stats.jobs == 0 && stats.jobs_running == 0 && stats.threads == 0 && stats.queued_bytes == 0;
}

static void s20_free_while_running(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = start_job(engine, ENDLESS);
  CHECK(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  CHECK_EQUAL(stats_of(engine).jobs, 1);
  CHECK_EQUAL(stats_of(engine).jobs_running, 1);
  CHECK(stats_of(engine).threads > 0);
  mt_transcode_job_free(job);
  CHECK(eventually(nothing_now, engine));
  mt_transcode_engine_free(engine);
}

static void s21_shutdown(void) {
  mt_transcode_engine *engine = new_limited_engine(1, 4, MT_TRANSCODE_LOG_TAKE);
  mt_transcode_job *early = new_job(engine, SMALL), *running = start_job(engine, ENDLESS), *queued, *late = NULL;
  mt_transcode_shutdown_counts counts = {.struct_size = sizeof counts};
  CHECK(reaches(running, MT_TRANSCODE_STATE_RUNNING));
  queued = start_job(engine, ENDLESS);
  CHECK_EQUAL(mt_transcode_engine_shutdown(engine, 0, &counts), 0);
  CHECK_EQUAL(counts.finished, 0);
  CHECK_EQUAL(counts.stopped, 1);
  CHECK_EQUAL(counts.cancelled, 0);
  CHECK_EQUAL(counts.never_ran, 1);
  CHECK_EQUAL(counts.detached, 0);
  CHECK_EQUAL(result_of(running), 0);
  CHECK_EQUAL(result_of(queued), -ECANCELED);
  CHECK_EQUAL(mt_transcode_job_start(early), -ESHUTDOWN);
  CHECK_EQUAL(mt_transcode_job_new(engine, &late), -ESHUTDOWN);
  CHECK(late == NULL);
  CHECK_EQUAL(mt_transcode_engine_shutdown(engine, 0, NULL), 0);
  CHECK_EQUAL(stats_of(engine).health, MT_TRANSCODE_HEALTH_DEGRADED);
  mt_transcode_job_free(early);
  mt_transcode_job_free(running);
  mt_transcode_job_free(queued);
  mt_transcode_engine_free(engine);
}

static void use_and_leave(bool engine_first) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *done = start_job(engine, SMALL), *running = start_job(engine, ENDLESS), *lost = NULL;
  mt_transcode_job *never = new_job(engine, SMALL);
  char *json = probe(engine, clip());
  CHECK(mt_transcode_engine_event_fd(engine) >= 0);
  CHECK(mt_transcode_job_event_fd(done) >= 0);
  CHECK(mt_transcode_job_event_fd(never) >= 0);
  CHECK_EQUAL(result_of(done), 0);
  CHECK_EQUAL(attempt(engine, ARGS("-i", "/no/such/file", "-f", "null", "-"), &lost), -ENOENT);
  CHECK(reaches(running, MT_TRANSCODE_STATE_RUNNING));
  mt_transcode_string_free(json);
  if (engine_first) {
    mt_transcode_engine_free(engine);
    CHECK_EQUAL(mt_transcode_job_state(running), MT_TRANSCODE_STATE_CANCELLED);
  }
  mt_transcode_job_free(done);
  mt_transcode_job_free(running);
  mt_transcode_job_free(lost);
  mt_transcode_job_free(never);
  mt_transcode_engine_free(engine); /* a second time does nothing */
}

static bool threads_as_before(void *before) { return count_entries("/proc/self/task") <= *(const int *)before; }

static void s26_nothing_left(void) {
  int descriptors, threads;
  clip();
  descriptors = count_entries("/proc/self/fd");
  threads = count_entries("/proc/self/task");
  CHECK(descriptors > 0 && threads > 0);
  use_and_leave(false);
  use_and_leave(true);
  CHECK_EQUAL(count_entries("/proc/self/fd"), descriptors);
  CHECK(eventually(threads_as_before, &threads));
}

const struct test_case lifecycle_tests[] = {
    {"s11_cancel", s11_cancel},
    {"s12_stop", s12_stop},
    {"s13_queue", s13_queue},
    {"s19_many_at_once", s19_many_at_once},
    {"s20_free_while_running", s20_free_while_running},
    {"s21_shutdown", s21_shutdown},
    {"s26_nothing_left", s26_nothing_left},
    {NULL, NULL},
};
