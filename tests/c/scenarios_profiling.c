#define _GNU_SOURCE
/* Scenario s91: a profiler of the host's, which works by SIGPROF. */
#include "memory.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define ENCODE ARGS("-f", "lavfi", "-i", "testsrc2=s=640x360:d=2", "-c:v", "mpeg4", "-f", "null", "-")

enum { ENOUGH = 20, DEPTH = 64 };

static atomic_int samples; /* of threads that are not the host's */
static atomic_int bad_errnos;
static uint64_t stacks[ENOUGH][DEPTH];
static atomic_int depths[ENOUGH];

static void on_sample(int signal, siginfo_t *info, void *context) {
  int errno_before = errno;
  (void)signal;
  (void)info;
  if (gettid() != getpid()) {
    int index = samples++;
    errno = 4711;
    if (index < ENOUGH) {
      depths[index] = mt_transcode_native_stack(context, stacks[index], DEPTH);
    }
    bad_errnos += errno != 4711;
  }
  errno = errno_before;
}

static void set_timer(suseconds_t interval_us) {
  struct itimerval timer = {.it_interval = {0, interval_us}, .it_value = {0, interval_us}};
  CHECK_EQUAL(setitimer(ITIMER_PROF, &timer, NULL), 0);
}

/* Where the file is loaded that has this address; NULL where none does. */
static const void *file_of(uint64_t address) {
  Dl_info info;
  void *place;
  memcpy(&place, &address, sizeof place);
  return dladdr(place, &info) != 0 ? info.dli_fbase : NULL;
}

/* How many of the stacks have a frame in the file that `address` is in. */
static int stacks_through(uint64_t address) {
  const void *wanted = file_of(address);
  int found = 0;
  for (int i = 0; i < ENOUGH; i++) {
    bool leads_there = false;
    for (int j = 0; j < depths[i]; j++) {
      leads_there |= wanted != NULL && file_of(stacks[i][j]) == wanted;
    }
    found += leads_there;
  }
  return found;
}

static void s91_profiling(void) {
  const char *isolation = getenv("MT_TRANSCODE_ISOLATION");
  struct sigaction action = {.sa_sigaction = on_sample, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  mt_transcode_engine *engine = new_engine();
  uint64_t frame;
  bool is_isolated = isolation != NULL && strcmp(isolation, "process") == 0;
  CHECK_EQUAL(mt_transcode_profiling(2), -EINVAL);
  CHECK_EQUAL(mt_transcode_native_stack(NULL, &frame, 1), -EINVAL);
  sigaction(SIGPROF, &action, NULL);
  set_timer(2000);

  CHECK_EQUAL(run(engine, ENCODE), 0);
  CHECK_EQUAL(samples, 0);

  CHECK_EQUAL(mt_transcode_profiling(1), 0);
  for (int times = 0; times < (is_isolated ? 1 : 50) && samples < ENOUGH; times++) {
    CHECK_EQUAL(run(engine, ENCODE), 0);
  }
  if (is_isolated) {
    /* What a worker does is not seen; the threads here that wait for it may be, once in a while. */
    CHECK_EQUAL(stacks_through((uintptr_t)dlsym(RTLD_DEFAULT, "avcodec_send_frame")), 0);
  } else {
    CHECK(samples >= ENOUGH);
#ifdef __x86_64__
    CHECK(stacks_through((uintptr_t)mt_transcode_native_stack) > 0);
#endif
  }

  CHECK_EQUAL(bad_errnos, 0);
  CHECK_EQUAL(mt_transcode_profiling(0), 0);
  set_timer(0);
  signal(SIGPROF, SIG_IGN); /* one may be on its way */
  LEAVE(engine);
}

const struct test_case profiling_tests[] = {
    {"s91_profiling", s91_profiling},
    {NULL, NULL},
};
