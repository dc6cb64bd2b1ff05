/* Scenarios s92 to s96: outputs that join a running job and leave it, sources that come and go. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"

/* A job that encodes in real time, with a key frame every 0.4 s, until it is told to end. */
#define HUB                                                                                                                \
  ARGS("-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", \
       "10", "-mt_gop_bytes", "1M", "-mt_allow_write", temporary("").text, "-f", "null", "-")

/* Worker processes write what their jobs named before the start. */
static bool is_isolated(void) {
  const char *mode = getenv("MT_TRANSCODE_ISOLATION");
  return mode != NULL && strcmp(mode, "process") == 0;
}

/* Lets a copy of output 0 join as `url`; with one more option where `key` is not NULL. The first code that is not 0. */
static int32_t join(mt_transcode_job *job, const char *url, const char *key, const char *value, mt_transcode_output **output) {
  const char *const options[][2] = {{"mt_from", "0"}, {"c", "copy"}, {"f", "mpegts"}, {key, value}};
  int32_t code = mt_transcode_job_output_new(job, url, output);
  for (size_t i = 0; i < (key ? 4 : 3) && code == 0; i++) {
    code = mt_transcode_output_set_option(*output, options[i][0], options[i][1]);
  }
  return code < 0 ? code : mt_transcode_output_commit(*output);
}

static mt_transcode_output_stats_data output_stats(const mt_transcode_output *output) {
  mt_transcode_output_stats_data stats = {.struct_size = sizeof stats};
  CHECK_EQUAL(mt_transcode_output_stats(output, &stats), 0);
  return stats;
}

static bool has_written(void *output) { return output_stats(output).packets_written > 10; }
static bool has_dropped(void *output) { return output_stats(output).packets_dropped > 0; }
static bool is_final(void *output) { return mt_transcode_output_state(output) >= (int32_t)MT_TRANSCODE_OUTPUT_FINISHED; }

/* Whether next_ready tells that an output has ended; what else it tells is passed over. */
static bool tells_output(void *engine) {
  void *handle = NULL;
  uint32_t bits = 0;
  while (mt_transcode_engine_next_ready(engine, &handle, &bits) == 0) {
    if (bits & MT_TRANSCODE_READY_OUTPUT) return true;
  }
  return false;
}

/* The output failed with `code`, and its error says so. */
static void check_failed(mt_transcode_output *output, int32_t code, int32_t index) {
  mt_transcode_error *error = NULL;
  CHECK_EQUAL(output_stats(output).code, code);
  REQUIRE_EQUAL(mt_transcode_output_error(output, &error), 0);
  REQUIRE(error != NULL);
  CHECK_EQUAL(error->code, code);
  CHECK_EQUAL(error->output_index, index);
  CHECK(error->message[0] != '\0');
  mt_transcode_error_free(error);
}

static void s92_outputs_join(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 4 << 20);
  mt_transcode_job *job = start_job(engine, HUB);
  mt_transcode_output *viewer = NULL, *recording = NULL, *began_with = NULL;
  mt_transcode_error *error = NULL;
  struct path path = temporary("joined.ts");
  struct bytes seen = {0};
  char *json;
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "viewer", pipe, MT_TRANSCODE_SIDE_WRITE), 0);
  REQUIRE_EQUAL(join(job, "mt:viewer", NULL, NULL, &viewer), 0);
  REQUIRE_EQUAL(join(job, path.text, "mt_slow", "wait", &recording), 0);
  CHECK_EQUAL(mt_transcode_output_index(viewer), 1);
  CHECK_EQUAL(mt_transcode_output_index(recording), 2);
  CHECK(eventually(has_written, viewer));
  CHECK(eventually(has_written, recording));
  CHECK_EQUAL(mt_transcode_output_state(viewer), MT_TRANSCODE_OUTPUT_RUNNING);
  /* ended in good order: the file is whole, and the job goes on */
  CHECK_EQUAL(mt_transcode_output_stop(recording, MT_TRANSCODE_STOP_GRACEFUL), 0);
  CHECK(eventually(is_final, recording));
  CHECK(eventually(tells_output, engine));
  CHECK_EQUAL(output_stats(recording).state, MT_TRANSCODE_OUTPUT_FINISHED);
  CHECK(output_stats(recording).size_bytes > 0 && output_stats(recording).position_us > 0);
  CHECK_EQUAL(mt_transcode_output_error(recording, &error), 0);
  CHECK(error == NULL);
  CHECK_EQUAL(mt_transcode_output_stop(recording, MT_TRANSCODE_STOP_NOW), 0); /* it is left as it is */
  CHECK_EQUAL(mt_transcode_output_state(recording), MT_TRANSCODE_OUTPUT_FINISHED);
  json = probe(engine, path.text);
  CHECK_CONTAINS(json, "h264");
  mt_transcode_string_free(json);
  CHECK_EQUAL(mt_transcode_job_state(job), MT_TRANSCODE_STATE_RUNNING);
  mt_transcode_output_free(recording);
  CHECK_EQUAL(mt_transcode_output_state(recording), -EBADF);
  /* what still takes part ends well with its job */
  CHECK_EQUAL(mt_transcode_job_output(job, 0, &began_with), 0);
  CHECK_EQUAL(mt_transcode_output_state(began_with), MT_TRANSCODE_OUTPUT_RUNNING);
  CHECK_EQUAL(mt_transcode_job_output(job, 1, &began_with), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_stop(job), 0);
  CHECK_EQUAL(read_to_end(pipe, 0, &seen), 0);
  CHECK(seen.size > 0 && seen.size % 188 == 0);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt_transcode_output_state(viewer), MT_TRANSCODE_OUTPUT_FINISHED);
  free_bytes(&seen);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(pipe);
  LEAVE(engine);
}

static void s93_one_viewers_trouble(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *left = new_pipe(engine, 65536), *stuck = new_pipe(engine, 4096), *good = new_pipe(engine, 8 << 20);
  mt_transcode_job *job = start_job(engine, HUB);
  mt_transcode_output *leaves = NULL, *slow = NULL, *stays = NULL, *missing = NULL;
  struct bytes seen = {0};
  /* one whose reader leaves, one who never reads, one whose folder is not there, and one who sees all */
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "left", left, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "stuck", stuck, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "good", good, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(join(job, "mt:left", NULL, NULL, &leaves), 0);
  CHECK_EQUAL(mt_transcode_pipe_close_read(left), 0);
  CHECK_EQUAL(join(job, "mt:stuck", "mt_queue_bytes", "10000", &slow), 0);
  CHECK_EQUAL(join(job, "/nowhere/at/all.ts", NULL, NULL, &missing), 0);
  CHECK_EQUAL(join(job, "mt:good", NULL, NULL, &stays), 0);
  CHECK(eventually(is_final, leaves));
  check_failed(leaves, -EPIPE, 1);
  CHECK(eventually(is_final, missing));
  check_failed(missing, is_isolated() ? MT_TRANSCODE_ESANDBOX : -ENOENT, 3);
  CHECK(eventually(has_dropped, slow));
  CHECK(output_stats(slow).skips > 0 && output_stats(slow).bytes_dropped > 0 && output_stats(slow).bytes_queued_peak > 0);
  CHECK(!is_final(slow));
  CHECK_EQUAL(mt_transcode_output_stop(slow, MT_TRANSCODE_STOP_NOW), 0);
  CHECK(eventually(is_final, slow));
  CHECK_EQUAL(mt_transcode_output_state(slow), MT_TRANSCODE_OUTPUT_CANCELLED);
  CHECK_EQUAL(output_stats(slow).code, -ECANCELED);
  /* none of this is the job's */
  CHECK(eventually(has_written, stays));
  CHECK_EQUAL(mt_transcode_job_stop(job), 0);
  CHECK_EQUAL(read_to_end(good, 0, &seen), 0);
  CHECK_EQUAL(result_of(job), 0);
  CHECK(seen.size > 0);
  free_bytes(&seen);
  mt_transcode_job_free(job);
  mt_transcode_pipe_free(left);
  mt_transcode_pipe_free(stuck);
  mt_transcode_pipe_free(good);
  LEAVE(engine);
}

static void s94_join_refusals(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_pipe *pipe = new_pipe(engine, 65536);
  mt_transcode_job *job = new_job(engine, HUB);
  mt_transcode_output *output = NULL, *other = NULL, *first = NULL;
  mt_transcode_input *input = NULL;
  mt_transcode_error *error = NULL;
  mt_transcode_output_stats_data stats = {.struct_size = 8};
  CHECK_EQUAL(mt_transcode_job_output(job, 0, &first), 0);
  CHECK_EQUAL(mt_transcode_output_state(first), MT_TRANSCODE_OUTPUT_NEW);
  CHECK_EQUAL(mt_transcode_output_stop(first, MT_TRANSCODE_STOP_GRACEFUL), -EINVAL); /* it was never started */
  CHECK_EQUAL(mt_transcode_output_stats(first, &stats), -EINVAL);
  CHECK_EQUAL(mt_transcode_output_stats(first, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_output_error(first, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_output(job, -1, &other), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_input(job, 1, &input), -EINVAL);
  CHECK_EQUAL(mt_transcode_job_input(job, 0, NULL), -EINVAL);
  start(job);
  REQUIRE(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  CHECK_EQUAL(mt_transcode_job_input_new(job, "late.ts", &input), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", pipe, MT_TRANSCODE_SIDE_READ), -EBUSY); /* no input joins */
  CHECK_EQUAL(mt_transcode_output_stop(first, 2), -EINVAL);
  /* options: what is wrong is said at once, and after the commit they are final */
  REQUIRE_EQUAL(mt_transcode_job_output_new(job, temporary("once.ts").text, &output), 0);
  CHECK_EQUAL(mt_transcode_output_state(output), MT_TRANSCODE_OUTPUT_NEW);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "no_such_option", "1"), MT_TRANSCODE_EOPTION);
  CHECK_EQUAL(mt_transcode_output_error(output, &error), 0);
  CHECK(error != NULL && strstr(error->message, "no_such_option") != NULL);
  mt_transcode_error_free(error);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "mt_from", "9"), 0);
  CHECK_EQUAL(mt_transcode_output_commit(output), MT_TRANSCODE_EOPTION);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "mt_from", "0"), 0); /* it can be mended */
  CHECK_EQUAL(mt_transcode_output_set_option(output, "c", "copy"), 0);
  CHECK_EQUAL(mt_transcode_output_commit(output), 0);
  CHECK_EQUAL(mt_transcode_output_commit(output), -EALREADY);
  CHECK_EQUAL(mt_transcode_output_set_option(output, "f", "mpegts"), -EBUSY);
  CHECK_EQUAL(join(job, "mt:nothing", NULL, NULL, &other), MT_TRANSCODE_EOPTION); /* nothing is bound there */
  mt_transcode_output_free(other);
  /* what was bound for one that is given up is the host's again */
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "given", pipe, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "given", pipe, MT_TRANSCODE_SIDE_WRITE), -EEXIST);
  REQUIRE_EQUAL(mt_transcode_job_output_new(job, "mt:given", &other), 0);
  mt_transcode_output_free(other);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "again", pipe, MT_TRANSCODE_SIDE_WRITE), 0);
  CHECK_EQUAL(mt_transcode_output_commit(other), -EBADF);
  CHECK_EQUAL(mt_transcode_job_cancel(job), 0);
  CHECK_EQUAL(result_of(job), -ECANCELED);
  CHECK_EQUAL(mt_transcode_job_output_new(job, "late.ts", &other), -EBUSY);
  CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "late", pipe, MT_TRANSCODE_SIDE_WRITE), -EBUSY);
  CHECK_EQUAL(mt_transcode_output_stop(first, MT_TRANSCODE_STOP_NOW), 0); /* harmless after the end */
  mt_transcode_job_free(job);
  CHECK_EQUAL(mt_transcode_output_state(first), -EBADF);
  CHECK_EQUAL(mt_transcode_output_index(first), -EBADF);
  CHECK_EQUAL(mt_transcode_output_state(NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_output_stop(NULL, 0), -EINVAL);
  mt_transcode_output_free(first);
  mt_transcode_output_free(first);
  mt_transcode_pipe_free(pipe);
  LEAVE(engine);
}

/* A server on loopback that gives the clip to who connects, and hangs up. */
struct camera {
  int listener;
  char url[64];
  pthread_t thread;
};

static void *serve(void *context) {
  struct camera *camera = context;
  for (int peer; (peer = accept(camera->listener, NULL, NULL)) >= 0; close(peer)) {
    const struct bytes *bytes = ts_clip();
    for (size_t sent = 0; sent < bytes->size;) {
      ssize_t count = send(peer, bytes->data + sent, bytes->size - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += (size_t)count;
    }
  }
  return NULL;
}

static bool open_camera(struct camera *camera) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  ts_clip(); /* made before it is asked for */
  camera->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (camera->listener < 0 || bind(camera->listener, (struct sockaddr *)&address, size) != 0 || listen(camera->listener, 8) != 0 ||
      getsockname(camera->listener, (struct sockaddr *)&address, &size) != 0)
    return false;
  snprintf(camera->url, sizeof camera->url, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
  return pthread_create(&camera->thread, NULL, serve, camera) == 0;
}

static void close_camera(struct camera *camera) {
  shutdown(camera->listener, SHUT_RDWR);
  pthread_join(camera->thread, NULL);
  close(camera->listener);
}

/* Whether a source was live three times. */
static bool came_again(void *input) {
  char *json = NULL;
  bool again;
  if (!CHECK_EQUAL(mt_transcode_input_status(input, &json), 0)) return true;
  again = json_number(json, "connections") >= 3;
  mt_transcode_string_free(json);
  return again;
}

/* How many events of a job tell of a source; the states that they had are or-ed into `states`. */
static int source_events(mt_transcode_job *job, uint32_t *states) {
  mt_transcode_event *event = NULL;
  int count = 0;
  while (mt_transcode_job_next_event(job, 0, &event) == 0) {
    if (event->event_type == MT_TRANSCODE_EVENT_SOURCE) {
      count++;
      *states |= 1U << event->state;
      CHECK_EQUAL(event->file_index, 0);
      CHECK_CONTAINS(event->json, "\"connections\"");
    }
    mt_transcode_event_free(event);
  }
  return count;
}

static void s95_source(void) {
  mt_transcode_engine *engine = new_engine();
  struct camera camera;
  mt_transcode_job *job;
  mt_transcode_input *input = NULL, *plain = NULL;
  uint32_t states = 0;
  char *json = NULL;
  REQUIRE(open_camera(&camera));
  job = new_job(engine, ARGS("-f", "mpegts", "-mt_source", "1", "-mt_retry_ms", "5", "-i", camera.url, "-c", "copy", "-f", "null", "-"));
  CHECK_EQUAL(mt_transcode_job_input(job, 0, &input), 0);
  CHECK_EQUAL(mt_transcode_input_index(input), 0);
  CHECK_EQUAL(mt_transcode_input_state(input), MT_TRANSCODE_SOURCE_IDLE);
  start(job);
  /* a camera that hangs up is opened again, until it is taken out: then the job ends in good order */
  CHECK(eventually(came_again, input));
  CHECK_EQUAL(mt_transcode_input_status(input, &json), 0);
  CHECK_CONTAINS(json, camera.url);
  CHECK_CONTAINS(json, "\"retry_in_ms\"");
  mt_transcode_string_free(json);
  CHECK_EQUAL(mt_transcode_input_stop(input), 0);
  CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt_transcode_input_state(input), MT_TRANSCODE_SOURCE_ENDED);
  CHECK_EQUAL(mt_transcode_input_stop(input), 0);
  CHECK(source_events(job, &states) >= 5);
  CHECK_EQUAL(states & (1U << MT_TRANSCODE_SOURCE_LIVE), 1U << MT_TRANSCODE_SOURCE_LIVE);
  CHECK_EQUAL(states & (1U << MT_TRANSCODE_SOURCE_ENDED), 1U << MT_TRANSCODE_SOURCE_ENDED);
  mt_transcode_job_free(job);
  CHECK_EQUAL(mt_transcode_input_state(input), -EBADF);
  close_camera(&camera);
  /* an input that is no source goes with its job, and cannot be taken out */
  job = start_job(engine, ENDLESS);
  CHECK_EQUAL(mt_transcode_job_input(job, 0, &plain), 0);
  CHECK(reaches(job, MT_TRANSCODE_STATE_RUNNING));
  CHECK_EQUAL(mt_transcode_input_state(plain), MT_TRANSCODE_SOURCE_LIVE);
  CHECK_EQUAL(mt_transcode_input_stop(plain), MT_TRANSCODE_EUNSUPPORTED);
  CHECK_EQUAL(mt_transcode_input_status(plain, NULL), -EINVAL);
  CHECK_EQUAL(mt_transcode_input_status(NULL, &json), -EINVAL);
  mt_transcode_input_free(plain);
  CHECK_EQUAL(mt_transcode_input_stop(plain), -EBADF);
  mt_transcode_job_free(job);
  LEAVE(engine);
}

static void s96_degrade(void) {
  mt_transcode_engine *engine = new_engine();
  mt_transcode_job_stats_data stats = {.struct_size = sizeof stats};
  mt_transcode_event *event = NULL;
  int count = 0;
  /* sound that is not a number from 0.2 s on: the encoder refuses it */
  mt_transcode_job *job = start_job(
      engine, ARGS("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "aevalsrc=if(gt(t\\,0.2)\\,NAN\\,0):d=2", "-c:v",
                   "mpeg2video", "-c:a", "aac", "-mt_degrade:a", "drop", "-mt_degrade_after:a", "3", "-f", "null", "-"));
  CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt_transcode_job_stats(job, &stats), 0);
  CHECK_EQUAL(stats.encode_errors, 3);
  CHECK_EQUAL(stats.packets_skipped, 0);
  while (mt_transcode_job_next_event(job, 0, &event) == 0) {
    if (event->event_type == MT_TRANSCODE_EVENT_DEGRADED) {
      count++;
      CHECK_EQUAL(event->file_index, 0);
      CHECK_EQUAL(event->stream_index, 1);
      CHECK_EQUAL(event->state, MT_TRANSCODE_DEGRADED_DROP);
      CHECK_EQUAL(event->repeated, 3);
      CHECK_EQUAL(event->code, MT_TRANSCODE_EENCODE);
      CHECK_CONTAINS(event->stage, "encode");
      CHECK_CONTAINS(event->text, "the stream ends here");
    }
    mt_transcode_event_free(event);
  }
  CHECK_EQUAL(count, 1);
  mt_transcode_job_free(job);
  LEAVE(engine);
}

const struct test_case live_tests[] = {
    {"s92_outputs_join", s92_outputs_join},
    {"s93_one_viewers_trouble", s93_one_viewers_trouble},
    {"s94_join_refusals", s94_join_refusals},
    {"s95_source", s95_source},
    {"s96_degrade", s96_degrade},
    {NULL, NULL},
};
