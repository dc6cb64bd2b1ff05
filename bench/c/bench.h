/* What the measuring programs in C share: clocks, files in memory, growing buffers, slices of parallel jobs. */
#ifndef MT_BENCH_H
#define MT_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mt_transcode/mt_transcode.h"

/* How many bytes go at once where nothing else is said; also the library's default. */
enum { CHUNK_BYTES = 64 << 10 };

struct bytes {
  uint8_t *data;
  size_t size;
};

/* Bytes that were written. It keeps its memory from one job to the next, as a service would. */
struct sink {
  uint8_t *data;
  size_t size;
  size_t capacity;
};

/* Prints and exits with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Dies where a call of the library failed, with its words. */
void check(int64_t code, const char *what);
/* As check, for a job: with the text of its error. */
void check_job(int64_t code, const mt_transcode_job *job, const char *what);

double now_seconds(void);
/* CPU time so far of this process and of its children that have ended, user and system. */
double cpu_seconds(void);

/* A number of a file of /proc, in bytes; memory that no other process shares. */
uint64_t proc_bytes(const char *path, const char *name);
uint64_t private_bytes(void);

struct bytes load_file(const char *path);
void sink_append(struct sink *sink, const void *data, size_t size);

/* One remux in memory, as a command line would say it: -i input -map 0 -c copy -f FORMAT [-KEY VALUE] output. */
struct remux {
  struct bytes input;
  /* The file that the input was read from. */
  const char *path;
  const char *format;
  /* An option of the muxer's; NULL where it needs none. */
  const char *key;
  const char *value;
};

/* Each makes one job from beginning to end; what was written is in `sink`, which was emptied before. */
typedef void remux_function(const struct remux *remux, struct sink *sink);
remux_function remux_by_loop;          /* FFmpeg's libraries; nothing can seek */
remux_function remux_by_seekable_loop; /* the same, input and output can seek */
remux_function remux_by_pipes;         /* this library, pipes with default settings */
remux_function remux_by_io;            /* this library, callbacks that can seek */
remux_function remux_by_memory;        /* this library, the input's bytes as they are, the output in a buffer of the library's */

/* From file to file: FFmpeg's libraries and its own files. */
void remux_files_by_loop(const char *from, const char *to, const char *format);

/* From descriptor to descriptor, live: FFmpeg's libraries with what -mt_live 1 stands for (docs/low-latency.md), MPEG-TS to `format`, until the end or
 * until nobody reads. */
void remux_live_by_loop(int from, int to, const char *format);

/* Not a remux: what ffprobe -show_format -show_streams -of json says of the file. */
remux_function probe_file;

/* glibc gives the top of a heap back to the system when more than 128 KiB of it are free, and each job would fault it in again: half of its
 * time. It does so no more for sizes below twice that of the largest block that was ever freed: as in any service that has run for a while. */
void free_a_large_block(void);

/* The engine of those that need one, made before the first job. */
extern mt_transcode_engine *engine;
void start_engine(uint32_t max_running);

#endif
