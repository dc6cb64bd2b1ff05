#define _GNU_SOURCE
#include "../library.h"
#include "traceback.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

static uintptr_t go_first, go_end;

void mt_nativeprof_begin(uintptr_t first, uintptr_t end) {
  go_first = first;
  go_end = end;
  mt_transcode_profiling(1);
}

static int is_go(uint64_t address) { return address >= go_first && address < go_end; }

void mt_nativeprof_traceback(struct mt_nativeprof_traceback_arg *arg) {
  enum { MOST = 64 };
  uint64_t frames[MOST];
  uintptr_t count = 0;
  const void *context = (const void *)arg->signal_context;
  if (arg->most == 0) {
    return;
  }
  // Without a context function, signals are all that asks. Where Go's own code runs there is nothing native to tell: do not walk.
  if (arg->context == 0 && context != NULL && mt_transcode_native_stack(context, frames, 1) == 1 && !is_go(frames[0])) {
    uint32_t most = arg->most < MOST ? (uint32_t)arg->most : MOST;
    int32_t found = mt_transcode_native_stack(context, frames, most);
    while (found > 0 && count < (uintptr_t)found && !is_go(frames[count])) {
      arg->frames[count] = (uintptr_t)frames[count];
      count++;
    }
  }
  if (count < arg->most) {
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
