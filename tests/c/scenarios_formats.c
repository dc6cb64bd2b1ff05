/* Scenarios s56 to s58, s63 and s64: formats that a stream cannot give everything, and a look at the first bytes. */
#include "memory.h"

#include <math.h>

/* Feeds `data` to a job of `args` that reads mt:in, and gives its result; the job is left to be asked for its error. */
static int32_t run_over(mt_transcode_engine *engine, const char *const *args, const uint8_t *data, size_t size,
                        mt_transcode_job **job_out) {
  mt_transcode_pipe *in = new_pipe(engine, 0);
  struct feeder feeder = {.pipe = in, .data = data, .size = size};
  int32_t result;
  *job_out = new_piped_job(engine, args, in, NULL);
  start(*job_out);
  start_feeder(&feeder);
  result = result_of(*job_out);
  join_feeder(&feeder);
  mt_transcode_pipe_free(in);
  return result;
}

static void s56_index_at_the_end(void) {
  mt_transcode_engine *engine = new_engine();
  struct bytes clip_bytes = read_file(clip());
  struct path front = temporary("front.mp4"), out = temporary("from-pipe.mkv"), expected = temporary("from-file.mkv");
  mt_transcode_job *job = NULL;
  struct bytes piped, filed, front_bytes;
  CHECK_EQUAL(run_over(engine, ARGS("-i", "mt:in", "-c", "copy", out.text), clip_bytes.data, clip_bytes.size, &job), 0);
  mt_transcode_job_free(job);
  CHECK_EQUAL(run(engine, ARGS("-i", clip(), "-c", "copy", expected.text)), 0);
  piped = read_file(out.text);
  filed = read_file(expected.text);
  CHECK_EQUAL(piped.size, filed.size); /* Matroska has random numbers inside */
  CHECK_EQUAL(run_over(engine, ARGS("-mt_seek_buffer", "1000", "-i", "mt:in", "-c", "copy", "-f", "null", "-"), clip_bytes.data,
                       clip_bytes.size, &job),
              MT_TRANSCODE_ELIMIT);
  CHECK_ERROR(job, MT_TRANSCODE_ELIMIT, 0, -1, "mt_seek_buffer");
  CHECK_ERROR(job, MT_TRANSCODE_ELIMIT, 0, -1, "faststart");
  mt_transcode_job_free(job);
  CHECK_EQUAL(run(engine, ARGS("-i", clip(), "-c", "copy", "-movflags", "+faststart", front.text)), 0);
  front_bytes = read_file(front.text);
  CHECK_EQUAL(run_over(engine, ARGS("-mt_seek_buffer", "1000", "-i", "mt:in", "-c", "copy", "-f", "null", "-"), front_bytes.data,
                       front_bytes.size, &job),
              0); /* with the index in front nothing is kept */
  mt_transcode_job_free(job);
  free_bytes(&clip_bytes);
  free_bytes(&piped);
  free_bytes(&filed);
  free_bytes(&front_bytes);
  LEAVE(engine);
}

static void s57_mp4_to_a_pipe(void) {
  const char *formats[] = {"mp4", "mov", "ipod"};
  mt_transcode_engine *engine = new_engine();
  struct bytes result = {0};
  struct path path = temporary("fragments.mp4");
  mt_transcode_pipe *out;
  mt_transcode_job *job;
  char *json;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    out = new_pipe(engine, 0);
    job = new_piped_job(engine, ARGS("-i", clip(), "-c", "copy", "-f", formats[i], "mt:out"), NULL, out);
    int32_t code = mt_transcode_job_start(job);
    if (code == 0) code = result_of(job);
    CHECK_EQUAL(code, MT_TRANSCODE_EUNSUPPORTED);
    CHECK_ERROR(job, MT_TRANSCODE_EUNSUPPORTED, -1, 0, "-movflags +frag_keyframe+empty_moov");
    mt_transcode_job_free(job);
    mt_transcode_pipe_free(out);
  }
  out = new_pipe(engine, 0);
  job = new_piped_job(engine, ARGS("-i", clip(), "-c", "copy", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov", "mt:out"), NULL,
                      out);
  start(job);
  CHECK_EQUAL(read_to_end(out, 0, &result), 0);
  CHECK_EQUAL(result_of(job), 0);
  write_file(path.text, result.data, result.size);
  json = probe(engine, path.text);
  CHECK(json_stream(json, "h264") != NULL && json_stream(json, "aac") != NULL);
  mt_transcode_string_free(json);
  free_bytes(&result);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(out);
  LEAVE(engine);
}

static void refuse_script(mt_transcode_engine *engine, const char *const *args, const char *script) {
  mt_transcode_job *job = NULL;
  CHECK_EQUAL(run_over(engine, args, (const uint8_t *)script, strlen(script), &job), MT_TRANSCODE_EUNSUPPORTED);
  CHECK_ERROR(job, MT_TRANSCODE_EUNSUPPORTED, 0, -1, "mt:in");
  mt_transcode_job_free(job);
}

static void s58_self_contained(void) {
  mt_transcode_engine *engine = new_engine();
  char script[1024];
  snprintf(script, sizeof script, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n%s\n#EXT-X-ENDLIST\n", ts_path());
  refuse_script(engine, ARGS("-i", "mt:in", "-c", "copy", "-f", "null", "-"), script);
  refuse_script(engine, ARGS("-f", "hls", "-i", "mt:in", "-c", "copy", "-f", "null", "-"), script);
  snprintf(script, sizeof script, "ffconcat version 1.0\nfile '%s'\n", ts_path());
  refuse_script(engine, ARGS("-i", "mt:in", "-c", "copy", "-f", "null", "-"), script);
  refuse_script(engine, ARGS("-f", "concat", "-safe", "0", "-i", "mt:in", "-c", "copy", "-f", "null", "-"), script);
  refuse_script(engine, ARGS("-f", "image2", "-i", "mt:in", "-f", "null", "-"), script);
  refuse_script(engine, ARGS("-f", "sdp", "-i", "mt:in", "-f", "null", "-"), "v=0\nm=video 5004 RTP/AVP 96\n");
  LEAVE(engine);
}

/* Probes what a feeder writes, then runs the copy over it. */
static void probe_then_run(mt_transcode_engine *engine, uint64_t capacity) {
  mt_transcode_pipe *in = new_pipe(engine, capacity), *out = new_pipe(engine, 0);
  struct feeder feeder = {.pipe = in, .data = ts_clip()->data, .size = ts_clip()->size, .step = 5000};
  struct collector collector = {.pipe = out};
  mt_transcode_error *error = NULL;
  mt_transcode_job *job;
  char *json = NULL;
  start_feeder(&feeder);
  CHECK_EQUAL(mt_transcode_pipe_probe(in, (const char *const[]){"f", "mpegts", NULL}, 0, patience_ms(), &json, &error), 0);
  CHECK(error == NULL);
  if (CHECK(json != NULL)) CHECK(json_stream(json, "h264") != NULL && json_stream(json, "aac") != NULL);
  mt_transcode_string_free(json);
  CHECK_EQUAL(engine_stats(engine).jobs_started, 0);
  job = new_piped_job(engine, COPY_TS, in, out);
  start(job);
  start_collector(&collector);
  CHECK_EQUAL(result_of(job), 0);
  join_collector(&collector);
  join_feeder(&feeder);
  CHECK_SAME(&collector.bytes, ts_copy());
  free_bytes(&collector.bytes);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(in);
  mt_transcode_pipe_free(out);
}

static void probe_then_read(mt_transcode_engine *engine) {
  mt_transcode_pipe *pipe = new_pipe(engine, 4096);
  struct feeder feeder = {.pipe = pipe, .data = ts_clip()->data, .size = ts_clip()->size};
  struct bytes result = {0};
  char *json = NULL;
  start_feeder(&feeder);
  for (int i = 0; i < 2; i++) { /* the second sees the same */
    CHECK_EQUAL(mt_transcode_pipe_probe(pipe, NULL, 0, patience_ms(), &json, NULL), 0);
    if (CHECK(json != NULL)) CHECK(json_stream(json, "h264") != NULL);
    mt_transcode_string_free(json);
    json = NULL;
  }
  CHECK_EQUAL(read_to_end(pipe, 0, &result), 0);
  join_feeder(&feeder);
  CHECK_SAME(&result, ts_clip());
  free_bytes(&result);
  mt_transcode_pipe_free(pipe);
}

static void s63_probe(void) {
  mt_transcode_engine *engine = new_engine(), *other = new_engine();
  probe_then_run(engine, 0);
  probe_then_run(other, 4096); /* less than a probe needs */
  LEAVE(other);
  probe_then_read(engine);
  LEAVE(engine);
}

static char *probe_shows(mt_transcode_engine *engine, const char *shown, const char *intervals) {
  const char *const options[] = {"mt_show", shown, "mt_read_intervals", intervals, NULL};
  char *json = NULL;
  CHECK_EQUAL(mt_transcode_probe(engine, clip(), options, patience_ms(), &json, NULL), 0);
  return json;
}

/* A writer that breaks off matters to who reads to the end, not to who looks at a part. */
static void pipe_probe_shows(mt_transcode_engine *engine) {
  const char *const options[] = {"f", "mpegts", "mt_show", "packets", NULL};
  const size_t size = ts_clip()->size;
  mt_transcode_pipe *pipe = new_pipe(engine, 16 << 20);
  char *json = NULL;
  CHECK_EQUAL(mt_transcode_pipe_write(pipe, ts_clip()->data, size, 0), (int64_t)size);
  CHECK_EQUAL(mt_transcode_pipe_close_write(pipe, -EIO), 0);
  CHECK_EQUAL(mt_transcode_pipe_probe(pipe, options, 0, patience_ms(), &json, NULL), -EIO);
  CHECK_EQUAL(mt_transcode_pipe_probe(pipe, options, size / 2, patience_ms(), &json, NULL), 0);
  if (CHECK(json != NULL)) CHECK_CONTAINS(json, "\"flags\":\"K_\"");
  mt_transcode_string_free(json);
  mt_transcode_pipe_free(pipe);
}

static void s83_probe_shows(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_error *error = NULL;
  char *json = probe_shows(engine, "packets", "%+#3");
  CHECK(strncmp(json, "{\"packets\":[{", 13) == 0);
  CHECK_CONTAINS(json, "\"flags\":\"K_\"");
  CHECK(strstr(json, "\"streams\"") == NULL);
  mt_transcode_string_free(json);
  json = probe_shows(engine, "frames,chapters,format", "%+0.5");
  CHECK_CONTAINS(json, "\"pict_type\":\"I\"");
  CHECK_CONTAINS(json, "\"chapters\":[]");
  CHECK(fabs(json_duration(json) - 2) <= 0.1);
  mt_transcode_string_free(json);
  json = NULL;
  CHECK_EQUAL(mt_transcode_probe(engine, clip(), (const char *const[]){"mt_show", "nonsense", NULL}, 0, &json, &error),
              MT_TRANSCODE_EOPTION);
  CHECK(json == NULL);
  if (CHECK(error != NULL)) CHECK_CONTAINS(error->message, "nonsense");
  mt_transcode_error_free(error);
  pipe_probe_shows(engine);
  mt_transcode_engine_free(engine);
}

/* A probe of these bytes is refused with `code`, and explained; what was there can still be read. */
static void check_refused(mt_transcode_engine *engine, const struct bytes *bytes, uint64_t limit, int32_t code) {
  mt_transcode_pipe *pipe = new_pipe(engine, 0);
  struct feeder feeder = {.pipe = pipe, .data = bytes->data, .size = bytes->size};
  struct bytes result = {0};
  mt_transcode_error *error = NULL;
  char *json = NULL;
  start_feeder(&feeder);
  CHECK_EQUAL(mt_transcode_pipe_probe(pipe, NULL, limit, patience_ms(), &json, &error), code);
  CHECK(json == NULL);
  if (CHECK(error != NULL)) {
    CHECK_EQUAL(error->code, code);
    CHECK(error->message[0] != '\0' && error->hint[0] != '\0');
  }
  mt_transcode_error_free(error);
  CHECK_EQUAL(read_to_end(pipe, 0, &result), 0);
  join_feeder(&feeder);
  CHECK_SAME(&result, bytes);
  free_bytes(&result);
  mt_transcode_pipe_free(pipe);
}

static void s64_probe_refuses(void) {
  mt_transcode_engine *engine = new_engine();
  const struct bytes nothing = {0}, text = {(uint8_t *)"This is a letter, not a film. It has no end, but it is long enough.", 68, 0};
  struct path large = temporary("large.mp4");
  struct bytes mp4, begin = {ts_clip()->data, 100, 0};
  mt_transcode_pipe *silent = new_pipe(engine, 0);
  char *json = NULL;
  CHECK_EQUAL(run(engine, ARGS("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2,noise=alls=60:allf=t", "-c:v", "mpeg4", "-q:v", "4",
                               large.text)),
              0);
  mp4 = read_file(large.text);
  check_refused(engine, &nothing, 0, MT_TRANSCODE_EDEMUX);
  check_refused(engine, &begin, 0, MT_TRANSCODE_EDEMUX);
  check_refused(engine, &text, 0, MT_TRANSCODE_EDEMUX);
  check_refused(engine, &mp4, 4096, MT_TRANSCODE_ELIMIT); /* its index is at the end */
  CHECK_EQUAL(mt_transcode_pipe_write(silent, ts_clip()->data, 376, 0), 376);
  CHECK_EQUAL(mt_transcode_pipe_probe(silent, NULL, 0, 50, &json, NULL), -ETIMEDOUT);
  CHECK_EQUAL(mt_transcode_pipe_close_write(silent, -EIO), 0);
  CHECK_EQUAL(mt_transcode_pipe_probe(silent, NULL, 0, patience_ms(), &json, NULL), -EIO);
  CHECK_EQUAL(mt_transcode_pipe_probe(silent, (const char *const[]){"nosuchoption", "1", NULL}, 0, 0, &json, NULL),
              MT_TRANSCODE_EOPTION);
  CHECK(json == NULL);
  CHECK_EQUAL(engine_stats(engine).jobs_started, 1);
  mt_transcode_pipe_free(silent);
  free_bytes(&mp4);
  LEAVE(engine);
}

const struct test_case format_tests[] = {
    {"s56_index_at_the_end", s56_index_at_the_end},
    {"s57_mp4_to_a_pipe", s57_mp4_to_a_pipe},
    {"s58_self_contained", s58_self_contained},
    {"s63_probe", s63_probe},
    {"s64_probe_refuses", s64_probe_refuses},
    {"s83_probe_shows", s83_probe_shows},
    {NULL, NULL},
};
