/* Scenarios s01 to s04, s23, s28: what the library is for. */
#define _GNU_SOURCE
#include "media.h"

#include <math.h>

/* The library's own codes, and the errno values that its manual names. */
static const int32_t codes[] = {
    -EPERM,  -ENOENT,    -EBADF,      -EAGAIN,     -ENOMEM,    -EACCES,    -EBUSY,    -EISDIR,     -EINVAL,   -ENFILE,   -EMFILE,
    -ENOSPC, -EPIPE,     -EDEADLK,    -ENODATA,    -E2BIG,     -EILSEQ,    -EALREADY, -ETIMEDOUT,  -ESHUTDOWN, -ECANCELED,
    MT_TRANSCODE_EDEMUX, MT_TRANSCODE_EDECODE,      MT_TRANSCODE_EFILTER,  MT_TRANSCODE_EENCODE,
    MT_TRANSCODE_EMUX,   MT_TRANSCODE_ELIMIT,       MT_TRANSCODE_EUNSUPPORTED,
    MT_TRANSCODE_EPANIC, MT_TRANSCODE_EINTERNAL,    MT_TRANSCODE_ESTATIC_RESOLVER,
    MT_TRANSCODE_ECRASHED, MT_TRANSCODE_EOOM_KILLED, MT_TRANSCODE_EKILLED,
    MT_TRANSCODE_EHUNG,  MT_TRANSCODE_ESANDBOX,     MT_TRANSCODE_ESPAWN_FAILED,
    MT_TRANSCODE_EDETACHED, MT_TRANSCODE_ECIRCUIT_OPEN, MT_TRANSCODE_EOPTION,
};

static void s01_version_and_codes(void) {
  const char *unknown = mt_transcode_strerror(-987654);
  const size_t count = sizeof codes / sizeof *codes;
  CHECK_EQUAL(mt_transcode_abi_version(), MT_TRANSCODE_ABI_VERSION);
  CHECK(strchr(mt_transcode_version(), '.') != NULL);
  CHECK(unknown[0] != '\0');
  for (size_t i = 0; i < count; i++) {
    const char *name = mt_transcode_error_name(codes[i]);
    const char *words = mt_transcode_strerror(codes[i]);
    if (name[0] == '\0' || words[0] == '\0' || strcmp(words, unknown) == 0) {
      test_fail(__FILE__, __LINE__, "code %d: name \"%s\", words \"%s\"", (int)codes[i], name, words);
    }
    for (size_t j = 0; j < i; j++) {
      if (strcmp(name, mt_transcode_error_name(codes[j])) != 0) continue;
      test_fail(__FILE__, __LINE__, "codes %d and %d are both %s", (int)codes[i], (int)codes[j], name);
    }
  }
  CHECK(strcmp(mt_transcode_error_name(MT_TRANSCODE_EDEMUX), "DEMUX") == 0);
  CHECK(strcmp(mt_transcode_strerror(MT_TRANSCODE_EDEMUX), "demuxing failed") == 0);
  CHECK(strcmp(mt_transcode_error_name(-EAGAIN), "EAGAIN") == 0);
}

static void s02_generate(void) {
  mt_transcode_engine *engine = new_engine();
  struct path out = temporary("generated.mp4");
  mt_transcode_job *job =
      start_job(engine, ARGS("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v",
                             "libx264", "-preset", "ultrafast", "-c:a", "aac", out.text));
  CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_SUCCEEDED);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static void s03_probe(void) {
  mt_transcode_engine *engine = new_engine();
  char *json = probe(engine, clip());
  const char *video = json_stream(json, "h264");
  CHECK_EQUAL(json_number(video, "width"), 320);
  CHECK_EQUAL(json_number(video, "height"), 240);
  CHECK(json_stream(json, "aac") != NULL);
  CHECK(fabs(json_duration(json) - 2) <= 0.1);
  mt_transcode_string_free(json);
  mt_transcode_engine_free(engine);
}

static void check_copied_all(const mt_transcode_job *job) {
  mt_transcode_job_stats_data stats = {.struct_size = sizeof stats};
  CHECK_EQUAL(mt_transcode_job_stats(job, &stats), 0);
  CHECK(stats.packets_read > 0);
  CHECK_EQUAL(stats.packets_written, stats.packets_read);
  CHECK_EQUAL(stats.state, MT_TRANSCODE_STATE_SUCCEEDED);
  CHECK(stats.size_bytes > 0);
}

static void s04_remux_by_functions(void) {
  mt_transcode_engine *engine = new_engine();
  struct path out = temporary("remuxed.mkv");
  mt_transcode_job *job = NULL;
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  char *json;
  REQUIRE_EQUAL(mt_transcode_job_new(engine, &job), 0);
  REQUIRE_EQUAL(mt_transcode_job_input_new(job, clip(), &input), 0);
  CHECK_EQUAL(mt_transcode_input_commit(input), 0);
  CHECK_EQUAL(mt_transcode_input_commit(input), -EALREADY);
  mt_transcode_input_free(input);
  REQUIRE_EQUAL(mt_transcode_job_output_new(job, out.text, &output), 0);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "c", "copy"), 0);
  CHECK_EQUAL(mt_transcode_output_commit(output), 0);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "c", "copy"), -EBUSY);
  mt_transcode_output_free(output);
  CHECK_EQUAL(mt_transcode_job_start(job), 0);
  CHECK_EQUAL(result_of(job), 0);
  check_copied_all(job);
  mt_transcode_job_free(job);
  json = probe(engine, out.text);
  CHECK(json_stream(json, "h264") != NULL);
  CHECK(json_stream(json, "aac") != NULL);
  mt_transcode_string_free(json);
  mt_transcode_engine_free(engine);
}

/* Lets a shell take a command line apart again: the words of it, one a line, in `words`. */
static void split_by_shell(const char *command, const struct path *script, char *words, size_t size) {
  char call[600];
  FILE *file = fopen(script->text, "w");
  size_t length = 0;
  words[0] = '\0';
  if (!CHECK(file != NULL)) return;
  fprintf(file, "set -- %s\nprintf '[%%s]\\n' \"$@\"\n", command);
  fclose(file);
  snprintf(call, sizeof call, "sh '%s'", script->text);
  file = popen(call, "r");
  if (!CHECK(file != NULL)) return;
  length = fread(words, 1, size - 1, file);
  words[length] = '\0';
  CHECK_EQUAL(pclose(file), 0);
}

static void s23_command(void) {
  static const char *const args[] = {
      "-f",   "lavfi",   "-i", "testsrc2=d=1:s=64x48", "-metadata", "title=it's a \"$HOME\" `x` \\ *",
      "-c:v", "libx264", "-f", "matroska",             "/tmp/some one's file.mkv", NULL};
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = new_job(engine, args);
  struct path script = temporary("command.sh");
  char words[4096], expected[256];
  char *command = NULL;
  REQUIRE_EQUAL(mt_transcode_job_command(job, 0, &command), 0);
  CHECK(strncmp(command, "ffmpeg ", 7) == 0);
  split_by_shell(command, &script, words, sizeof words);
  CHECK(strncmp(words, "[ffmpeg]\n", 9) == 0);
  for (size_t i = 0; args[i] != NULL; i++) {
    snprintf(expected, sizeof expected, "[%s]\n", args[i]);
    CHECK_CONTAINS(words, expected);
  }
  mt_transcode_string_free(command);
  CHECK_EQUAL(mt_transcode_job_command(job, MT_TRANSCODE_COMMAND_FFMPEG | MT_TRANSCODE_COMMAND_MASKED, &command), 0);
  CHECK(strncmp(command, "ffmpeg ", 7) == 0);
  mt_transcode_string_free(command);
  CHECK_EQUAL(mt_transcode_job_command(job, 1u << 30, &command), -EINVAL);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static void s28_two_outputs_one_decode(void) {
  mt_transcode_engine *engine = new_engine();
  struct path file = temporary("small.mp4"), list = temporary("list.m3u8");
  const char *video;
  char *json;
  REQUIRE_EQUAL(run(engine, ARGS("-i", clip(), "-s", "160x120", "-c:v", "libx264", "-preset", "ultrafast", "-an", file.text,
                                 "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-f", "hls", list.text)),
                0);
  json = probe(engine, file.text);
  video = json_stream(json, "h264");
  CHECK_EQUAL(json_number(video, "width"), 160);
  CHECK_EQUAL(json_number(video, "height"), 120);
  CHECK(json_stream(json, "aac") == NULL);
  mt_transcode_string_free(json);
  json = probe(engine, list.text);
  CHECK(json_stream(json, "h264") != NULL);
  CHECK(json_stream(json, "aac") != NULL);
  mt_transcode_string_free(json);
  mt_transcode_engine_free(engine);
}

const struct test_case basic_tests[] = {
    {"s01_version_and_codes", s01_version_and_codes},
    {"s02_generate", s02_generate},
    {"s03_probe", s03_probe},
    {"s04_remux_by_functions", s04_remux_by_functions},
    {"s23_command", s23_command},
    {"s28_two_outputs_one_decode", s28_two_outputs_one_decode},
    {NULL, NULL},
};
