#define _GNU_SOURCE
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments); // NOLINT(clang-analyzer-valist.Uninitialized): clang-tidy 14 misreads va_list
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

#ifndef BENCH_WITHOUT_LIBRARY
mt_transcode_engine *engine;

void check(int64_t code, const char *what) {
  if (code < 0) die("%s: %s", what, mt_transcode_strerror((int32_t)code));
}

void check_job(int64_t code, const mt_transcode_job *job, const char *what) {
  mt_transcode_error *error = NULL;
  if (code >= 0) return;
  mt_transcode_job_error(job, &error);
  die("%s: %s (%s)", what, mt_transcode_strerror((int32_t)code), error != NULL ? error->message : "no text");
}

void start_engine(uint32_t max_running) {
  mt_transcode_engine_config config;
  mt_transcode_engine_config_init(&config, sizeof config);
  config.max_running = max_running;
  config.log_mode = MT_TRANSCODE_LOG_TAKE;
  check(mt_transcode_engine_new(&config, &engine, NULL), "engine_new");
}
#endif

double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double in_seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static double cpu_seconds_of(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

double cpu_seconds(void) { return cpu_seconds_of(RUSAGE_SELF) + cpu_seconds_of(RUSAGE_CHILDREN); }

uint64_t proc_bytes(const char *path, const char *name) {
  char line[256];
  uint64_t kilobytes = 0;
  FILE *file = fopen(path, "re");
  if (file == NULL) die("cannot read %s", path);
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, name, strlen(name)) == 0) kilobytes = strtoull(line + strlen(name), NULL, 10);
  }
  fclose(file);
  return kilobytes << 10;
}

uint64_t private_bytes(void) { return proc_bytes("/proc/self/smaps_rollup", "Private_Dirty:"); }

struct bytes load_file(const char *path) {
  struct bytes bytes = {NULL, 0};
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) die("cannot read %s", path);
  bytes.size = (size_t)ftell(file);
  rewind(file);
  bytes.data = malloc(bytes.size + 1);
  if (bytes.data == NULL || fread(bytes.data, 1, bytes.size, file) != bytes.size) die("cannot read %s", path);
  fclose(file);
  return bytes;
}

void sink_append(struct sink *sink, const void *data, size_t size) {
  if (sink->size + size > sink->capacity) {
    sink->capacity = (sink->size + size) * 2;
    sink->data = realloc(sink->data, sink->capacity);
    if (sink->data == NULL) die("no memory");
  }
  memcpy(sink->data + sink->size, data, size);
  sink->size += size;
}

void free_a_large_block(void) {
  void *volatile block = malloc(8 << 20);
  free(block);
}
