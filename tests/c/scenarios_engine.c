/* Scenarios s27 and s29: what an engine and the library tell of themselves. */
#include "media.h"

static uint64_t count_of(const mt_transcode_engine_stats_data *stats, int32_t code) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < stats->results_used; i++) {
    if (stats->results[i].code == code) count += stats->results[i].count;
  }
  return count;
}

/* One job that ends well, one that fails, one that is cancelled; and one that is never started, which counts nowhere. */
static void run_three(mt_transcode_engine *engine) {
  mt_transcode_job *job = new_job(engine, SMALL);
  mt_transcode_job_free(job);
  CHECK_EQUAL(run(engine, SMALL), 0);
  CHECK_EQUAL(attempt(engine, ARGS("-i", "/no/such/file", "-f", "null", "-"), &job), -ENOENT);
  mt_transcode_job_free(job);
  job = start_job(engine, ENDLESS);
  CHECK(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(result_of(job), -ECANCELED);
  mt_transcode_job_free(job);
}

static void s27_engine_stats(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_engine_stats_data stats = {.struct_size = sizeof stats};
  uint64_t in_buckets = 0;
  run_three(engine);
  CHECK_EQUAL(mt_transcode_engine_stats(engine, &stats), 0);
  CHECK_EQUAL(stats.struct_size, sizeof stats);
  CHECK_EQUAL(count_of(&stats, 0), 1);
  CHECK_EQUAL(count_of(&stats, -ENOENT), 1);
  CHECK_EQUAL(count_of(&stats, -ECANCELED), 1);
  CHECK_EQUAL(stats.results_used, 3);
  CHECK_EQUAL(stats.jobs_started, 3);
  CHECK_EQUAL(stats.duration.count, 3);
  CHECK(stats.duration.sum_us > 0);
  for (int i = 0; i < MT_TRANSCODE_HISTOGRAM_BUCKETS; i++) in_buckets += stats.duration.buckets[i];
  CHECK_EQUAL(in_buckets, 3);
  CHECK_EQUAL(stats.health, MT_TRANSCODE_HEALTH_OK);
  CHECK_EQUAL(stats.health_reason[0], 0);
  for (uint32_t i = 1; i + 1 < MT_TRANSCODE_HISTOGRAM_BUCKETS; i++) {
    CHECK(mt_transcode_histogram_bound_us(i) > mt_transcode_histogram_bound_us(i - 1));
  }
  CHECK_EQUAL(mt_transcode_histogram_bound_us(0), 1000);
  CHECK_EQUAL(mt_transcode_histogram_bound_us(MT_TRANSCODE_HISTOGRAM_BUCKETS - 1), -1);
  CHECK_EQUAL(mt_transcode_histogram_bound_us(MT_TRANSCODE_HISTOGRAM_BUCKETS), -EINVAL);
  mt_transcode_engine_free(engine);
}

static void s29_diagnostics(void) {
  char *json = NULL;
  REQUIRE_EQUAL(mt_transcode_diagnostics(&json), 0);
  CHECK(json[0] == '{');
  CHECK_CONTAINS(json, mt_transcode_version());
  CHECK_CONTAINS(json, "libavformat");
  CHECK_CONTAINS(json, "libavcodec");
  CHECK_CONTAINS(json, "licen");
  CHECK_CONTAINS(json, "GPL"); /* LGPL too */
  mt_transcode_string_free(json);
}

const struct test_case engine_tests[] = {
    {"s27_engine_stats", s27_engine_stats},
    {"s29_diagnostics", s29_diagnostics},
    {NULL, NULL},
};
