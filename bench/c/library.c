/* The same remuxes by this library's C interface: through pipes with one thread of the host, through callbacks that can seek, and from memory to
 * memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static mt_transcode_job *new_job(const struct remux *wanted) {
  mt_transcode_job *job = NULL;
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  check(mt_transcode_job_new(engine, &job), "job_new");
  check(mt_transcode_job_input_new(job, "mt:in", &input), "job_input_new");
  check(mt_transcode_job_output_new(job, "mt:out", &output), "job_output_new");
  check_job(mt_transcode_output_set_option(output, "map", "0"), job, "map");
  check_job(mt_transcode_output_set_option(output, "c", "copy"), job, "c");
  check_job(mt_transcode_output_set_option(output, "f", wanted->format), job, "f");
  if (wanted->key != NULL) check_job(mt_transcode_output_set_option(output, wanted->key, wanted->value), job, wanted->key);
  mt_transcode_input_free(input);
  mt_transcode_output_free(output);
  return job;
}

static void end_job(mt_transcode_job *job) {
  int32_t result = 0;
  check(mt_transcode_job_wait(job, -1, &result), "job_wait");
  check_job(result, job, "the job");
}

static void finish_job(mt_transcode_job *job) {
  end_job(job);
  mt_transcode_job_free(job);
}

/* Waits until bytes can be read, or written. */
static void wait_for_either(mt_transcode_pipe *out, mt_transcode_pipe *in) {
  struct pollfd places[2] = {{mt_transcode_pipe_readable_fd(out), POLLIN, 0}, {mt_transcode_pipe_writable_fd(in), POLLIN, 0}};
  poll(places, 2, -1);
}

/* Writes what fits without waiting; all written ends the pipe. */
static size_t feed(mt_transcode_pipe *in, struct bytes input, size_t at) {
  int64_t count = mt_transcode_pipe_write(in, input.data + at, input.size - at, 0);
  if (count == -EAGAIN) return at;
  check(count, "pipe_write");
  at += (size_t)count;
  if (at == input.size) check(mt_transcode_pipe_close_write(in, 0), "pipe_close_write");
  return at;
}

/* Takes a piece of the output; false at its end. */
static bool drain(mt_transcode_pipe *out, struct sink *sink, int64_t timeout_ms) {
  const uint8_t *region = NULL;
  uint64_t size = 0;
  int32_t code = mt_transcode_pipe_peek(out, timeout_ms, &region, &size);
  if (code == -EAGAIN) return true;
  check(code, "pipe_peek");
  if (size == 0) return false;
  sink_append(sink, region, size);
  check(mt_transcode_pipe_consume(out, size), "pipe_consume");
  return true;
}

void remux_by_pipes(const struct remux *wanted, struct sink *sink) {
  mt_transcode_pipe *in = NULL;
  mt_transcode_pipe *out = NULL;
  mt_transcode_job *job = new_job(wanted);
  size_t fed;
  check(mt_transcode_pipe_new(engine, NULL, &in), "pipe_new");
  check(mt_transcode_pipe_new(engine, NULL, &out), "pipe_new");
  check(mt_transcode_job_bind_pipe(job, "in", in, MT_TRANSCODE_SIDE_READ), "bind_pipe");
  check(mt_transcode_job_bind_pipe(job, "out", out, MT_TRANSCODE_SIDE_WRITE), "bind_pipe");
  fed = feed(in, wanted->input, 0);
  check_job(mt_transcode_job_start(job), job, "job_start");
  while (fed < wanted->input.size) {
    wait_for_either(out, in);
    fed = feed(in, wanted->input, fed);
    drain(out, sink, 0);
  }
  while (drain(out, sink, -1)) {
  }
  finish_job(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

/* Bytes of the host's with a position. */
struct stream {
  struct bytes input;
  struct sink *sink;
  size_t at;
};

static int64_t read_stream(void *user, uint8_t *buffer, uint64_t size) {
  struct stream *stream = user;
  size_t left = stream->input.size - stream->at;
  size_t count = size < left ? size : left;
  memcpy(buffer, stream->input.data + stream->at, count);
  stream->at += count;
  return (int64_t)count;
}

static int64_t write_stream(void *user, const uint8_t *data, uint64_t size) {
  struct stream *stream = user;
  size_t over = stream->sink->size - stream->at;
  size_t count = over < size ? over : size;
  memcpy(stream->sink->data + stream->at, data, count);
  sink_append(stream->sink, data + count, size - count);
  stream->at += size;
  return (int64_t)size;
}

static int64_t seek_stream(void *user, int64_t position) {
  struct stream *stream = user;
  size_t size = stream->sink != NULL ? stream->sink->size : stream->input.size;
  if (position < 0 || (uint64_t)position > size) return -EINVAL;
  stream->at = (size_t)position;
  return position;
}

static int64_t size_of_stream(void *user) {
  const struct stream *stream = user;
  return (int64_t)(stream->sink != NULL ? stream->sink->size : stream->input.size);
}

static void bind_stream(mt_transcode_job *job, const char *name, struct stream *stream) {
  mt_transcode_io io;
  memset(&io, 0, sizeof io);
  io.struct_size = sizeof io;
  io.user = stream;
  io.read = stream->sink == NULL ? read_stream : NULL;
  io.write = stream->sink == NULL ? NULL : write_stream;
  io.seek = seek_stream;
  io.size = size_of_stream;
  check(mt_transcode_job_bind_io(job, name, &io), "bind_io");
}

void remux_by_io(const struct remux *wanted, struct sink *sink) {
  struct stream source = {wanted->input, NULL, 0};
  struct stream target = {{NULL, 0}, sink, 0};
  mt_transcode_job *job = new_job(wanted);
  bind_stream(job, "in", &source);
  bind_stream(job, "out", &target);
  check_job(mt_transcode_job_start(job), job, "job_start");
  finish_job(job);
}

/* The input stays the caller's, and nothing is to be done when it is no longer needed. */
static void keep(void *user) { (void)user; }

void remux_by_memory(const struct remux *wanted, struct sink *sink) {
  uint8_t *data = NULL;
  uint64_t size = 0;
  mt_transcode_job *job = new_job(wanted);
  check(mt_transcode_job_bind_memory(job, "in", wanted->input.data, wanted->input.size, keep, NULL), "bind_memory");
  check(mt_transcode_job_bind_buffer(job, "out", 0), "bind_buffer");
  check_job(mt_transcode_job_start(job), job, "job_start");
  end_job(job);
  check(mt_transcode_job_take_buffer(job, "out", &data, &size), "take_buffer");
  sink_append(sink, data, size); /* as the others, which end in the same memory */
  mt_transcode_buffer_free(data);
  mt_transcode_job_free(job);
}

void probe_file(const struct remux *wanted, struct sink *sink) {
  char *json = NULL;
  check(mt_transcode_probe(engine, wanted->path, NULL, -1, &json, NULL), "probe");
  sink_append(sink, json, strlen(json));
  mt_transcode_string_free(json);
}
