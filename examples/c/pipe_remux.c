/* pipe_remux: copies all streams of what comes on stdin into MPEG-TS on stdout; no file is touched.
 *
 *     pipe_remux < talk.mkv > talk.ts          curl -s URL | pipe_remux | player -
 *
 * stdin goes into a memory pipe, which the job reads as mt:in; the job writes mt:out, which goes to stdout. One thread reads stdin
 * straight into the first pipe's memory, the main thread writes stdout straight from the second's. Whoever is slow holds up the rest:
 * nothing grows. A file whose index lies at its end (MP4) is kept in memory until it came, up to -mt_seek_buffer bytes.
 *
 *     cc pipe_remux.c $(pkg-config --cflags --libs mt_transcode) -pthread -o pipe_remux
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "mt_transcode/mt_transcode.h"

struct ends {
  mt_transcode_engine *engine;
  mt_transcode_job *job;
  mt_transcode_pipe *in;
  mt_transcode_pipe *out;
};

/* stdin -> mt:in. Ends when stdin does, or the job, which then takes no more. */
static void *feed(void *context) {
  mt_transcode_pipe *in = context;
  uint8_t *region;
  uint64_t size;
  int32_t code = 0; /* a good end, or why the input broke off: the job then fails with that */
  while (mt_transcode_pipe_acquire(in, -1, &region, &size) == 0) {
    ssize_t count = read(STDIN_FILENO, region, size);
    if (count < 0) code = -errno;
    mt_transcode_pipe_commit(in, count > 0 ? (uint64_t)count : 0);
    if (count == 0 || (count < 0 && code != -EINTR)) break;
    code = 0;
  }
  mt_transcode_pipe_close_write(in, code);
  return NULL;
}

/* mt:out -> stdout, up to the end: 0, or a code. */
static int32_t drain(mt_transcode_pipe *out) {
  const uint8_t *region;
  uint64_t size = 0;
  int32_t code;
  while ((code = mt_transcode_pipe_peek(out, -1, &region, &size)) == 0 && size > 0) {
    ssize_t count = write(STDOUT_FILENO, region, size);
    if (count < 0) code = -errno;
    mt_transcode_pipe_consume(out, count > 0 ? (uint64_t)count : 0);
    if (count < 0 && code != -EINTR) {
      mt_transcode_pipe_close_read(out); /* the job fails with -EPIPE */
      return code;
    }
  }
  return code;
}

static int32_t prepare(struct ends *ends) {
  const char *args[] = {"-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out"};
  mt_transcode_engine_config config;
  mt_transcode_engine_config_init(&config, sizeof config);
  config.log_mode = MT_TRANSCODE_LOG_TAKE; /* the job's error says it better */
  int32_t code = mt_transcode_engine_new(&config, &ends->engine, NULL);
  if (code == 0) code = mt_transcode_pipe_new(ends->engine, NULL, &ends->in);
  if (code == 0) code = mt_transcode_pipe_new(ends->engine, NULL, &ends->out);
  if (code == 0) code = mt_transcode_job_new(ends->engine, &ends->job);
  if (code == 0) code = mt_transcode_job_set_args(ends->job, sizeof args / sizeof *args, args);
  if (code == 0) code = mt_transcode_job_bind_pipe(ends->job, "in", ends->in, MT_TRANSCODE_SIDE_READ);
  if (code == 0) code = mt_transcode_job_bind_pipe(ends->job, "out", ends->out, MT_TRANSCODE_SIDE_WRITE);
  if (code == 0) code = mt_transcode_job_start(ends->job);
  return code;
}

static int32_t remux(struct ends *ends) {
  pthread_t feeder;
  int32_t result = 0;
  int32_t code = prepare(ends);
  if (code < 0) return code;
  if (pthread_create(&feeder, NULL, feed, ends->in) != 0) return -EAGAIN;
  pthread_detach(feeder); /* it may sit in a read of stdin for ever: the end of the program ends it */
  code = drain(ends->out);
  mt_transcode_job_wait(ends->job, -1, &result);
  return result < 0 ? result : code;
}

int main(void) {
  struct ends ends = {NULL, NULL, NULL, NULL};
  mt_transcode_error *error = NULL;
  int32_t code;
  signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of write */
  code = remux(&ends);
  if (code < 0) {
    mt_transcode_job_error(ends.job, &error);
    fprintf(stderr, "pipe_remux: %s\n", error != NULL ? error->message : mt_transcode_strerror(code));
    if (error != NULL && error->hint[0] != '\0') fprintf(stderr, "            %s\n", error->hint);
    mt_transcode_error_free(error);
  }
  mt_transcode_job_free(ends.job);
  mt_transcode_pipe_free(ends.in); /* ends the feeder too, unless it sits in its read */
  mt_transcode_pipe_free(ends.out);
  mt_transcode_engine_free(ends.engine);
  return code < 0;
}
