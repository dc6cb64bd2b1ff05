#define _GNU_SOURCE
#include "../library.h"
#include "traceback.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

static uintptr_t go_first, go_end;
static int flush_fd;

void mt_nativeprof_begin(uintptr_t first, uintptr_t end, int fd) {
  go_first = first;
  go_end = end;
  flush_fd = fd;
  mt_transcode_profiling(1);
  mt_transcode_native_stack(NULL, NULL, 0); // the loader finds it now, and not in a handler
}

// Go's runtime keeps samples of threads that are not its own in 1000 words, a stack and its length for each, until one of its own threads has a
// sample, and drops what finds no room. Where Go's own threads are idle they are given one: a false sample, of `nativeprof.flush`.
enum { FLUSHED_WORDS = 400 };
static atomic_uint unflushed_words;

void mt_nativeprof_flush(void) { raise(SIGPROF); }

static void count_words(unsigned words, int is_of_go) {
  if (is_of_go) {
    atomic_store(&unflushed_words, 0); // its sample makes the room
  } else if (atomic_fetch_add(&unflushed_words, words) + words >= FLUSHED_WORDS) {
    const uint64_t one = 1;
    atomic_store(&unflushed_words, 0);
    (void)!write(flush_fd, &one, sizeof one);
  }
}

static int is_go(uint64_t address) { return address >= go_first && address < go_end; }

void mt_nativeprof_traceback(struct mt_nativeprof_traceback_arg *arg) {
  enum { MOST = 64 };
  uint64_t frames[MOST];
  int32_t count = 0;
  const void *context = (const void *)arg->signal_context;
  if (arg->most == 0) {
    return;
  }
  // Without a context function, signals are all that asks. Where Go's own code runs there is nothing native to tell: do not walk.
  if (arg->context == 0 && context != NULL) {
    int32_t found = mt_transcode_native_stack(context, frames, 1);
    if (found == 1 && !is_go(frames[0])) {
      found = mt_transcode_native_stack(context, frames, arg->most < MOST ? (uint32_t)arg->most : MOST);
    }
    while (count < found && !is_go(frames[count])) {
      arg->frames[count] = (uintptr_t)frames[count];
      count++;
    }
    int errno_before = errno;
    count_words(1 + (unsigned)count, count < found);
    errno = errno_before;
  }
  if ((uintptr_t)count < arg->most) {
    arg->frames[count] = 0;
  }
}

// Texts that the runtime has not copied yet: it says when it is done with one, and several goroutines may ask at once.
enum { TEXTS = 16 };
static struct {
  atomic_flag is_taken;
  char text[128];
} texts[TEXTS];

// The place of a text, from 1 on; 0 when all are taken.
static uintptr_t take_text(void) {
  for (uintptr_t i = 0; i < TEXTS; i++) {
    if (!atomic_flag_test_and_set_explicit(&texts[i].is_taken, memory_order_acquire)) {
      return i + 1;
    }
  }
  return 0;
}

static void give_text(struct mt_nativeprof_symbol_arg *arg) {
  if (arg->data != 0) {
    atomic_flag_clear_explicit(&texts[arg->data - 1].is_taken, memory_order_release);
    arg->data = 0;
  }
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

void mt_nativeprof_symbolize(struct mt_nativeprof_symbol_arg *arg) {
  Dl_info info;
  uintptr_t address = arg->address;
  arg->file = arg->function = NULL;
  arg->line = arg->entry = arg->more = 0;
  if (address == 0) {
    give_text(arg);
    return;
  }
  if (dladdr((const void *)address, &info) == 0 || info.dli_fname == NULL) {
    return;
  }
  arg->file = info.dli_fname;
  if (info.dli_sname != NULL) {
    arg->function = info.dli_sname;
    arg->entry = (uintptr_t)info.dli_saddr;
    return;
  }
  // The unwind tables say where the function begins, so that all its samples are one function's.
  arg->function = base_name(info.dli_fname);
  arg->entry = (uintptr_t)_Unwind_FindEnclosingFunction((void *)(address + 1));
  if (arg->entry == 0) {
    return;
  }
  if (arg->data == 0) {
    arg->data = take_text();
  }
  if (arg->data != 0) {
    char *text = texts[arg->data - 1].text;
    snprintf(text, sizeof texts[0].text, "%s+0x%lx", arg->function, (unsigned long)(arg->entry - (uintptr_t)info.dli_fbase));
    arg->function = text;
  }
}
