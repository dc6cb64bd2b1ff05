/* memory: how much memory of its own a job takes.
 *
 *     memory stalled JOBS FILE     live remuxes (-c copy -f mpegts) whose consumer stopped reading after 12 MB, 3 s after the last byte moved
 *     memory at_start JOBS FILE    the same, with a consumer that never reads at all
 *     memory probing JOBS FILE     the highest on the way of at_start
 *
 * FILE is written to each job over and over, as a source without end does. One job from file to file was run before, so what a process pays
 * once is not counted. Prints a line: bytes for each job, in all; bytes of pipes in that, as far as they were ever full; bytes before the first job;
 * bytes for each job that are left after malloc_trim (0 for "probing"): what is really in use.
 * "stalled" counts memory that no other process shares (Private_Dirty of smaps_rollup), "probing" resident memory (VmHWM, which the
 * kernel keeps exactly). */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { MAX_JOBS = 1000, QUIET_MS = 400, SETTLE_MS = 3000, FLOW_BYTES = 12 << 20 };

struct live {
  mt_transcode_pipe *in;
  mt_transcode_pipe *out;
  mt_transcode_job *job;
  /* Where the next byte to be written lies, and how much its consumer still reads. */
  size_t at;
  uint64_t left;
};

static uint64_t resident_bytes(void) { return proc_bytes("/proc/self/status", "VmRSS:"); }

static uint64_t highest_resident_bytes(void) { return proc_bytes("/proc/self/status", "VmHWM:"); }

static void forget_highest(void) {
  FILE *file = fopen("/proc/self/clear_refs", "we");
  if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) die("cannot reset VmHWM");
}

static void start_live(struct live *live, uint64_t left) {
  static const char *const args[] = {"-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out"};
  check(mt_transcode_pipe_new(engine, NULL, &live->in), "pipe_new");
  check(mt_transcode_pipe_new(engine, NULL, &live->out), "pipe_new");
  check(mt_transcode_job_new(engine, &live->job), "job_new");
  check_job(mt_transcode_job_set_args(live->job, sizeof args / sizeof args[0], args), live->job, "job_set_args");
  check(mt_transcode_job_bind_pipe(live->job, "in", live->in, MT_TRANSCODE_SIDE_READ), "bind_pipe");
  check(mt_transcode_job_bind_pipe(live->job, "out", live->out, MT_TRANSCODE_SIDE_WRITE), "bind_pipe");
  live->at = 0;
  live->left = left;
  check_job(mt_transcode_job_start(live->job), live->job, "job_start");
}

static void free_live(struct live *live) {
  mt_transcode_job_free(live->job);
  mt_transcode_pipe_free(live->in);
  mt_transcode_pipe_free(live->out);
}

/* Writes what fits; whether any did. */
static bool feed(struct live *live, struct bytes content) {
  int64_t count = mt_transcode_pipe_write(live->in, content.data + live->at, content.size - live->at, 0);
  if (count == -EAGAIN) return false;
  if (count < 0) check_job(count, live->job, "pipe_write");
  live->at = (live->at + (size_t)count) % content.size;
  return true;
}

/* Takes what is there, as long as its consumer reads; whether anything was. */
static bool drain(struct live *live) {
  const uint8_t *region = NULL;
  uint64_t size = 0;
  if (live->left == 0) return false;
  int32_t code = mt_transcode_pipe_peek(live->out, 0, &region, &size);
  if (code == -EAGAIN) return false;
  if (code < 0 || size == 0) check_job(code < 0 ? code : -EPIPE, live->job, "pipe_peek");
  check(mt_transcode_pipe_consume(live->out, size), "pipe_consume");
  live->left -= size < live->left ? size : live->left;
  return true;
}

/* Feeds and drains all jobs until nothing moves for a while. */
static void run_until_stalled(struct live *lives, size_t jobs, struct bytes content) {
  double last = now_seconds();
  while (now_seconds() - last < QUIET_MS / 1e3) {
    bool any = false;
    for (size_t i = 0; i < jobs; i++) {
      any = feed(&lives[i], content) || any;
      any = drain(&lives[i]) || any;
    }
    if (any) {
      last = now_seconds();
    } else {
      usleep(1000);
    }
  }
}

static uint64_t pipe_bytes(const struct live *lives, size_t jobs) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < jobs; i++) {
    mt_transcode_pipe_stats_data stats = {.struct_size = sizeof stats};
    check(mt_transcode_pipe_stats(lives[i].in, &stats), "pipe_stats");
    bytes += stats.high_water_bytes;
    check(mt_transcode_pipe_stats(lives[i].out, &stats), "pipe_stats");
    bytes += stats.high_water_bytes;
  }
  return bytes;
}

static void check_stalled(const struct live *lives, size_t jobs) {
  for (size_t i = 0; i < jobs; i++) {
    int32_t state = mt_transcode_job_state(lives[i].job);
    if (state != MT_TRANSCODE_STATE_RUNNING) die("job %zu is in state %d", i, (int)state);
  }
}

/* One job with all that a process pays once, but without pipes: the library may keep those for the next job. */
static void warm_up(const char *path) {
  const char *const args[] = {"-i", path, "-map", "0", "-c", "copy", "-f", "mpegts", "/dev/null"};
  mt_transcode_job *job = NULL;
  int32_t result = 0;
  check(mt_transcode_job_new(engine, &job), "job_new");
  check_job(mt_transcode_job_set_args(job, sizeof args / sizeof args[0], args), job, "job_set_args");
  check_job(mt_transcode_job_start(job), job, "job_start");
  check(mt_transcode_job_wait(job, -1, &result), "job_wait");
  check_job(result, job, "the job");
  mt_transcode_job_free(job);
  usleep(QUIET_MS * 1000); /* its thread has put away what it had */
  malloc_trim(0);
}

int main(int argc, char **argv) {
  static struct live lives[MAX_JOBS];
  if (argc != 4) die("usage: memory stalled|at_start|probing JOBS FILE");
  uint64_t left = strcmp(argv[1], "stalled") == 0 ? FLOW_BYTES : 0;
  bool is_probing = strcmp(argv[1], "probing") == 0;
  size_t jobs = strtoul(argv[2], NULL, 10);
  struct bytes content = load_file(argv[3]);
  if (jobs == 0 || jobs > MAX_JOBS) die("%zu jobs", jobs);
  start_engine(MAX_JOBS);
  warm_up(argv[3]);

  uint64_t before = is_probing ? resident_bytes() : private_bytes();
  if (is_probing) forget_highest();
  for (size_t i = 0; i < jobs; i++) start_live(&lives[i], left);
  run_until_stalled(lives, jobs, content);
  check_stalled(lives, jobs);
  if (!is_probing) usleep(SETTLE_MS * 1000); /* what is freed late counts as freed */
  uint64_t after = is_probing ? highest_resident_bytes() : private_bytes();
  uint64_t pipes = pipe_bytes(lives, jobs);
  malloc_trim(0);
  uint64_t in_use = is_probing ? before : private_bytes();
  printf("%.0f %.0f %llu %.0f\n", (double)(after - before) / (double)jobs, (double)pipes / (double)jobs,
         (unsigned long long)before, (double)(in_use - before) / (double)jobs);
  for (size_t i = 0; i < jobs; i++) free_live(&lives[i]);
  mt_transcode_engine_free(engine);
  free(content.data);
  return 0;
}
