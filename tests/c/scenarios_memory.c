/* Scenarios s77 to s82: whole inputs and outputs in memory, and an engine that is quiet about events. */
#include <stdatomic.h>

#include "memory.h"

#define FASTSTART ARGS("-i", "mt:in", "-c", "copy", "-movflags", "+faststart", "-f", "mp4", "mt:out")

static void count(void *user) { atomic_fetch_add((atomic_int *)user, 1); }

/* A job of `args` with the clip of `bytes` as mt:in, borrowed where `releases` is not NULL, and mt:out as a buffer. */
static mt_transcode_job *new_memory_job(mt_transcode_engine *engine, const char *const *args, const struct bytes *bytes,
                                        atomic_int *releases, uint64_t limit_bytes) {
  mt_transcode_job *job = new_job(engine, args);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", bytes->data, bytes->size, releases != NULL ? count : NULL, releases), 0);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "out", limit_bytes), 0);
  return job;
}

/* Takes mt:out; it is not freed before the bytes were looked at. */
static struct bytes take(mt_transcode_job *job) {
  struct bytes bytes = {NULL, 0, 0};
  uint8_t *data = NULL;
  uint64_t size = 0;
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", &data, &size), 0);
  append(&bytes, data, (size_t)size);
  mt_transcode_buffer_free(data);
  return bytes;
}

static bool is_released(void *releases) { return atomic_load((atomic_int *)releases) != 0; }

/* Once, and not a second time. */
#define CHECK_ONCE(releases)                     \
  do {                                           \
    CHECK(eventually(is_released, &(releases))); \
    CHECK_EQUAL(atomic_load(&(releases)), 1);    \
  } while (0)

/* What the same job makes from file to file. */
static void check_like_files(mt_transcode_engine *engine, const struct bytes *actual, const char *movflags) {
  struct path path = temporary("like.mp4");
  struct bytes expected;
  CHECK_EQUAL(run(engine, ARGS("-i", clip(), "-c", "copy", "-movflags", movflags, "-f", "mp4", path.text)), 0);
  expected = read_file(path.text);
  CHECK_SAME(actual, &expected);
  free_bytes(&expected);
}

static void s77_memory(void) {
  mt_transcode_engine *engine = new_engine();
  struct bytes input = read_file(clip()), copy = {NULL, 0, 0}, output;
  atomic_int releases = 0;
  /* Copied: the host's bytes may go after the bind. */
  mt_transcode_job *job;
  append(&copy, input.data, input.size);
  job = new_memory_job(engine, FASTSTART, &copy, NULL, 0);
  free_bytes(&copy);
  CHECK(engine_stats(engine).memory_reserved_bytes >= input.size);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  CHECK(engine_stats(engine).memory_reserved_bytes > 0); /* what was written */
  output = take(job);
  CHECK_EQUAL(engine_stats(engine).memory_reserved_bytes, 0);
  mt_transcode_job_free(job);
  check_like_files(engine, &output, "+faststart");
  free_bytes(&output);
  /* Borrowed. */
  job = new_memory_job(engine, ARGS("-i", "mt:in", "-c", "copy", "-f", "mp4", "mt:out"), &input, &releases, 0);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_ONCE(releases);
  output = take(job);
  check_like_files(engine, &output, "0");
  free_bytes(&output);
  mt_transcode_job_free(job);
  free_bytes(&input);
  LEAVE(engine);
}

static void check_memory_refusals(mt_transcode_engine *engine, atomic_int *releases) {
  const uint8_t byte = 0;
  mt_transcode_job *job = new_job(engine, COPY_TS);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", NULL, 1, count, releases), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", &byte, UINT64_MAX, count, releases), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, NULL, &byte, 1, count, releases), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "a b", &byte, 1, count, releases), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "\xff", &byte, 1, count, releases), -EILSEQ);
  CHECK_EQUAL(mt_transcode_job_bind_memory(NULL, "in", &byte, 1, count, releases), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", NULL, 0, NULL, NULL), 0);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", &byte, 1, count, releases), -EEXIST);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "in", 0), -EEXIST);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "", 0), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, NULL, 0), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "out", 0), 0);
  start(job);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "more", 0), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "more", &byte, 1, count, releases), -EBUSY);
  CHECK_EQUAL(result_of(job), MT_TRANSCODE_EDEMUX); /* nothing is no media */
  mt_transcode_job_free(job);
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "out", 0), -EBADF);
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", &byte, 1, count, releases), -EBADF);
  CHECK_EQUAL(atomic_load(releases), 0);
}

/* Memory is read, a buffer is written. */
static void check_wrong_direction(mt_transcode_engine *engine, atomic_int *releases) {
  const uint8_t byte = 0;
  mt_transcode_job *job = new_job(engine, ARGS("-i", clip(), "-c", "copy", "-f", "mpegts", "mt:in"));
  CHECK_EQUAL(mt_transcode_job_bind_memory(job, "in", &byte, 1, count, releases), 0);
  CHECK_EQUAL(mt_transcode_job_start(job), MT_TRANSCODE_EOPTION);
  mt_transcode_job_free(job);
  CHECK_EQUAL(atomic_load(releases), 1); /* a start that was refused */
  job = new_job(engine, ARGS("-i", "mt:out", "-c", "copy", "-f", "mpegts", "pipe:1"));
  CHECK_EQUAL(mt_transcode_job_bind_buffer(job, "out", 0), 0);
  CHECK_EQUAL(mt_transcode_job_start(job), MT_TRANSCODE_EOPTION);
  mt_transcode_job_free(job);
}

static void s78_memory_refusals(void) {
  mt_transcode_engine *engine = new_engine();
  atomic_int releases = 0;
  check_memory_refusals(engine, &releases);
  check_wrong_direction(engine, &releases);
  LEAVE(engine);
}

static void s79_memory_is_taken_once(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = new_memory_job(engine, COPY_TS, ts_clip(), NULL, 0);
  uint8_t *data = NULL;
  uint64_t size = 0;
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", &data, &size), -EBUSY);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "in", &data, &size), -ENOENT);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "other", &data, &size), -ENOENT);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, NULL, &data, &size), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", NULL, &size), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", &data, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", &data, &size), 0);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", &data, &size), -EALREADY);
  mt_transcode_job_free(job);
  CHECK_EQUAL(mt_transcode_job_take_buffer(job, "out", &data, &size), -EBADF);
  CHECK(size == ts_copy()->size && memcmp(data, ts_copy()->data, size) == 0); /* beyond the job */
  mt_transcode_buffer_free(NULL);
  mt_transcode_buffer_free((uint8_t *)&size); /* none */
  mt_transcode_buffer_free(data);
  mt_transcode_buffer_free(data);
  /* One that nobody takes goes with its job. */
  job = new_memory_job(engine, COPY_TS, ts_clip(), NULL, 0);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  CHECK(engine_stats(engine).memory_reserved_bytes > 0);
  mt_transcode_job_free(job);
  CHECK_EQUAL(engine_stats(engine).memory_reserved_bytes, 0);
  LEAVE(engine);
}

static void s80_memory_limit(void) {
  mt_transcode_engine *engine = new_engine();
  atomic_int releases = 0;
  uint64_t limit = 100000;
  mt_transcode_job *job = new_memory_job(engine, COPY_SOON, long_clip(), &releases, limit);
  struct bytes part;
  start(job);
  CHECK_EQUAL(result_of(job), MT_TRANSCODE_ELIMIT);
  CHECK_ERROR(job, MT_TRANSCODE_ELIMIT, -1, 0, "100000");
  part = take(job);
  CHECK(part.size > 0 && part.size <= limit && memcmp(part.data, long_copy()->data, part.size) == 0);
  free_bytes(&part);
  mt_transcode_job_free(job);
  CHECK_ONCE(releases);
  LEAVE(engine);
}

/* On every way that a job can go its input is released once. */
static void s81_memory_is_released_once(void) {
  mt_transcode_engine *engine = new_engine();
  atomic_int never = 0, cancelled_new = 0, cancelled = 0, queued = 0, freed = 0;
  struct bytes part;
  mt_transcode_job *waiting, *job = new_memory_job(engine, COPY_TS, ts_clip(), &never, 0);
  mt_transcode_job_free(job);
  CHECK_EQUAL(atomic_load(&never), 1);
  job = new_memory_job(engine, COPY_TS, ts_clip(), &cancelled_new, 0);
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  part = take(job);
  CHECK_EQUAL(part.size, 0);
  CHECK_ONCE(cancelled_new);
  mt_transcode_job_free(job);
  /* In real time, so that it still runs. */
  CHECK_EQUAL(mt_transcode_engine_set_limits(engine, 1, 0), 0);
  job = new_memory_job(engine, ARGS("-re", "-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"), long_clip(),
                       &cancelled, 0);
  waiting = new_memory_job(engine, COPY_TS, ts_clip(), &queued, 0);
  start(job);
  start(waiting);
  mt_transcode_job_free(waiting);
  CHECK_ONCE(queued);
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(result_of(job), -ECANCELED);
  CHECK_ONCE(cancelled);
  part = take(job);
  free_bytes(&part);
  mt_transcode_job_free(job);
  job = new_memory_job(engine, ARGS("-re", "-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"), long_clip(),
                       &freed, 0);
  start(job);
  mt_transcode_job_free(job);
  CHECK_ONCE(freed);
  LEAVE(engine);
}

/* The bits that the engine tells of `job` next. */
static uint32_t next_bits(mt_transcode_engine *engine, const mt_transcode_job *job) {
  void *ready = NULL;
  uint32_t bits = 0;
  CHECK(readable(mt_transcode_engine_event_fd(engine), patience_ms()));
  CHECK_EQUAL(mt_transcode_engine_next_ready(engine, &ready, &bits), 0);
  CHECK(ready == job);
  return bits;
}

static void s82_quiet_events(void) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  mt_transcode_event *event = NULL;
  mt_transcode_job *job;
  int32_t result = 0;
  CHECK_EQUAL(mt_transcode_engine_config_init(&config, sizeof config), 0);
  config.flags = MT_TRANSCODE_ENGINE_QUIET_EVENTS;
  REQUIRE_EQUAL(mt_transcode_engine_new(&config, &engine, NULL), 0);
  CHECK(mt_transcode_engine_event_fd(engine) >= 0);
  job = new_memory_job(engine, COPY_TS, ts_clip(), NULL, 0);
  start(job);
  CHECK_EQUAL(next_bits(engine, job), MT_TRANSCODE_READY_DONE);
  CHECK_EQUAL(mt_transcode_job_wait(job, 0, &result), 0); /* who was told finds it so */
  mt_transcode_job_free(job);
  job = new_memory_job(engine, COPY_TS, ts_clip(), NULL, 0);
  CHECK_EQUAL(mt_transcode_job_next_event(job, 0, &event), -EAGAIN);
  start(job);
  CHECK(next_bits(engine, job) & MT_TRANSCODE_READY_EVENT);
  CHECK_EQUAL(mt_transcode_job_next_event(job, 0, &event), 0);
  mt_transcode_event_free(event);
  CHECK_EQUAL(result_of(job), 0);
  mt_transcode_job_free(job);
  LEAVE(engine);
}

const struct test_case memory_tests[] = {
    {"s77_memory", s77_memory},
    {"s78_memory_refusals", s78_memory_refusals},
    {"s79_memory_is_taken_once", s79_memory_is_taken_once},
    {"s80_memory_limit", s80_memory_limit},
    {"s81_memory_is_released_once", s81_memory_is_released_once},
    {"s82_quiet_events", s82_quiet_events},
    {NULL, NULL},
};
