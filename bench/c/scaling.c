/* scaling: small remuxes in memory, so many at once, in one engine.
 *
 *     scaling AT_ONCE JOBS FILE FORMAT [default | loop]
 *
 * First as many jobs as run at once are held in the middle of their input, so that all of them are there at a time: that is where memory is
 * looked at. Then as many threads of the host's make one job each, and, when all have, JOBS jobs in all, which are measured, each from memory to a buffer of
 * the library's. Prints a line: wall seconds, CPU seconds, bytes of memory before the held jobs, with them, and with them after malloc_trim: what is
 * really in use (Private_Dirty of smaps_rollup). With "default" the engine runs as many at once as it does by default, and the others wait their
 * turn: none is held then. With "loop" the threads run the C loop, without the library. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { MAX_AT_ONCE = 1024, WARM_JOBS = 8 };

static struct remux wanted;

/* Where jobs are held. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t held;
  bool is_open;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};

struct held_job {
  mt_transcode_job *job;
  size_t at;
};

static void hold(void) {
  pthread_mutex_lock(&gate.lock);
  gate.held++;
  pthread_cond_broadcast(&gate.changed);
  while (!gate.is_open) pthread_cond_wait(&gate.changed, &gate.lock);
  pthread_mutex_unlock(&gate.lock);
}

static void wait_for_held(size_t jobs) {
  pthread_mutex_lock(&gate.lock);
  while (gate.held < jobs) pthread_cond_wait(&gate.changed, &gate.lock);
  pthread_mutex_unlock(&gate.lock);
}

static void open_gate(void) {
  pthread_mutex_lock(&gate.lock);
  gate.is_open = true;
  pthread_cond_broadcast(&gate.changed);
  pthread_mutex_unlock(&gate.lock);
}

/* Gives the first half of the input, is held, and gives the rest. */
static int64_t read_held(void *user, uint8_t *buffer, uint64_t size) {
  struct held_job *held = user;
  size_t half = wanted.input.size / 2;
  if (held->at == half) hold();
  size_t left = (held->at < half ? half : wanted.input.size) - held->at;
  size_t count = size < left ? size : left;
  memcpy(buffer, wanted.input.data + held->at, count);
  held->at += count;
  return (int64_t)count;
}

static void start_held(struct held_job *held) {
  const char *const args[] = {"-i", "mt:in", "-map", "0", "-c", "copy", "-f", wanted.format, "mt:out"};
  mt_transcode_io io;
  memset(&io, 0, sizeof io);
  io.struct_size = sizeof io;
  io.user = held;
  io.read = read_held;
  check(mt_transcode_job_new(engine, &held->job), "job_new");
  check_job(mt_transcode_job_set_args(held->job, sizeof args / sizeof args[0], args), held->job, "job_set_args");
  check(mt_transcode_job_bind_io(held->job, "in", &io), "bind_io");
  check(mt_transcode_job_bind_buffer(held->job, "out", 0), "bind_buffer");
  check_job(mt_transcode_job_start(held->job), held->job, "job_start");
}

static void end_held(struct held_job *held) {
  int32_t result = 0;
  check(mt_transcode_job_wait(held->job, -1, &result), "job_wait");
  check_job(result, held->job, "the job");
  mt_transcode_job_free(held->job);
}

/* What is private with all jobs in the middle, and what is left of it after malloc_trim. */
static void look_while_held(size_t at_once, uint64_t bytes[2]) {
  static struct held_job jobs[MAX_AT_ONCE];
  for (size_t i = 0; i < at_once; i++) start_held(&jobs[i]);
  wait_for_held(at_once);
  bytes[0] = private_bytes();
  malloc_trim(0);
  bytes[1] = private_bytes();
  open_gate();
  for (size_t i = 0; i < at_once; i++) end_held(&jobs[i]);
}

/* Threads of the host's, which begin to measure together. */
struct hosts {
  remux_function *remux;
  atomic_long left;
  pthread_barrier_t warm;
};

static void *run_jobs(void *argument) {
  struct hosts *hosts = argument;
  struct sink sink = {NULL, 0, 0};
  hosts->remux(&wanted, &sink); /* what each thread pays once */
  pthread_barrier_wait(&hosts->warm);
  pthread_barrier_wait(&hosts->warm); /* somebody has looked at the clock */
  while (atomic_fetch_sub(&hosts->left, 1) > 0) {
    sink.size = 0;
    hosts->remux(&wanted, &sink);
  }
  free(sink.data);
  return NULL;
}

/* Wall and CPU seconds of the jobs. */
static void run_all(size_t at_once, long jobs, remux_function *remux, double seconds[2]) {
  static pthread_t threads[MAX_AT_ONCE];
  struct hosts hosts = {.remux = remux, .left = jobs};
  if (pthread_barrier_init(&hosts.warm, NULL, (unsigned)at_once + 1) != 0) die("pthread_barrier_init");
  for (size_t i = 0; i < at_once; i++) {
    if (pthread_create(&threads[i], NULL, run_jobs, &hosts) != 0) die("pthread_create");
  }
  pthread_barrier_wait(&hosts.warm);
  double cpu = cpu_seconds();
  double begin = now_seconds();
  pthread_barrier_wait(&hosts.warm);
  for (size_t i = 0; i < at_once; i++) pthread_join(threads[i], NULL);
  seconds[0] = now_seconds() - begin;
  seconds[1] = cpu_seconds() - cpu;
  pthread_barrier_destroy(&hosts.warm);
}

int main(int argc, char **argv) {
  uint64_t held[2] = {0, 0};
  double seconds[2];
  bool takes_turns = argc == 6 && strcmp(argv[5], "default") == 0;
  bool is_loop = argc == 6 && strcmp(argv[5], "loop") == 0;
  if (argc != 5 && !takes_turns && !is_loop) die("usage: scaling AT_ONCE JOBS FILE FORMAT [default | loop]");
  size_t at_once = strtoul(argv[1], NULL, 10);
  if (at_once == 0 || at_once > MAX_AT_ONCE) die("%zu at once", at_once);
  wanted = (struct remux){load_file(argv[3]), argv[3], argv[4], NULL, NULL};
  remux_function *remux = is_loop ? remux_by_loop : remux_by_memory;
  if (is_loop) {
    free_a_large_block();
  } else {
    start_engine(takes_turns ? 0 : MAX_AT_ONCE);
  }
  run_all(1, WARM_JOBS, remux, seconds); /* what a process pays once */
  malloc_trim(0);
  uint64_t before = private_bytes();
  if (!takes_turns && !is_loop) look_while_held(at_once, held);
  run_all(at_once, strtol(argv[2], NULL, 10), remux, seconds);
  printf("%.6f %.6f %llu %llu %llu\n", seconds[0], seconds[1], (unsigned long long)before, (unsigned long long)held[0],
         (unsigned long long)held[1]);
  if (!is_loop) mt_transcode_engine_free(engine);
  free(wanted.input.data);
  return 0;
}
