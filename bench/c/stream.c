#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A program that starts late finds a second of its stream in the pipe. */
enum { MAX_RUNNING = 1000, MAX_ARGS = 64, IN_PIPE_BYTES = 256 << 10 };

static const double PICTURE_SECONDS = 0.04;

enum who who_named(const char *name) {
  static const char *const names[] = {"job", "flushed", "loop", "program"};
  for (int i = 0; i < 4; i++) {
    if (strcmp(names[i], name) == 0) return (enum who)i;
  }
  die("nobody is named %s", name);
}

struct clip load_clip(const char *path) {
  struct clip clip = {load_file(path), NULL, 0};
  char name[4096];
  snprintf(name, sizeof name, "%s.pieces", path);
  struct bytes text = load_file(name);
  char *at = (char *)text.data;
  char *rest = NULL;
  at[text.size] = 0; /* load_file leaves room for it */
  clip.pieces = malloc(sizeof *clip.pieces * (text.size / 4 + 1));
  if (clip.pieces == NULL) die("no memory");
  for (char *line = strtok_r(at, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    struct piece *piece = &clip.pieces[clip.count++];
    piece->when = strtod(line, &line);
    piece->end = strtoul(line, NULL, 10);
  }
  free(text.data);
  if (clip.count == 0 || clip.pieces[clip.count - 1].end != clip.content.size) die("%s is not of %s", name, path);
  return clip;
}

static void start_job(struct stream *stream, int32_t flush_interval_ms, int count, const char *const *args) {
  mt_transcode_pipe_config config;
  if (engine == NULL) start_engine(MAX_RUNNING);
  mt_transcode_pipe_config_init(&config, sizeof config);
  check(mt_transcode_pipe_new(engine, &config, &stream->in.pipe), "pipe_new");
  if (flush_interval_ms >= 0) config.flush_interval_ms = flush_interval_ms;
  check(mt_transcode_pipe_new(engine, &config, &stream->out.pipe), "pipe_new");
  check(mt_transcode_job_new(engine, &stream->job), "job_new");
  check_job(mt_transcode_job_set_args(stream->job, count, args), stream->job, "job_set_args");
  check(mt_transcode_job_bind_pipe(stream->job, "in", stream->in.pipe, MT_TRANSCODE_SIDE_READ), "bind_pipe");
  check(mt_transcode_job_bind_pipe(stream->job, "out", stream->out.pipe, MT_TRANSCODE_SIDE_WRITE), "bind_pipe");
  check_job(mt_transcode_job_start(stream->job), stream->job, "job_start");
}

/* What the stream reads, and what it writes. */
static void make_pipes(int in[2], int out[2]) {
  signal(SIGPIPE, SIG_IGN); // NOLINT(bugprone-signal-handler): nothing runs
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) die("pipe2");
  if (fcntl(in[1], F_SETPIPE_SZ, IN_PIPE_BYTES) < 0) die("F_SETPIPE_SZ is refused");
}

/* The ends that are ours. */
static void take_ends(struct stream *stream, const int in[2], const int out[2]) {
  stream->in.fd = in[1];
  stream->out.fd = out[0];
  if (fcntl(stream->out.fd, F_SETFL, O_NONBLOCK) != 0) die("O_NONBLOCK");
}

extern char **environ;

static void start_program(struct stream *stream, int count, const char *const *args) {
  const char *words[MAX_ARGS + 5] = {"ffmpeg", "-nostdin", "-v", "fatal"};
  posix_spawn_file_actions_t actions;
  int in[2];
  int out[2];
  if (count > MAX_ARGS) die("%d arguments", count);
  memcpy(words + 4, args, sizeof *args * (size_t)count);
  make_pipes(in, out);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  if (posix_spawnp(&stream->process, "ffmpeg", &actions, NULL, (char *const *)words, environ) != 0) die("cannot start ffmpeg");
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  take_ends(stream, in, out);
}

static void *run_loop(void *argument) {
  const struct stream *stream = argument;
  remux_live_by_loop(stream->loop_in, stream->loop_out, stream->format);
  close(stream->loop_out);
  return NULL;
}

static void start_loop(struct stream *stream, const char *format) {
  int in[2];
  int out[2];
  make_pipes(in, out);
  take_ends(stream, in, out);
  stream->is_loop = true;
  stream->loop_in = in[0];
  stream->loop_out = out[1];
  stream->format = format;
  if (pthread_create(&stream->loop, NULL, run_loop, stream) != 0) die("pthread_create");
}

void start_stream(struct stream *stream, enum who who, int count, const char *const *args) {
  memset(stream, 0, sizeof *stream);
  if (who == WHO_PROGRAM) {
    start_program(stream, count, args);
  } else if (who == WHO_LOOP) {
    start_loop(stream, args[0]);
  } else {
    start_job(stream, who == WHO_FLUSHED ? 0 : -1, count, args);
  }
}

void give(struct stream *stream, const uint8_t *data, size_t size) {
  if (stream->in.pipe != NULL) {
    check_job(mt_transcode_pipe_write(stream->in.pipe, data, size, -1), stream->job, "pipe_write");
    return;
  }
  while (size > 0) {
    ssize_t count = write(stream->in.fd, data, size);
    if (count < 0) die("writing to ffmpeg: %s", strerror(errno));
    data += count;
    size -= (size_t)count;
  }
}

void end_input(struct stream *stream) {
  if (stream->in.pipe != NULL) {
    check(mt_transcode_pipe_close_write(stream->in.pipe, 0), "pipe_close_write");
  } else {
    close(stream->in.fd);
    stream->in.fd = -1;
  }
}

int readable_fd(const struct stream *stream) {
  int fd = stream->out.pipe != NULL ? mt_transcode_pipe_readable_fd(stream->out.pipe) : stream->out.fd;
  check(fd, "pipe_readable_fd");
  return fd;
}

static size_t take_of_pipe(struct stream *stream, struct sink *sink) {
  const uint8_t *region = NULL;
  uint64_t size = 0;
  int32_t code = mt_transcode_pipe_peek(stream->out.pipe, 0, &region, &size);
  if (code == -EAGAIN) return 0;
  check_job(code, stream->job, "pipe_peek");
  stream->is_at_end = size == 0;
  if (size == 0) return 0;
  if (sink != NULL) sink_append(sink, region, size);
  check(mt_transcode_pipe_consume(stream->out.pipe, size), "pipe_consume");
  return size;
}

static size_t take_of_system(struct stream *stream, struct sink *sink) {
  static uint8_t buffer[CHUNK_BYTES];
  ssize_t count = read(stream->out.fd, buffer, sizeof buffer);
  if (count < 0 && errno == EAGAIN) return 0;
  if (count < 0) die("reading from ffmpeg: %s", strerror(errno));
  stream->is_at_end = count == 0;
  if (sink != NULL) sink_append(sink, buffer, (size_t)count);
  return (size_t)count;
}

size_t take(struct stream *stream, struct sink *sink) {
  size_t size = stream->out.pipe != NULL ? take_of_pipe(stream, sink) : take_of_system(stream, sink);
  if (size > 0 && stream->first_out == 0) stream->first_out = now_seconds();
  return size;
}

void end_stream(struct stream *stream) {
  mt_transcode_job_free(stream->job);
  mt_transcode_pipe_free(stream->in.pipe);
  mt_transcode_pipe_free(stream->out.pipe);
  if (stream->process == 0 && !stream->is_loop) return;
  if (stream->process != 0) {
    kill(stream->process, SIGKILL);
    waitpid(stream->process, NULL, 0);
  }
  if (stream->in.fd >= 0) close(stream->in.fd);
  close(stream->out.fd);
  if (!stream->is_loop) return;
  pthread_join(stream->loop, NULL);
  close(stream->loop_in);
}

void sleep_until(double when) {
  struct timespec time = {(time_t)when, (long)((when - (double)(time_t)when) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
  }
}

static void give_piece(struct feeder *feeder, size_t number, size_t at) {
  const struct clip *clip = feeder->clip;
  size_t begin = number == 0 ? 0 : clip->pieces[number - 1].end;
  double due = feeder->begin + clip->pieces[number].when + PICTURE_SECONDS * (double)at / (double)feeder->count;
  sleep_until(due);
  double late = now_seconds() - due;
  if (late > feeder->late) feeder->late = late;
  give(&feeder->streams[at], clip->content.data + begin, clip->pieces[number].end - begin);
  if (feeder->given != NULL) feeder->given[number] = now_seconds();
}

static void feed(struct feeder *feeder) {
  for (size_t number = 0; number < feeder->clip->count && feeder->clip->pieces[number].when <= feeder->seconds; number++) {
    for (size_t at = 0; at < feeder->count && !feeder->is_over; at++) give_piece(feeder, number, at);
    if (feeder->is_over) return;
  }
  for (size_t at = 0; at < feeder->count; at++) end_input(&feeder->streams[at]);
}

static void *run_feeder(void *argument) {
  struct feeder *feeder = argument;
  feed(feeder);
  feeder->is_done = true;
  return NULL;
}

void start_feeder(struct feeder *feeder) {
  feeder->begin = now_seconds();
  if (pthread_create(&feeder->thread, NULL, run_feeder, feeder) != 0) die("pthread_create");
}

void join_feeder(struct feeder *feeder) { pthread_join(feeder->thread, NULL); }
