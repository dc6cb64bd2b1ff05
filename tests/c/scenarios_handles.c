/* Scenarios s14 to s16 and s25: the library is used wrongly, and says so. */
#define _GNU_SOURCE
#include "media.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Functions that describe a job, on one that was started. */
static void check_busy(mt_transcode_job *job, mt_transcode_input *input, mt_transcode_output *output) {
  mt_transcode_input *late_input = NULL;
  CHECK_EQUAL(mt_transcode_job_start(job), -EALREADY);
  CHECK_EQUAL(set_args(job, SMALL), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_set_option(job, "copyts", NULL), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_set_label(job, "late"), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_input_new(job, "in.mp4", &late_input), -EBUSY);
  CHECK_EQUAL(mt_transcode_input_set_option(input, "ss", "1"), -EBUSY);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "t", "1"), -EBUSY);
  CHECK(late_input == NULL);
}

/* Functions that may be called at any time, on a job that has ended. */
static void check_harmless(mt_transcode_job *job) {
  mt_transcode_job_stats_data stats = {.struct_size = sizeof stats};
  mt_transcode_error *error = NULL;
  int32_t result = -1;
  char *command = NULL;
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(mt_transcode_job_stop(job), 0);
  CHECK_EQUAL(mt_transcode_job_stats(job, &stats), 0);
  CHECK_EQUAL(stats.state, MT_TRANSCODE_STATE_SUCCEEDED);
  CHECK_EQUAL(mt_transcode_job_command(job, 0, &command), 0);
  mt_transcode_string_free(command);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_SUCCEEDED);
  CHECK_EQUAL(mt_transcode_job_wait(job, 0, &result), 0);
  CHECK_EQUAL(result, 0);
  CHECK_EQUAL(mt_transcode_job_wait(job, 0, NULL), 0);
  CHECK(mt_transcode_job_id(job) > 0);
  CHECK_EQUAL(mt_transcode_job_error(job, &error), 0);
  mt_transcode_error_free(error);
}

static void s14_wrong_state(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = NULL;
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  int32_t result = 77;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  CHECK_EQUAL(mt_transcode_job_wait(job, 0, &result), -EINVAL);
  CHECK_EQUAL(result, 77); /* out-parameters are written only on success */
  CHECK_EQUAL(mt_transcode_job_stop(job), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_start(job), MT_TRANSCODE_EOPTION); /* nothing to do */
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_NEW);
  REQUIRE_EQUAL(mt_transcode_job_input_new(job, clip(), &input), 0);
  REQUIRE_EQUAL(mt_transcode_job_output_new(job, "-", &output), 0);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "f", "null"), 0);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "c", "copy"), 0);
  REQUIRE_EQUAL(mt_transcode_job_start(job), 0);
  check_busy(job, input, output);
  CHECK_EQUAL(result_of(job), 0);
  check_busy(job, input, output);
  check_harmless(job);
  mt_transcode_input_free(input);
  mt_transcode_output_free(output);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

/* Every function that takes a job refuses `job` with `code`, and writes nothing. */
static void check_bad_job(mt_transcode_job *job, int32_t code) {
  mt_transcode_job_stats_data stats = {.struct_size = sizeof stats};
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  mt_transcode_error *error = NULL;
  mt_transcode_event *event = NULL;
  int32_t result = 77;
  char *command = NULL;
  CHECK_EQUAL(set_args(job, SMALL), code);
  CHECK_EQUAL(mt_transcode_job_set_option(job, "copyts", NULL), code);
  CHECK_EQUAL(mt_transcode_job_set_label(job, "label"), code);
  CHECK_EQUAL(mt_transcode_job_input_new(job, "in.mp4", &input), code);
  CHECK_EQUAL(mt_transcode_job_output_new(job, "out.mp4", &output), code);
  CHECK_EQUAL(mt_transcode_job_id(job), code);
  CHECK_EQUAL(mt_transcode_job_command(job, 0, &command), code);
  CHECK_EQUAL(mt_transcode_job_error(job, &error), code);
  CHECK_EQUAL(mt_transcode_job_start(job), code);
  CHECK_EQUAL(mt_transcode_job_wait(job, 0, &result), code);
  CHECK_EQUAL(mt_transcode_job_stop(job), code);
  CHECK_EQUAL(mt_transcode_job_cancel(job), code);
  CHECK_EQUAL(mt_transcode_job_state(job), code);
  CHECK_EQUAL(mt_transcode_job_event_fd(job), code);
  CHECK_EQUAL(mt_transcode_job_next_event(job, 0, &event), code);
  CHECK_EQUAL(mt_transcode_job_stats(job, &stats), code);
  CHECK(input == NULL && output == NULL && command == NULL && error == NULL && event == NULL && result == 77);
  mt_transcode_job_free(job);
}

static void check_bad_engine(mt_transcode_engine *engine, int32_t code) {
  mt_transcode_engine_stats_data stats = {.struct_size = sizeof stats};
  mt_transcode_shutdown_counts counts = {.struct_size = sizeof counts};
  mt_transcode_job *job = NULL;
  void *ready = NULL;
  uint32_t bits = 0;
  char *json = NULL;
  CHECK_EQUAL(mt_transcode_engine_set_limits(engine, 1, 1), code);
  CHECK_EQUAL(mt_transcode_engine_shutdown(engine, 0, &counts), code);
  CHECK_EQUAL(mt_transcode_engine_jobs(engine, &json), code);
  CHECK_EQUAL(mt_transcode_engine_quarantine(engine, &json), code);
  CHECK_EQUAL(mt_transcode_engine_quarantine_clear(engine), code);
  CHECK_EQUAL(mt_transcode_engine_event_fd(engine), code);
  CHECK_EQUAL(mt_transcode_engine_next_ready(engine, &ready, &bits), code);
  CHECK_EQUAL(mt_transcode_engine_stats(engine, &stats), code);
  CHECK_EQUAL(mt_transcode_job_new(engine, &job), code);
  CHECK_EQUAL(mt_transcode_probe(engine, clip(), NULL, 0, &json, NULL), code);
  CHECK(job == NULL && ready == NULL && json == NULL);
  mt_transcode_engine_free(engine);
}

static void check_bad_files(mt_transcode_input *input, mt_transcode_output *output, int32_t code) {
  CHECK_EQUAL(mt_transcode_input_set_option(input, "ss", "1"), code);
  CHECK_EQUAL(mt_transcode_input_commit(input), code);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "t", "1"), code);
  CHECK_EQUAL(mt_transcode_output_commit(output), code);
  mt_transcode_input_free(input);
  mt_transcode_output_free(output);
}

static void check_null_places(mt_transcode_engine *engine, mt_transcode_job *job) {
  CHECK_EQUAL(mt_transcode_engine_new(NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_new(engine, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_input_new(job, NULL, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_set_args(job, 1, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_set_args(job, -1, SMALL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_next_event(job, 0, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_stats(job, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_diagnostics(NULL), -EINVAL);
  mt_transcode_error_free(NULL);
  mt_transcode_event_free(NULL);
  mt_transcode_string_free(NULL);
}

static void s15_bad_handles(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = NULL;
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  REQUIRE_EQUAL(mt_transcode_job_input_new(job, "in.mp4", &input), 0);
  REQUIRE_EQUAL(mt_transcode_job_output_new(job, "out.mp4", &output), 0);
  check_bad_job(NULL, -EINVAL);
  check_bad_engine(NULL, -EINVAL);
  check_bad_files(NULL, NULL, -EINVAL);
  check_bad_job((mt_transcode_job *)engine, -EBADF);
  check_bad_engine((mt_transcode_engine *)job, -EBADF);
  check_bad_files((mt_transcode_input *)output, (mt_transcode_output *)input, -EBADF);
  check_null_places(engine, job);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_NEW); /* nothing of that harmed it */
  mt_transcode_job_free(job);
  check_bad_job(job, -EBADF);
  check_bad_files(input, output, -EBADF); /* went with their job */
  mt_transcode_engine_free(engine);
  check_bad_engine(engine, -EBADF);
}

/* A config of a newer header than the library's. */
struct newer_config {
  mt_transcode_engine_config known;
  uint64_t unknown;
};

static int32_t make_and_free(const mt_transcode_engine_config *config) {
  mt_transcode_engine *engine = NULL;
  int32_t code = mt_transcode_engine_new(config, &engine, NULL);
  CHECK((code == 0) == (engine != NULL));
  mt_transcode_engine_free(engine);
  return code;
}

static void check_config_sizes(void) {
  struct newer_config newer = {0};
  mt_transcode_engine_config config;
  CHECK_EQUAL(mt_transcode_engine_config_init(&config, 4), -EINVAL);
  CHECK_EQUAL(mt_transcode_engine_config_init(NULL, sizeof config), -EINVAL);
  REQUIRE_EQUAL(mt_transcode_engine_config_init(&config, sizeof config), 0);
  CHECK_EQUAL(config.struct_size, sizeof config);
  newer.known = config;
  newer.known.struct_size = sizeof newer;
  CHECK_EQUAL(make_and_free(&newer.known), 0);
  newer.unknown = 1;
  CHECK_EQUAL(make_and_free(&newer.known), -E2BIG);
  config.struct_size = 0;
  CHECK_EQUAL(make_and_free(&config), -EINVAL);
  config.struct_size = sizeof config - 1;
  CHECK_EQUAL(make_and_free(&config), -EINVAL);
}

static void s16_struct_size(void) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = new_engine();
  mt_transcode_engine_stats_data stats = {.struct_size = 4};
  mt_transcode_shutdown_counts counts = {.struct_size = 0};
  check_config_sizes();
  CHECK_EQUAL(mt_transcode_engine_config_init(&config, sizeof config), 0);
  config.reserved[0] = 1;
  CHECK_EQUAL(make_and_free(&config), -EINVAL);
  config.reserved[0] = 0;
  config.flags = 1u << 31;
  CHECK_EQUAL(make_and_free(&config), -EINVAL);
  config.flags = 0;
  config.log_mode = 99;
  CHECK_EQUAL(make_and_free(&config), -EINVAL);
  CHECK_EQUAL(mt_transcode_engine_stats(engine, &stats), -EINVAL);
  CHECK_EQUAL(mt_transcode_engine_shutdown(engine, 0, &counts), -EINVAL);
  mt_transcode_engine_free(engine);
}

/* What the child finds; it calls nothing that may allocate. */
static int32_t call_in_child(mt_transcode_engine *engine, mt_transcode_job *job) {
  mt_transcode_engine_stats_data stats = {.struct_size = sizeof stats};
  mt_transcode_job *other = NULL;
  const int32_t found[] = {mt_transcode_job_state(job),       mt_transcode_job_cancel(job),
                           mt_transcode_job_wait(job, 0, NULL), mt_transcode_job_start(job),
                           mt_transcode_job_new(engine, &other), mt_transcode_engine_stats(engine, &stats)};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
    if (found[i] != -EPERM) return found[i];
  }
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
  return -EPERM;
}

static void s25_fork(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = start_job(engine, ENDLESS);
  int32_t found = 0;
  int ends[2], status = 0;
  pid_t child;
  REQUIRE(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  REQUIRE(pipe(ends) == 0);
  child = fork();
  if (child == 0) {
    found = call_in_child(engine, job);
    if (write(ends[1], &found, sizeof found) < 0) raise(SIGABRT);
    raise(SIGKILL); /* not _exit: valgrind would look for leaks in a child whose other threads are gone */
  }
  close(ends[1]);
  CHECK(read(ends[0], &found, sizeof found) == (ssize_t)sizeof found);
  close(ends[0]);
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(found, -EPERM);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_RUNNING); /* the parent's is as before */
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

const struct test_case handle_tests[] = {
    {"s14_wrong_state", s14_wrong_state},
    {"s15_bad_handles", s15_bad_handles},
    {"s16_struct_size", s16_struct_size},
    {"s25_fork", s25_fork},
    {NULL, NULL},
};
