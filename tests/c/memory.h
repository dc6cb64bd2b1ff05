/* What the scenarios about memory share: bytes, threads at the ends of pipes, and an end that checks that nothing is left. */
#ifndef MT_TEST_MEMORY_H
#define MT_TEST_MEMORY_H

#include <pthread.h>

#include "media.h"

/* Bytes that grow. `free_bytes` gives the memory back. */
struct bytes {
  uint8_t *data;
  size_t size;
  size_t capacity;
};

void append(struct bytes *bytes, const uint8_t *data, size_t size);
void free_bytes(struct bytes *bytes);
struct bytes read_file(const char *path);
void write_file(const char *path, const uint8_t *data, size_t size);

/* Fails the test where the two differ, and says where. */
bool test_same_bytes(const char *file, int line, const struct bytes *actual, const struct bytes *expected);
#define CHECK_SAME(actual, expected) test_same_bytes(__FILE__, __LINE__, actual, expected)

/* The clip as MPEG-TS, and what `-c copy -f mpegts` makes of that from file to file: what comes out of a round trip. */
const struct bytes *ts_clip(void);
const struct bytes *ts_copy(void);
const char *ts_path(void);

/* The same of 4 s of noise, several megabytes: more than is read before the first packet is written. */
const struct bytes *long_clip(void);
const struct bytes *long_copy(void);

/* An engine whose queue has a longest wait, and whose memory has a budget (0: the defaults). */
mt_transcode_engine *new_budget_engine(uint32_t queue_timeout_ms, uint64_t memory_budget_bytes);

/* A pipe of `capacity_bytes` (0: the default), with chunks of 4 KiB where it is small, and what the job writes visible at once. */
mt_transcode_pipe *new_pipe(mt_transcode_engine *engine, uint64_t capacity_bytes);

mt_transcode_pipe_stats_data pipe_stats(const mt_transcode_pipe *pipe);
mt_transcode_engine_stats_data engine_stats(const mt_transcode_engine *engine);

/* A thread of the host's that writes `size` bytes in writes of `step` (0: all at once), then closes with `code`. */
struct feeder {
  mt_transcode_pipe *pipe;
  const uint8_t *data;
  size_t size;
  size_t step;
  int32_t code;
  bool stays_open;
  /* Once joined: how much was written, and 0 or the code of the write that failed. */
  size_t written;
  int64_t result;
  pthread_t thread;
};
void start_feeder(struct feeder *feeder);
void join_feeder(struct feeder *feeder);

/* A thread that reads a pipe in reads of `step` (0: 64 KiB) until its end. */
struct collector {
  mt_transcode_pipe *pipe;
  size_t step;
  struct bytes bytes;
  /* Once joined: 0, or the code that the pipe ended with. */
  int64_t result;
  pthread_t thread;
};
void start_collector(struct collector *collector);
void join_collector(struct collector *collector);

/* Reads what is left, on this thread; returns 0 or the code at the end. */
int64_t read_to_end(mt_transcode_pipe *pipe, size_t step, struct bytes *into);

/* A job of `args` with `in` bound as mt:in to be read and `out` as mt:out to be written, where they are not NULL; not started. */
mt_transcode_job *new_piped_job(mt_transcode_engine *engine, const char *const *args, mt_transcode_pipe *in,
                                mt_transcode_pipe *out);

/* The copy of an MPEG-TS from mt:in to mt:out. */
#define COPY_TS ARGS("-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
/* The same, of which little is read before it begins to write. */
#define COPY_SOON ARGS("-f", "mpegts", "-probesize", "100000", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")

/* Starts a job; a failed test where that is refused. */
void start(mt_transcode_job *job);

/* The error of a job, never NULL (a failed test where there is none); freed with mt_transcode_error_free. */
mt_transcode_error *error_of(const mt_transcode_job *job);

/* The job failed with `code` on input or output `index` (-1: not asked), and its error names `part` somewhere. */
bool test_error(const char *file, int line, const mt_transcode_job *job, int32_t code, int input, int output, const char *part);
#define CHECK_ERROR(job, code, input, output, part) test_error(__FILE__, __LINE__, job, code, input, output, part)

/* Checks that all numbers of the engine fall to zero, then frees it. Jobs and pipes are freed before. */
void leave_engine(const char *file, int line, mt_transcode_engine *engine);
#define LEAVE(engine) leave_engine(__FILE__, __LINE__, engine)

/* Waits until `descriptor` is readable; 0: only asks. */
bool readable(int descriptor, int64_t timeout_ms);

/* Rests for a moment: in loops that wait for another thread. */
void rest(void);

#endif
