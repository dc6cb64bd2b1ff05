/* Scenarios s34 and s37: pipes between threads. */
#include "memory.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { READERS = 2, SHARED_BYTES = 1 << 20 };

/* A thread that reads a pipe together with others: each byte's number is in the byte, so that it can be seen where it went. */
struct sharer {
  mt_transcode_pipe *pipe;
  atomic_int *seen; /* how often each value came */
  int64_t result;
  int busy;
  pthread_t thread;
};

static void *share(void *context) {
  struct sharer *sharer = context;
  uint8_t buffer[777];
  for (;;) {
    sharer->result = mt_transcode_pipe_read(sharer->pipe, buffer, sizeof buffer, patience_ms());
    if (sharer->result == -EBUSY) {
      sharer->busy++;
      rest();
      continue;
    }
    if (sharer->result <= 0) return NULL;
    for (int64_t i = 0; i < sharer->result; i++) atomic_fetch_add(&sharer->seen[buffer[i]], 1);
  }
}

static void check_two_readers(mt_transcode_engine *engine) {
  static uint8_t data[SHARED_BYTES];
  static atomic_int seen[256];
  mt_transcode_pipe *pipe = new_pipe(engine, 16384);
  struct feeder feeder = {.pipe = pipe, .data = data, .size = sizeof data, .step = 1000};
  struct sharer sharers[READERS];
  for (int i = 0; i < SHARED_BYTES; i++) data[i] = (uint8_t)i;
  for (int i = 0; i < READERS; i++) {
    sharers[i] = (struct sharer){.pipe = pipe, .seen = seen};
    CHECK_EQUAL(pthread_create(&sharers[i].thread, NULL, share, &sharers[i]), 0);
  }
  start_feeder(&feeder);
  join_feeder(&feeder);
  for (int i = 0; i < READERS; i++) {
    CHECK_EQUAL(pthread_join(sharers[i].thread, NULL), 0);
    CHECK_EQUAL(sharers[i].result, 0);
  }
  CHECK_EQUAL(feeder.written, SHARED_BYTES);
  for (int i = 0; i < 256; i++) CHECK_EQUAL(seen[i], SHARED_BYTES / 256);
  mt_transcode_pipe_free(pipe);
}

/* A call that blocks on a thread of its own. */
struct blocked {
  mt_transcode_pipe *pipe;
  bool writes;
  int64_t result;
  pthread_t thread;
};

static void *block(void *context) {
  struct blocked *blocked = context;
  static const uint8_t zeros[8192];
  uint8_t buffer[16];
  blocked->result = blocked->writes ? mt_transcode_pipe_write(blocked->pipe, zeros, sizeof zeros, patience_ms())
                                    : mt_transcode_pipe_read(blocked->pipe, buffer, sizeof buffer, patience_ms());
  return NULL;
}

static bool is_full(void *pipe) { return pipe_stats(pipe).fill_bytes == 4096; }

/* There is nothing to read, so asking takes nothing away from the thread that waits. */
static bool is_read(void *pipe) {
  uint8_t byte;
  return mt_transcode_pipe_read(pipe, &byte, 1, 0) == -EBUSY;
}

/* Lets a call block. */
static void start_blocked(struct blocked *blocked) {
  CHECK_EQUAL(pthread_create(&blocked->thread, NULL, block, blocked), 0);
  CHECK(eventually(blocked->writes ? is_full : is_read, blocked->pipe));
}

static int64_t join_blocked(struct blocked *blocked) {
  CHECK_EQUAL(pthread_join(blocked->thread, NULL), 0);
  return blocked->result;
}

static void check_blocked_calls(mt_transcode_engine *engine) {
  struct blocked reader = {.pipe = new_pipe(engine, 4096)}, writer = {.pipe = new_pipe(engine, 4096), .writes = true};
  uint8_t byte = 0;
  start_blocked(&reader); /* -EBUSY for a second one is seen there */
  CHECK_EQUAL(mt_transcode_pipe_close_write(reader.pipe, -EIO), 0);
  CHECK_EQUAL(join_blocked(&reader), -EIO);
  start_blocked(&writer);
  CHECK_EQUAL(mt_transcode_pipe_write(writer.pipe, &byte, 1, 0), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_close_read(writer.pipe), 0);
  CHECK_EQUAL(join_blocked(&writer), 4096); /* what went in before; the next write says why */
  CHECK_EQUAL(mt_transcode_pipe_write(writer.pipe, &byte, 1, -1), -EPIPE);
  mt_transcode_pipe_free(reader.pipe);
  mt_transcode_pipe_free(writer.pipe);
}

static void check_closed_by_own_side(mt_transcode_engine *engine) {
  struct blocked reader = {.pipe = new_pipe(engine, 4096)}, writer = {.pipe = new_pipe(engine, 4096), .writes = true};
  int64_t result;
  start_blocked(&reader);
  CHECK_EQUAL(mt_transcode_pipe_close_read(reader.pipe), 0);
  CHECK_EQUAL(join_blocked(&reader), -EPIPE);
  start_blocked(&writer);
  CHECK_EQUAL(mt_transcode_pipe_close_write(writer.pipe, 0), 0);
  result = join_blocked(&writer);
  CHECK(result == 4096 || result == -EPIPE);
  mt_transcode_pipe_free(reader.pipe);
  mt_transcode_pipe_free(writer.pipe);
}

static void check_freed(mt_transcode_engine *engine) {
  struct blocked reader = {.pipe = new_pipe(engine, 4096)}, writer = {.pipe = new_pipe(engine, 4096), .writes = true};
  int64_t result;
  start_blocked(&reader);
  mt_transcode_pipe_free(reader.pipe);
  result = join_blocked(&reader);
  CHECK(result == -EBADF || result == -EPIPE);
  start_blocked(&writer);
  mt_transcode_pipe_free(writer.pipe);
  result = join_blocked(&writer);
  CHECK(result == -EBADF || result == -EPIPE || result == 4096);
}

static void s34_pipe_threads(void) {
  mt_transcode_engine *engine = new_engine();
  check_two_readers(engine);
  check_blocked_calls(engine);
  check_closed_by_own_side(engine);
  check_freed(engine);
  LEAVE(engine);
}

/* A sum that depends on the order of bytes. */
static uint64_t sum_of(uint64_t sum, const uint8_t *data, size_t size) {
  for (size_t i = 0; i < size; i++) sum = (sum ^ data[i]) * 0x100000001b3u;
  return sum;
}

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

struct bulk {
  mt_transcode_pipe *pipe;
  uint64_t total;
  uint64_t moved;
  uint64_t sum;
};

/* Writes and reads in sizes from 1 byte to twice the pipe, mostly large. */
static size_t some_size(uint32_t *state) {
  uint32_t number = next_random(state);
  return number % 8 == 0 ? number / 8 % 100 + 1 : number / 8 % 131072 + 1;
}

static void *write_bulk(void *context) {
  static uint8_t buffer[131072];
  struct bulk *bulk = context;
  uint32_t state = 1;
  for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (uint8_t)next_random(&state);
  while (bulk->moved < bulk->total) {
    size_t size = some_size(&state);
    if (size > bulk->total - bulk->moved) size = bulk->total - bulk->moved;
    buffer[bulk->moved % sizeof buffer] ^= (uint8_t)size;
    if (mt_transcode_pipe_write(bulk->pipe, buffer, size, patience_ms()) != (int64_t)size) break;
    bulk->sum = sum_of(bulk->sum, buffer, size);
    bulk->moved += size;
  }
  mt_transcode_pipe_close_write(bulk->pipe, bulk->moved == bulk->total ? 0 : -EIO);
  return NULL;
}

static void s37_pipe_bulk(void) {
  static uint8_t buffer[131072];
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 65536);
  struct bulk written = {.pipe = pipe, .total = (getenv("MT_TEST_SLOW") ? 8u : 256u) << 20}, read = {.pipe = pipe};
  uint32_t state = 2;
  int64_t count;
  pthread_t thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, write_bulk, &written), 0);
  while ((count = mt_transcode_pipe_read(pipe, buffer, some_size(&state), patience_ms())) > 0) {
    read.sum = sum_of(read.sum, buffer, (size_t)count);
    read.moved += (uint64_t)count;
  }
  CHECK_EQUAL(pthread_join(thread, NULL), 0);
  CHECK_EQUAL(count, 0);
  CHECK_EQUAL(written.moved, written.total);
  CHECK_EQUAL(read.moved, written.total);
  CHECK(read.sum == written.sum);
  CHECK(pipe_stats(pipe).high_water_bytes <= 65536);
  mt_transcode_pipe_free(pipe);
  LEAVE(engine);
}

const struct test_case pipe_thread_tests[] = {
    {"s34_pipe_threads", s34_pipe_threads},
    {"s37_pipe_bulk", s37_pipe_bulk},
    {NULL, NULL},
};
