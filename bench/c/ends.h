/* Lines of pipes: an end that is written, an end that is read, and perhaps something that moves bytes in the middle. */
#ifndef MT_BENCH_ENDS_H
#define MT_BENCH_ENDS_H

#include <sys/types.h>

#include "bench.h"

/* An end of the system's pipe, or of ours. */
struct end {
  int fd;
  mt_transcode_pipe *pipe;
};

struct line {
  /* What is written, over and over. */
  struct bytes content;
  bool touches;
  bool is_without_copies;
  struct end in;
  struct end out;
  /* What is in the middle: a job, a process, or a thread that copies from one descriptor to the other. Each ends when its input does. */
  mt_transcode_job *job;
  pid_t process;
  int from;
  int to;
  double until;
  uint64_t read_bytes;
  uint64_t sum;
};

struct bytes some_bytes(void);

void line_of_small_system_pipe(struct line *line);
void line_of_system_pipe(struct line *line);
void line_of_pipe(struct line *line);
void line_of_pipe_without_copies(struct line *line);
void line_of_system_cat(struct line *line);
void line_of_data_job(struct line *line);
void line_of_mpegts_job(struct line *line);
void line_of_data_program(struct line *line);
void line_of_mpegts_program(struct line *line);

/* Writes until the time `until`, then ends the input, and reads to the end of the output. */
void run_line(struct line *line, double until);

#endif
