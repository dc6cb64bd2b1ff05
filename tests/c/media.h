/* What the scenarios do with the library again and again. */
#ifndef MT_TEST_MEDIA_H
#define MT_TEST_MEDIA_H

#include "harness.h"

/* An argument vector for the functions below, which end at its NULL. */
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A job that runs until it is stopped, in real time, and writes nothing. */
#define ENDLESS ARGS("-re", "-f", "lavfi", "-i", "testsrc2=s=128x96", "-f", "null", "-")

/* A job that ends after some milliseconds, and writes nothing. */
#define SMALL ARGS("-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.2", "-f", "null", "-")

mt_transcode_engine *new_engine(void);
mt_transcode_engine *new_limited_engine(uint32_t max_running, uint32_t max_queued, uint32_t log_mode);

int32_t set_args(mt_transcode_job *job, const char *const *args);

/* A job described by `args`, not started; NULL (and a failed test) where it was refused. */
mt_transcode_job *new_job(mt_transcode_engine *engine, const char *const *args);

/* The same, started. */
mt_transcode_job *start_job(mt_transcode_engine *engine, const char *const *args);

/* A job's result once it is final; -ETIMEDOUT when patience is over. */
int32_t result_of(mt_transcode_job *job);

/* Runs a job to its end and frees it. */
int32_t run(mt_transcode_engine *engine, const char *const *args);

/* Runs `args` and gives the code of whatever refuses them first: description, start or run. The job is left to be asked for its
 * error and then freed. */
int32_t attempt(mt_transcode_engine *engine, const char *const *args, mt_transcode_job **job_out);

/* Waits until the job is in `state`. */
bool reaches(mt_transcode_job *job, uint32_t state);

/* A clip of 2 s, H.264 320x240 with AAC, made at the first call. */
const char *clip(void);

/* What mt_transcode_probe says of a file, to be freed with mt_transcode_string_free; NULL (and a failed test) where it fails. */
char *probe(mt_transcode_engine *engine, const char *url);
char *probe_as(mt_transcode_engine *engine, const char *url, const char *const *options);

/* Where the value of the next `key` after `json` begins, without a quote; NULL where there is none. Enough of JSON for what a
 * probe gives. */
const char *json_value(const char *json, const char *key);

/* The same as a number; -1 where there is none. */
int json_number(const char *json, const char *key);

/* The stream of a probe that has this codec: a place in `json` to look on from; NULL where there is none. */
const char *json_stream(const char *json, const char *codec);

/* The duration of the file in a probe, in seconds; -1 where it has none. */
double json_duration(const char *json);

#endif
