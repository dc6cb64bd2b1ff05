/* Scenarios s08 to s10, s17, s22, s24, s90: what goes wrong, and what is said about it. */
#include "media.h"

#include <unistd.h>

static void s08_missing_file(void) {
  mt_transcode_engine *engine = new_engine();
  struct path missing = temporary("missing.mp4");
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  CHECK_EQUAL(attempt(engine, ARGS("-i", missing.text, "-c", "copy", "-f", "null", "-"), &job), -ENOENT);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_FAILED);
  CHECK_EQUAL(mt_transcode_job_error(job, &error), 0);
  REQUIRE(error != NULL);
  CHECK(error->struct_size >= sizeof *error);
  CHECK_EQUAL(error->code, -ENOENT);
  CHECK(strcmp(error->name, "ENOENT") == 0);
  CHECK(strcmp(error->stage, "open input") == 0);
  CHECK_EQUAL(error->input_index, 0);
  CHECK_EQUAL(error->output_index, -1);
  CHECK_CONTAINS(error->url, missing.text);
  CHECK(error->ffmpeg_code != 0);
  CHECK(error->ffmpeg_text[0] != '\0');
  CHECK(error->message[0] != '\0');
  CHECK(error->hint[0] != '\0');
  mt_transcode_error_free(error);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static void s09_not_media(void) {
  mt_transcode_engine *engine = new_engine();
  struct path text = temporary("x.mp4");
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  FILE *file = fopen(text.text, "w");
  REQUIRE(file != NULL);
  for (int i = 0; i < 100; i++) fprintf(file, "This is a letter, not a film. Line %d.\n", i);
  fclose(file);
  CHECK_EQUAL(attempt(engine, ARGS("-i", text.text, "-c", "copy", "-f", "null", "-"), &job), MT_TRANSCODE_EDEMUX);
  CHECK_EQUAL(mt_transcode_job_error(job, &error), 0);
  REQUIRE(error != NULL);
  CHECK_EQUAL(error->code, MT_TRANSCODE_EDEMUX);
  CHECK(strcmp(error->name, "DEMUX") == 0);
  CHECK_EQUAL(error->input_index, 0);
  CHECK_CONTAINS(error->url, text.text);
  CHECK(error->hint[0] != '\0');
  mt_transcode_error_free(error);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

/* `args` are refused with `first` or `second`, and the message names `unknown`. */
static void refused(mt_transcode_engine *engine, const char *const *args, int32_t first, int32_t second, const char *unknown) {
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  int32_t code = attempt(engine, args, &job);
  CHECK_EQUAL(code, code == second ? second : first);
  CHECK_EQUAL(mt_transcode_job_error(job, &error), 0);
  if (CHECK(error != NULL)) {
    CHECK_EQUAL(error->code, code);
    CHECK_CONTAINS(error->message, unknown);
  }
  mt_transcode_error_free(error);
  mt_transcode_job_free(job);
}

static void s10_unknown_names(void) {
  const int32_t option = MT_TRANSCODE_EOPTION;
  mt_transcode_engine *engine = new_engine();
  const char *in = clip();
  refused(engine, ARGS("-i", in, "-nosuchoption", "1", "-f", "null", "-"), option, option, "nosuchoption");
  refused(engine, ARGS("-i", in, "-c:v", "nosuchencoder", "-f", "null", "-"), option, option, "nosuchencoder");
  refused(engine, ARGS("-i", in, "-c", "copy", "-f", "nosuchformat", "-"), option, option, "nosuchformat");
  refused(engine, ARGS("-i", in, "-vf", "nosuchfilter", "-f", "null", "-"), option, MT_TRANSCODE_EFILTER, "nosuchfilter");
  mt_transcode_engine_free(engine);
}

static void s17_not_utf8(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = NULL;
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  char *json = NULL;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  // What people read must be text.
  CHECK_EQUAL(mt_transcode_job_set_label(job, "la\xff"), -EILSEQ);
  CHECK_EQUAL(mt_transcode_job_set_option(job, "metadata\xff", "x"), -EILSEQ);
  // Names of files and values of options are bytes.
  CHECK_EQUAL(set_args(job, ARGS("-i", "in\xff.mp4", "-metadata", "title=\xfe", "out.mp4")), 0);
  char *line = NULL;
  REQUIRE_EQUAL(mt_transcode_job_command(job, 0, &line), 0);
  CHECK_CONTAINS(line, "$'in\\xff.mp4'");
  mt_transcode_string_free(line);
  mt_transcode_job_free(job);
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  REQUIRE_EQUAL(mt_transcode_job_input_new(job, "in\xff.mp4", &input), 0);
  CHECK_EQUAL(mt_transcode_input_set_option(input, "f", "m\xffp4"), 0);
  REQUIRE_EQUAL(mt_transcode_job_output_new(job, "out\xff.mp4", &output), 0);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "metadata", "title=\xfe"), 0);
  CHECK_EQUAL(mt_transcode_probe(engine, "in\xff.mp4", NULL, 0, &json, NULL), -ENOENT);
  CHECK(json == NULL);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static void has_no_secret(const char *what, const char *text) {
  if (strstr(text, "hunter2") != NULL) test_fail(__FILE__, __LINE__, "%s has the secret: %.200s", what, text);
}

static void check_events_for_secret(mt_transcode_job *job) {
  mt_transcode_event *event;
  while (mt_transcode_job_next_event(job, patience_ms(), &event) == 0) {
    has_no_secret("an event's label", event->label);
    has_no_secret("an event's stage", event->stage);
    has_no_secret("an event's text", event->text);
    has_no_secret("an event's json", event->json);
    mt_transcode_event_free(event);
  }
}

static void check_error_for_secret(const mt_transcode_job *job) {
  mt_transcode_error *error = NULL;
  CHECK_EQUAL(mt_transcode_job_error(job, &error), 0);
  REQUIRE(error != NULL);
  has_no_secret("stage", error->stage);
  has_no_secret("url", error->url);
  has_no_secret("ffmpeg_text", error->ffmpeg_text);
  has_no_secret("message", error->message);
  has_no_secret("hint", error->hint);
  has_no_secret("detail", error->detail);
  CHECK_CONTAINS(error->url, "127.0.0.1");
  mt_transcode_error_free(error);
}

static void s22_secrets(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = NULL;
  char *text = NULL;
  const char *url = "http://user:hunter2@127.0.0.1:1/live?token=hunter2";
  CHECK(attempt(engine, ARGS("-i", url, "-c", "copy", "-f", "null", "-"), &job) < 0);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_FAILED);
  check_events_for_secret(job);
  check_error_for_secret(job);
  CHECK_EQUAL(mt_transcode_job_command(job, MT_TRANSCODE_COMMAND_MASKED, &text), 0);
  has_no_secret("the masked command", text);
  CHECK_CONTAINS(text, "127.0.0.1");
  mt_transcode_string_free(text);
  CHECK_EQUAL(mt_transcode_job_command(job, 0, &text), 0);
  CHECK_CONTAINS(text, "hunter2"); /* the whole command can be replayed */
  mt_transcode_string_free(text);
  CHECK_EQUAL(mt_transcode_engine_jobs(engine, &text), 0);
  has_no_secret("the list of jobs", text);
  mt_transcode_string_free(text);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static void s24_cannot_write(void) {
  mt_transcode_engine *engine = new_engine();
  struct path lost = temporary("no/such/folder/out.mkv");
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  CHECK_EQUAL(attempt(engine, ARGS("-i", clip(), "-c", "copy", "-f", "matroska", "/dev/full"), &job), -ENOSPC);
  mt_transcode_job_free(job);
  CHECK_EQUAL(attempt(engine, ARGS("-i", clip(), "-c", "copy", lost.text), &job), -ENOENT);
  CHECK_EQUAL(mt_transcode_job_error(job, &error), 0);
  REQUIRE(error != NULL);
  CHECK_EQUAL(error->output_index, 0);
  CHECK_EQUAL(error->input_index, -1);
  CHECK_CONTAINS(error->url, lost.text);
  CHECK(error->message[0] != '\0' && error->hint[0] != '\0');
  mt_transcode_error_free(error);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static void s90_capture(void) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  mt_transcode_error *error = NULL;
  char *json = NULL;
  struct path folder = temporary("captures"), text = temporary("letter.mp4");
  FILE *file = fopen(text.text, "w");
  REQUIRE(file != NULL);
  for (int i = 0; i < 100; i++) fprintf(file, "This is a letter, not a film. Line %d.\n", i);
  fclose(file);
  REQUIRE_EQUAL(mt_transcode_engine_config_init(&config, sizeof config), 0);
  config.capture_count = 3;
  CHECK_EQUAL(mt_transcode_engine_new(&config, &engine, NULL), -EINVAL);
  config.capture_path = folder.text;
  config.on_crash = 4;
  CHECK_EQUAL(mt_transcode_engine_new(&config, &engine, NULL), -EINVAL);
  config.on_crash = MT_TRANSCODE_ON_CRASH_RETRY | MT_TRANSCODE_ON_CRASH_QUARANTINE;
  REQUIRE_EQUAL(mt_transcode_engine_new(&config, &engine, NULL), 0);
  CHECK_EQUAL(attempt(engine, ARGS("-i", text.text, "-f", "null", "-"), &job), MT_TRANSCODE_EDEMUX);
  REQUIRE_EQUAL(mt_transcode_job_error(job, &error), 0);
  const char *place = strstr(error->detail, "capture: ");
  if (CHECK(place != NULL)) {
    char command[4096];
    snprintf(command, sizeof command, "%s/command.json", place + strlen("capture: "));
    CHECK_CONTAINS(command, folder.text);
    CHECK_EQUAL(access(command, R_OK), 0);
  }
  mt_transcode_error_free(error);
  mt_transcode_job_free(job);
  REQUIRE_EQUAL(mt_transcode_engine_quarantine(engine, &json), 0);
  CHECK(strcmp(json, "[]") == 0);
  mt_transcode_string_free(json);
  CHECK_EQUAL(mt_transcode_engine_quarantine_clear(engine), 0);
  mt_transcode_engine_free(engine);
}

const struct test_case error_tests[] = {
    {"s08_missing_file", s08_missing_file},
    {"s09_not_media", s09_not_media},
    {"s10_unknown_names", s10_unknown_names},
    {"s17_not_utf8", s17_not_utf8},
    {"s22_secrets", s22_secrets},
    {"s24_cannot_write", s24_cannot_write},
    {"s90_capture", s90_capture},
    {NULL, NULL},
};
