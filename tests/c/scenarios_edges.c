/* Scenarios s69 to s75: where jobs over memory end by other ways, and names and pipes are used twice. */
#include "callbacks.h"

/* A job that waits for its input is stopped: what it has written gets its trailer, and the reader a good end. */
static void s69_stop(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, in, out);
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = long_clip()->size / 2, .stays_open = true};
  struct collector collector = {.pipe = out};
  start(job);
  start_feeder(&feeder);
  start_collector(&collector);
  CHECK(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  join_feeder(&feeder);
  CHECK_EQUAL(mt_transcode_job_stop(job), 0);
  CHECK_EQUAL(result_of(job), 0);
  join_collector(&collector);
  CHECK_EQUAL(collector.result, 0);
  CHECK(collector.bytes.size > 0 && collector.bytes.size % 188 == 0);
  CHECK_EQUAL(mt_transcode_pipe_write(in, feeder.data, 1, 0), -EPIPE);
  free_bytes(&collector.bytes);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

static void end_by_free(mt_transcode_engine *engine, bool of_engine) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, COPY_TS, in, out);
  struct collector collector = {.pipe = out};
  start(job);
  start_collector(&collector);
  CHECK(reaches(job, MT_TRANSCODE_STATE_OPENING));
  if (of_engine) {
    mt_transcode_engine_free(engine);
  } else {
    mt_transcode_job_free(job);
  }
  join_collector(&collector);
  CHECK_EQUAL(collector.result, -ECANCELED);
  CHECK_EQUAL(mt_transcode_pipe_write(in, (const uint8_t *)"x", 1, patience_ms()), -EPIPE);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

static void s70_freed_while_waiting(void) {
  mt_transcode_engine *engine = new_engine();
  end_by_free(engine, false);
  LEAVE(engine);
  end_by_free(new_engine(), true);
}

/* Two outputs, of which one loses its reader: the other one is complete. */
static void s71_one_reader_vanishes(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *in = new_pipe(engine, 0), *first = new_pipe(engine, 4096), *second = new_pipe(engine, 4096);
  mt_transcode_job *job = new_job(engine, ARGS("-f", "mpegts", "-probesize", "100000", "-i", "mt:in", "-c", "copy", "-f", "mpegts",
                                               "mt:first", "-c", "copy", "-f", "mpegts", "mt:second"));
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = long_clip()->size};
  struct collector collector = {.pipe = second};
  uint8_t buffer[188];
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", in, MT_TRANSCODE_SIDE_READ), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "first", first, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "second", second, MT_TRANSCODE_SIDE_WRITE), 0);
  start(job);
  start_feeder(&feeder);
  start_collector(&collector);
  CHECK_EQUAL(mt_transcode_pipe_read(first, buffer, sizeof buffer, patience_ms()), sizeof buffer);
  CHECK_EQUAL(mt_transcode_pipe_close_read(first), 0);
  CHECK_EQUAL(result_of(job), -EPIPE);
  CHECK_ERROR(job, -EPIPE, -1, 0, "mt:first");
  join_feeder(&feeder);
  join_collector(&collector);
  CHECK_EQUAL(collector.result, 0);
  CHECK_SAME(&collector.bytes, long_copy());
  free_bytes(&collector.bytes);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(first);
  mt_transcode_pipe_free(second);
  LEAVE(engine);
}

/* The output is read when the job is over and gone. */
static void s72_read_later(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *out = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, ARGS("-f", "mpegts", "-i", ts_path(), "-c", "copy", "-f", "mpegts", "mt:out"), NULL,
                                        out);
  struct bytes result = {0};
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  mt_transcode_job_free(job);
  CHECK_EQUAL(read_to_end(out, 0, &result), 0);
  CHECK_SAME(&result, ts_copy());
  CHECK_EQUAL(mt_transcode_pipe_close_write(out, 0), -EALREADY);
  free_bytes(&result);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

/* A probe that waits on a thread of its own. */
struct probe {
  mt_transcode_pipe *pipe;
  int32_t code;
  pthread_t thread;
};

static void *wait_in_probe(void *context) {
  struct probe *probe = context;
  char *json = NULL;
  probe->code = mt_transcode_pipe_probe(probe->pipe, NULL, 0, 0, &json, NULL);
  mt_transcode_string_free(json);
  return NULL;
}

static bool is_probed(void *pipe) {
  uint8_t byte;
  return mt_transcode_pipe_read(pipe, &byte, 1, 0) == -EBUSY;
}

static int32_t interrupt_probe(mt_transcode_engine *engine, void (*interrupt)(mt_transcode_pipe *)) {
  struct probe probe = {.pipe = new_pipe(engine, 0)};
  mt_transcode_job *job = new_job(engine, COPY_TS);
  CHECK_EQUAL(pthread_create(&probe.thread, NULL, wait_in_probe, &probe), 0);
  CHECK(eventually(is_probed, probe.pipe));
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", probe.pipe, MT_TRANSCODE_SIDE_READ), -EBUSY);
  interrupt(probe.pipe);
  CHECK_EQUAL(pthread_join(probe.thread, NULL), 0);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(probe.pipe);
  return probe.code;
}

static void close_well(mt_transcode_pipe *pipe) { mt_transcode_pipe_close_write(pipe, 0); }
static void close_with_code(mt_transcode_pipe *pipe) { mt_transcode_pipe_close_write(pipe, -EIO); }

static void s73_probe_is_interrupted(void) {
  mt_transcode_engine *engine = new_engine();
  int32_t code;
  CHECK_EQUAL(interrupt_probe(engine, close_well), MT_TRANSCODE_EDEMUX);
  CHECK_EQUAL(interrupt_probe(engine, close_with_code), -EIO);
  code = interrupt_probe(engine, mt_transcode_pipe_free);
  CHECK(code == -EBADF || code == -EPIPE);
  LEAVE(engine);
}

/* One bind, two inputs or outputs: refused at the start, or with the second one. */
static void refused_twice(mt_transcode_engine *engine, const char *const *args, bool by_io) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  struct memory_io io = {.bytes = *ts_clip()};
  mt_transcode_io bound = input_io(&io);
  mt_transcode_job *job = new_piped_job(engine, args, by_io ? NULL : in, out);
  struct feeder feeder = {.pipe = in, .data = ts_clip()->data, .size = ts_clip()->size};
  struct collector collector = {.pipe = out};
  int32_t code;
  if (by_io) CHECK_EQUAL(mt_transcode_job_bind_io(job, "in", &bound), 0);
  start_feeder(&feeder);
  start_collector(&collector);
  code = mt_transcode_job_start(job);
  if (code == 0) code = result_of(job);
  if (code != MT_TRANSCODE_EOPTION && code != -EBUSY) test_fail(__FILE__, __LINE__, "%s: %d", args[2], code);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  join_feeder(&feeder);
  join_collector(&collector);
  if (by_io) CHECK_RELEASED(&io);
  free_bytes(&collector.bytes);
}

static void s74_names_used_twice(void) {
  mt_transcode_engine *engine = new_engine();
  refused_twice(engine, ARGS("-i", "mt:in", "-i", "mt:in", "-map", "0", "-map", "1", "-c", "copy", "-f", "mpegts", "mt:out"), false);
  refused_twice(engine, ARGS("-i", "mt:in", "-i", "mt:in", "-map", "0", "-map", "1", "-c", "copy", "-f", "mpegts", "mt:out"), true);
  refused_twice(engine, ARGS("-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out", "-c", "copy", "-f", "mpegts", "mt:out"), false);
  LEAVE(engine);
}

/* What a job holds back for a moment is announced by the descriptor when its time comes, without a read that waits. */
static void s75_held_bytes_are_announced(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = NULL;
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = 400000, .stays_open = true};
  mt_transcode_job *job;
  mt_transcode_pipe_config config;
  uint8_t buffer[65536];
  int turns = 0;
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  config.capacity_bytes = 8 << 20;
  config.chunk_bytes = 4 << 20; /* never full */
  REQUIRE_EQUAL(mt_transcode_pipe_new(engine, &config, &out), 0);
  job = new_piped_job(engine, COPY_SOON, in, out);
  start(job);
  start_feeder(&feeder);
  CHECK(readable(mt_transcode_pipe_readable_fd(out), patience_ms()));
  CHECK(mt_transcode_pipe_read(out, buffer, sizeof buffer, 0) > 0);
  join_feeder(&feeder);
  while (mt_transcode_pipe_read(out, buffer, sizeof buffer, 0) > 0) turns++;
  CHECK_EQUAL(mt_transcode_pipe_watch(out, MT_TRANSCODE_READY_READABLE), 0);
  CHECK_EQUAL(mt_transcode_pipe_close_write(in, 0), 0);
  CHECK(readable(mt_transcode_engine_event_fd(engine), patience_ms()));
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

const struct test_case edge_tests[] = {
    {"s69_stop", s69_stop},
    {"s70_freed_while_waiting", s70_freed_while_waiting},
    {"s71_one_reader_vanishes", s71_one_reader_vanishes},
    {"s72_read_later", s72_read_later},
    {"s73_probe_is_interrupted", s73_probe_is_interrupted},
    {"s74_names_used_twice", s74_names_used_twice},
    {"s75_held_bytes_are_announced", s75_held_bytes_are_announced},
    {NULL, NULL},
};
