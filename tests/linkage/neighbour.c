/* A host that links two static libraries written in Rust. */
#include <stdio.h>

#include "mt_transcode/mt_transcode.h"

int neighbour(int number);

int main(void) {
  const char *args[] = {"-f", "lavfi", "-i", "sine=d=0.2", "-f", "null", "-"};
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  int32_t result = -1;
  if (mt_transcode_engine_new(NULL, &engine, NULL) != 0 || mt_transcode_job_new(engine, &job) != 0) return 1;
  if (mt_transcode_job_set_args(job, 7, args) != 0 || mt_transcode_job_start(job) != 0) return 1;
  if (neighbour(4) != 8) return 1;
  if (mt_transcode_job_wait(job, 60000, &result) != 0) return 1;
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
  printf("%d, and the neighbour answers\n", result);
  return result != 0;
}
