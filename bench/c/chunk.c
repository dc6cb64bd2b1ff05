/* chunk: many paced streams through copy jobs, whose pipes have chunks of one size.
 *
 *     chunk CHUNK_BYTES STREAMS BYTES_PER_SECOND SECONDS
 *
 * Each stream goes host -> pipe -> job (`-f data -c copy`, packets of a chunk) -> pipe -> host. One thread of the host's writes a chunk to each
 * stream when its time has come; another one waits for all outputs by the engine's one descriptor, and reads them a chunk at a time. Prints a
 * line: bytes that were read, wall seconds, CPU seconds, microseconds from the write of a chunk to the read of its last byte (the 95th
 * percentile), system calls (-1 where the kernel does not let us count them), voluntary context switches. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

enum { MAX_STREAMS = 256, TICK_US = 500, POLL_MS = 20, MOST_US = 1000000, TIMES = 8192 };
static const double WARM_SECONDS = 0.3;

struct stream {
  mt_transcode_pipe *in;
  mt_transcode_pipe *out;
  mt_transcode_job *job;
  uint64_t written;
  uint64_t read;
  /* When the latest chunks were written: more than pipes and job hold. */
  double times[TIMES];
};

static struct stream streams[MAX_STREAMS];
static size_t count;
static size_t chunk;
static double bytes_per_second;
static double begin;
static double seconds;
/* The time that is measured is over: nothing more is written. */
static atomic_bool is_over;

/* Since the warming up. */
static struct {
  uint64_t bytes;
  uint64_t chunks;
  uint32_t by_us[MOST_US];
} seen;

/* What the process has used so far. */
struct usage {
  double wall;
  double cpu;
  long switches;
  long long calls;
};

/* Counts the system calls of all threads that begin from now on; -1 where that is not permitted. */
static int count_calls(void) {
  struct perf_event_attr wanted;
  FILE *file = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "re");
  char line[32] = "";
  if (file == NULL) return -1;
  bool is_read = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  if (!is_read) return -1;
  memset(&wanted, 0, sizeof wanted);
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_TRACEPOINT;
  wanted.config = strtoull(line, NULL, 10);
  wanted.inherit = 1;
  return (int)syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static struct usage usage_now(int counter) {
  struct rusage usage;
  uint64_t calls = 0;
  getrusage(RUSAGE_SELF, &usage);
  bool is_counted = counter >= 0 && read(counter, &calls, sizeof calls) == sizeof calls;
  return (struct usage){now_seconds(), cpu_seconds(), usage.ru_nvcsw, is_counted ? (long long)calls : -1};
}

static mt_transcode_pipe *new_pipe(void) {
  mt_transcode_pipe_config config;
  mt_transcode_pipe *pipe = NULL;
  check(mt_transcode_pipe_config_init(&config, sizeof config), "pipe_config_init");
  config.chunk_bytes = (uint32_t)chunk;
  check(mt_transcode_pipe_new(engine, &config, &pipe), "pipe_new");
  return pipe;
}

static void start_stream(struct stream *stream) {
  char bytes[32];
  const char *const args[] = {"-f", "data", "-raw_packet_size", bytes, "-i", "mt:in", "-map", "0", "-c", "copy", "-f", "data", "mt:out"};
  snprintf(bytes, sizeof bytes, "%zu", chunk);
  stream->in = new_pipe();
  stream->out = new_pipe();
  check(mt_transcode_job_new(engine, &stream->job), "job_new");
  check_job(mt_transcode_job_set_args(stream->job, sizeof args / sizeof args[0], args), stream->job, "job_set_args");
  check(mt_transcode_job_bind_pipe(stream->job, "in", stream->in, MT_TRANSCODE_SIDE_READ), "bind_pipe");
  check(mt_transcode_job_bind_pipe(stream->job, "out", stream->out, MT_TRANSCODE_SIDE_WRITE), "bind_pipe");
  check(mt_transcode_pipe_watch(stream->out, MT_TRANSCODE_READY_READABLE), "pipe_watch");
  check_job(mt_transcode_job_start(stream->job), stream->job, "job_start");
}

static void end_stream(struct stream *stream) {
  int32_t result = 0;
  check(mt_transcode_job_wait(stream->job, -1, &result), "job_wait");
  check_job(result, stream->job, "the job");
  mt_transcode_job_free(stream->job);
  mt_transcode_pipe_free(stream->in);
  mt_transcode_pipe_free(stream->out);
}

/* Writes the chunks whose time has come, as far as there is room. */
static void feed(struct stream *stream, const uint8_t *content, double due) {
  while ((double)(stream->written + chunk) <= due) {
    size_t done = stream->written % chunk;
    if (done == 0) stream->times[stream->written / chunk % TIMES] = now_seconds();
    int64_t size = mt_transcode_pipe_write(stream->in, content, chunk - done, 0);
    if (size == -EAGAIN) return;
    check(size, "pipe_write");
    stream->written += (uint64_t)size;
  }
}

/* Streams have their turns one after another, not all at once. */
static void *run_writer(void *argument) {
  double turn = (double)chunk / (double)count;
  while (!atomic_load(&is_over)) {
    double due = (now_seconds() - begin) * bytes_per_second;
    for (size_t i = 0; i < count; i++) feed(&streams[i], argument, due + turn * (double)i);
    usleep(TICK_US);
  }
  for (size_t i = 0; i < count; i++) check(mt_transcode_pipe_close_write(streams[i].in, 0), "pipe_close_write");
  return NULL;
}

static void see(struct stream *stream, size_t size) {
  uint64_t first = stream->read / chunk;
  stream->read += size;
  seen.bytes += size;
  for (uint64_t at = first; at < stream->read / chunk; at++) {
    double us = (now_seconds() - stream->times[at % TIMES]) * 1e6;
    seen.by_us[us < MOST_US ? (size_t)us : MOST_US - 1]++;
    seen.chunks++;
  }
}

/* Reads what is there; false at the end. */
static bool drain(struct stream *stream, uint8_t *buffer) {
  for (;;) {
    int64_t size = mt_transcode_pipe_read(stream->out, buffer, chunk, 0);
    if (size == -EAGAIN) break;
    check_job(size, stream->job, "pipe_read");
    if (size == 0) return false;
    see(stream, (size_t)size);
  }
  check(mt_transcode_pipe_watch(stream->out, MT_TRANSCODE_READY_READABLE), "pipe_watch");
  return true;
}

/* Drains the streams that are ready; how many of them are at their end. */
static size_t drain_ready(uint8_t *buffer) {
  void *handle = NULL;
  uint32_t bits = 0;
  size_t ended = 0;
  while (mt_transcode_engine_next_ready(engine, &handle, &bits) == 0) {
    for (size_t i = 0; i < count; i++) {
      if (streams[i].out == handle && !drain(&streams[i], buffer)) ended++;
    }
  }
  return ended;
}

/* Something has come out of each. */
static bool all_flow(void) {
  for (size_t i = 0; i < count; i++) {
    if (streams[i].read == 0) return false;
  }
  return true;
}

/* Reads until all streams have ended; `used` gets what was used at the end of the warming up, and at the end of the time. */
static void read_all(uint8_t *buffer, int counter, struct usage used[2]) {
  struct pollfd place = {mt_transcode_engine_event_fd(engine), POLLIN, 0};
  uint64_t bytes = 0;
  bool is_warm = false;
  for (size_t ended = 0; ended < count;) {
    poll(&place, 1, POLL_MS);
    ended += drain_ready(buffer);
    if (!is_warm && now_seconds() >= begin + WARM_SECONDS && all_flow()) {
      is_warm = true;
      memset(&seen, 0, sizeof seen);
      used[0] = usage_now(counter);
    }
    if (is_warm && !atomic_load(&is_over) && now_seconds() >= used[0].wall + seconds) {
      atomic_store(&is_over, true);
      bytes = seen.bytes;
      used[1] = usage_now(counter);
    }
  }
  seen.bytes = bytes;
}

static size_t percentile_us(double share) {
  uint64_t below = 0;
  size_t us = 0;
  while (us < MOST_US - 1 && (double)(below += seen.by_us[us]) < share * (double)seen.chunks) us++;
  return us;
}

static void print(const struct usage *from, const struct usage *to) {
  long long calls = to->calls < 0 ? -1 : to->calls - from->calls;
  printf("%llu %.6f %.6f %zu %lld %ld\n", (unsigned long long)seen.bytes, to->wall - from->wall, to->cpu - from->cpu, percentile_us(0.95),
         calls, to->switches - from->switches);
}

int main(int argc, char **argv) {
  static struct usage used[2];
  pthread_t writer;
  if (argc != 5) die("usage: chunk CHUNK_BYTES STREAMS BYTES_PER_SECOND SECONDS");
  chunk = strtoul(argv[1], NULL, 10);
  count = strtoul(argv[2], NULL, 10);
  bytes_per_second = strtod(argv[3], NULL);
  seconds = strtod(argv[4], NULL);
  if (chunk == 0 || count == 0 || count > MAX_STREAMS) die("%zu streams of %zu bytes", count, chunk);
  uint8_t *content = calloc(2, chunk); /* what is written, and room for what is read */
  if (content == NULL) die("no memory");
  int counter = count_calls();
  start_engine(MAX_STREAMS);
  for (size_t i = 0; i < count; i++) start_stream(&streams[i]);
  begin = now_seconds();
  if (pthread_create(&writer, NULL, run_writer, content) != 0) die("pthread_create");
  read_all(content + chunk, counter, used);
  pthread_join(writer, NULL);
  for (size_t i = 0; i < count; i++) end_stream(&streams[i]);
  print(&used[0], &used[1]);
  mt_transcode_engine_free(engine);
  free(content);
  return 0;
}
