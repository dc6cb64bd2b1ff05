/* What a container's filter of system calls does: filter ERRNO NAME,... PROGRAM ARGS... runs a program for which these calls fail with that errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name}
static const struct {
  const char *name;
  unsigned number;
} calls[] = {
    CALL(memfd_create),    CALL(eventfd2),      CALL(signalfd4),        CALL(clone3),         CALL(statx),         CALL(getrandom),
    CALL(rseq),            CALL(membarrier),    CALL(process_vm_readv), CALL(pidfd_open),     CALL(close_range),   CALL(openat2),
    CALL(faccessat2),      CALL(epoll_create1), CALL(copy_file_range),  CALL(io_uring_setup), CALL(prctl),         CALL(seccomp),
    CALL(get_mempolicy),   CALL(set_mempolicy), CALL(mlock),            CALL(statfs),         CALL(setpgid),       CALL(sched_getaffinity),
    CALL(prlimit64),       CALL(sigaltstack),   CALL(socket),           CALL(set_robust_list),
    {"landlock_create_ruleset", 444}, {"landlock_add_rule", 445}, {"landlock_restrict_self", 446}, {"futex_waitv", 449},
};

static unsigned number_of(const char *name) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strcmp(calls[i].name, name) == 0) return calls[i].number;
  fprintf(stderr, "filter: no call %s\n", name);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  const int error = strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
  struct sock_filter steps[128] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short count = 1;
  for (char *name = strtok(argv[2], ","); name != NULL && count < 120; name = strtok(NULL, ",")) {
    steps[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(name), 0, 1);
    steps[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
  }
  steps[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {count, steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("filter");
    return 77;
  }
  execvp(argv[3], argv + 3);
  perror(argv[3]);
  return 2;
}
