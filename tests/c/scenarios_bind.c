/* Scenarios s47 and s48: pipes are bound to names, wrongly too. */
#include "memory.h"

static int64_t no_read(void *user, uint8_t *buffer, uint64_t size_bytes) {
  (void)user, (void)buffer, (void)size_bytes;
  return 0;
}

static void count_release(void *user) { ++*(int *)user; }

/* The job is refused at the start with EOPTION, and the error names `part`. */
static void refused_at_start(mt_transcode_job *job, const char *part) {
  CHECK_EQUAL(mt_transcode_job_start(job), MT_TRANSCODE_EOPTION);
  CHECK_ERROR(job, MT_TRANSCODE_EOPTION, -1, -1, part);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_NEW);
  mt_transcode_job_free(job);
}

static void check_names(mt_transcode_job *job, mt_transcode_pipe *pipe) {
  const char *bad[] = {"", "a/b", "a b", "a:b", "\xc3\xa4", "0123456789012345678901234567890123456789012345678901234567890123_"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK_EQUAL(mt_transcode_job_bind_pipe(job, bad[i], pipe, MT_TRANSCODE_SIDE_READ), -EINVAL);
  }
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, NULL, pipe, MT_TRANSCODE_SIDE_READ), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in\xff", pipe, MT_TRANSCODE_SIDE_READ), -EILSEQ);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", pipe, 0), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", pipe, 3), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", NULL, MT_TRANSCODE_SIDE_READ), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", (mt_transcode_pipe *)job, MT_TRANSCODE_SIDE_READ), -EBADF);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(NULL, "in", pipe, MT_TRANSCODE_SIDE_READ), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_pipe((mt_transcode_job *)pipe, "in", pipe, MT_TRANSCODE_SIDE_READ), -EBADF);
}

/* A bind that is refused does not call release; one that holds does so when the job is freed. */
static void check_structs(mt_transcode_engine *engine) {
  int releases = 0;
  mt_transcode_io io = {.struct_size = sizeof io, .user = &releases, .read = no_read, .release = count_release};
  mt_transcode_store store = {.struct_size = sizeof store, .user = &releases, .release = count_release};
  mt_transcode_job *job = NULL;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  CHECK_EQUAL(mt_transcode_job_bind_store(job, "store", &store), -EINVAL); /* no open, write and close */
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "a/b", &io), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "io", NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_bind_store(job, "io", NULL), -EINVAL);
  io.struct_size = 8;
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "io", &io), -EINVAL);
  io.struct_size = sizeof io;
  io.reserved32 = 1;
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "io", &io), -EINVAL);
  io.reserved32 = 0;
  io.read = NULL;
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "io", &io), -EINVAL); /* it can neither be read nor written */
  io.read = no_read;
  CHECK_EQUAL(releases, 0);
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "io", &io), 0);
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "io", &io), -EEXIST);
  CHECK_EQUAL(releases, 0);
  mt_transcode_job_free(job);
  CHECK_EQUAL(releases, 1);
}

static void check_taken(mt_transcode_engine *engine) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *other = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, COPY_TS, in, out), *second = NULL;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &second), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", other, MT_TRANSCODE_SIDE_READ), -EEXIST);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "again", in, MT_TRANSCODE_SIDE_READ), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(second, "in", in, MT_TRANSCODE_SIDE_READ), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(second, "out", out, MT_TRANSCODE_SIDE_WRITE), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_read(in, NULL, 1, 0), -EINVAL);
  start(job);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "late", other, MT_TRANSCODE_SIDE_READ), -EBUSY);
  CHECK_EQUAL(mt_transcode_pipe_write(out, (const uint8_t *)"x", 1, 0), -EBUSY); /* the job's side */
  CHECK_EQUAL(mt_transcode_pipe_read(in, (uint8_t[1]){0}, 1, 0), -EBUSY);
  mt_transcode_job_free(job);
  mt_transcode_job_free(second);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(other);
  mt_transcode_pipe_free(out);
}

static void check_starts(mt_transcode_engine *engine) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  mt_transcode_job *job;
  refused_at_start(new_piped_job(engine, COPY_TS, in, NULL), "out");
  refused_at_start(new_piped_job(engine, COPY_TS, NULL, out), "in");
  refused_at_start(new_piped_job(engine, ARGS("-i", "mt:in", "-f", "null", "-"), in, out), "out"); /* bound, and not used */
  job = new_job(engine, COPY_TS);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", in, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "out", out, MT_TRANSCODE_SIDE_WRITE), 0);
  refused_at_start(job, "in");
  job = new_piped_job(engine, ARGS("-i", "mt:in", "-f", "mpegts", "mt:in"), in, NULL); /* one name for both ends */
  refused_at_start(job, "in");
  refused_at_start(new_piped_job(engine, ARGS("-i", ts_path(), "-c", "copy", "mt:out"), NULL, out), "out"); /* no ending to guess from */
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

/* One job writes what another one reads. */
static void check_chain(mt_transcode_engine *engine) {
  mt_transcode_pipe *between = new_pipe(engine, 65536), *out = new_pipe(engine, 65536);
  mt_transcode_job *first = new_piped_job(engine, ARGS("-i", ts_path(), "-c", "copy", "-f", "mpegts", "mt:out"), NULL, between);
  mt_transcode_job *second = new_piped_job(engine, COPY_TS, between, out);
  struct bytes result = {0};
  start(first);
  start(second);
  CHECK_EQUAL(read_to_end(out, 0, &result), 0);
  CHECK_EQUAL(result_of(first), 0);
  CHECK_EQUAL(result_of(second), 0);
  CHECK(result.size > ts_clip()->size / 2 && result.size % 188 == 0);
  free_bytes(&result);
  mt_transcode_job_free(first);
  mt_transcode_job_free(second);
  mt_transcode_pipe_free(between);
  mt_transcode_pipe_free(out);
}

static void s47_bind(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 0);
  mt_transcode_job *job = NULL;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  check_names(job, pipe);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(pipe);
  check_structs(engine);
  check_taken(engine);
  check_starts(engine);
  check_chain(engine);
  LEAVE(engine);
}

/* The pipe that the job reads, or writes, is freed in the middle. */
static void free_one(mt_transcode_engine *engine, bool its_input) {
  mt_transcode_pipe *in = new_pipe(engine, 4096), *out = new_pipe(engine, 4096);
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, in, out);
  struct feeder feeder = {.pipe = in, .data = long_clip()->data, .size = long_clip()->size / 2, .stays_open = true};
  struct collector collector = {.pipe = out};
  uint8_t buffer[188];
  start(job);
  start_feeder(&feeder);
  CHECK_EQUAL(mt_transcode_pipe_read(out, buffer, sizeof buffer, patience_ms()), sizeof buffer);
  if (its_input) {
    start_collector(&collector);
    join_feeder(&feeder);
    mt_transcode_pipe_free(in);
    join_collector(&collector);
    CHECK_EQUAL(collector.result, -EPIPE);
    CHECK(collector.bytes.size > 0);
    free_bytes(&collector.bytes);
  } else {
    mt_transcode_pipe_free(out);
  }
  CHECK_EQUAL(result_of(job), -EPIPE);
  if (!its_input) join_feeder(&feeder);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

/* Before the job starts a freed pipe is a bind of nothing. */
static void free_before_start(mt_transcode_engine *engine) {
  mt_transcode_pipe *in = new_pipe(engine, 0), *out = new_pipe(engine, 0);
  mt_transcode_job *job = new_piped_job(engine, COPY_SOON, in, out);
  int32_t code;
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
  code = mt_transcode_job_start(job);
  if (code == 0) code = result_of(job);
  CHECK_EQUAL(code, -EPIPE);
  mt_transcode_job_free(job);
}

static void s48_free_while_bound(void) {
  mt_transcode_engine *engine = new_engine();
  free_one(engine, true);
  free_one(engine, false);
  free_before_start(engine);
  LEAVE(engine);
}

const struct test_case bind_tests[] = {
    {"s47_bind", s47_bind},
    {"s48_free_while_bound", s48_free_while_bound},
    {NULL, NULL},
};
