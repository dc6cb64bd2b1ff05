/* closing: how long jobs take to end that are cancelled, or freed, at random moments.
 *
 *     closing SEED MOMENTS AT_ONCE CLIP FILE OUTPUT
 *
 * AT_ONCE threads make jobs of one engine, one after another, until there were so many in all: live remuxes of CLIP (see stream.h) in real time, encoders of a
 * test source, remuxes of FILE to OUTPUT.NUMBER, and inputs that connect to a peer on this machine that says nothing. Each is cancelled or freed at a
 * moment that SEED decides. Prints a line for each:
 *
 *     JOB cancel|free STATE DELAY_MS LATENCY_MS
 *
 * with the state that the job had (MT_TRANSCODE_STATE_*), how long after its start the moment was, and how long it took from there to the job's final state, or
 * to the return of free. A last line, "detached COUNT", has what the engine left behind. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

enum { MAX_WORKERS = 64, MAX_RUNNING = 64 };

enum job_kind { LIVE, ENCODE, REMUX, SILENT, JOB_KINDS };

static const char *const names[] = {"live", "encode", "remux", "silent"};
/* Moments are spread over so much of a job's life: its opening, and some of its work. */
static const double longest_delays[] = {0.4, 0.2, 0.03, 0.2};

struct moment {
  enum job_kind job;
  bool is_free;
  double delay;
  /* What is measured. */
  int32_t state;
  double latency;
};

static struct clip clip;
static const char *file;
static const char *output;
static struct moment *moments;
static size_t count;
static atomic_size_t next_moment;

struct worker {
  pthread_t thread;
  size_t number;
  /* The peer that says nothing. */
  int listener;
  char url[64];
};

/* Steele, Lea, Flood: SplitMix64. */
static uint64_t random_bits(uint64_t *state) {
  uint64_t bits = *state += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

static void draw_moments(uint64_t seed) {
  for (size_t i = 0; i < count; i++) {
    moments[i].job = (enum job_kind)(random_bits(&seed) % JOB_KINDS);
    moments[i].is_free = random_bits(&seed) % 2 == 1;
    moments[i].delay = longest_delays[moments[i].job] * (double)(random_bits(&seed) >> 11) / (double)(1ULL << 53);
  }
}

static void listen_silently(struct worker *worker) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  worker->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(worker->listener, (struct sockaddr *)&address, size) != 0 || listen(worker->listener, 8) != 0) die("cannot listen");
  if (getsockname(worker->listener, (struct sockaddr *)&address, &size) != 0) die("getsockname");
  snprintf(worker->url, sizeof worker->url, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
}

static void hang_up(const struct worker *worker) {
  for (int fd = accept(worker->listener, NULL, NULL); fd >= 0; fd = accept(worker->listener, NULL, NULL)) close(fd);
}

static mt_transcode_job *start_job(int32_t arg_count, const char *const *args) {
  mt_transcode_job *job = NULL;
  check(mt_transcode_job_new(engine, &job), "job_new");
  check_job(mt_transcode_job_set_args(job, arg_count, args), job, "job_set_args");
  check_job(mt_transcode_job_start(job), job, "job_start");
  return job;
}

static mt_transcode_job *start_encode(void) {
  static const char *const args[] = {"-f",      "lavfi",     "-i",       "testsrc2=size=320x180:rate=25", "-c:v", "libx264", "-preset", "ultrafast",
                                     "-threads", "1",        "-f",       "null",                          "-"};
  return start_job(sizeof args / sizeof args[0], args);
}

static mt_transcode_job *start_remux(const struct worker *worker) {
  char path[4096];
  snprintf(path, sizeof path, "%s.%zu", output, worker->number);
  const char *const args[] = {"-stream_loop", "-1", "-i", file, "-map", "0", "-c", "copy", "-f", "mpegts", "-y", path};
  return start_job(sizeof args / sizeof args[0], args);
}

static mt_transcode_job *start_silent(const struct worker *worker) {
  const char *const args[] = {"-f", "mpegts", "-i", worker->url, "-c", "copy", "-f", "null", "-"};
  return start_job(sizeof args / sizeof args[0], args);
}

static void end_job(struct moment *moment, mt_transcode_job *job) {
  int32_t result = 0;
  moment->state = mt_transcode_job_state(job);
  double begin = now_seconds();
  if (moment->is_free) {
    mt_transcode_job_free(job);
    moment->latency = now_seconds() - begin;
    return;
  }
  check(mt_transcode_job_cancel(job), "job_cancel");
  check(mt_transcode_job_wait(job, -1, &result), "job_wait");
  moment->latency = now_seconds() - begin;
  mt_transcode_job_free(job);
}

static void run_live(struct moment *moment) {
  static const char *const args[] = {"-mt_live", "1", "-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"};
  struct stream stream;
  size_t begin = 0;
  double start = now_seconds();
  start_stream(&stream, WHO_FLUSHED, sizeof args / sizeof args[0], args);
  for (size_t i = 0; i < clip.count && clip.pieces[i].when < moment->delay; begin = clip.pieces[i++].end) {
    sleep_until(start + clip.pieces[i].when);
    give(&stream, clip.content.data + begin, clip.pieces[i].end - begin);
    while (take(&stream, NULL) > 0) {
    }
  }
  sleep_until(start + moment->delay);
  end_job(moment, stream.job);
  stream.job = NULL;
  end_stream(&stream);
}

static void run_moment(const struct worker *worker, struct moment *moment) {
  mt_transcode_job *job = NULL;
  double start = now_seconds();
  if (moment->job == LIVE) {
    run_live(moment);
    return;
  }
  if (moment->job == ENCODE) job = start_encode();
  if (moment->job == REMUX) job = start_remux(worker);
  if (moment->job == SILENT) job = start_silent(worker);
  sleep_until(start + moment->delay);
  end_job(moment, job);
  hang_up(worker);
}

static void *run_worker(void *argument) {
  struct worker *worker = argument;
  listen_silently(worker);
  for (size_t at = next_moment++; at < count; at = next_moment++) run_moment(worker, &moments[at]);
  close(worker->listener);
  return NULL;
}

static void run_workers(size_t at_once) {
  static struct worker workers[MAX_WORKERS];
  if (at_once == 0 || at_once > MAX_WORKERS) die("%zu at once", at_once);
  for (size_t i = 0; i < at_once; i++) {
    workers[i].number = i;
    if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0) die("pthread_create");
  }
  for (size_t i = 0; i < at_once; i++) pthread_join(workers[i].thread, NULL);
}

static void print_all(void) {
  mt_transcode_engine_stats_data stats = {.struct_size = sizeof stats};
  for (size_t i = 0; i < count; i++) {
    const struct moment *moment = &moments[i];
    printf("%s %s %d %.3f %.3f\n", names[moment->job], moment->is_free ? "free" : "cancel", (int)moment->state, moment->delay * 1e3,
           moment->latency * 1e3);
  }
  check(mt_transcode_engine_stats(engine, &stats), "engine_stats");
  printf("detached %llu\n", (unsigned long long)stats.detached);
}

int main(int argc, char **argv) {
  if (argc != 7) die("usage: closing SEED MOMENTS AT_ONCE CLIP FILE OUTPUT");
  count = strtoul(argv[2], NULL, 10);
  clip = load_clip(argv[4]);
  file = argv[5];
  output = argv[6];
  moments = calloc(count, sizeof *moments);
  if (moments == NULL) die("no memory");
  draw_moments(strtoull(argv[1], NULL, 10));
  start_engine(MAX_RUNNING);
  run_workers(strtoul(argv[3], NULL, 10));
  print_all();
  mt_transcode_engine_free(engine);
  return 0;
}
