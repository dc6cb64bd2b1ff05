// What Go's runtime calls; see runtime.SetCgoTraceback.

#include <stdint.h>

struct mt_nativeprof_traceback_arg {
  uintptr_t context;
  uintptr_t signal_context;
  uintptr_t *frames;
  uintptr_t most;
};

struct mt_nativeprof_symbol_arg {
  uintptr_t address;
  const char *file;
  uintptr_t line;
  const char *function;
  uintptr_t entry;
  uintptr_t more;
  uintptr_t data;
};

// Opens threads of jobs to profilers. Go's own code lies in [go_first, go_end). `flush_fd`, an eventfd, is written to when a thread of Go's should have a sample.
void mt_nativeprof_begin(uintptr_t go_first, uintptr_t go_end, int flush_fd);

// Gives the calling thread, which is Go's, a sample.
void mt_nativeprof_flush(void);

// Called in signal handlers.
void mt_nativeprof_traceback(struct mt_nativeprof_traceback_arg *arg);

// Never called in a handler of SIGPROF, but while the process dies: it allocates nothing.
void mt_nativeprof_symbolize(struct mt_nativeprof_symbol_arg *arg);
