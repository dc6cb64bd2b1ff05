#define _GNU_SOURCE
#include "ends.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGE_PIPE_BYTES = 1 << 20, CLOCK_EVERY_BYTES = 8 << 20 };

struct bytes some_bytes(void) {
  struct bytes bytes = {malloc(CHUNK_BYTES), CHUNK_BYTES};
  if (bytes.data == NULL) die("no memory");
  memset(bytes.data, 'x', bytes.size);
  return bytes;
}

/* What a host does with bytes: makes them, and uses them. A word at a time, so that the pipe is what is measured. */
static void fill(uint8_t *data, size_t size, uint64_t seed) {
  for (size_t i = 0; i + 8 <= size; i += 8) memcpy(data + i, &seed, 8);
}

static uint64_t add_up(const uint8_t *data, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, data + i, 8);
    sum += word;
  }
  return sum;
}

/* Writes a piece; how much of it went. */
static size_t write_some(struct end *end, const uint8_t *data, size_t size) {
  int64_t count = end->pipe != NULL ? mt_transcode_pipe_write(end->pipe, data, size, -1) : write(end->fd, data, size);
  if (count < 0) die("writing failed: %lld", (long long)count);
  return (size_t)count;
}

static size_t read_some(struct end *end, uint8_t *buffer, size_t size) {
  int64_t count = end->pipe != NULL ? mt_transcode_pipe_read(end->pipe, buffer, size, -1) : read(end->fd, buffer, size);
  if (count < 0) die("reading failed: %lld", (long long)count);
  return (size_t)count;
}

static void end_input(struct line *line) {
  if (line->in.pipe != NULL) {
    check(mt_transcode_pipe_close_write(line->in.pipe, 0), "pipe_close_write");
  } else {
    close(line->in.fd);
  }
}

static size_t smaller(uint64_t one, uint64_t other) { return (size_t)(one < other ? one : other); }

static size_t write_region(struct line *line, uint64_t seed) {
  uint8_t *region = NULL;
  uint64_t size = 0;
  check(mt_transcode_pipe_acquire(line->in.pipe, -1, &region, &size), "pipe_acquire");
  size = smaller(size, CHUNK_BYTES);
  fill(region, size, seed);
  check(mt_transcode_pipe_commit(line->in.pipe, size), "pipe_commit");
  return size;
}

static void *run_writer(void *argument) {
  struct line *line = argument;
  uint64_t written = 0;
  uint64_t next_look = 0;
  size_t at = 0;
  while (written < next_look || now_seconds() < line->until) {
    if (written >= next_look) next_look = written + CLOCK_EVERY_BYTES;
    if (line->is_without_copies) {
      written += write_region(line, written);
      continue;
    }
    size_t size = smaller(line->content.size - at, CHUNK_BYTES);
    if (line->touches) fill(line->content.data + at, size, written);
    size_t count = write_some(&line->in, line->content.data + at, size);
    written += count;
    at = (at + count) % line->content.size;
  }
  end_input(line);
  return NULL;
}

static size_t read_region(struct line *line) {
  const uint8_t *region = NULL;
  uint64_t size = 0;
  check(mt_transcode_pipe_peek(line->out.pipe, -1, &region, &size), "pipe_peek");
  if (size == 0) return 0;
  size = smaller(size, CHUNK_BYTES);
  line->sum += add_up(region, size);
  check(mt_transcode_pipe_consume(line->out.pipe, size), "pipe_consume");
  return size;
}

static void read_all(struct line *line) {
  uint8_t *buffer = malloc(CHUNK_BYTES);
  size_t count;
  if (buffer == NULL) die("no memory");
  do {
    count = line->is_without_copies ? read_region(line) : read_some(&line->out, buffer, CHUNK_BYTES);
    if (line->touches && !line->is_without_copies) line->sum += add_up(buffer, count);
    line->read_bytes += count;
  } while (count > 0);
  free(buffer);
}

/* Moves bytes as cat does. */
static void *run_cat(void *argument) {
  struct line *line = argument;
  struct end to = {line->to, NULL};
  uint8_t *buffer = malloc(CHUNK_BYTES);
  ssize_t count;
  if (buffer == NULL) die("no memory");
  while ((count = read(line->from, buffer, CHUNK_BYTES)) > 0) {
    for (size_t at = 0; at < (size_t)count;) at += write_some(&to, buffer + at, (size_t)count - at);
  }
  free(buffer);
  close(line->to);
  return NULL;
}

void run_line(struct line *line, double until) {
  pthread_t writer;
  pthread_t cat;
  bool has_cat = line->to > 0;
  line->until = until;
  if (pthread_create(&writer, NULL, run_writer, line) != 0) die("pthread_create");
  if (has_cat && pthread_create(&cat, NULL, run_cat, line) != 0) die("pthread_create");
  read_all(line);
  pthread_join(writer, NULL);
  if (has_cat) pthread_join(cat, NULL);
  if (line->job != NULL) {
    int32_t result = 0;
    check(mt_transcode_job_wait(line->job, -1, &result), "job_wait");
    check_job(result, line->job, "the job");
    mt_transcode_job_free(line->job);
  }
  if (line->process != 0) {
    int status = 0;
    if (waitpid(line->process, &status, 0) < 0 || status != 0) die("ffmpeg ended with status %d", status);
  }
  mt_transcode_pipe_free(line->in.pipe);
  if (line->out.pipe != line->in.pipe) mt_transcode_pipe_free(line->out.pipe);
}

static void system_pipe(int *reading, int *writing, int bytes) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) die("pipe2");
  if (bytes > 0 && fcntl(fds[1], F_SETPIPE_SZ, bytes) < 0) die("F_SETPIPE_SZ is refused");
  *reading = fds[0];
  *writing = fds[1];
}

void line_of_small_system_pipe(struct line *line) { system_pipe(&line->out.fd, &line->in.fd, 0); }

void line_of_system_pipe(struct line *line) { system_pipe(&line->out.fd, &line->in.fd, LARGE_PIPE_BYTES); }

void line_of_system_cat(struct line *line) {
  system_pipe(&line->from, &line->in.fd, LARGE_PIPE_BYTES);
  system_pipe(&line->out.fd, &line->to, LARGE_PIPE_BYTES);
}

static mt_transcode_pipe *new_pipe(void) {
  mt_transcode_pipe *pipe = NULL;
  check(mt_transcode_pipe_new(engine, NULL, &pipe), "pipe_new");
  return pipe;
}

void line_of_pipe(struct line *line) {
  start_engine(4);
  line->in.pipe = line->out.pipe = new_pipe();
}

void line_of_pipe_without_copies(struct line *line) {
  line_of_pipe(line);
  line->is_without_copies = true;
}

static void start_job(struct line *line, int32_t count, const char *const *args) {
  start_engine(4);
  line->in.pipe = new_pipe();
  line->out.pipe = new_pipe();
  check(mt_transcode_job_new(engine, &line->job), "job_new");
  check_job(mt_transcode_job_set_args(line->job, count, args), line->job, "job_set_args");
  check(mt_transcode_job_bind_pipe(line->job, "in", line->in.pipe, MT_TRANSCODE_SIDE_READ), "bind_pipe");
  check(mt_transcode_job_bind_pipe(line->job, "out", line->out.pipe, MT_TRANSCODE_SIDE_WRITE), "bind_pipe");
  check_job(mt_transcode_job_start(line->job), line->job, "job_start");
}

/* FFmpeg's formats "data": no container, packets of 64 KiB. The least that a demuxer and a muxer can do. */
void line_of_data_job(struct line *line) {
  static const char *const args[] = {"-f",  "data", "-raw_packet_size", "65536", "-i", "mt:in",
                                     "-map", "0",   "-c",               "copy",  "-f", "data", "mt:out"};
  start_job(line, sizeof args / sizeof args[0], args);
}

void line_of_mpegts_job(struct line *line) {
  static const char *const args[] = {"-f", "mpegts", "-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out"};
  start_job(line, sizeof args / sizeof args[0], args);
}

extern char **environ;

static void start_program(struct line *line, const char *const *args) {
  posix_spawn_file_actions_t actions;
  line_of_system_cat(line);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, line->from, 0);
  posix_spawn_file_actions_adddup2(&actions, line->to, 1);
  if (posix_spawnp(&line->process, "ffmpeg", &actions, NULL, (char *const *)args, environ) != 0) die("cannot start ffmpeg");
  posix_spawn_file_actions_destroy(&actions);
  close(line->from);
  close(line->to);
  line->from = line->to = 0;
}

void line_of_data_program(struct line *line) {
  static const char *const args[] = {"ffmpeg", "-nostdin", "-v",   "quiet", "-f", "data", "-raw_packet_size", "65536", "-i",
                                     "pipe:0", "-map",     "0",    "-c",    "copy", "-f", "data", "pipe:1", NULL};
  start_program(line, args);
}

void line_of_mpegts_program(struct line *line) {
  static const char *const args[] = {"ffmpeg", "-nostdin", "-v", "quiet", "-f", "mpegts", "-i", "pipe:0", "-map", "0", "-c", "copy",
                                     "-f", "mpegts", "pipe:1", NULL};
  start_program(line, args);
}
