/* Live streams: each is remuxed by a job, by a thread with the C loop, or by a process of the ffmpeg program, between a pipe that leads in and one that leads out; one
 * thread feeds them all in real time. */
#ifndef MT_BENCH_STREAM_H
#define MT_BENCH_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "ends.h"

enum who {
  WHO_JOB,     /* "job": pipes with default settings */
  WHO_FLUSHED, /* "flushed": a job whose output's pipe passes on each write at once */
  WHO_LOOP,    /* "loop": a thread of this process with the C loop, and the system's pipes; `args` is the output's format */
  WHO_PROGRAM, /* "program": the ffmpeg program and the system's pipes */
};

struct stream {
  struct end in;
  struct end out;
  mt_transcode_job *job;
  pid_t process;
  pthread_t loop;
  bool is_loop;
  /* Of the loop's own ends, and what it makes. */
  int loop_in;
  int loop_out;
  const char *format;
  /* When its first bytes were taken; 0 before. */
  double first_out;
  bool is_at_end;
};

/* A file, and when which part of it is due: lines of PATH.pieces, "SECONDS END_BYTES". */
struct clip {
  struct bytes content;
  struct piece {
    double when;
    size_t end;
  } *pieces;
  size_t count;
};

struct feeder {
  const struct clip *clip;
  struct stream *streams;
  size_t count;
  double begin;
  /* Pieces that are due later than this are not given. */
  double seconds;
  /* NULL, or when each piece was given to the last stream. */
  double *given;
  /* Set to end it. Outputs are to be read until it is done: what it writes may wait for that. */
  atomic_bool is_over;
  atomic_bool is_done;
  /* How much later than it was due a piece was given, at most; may be set back. */
  _Atomic double late;
  pthread_t thread;
};

enum who who_named(const char *name);
struct clip load_clip(const char *path);

/* `args` are those of an ffmpeg command line with mt:in and mt:out, or pipe:0 and pipe:1. The first job makes the engine. */
void start_stream(struct stream *stream, enum who who, int count, const char *const *args);
/* Writes all of it. */
void give(struct stream *stream, const uint8_t *data, size_t size);
void end_input(struct stream *stream);
/* Readable while the output has bytes. */
int readable_fd(const struct stream *stream);
/* Takes what is there now, and puts it into the sink where there is one; how many bytes. */
size_t take(struct stream *stream, struct sink *sink);
/* The job, or process, ends at once, if it has not ended. */
void end_stream(struct stream *stream);

void sleep_until(double when);
/* Streams are fed one after another, at equal times within 40 ms. */
void start_feeder(struct feeder *feeder);
void join_feeder(struct feeder *feeder);

#endif
