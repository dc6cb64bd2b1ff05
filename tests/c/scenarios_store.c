/* Scenarios s59 to s62: outputs of many files go to a store of the host's. */
#include "callbacks.h"

#include <stdlib.h>
#include <sys/stat.h>

/* The clip with a key frame every 10 frames, in segments of 0.4 s: five of them. */
#define SEGMENTED "-i", clip(), "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac"
#define HLS "-f", "hls", "-hls_time", "0.4", "-hls_list_size", "2", "-hls_flags", "delete_segments", "-hls_delete_threshold", "1"
#define DASH "-f", "dash", "-seg_duration", "0.4", "-window_size", "2", "-extra_window_size", "1"

struct store_run {
  bool can_seek;
  bool can_remove;
};

static mt_transcode_job *new_store_job(mt_transcode_engine *engine, const char *const *args, struct memory_store *store,
                                       struct store_run how) {
  mt_transcode_job *job = new_job(engine, args);
  mt_transcode_store bound = bound_store(store, how.can_seek, how.can_remove);
  CHECK_EQUAL(mt_transcode_job_bind_store(job, "store", &bound), 0);
  return job;
}

/* Runs `args` into the store; returns the job's result. */
static int32_t run_to_store(mt_transcode_engine *engine, const char *const *args, struct memory_store *store, struct store_run how) {
  mt_transcode_job *job = new_store_job(engine, args, store, how);
  int32_t result = mt_transcode_job_start(job);
  if (result == 0) result = result_of(job);
  if (result < 0) CHECK_ERROR(job, result, -1, 0, "mt:store/");
  mt_transcode_job_free(job);
  return result;
}

static struct path folder(const char *name) {
  struct path path = temporary(name);
  mkdir(path.text, 0700);
  return path;
}

/* Every file that the store has is in the folder too, with the same bytes, but for names that end with `but`. */
static void check_like_files(const struct memory_store *store, const char *folder, const char *but) {
  for (int i = 0; i < store->used; i++) {
    const struct stored_file *file = &store->files[i];
    char path[1024];
    struct bytes expected;
    if (stored(store, file->name) != file || strstr(file->name, but) != NULL) continue;
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    expected = read_file(path);
    if (!CHECK_SAME(&file->bytes, &expected)) printf("     (%s)\n", file->name);
    free_bytes(&expected);
  }
}

/* `format`: NULL where it may be guessed: a DASH manifest is not, as it opens other files. */
static void check_plays(mt_transcode_engine *engine, const struct memory_store *store, const char *folder, const char *name,
                        const char *format) {
  const char *const options[] = {"f", format, NULL};
  char path[1024];
  char *json;
  spill(store, folder);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  json = probe_as(engine, path, format ? options : NULL);
  CHECK(json_stream(json, "h264") != NULL && json_stream(json, "aac") != NULL);
  mt_transcode_string_free(json);
}

static void s59_store_hls(void) {
  static struct memory_store store;
  mt_transcode_engine *engine = new_engine();
  struct path files = folder("hls-files"), list = temporary("hls-files/index.m3u8"), spilled = temporary("hls-store");
  begin_store(&store);
  CHECK_EQUAL(run(engine, ARGS(SEGMENTED, HLS, list.text)), 0);
  CHECK_EQUAL(run_to_store(engine, ARGS(SEGMENTED, HLS, "mt:store/index.m3u8"), &store, (struct store_run){false, true}), 0);
  CHECK(stored(&store, "index.m3u8") != NULL);
  CHECK(count_stored(&store, ".ts") >= 2 && count_stored(&store, ".ts") <= 3);
  CHECK(store.removals >= 1);
  CHECK_EQUAL(store.missing_removals, 0);
  CHECK(stored(&store, "index0.ts") == NULL); /* made, and removed */
  CHECK_EQUAL(count_entries(files.text) - 2, count_stored(&store, ""));
  check_like_files(&store, files.text, ".none");
  check_plays(engine, &store, spilled.text, "index.m3u8", NULL);
  CHECK_STORE_ENDED(&store, 0);
  LEAVE(engine);
}

static void s60_store_dash(void) {
  static struct memory_store store;
  mt_transcode_engine *engine = new_engine();
  struct path files = folder("dash-files"), list = temporary("dash-files/index.mpd"), spilled = temporary("dash-store");
  begin_store(&store);
  CHECK_EQUAL(run(engine, ARGS(SEGMENTED, DASH, list.text)), 0);
  CHECK_EQUAL(run_to_store(engine, ARGS(SEGMENTED, DASH, "mt:store/index.mpd"), &store, (struct store_run){false, true}), 0);
  CHECK(stored(&store, "index.mpd") != NULL);
  CHECK(stored(&store, "init-stream0.m4s") != NULL && stored(&store, "init-stream1.m4s") != NULL);
  CHECK(store.removals >= 1);
  CHECK_EQUAL(store.missing_removals, 0);
  CHECK(stored(&store, "chunk-stream0-00001.m4s") == NULL); /* made, and removed */
  CHECK_EQUAL(count_entries(files.text) - 2, count_stored(&store, ""));
  check_like_files(&store, files.text, ".mpd"); /* the manifest has the time of the day */
  check_plays(engine, &store, spilled.text, "index.mpd", "dash");
  CHECK_STORE_ENDED(&store, 0);
  LEAVE(engine);
}

static void check_segments(mt_transcode_engine *engine) {
  static struct memory_store store;
  struct path files = folder("segment-files"), pattern = temporary("segment-files/part%03d.ts");
  begin_store(&store);
  CHECK_EQUAL(run(engine, ARGS(SEGMENTED, "-f", "segment", "-segment_time", "0.4", pattern.text)), 0);
  CHECK_EQUAL(run_to_store(engine, ARGS(SEGMENTED, "-f", "segment", "-segment_time", "0.4", "mt:store/part%03d.ts"), &store,
                           (struct store_run){false, false}),
              0);
  CHECK(count_stored(&store, ".ts") >= 4);
  CHECK_EQUAL(count_entries(files.text) - 2, count_stored(&store, ""));
  check_like_files(&store, files.text, ".none");
  CHECK_STORE_ENDED(&store, 0);
}

static void check_folders(mt_transcode_engine *engine) {
  static struct memory_store store;
  struct path spilled = temporary("folder-store");
  begin_store(&store);
  CHECK_EQUAL(run_to_store(engine, ARGS(SEGMENTED, "-f", "hls", "-hls_time", "0.4", "-hls_segment_filename", "mt:store/parts/%d.ts",
                                        "-hls_base_url", "parts/", "mt:store/index.m3u8"),
                           &store, (struct store_run){false, false}),
              0);
  CHECK(stored(&store, "parts/0.ts") != NULL);
  check_plays(engine, &store, spilled.text, "index.m3u8", NULL);
  CHECK_STORE_ENDED(&store, 0);
}

static void check_single_file(mt_transcode_engine *engine) {
  static struct memory_store store;
  struct path path = temporary("one.mp4");
  struct bytes expected;
  begin_store(&store);
  CHECK_EQUAL(run(engine, ARGS("-i", clip(), "-c", "copy", path.text)), 0);
  CHECK_EQUAL(run_to_store(engine, ARGS("-i", clip(), "-c", "copy", "mt:store/one.mp4"), &store, (struct store_run){true, false}), 0);
  expected = read_file(path.text);
  if (CHECK(stored(&store, "one.mp4") != NULL)) CHECK_SAME(&stored(&store, "one.mp4")->bytes, &expected);
  CHECK_EQUAL(store.used, 1);
  CHECK_STORE_ENDED(&store, 0);
  begin_store(&store); /* without seek MP4 needs fragments */
  CHECK_EQUAL(run_to_store(engine, ARGS("-i", clip(), "-c", "copy", "mt:store/one.mp4"), &store, (struct store_run){false, false}),
              MT_TRANSCODE_EUNSUPPORTED);
  CHECK_EQUAL(atomic_load(&store.releases), 1);
  free_bytes(&expected);
}

static void s61_store_others(void) {
  mt_transcode_engine *engine = new_engine();
  check_segments(engine);
  check_folders(engine);
  check_single_file(engine);
  LEAVE(engine);
}

/* HLS into a store that fails in one way ends with `expected`. */
static void check_failing(mt_transcode_engine *engine, struct memory_store *store, int32_t expected) {
  CHECK_EQUAL(run_to_store(engine, ARGS(SEGMENTED, HLS, "mt:store/index.m3u8"), store, (struct store_run){false, true}), expected);
  CHECK_EQUAL(atomic_load(&store->releases), 1);
  CHECK(store->bad_name[0] == '\0');
  for (int i = 0; i < store->used; i++) {
    CHECK_EQUAL(store->files[i].closes, 1);
    free_bytes(&store->files[i].bytes);
  }
}

/* A remove that fails, or that there is none of, is a warning in the log. */
static void check_remove_fails(mt_transcode_engine *engine, bool can_remove) {
  static struct memory_store store;
  mt_transcode_event *event = NULL;
  mt_transcode_job *job;
  bool warned = false;
  begin_store(&store);
  store.remove_code = -EACCES;
  job = new_store_job(engine, ARGS(SEGMENTED, HLS, "mt:store/index.m3u8"), &store, (struct store_run){false, can_remove});
  start(job);
  while (mt_transcode_job_next_event(job, patience_ms(), &event) == 0) {
    warned = warned || (event->event_type == MT_TRANSCODE_EVENT_LOG && event->level <= 24 && strstr(event->text, "index0.ts"));
    mt_transcode_event_free(event);
  }
  CHECK_EQUAL(result_of(job), 0);
  CHECK(warned);
  CHECK(stored(&store, "index0.ts") != NULL);
  mt_transcode_job_free(job);
  CHECK_STORE_ENDED(&store, 0);
}

static void check_bad_names(mt_transcode_engine *engine) {
  const char *names[] = {"mt:store/../out.ts", "mt:store//out.ts", "mt:store/a/../../out.ts", "mt:store/", "mt:store", "mt:store/out/"};
  static struct memory_store store;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    begin_store(&store);
    mt_transcode_job *job = new_store_job(engine, ARGS("-i", clip(), "-c", "copy", "-f", "mpegts", names[i]), &store,
                                          (struct store_run){true, true});
    int32_t code = mt_transcode_job_start(job);
    if (code == 0) code = result_of(job);
    if (code >= 0) test_fail(__FILE__, __LINE__, "%s was accepted", names[i]);
    mt_transcode_job_free(job);
    CHECK_EQUAL(store.used, 0);
    CHECK(store.bad_name[0] == '\0');
  }
}

static void s62_store_fails(void) {
  static struct memory_store store;
  mt_transcode_engine *engine = new_engine();
  begin_store(&store);
  store.open_code = -EACCES;
  check_failing(engine, &store, -EACCES);
  begin_store(&store);
  store.write_code = -ENOSPC;
  check_failing(engine, &store, -ENOSPC);
  begin_store(&store);
  store.write_code = MT_TRANSCODE_ELIMIT;
  check_failing(engine, &store, MT_TRANSCODE_ELIMIT);
  begin_store(&store);
  store.close_code = -EIO;
  check_failing(engine, &store, -EIO);
  check_remove_fails(engine, true);
  check_remove_fails(engine, false);
  check_bad_names(engine);
  LEAVE(engine);
}

/* Ends with EUNSUPPORTED before anything of the output is complete. */
static void check_unsupported(mt_transcode_engine *engine, const char *const *args) {
  static struct memory_store store;
  begin_store(&store);
  CHECK_EQUAL(run_to_store(engine, args, &store, (struct store_run){true, true}), MT_TRANSCODE_EUNSUPPORTED);
  CHECK_EQUAL(atomic_load(&store.releases), 1);
  for (int i = 0; i < store.used; i++) free_bytes(&store.files[i].bytes);
}

static void s76_store_refusals(void) {
  mt_transcode_engine *engine = new_engine();
  struct path key = temporary("key"), info = temporary("key-info");
  char text[1200];
  write_file(key.text, (const uint8_t *)"0123456789abcdef", 16);
  snprintf(text, sizeof text, "key\n%s\n", key.text);
  write_file(info.text, (const uint8_t *)text, strlen(text));
  check_unsupported(engine, ARGS(SEGMENTED, "-f", "hls", "-hls_enc", "1", "-hls_enc_key", "0123456789abcdef", "mt:store/index.m3u8"));
  check_unsupported(engine, ARGS("-i", clip(), "-c", "copy", "-f", "hls", "-hls_key_info_file", info.text, "mt:store/index.m3u8"));
  check_unsupported(engine, ARGS(SEGMENTED, "-f", "hls", "-hls_flags", "single_file", "mt:store/index.m3u8"));
  check_unsupported(engine, ARGS("-i", clip(), "-c", "copy", "-movflags", "+faststart", "mt:store/one.mp4"));
  LEAVE(engine);
}

const struct test_case store_tests[] = {
    {"s59_store_hls", s59_store_hls},
    {"s60_store_dash", s60_store_dash},
    {"s61_store_others", s61_store_others},
    {"s62_store_fails", s62_store_fails},
    {"s76_store_refusals", s76_store_refusals},
    {NULL, NULL},
};
