#define _GNU_SOURCE
#include "memory.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

void append(struct bytes *bytes, const uint8_t *data, size_t size) {
  if (size == 0) return;
  if (bytes->size + size > bytes->capacity) {
    size_t capacity = (bytes->size + size) * 2;
    uint8_t *grown = realloc(bytes->data, capacity);
    if (grown == NULL) abort();
    bytes->data = grown;
    bytes->capacity = capacity;
  }
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

void free_bytes(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

struct bytes read_file(const char *path) {
  struct bytes bytes = {0};
  uint8_t buffer[65536];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    test_fail(__FILE__, __LINE__, "%s cannot be read", path);
    return bytes;
  }
  for (size_t count; (count = fread(buffer, 1, sizeof buffer, file)) > 0;) append(&bytes, buffer, count);
  fclose(file);
  return bytes;
}

void write_file(const char *path, const uint8_t *data, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!CHECK(file != NULL)) return;
  CHECK_EQUAL(fwrite(data, 1, size, file), size);
  fclose(file);
}

bool test_same_bytes(const char *file, int line, const struct bytes *actual, const struct bytes *expected) {
  size_t shorter = actual->size < expected->size ? actual->size : expected->size, same = 0;
  while (same < shorter && actual->data[same] == expected->data[same]) same++;
  if (same == actual->size && same == expected->size) return true;
  return test_fail(file, line, "%zu bytes, expected %zu; they differ from byte %zu on", actual->size, expected->size, same);
}

const char *ts_path(void) {
  static struct path path;
  if (path.text[0] == '\0') {
    mt_transcode_engine *engine = new_engine();
    path = temporary("clip.ts");
    CHECK_EQUAL(run(engine, ARGS("-i", clip(), "-c", "copy", "-f", "mpegts", path.text)), 0);
    mt_transcode_engine_free(engine);
  }
  return path.text;
}

const struct bytes *ts_clip(void) {
  static struct bytes bytes;
  if (bytes.size == 0) bytes = read_file(ts_path());
  return &bytes;
}

const struct bytes *ts_copy(void) {
  static struct bytes bytes;
  if (bytes.size == 0) {
    mt_transcode_engine *engine = new_engine();
    struct path path = temporary("copy.ts");
    CHECK_EQUAL(run(engine, ARGS("-f", "mpegts", "-i", ts_path(), "-c", "copy", "-f", "mpegts", path.text)), 0);
    bytes = read_file(path.text);
    mt_transcode_engine_free(engine);
  }
  return &bytes;
}

static const char *long_path(void) {
  static struct path path;
  if (path.text[0] == '\0') {
    mt_transcode_engine *engine = new_engine();
    path = temporary("long.ts");
    CHECK_EQUAL(run(engine, ARGS("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4,noise=alls=60:allf=t", "-c:v", "mpeg2video", "-q:v",
                                 "4", "-f", "mpegts", path.text)),
                0);
    mt_transcode_engine_free(engine);
  }
  return path.text;
}

const struct bytes *long_clip(void) {
  static struct bytes bytes;
  if (bytes.size == 0) bytes = read_file(long_path());
  return &bytes;
}

const struct bytes *long_copy(void) {
  static struct bytes bytes;
  if (bytes.size == 0) {
    mt_transcode_engine *engine = new_engine();
    struct path path = temporary("long-copy.ts");
    CHECK_EQUAL(run(engine, ARGS("-f", "mpegts", "-probesize", "100000", "-i", long_path(), "-c", "copy", "-f", "mpegts", path.text)),
                0);
    bytes = read_file(path.text);
    mt_transcode_engine_free(engine);
  }
  return &bytes;
}

mt_transcode_engine *new_budget_engine(uint32_t queue_timeout_ms, uint64_t memory_budget_bytes) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  CHECK_EQUAL(mt_transcode_engine_config_init(&config, sizeof config), 0);
  config.max_running = queue_timeout_ms != 0 ? 1 : 0;
  config.log_mode = MT_TRANSCODE_LOG_TAKE;
  config.queue_timeout_ms = queue_timeout_ms;
  config.memory_budget_bytes = memory_budget_bytes;
  CHECK_EQUAL(mt_transcode_engine_new(&config, &engine, NULL), 0);
  return engine;
}

mt_transcode_pipe *new_pipe(mt_transcode_engine *engine, uint64_t capacity_bytes) {
  mt_transcode_pipe_config config;
  mt_transcode_pipe *pipe = NULL;
  CHECK_EQUAL(mt_transcode_pipe_config_init(&config, sizeof config), 0);
  config.capacity_bytes = capacity_bytes;
  config.chunk_bytes = capacity_bytes != 0 && capacity_bytes < 65536 ? 4096 : 0;
  config.flush_interval_ms = 0;
  CHECK_EQUAL(mt_transcode_pipe_new(engine, &config, &pipe), 0);
  return pipe;
}

mt_transcode_pipe_stats_data pipe_stats(const mt_transcode_pipe *pipe) {
  mt_transcode_pipe_stats_data stats = {.struct_size = sizeof stats};
  CHECK_EQUAL(mt_transcode_pipe_stats(pipe, &stats), 0);
  return stats;
}

mt_transcode_engine_stats_data engine_stats(const mt_transcode_engine *engine) {
  mt_transcode_engine_stats_data stats = {.struct_size = sizeof stats};
  CHECK_EQUAL(mt_transcode_engine_stats(engine, &stats), 0);
  return stats;
}

static void *feed(void *context) {
  struct feeder *feeder = context;
  size_t step = feeder->step ? feeder->step : feeder->size;
  feeder->written = 0;
  feeder->result = 0;
  while (feeder->written < feeder->size && feeder->result >= 0) {
    size_t left = feeder->size - feeder->written;
    feeder->result = mt_transcode_pipe_write(feeder->pipe, feeder->data + feeder->written, left < step ? left : step,
                                             patience_ms());
    if (feeder->result > 0) feeder->written += (size_t)feeder->result;
  }
  if (feeder->result > 0) feeder->result = 0;
  if (!feeder->stays_open) mt_transcode_pipe_close_write(feeder->pipe, feeder->code);
  return NULL;
}

void start_feeder(struct feeder *feeder) { CHECK_EQUAL(pthread_create(&feeder->thread, NULL, feed, feeder), 0); }

void join_feeder(struct feeder *feeder) { CHECK_EQUAL(pthread_join(feeder->thread, NULL), 0); }

int64_t read_to_end(mt_transcode_pipe *pipe, size_t step, struct bytes *into) {
  uint8_t buffer[65536];
  int64_t count;
  if (step == 0 || step > sizeof buffer) step = sizeof buffer;
  while ((count = mt_transcode_pipe_read(pipe, buffer, step, patience_ms())) > 0) append(into, buffer, (size_t)count);
  return count;
}

static void *collect(void *context) {
  struct collector *collector = context;
  collector->result = read_to_end(collector->pipe, collector->step, &collector->bytes);
  return NULL;
}

void start_collector(struct collector *collector) {
  CHECK_EQUAL(pthread_create(&collector->thread, NULL, collect, collector), 0);
}

void join_collector(struct collector *collector) { CHECK_EQUAL(pthread_join(collector->thread, NULL), 0); }

mt_transcode_job *new_piped_job(mt_transcode_engine *engine, const char *const *args, mt_transcode_pipe *in,
                                mt_transcode_pipe *out) {
  mt_transcode_job *job = new_job(engine, args);
  if (in != NULL) CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "in", in, MT_TRANSCODE_SIDE_READ), 0);
  if (out != NULL) CHECK_EQUAL(mt_transcode_job_bind_pipe(job, "out", out, MT_TRANSCODE_SIDE_WRITE), 0);
  return job;
}

mt_transcode_error *error_of(const mt_transcode_job *job) {
  static mt_transcode_error none = {.name = "", .stage = "", .url = "", .ffmpeg_text = "", .message = "", .hint = "", .detail = ""};
  mt_transcode_error *error = NULL;
  mt_transcode_job_error(job, &error);
  return CHECK(error != NULL) ? error : &none;
}

void start(mt_transcode_job *job) {
  int32_t code = mt_transcode_job_start(job);
  if (code < 0) test_fail(__FILE__, __LINE__, "start: %s: %s", mt_transcode_error_name(code), error_of(job)->message);
}

bool test_error(const char *file, int line, const mt_transcode_job *job, int32_t code, int input, int output, const char *part) {
  mt_transcode_error *error = NULL;
  mt_transcode_job_error(job, &error);
  if (error == NULL) return test_fail(file, line, "the job has no error, expected %s", mt_transcode_error_name(code));
  bool fits = error->code == code && (input < 0 || error->input_index == input) && (output < 0 || error->output_index == output);
  fits = fits && (strstr(error->message, part) || strstr(error->hint, part) || strstr(error->url, part));
  if (!fits) {
    test_fail(file, line, "%s (input %d, output %d, url \"%s\"): %s; %s; expected %s (%d, %d) and \"%s\"", error->name,
              error->input_index, error->output_index, error->url, error->message, error->hint, mt_transcode_error_name(code),
              input, output, part);
  }
  mt_transcode_error_free(error);
  return fits;
}

static bool nothing_now(void *engine) {
  mt_transcode_engine_stats_data stats = engine_stats(engine);
  return stats.jobs == 0 && stats.jobs_running == 0 && stats.jobs_queued == 0 && stats.pipes == 0 && stats.threads == 0 &&
         stats.queued_bytes == 0 && stats.detached == 0 && stats.memory_reserved_bytes == 0;
}

void leave_engine(const char *file, int line, mt_transcode_engine *engine) {
  if (!eventually(nothing_now, engine)) {
    mt_transcode_engine_stats_data now = engine_stats(engine);
    test_fail(file, line, "left: jobs %d, running %d, queued %d, pipes %d, threads %d, bytes %d, detached %d, memory %d",
              (int)now.jobs, (int)now.jobs_running, (int)now.jobs_queued, (int)now.pipes, (int)now.threads, (int)now.queued_bytes,
              (int)now.detached, (int)now.memory_reserved_bytes);
  }
  mt_transcode_engine_free(engine);
}

bool readable(int descriptor, int64_t timeout_ms) {
  struct pollfd place = {descriptor, POLLIN, 0};
  return poll(&place, 1, (int)timeout_ms) == 1 && (place.revents & POLLIN) != 0;
}

void rest(void) {
  const struct timespec pause = {0, 1000 * 1000};
  nanosleep(&pause, NULL);
}
