/* Scenarios s52 to s55: seekable bytes of the host's, by callbacks that behave and callbacks that do not. */
#include "callbacks.h"

#define COPY_MP4 ARGS("-i", "mt:in", "-c", "copy", "-f", "mp4", "mt:out")

static const struct bytes *mp4_clip(void) {
  static struct bytes bytes;
  if (bytes.size == 0) bytes = read_file(clip());
  return &bytes;
}

/* What the copy makes from file to file. */
static struct bytes mp4_copy(mt_transcode_engine *engine) {
  struct path path = temporary("copy.mp4");
  CHECK_EQUAL(run(engine, ARGS("-i", clip(), "-c", "copy", "-f", "mp4", path.text)), 0);
  return read_file(path.text);
}

static mt_transcode_job *new_io_job(mt_transcode_engine *engine, const char *const *args, struct memory_io *in,
                                    struct memory_io *out) {
  mt_transcode_job *job = new_job(engine, args);
  mt_transcode_io bound;
  if (in != NULL) {
    in->bytes = *mp4_clip(); /* shared: an input is not written */
    bound = input_io(in);
    CHECK_EQUAL(mt_transcode_job_bind_io(job, "in", &bound), 0);
  }
  if (out != NULL) {
    bound = output_io(out);
    CHECK_EQUAL(mt_transcode_job_bind_io(job, "out", &bound), 0);
  }
  return job;
}

static void s52_io(void) {
  mt_transcode_engine *engine = new_engine();
  struct memory_io in = {.fault = FAULT_NONE}, out = {.fault = FAULT_NONE};
  mt_transcode_job *job = new_io_job(engine, COPY_MP4, &in, &out);
  struct bytes expected = mp4_copy(engine);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  mt_transcode_job_free(job);
  CHECK_RELEASED(&in);
  CHECK_RELEASED(&out);
  CHECK_SAME(&out.bytes, &expected);
  free_bytes(&out.bytes);
  free_bytes(&expected);
  LEAVE(engine);
}

/* An io that cannot seek is a stream: MP4 from it needs its index in front, or a buffer. */
static void check_without_seek(mt_transcode_engine *engine) {
  struct memory_io in = {.bytes = *ts_clip()}, out = {.fault = FAULT_NONE};
  mt_transcode_io bound_in = input_io(&in), bound_out = output_io(&out);
  mt_transcode_job *job = new_job(engine, COPY_TS);
  bound_in.seek = NULL;
  bound_in.size = NULL;
  bound_out.seek = NULL;
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "in", &bound_in), 0);
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "out", &bound_out), 0);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  mt_transcode_job_free(job);
  CHECK_RELEASED(&in);
  CHECK_RELEASED(&out);
  CHECK_SAME(&out.bytes, ts_copy());
  free_bytes(&out.bytes);
}

/* An io bound for the direction that it has no callback for. */
static void check_without_direction(mt_transcode_engine *engine) {
  struct memory_io in = {.fault = FAULT_NONE}, out = {.fault = FAULT_NONE};
  mt_transcode_io bound_in = output_io(&in), bound_out = output_io(&out);
  mt_transcode_job *job = new_job(engine, COPY_MP4);
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "in", &bound_in), 0);
  CHECK_EQUAL(mt_transcode_job_bind_io(job, "out", &bound_out), 0);
  CHECK_EQUAL(mt_transcode_job_start(job), MT_TRANSCODE_EOPTION);
  CHECK_ERROR(job, MT_TRANSCODE_EOPTION, -1, -1, "in");
  mt_transcode_job_free(job);
  CHECK_RELEASED(&in);
  CHECK_RELEASED(&out);
}

/* The copy with a fault in its input, or in its output, ends with `expected` (0: any error). */
static void check_fault(mt_transcode_engine *engine, enum fault fault, int32_t code, bool in_output, int32_t expected) {
  struct memory_io in = {.fault = in_output ? FAULT_NONE : fault, .code = code};
  struct memory_io out = {.fault = in_output ? fault : FAULT_NONE, .code = code};
  mt_transcode_job *job = new_io_job(engine, COPY_MP4, &in, &out);
  int32_t result;
  start(job);
  result = result_of(job);
  if (result >= 0 || result == -ETIMEDOUT || (expected != 0 && result != expected)) {
    test_fail(__FILE__, __LINE__, "fault %d with %d: %d %s, expected %d", fault, code, result, mt_transcode_error_name(result),
              expected);
  }
  CHECK_ERROR(job, result, in_output ? -1 : 0, in_output ? 0 : -1, in_output ? "mt:out" : "mt:in");
  mt_transcode_job_free(job);
  CHECK_RELEASED(&in);
  CHECK_RELEASED(&out);
  free_bytes(&out.bytes);
}

/* A size that is not known is none that is needed. */
static void check_without_size(mt_transcode_engine *engine) {
  struct memory_io in = {.fault = FAULT_SIZE_CODE, .code = -EACCES}, out = {.fault = FAULT_NONE};
  mt_transcode_job *job = new_io_job(engine, COPY_MP4, &in, &out);
  start(job);
  CHECK_EQUAL(result_of(job), 0);
  mt_transcode_job_free(job);
  CHECK_RELEASED(&in);
  CHECK_RELEASED(&out);
  free_bytes(&out.bytes);
}

static void s53_io_nonsense(void) {
  mt_transcode_engine *engine = new_engine();
  check_without_size(engine);
  check_without_seek(engine);
  check_without_direction(engine);
  check_fault(engine, FAULT_READ_TOO_MUCH, 0, false, -EINVAL);
  check_fault(engine, FAULT_READ_CODE, -EACCES, false, -EACCES);
  check_fault(engine, FAULT_READ_CODE, MT_TRANSCODE_ELIMIT, false, MT_TRANSCODE_ELIMIT);
  check_fault(engine, FAULT_READ_CODE, -123456789, false, -EIO);
  check_fault(engine, FAULT_READ_CODE, INT32_MIN, false, -EIO);
  check_fault(engine, FAULT_SEEK_CODE, -EACCES, false, -EACCES);
  check_fault(engine, FAULT_SEEK_ELSEWHERE, 0, false, 0);
  check_fault(engine, FAULT_WRITE_TOO_MUCH, 0, true, -EINVAL);
  check_fault(engine, FAULT_WRITE_NOTHING, 0, true, -EINVAL);
  check_fault(engine, FAULT_WRITE_CODE, -ENOSPC, true, -ENOSPC);
  check_fault(engine, FAULT_WRITE_CODE, -123456789, true, -EIO);
  check_fault(engine, FAULT_SEEK_CODE, -EACCES, true, -EACCES);
  check_fault(engine, FAULT_SEEK_ELSEWHERE, 0, true, 0);
  LEAVE(engine);
}

static bool hangs(void *io) { return atomic_load(&((struct memory_io *)io)->hangs); }

static void check_hang(mt_transcode_engine *engine, bool in_output, bool free_it) {
  struct memory_io in = {.fault = in_output ? FAULT_NONE : FAULT_HANG}, out = {.fault = in_output ? FAULT_HANG : FAULT_NONE};
  struct memory_io *hanging = in_output ? &out : &in;
  mt_transcode_job *job = new_io_job(engine, COPY_MP4, &in, &out);
  start(job);
  CHECK(eventually(hangs, hanging));
  if (!free_it) {
    CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
    CHECK_EQUAL(result_of(job), MT_TRANSCODE_EDETACHED);
  }
  mt_transcode_job_free(job);
  CHECK_EQUAL(engine_stats(engine).detached, 1);
  CHECK_EQUAL(atomic_load(&hanging->releases), 0);
  atomic_store(&hanging->let_go, true);
  CHECK_RELEASED(&in);
  CHECK_RELEASED(&out);
  free_bytes(&out.bytes);
}

static void s54_io_never_returns(void) {
  mt_transcode_engine *engine = new_engine();
  check_hang(engine, false, false);
  check_hang(engine, true, false);
  check_hang(engine, false, true);
  LEAVE(engine);
}

/* An input that calls the library about its own job while it is read. */
struct caller {
  struct memory_io io;
  mt_transcode_job *job;
  mt_transcode_engine *engine;
  bool frees;
  atomic_int wait_code;
  atomic_int state;
};

static int64_t read_and_call(void *user, uint8_t *buffer, uint64_t size_bytes) {
  struct caller *caller = user; /* its first member is the io */
  if (atomic_load(&caller->wait_code) == 0) {
    atomic_store(&caller->state, mt_transcode_job_state(caller->job));
    atomic_store(&caller->wait_code, mt_transcode_job_wait(caller->job, -1, NULL));
    if (caller->frees) mt_transcode_job_free(caller->job);
  }
  return input_io(&caller->io).read(&caller->io, buffer, size_bytes);
}

static void check_calls_back(mt_transcode_engine *engine, bool frees) {
  struct caller caller = {.engine = engine, .frees = frees};
  struct memory_io out = {.fault = FAULT_NONE};
  mt_transcode_io bound_in, bound_out = output_io(&out);
  caller.io.bytes = *mp4_clip();
  bound_in = input_io(&caller.io);
  bound_in.read = read_and_call;
  bound_in.user = &caller;
  caller.job = new_job(engine, COPY_MP4);
  CHECK_EQUAL(mt_transcode_job_bind_io(caller.job, "in", &bound_in), 0);
  CHECK_EQUAL(mt_transcode_job_bind_io(caller.job, "out", &bound_out), 0);
  start(caller.job);
  if (frees) {
    int32_t code = mt_transcode_job_wait(caller.job, patience_ms(), NULL);
    CHECK(code == 0 || code == -EBADF);
  } else {
    CHECK_EQUAL(result_of(caller.job), 0);
    mt_transcode_job_free(caller.job);
  }
  CHECK_RELEASED(&caller.io);
  CHECK_RELEASED(&out);
  CHECK_EQUAL(atomic_load(&caller.wait_code), -EDEADLK);
  CHECK(atomic_load(&caller.state) == MT_TRANSCODE_STATE_OPENING || atomic_load(&caller.state) == MT_TRANSCODE_STATE_RUNNING);
  CHECK_EQUAL(mt_transcode_job_state(caller.job), -EBADF);
  free_bytes(&out.bytes);
}

static void s55_io_calls_back(void) {
  mt_transcode_engine *engine = new_engine();
  check_calls_back(engine, false);
  check_calls_back(engine, true);
  LEAVE(engine);
}

const struct test_case io_tests[] = {
    {"s52_io", s52_io},
    {"s53_io_nonsense", s53_io_nonsense},
    {"s54_io_never_returns", s54_io_never_returns},
    {"s55_io_calls_back", s55_io_calls_back},
    {NULL, NULL},
};
