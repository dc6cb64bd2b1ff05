/* Opens what its arguments say, as a program that is linked with a static glibc may: prints the code that the job ended with, its hint, and how
 * the program is linked. */
#include <inttypes.h>
#include <mt_transcode/mt_transcode.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  char *about = NULL;
  int32_t code = 0;
  mt_transcode_engine_config_init(&config, sizeof config);
  if (mt_transcode_engine_new(&config, &engine, &error) < 0 || mt_transcode_diagnostics(&about) < 0)
    return 2;
  printf("%s\n", strstr(about, "\"program_linking\":\"static\"") ? "static" : "dynamic");
  mt_transcode_string_free(about);
  if (mt_transcode_job_new(engine, &job) < 0)
    return 2;
  if ((code = mt_transcode_job_set_args(job, argc - 1, (const char *const *)(argv + 1))) == 0 && (code = mt_transcode_job_start(job)) == 0 &&
    mt_transcode_job_wait(job, 20000, &code) < 0)
    return 2;
  printf("code %" PRId32 "\n", code);
  if (mt_transcode_job_error(job, &error) == 0 && error)
    printf("%s\n%s\n", error->message, error->hint);
  mt_transcode_error_free(error);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
  return code == 0 ? 0 : 1;
}
