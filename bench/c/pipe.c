/* pipe: how fast bytes go from one thread to another, and through a job that only copies them.
 *
 *     pipe VARIANT SECONDS [FILE]
 *
 * prints a line: bytes, wall seconds, CPU seconds. The variants are in the table below. "touch" variants fill each chunk before it is
 * written, and add it up after it was read, as hosts do that make and use what they move; the others only move it. A zero-copy pipe has
 * nothing to do when nothing is touched, so it is measured with "touch" alone. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ends.h"

struct variant {
  const char *name;
  /* Makes a line of pipes, and what moves bytes between them. */
  void (*make)(struct line *line);
  bool touches;
};

static const struct variant variants[] = {
    {"system_64k", line_of_small_system_pipe, false},
    {"system_1m", line_of_system_pipe, false},
    {"mt", line_of_pipe, false},
    {"system_64k_touch", line_of_small_system_pipe, true},
    {"system_1m_touch", line_of_system_pipe, true},
    {"mt_touch", line_of_pipe, true},
    {"mt_zero_copy_touch", line_of_pipe_without_copies, true},
    {"system_cat", line_of_system_cat, false},
    {"mt_job_data", line_of_data_job, false},
    {"mt_job_mpegts", line_of_mpegts_job, false},
    {"ffmpeg_data", line_of_data_program, false},
    {"ffmpeg_mpegts", line_of_mpegts_program, false},
};

static const struct variant *variant_named(const char *name) {
  for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
    if (strcmp(variants[i].name, name) == 0) return &variants[i];
  }
  die("no variant is named %s", name);
}

int main(int argc, char **argv) {
  struct line line;
  if (argc < 3) die("usage: pipe VARIANT SECONDS [FILE]");
  const struct variant *variant = variant_named(argv[1]);
  memset(&line, 0, sizeof line);
  line.touches = variant->touches;
  line.content = argc > 3 ? load_file(argv[3]) : some_bytes();
  variant->make(&line);

  double cpu = cpu_seconds();
  double begin = now_seconds();
  run_line(&line, begin + atof(argv[2]));
  printf("%llu %.6f %.6f\n", (unsigned long long)line.read_bytes, now_seconds() - begin, cpu_seconds() - cpu);
  mt_transcode_engine_free(engine);
  return 0;
}
