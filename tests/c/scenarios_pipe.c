/* Scenarios s30, s32 and s33: a pipe by itself, with the host at both ends. */
#include "memory.h"

static const uint8_t *text(const char *text) { return (const uint8_t *)text; }

static void check_full_and_empty(mt_transcode_pipe *pipe) {
  static uint8_t zeros[8192];
  uint8_t buffer[8192];
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), -EAGAIN);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 1), -ETIMEDOUT);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, zeros, 4000, 0), 4000);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, zeros, sizeof zeros, 0), 96);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, zeros, 1, 0), -EAGAIN);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, zeros, 1, 1), -ETIMEDOUT);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, NULL, 0, -1), 0);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, 10, 0), 10);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, zeros, sizeof zeros, 1), 10); /* a part, when the time is over */
  CHECK_EQUAL(pipe_stats(pipe).fill_bytes, 4096);
  CHECK_EQUAL(pipe_stats(pipe).high_water_bytes, 4096);
  for (int64_t left = 4096, count; left > 0; left -= count) {
    count = mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0);
    if (!CHECK(count > 0)) return;
  }
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), -EAGAIN);
}

static void s30_pipe_bytes(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 4096);
  uint8_t buffer[64] = {0};
  CHECK_EQUAL(engine_stats(engine).pipes, 1);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, NULL, 0, 0), 0);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, NULL, 0, -1), 0); /* blocks for nothing */
  for (const char *letter = "letters"; *letter != '\0'; letter++) CHECK_EQUAL(mt_transcode_pipe_write(pipe, text(letter), 1, -1), 1);
  CHECK_EQUAL(engine_stats(engine).queued_bytes, 7);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, 3, -1), 3);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer + 3, sizeof buffer - 3, -1), 4);
  CHECK(strcmp((char *)buffer, "letters") == 0);
  check_full_and_empty(pipe);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, NULL, 1, 0), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, NULL, 1, 0), -EINVAL);
  CHECK_EQUAL(pipe_stats(pipe).struct_size, sizeof(mt_transcode_pipe_stats_data));
  CHECK_EQUAL(pipe_stats(pipe).capacity_bytes, 4096);
  CHECK_EQUAL(pipe_stats(pipe).chunk_bytes, 4096);
  CHECK_EQUAL(pipe_stats(pipe).written_bytes, 7 + 4000 + 96 + 10);
  CHECK_EQUAL(pipe_stats(pipe).read_bytes, pipe_stats(pipe).written_bytes);
  CHECK(pipe_stats(pipe).writes >= 10);
  CHECK(pipe_stats(pipe).reads >= 4);
  CHECK(pipe_stats(pipe).empty_us > 0);
  CHECK_EQUAL(pipe_stats(pipe).closed, 0);
  mt_transcode_pipe_free(pipe);
  LEAVE(engine);
}

/* What was written comes out, then `code`, twice. */
static void check_end(mt_transcode_pipe *pipe, const char *written, int32_t code) {
  uint8_t buffer[64] = {0};
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, -1), strlen(written));
  CHECK(strcmp((char *)buffer, written) == 0);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, -1), code);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), code);
}

static void check_codes(mt_transcode_engine *engine, int32_t code) {
  mt_transcode_pipe *pipe = new_pipe(engine, 0);
  const uint8_t *region = NULL;
  uint64_t size = 77;
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("before"), 6, 0), 6);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, 1), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, code), 0);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, -EPERM), -EALREADY);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("after"), 5, 0), -EPIPE);
  CHECK_EQUAL(pipe_stats(pipe).closed, 1);
  check_end(pipe, "before", code);
  CHECK_EQUAL(mt_transcode_pipe_peek(pipe, -1, &region, &size), code);
  CHECK_EQUAL(size, code == 0 ? 0 : 77);
  CHECK_EQUAL(mt_transcode_pipe_close_read(pipe), 0);
  CHECK_EQUAL(pipe_stats(pipe).closed, 3);
  mt_transcode_pipe_free(pipe);
}

static void s32_pipe_ends(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 0);
  uint8_t buffer[8];
  uint8_t *region = NULL;
  uint64_t size = 0;
  check_codes(engine, 0);
  check_codes(engine, -EIO);
  check_codes(engine, MT_TRANSCODE_ELIMIT);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("lost"), 4, 0), 4);
  CHECK_EQUAL(mt_transcode_pipe_close_read(pipe), 0);
  CHECK_EQUAL(mt_transcode_pipe_close_read(pipe), -EALREADY);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("more"), 4, -1), -EPIPE);
  CHECK_EQUAL(mt_transcode_pipe_acquire(pipe, -1, &region, &size), -EPIPE);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), -EPIPE);
  CHECK_EQUAL(pipe_stats(pipe).closed, 2);
  CHECK_EQUAL(engine_stats(engine).queued_bytes, 0);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, 0), 0);
  mt_transcode_pipe_free(pipe);
  LEAVE(engine);
}

static void check_acquire(mt_transcode_pipe *pipe) {
  uint8_t *region = NULL, *second = NULL;
  uint64_t size = 0, other = 0;
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 0), -EINVAL); /* nothing was acquired */
  REQUIRE_EQUAL(mt_transcode_pipe_acquire(pipe, 0, &region, &size), 0);
  REQUIRE(region != NULL && size >= 1);
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, size + 1), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("x"), 1, 0), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_acquire(pipe, 0, &second, &other), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 0), 0); /* given back */
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 0), -EINVAL);
  CHECK_EQUAL(pipe_stats(pipe).fill_bytes, 0);
  REQUIRE_EQUAL(mt_transcode_pipe_acquire(pipe, 0, &region, &size), 0);
  REQUIRE(size >= 5);
  for (int i = 0; i < 5; i++) region[i] = text("hello")[i];
  CHECK_EQUAL(pipe_stats(pipe).fill_bytes, 0); /* not before the commit */
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 5), 0);
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 1), -EINVAL);
  CHECK_EQUAL(pipe_stats(pipe).fill_bytes, 5);
}

static void check_peek(mt_transcode_pipe *pipe) {
  const uint8_t *region = NULL, *second = NULL;
  uint64_t size = 0, other = 0;
  uint8_t buffer[8] = {0};
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 1), -EINVAL); /* nothing was looked at */
  REQUIRE_EQUAL(mt_transcode_pipe_peek(pipe, 0, &region, &size), 0);
  REQUIRE_EQUAL(size, 5);
  CHECK(memcmp(region, "hello", 5) == 0);
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 6), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_peek(pipe, 0, &second, &other), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 2), 0);
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 0), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, buffer, sizeof buffer, 0), 3);
  CHECK(memcmp(buffer, "llo", 3) == 0);
  CHECK_EQUAL(mt_transcode_pipe_peek(pipe, 0, &region, &size), -EAGAIN);
  CHECK_EQUAL(mt_transcode_pipe_peek(pipe, 1, &region, &size), -ETIMEDOUT);
}

/* The whole ring by regions, several times round. */
static void check_regions_go_round(mt_transcode_pipe *pipe) {
  uint8_t next_in = 0, next_out = 0, *region;
  const uint8_t *seen;
  uint64_t size;
  for (int i = 0; i < 100; i++) {
    REQUIRE_EQUAL(mt_transcode_pipe_acquire(pipe, 0, &region, &size), 0);
    if (size > 1000) size = 1000;
    for (uint64_t j = 0; j < size; j++) region[j] = next_in++;
    CHECK_EQUAL(mt_transcode_pipe_commit(pipe, size), 0);
    REQUIRE_EQUAL(mt_transcode_pipe_peek(pipe, 0, &seen, &size), 0);
    for (uint64_t j = 0; j < size; j++) {
      if (!CHECK_EQUAL(seen[j], next_out)) return;
      next_out++;
    }
    CHECK_EQUAL(mt_transcode_pipe_consume(pipe, size), 0);
  }
  CHECK(pipe_stats(pipe).written_bytes > 3 * pipe_stats(pipe).capacity_bytes);
}

/* A region that is out outlives the pipe: it is valid until it is given back. */
static void check_free_while_out(mt_transcode_engine *engine) {
  mt_transcode_pipe *pipe = new_pipe(engine, 4096);
  const uint8_t *seen = NULL;
  uint8_t *region = NULL;
  uint64_t size = 0, room = 0;
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("hello"), 5, 0), 5);
  REQUIRE_EQUAL(mt_transcode_pipe_peek(pipe, 0, &seen, &size), 0);
  REQUIRE_EQUAL(mt_transcode_pipe_acquire(pipe, 0, &region, &room), 0);
  mt_transcode_pipe_free(pipe);
  memset(region, 'x', room);
  CHECK(size == 5 && memcmp(seen, "hello", 5) == 0);
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, text("x"), 1, 0), -EBADF);
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 5), -EBADF);
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, room), -EBADF);
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 0), -EBADF);
}

static void s33_pipe_regions(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 4096);
  const uint8_t *region = NULL;
  uint64_t size = 77;
  check_acquire(pipe);
  check_peek(pipe);
  check_regions_go_round(pipe);
  CHECK_EQUAL(mt_transcode_pipe_acquire(pipe, 0, NULL, &size), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_peek(pipe, 0, &region, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, 0), 0);
  while (mt_transcode_pipe_peek(pipe, 0, &region, &size) == 0 && size > 0) mt_transcode_pipe_consume(pipe, size);
  CHECK_EQUAL(size, 0); /* the end */
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 0), -EINVAL); /* where there is nothing to be given back */
  mt_transcode_pipe_free(pipe);
  check_free_while_out(engine);
  LEAVE(engine);
}

const struct test_case pipe_tests[] = {
    {"s30_pipe_bytes", s30_pipe_bytes},
    {"s32_pipe_ends", s32_pipe_ends},
    {"s33_pipe_regions", s33_pipe_regions},
    {NULL, NULL},
};
