/* The smallest host: checks that header and library belong together, runs one job. Linked in every way that run.sh knows. */
#include <stdio.h>
#include <string.h>

#include "mt_transcode/mt_transcode.h"

static int run(mt_transcode_engine *engine) {
  const char *args[] = {"-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.2", "-f", "null", "-"};
  mt_transcode_job *job = NULL;
  int32_t result = -1;
  int32_t code = mt_transcode_job_new(engine, &job);
  if (code == 0) code = mt_transcode_job_set_args(job, 7, args);
  if (code == 0) code = mt_transcode_job_start(job);
  if (code == 0) code = mt_transcode_job_wait(job, 60000, &result);
  mt_transcode_job_free(job);
  return code == 0 ? result : code;
}

int main(int argc, char **argv) {
  mt_transcode_engine *engine = NULL;
  int32_t code;
  if (mt_transcode_abi_version() != MT_TRANSCODE_ABI_VERSION) {
    printf("the library has ABI %u, the header %d\n", mt_transcode_abi_version(), MT_TRANSCODE_ABI_VERSION);
    return 1;
  }
  if (argc > 1 && strcmp(argv[1], mt_transcode_version()) != 0) {
    printf("the library is %s, the .pc file says %s\n", mt_transcode_version(), argv[1]);
    return 1;
  }
  code = mt_transcode_engine_new(NULL, &engine, NULL);
  if (code == 0) code = run(engine);
  mt_transcode_engine_free(engine);
  printf("%d %s\n", code, mt_transcode_strerror(code));
  return code != 0;
}
