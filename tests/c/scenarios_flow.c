/* Scenarios s39 to s46: bytes go into a job and come out of it. */
#include "memory.h"

/* Copies the clip from pipe to pipe, fed and read in steps, and compares with what files give. */
static void round_trip(mt_transcode_engine *engine, uint64_t capacity, size_t feed_step, size_t read_step) {
  mt_transcode_pipe *in = new_pipe(engine, capacity), *out = new_pipe(engine, capacity);
  mt_transcode_job *job = new_piped_job(engine, COPY_TS, in, out);
  struct feeder feeder = {.pipe = in, .data = ts_clip()->data, .size = ts_clip()->size, .step = feed_step};
  struct bytes result = {0};
  start(job);
  start_feeder(&feeder);
  CHECK_EQUAL(read_to_end(out, read_step, &result), 0);
  join_feeder(&feeder);
  CHECK_EQUAL(feeder.result, 0);
  CHECK_EQUAL(feeder.written, ts_clip()->size);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_SAME(&result, ts_copy());
  CHECK_EQUAL(pipe_stats(in).read_bytes, ts_clip()->size);
  CHECK_EQUAL(pipe_stats(out).written_bytes, ts_copy()->size);
  free_bytes(&result);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

static void s39_round_trip(void) {
  mt_transcode_engine *engine = new_engine();
  round_trip(engine, 0, 0, 0);
  round_trip(engine, 4096, 1000, 777);
  round_trip(engine, 65536, 188, 65536);
  LEAVE(engine);
}

static void s40_bytewise(void) {
  mt_transcode_engine *engine = new_engine();
  round_trip(engine, 4096, 1, 1);
  round_trip(engine, 0, 1, 1);
  LEAVE(engine);
}

/* Runs the copy over the first `size` bytes, ended by `code`; what came out is put into `result`. */
static int32_t copy_part(mt_transcode_engine *engine, size_t size, int32_t code, struct bytes *result, int64_t *end) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, COPY_TS, in, out);
  struct feeder feeder = {.pipe = in, .data = ts_clip()->data, .size = size, .step = 4000, .code = code};
  int32_t ended;
  start(job);
  start_feeder(&feeder);
  *end = read_to_end(out, 0, result);
  join_feeder(&feeder);
  ended = result_of(job);
  if (code < 0) CHECK_ERROR(job, code, 0, -1, "mt:in");
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  return ended;
}

static void s41_producer_stops(void) {
  mt_transcode_engine *engine = new_engine();
  struct bytes first = {0}, again = {0}, tiny = {0};
  int64_t end = 0;
  const size_t half = ts_clip()->size / 2 + 77; /* not at the border of a packet */
  CHECK_EQUAL(copy_part(engine, half, 0, &first, &end), 0);
  CHECK_EQUAL(end, 0);
  CHECK(first.size > half / 2 && first.size % 188 == 0);
  CHECK_EQUAL(copy_part(engine, half, 0, &again, &end), 0);
  CHECK_SAME(&again, &first);
  CHECK_EQUAL(copy_part(engine, 0, 0, &tiny, &end), MT_TRANSCODE_EDEMUX); /* no byte at all */
  CHECK_EQUAL(end, MT_TRANSCODE_EDEMUX);
  CHECK_EQUAL(tiny.size, 0);
  free_bytes(&first);
  free_bytes(&again);
  free_bytes(&tiny);
  LEAVE(engine);
}

static void s42_producer_fails(void) {
  const int32_t codes[] = {-EIO, MT_TRANSCODE_ELIMIT, -ECONNRESET};
  mt_transcode_engine *engine = new_engine();
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    const size_t sizes[] = {0, 100, ts_clip()->size / 2, ts_clip()->size};
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
      struct bytes result = {0};
      int64_t end = 0;
      CHECK_EQUAL(copy_part(engine, sizes[j], codes[i], &result, &end), codes[i]);
      CHECK_EQUAL(end, codes[i]);
      free_bytes(&result);
    }
  }
  LEAVE(engine);
}

static void s43_consumer_vanishes(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *in = new_pipe(engine, 4096), *out = new_pipe(engine, 4096);
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, in, out);
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = long_clip()->size};
  uint8_t buffer[188];
  start(job);
  start_feeder(&feeder);
  CHECK_EQUAL(mt_transcode_pipe_read(out, buffer, sizeof buffer, patience_ms()), sizeof buffer);
  CHECK_EQUAL(mt_transcode_pipe_close_read(out), 0);
  CHECK_EQUAL(result_of(job), -EPIPE);
  CHECK_ERROR(job, -EPIPE, -1, 0, "mt:out");
  join_feeder(&feeder);
  CHECK_EQUAL(feeder.result, -EPIPE);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

static bool both_are_full(void *context) {
  mt_transcode_pipe **pipes = context;
  for (int i = 0; i < 2; i++) {
    if (pipe_stats(pipes[i]).fill_bytes < 4096) return false;
  }
  return true;
}

/* Reads to the end slowly: after each read it looks at what waits in the engine. */
static void read_slowly(mt_transcode_engine *engine, mt_transcode_pipe *out, struct bytes *into) {
  uint8_t buffer[2000];
  uint64_t most = 0;
  int64_t count;
  while ((count = mt_transcode_pipe_read(out, buffer, sizeof buffer, patience_ms())) > 0) {
    uint64_t now = engine_stats(engine).queued_bytes;
    append(into, buffer, (size_t)count);
    if (now > most) most = now;
    if (into->size < 100000) rest();
  }
  CHECK_EQUAL(count, 0);
  CHECK(most > 0 && most <= 2 * 4096);
}

static void s44_slow_consumer(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipes[] = {new_pipe(engine, 4096), new_pipe(engine, 4096)};
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, pipes[0], pipes[1]);
  struct feeder feeder = {.pipe = pipes[0], .data = long_clip()->data, .size = long_clip()->size};
  struct bytes result = {0};
  start(job);
  start_feeder(&feeder);
  CHECK(eventually(both_are_full, pipes));
  CHECK(engine_stats(engine).queued_bytes <= 2 * 4096);
  read_slowly(engine, pipes[1], &result);
  join_feeder(&feeder);
  CHECK_EQUAL(feeder.result, 0);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_SAME(&result, long_copy());
  CHECK(pipe_stats(pipes[0]).full_us > 0);
  CHECK(pipe_stats(pipes[1]).full_us > 0);
  free_bytes(&result);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(pipes[0]);
  mt_transcode_pipe_free(pipes[1]);
  LEAVE(engine);
}

/* Pulls events until one of `type`; NULL where there is none. */
static mt_transcode_event *next_of_type(mt_transcode_job *job, uint32_t type) {
  mt_transcode_event *event = NULL;
  while (mt_transcode_job_next_event(job, patience_ms(), &event) == 0) {
    if (event->event_type == type) return event;
    mt_transcode_event_free(event);
  }
  return NULL;
}

static void s45_high_water(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe_config config;
  mt_transcode_pipe *out = NULL;
  mt_transcode_event *event;
  struct bytes result = {0};
  mt_transcode_job *job;
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  config.capacity_bytes = 8192;
  config.chunk_bytes = 1024;
  config.flush_interval_ms = 0;
  config.high_water_percent = 50;
  REQUIRE_EQUAL(mt_transcode_pipe_new(engine, &config, &out), 0);
  job = new_piped_job(engine, ARGS("-i", ts_path(), "-c", "copy", "-f", "mpegts", "mt:out"), NULL, out);
  start(job);
  event = next_of_type(job, MT_TRANSCODE_EVENT_PIPE_HIGH_WATER);
  if (CHECK(event != NULL)) {
    CHECK_EQUAL(event->file_index, -1);
    CHECK(strcmp(event->text, "out") == 0);
    CHECK(event->size_bytes >= 4096 && event->size_bytes <= 8192);
  }
  mt_transcode_event_free(event);
  CHECK_EQUAL(read_to_end(out, 0, &result), 0);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_SAME(&result, ts_copy());
  free_bytes(&result);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

static mt_transcode_pipe *flushed_pipe(mt_transcode_engine *engine, int32_t flush_interval_ms) {
  mt_transcode_pipe_config config;
  mt_transcode_pipe *pipe = NULL;
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  config.chunk_bytes = 16384;
  config.flush_interval_ms = flush_interval_ms;
  CHECK_EQUAL(mt_transcode_pipe_new(engine, &config, &pipe), 0);
  return pipe;
}

/* Feeds half of the clip and looks what reaches the reader before the other half is written. */
static void check_flush(mt_transcode_engine *engine, int32_t flush_interval_ms) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = flushed_pipe(engine, flush_interval_ms);
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, in, out);
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = long_clip()->size / 2, .stays_open = true};
  struct feeder second = {.pipe = in, .data = feeder.data + feeder.size, .size = long_clip()->size - feeder.size};
  struct collector collector = {.pipe = out};
  struct bytes result = {0};
  uint8_t buffer[65536];
  int64_t count;
  start(job);
  start_feeder(&feeder);
  count = mt_transcode_pipe_read(out, buffer, sizeof buffer, patience_ms());
  if (CHECK(count > 0)) append(&result, buffer, (size_t)count);
  if (flush_interval_ms == MT_TRANSCODE_FLUSH_CHUNKS) CHECK_EQUAL(pipe_stats(out).written_bytes % 16384, 0);
  start_collector(&collector);
  join_feeder(&feeder);
  start_feeder(&second);
  join_feeder(&second);
  join_collector(&collector);
  CHECK_EQUAL(collector.result, 0);
  CHECK_EQUAL(result_of(job), 0);
  append(&result, collector.bytes.data, collector.bytes.size);
  CHECK_SAME(&result, long_copy());
  free_bytes(&result);
  free_bytes(&collector.bytes);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

static void s46_flush(void) {
  mt_transcode_engine *engine = new_engine();
  check_flush(engine, 0);
  check_flush(engine, 1);
  check_flush(engine, 1000);
  check_flush(engine, MT_TRANSCODE_FLUSH_CHUNKS);
  LEAVE(engine);
}

const struct test_case flow_tests[] = {
    {"s39_round_trip", s39_round_trip},
    {"s40_bytewise", s40_bytewise},
    {"s41_producer_stops", s41_producer_stops},
    {"s42_producer_fails", s42_producer_fails},
    {"s43_consumer_vanishes", s43_consumer_vanishes},
    {"s44_slow_consumer", s44_slow_consumer},
    {"s45_high_water", s45_high_water},
    {"s46_flush", s46_flush},
    {NULL, NULL},
};
