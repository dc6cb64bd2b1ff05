#define _GNU_SOURCE
/* Scenarios s49 to s51 and s65: jobs over pipes are ended from outside: by a cancel, a limit of time, a limit of memory. */
#include "memory.h"

#include <stdlib.h>

/* Waits until the output pipe is full, or (no output) the job runs; then cancels. */
static bool is_full(void *pipe) { return pipe_stats(pipe).fill_bytes == pipe_stats(pipe).capacity_bytes; }

static void cancel_while_reading(mt_transcode_engine *engine) {
  mt_transcode_pipe *in = new_pipe(engine, 4096), *out = new_pipe(engine, 4096);
  mt_transcode_job *job = new_piped_job(engine, COPY_TS, in, out);
  struct bytes result = {0};
  uint8_t byte = 0;
  start(job);
  CHECK(reaches(job, MT_TRANSCODE_STATE_OPENING));
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(result_of(job), -ECANCELED);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_CANCELLED);
  CHECK_EQUAL(mt_transcode_pipe_write(in, &byte, 1, patience_ms()), -EPIPE);
  CHECK_EQUAL(read_to_end(out, 0, &result), -ECANCELED);
  free_bytes(&result);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

static void cancel_while_writing(mt_transcode_engine *engine) {
  mt_transcode_pipe *in = new_pipe(engine, 4096), *out = new_pipe(engine, 4096);
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, in, out);
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = long_clip()->size};
  struct bytes result = {0};
  start(job);
  start_feeder(&feeder);
  CHECK(eventually(is_full, out));
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(result_of(job), -ECANCELED);
  join_feeder(&feeder);
  CHECK_EQUAL(feeder.result, -EPIPE);
  CHECK_EQUAL(read_to_end(out, 0, &result), -ECANCELED);
  CHECK(result.size >= 4096); /* what was there before */
  free_bytes(&result);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

static void s49_cancel(void) {
  mt_transcode_engine *engine = new_engine();
  cancel_while_reading(engine);
  cancel_while_writing(engine);
  LEAVE(engine);
}

/* Writes the same megabyte again and again, until the pipe says -EPIPE or `most` bytes went. */
struct endless {
  mt_transcode_pipe *pipe;
  const uint8_t *data;
  uint64_t most;
  int64_t result;
  pthread_t thread;
};

static void *write_endlessly(void *context) {
  struct endless *endless = context;
  uint64_t written = 0;
  do {
    endless->result = mt_transcode_pipe_write(endless->pipe, endless->data, 1 << 20, patience_ms());
    written += 1 << 20;
  } while (endless->result > 0 && written < endless->most);
  mt_transcode_pipe_close_write(endless->pipe, 0);
  return NULL;
}

static bool has_read_much(void *pipe) { return pipe_stats(pipe).read_bytes > 8 << 20; }

/* The result of a job that reads `data` again and again; `most` bytes at most, and cancelled after some where that is asked. */
static int32_t read_endless(mt_transcode_engine *engine, const uint8_t *data, const char *const *args, uint64_t most, bool cancel) {
  mt_transcode_pipe *in = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, args, in, NULL);
  struct endless endless = {.pipe = in, .data = data, .most = most};
  int32_t result;
  start(job);
  CHECK_EQUAL(pthread_create(&endless.thread, NULL, write_endlessly, &endless), 0);
  if (cancel) {
    CHECK(eventually(has_read_much, in));
    CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  }
  result = result_of(job);
  CHECK_EQUAL(pthread_join(endless.thread, NULL), 0);
  if (most == UINT64_MAX) CHECK_EQUAL(endless.result, -EPIPE);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  return result;
}

static void s50_endless_input(void) {
  mt_transcode_engine *engine = new_engine();
  const char *const *raw = ARGS("-f", "rawvideo", "-video_size", "64x48", "-pixel_format", "gray", "-i", "mt:in", "-f", "null", "-");
  const char *const *guessed = ARGS("-i", "mt:in", "-c", "copy", "-f", "null", "-");
  const char *const *ts = ARGS("-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "null", "-");
  uint8_t *data = calloc(1, 1 << 20);
  uint32_t state = 1;
  int32_t result;
  REQUIRE(data != NULL);
  CHECK_EQUAL(read_endless(engine, data, raw, UINT64_MAX, true), -ECANCELED);
  CHECK_EQUAL(read_endless(engine, data, raw, 4 << 20, false), 0); /* any bytes are raw video */
  CHECK_EQUAL(read_endless(engine, data, guessed, UINT64_MAX, false), MT_TRANSCODE_EDEMUX);
  CHECK_EQUAL(read_endless(engine, data, ts, UINT64_MAX, true), -ECANCELED); /* FFmpeg looks for a packet without end */
  CHECK_EQUAL(read_endless(engine, data, ts, 8 << 20, false), MT_TRANSCODE_EDEMUX);
  for (int i = 0; i < 1 << 20; i++) data[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
  CHECK_EQUAL(read_endless(engine, data, raw, UINT64_MAX, true), -ECANCELED);
  CHECK_EQUAL(read_endless(engine, data, ts, UINT64_MAX, true), -ECANCELED);
  CHECK_EQUAL(read_endless(engine, data, ts, 8 << 20, false), MT_TRANSCODE_EDEMUX);
  result = read_endless(engine, data, guessed, 64 << 20, false); /* FFmpeg finds music in noise */
  CHECK(result == MT_TRANSCODE_EDEMUX || result == 0);
  free(data);
  LEAVE(engine);
}

static void s51_queue_timeout(void) {
  mt_transcode_engine *engine = new_budget_engine(1, 0);
  mt_transcode_job *running = start_job(engine, ENDLESS), *queued;
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  struct bytes result = {0};
  CHECK(reaches(running, MT_TRANSCODE_STATE_RUNNING));
  queued = new_piped_job(engine, COPY_TS, in, out);
  start(queued);
  CHECK_EQUAL(result_of(queued), -ETIMEDOUT);
  CHECK_ERROR(queued, -ETIMEDOUT, -1, -1, "queue");
  CHECK_EQUAL(mt_transcode_job_state(queued), MT_TRANSCODE_STATE_FAILED);
  CHECK_EQUAL(mt_transcode_pipe_write(in, (const uint8_t *)"x", 1, patience_ms()), -EPIPE);
  CHECK_EQUAL(read_to_end(out, 0, &result), -ETIMEDOUT);
  CHECK_EQUAL(mt_transcode_job_state(running), MT_TRANSCODE_STATE_RUNNING);
  mt_transcode_job_free(queued);
  mt_transcode_job_free(running);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

static int32_t make_pipe(mt_transcode_engine *engine, uint64_t capacity, mt_transcode_pipe **pipe_out) {
  mt_transcode_pipe_config config;
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  config.capacity_bytes = capacity;
  return mt_transcode_pipe_new(engine, &config, pipe_out);
}

static void s65_memory_budget(void) {
  const uint64_t mib = 1 << 20;
  mt_transcode_engine *engine = new_budget_engine(0, 4 * mib);
  mt_transcode_pipe *first = NULL, *second = NULL;
  CHECK_EQUAL(engine_stats(engine).memory_budget_bytes, 4 * mib);
  CHECK_EQUAL(make_pipe(engine, 64 * mib, &first), MT_TRANSCODE_ELIMIT);
  CHECK(first == NULL);
  CHECK_EQUAL(make_pipe(engine, 3 * mib, &first), 0);
  CHECK(engine_stats(engine).memory_reserved_bytes >= 3 * mib);
  CHECK_EQUAL(make_pipe(engine, 3 * mib, &second), -EAGAIN);
  CHECK(second == NULL);
  mt_transcode_pipe_free(first);
  CHECK_EQUAL(engine_stats(engine).memory_reserved_bytes, 0);
  CHECK_EQUAL(make_pipe(engine, 3 * mib, &second), 0);
  mt_transcode_pipe_free(second);
  LEAVE(engine);
  engine = new_budget_engine(0, UINT64_MAX);
  CHECK_EQUAL(make_pipe(engine, 64 * mib, &first), 0);
  mt_transcode_pipe_free(first);
  LEAVE(engine);
}

/* What a dump says, up to `size` bytes. */
static void dump(mt_transcode_engine *engine, char *text, size_t size) {
  FILE *file = tmpfile();
  REQUIRE(file != NULL);
  CHECK_EQUAL(mt_transcode_engine_dump(engine, fileno(file)), 0);
  rewind(file);
  text[fread(text, 1, size - 1, file)] = 0;
  fclose(file);
}

static void s84_dump(void) {
  static char text[1 << 20];
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *running = start_job(engine, ENDLESS);
  CHECK(reaches(running, MT_TRANSCODE_STATE_RUNNING));
  dump(engine, text, sizeof text);
  CHECK_CONTAINS(text, "mt-transcode dump 1\n");
  CHECK_CONTAINS(text, "state: running");
  CHECK_CONTAINS(text, "testsrc2=s=128x96");
  CHECK_CONTAINS(text, "end of dump\n");
  CHECK_EQUAL(mt_transcode_engine_dump(engine, -1), -EBADF);
  CHECK_EQUAL(mt_transcode_engine_dump(NULL, 2), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_state(running), MT_TRANSCODE_STATE_RUNNING);
  mt_transcode_job_free(running);
  LEAVE(engine);
}

const struct test_case limit_tests[] = {
    {"s49_cancel", s49_cancel},
    {"s50_endless_input", s50_endless_input},
    {"s51_queue_timeout", s51_queue_timeout},
    {"s65_memory_budget", s65_memory_budget},
    {"s84_dump", s84_dump},
    {NULL, NULL},
};
