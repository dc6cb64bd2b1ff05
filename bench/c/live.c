/* live: many live streams at once in real time, and what they cost.
 *
 *     live WHO STREAMS SECONDS FILE ARGUMENT ...
 *
 * feeds FILE (see stream.h) to so many streams of WHO, which are started at once, and reads their outputs. A second after all have given their first
 * bytes it measures for SECONDS, or with 0 it ends then at once. Prints a line:
 *
 *  1. the longest time from the start of the streams, which are fed at once (many programs: when they have loaded), to a first byte out, in seconds;
 *  2. CPU seconds of the library's threads, or of the programs; 3. CPU seconds of the two threads that feed and read;
 *  4. bytes of memory that no other process shares (Private_Dirty of smaps_rollup): of the programs, or what has come to this process since
 *     before its first job; 5. what is left of them after malloc_trim; 6. bytes of pipes in them, as far as they were ever full;
 *  7., 8. the library's threads or the programs', at the beginning and at the end of the measurement;
 *  9. how late a piece was given at most, in seconds; 10. bytes read. */
#define _GNU_SOURCE
#include <dirent.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

enum { MAX_STREAMS = 1000, OWN_THREADS = 2, QUIET_MS = 250 };

static const double SETTLE_SECONDS = 1, QUIET_CPU_SECONDS = 0.01, PATIENCE_SECONDS = 60;

struct crowd {
  struct stream streams[MAX_STREAMS];
  size_t count;
  bool is_ours;
  int epoll;
  uint64_t read_bytes;
  struct feeder feeder;
};

struct cost {
  double theirs;
  double own;
};

static uint64_t private_bytes_of(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
  return proc_bytes(path, "Private_Dirty:");
}

/* Of this process where `pid` is 0. */
static size_t threads_of(pid_t pid) {
  char path[64];
  size_t count = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid != 0 ? (int)pid : (int)getpid());
  DIR *folder = opendir(path);
  if (folder == NULL) die("cannot read %s", path);
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

static size_t count_threads(const struct crowd *crowd) {
  size_t count = 0;
  if (crowd->is_ours) return threads_of(0) - OWN_THREADS;
  for (size_t i = 0; i < crowd->count; i++) count += threads_of(crowd->streams[i].process);
  return count;
}

static uint64_t memory_of(const struct crowd *crowd) {
  uint64_t bytes = 0;
  if (crowd->is_ours) return private_bytes();
  for (size_t i = 0; i < crowd->count; i++) bytes += private_bytes_of(crowd->streams[i].process);
  return bytes;
}

static uint64_t pipe_bytes(const struct crowd *crowd) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < crowd->count && crowd->streams[i].in.pipe != NULL; i++) {
    mt_transcode_pipe_stats_data stats = {.struct_size = sizeof stats};
    check(mt_transcode_pipe_stats(crowd->streams[i].in.pipe, &stats), "pipe_stats");
    bytes += stats.high_water_bytes;
    check(mt_transcode_pipe_stats(crowd->streams[i].out.pipe, &stats), "pipe_stats");
    bytes += stats.high_water_bytes;
  }
  return bytes;
}

static double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) die("a CPU clock cannot be read");
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_of_programs(const struct crowd *crowd) {
  double seconds = 0;
  clockid_t clock;
  for (size_t i = 0; i < crowd->count; i++) {
    if (clock_getcpuclockid(crowd->streams[i].process, &clock) != 0) die("a program has ended");
    seconds += seconds_of(clock);
  }
  return seconds;
}

static struct cost cost_of(const struct crowd *crowd) {
  struct cost cost = {0, seconds_of(CLOCK_THREAD_CPUTIME_ID)};
  clockid_t clock;
  if (pthread_getcpuclockid(crowd->feeder.thread, &clock) != 0) die("pthread_getcpuclockid");
  cost.own += seconds_of(clock);
  cost.theirs = crowd->is_ours ? seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cost.own : cpu_of_programs(crowd);
  return cost;
}

/* Many programs take seconds to load; meanwhile they would be fed what they then have to catch up with. */
static void wait_until_loaded(const struct crowd *crowd) {
  double before = 0;
  double now = cpu_of_programs(crowd);
  while (now - before > QUIET_CPU_SECONDS) {
    usleep(QUIET_MS * 1000);
    before = now;
    now = cpu_of_programs(crowd);
  }
}

static void start_crowd(struct crowd *crowd, enum who who, int count, const char *const *args) {
  crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < crowd->count; i++) {
    struct epoll_event event = {EPOLLIN, {.ptr = &crowd->streams[i]}};
    start_stream(&crowd->streams[i], who, count, args);
    if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, readable_fd(&crowd->streams[i]), &event) != 0) die("epoll_ctl");
  }
  if (!crowd->is_ours && crowd->count > 1) wait_until_loaded(crowd);
  start_feeder(&crowd->feeder);
}

static _Noreturn void give_up(const struct crowd *crowd, const char *why) {
  size_t without = 0;
  for (size_t i = 0; i < crowd->count; i++) {
    without += crowd->streams[i].first_out == 0;
    if (crowd->streams[i].process != 0) kill(crowd->streams[i].process, SIGKILL);
  }
  die("%s; %zu of %zu streams gave nothing", why, without, crowd->count);
}

/* Takes what comes within a tenth of a second. */
static void read_some(struct crowd *crowd) {
  struct epoll_event events[64];
  int ready = epoll_wait(crowd->epoll, events, 64, 100);
  for (int i = 0; i < ready; i++) {
    struct stream *stream = events[i].data.ptr;
    crowd->read_bytes += take(stream, NULL);
    if (stream->is_at_end) give_up(crowd, "a stream has ended: the clip is too short, or there is an error above");
  }
}

static void read_until(struct crowd *crowd, double when) {
  while (now_seconds() < when) read_some(crowd);
}

/* Reads until all have begun; the longest that one took. */
static double read_first_bytes(struct crowd *crowd, double begin) {
  double longest = 0;
  for (size_t i = 0; i < crowd->count; i++) {
    while (crowd->streams[i].first_out == 0) {
      if (now_seconds() > crowd->feeder.begin + PATIENCE_SECONDS) give_up(crowd, "no first bytes for a minute");
      read_some(crowd);
    }
    double took = crowd->streams[i].first_out - begin;
    if (took > longest) longest = took;
  }
  return longest;
}

static void measure(struct crowd *crowd, double seconds, uint64_t before) {
  read_until(crowd, now_seconds() + SETTLE_SECONDS);
  size_t threads = count_threads(crowd);
  crowd->feeder.late = 0;
  crowd->read_bytes = 0;
  struct cost first = cost_of(crowd);
  read_until(crowd, now_seconds() + seconds);
  struct cost last = cost_of(crowd);
  double late = crowd->feeder.late;
  uint64_t read = crowd->read_bytes;
  uint64_t memory = memory_of(crowd) - before;
  uint64_t pipes = pipe_bytes(crowd);
  size_t last_threads = count_threads(crowd);
  if (crowd->is_ours) malloc_trim(0);
  uint64_t in_use = memory_of(crowd) - before;
  printf(" %.6f %.6f %llu %llu %llu %zu %zu %.6f %llu\n", last.theirs - first.theirs, last.own - first.own, (unsigned long long)memory,
         (unsigned long long)in_use, (unsigned long long)pipes, threads, last_threads, late, (unsigned long long)read);
}

int main(int argc, char **argv) {
  static struct crowd crowd;
  if (argc < 6) die("usage: live WHO STREAMS SECONDS FILE ARGUMENT ...");
  enum who who = who_named(argv[1]);
  double seconds = atof(argv[3]);
  struct clip clip = load_clip(argv[4]);
  crowd.count = strtoul(argv[2], NULL, 10);
  crowd.is_ours = who != WHO_PROGRAM;
  crowd.feeder = (struct feeder){.clip = &clip, .streams = crowd.streams, .count = crowd.count, .seconds = 1e9};
  if (crowd.count == 0 || crowd.count > MAX_STREAMS) die("%s streams", argv[2]);
  if (crowd.is_ours) start_engine(MAX_STREAMS);

  uint64_t before = crowd.is_ours ? private_bytes() : 0;
  double begin = now_seconds();
  start_crowd(&crowd, who, argc - 5, (const char *const *)argv + 5);
  printf("%.6f", read_first_bytes(&crowd, begin));
  if (seconds > 0) {
    measure(&crowd, seconds, before);
  } else {
    printf(" 0 0 0 0 0 0 0 0 0\n");
  }
  crowd.feeder.is_over = true;
  while (!crowd.feeder.is_done) read_some(&crowd);
  join_feeder(&crowd.feeder);
  for (size_t i = 0; i < crowd.count; i++) end_stream(&crowd.streams[i]);
  mt_transcode_engine_free(engine);
  return 0;
}
