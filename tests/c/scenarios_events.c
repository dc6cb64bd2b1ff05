/* Scenarios s05 to s07 and s18: what a job tells, and how a host waits for it. */
#include "media.h"

#include <poll.h>

/* What was seen of one job's events. */
struct seen {
  uint64_t sequence;
  uint64_t size_bytes;          /* as OUTPUT_FINISHED has it */
  uint64_t progress_size_bytes; /* as the last PROGRESS has it */
  double last_percent;
  uint32_t states[8];
  int state_count;
  int inputs_opened;
  int progress;
  int outputs_finished;
  int done;
};

static void look_at(const mt_transcode_event *event, struct seen *seen) {
  CHECK(event->struct_size >= sizeof *event);
  CHECK(event->sequence > seen->sequence);
  CHECK_EQUAL(seen->done, 0); /* DONE is the last */
  seen->sequence = event->sequence;
  switch (event->event_type) {
    case MT_TRANSCODE_EVENT_STATE:
      if (seen->state_count < 8) seen->states[seen->state_count++] = event->state;
      break;
    case MT_TRANSCODE_EVENT_INPUT_OPENED:
      seen->inputs_opened++;
      CHECK_EQUAL(event->file_index, 0);
      CHECK(json_stream(event->json, "h264") != NULL);
      break;
    case MT_TRANSCODE_EVENT_PROGRESS:
      seen->progress++;
      seen->last_percent = event->percent;
      seen->progress_size_bytes = event->size_bytes;
      CHECK(event->position_us >= 0);
      break;
    case MT_TRANSCODE_EVENT_OUTPUT_FINISHED:
      seen->outputs_finished++;
      CHECK_EQUAL(event->file_index, 0);
      CHECK_EQUAL(event->code, 0);
      seen->size_bytes = event->size_bytes;
      break;
    case MT_TRANSCODE_EVENT_DONE:
      seen->done++;
      CHECK_EQUAL(event->code, 0);
      break;
    default:
      break;
  }
}

/* Pulls the events of a job to their end; the code that ended the pulling. */
static int32_t pull_all(mt_transcode_job *job, int64_t timeout_ms, struct seen *seen) {
  mt_transcode_event *event;
  int32_t code;
  while ((code = mt_transcode_job_next_event(job, timeout_ms, &event)) == 0) {
    look_at(event, seen);
    mt_transcode_event_free(event);
  }
  return code;
}

/* Whether `wanted` comes in `seen` in this order, other states between them or not. */
static bool in_order(const struct seen *seen, const uint32_t *wanted, int count) {
  int found = 0;
  for (int i = 0; i < seen->state_count && found < count; i++) found += seen->states[i] == wanted[found];
  return found == count;
}

static void s05_events(void) {
  static const uint32_t states[] = {MT_TRANSCODE_STATE_OPENING, MT_TRANSCODE_STATE_RUNNING, MT_TRANSCODE_STATE_SUCCEEDED};
  mt_transcode_engine *engine = new_engine();
  struct path out = temporary("events.mkv");
  struct seen seen = {0};
  mt_transcode_event *event = NULL;
  mt_transcode_job *job =
      start_job(engine, ARGS("-i", clip(), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", out.text));
  CHECK_EQUAL(pull_all(job, patience_ms(), &seen), -ENODATA);
  CHECK(in_order(&seen, states, 3));
  CHECK_EQUAL(seen.inputs_opened, 1);
  CHECK(seen.progress >= 1);
  CHECK_EQUAL(seen.last_percent * 1000, 100000);
  CHECK_EQUAL(seen.outputs_finished, 1);
  CHECK(seen.size_bytes > 0);
  CHECK_EQUAL(seen.progress_size_bytes, seen.size_bytes);
  CHECK_EQUAL(seen.done, 1);
  CHECK_EQUAL(mt_transcode_job_next_event(job, 0, &event), -ENODATA);
  CHECK(event == NULL);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

static bool readable(int descriptor, int64_t timeout_ms) {
  struct pollfd place = {.fd = descriptor, .events = POLLIN};
  return poll(&place, 1, (int)timeout_ms) == 1 && (place.revents & POLLIN) != 0;
}

static void s06_job_event_fd(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = new_job(engine, ARGS("-i", clip(), "-c", "copy", "-f", "null", "-"));
  struct seen seen = {0};
  int descriptor = mt_transcode_job_event_fd(job);
  REQUIRE(descriptor >= 0);
  CHECK(!readable(descriptor, 0));
  CHECK_EQUAL(mt_transcode_job_event_fd(job), descriptor);
  CHECK_EQUAL(mt_transcode_job_start(job), 0);
  CHECK(readable(descriptor, patience_ms()));
  CHECK_EQUAL(result_of(job), 0);
  CHECK(readable(descriptor, patience_ms()));
  CHECK_EQUAL(pull_all(job, patience_ms(), &seen), -ENODATA);
  CHECK(!readable(descriptor, 0));
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

enum { READY_JOBS = 8 };

/* Handles all that is ready now; how many jobs were newly seen done. */
static int take_ready(mt_transcode_engine *engine, mt_transcode_job *const *jobs, struct seen *seen, bool *done) {
  void *ready = NULL;
  uint32_t bits = 0;
  int newly = 0;
  int32_t code;
  while ((code = mt_transcode_engine_next_ready(engine, &ready, &bits)) == 0) {
    int which = 0;
    while (which < READY_JOBS && jobs[which] != ready) which++;
    if (!CHECK(which < READY_JOBS)) return READY_JOBS;
    CHECK(bits != 0 && (bits & ~(uint32_t)(MT_TRANSCODE_READY_EVENT | MT_TRANSCODE_READY_DONE)) == 0);
    if (bits & MT_TRANSCODE_READY_EVENT) {
      code = pull_all(ready, 0, &seen[which]);
      CHECK(code == -EAGAIN || code == -ENODATA);
    }
    if ((bits & MT_TRANSCODE_READY_DONE) && !done[which]) {
      done[which] = true;
      newly++;
      CHECK_EQUAL(mt_transcode_job_state(ready), MT_TRANSCODE_STATE_SUCCEEDED);
    }
  }
  CHECK_EQUAL(code, -EAGAIN);
  return newly;
}

static void s07_engine_ready(void) {
  mt_transcode_engine *engine = new_engine();
  int descriptor = mt_transcode_engine_event_fd(engine);
  mt_transcode_job *jobs[READY_JOBS];
  struct seen seen[READY_JOBS] = {{0}};
  bool done[READY_JOBS] = {false};
  int left = READY_JOBS;
  REQUIRE(descriptor >= 0);
  for (int i = 0; i < READY_JOBS; i++) jobs[i] = start_job(engine, ARGS("-i", clip(), "-c", "copy", "-f", "null", "-"));
  while (left > 0) {
    if (!CHECK(readable(descriptor, patience_ms()))) break;
    left -= take_ready(engine, jobs, seen, done);
  }
  for (int i = 0; i < READY_JOBS; i++) {
    struct seen rest = seen[i];
    CHECK_EQUAL(pull_all(jobs[i], 0, &rest), -ENODATA);
    CHECK_EQUAL(rest.done, 1);
    mt_transcode_job_free(jobs[i]);
  }
  mt_transcode_engine_free(engine);
}

static void check_labels(mt_transcode_job *job, const char *label) {
  mt_transcode_event *event;
  int count = 0;
  while (mt_transcode_job_next_event(job, patience_ms(), &event) == 0) {
    CHECK(strcmp(event->label, label) == 0);
    count++;
    mt_transcode_event_free(event);
  }
  CHECK(count > 0);
}

static void s18_label(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job *job = new_job(engine, SMALL);
  char label[130], *json = NULL;
  memset(label, 'x', sizeof label);
  label[129] = '\0';
  CHECK_EQUAL(mt_transcode_job_set_label(job, label), -EINVAL);
  label[128] = '\0';
  CHECK_EQUAL(mt_transcode_job_set_label(job, label), 0);
  CHECK_EQUAL(mt_transcode_job_start(job), 0);
  check_labels(job, label);
  CHECK_EQUAL(mt_transcode_engine_jobs(engine, &json), 0);
  CHECK_CONTAINS(json, label);
  mt_transcode_string_free(json);
  mt_transcode_job_free(job);
  mt_transcode_engine_free(engine);
}

const struct test_case event_tests[] = {
    {"s05_events", s05_events},
    {"s06_job_event_fd", s06_job_event_fd},
    {"s07_engine_ready", s07_engine_ready},
    {"s18_label", s18_label},
    {NULL, NULL},
};
