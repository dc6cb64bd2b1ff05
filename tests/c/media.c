#include "media.h"

#include <stdlib.h>

mt_transcode_engine *new_limited_engine(uint32_t max_running, uint32_t max_queued, uint32_t log_mode) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  mt_transcode_error *error = NULL;
  CHECK_EQUAL(mt_transcode_engine_config_init(&config, sizeof config), 0);
  config.max_running = max_running;
  config.max_queued = max_queued;
  config.log_mode = log_mode;
  if (mt_transcode_engine_new(&config, &engine, &error) < 0) {
    test_fail(__FILE__, __LINE__, "no engine: %s", error ? error->message : "");
  }
  mt_transcode_error_free(error);
  return engine;
}

mt_transcode_engine *new_engine(void) { return new_limited_engine(0, 0, MT_TRANSCODE_LOG_TAKE); }

int32_t set_args(mt_transcode_job *job, const char *const *args) {
  int32_t count = 0;
  while (args[count] != NULL) count++;
  return mt_transcode_job_set_args(job, count, args);
}

/* Shows the error of a job that should have none. */
static void report(const char *what, int32_t code, const mt_transcode_job *job) {
  mt_transcode_error *error = NULL;
  mt_transcode_job_error(job, &error);
  test_fail(__FILE__, __LINE__, "%s: %s: %s", what, mt_transcode_error_name(code), error ? error->message : "");
  mt_transcode_error_free(error);
}

mt_transcode_job *new_job(mt_transcode_engine *engine, const char *const *args) {
  mt_transcode_job *job = NULL;
  int32_t code = mt_transcode_job_new(engine, &job);
  if (code == 0) code = set_args(job, args);
  if (code == 0) return job;
  report("description", code, job);
  mt_transcode_job_free(job);
  return NULL;
}

mt_transcode_job *start_job(mt_transcode_engine *engine, const char *const *args) {
  mt_transcode_job *job = new_job(engine, args);
  int32_t code = job ? mt_transcode_job_start(job) : 0;
  if (code < 0) report("start", code, job);
  return job;
}

int32_t result_of(mt_transcode_job *job) {
  int32_t result = INT32_MAX;
  int32_t code = mt_transcode_job_wait(job, patience_ms(), &result);
  return code < 0 ? code : result;
}

int32_t run(mt_transcode_engine *engine, const char *const *args) {
  mt_transcode_job *job = start_job(engine, args);
  int32_t result = result_of(job);
  if (result < 0) report("run", result, job);
  mt_transcode_job_free(job);
  return result;
}

int32_t attempt(mt_transcode_engine *engine, const char *const *args, mt_transcode_job **job_out) {
  int32_t code = mt_transcode_job_new(engine, job_out);
  if (code == 0) code = set_args(*job_out, args);
  if (code == 0) code = mt_transcode_job_start(*job_out);
  if (code == 0) code = result_of(*job_out);
  return code;
}

struct awaited {
  mt_transcode_job *job;
  uint32_t state;
};

static bool in_state(void *context) {
  const struct awaited *awaited = context;
  return mt_transcode_job_state(awaited->job) == (int32_t)awaited->state;
}

bool reaches(mt_transcode_job *job, uint32_t state) {
  struct awaited awaited = {job, state};
  return eventually(in_state, &awaited);
}

const char *clip(void) {
  static struct path path;
  mt_transcode_engine *engine;
  if (path.text[0] != '\0') return path.text;
  path = temporary("clip.mp4");
  engine = new_engine();
  CHECK_EQUAL(run(engine, ARGS("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v",
                               "libx264", "-preset", "ultrafast", "-c:a", "aac", path.text)),
              0);
  mt_transcode_engine_free(engine);
  return path.text;
}

char *probe(mt_transcode_engine *engine, const char *url) {
  return probe_as(engine, url, NULL);
}

char *probe_as(mt_transcode_engine *engine, const char *url, const char *const *options) {
  char *json = NULL;
  mt_transcode_error *error = NULL;
  int32_t code = mt_transcode_probe(engine, url, options, patience_ms(), &json, &error);
  if (code < 0) {
    test_fail(__FILE__, __LINE__, "probe of %s: %s: %s", url, mt_transcode_error_name(code), error ? error->message : "");
  }
  mt_transcode_error_free(error);
  return json;
}

const char *json_value(const char *json, const char *key) {
  char quoted[64];
  const char *place = json;
  snprintf(quoted, sizeof quoted, "\"%s\"", key);
  while (place != NULL && (place = strstr(place, quoted)) != NULL) {
    place += strlen(quoted);
    place += strspn(place, " \t\n");
    if (*place != ':') continue; /* a value that reads like the key */
    place += 1 + strspn(place + 1, " \t\n");
    return *place == '"' ? place + 1 : place;
  }
  return NULL;
}

int json_number(const char *json, const char *key) {
  const char *place = json_value(json, key);
  return place ? atoi(place) : -1;
}

const char *json_stream(const char *json, const char *codec) {
  size_t length = strlen(codec);
  for (const char *place = json; (place = json_value(place, "codec_name")) != NULL;) {
    if (strncmp(place, codec, length) == 0 && place[length] == '"') return place;
  }
  return NULL;
}

double json_duration(const char *json) {
  const char *place = json_value(json_value(json, "format"), "duration");
  return place ? strtod(place, NULL) : -1;
}
