/* Faults on demand, preloaded into a host: MT_FAULT=KIND@FUNCTION[@THREAD] makes the first call of FUNCTION go wrong as
 * KIND says; THREAD is "codec" for the first on a thread of FFmpeg's own, or the beginning of a thread's name. MT_FAULT_CALL=N: the Nth call
 * that fits and not the first; MT_FAULT_ONCE=FILE: not where FILE is, which is made. The functions are those that this library, or libavcodec on its own threads, calls across a library's border. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int sink;

__attribute__((noinline)) static void fault_segv(void) {
  *(volatile int *)16 = 1;
}

__attribute__((noinline)) static void fault_abort(void) {
  abort();
}

__attribute__((noinline)) static void fault_fpe(void) {
  __asm__ volatile("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tmov $1, %%eax\n\tidivl %%ecx" ::: "eax", "ecx", "edx");
}

__attribute__((noinline)) static void fault_ill(void) {
  __asm__ volatile("ud2");
}

__attribute__((noinline)) static void fault_wild(void) {
  void (*volatile nowhere)(void) = (void (*)(void))(uintptr_t)0x1234560;
  nowhere();
  sink = 1;
}

__attribute__((noinline)) static int fault_overflow(volatile char *below) {
  volatile char block[4096];
  block[0] = below == NULL ? 1 : below[0];
  return fault_overflow(block) + block[0];
}

/* A mapped file that somebody cut. */
__attribute__((noinline)) static void fault_bus(void) {
  char name[] = "/tmp/mt-fault-XXXXXX";
  int fd = mkstemp(name);
  if (fd < 0) fd = memfd_create("mt-fault", 0); /* in a sandbox */
  unlink(name);
  if (ftruncate(fd, 8192) != 0) abort();
  volatile char *content = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
  if (ftruncate(fd, 0) != 0) abort();
  sink = content[4096];
}

/* glibc finds a broken heap while it holds its lock. */
__attribute__((noinline)) static void fault_malloc(void) {
  char *volatile block = malloc(64);
  for (volatile char *head = block - 16; head < block; head++) *head = 0x5a;
  free(block);
}

static int in_loader(struct dl_phdr_info *info, size_t size, void *data) {
  (void)info, (void)size, (void)data;
  fault_segv();
  return 1;
}

/* The loader's lock is held. */
__attribute__((noinline)) static void fault_loader(void) {
  dl_iterate_phdr(in_loader, NULL);
}

/* Memory without end, all of it used. */
__attribute__((noinline)) static void fault_allocate(void) {
  for (;;) {
    char *block = malloc(4 << 20);
    if (block == NULL) abort();
    memset(block, 1, 4 << 20);
    sink = block[12345];
    usleep(1000);
  }
}

__attribute__((noinline)) static void fault_spin(void) {
  for (;;) sink++;
}

/* What no cancel reaches. */
__attribute__((noinline)) static void fault_sleep(void) {
  for (;;) sleep(1000);
}

/* Both wait for each other: crashes of two threads at once. */
__attribute__((noinline)) static void fault_together(void) {
  static volatile int arrived;
  __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2) usleep(100);
  fault_segv();
}

/* When the host, which waits for the file that MT_GATE names, is in the middle of something else. */
__attribute__((noinline)) static void fault_late(void) {
  const char *gate = getenv("MT_GATE");
  if (gate != NULL) close(open(gate, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  usleep(300000);
  fault_segv();
}

/* Says in the file that MT_GATE names when it crashes, in nanoseconds. */
__attribute__((noinline)) static void fault_stamp(void) {
  char text[32];
  struct timespec now;
  int fd = open(getenv("MT_GATE"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(text, sizeof text, "%lld", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
  if (write(fd, text, (size_t)length) != length) _exit(8);
  close(fd);
  fault_segv();
}

/* What an exploit would do. Told on standard error where it was done. */
static void told(const char *what, long result) {
  fprintf(stderr, "%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

static void exploit_exec(void) {
  if (fork() == 0) {
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
  }
}

static void exploit_direct(void) {
  execl("/bin/true", "true", (char *)NULL);
}

static void exploit_connect(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  told("socket", fd);
  if (fd >= 0) close(fd);
}

static void exploit_open(const char *path, int flags) {
  int fd = open(path, flags, 0600);
  told(path, fd);
  if (fd >= 0) close(fd);
}

static void exploit_kill(void) {
  told("kill", kill(getppid(), 0));
}

static void exploit_keys(void) {
  syscall(SYS_keyctl, 0, -3, 0);
}

static void fail(const char *kind) {
  if (strcmp(kind, "fork") == 0) exploit_exec();
  if (strcmp(kind, "exec") == 0) exploit_direct();
  if (strcmp(kind, "connect") == 0) exploit_connect();
  if (strcmp(kind, "kill") == 0) exploit_kill();
  if (strcmp(kind, "keyctl") == 0) exploit_keys();
  if (strncmp(kind, "chmod:", 6) == 0) told("chmod", chmod(kind + 6, 0777));
  if (strncmp(kind, "open:", 5) == 0) exploit_open(kind + 5, O_RDONLY);
  if (strncmp(kind, "make:", 5) == 0) exploit_open(kind + 5, O_RDWR | O_CREAT);
  if (strcmp(kind, "segv") == 0) fault_segv();
  if (strcmp(kind, "abort") == 0) fault_abort();
  if (strcmp(kind, "fpe") == 0) fault_fpe();
  if (strcmp(kind, "ill") == 0) fault_ill();
  if (strcmp(kind, "wild") == 0) fault_wild();
  if (strcmp(kind, "overflow") == 0) sink = fault_overflow(NULL);
  if (strcmp(kind, "bus") == 0) fault_bus();
  if (strcmp(kind, "malloc") == 0) fault_malloc();
  if (strcmp(kind, "loader") == 0) fault_loader();
  if (strcmp(kind, "allocate") == 0) fault_allocate();
  if (strcmp(kind, "spin") == 0) fault_spin();
  if (strcmp(kind, "sleep") == 0) fault_sleep();
  if (strcmp(kind, "exit") == 0) _exit(7);
  if (strcmp(kind, "pipe") == 0) raise(SIGPIPE);
  if (strcmp(kind, "together") == 0) fault_together();
  if (strcmp(kind, "late") == 0) fault_late();
  if (strcmp(kind, "stamp") == 0) fault_stamp();
}

/* FFmpeg's own threads have no stack for signals. */
static int is_codec_thread(void) {
  stack_t stack;
  sigaltstack(NULL, &stack);
  return gettid() != getpid() && (stack.ss_flags & SS_DISABLE) != 0;
}

static int is_named(const char *beginning) {
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  return strncmp(name, beginning, strlen(beginning)) == 0;
}

static void maybe(const char *function) {
  const char *wanted = getenv("MT_FAULT");
  char text[1024];
  snprintf(text, sizeof text, "%s", wanted == NULL ? "" : wanted);
  char *rest = text, *kind = strsep(&rest, "@"), *where = strsep(&rest, "@");
  if (where == NULL || strcmp(where, function) != 0) return;
  if (rest != NULL && strcmp(rest, "codec") == 0 ? !is_codec_thread() : rest != NULL && !is_named(rest)) return;
  static int calls;
  const char *call = getenv("MT_FAULT_CALL"), *once = getenv("MT_FAULT_ONCE");
  if (call != NULL && __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) != atoi(call)) return;
  if (once != NULL && open(once, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) < 0) return;
  fail(kind);
}

/* The function of the library behind this one. */
#define NEXT(type, name, parameters, arguments)                                    \
  type name parameters {                                                           \
    static type(*next) parameters;                                                 \
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, #name);                   \
    maybe(#name);                                                                  \
    return next arguments;                                                         \
  }

NEXT(void *, av_buffer_pool_get, (void *pool), (pool))
NEXT(int, av_read_frame, (void *context, void *packet), (context, packet))
NEXT(int, avcodec_send_packet, (void *context, void *packet), (context, packet))
NEXT(int, avcodec_send_frame, (void *context, void *frame), (context, frame))
NEXT(int, av_buffersrc_add_frame_flags, (void *context, void *frame, int flags), (context, frame, flags))
NEXT(int, av_interleaved_write_frame, (void *context, void *packet), (context, packet))
NEXT(int, avformat_find_stream_info, (void *context, void **options), (context, options))
