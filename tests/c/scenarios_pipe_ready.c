/* Scenarios s35 and s36: how one waits for pipes without blocking. */
#include "memory.h"

/* Both descriptors say what a call with timeout 0 would. */
static bool descriptors_are(mt_transcode_pipe *pipe, bool to_read, bool to_write) {
  int reading = mt_transcode_pipe_readable_fd(pipe), writing = mt_transcode_pipe_writable_fd(pipe);
  bool ok = CHECK(reading >= 0 && writing >= 0 && reading != writing);
  ok = CHECK_EQUAL(readable(reading, 0), to_read) && ok;
  return CHECK_EQUAL(readable(writing, 0), to_write) && ok;
}

static void fill(mt_transcode_pipe *pipe) {
  static const uint8_t zeros[65536];
  while (mt_transcode_pipe_write(pipe, zeros, sizeof zeros, 0) > 0) {
  }
}

static void check_descriptors(mt_transcode_engine *engine, mt_transcode_pipe *pipe) {
  uint8_t buffer[8192];
  const uint64_t before = engine_stats(engine).descriptors;
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, buffer, 0, 0), 0);
  CHECK(descriptors_are(pipe, false, true));
  CHECK_EQUAL(engine_stats(engine).descriptors, before + 2);
  CHECK_EQUAL(mt_transcode_pipe_readable_fd(pipe), mt_transcode_pipe_readable_fd(pipe));
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(mt_transcode_pipe_write(pipe, (const uint8_t *)"x", 1, 0), 1);
    CHECK(descriptors_are(pipe, true, true));
    fill(pipe);
    CHECK(descriptors_are(pipe, true, false));
    CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, 1, 0), 1);
    CHECK(descriptors_are(pipe, true, false)); /* a writer is not woken for each byte */
    CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, 2047, 0), 2047);
    CHECK(descriptors_are(pipe, true, true)); /* but for half of a small pipe */
    while (mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0) > 0) {
    }
    CHECK(descriptors_are(pipe, false, true));
  }
  CHECK_EQUAL(engine_stats(engine).descriptors, before + 2);
}

static void s35_pipe_descriptors(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *ended = new_pipe(engine, 4096), *left = new_pipe(engine, 4096);
  const int open_before = count_entries("/proc/self/fd");
  check_descriptors(engine, ended);
  CHECK_EQUAL(mt_transcode_pipe_close_write(ended, 0), 0);
  CHECK(descriptors_are(ended, true, true)); /* the end can be read; a write gives -EPIPE, not -EAGAIN */
  fill(left);
  CHECK(descriptors_are(left, true, false));
  CHECK_EQUAL(mt_transcode_pipe_close_read(left), 0);
  CHECK(descriptors_are(left, true, true));
  mt_transcode_pipe_free(ended);
  mt_transcode_pipe_free(left);
  CHECK_EQUAL(engine_stats(engine).descriptors, 0);
  CHECK_EQUAL(count_entries("/proc/self/fd"), open_before);
  LEAVE(engine);
}

/* What comes next out of the engine: `pipe` with `bits`, or (bits 0) nothing. */
static bool comes(mt_transcode_engine *engine, const mt_transcode_pipe *pipe, uint32_t bits) {
  void *handle = NULL;
  uint32_t found = 0;
  int32_t code = mt_transcode_engine_next_ready(engine, &handle, &found);
  if (bits == 0) return CHECK_EQUAL(code, -EAGAIN);
  return CHECK_EQUAL(code, 0) && CHECK(handle == (const void *)pipe) && CHECK_EQUAL(found, bits);
}

static void check_watch(mt_transcode_engine *engine, mt_transcode_pipe *pipe) {
  const uint32_t to_read = MT_TRANSCODE_READY_READABLE, to_write = MT_TRANSCODE_READY_WRITABLE;
  const int descriptor = mt_transcode_engine_event_fd(engine);
  uint8_t buffer[8192];
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, 0), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, MT_TRANSCODE_READY_DONE), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, to_read), 0);
  CHECK(comes(engine, pipe, 0));
  CHECK(!readable(descriptor, 0));
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, (const uint8_t *)"x", 1, 0), 1);
  CHECK(readable(descriptor, patience_ms()));
  CHECK(comes(engine, pipe, to_read));
  CHECK(!readable(descriptor, 0));
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, (const uint8_t *)"y", 1, 0), 1);
  CHECK(comes(engine, pipe, 0)); /* once */
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, to_read), 0);
  CHECK(comes(engine, pipe, to_read)); /* at once */
  fill(pipe);
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, to_write), 0);
  CHECK(comes(engine, pipe, 0));
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, to_read), 0);
  CHECK(comes(engine, pipe, to_read)); /* the other is still watched */
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), 4096);
  CHECK(comes(engine, pipe, to_write));
  CHECK(comes(engine, pipe, 0));
}

static void s36_pipe_watch(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 4096), *freed = new_pipe(engine, 4096);
  check_watch(engine, pipe);
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, MT_TRANSCODE_READY_READABLE), 0);
  CHECK(comes(engine, pipe, 0));
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, 0), 0);
  CHECK(comes(engine, pipe, MT_TRANSCODE_READY_READABLE));
  CHECK_EQUAL(mt_transcode_pipe_watch(freed, MT_TRANSCODE_READY_READABLE), 0);
  CHECK_EQUAL(mt_transcode_pipe_write(freed, (const uint8_t *)"x", 1, 0), 1);
  mt_transcode_pipe_free(freed);
  CHECK(comes(engine, NULL, 0));
  mt_transcode_pipe_free(pipe);
  LEAVE(engine);
}

const struct test_case pipe_ready_tests[] = {
    {"s35_pipe_descriptors", s35_pipe_descriptors},
    {"s36_pipe_watch", s36_pipe_watch},
    {NULL, NULL},
};
