/* Scenarios s31 and s38: pipes that cannot be, and handles that are none. */
#define _GNU_SOURCE
#include "memory.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The code that a pipe of this configuration gives. */
static int32_t make_and_free(mt_transcode_engine *engine, const mt_transcode_pipe_config *config) {
  mt_transcode_pipe *pipe = NULL;
  int32_t code = mt_transcode_pipe_new(engine, config, &pipe);
  CHECK((code == 0) == (pipe != NULL));
  mt_transcode_pipe_free(pipe);
  return code;
}

static int32_t make(mt_transcode_engine *engine, uint64_t capacity, uint32_t chunk, int32_t flush, uint32_t high_water) {
  mt_transcode_pipe_config config;
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  config.capacity_bytes = capacity;
  config.chunk_bytes = chunk;
  config.flush_interval_ms = flush;
  config.high_water_percent = high_water;
  return make_and_free(engine, &config);
}

struct newer_config {
  mt_transcode_pipe_config known;
  uint64_t unknown;
};

static void check_sizes(mt_transcode_engine *engine) {
  struct newer_config newer = {0};
  mt_transcode_pipe_config config;
  mt_transcode_pipe_stats_data stats = {.struct_size = 4};
  mt_transcode_pipe *pipe = new_pipe(engine, 0);
  CHECK_EQUAL(mt_transcode_pipe_stats(pipe, &stats), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_stats(pipe, NULL), -EINVAL);
  mt_transcode_pipe_free(pipe);
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, 4), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_config_init(NULL, sizeof config), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  CHECK_EQUAL(config.struct_size, sizeof config);
  CHECK_EQUAL(config.flush_interval_ms, 40);
  newer.known = config;
  newer.known.struct_size = sizeof newer;
  CHECK_EQUAL(make_and_free(engine, &newer.known), 0);
  newer.unknown = 1;
  CHECK_EQUAL(make_and_free(engine, &newer.known), -E2BIG);
  config.reserved[3] = 1;
  CHECK_EQUAL(make_and_free(engine, &config), -EINVAL);
  config.reserved[3] = 0;
  config.struct_size = sizeof config - 1;
  CHECK_EQUAL(make_and_free(engine, &config), -EINVAL);
}

static void s31_pipe_config(void) {
  const uint64_t gib = 1u << 30;
  mt_transcode_engine *engine = new_budget_engine(0, UINT64_MAX);
  CHECK_EQUAL(make_and_free(engine, NULL), 0);
  CHECK_EQUAL(make(engine, 0, 0, 40, 0), 0);
  CHECK_EQUAL(make(engine, 4096, 512, 0, 1), 0);
  CHECK_EQUAL(make(engine, 4096, 4096, MT_TRANSCODE_FLUSH_CHUNKS, 100), 0);
  CHECK_EQUAL(make(engine, gib, 0, 1, 50), 0);
  CHECK_EQUAL(make(engine, gib, (uint32_t)gib, 1, 50), 0);
  CHECK_EQUAL(make(engine, 4096, 0, 0, 0), 0); /* the default chunk gives way to a small capacity */
  for (size_t i = 0; i < 6; i++) {
    const uint64_t absurd[] = {1, 4095, gib + 1, 1ull << 40, 1ull << 63, UINT64_MAX};
    CHECK_EQUAL(make(engine, absurd[i], 512, 0, 0), -EINVAL);
  }
  CHECK_EQUAL(make(engine, 0, 511, 0, 0), -EINVAL);
  CHECK_EQUAL(make(engine, 8192, 8193, 0, 0), -EINVAL);
  CHECK_EQUAL(make(engine, 0, UINT32_MAX, 0, 0), -EINVAL);
  CHECK_EQUAL(make(engine, 0, 0, -2, 0), -EINVAL);
  CHECK_EQUAL(make(engine, 0, 0, INT32_MIN, 0), -EINVAL);
  CHECK_EQUAL(make(engine, 0, 0, 0, 101), -EINVAL);
  check_sizes(engine);
  CHECK_EQUAL(mt_transcode_pipe_new(engine, NULL, NULL), -EINVAL);
  LEAVE(engine);
}

/* Every function that takes a pipe refuses `pipe` with `code`, and writes nothing. */
static void check_bad_pipe(mt_transcode_pipe *pipe, int32_t code) {
  mt_transcode_pipe_stats_data stats = {.struct_size = sizeof stats};
  uint8_t byte = 0, *region = NULL;
  const uint8_t *seen = NULL;
  uint64_t size = 77;
  char *json = NULL;
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, &byte, 1, 0), code);
  CHECK_EQUAL(mt_transcode_pipe_read(pipe, &byte, 1, 0), code);
  CHECK_EQUAL(mt_transcode_pipe_acquire(pipe, 0, &region, &size), code);
  CHECK_EQUAL(mt_transcode_pipe_commit(pipe, 0), code);
  CHECK_EQUAL(mt_transcode_pipe_peek(pipe, 0, &seen, &size), code);
  CHECK_EQUAL(mt_transcode_pipe_consume(pipe, 0), code);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, 0), code);
  CHECK_EQUAL(mt_transcode_pipe_close_read(pipe), code);
  CHECK_EQUAL(mt_transcode_pipe_readable_fd(pipe), code);
  CHECK_EQUAL(mt_transcode_pipe_writable_fd(pipe), code);
  CHECK_EQUAL(mt_transcode_pipe_watch(pipe, MT_TRANSCODE_READY_READABLE), code);
  CHECK_EQUAL(mt_transcode_pipe_stats(pipe, &stats), code);
  CHECK_EQUAL(mt_transcode_pipe_probe(pipe, NULL, 0, 0, &json, NULL), code);
  CHECK(region == NULL && seen == NULL && size == 77 && json == NULL);
  mt_transcode_pipe_free(pipe);
}

static int32_t call_in_child(mt_transcode_pipe *pipe) {
  uint8_t byte = 0;
  const int64_t found[] = {mt_transcode_pipe_write(pipe, &byte, 1, 0), mt_transcode_pipe_read(pipe, &byte, 1, 0),
                           mt_transcode_pipe_close_write(pipe, 0), mt_transcode_pipe_close_read(pipe),
                           mt_transcode_pipe_readable_fd(pipe), mt_transcode_pipe_watch(pipe, MT_TRANSCODE_READY_WRITABLE)};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
    if (found[i] != -EPERM) return (int32_t)found[i];
  }
  mt_transcode_pipe_free(pipe);
  return -EPERM;
}

static void check_fork(mt_transcode_pipe *pipe) {
  int32_t found = 0;
  int ends[2], status = 0;
  pid_t child;
  REQUIRE(pipe != NULL && pipe2(ends, 0) == 0);
  child = fork();
  if (child == 0) {
    found = call_in_child(pipe);
    if (write(ends[1], &found, sizeof found) < 0) raise(SIGABRT);
    raise(SIGKILL);
  }
  close(ends[1]);
  CHECK(read(ends[0], &found, sizeof found) == (ssize_t)sizeof found);
  close(ends[0]);
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(found, -EPERM);
  CHECK_EQUAL(pipe_stats(pipe).closed, 0); /* the parent's is as before */
}

static void s38_pipe_handles(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 0);
  check_bad_pipe(NULL, -EINVAL);
  check_bad_pipe((mt_transcode_pipe *)engine, -EBADF);
  CHECK_EQUAL(mt_transcode_engine_set_limits((mt_transcode_engine *)pipe, 1, 1), -EBADF);
  CHECK_EQUAL(mt_transcode_pipe_new(NULL, NULL, &pipe), -EINVAL);
  CHECK_EQUAL(mt_transcode_pipe_new((mt_transcode_engine *)pipe, NULL, &pipe), -EBADF);
  check_fork(pipe);
  mt_transcode_pipe_free(pipe);
  check_bad_pipe(pipe, -EBADF);
  pipe = new_pipe(engine, 0);
  mt_transcode_engine_free(engine); /* a pipe may outlive its engine */
  CHECK_EQUAL(mt_transcode_engine_set_limits(engine, 1, 1), -EBADF);
  mt_transcode_pipe_free(pipe);
  check_bad_pipe(pipe, -EBADF);
}

const struct test_case pipe_misuse_tests[] = {
    {"s31_pipe_config", s31_pipe_config},
    {"s38_pipe_handles", s38_pipe_handles},
    {NULL, NULL},
};
