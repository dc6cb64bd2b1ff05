/* latency: one live stream in real time, and when which of its bytes went in and came out.
 *
 *     latency WHO SECONDS FILE OUTPUT ARGUMENT ...
 *
 * feeds so many seconds of FILE (see stream.h) to WHO and keeps in OUTPUT what comes out. Prints lines, in seconds since the stream was begun to be
 * made:
 *
 *     given SECONDS          when the next piece of FILE had been given
 *     taken SECONDS BYTES    when so many bytes of the output, in all, had been taken */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

enum { MAX_READS = 1 << 20 };

struct reading {
  double when;
  size_t bytes;
};

/* Reads to the end of the output; how many times. */
static size_t read_all(struct stream *stream, struct sink *sink, struct reading *readings) {
  struct pollfd place = {readable_fd(stream), POLLIN, 0};
  size_t count = 0;
  while (!stream->is_at_end) {
    poll(&place, 1, -1);
    if (take(stream, sink) == 0) continue;
    if (count == MAX_READS) die("more than %d reads", MAX_READS);
    readings[count++] = (struct reading){now_seconds(), sink->size};
  }
  return count;
}

static void save(const char *path, const struct sink *sink) {
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(sink->data, 1, sink->size, file) != sink->size || fclose(file) != 0) die("cannot write %s", path);
}

int main(int argc, char **argv) {
  static struct reading readings[MAX_READS];
  struct stream stream;
  struct sink sink = {NULL, 0, 0};
  if (argc < 6) die("usage: latency WHO SECONDS FILE OUTPUT ARGUMENT ...");
  struct clip clip = load_clip(argv[3]);
  double *given = calloc(clip.count, sizeof *given);
  if (given == NULL) die("no memory");
  enum who who = who_named(argv[1]);
  if (who != WHO_PROGRAM) start_engine(1);

  double begin = now_seconds();
  start_stream(&stream, who, argc - 5, (const char *const *)argv + 5);
  struct feeder feeder = {.clip = &clip, .streams = &stream, .count = 1, .seconds = atof(argv[2]), .given = given};
  start_feeder(&feeder);
  size_t reads = read_all(&stream, &sink, readings);
  join_feeder(&feeder);
  end_stream(&stream);
  mt_transcode_engine_free(engine);

  save(argv[4], &sink);
  for (size_t i = 0; i < clip.count && given[i] > 0; i++) printf("given %.6f\n", given[i] - begin);
  for (size_t i = 0; i < reads; i++) printf("taken %.6f %zu\n", readings[i].when - begin, readings[i].bytes);
  free(given);
  free(sink.data);
  return 0;
}
