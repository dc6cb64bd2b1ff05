/* thumbnail: writes one picture of a film.
 *
 *     thumbnail INPUT OUTPUT.jpg [SECONDS [WIDTH]]
 *
 * SECONDS is where in the film (default: 1); WIDTH is in pixels (default: 320), the height follows. The picture's format follows
 * from OUTPUT's name: .jpg, .png, .webp.
 *
 *     cc thumbnail.c $(pkg-config --cflags --libs mt_transcode) -o thumbnail
 */
#include <stdio.h>
#include <stdlib.h>

#include "mt_transcode/mt_transcode.h"

/* How long a picture may take before it is given up. */
enum { PATIENCE_MS = 30000 };

struct request {
  const char *source;
  const char *target;
  const char *seconds;
  int width;
};

/* The job as an ffmpeg command line. `-ss` before `-i` seeks, so that only what is near the picture is read; the filter
 * `thumbnail` takes the most typical of the next 25 frames, so that the picture is not a black one in a fade. */
static int32_t describe(mt_transcode_job *job, const struct request *request) {
  char filter[64];
  const char *args[] = {"-ss", request->seconds, "-i", request->source, "-map",      "0:v:0", "-vf",           filter,
                        "-frames:v", "1", "-update", "1", "-q:v", "3", "-an", request->target};
  snprintf(filter, sizeof filter, "thumbnail=25,scale=%d:-2", request->width);
  return mt_transcode_job_set_args(job, (int32_t)(sizeof args / sizeof *args), args);
}

static void complain(int32_t code, const mt_transcode_job *job) {
  mt_transcode_error *error = NULL;
  mt_transcode_job_error(job, &error);
  fprintf(stderr, "thumbnail: %s\n", error != NULL ? error->message : mt_transcode_strerror(code));
  if (error != NULL && error->hint[0] != '\0') fprintf(stderr, "           %s\n", error->hint);
  mt_transcode_error_free(error);
}

/* 0, or the code that the job was refused with or ended with (-ETIMEDOUT where it took too long), or 1: no picture is there. */
static int32_t run(mt_transcode_job *job, const struct request *request) {
  mt_transcode_job_stats_data stats = {.struct_size = sizeof stats};
  int32_t result = 0;
  int32_t code = describe(job, request);
  if (code == 0) code = mt_transcode_job_start(job);
  if (code == 0) code = mt_transcode_job_wait(job, PATIENCE_MS, &result);
  if (code == 0) code = result;
  if (code == 0 && mt_transcode_job_stats(job, &stats) == 0 && stats.frames == 0) {
    fprintf(stderr, "thumbnail: %s has no picture at %s s\n", request->source, request->seconds);
    return 1;
  }
  return code;
}

int main(int argc, char **argv) {
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  int32_t code;
  struct request request = {NULL, NULL, "1", 320};
  if (argc < 3 || argc > 5) {
    fprintf(stderr, "usage: thumbnail INPUT OUTPUT.jpg [SECONDS [WIDTH]]\n");
    return 2;
  }
  request.source = argv[1];
  request.target = argv[2];
  if (argc > 3) request.seconds = argv[3];
  if (argc > 4) request.width = atoi(argv[4]);
  code = mt_transcode_engine_new(NULL, &engine, NULL);
  if (code == 0) code = mt_transcode_job_new(engine, &job);
  if (code == 0) code = run(job, &request);
  if (code < 0) complain(code, job);
  mt_transcode_job_free(job); /* frees and cancels what was given up */
  mt_transcode_engine_free(engine);
  return code != 0;
}
