/* mt-transcode: FFmpeg inside a service, without the risk.
 *
 * This header is the manual of the C interface. It is generated from src/capi by `make header`; do not edit it.
 * SPDX-License-Identifier: MIT OR Apache-2.0 (FFmpeg itself stays LGPL or GPL, as linked).
 *
 * Rules that hold for every function:
 *  - It returns 0 or a count, or a negative code: -errno of Linux where one fits, MT_TRANSCODE_E* (-1001 and down) otherwise. Numbers
 *    are frozen. mt_transcode_strerror() has words for each.
 *  - Out-parameters come last and are written only on success.
 *  - Handles are checked tokens: NULL gives -EINVAL, a freed or foreign one -EBADF, any handle after fork() in the child
 *    -EPERM. free functions ignore NULL and freed handles.
 *  - What the library allocated, the library frees: each function says with which call. Strings are UTF-8.
 *  - Any thread may call any function at any time, unless its comment says otherwise.
 *  - Units stand in names: _us microseconds, _ms milliseconds, _bytes.
 *  - Structs that grow begin with struct_size; set it to sizeof, or call the struct's _init function.
 *
 * The shortest program:
 *
 *     mt_transcode_engine *engine;
 *     mt_transcode_job *job;
 *     const char *args[] = {"-i", "in.mp4", "-c", "copy", "out.mkv"};
 *     int32_t result;
 *     if (mt_transcode_engine_new(NULL, &engine, NULL) < 0) return 1;
 *     mt_transcode_job_new(engine, &job);
 *     mt_transcode_job_set_args(job, 5, args);
 *     mt_transcode_job_start(job);
 *     mt_transcode_job_wait(job, -1, &result);
 *     mt_transcode_job_free(job);
 *     mt_transcode_engine_free(engine);
 */

#ifndef MT_TRANSCODE_H
#define MT_TRANSCODE_H

#include <stddef.h>
#include <stdint.h>



























// The job reads the pipe: it is an input.
#define MT_TRANSCODE_SIDE_READ 1

// The job writes the pipe: it is an output.
#define MT_TRANSCODE_SIDE_WRITE 2

// A job has an event to be pulled.
#define MT_TRANSCODE_READY_EVENT 1

// A job is in its final state.
#define MT_TRANSCODE_READY_DONE 2

// A pipe that is watched can be read: there are bytes, or the end.
#define MT_TRANSCODE_READY_READABLE 4

// A pipe that is watched can be written: there is room, or the reader is gone.
#define MT_TRANSCODE_READY_WRITABLE 8

// An output that joined a job is final: `mt_transcode_output_state` tells which.
#define MT_TRANSCODE_READY_OUTPUT 16

// Refuse an FFmpeg that is not under the LGPL: `mt_transcode_engine_new` then gives `MT_TRANSCODE_EUNSUPPORTED` with Debian's,
// which is GPL.
#define MT_TRANSCODE_ENGINE_REQUIRE_LGPL 1

// Leave glibc's settings alone. Without this flag the first job lets glibc keep up to 16 MiB of freed memory an arena for the next job, by freeing a
// block of 8 MiB, as any job with large pictures does; small jobs are nearly twice as fast by that. And it switches fastbins off (`M_MXFAST` of
// mallopt(3)), which cost copies a twentieth of their time. What lies idle is given back to the system two seconds after a job began or ended, and from
// time to time while jobs run, in both cases.
#define MT_TRANSCODE_ENGINE_LEAVE_MALLOC 2

// `mt_transcode_engine_next_ready` tells of a job's events (`MT_TRANSCODE_READY_EVENT`) only after a `mt_transcode_job_next_event` that found none: a host
// that waits for the ends of jobs, and rarely for their events, is woken once a job. The end of a job is told in any case.
#define MT_TRANSCODE_ENGINE_QUIET_EVENTS 4

// Make crash reports: when a thread of a job of this engine, or a thread of the host inside FFmpeg, dies by SIGSEGV, SIGBUS, SIGILL, SIGFPE or
// SIGABRT, a report of what happened where, for which job, is written to `crash_path` or `crash_fd`, and then the host's own handler, or the system's default, does
// what it would have done. The handlers are installed once and stay; without this flag none is. See docs/crashes.md.
#define MT_TRANSCODE_ENGINE_CRASH_REPORTS 8

// Jobs and probes run on threads of this process.
#define MT_TRANSCODE_ISOLATION_THREAD 0

// Each job and each probe runs in a worker, a process of its own: what crashes, hangs or is killed there ends that one only, with `MT_TRANSCODE_ECRASHED`,
// `MT_TRANSCODE_EOOM_KILLED`, `MT_TRANSCODE_EKILLED`, `MT_TRANSCODE_EHUNG` or `MT_TRANSCODE_ELIMIT`. Everything else is the same: calls, events, pipes,
// callbacks, stores. The callbacks are called on threads of this process. The environment's `MT_TRANSCODE_ISOLATION`, "thread" or "process", goes before.
#define MT_TRANSCODE_ISOLATION_PROCESS 1

// A job whose worker crashed fails.
#define MT_TRANSCODE_ON_CRASH_REPORT 0

// A job whose worker crashed or hung (`MT_TRANSCODE_ECRASHED`, `MT_TRANSCODE_EHUNG`) is run once more in a new worker, if it can begin anew: its
// inputs can be read from their beginnings again, and no output in memory or over the network had been given a byte. See docs/capture.md.
#define MT_TRANSCODE_ON_CRASH_RETRY 1

// The inputs of a job whose worker crashed or hung, where it was run once more the second time, are refused from then on by this engine, with
// `MT_TRANSCODE_EQUARANTINED`. They are known by the SHA-256 of their first 64 KiB, and of files their size.
#define MT_TRANSCODE_ON_CRASH_QUARANTINE 2

// A worker gives up what its job does not need, as far as the kernel can: system calls, the network, files. See docs/sandbox.md. The environment's
// `MT_TRANSCODE_SANDBOX`, "best", "required" or "off", goes before.
#define MT_TRANSCODE_SANDBOX_BEST 0

// Where the kernel cannot do all of it, jobs end with `MT_TRANSCODE_ESANDBOX`, and the message says what is missing.
#define MT_TRANSCODE_SANDBOX_REQUIRED 1

// Workers may do what this process may.
#define MT_TRANSCODE_SANDBOX_OFF 2

// Leave FFmpeg's log alone: lines go where the host, or FFmpeg's default, sends them. Jobs have no log events.
#define MT_TRANSCODE_LOG_LEAVE 0

// Take FFmpeg's log over, for the life of the process, at the first engine that asks: a line of a job becomes an event of that job,
// and a line without a job goes to `av_log_default_callback`.
#define MT_TRANSCODE_LOG_TAKE 1

// The host has a log callback of its own, and forwards lines with `mt_transcode_log_forward`.
#define MT_TRANSCODE_LOG_FORWARDED 2

// A limit of none: for `max_queued` it means that a job is refused when it cannot run at once.
#define MT_TRANSCODE_NONE UINT32_MAX

// Demuxing failed: the input is not what it claims, is damaged, or ends too early.
#define MT_TRANSCODE_EDEMUX -1001

// A decoder could not be opened, or too much of a stream could not be decoded.
#define MT_TRANSCODE_EDECODE -1002

// A filter graph could not be built or failed.
#define MT_TRANSCODE_EFILTER -1003

// An encoder could not be opened or failed.
#define MT_TRANSCODE_EENCODE -1004

// The output could not be written: header, packet or trailer was refused.
#define MT_TRANSCODE_EMUX -1005

// A limit was reached: memory for links, output bytes, time, streams, pixels.
#define MT_TRANSCODE_ELIMIT -1006

// The library, or the FFmpeg it is linked with, cannot do this.
#define MT_TRANSCODE_EUNSUPPORTED -1007

// Code of ours panicked; the job ended, the process is unharmed. The error's `detail` has the backtrace.
#define MT_TRANSCODE_EPANIC -1008

// A state that should not be. Please report it.
#define MT_TRANSCODE_EINTERNAL -1009

// A host name cannot be resolved safely in a statically linked glibc program.
#define MT_TRANSCODE_ESTATIC_RESOLVER -1010

// The worker process crashed.
#define MT_TRANSCODE_ECRASHED -1011

// The worker process was killed for its memory.
#define MT_TRANSCODE_EOOM_KILLED -1012

// The worker process was killed from outside.
#define MT_TRANSCODE_EKILLED -1013

// The job made no progress for too long.
#define MT_TRANSCODE_EHUNG -1014

// The sandbox refused something that the job needed.
#define MT_TRANSCODE_ESANDBOX -1015

// A thread or a worker process could not be started.
#define MT_TRANSCODE_ESPAWN_FAILED -1016

// A call into FFmpeg did not return in time and was left behind; its memory is kept until it does.
#define MT_TRANSCODE_EDETACHED -1017

// A peer failed too often and is not tried again yet.
#define MT_TRANSCODE_ECIRCUIT_OPEN -1018

// An option is unknown, of the wrong direction, or its value is out of range. The error names it and its file.
#define MT_TRANSCODE_EOPTION -1019

// The input made workers crash before, and this engine refuses it (`MT_TRANSCODE_ON_CRASH_QUARANTINE`).
#define MT_TRANSCODE_EQUARANTINED -1020

// The certificate of a TLS peer is not accepted: it has expired, its authority is unknown, or it is for another name. The message says which.
#define MT_TRANSCODE_ETLS -1021

// The job is in another state: `state`.
#define MT_TRANSCODE_EVENT_STATE 1

// An input was opened: `file_index`, and in `json` its format and streams as `mt_transcode_probe` gives them.
#define MT_TRANSCODE_EVENT_INPUT_OPENED 2

// Progress, at most ten a second; an older one that was not pulled yet is replaced.
#define MT_TRANSCODE_EVENT_PROGRESS 3

// A line of the log, of this job only: `level`, `stage`, `text`; `repeated` says how often it came again. Lines above the job's
// `loglevel` (a global option as ffmpeg's; 24, warning, where it is not set) are left out.
#define MT_TRANSCODE_EVENT_LOG 4

// An output is finished: `file_index`, `code` (0, or what it failed with), `text` (the message of a failure), `size_bytes`.
#define MT_TRANSCODE_EVENT_OUTPUT_FINISHED 5

// The last event of a job: `code` is its result, `text` the message of a failure.
#define MT_TRANSCODE_EVENT_DONE 6

// A pipe of the job passed its high-water mark: `file_index` is -1, `text` the pipe's name, `size_bytes` how full it is. It comes again after the
// fill fell to half of the mark.
#define MT_TRANSCODE_EVENT_PIPE_HIGH_WATER 7

// An input that may come and go (the option "mt_source") is at something else: `file_index`, `state` is one of `MT_TRANSCODE_SOURCE_*`, `code` and `text` say why
// where it failed, and `json` has url, failures (tries in a row that failed), connections (how often it was live) and retry_in_ms. Where nobody pulls, the
// oldest of many are dropped.
#define MT_TRANSCODE_EVENT_SOURCE 8

// A stream of an output is not made as it was asked for any more (the option "mt_degrade"): `file_index` and `stream_index` say which stream of which output, `state`
// what is done now (`MT_TRANSCODE_DEGRADED_*`), `stage` what failed ("decode", "filter", "encode" or "mux"), `repeated` how many times in a row, `code` and `text` with what.
#define MT_TRANSCODE_EVENT_DEGRADED 9

// The job fails.
#define MT_TRANSCODE_DEGRADED_FAIL 1

// The stream has ended; the output goes on with its others.
#define MT_TRANSCODE_DEGRADED_DROP 2

// The packets of its source go on as they are, from the next key frame on.
#define MT_TRANSCODE_DEGRADED_COPY 3

// Print the command as ffmpeg takes it: only what ffmpeg accepts (no `-mt_` options).
#define MT_TRANSCODE_COMMAND_FFMPEG 1

// Mask secrets in URLs: user info, query values, stream keys.
#define MT_TRANSCODE_COMMAND_MASKED 2

// The job is being described.
#define MT_TRANSCODE_STATE_NEW 0

// The job waits for its turn: the engine runs as many as it may.
#define MT_TRANSCODE_STATE_QUEUED 1

// Inputs and outputs are being opened.
#define MT_TRANSCODE_STATE_OPENING 2

// Media flows.
#define MT_TRANSCODE_STATE_RUNNING 3

// The job was asked to stop and is writing its trailers.
#define MT_TRANSCODE_STATE_STOPPING 4

// Final: ended well; also by `mt_transcode_job_stop`.
#define MT_TRANSCODE_STATE_SUCCEEDED 5

// Final: ended with an error.
#define MT_TRANSCODE_STATE_FAILED 6

// Final: ended by `mt_transcode_job_cancel`, a free or a shutdown.
#define MT_TRANSCODE_STATE_CANCELLED 7

// Described, and not yet part of a job that runs.
#define MT_TRANSCODE_OUTPUT_NEW 0

// It waits for the job's media, or is being opened.
#define MT_TRANSCODE_OUTPUT_OPENING 1

// Media flows.
#define MT_TRANSCODE_OUTPUT_RUNNING 2

// It ends in good order.
#define MT_TRANSCODE_OUTPUT_STOPPING 3

// Final: its file is whole.
#define MT_TRANSCODE_OUTPUT_FINISHED 4

// Final: `code` says what it failed with.
#define MT_TRANSCODE_OUTPUT_FAILED 5

// Final: the host ended it at once.
#define MT_TRANSCODE_OUTPUT_CANCELLED 6

// End the output in good order, with what waits for it.
#define MT_TRANSCODE_STOP_GRACEFUL 0

// End the output at once, without a trailer.
#define MT_TRANSCODE_STOP_NOW 1

// For `flush_interval_ms`: what a job writes is passed on when a chunk is full, and at the end.
#define MT_TRANSCODE_FLUSH_CHUNKS -1

// It is opened when somebody wants it ("mt_on_demand"); or the job was not started.
#define MT_TRANSCODE_SOURCE_IDLE 0

// It is being opened.
#define MT_TRANSCODE_SOURCE_CONNECTING 1

#define MT_TRANSCODE_SOURCE_LIVE 2

// It failed, and is tried again soon.
#define MT_TRANSCODE_SOURCE_WAITING 3

// The circuit of its host is open ("mt_breaker"): it is tried when that closes.
#define MT_TRANSCODE_SOURCE_BLOCKED 4

// It was removed, its job ends, or it is not tried any more.
#define MT_TRANSCODE_SOURCE_ENDED 5

// The engine takes jobs.
#define MT_TRANSCODE_HEALTH_OK 0

// The engine runs and queues as many jobs as it may; new ones are refused.
#define MT_TRANSCODE_HEALTH_FULL 1

// The engine works, but not as it should, or was shut down; `health_reason` says why.
#define MT_TRANSCODE_HEALTH_DEGRADED 2

// How many buckets a histogram has.
#define MT_TRANSCODE_HISTOGRAM_BUCKETS 16

// How many different results an engine's stats can name.
#define MT_TRANSCODE_RESULTS 32

// The number of this interface; it is also in the soname (`libmt_transcode.so.0`).
#define MT_TRANSCODE_ABI_VERSION 0

// A negative AVERROR.
typedef struct AvError AvError;

// An owned AVFrame.
typedef struct Frame Frame;

typedef struct How How;

// A fraction, `num/den`.
typedef struct Rational Rational;

// Where an option may stand.
typedef struct Scope Scope;

// An engine: owns limits and threads, and runs jobs. See `mt_transcode_engine_new`.
typedef struct mt_transcode_engine mt_transcode_engine;

// An input of a job, while it is being described. See `mt_transcode_job_input_new`.
typedef struct mt_transcode_input mt_transcode_input;

// A job: what one ffmpeg command line says, inputs to outputs. See `mt_transcode_job_new`.
typedef struct mt_transcode_job mt_transcode_job;

// An output of a job, while it is being described. See `mt_transcode_job_output_new`.
typedef struct mt_transcode_output mt_transcode_output;

// A pipe: bounded memory between the host and a job. See `mt_transcode_pipe_new`.
typedef struct mt_transcode_pipe mt_transcode_pipe;

// Bytes of the host's that can seek: callbacks. They are called on threads of the job, never two at the same time for one bind, and
// may block; a cancel then waits for them up to 650 ms, after which the job is `MT_TRANSCODE_EDETACHED`. A callback may call any function of the
// library; waiting for its own job there gives `-EDEADLK`, and freeing it is carried out when the job ends. A C++ or Go panic must not leave it.
typedef struct mt_transcode_io {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // Zero.
  uint32_t reserved32;
  // The first argument of every callback.
  void *user;
  // Reads up to `size_bytes`: returns how many, 0 at the end, or a negative code, which becomes the job's. NULL: it cannot be read.
  int64_t (*read)(void *user, uint8_t *buffer, uint64_t size_bytes);
  // Writes up to `size_bytes`: returns how many, at least one, or a negative code. NULL: it cannot be written.
  int64_t (*write)(void *user, const uint8_t *data, uint64_t size_bytes);
  // Goes to a position from the beginning: returns it, or a negative code. NULL: it cannot seek.
  int64_t (*seek)(void *user, int64_t position_bytes);
  // Returns the size in bytes; negative, or NULL: unknown.
  int64_t (*size)(void *user);
  // Called exactly once, when no callback runs or will run any more, possibly long after the job was freed: here the host frees `user`. NULL: nothing.
  void (*release)(void *user);
} mt_transcode_io;

// Files of the host's, for outputs that are made of many (HLS, DASH, segments): `mt:NAME/file.m3u8` is the URL of such an output. Names are
// relative, with '/' between folders, without "..". The callbacks are called on threads of the job, and may block, as those of `mt_transcode_io`;
// for one file never two at the same time.
typedef struct mt_transcode_store {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // Zero.
  uint32_t reserved32;
  // The first argument of every callback.
  void *user;
  // Creates a file, or replaces one: returns 0 and sets `*file_out` (which may be NULL) for the calls below; or a negative code.
  int32_t (*open)(void *user, const char *name, void **file_out);
  // Writes up to `size_bytes`: returns how many, at least one, or a negative code.
  int64_t (*write)(void *user, void *file, const uint8_t *data, uint64_t size_bytes);
  // Goes to a position from the beginning: returns it, or a negative code. NULL: files cannot seek; nor can one whose first call, to 0 after its
  // open, fails.
  int64_t (*seek)(void *user, void *file, int64_t position_bytes);
  // Ends a file, once for each open: `code` is 0 for one that is complete, negative for one that is broken off. Returns 0, or a negative code, with
  // which the output fails. NULL: nothing to do.
  int32_t (*close)(void *user, void *file, int32_t code);
  // Removes a file: returns 0, or a negative code, which is a warning of the job's. NULL: that warning comes each time.
  int32_t (*remove)(void *user, const char *name);
  // As of `mt_transcode_io`.
  void (*release)(void *user);
} mt_transcode_store;

// Configuration of an engine. Fill it with `mt_transcode_engine_config_init`, then change what should differ.
typedef struct mt_transcode_engine_config {
  // Size of this struct in bytes, set by `_init`.
  uint32_t struct_size;
  // How many jobs run at once; more are queued. 0: twice the CPUs this process may use (affinity and cgroup quota).
  uint32_t max_running;
  // How many jobs wait in the queue; more are refused with `-EAGAIN`. 0: 1024. `MT_TRANSCODE_NONE`: none wait.
  uint32_t max_queued;
  // `MT_TRANSCODE_ENGINE_*` or-ed together; an unknown bit is `-EINVAL`.
  uint32_t flags;
  // `MT_TRANSCODE_LOG_*`.
  uint32_t log_mode;
  // How long a job waits in the queue, in milliseconds, before it ends with `-ETIMEDOUT`. 0: as long as it takes.
  uint32_t queue_timeout_ms;
  // How many bytes of packets and frames may wait between the threads of one job beyond the usual small queues, before the job
  // fails with `MT_TRANSCODE_ELIMIT`. 0: 256 MiB.
  uint64_t link_budget_bytes;
  // How much native memory pipes and jobs of this engine may take together. A job that would pass it waits in the queue (the first one always
  // runs), a pipe is refused with `-EAGAIN`; what passes it alone is refused with `MT_TRANSCODE_ELIMIT`. Counted are the capacities of
  // pipes, and estimates for jobs: 8 MiB for one that copies, 64 MiB for one that decodes or encodes, or what the job's
  // global option `mt_memory` says; and what copied inputs and buffers of jobs really hold, which is never refused, but makes others wait. 0: 80 % of the cgroup's memory.max, or of the machine's memory where there is none. UINT64_MAX: no limit.
  uint64_t memory_budget_bytes;
  // With `MT_TRANSCODE_ENGINE_CRASH_REPORTS`: a file that reports are appended to, NUL-terminated UTF-8, copied and opened by `mt_transcode_engine_new`;
  // NULL: `crash_fd`.
  const char *crash_path;
  // With `MT_TRANSCODE_ENGINE_CRASH_REPORTS`, and no path: the host's descriptor that reports are written to, open as long as the engine lives. 0: standard error.
  int32_t crash_fd;
  // `MT_TRANSCODE_ISOLATION_*`.
  uint32_t isolation;
  // The worker program mt-transcode, of this very release; NUL-terminated UTF-8, copied. NULL: it is looked for beside the library, in bin and libexec. The
  // environment's `MT_TRANSCODE_WORKER` goes before.
  const char *worker_path;
  // How much resident memory a worker may have before it is killed, and its job ends with `MT_TRANSCODE_ELIMIT`. 0: no limit.
  uint64_t worker_memory_bytes;
  // How much CPU time a worker may use, likewise. 0: no limit.
  uint32_t worker_cpu_seconds;
  // How many descriptors a worker may have open. 0: as this process.
  uint32_t worker_descriptors;
  // A folder that a capture of each job that fails is written to: what is needed to repeat it (see docs/capture.md). NUL-terminated UTF-8, copied; made by
  // `mt_transcode_engine_new` if it is not there. NULL: no captures.
  const char *capture_path;
  // How many bytes of each input in memory are kept while a job runs, for a capture, and for `MT_TRANSCODE_ON_CRASH_RETRY`. 0: 1 MiB.
  uint64_t capture_bytes;
  // How many captures are kept in the folder: the oldest are removed. 0: 100.
  uint32_t capture_count;
  // For jobs in workers: `MT_TRANSCODE_ON_CRASH_*` or-ed together; an unknown bit is `-EINVAL`.
  uint32_t on_crash;
  // `MT_TRANSCODE_SANDBOX_*`.
  uint32_t worker_sandbox;
  // After how many milliseconds without progress a job hangs, while it waits neither for a peer nor for the host nor for its time (-re): it gets a log event of
  // stage "watch" with the stacks of its threads and ends with `MT_TRANSCODE_EHUNG`, its worker is killed. 0: never. The job's global option
  // `mt_hang_timeout_ms` goes before. See docs/hangs.md.
  uint32_t hang_timeout_ms;
  // How many threads each codec and each filter graph of a job gets where the job does not say it (`threads`, `filter_threads`), 64 at most. 0: as FFmpeg and its
  // codecs choose; where the cgroup's quota is less than the processors that they count, as they would choose on a machine of so many.
  uint32_t threads_per_job;
  // How much nicer the engine's threads are, with those of codecs and workers, than the thread that makes the engine: 0 to 19, of nice(2). With 19 jobs run mostly while the
  // host leaves processors idle. See docs/threading.md.
  uint32_t niceness;
  // Zero.
  uint64_t reserved[1];
} mt_transcode_engine_config;

// What failed, where, and what to do: the whole text of an error. All strings are UTF-8, never NULL (empty where there is
// nothing to say), belong to the struct and are freed with it. Secrets in URLs are masked.
//
// The library allocates it, so it may grow at its end; `struct_size` tells how much of it this library filled.
typedef struct mt_transcode_error {
  // Size of the struct that the library filled, in bytes.
  uint32_t struct_size;
  // The code, as the function or `mt_transcode_job_wait` gave it: negative.
  int32_t code;
  // FFmpeg's own code (an AVERROR), 0 where FFmpeg was not asked.
  int32_t ffmpeg_code;
  // Which input it happened on, counted from 0; -1 where none.
  int32_t input_index;
  // Which output it happened on, counted from 0; -1 where none.
  int32_t output_index;
  // Which stream of that file, counted from 0; -1 where none.
  int32_t stream_index;
  // Symbolic name of the code: "DEMUX", "ENOENT".
  const char *name;
  // What was being done: "options", "open input", "probe", "decode", "filter", "encode", "open output", "write header", "mux", "trailer" ...
  const char *stage;
  // The file or URL, secrets masked.
  const char *url;
  // FFmpeg's own words for `ffmpeg_code`.
  const char *ffmpeg_text;
  // One sentence: what failed and where.
  const char *message;
  // One sentence: what to do about it.
  const char *hint;
  // More, where there is more: the last log lines, the backtrace of a panic.
  const char *detail;
} mt_transcode_error;

// What became of the jobs that an engine had when it was shut down.
typedef struct mt_transcode_shutdown_counts {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // Jobs that ended by themselves within the time.
  uint32_t finished;
  // Jobs that were stopped: their outputs have trailers and play.
  uint32_t stopped;
  // Running jobs that had to be cancelled.
  uint32_t cancelled;
  // Queued jobs that never ran; they ended with `-ECANCELED`.
  uint32_t never_ran;
  // Jobs whose thread is still inside a call that cannot be interrupted.
  uint32_t detached;
} mt_transcode_shutdown_counts;

// One event. Strings are UTF-8, never NULL (empty where there is nothing to say), belong to the event and are freed with it; secrets in
// URLs are masked. Fields that a type does not name are 0, or -1 where -1 means that there is none.
//
// The library allocates it, so it may grow at its end; `struct_size` tells how much of it this library filled.
typedef struct mt_transcode_event {
  // Size of the struct that the library filled, in bytes.
  uint32_t struct_size;
  // `MT_TRANSCODE_EVENT_*`. Ignore one that you do not know.
  uint32_t event_type;
  // Counts the events of the job from 1; a gap means that some were merged or dropped.
  uint64_t sequence;
  // When it happened, in microseconds since the job was started.
  int64_t time_us;
  // STATE: `MT_TRANSCODE_STATE_*`; SOURCE: `MT_TRANSCODE_SOURCE_*`; DEGRADED: `MT_TRANSCODE_DEGRADED_*`.
  uint32_t state;
  // OUTPUT_FINISHED, DONE, SOURCE, DEGRADED: 0 or a negative code.
  int32_t code;
  // LOG: FFmpeg's level: 16 error, 24 warning, 32 information.
  int32_t level;
  // INPUT_OPENED, OUTPUT_FINISHED, SOURCE, DEGRADED: which input or output, from 0.
  int32_t file_index;
  // LOG: which stream, from 0, where the line names one; DEGRADED: which of the output's.
  int32_t stream_index;
  // LOG: how many times the same line came again after this one; DEGRADED: how many failures in a row.
  uint32_t repeated;
  // PROGRESS: time written so far, in microseconds.
  int64_t position_us;
  // PROGRESS: the time that the job will have written at its end, in microseconds; -1 where unknown.
  int64_t duration_us;
  // PROGRESS: estimated time until the end, in microseconds; -1 where unknown.
  int64_t time_left_us;
  // PROGRESS: frames written to the first video stream.
  uint64_t frames;
  // PROGRESS, OUTPUT_FINISHED: bytes written.
  uint64_t size_bytes;
  // PROGRESS: frames written per second of real time.
  double fps;
  // PROGRESS: media time per real time: 2.0 is twice as fast as it plays.
  double speed;
  // PROGRESS: 0 to 100; -1 where the duration is unknown.
  double percent;
  // The job's label.
  const char *label;
  // LOG: the component that wrote the line ("libx264", "mov,mp4,m4a,3gp,3g2,mj2", "decoder").
  const char *stage;
  // LOG: the line, without its end of line; OUTPUT_FINISHED, DONE: the message of a failure.
  const char *text;
  // INPUT_OPENED, SOURCE: JSON.
  const char *json;
} mt_transcode_event;

// What an output has done so far. The numbers of its queue are those of outputs that joined a job, or have "mt_from" or "mt_slow"; others have 0.
typedef struct mt_transcode_output_stats_data {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // `MT_TRANSCODE_OUTPUT_*`.
  uint32_t state;
  // 0, or what it failed with.
  int32_t code;
  // Zero.
  uint32_t reserved32;
  // Packets given to its muxer, bytes written, and time written in microseconds.
  uint64_t packets_written;
  uint64_t size_bytes;
  int64_t position_us;
  // Packets and bytes that wait for it now, and the bytes at the highest.
  uint64_t packets_queued;
  uint64_t bytes_queued;
  uint64_t bytes_queued_peak;
  // What was left out because it fell behind, and how often that was.
  uint64_t packets_dropped;
  uint64_t bytes_dropped;
  uint64_t skips;
} mt_transcode_output_stats_data;

// Configuration of a pipe. Fill it with `mt_transcode_pipe_config_init`, then change what should differ.
typedef struct mt_transcode_pipe_config {
  // Size of this struct in bytes, set by `_init`.
  uint32_t struct_size;
  // How many bytes a job reads or writes at once, at least 512 and at most the capacity. 0: 65,536.
  uint32_t chunk_bytes;
  // How many bytes the pipe holds, 4 KiB to 1 GiB. 0: 1 MiB. Memory that was never written to costs nothing.
  uint64_t capacity_bytes;
  // When what a job writes reaches the reader. 0: at once. N: after N milliseconds at the latest, or when a chunk is full.
  // `MT_TRANSCODE_FLUSH_CHUNKS`: when a chunk is full, and at the end. `_init` sets 40. What the host writes is always passed on at once.
  int32_t flush_interval_ms;
  // How full the pipe is when `MT_TRANSCODE_EVENT_PIPE_HIGH_WATER` comes, in per cent, 1 to 100. 0: 90.
  uint32_t high_water_percent;
  // Zero.
  uint64_t reserved[4];
} mt_transcode_pipe_config;

// What a pipe has done so far.
typedef struct mt_transcode_pipe_stats_data {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // Bit 0: writing has ended; bit 1: reading has ended.
  uint32_t closed;
  // As configured, in bytes.
  uint64_t capacity_bytes;
  uint64_t chunk_bytes;
  // Bytes in the pipe now, and at the most.
  uint64_t fill_bytes;
  uint64_t high_water_bytes;
  // Bytes that were written and read in all, and in how many turns.
  uint64_t written_bytes;
  uint64_t read_bytes;
  uint64_t writes;
  uint64_t reads;
  // How long it was full, and empty while somebody could still write, in microseconds: the reader is the slow one, or the writer.
  uint64_t full_us;
  uint64_t empty_us;
} mt_transcode_pipe_stats_data;

// What a job has done so far. Numbers only grow, but for `link_bytes` and the estimates.
typedef struct mt_transcode_job_stats_data {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // `MT_TRANSCODE_STATE_*`.
  uint32_t state;
  // Time written so far, in microseconds.
  int64_t position_us;
  // The time that the job will have written at its end, in microseconds; -1 where unknown.
  int64_t duration_us;
  // Estimated time until the end, in microseconds; -1 where unknown.
  int64_t time_left_us;
  // Time since the job began to run, until now or its end, in microseconds.
  int64_t elapsed_us;
  // Time that the job waited in the queue, in microseconds.
  int64_t queue_wait_us;
  // Time from the start of running until all inputs and outputs were open, in microseconds; 0 before.
  int64_t open_us;
  // Time from the start of running until the first packet went to a muxer, in microseconds; 0 before.
  int64_t first_output_us;
  // Frames written to the first video stream.
  uint64_t frames;
  // Frames that were duplicated, and dropped, to keep the frame rate.
  uint64_t frames_duplicated;
  uint64_t frames_dropped;
  // Bytes written by the muxers.
  uint64_t size_bytes;
  // Packets read from the demuxers, and given to the muxers.
  uint64_t packets_read;
  uint64_t packets_written;
  // Packets that a demuxer marked as corrupt, and that a decoder refused.
  uint64_t packets_corrupt;
  uint64_t decode_errors;
  // Timestamps that were changed so that they grow, as the muxer needs it.
  uint64_t timestamps_repaired;
  // Bytes of packets and frames that wait between the job's threads now, and at the highest.
  uint64_t link_bytes;
  uint64_t link_bytes_peak;
  // Log lines that were dropped because nobody pulled the events.
  uint64_t log_lines_dropped;
  // Threads of ours that the job has now (FFmpeg's codec threads are not counted).
  uint64_t threads;
  // Frames written per second of real time.
  double fps;
  // Media time per real time.
  double speed;
  // 0 to 100; -1 where the duration is unknown.
  double percent;
  // Frames that an encoder refused and that were left out (the option "mt_degrade").
  uint64_t encode_errors;
  // Packets that a bitstream filter or a muxer refused and that were left out ("mt_live", "mt_source", "mt_degrade").
  uint64_t packets_skipped;
} mt_transcode_job_stats_data;

// How many jobs ended with a code.
typedef struct mt_transcode_result_count {
  // 0, or a negative code.
  int32_t code;
  // Zero.
  uint32_t reserved;
  // How many jobs of the engine ended with it.
  uint64_t count;
} mt_transcode_result_count;

// A histogram of durations with fixed buckets; `mt_transcode_histogram_bound_us` gives their upper bounds.
typedef struct mt_transcode_histogram {
  // How many durations were counted.
  uint64_t count;
  // Their sum, in microseconds.
  uint64_t sum_us;
  // How many were at most the bound of each bucket and above that of the one before; the last bucket has no bound.
  uint64_t buckets[MT_TRANSCODE_HISTOGRAM_BUCKETS];
} mt_transcode_histogram;

// What an engine does and has done: enough for service levels, alerts and a readiness page.
typedef struct mt_transcode_engine_stats_data {
  // Size of this struct in bytes; set by the caller.
  uint32_t struct_size;
  // `MT_TRANSCODE_HEALTH_*`.
  uint32_t health;
  // Now: jobs that exist (not freed), that run, and that wait in the queue.
  uint64_t jobs;
  uint64_t jobs_running;
  uint64_t jobs_queued;
  // Now: memory pipes that were not freed.
  uint64_t pipes;
  // Now: threads of ours that work for jobs, and that wait to be used again (they end after some seconds).
  uint64_t threads;
  uint64_t threads_idle;
  // Now: descriptors that the library made (eventfds). Those that FFmpeg opens for files are not counted.
  uint64_t descriptors;
  // Now: bytes that wait: packets and frames between threads, and what is in pipes.
  uint64_t queued_bytes;
  // Now: jobs that were freed or waited for in vain while a call of theirs could not be interrupted.
  uint64_t detached;
  // Ever: jobs that were started, and that were refused with `-EAGAIN`.
  uint64_t jobs_started;
  uint64_t jobs_refused;
  // Ever: jobs that ended, by result; `results_used` of the array are filled.
  uint32_t results_used;
  // Zero.
  uint32_t reserved32;
  struct mt_transcode_result_count results[MT_TRANSCODE_RESULTS];
  // Time in the queue; until all files were open; until the first packet was written; from start of running to the end.
  struct mt_transcode_histogram queue_wait;
  struct mt_transcode_histogram open;
  struct mt_transcode_histogram first_output;
  struct mt_transcode_histogram duration;
  // Why the health is what it is: NUL-terminated UTF-8, empty when OK.
  uint8_t health_reason[128];
  // Now: native memory that is promised to pipes and running jobs, or held by copied inputs and buffers, and how much may be (`memory_budget_bytes`).
  uint64_t memory_reserved_bytes;
  uint64_t memory_budget_bytes;
  // Now: inputs in quarantine. Ever: jobs that were run once more, after a crash of their workers.
  uint64_t quarantined;
  uint64_t jobs_retried;
} mt_transcode_engine_stats_data;











































#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Binds a side of a pipe to a job: `mt:NAME` is then the URL of an input (`MT_TRANSCODE_SIDE_READ`) or output
// (`MT_TRANSCODE_SIDE_WRITE`) of it. The host keeps the other side, or binds it to another job. An output needs its format named ("f"), as there
// is no file name to guess it from.
//
// When the job ends, its side ends: a reader sees the end of the output, or the code that the output or the job failed with (`-ECANCELED` after
// a cancel); a writer gets `-EPIPE`. A job that is freed before its start gives the side back.
//
// - `name`: 1 to 64 letters, digits, '.', '_' or '-'.
//
// A job that was started takes sides to write, for outputs that join it; such a side ends with its output, and the name is free again.
//
// Returns 0, `-EINVAL`, `-EILSEQ`, `-EEXIST` (the name is bound in this job), `-EBUSY` (that side is bound already, or in use; or the job was started and
// the side is one to read, or it ends), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` and `pipe` may be any value; `name` is NULL or NUL-terminated.
int32_t mt_transcode_job_bind_pipe(struct mt_transcode_job *job,
                                   const char *name,
                                   struct mt_transcode_pipe *pipe,
                                   uint32_t side);

// Binds bytes that can seek to a job: `mt:NAME` is then the URL of one input or one output of it.
//
// - `io`: copied. From a successful call on, `release` will be called once; when the call fails, it is not.
//
// An input that can seek, has a size of at most 1 MiB, and is not read at the pace of its media (`-re`, `-mt_live`, `-mt_source`) is read at once, to
// memory of the job's, when it is opened.
//
// Returns 0, `-EINVAL`, `-EILSEQ`, `-E2BIG`, `-EEXIST`, `-EBUSY` (the job was started, and this cannot be written by an output that joins it, or it ends),
// `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `name` is NULL or NUL-terminated; `io` is NULL or has `struct_size` readable bytes. The callbacks are as said, and may be called
// from any thread.
int32_t mt_transcode_job_bind_io(struct mt_transcode_job *job,
                                 const char *name,
                                 const struct mt_transcode_io *io);

// Binds files to a job: `mt:NAME/file` is then the URL of outputs of it, and of what their muxers write beside them. HLS and DASH remove what
// they no longer need through the store too.
//
// - `store`: copied. From a successful call on, `release` will be called once; when the call fails, it is not.
//
// Returns and threads: as `mt_transcode_job_bind_io`. Since 0.1.
//
// # Safety
// As `mt_transcode_job_bind_io`.
int32_t mt_transcode_job_bind_store(struct mt_transcode_job *job,
                                    const char *name,
                                    const struct mt_transcode_store *store);

// Returns, as JSON, what a bug report needs: versions of the library and of FFmpeg (built against and loaded), FFmpeg's licence (LGPL,
// GPL or nonfree, as linked) and configuration, linking mode, libc, kernel, resolver, CPUs that may be used;
// and what the sandbox of workers can do here (docs/sandbox.md).
//
// - `json_out`: freed with `mt_transcode_string_free`.
//
// Returns 0 or `-EINVAL`. Threads: any. Never blocks for long. Since 0.1.
//
// # Safety
// `json_out` is NULL or writable.
int32_t mt_transcode_diagnostics(char **json_out);

// Writes what an engine's jobs do at this moment to a descriptor, as text: for each job its id, label and command (secrets masked), its state, how full its links
// and pipes are, and each of its threads, with what it waits for, since when, and its native stack. Jobs in workers are asked; one that does not answer
// within 500 ms is told as such. The text begins with a line "mt-transcode dump 1" and ends with "end of dump"; its frames are those of crash
// reports, so `mt-transcode symbolize` names their functions. See docs/hangs.md.
//
// The first dump of a process installs a handler for SIGTRAP, which goes on to the one that was there, and stays: threads are asked for their stacks by that signal.
//
// - `fd`: the caller's, any that can be written; it stays open. A slow one holds up only this call.
//
// Returns 0; `-EINVAL`, `-EBADF` (also for a bad descriptor), `-EPERM` after fork, or the error of write(2), such as `-EPIPE`. Threads: any, also
// while jobs hang. Blocks until all is written, before that mostly for some milliseconds: 100 ms for each thread that does not
// answer, 500 ms for workers, and 2 s where another dump runs. Raises no SIGPIPE. Since 0.1.
//
// # Safety
// `engine` may be any value: it is checked.
int32_t mt_transcode_engine_dump(const struct mt_transcode_engine *engine,
                                 int32_t fd);

// Makes an engine. Several may live in one process and do not disturb each other. Nothing of the process changes by it beyond
// what `config` asks for: no signal handler, locale, environment or atexit; threads start with the first job. With musl, threads of the process that ask
// for no stack size get at least 2 MiB from then on, since FFmpeg's ask for none and 128 KiB are too little for them.
//
// - `config`: NULL for the defaults, else an initialised configuration; it is copied.
// - `engine_out`: the new engine; the caller frees it with `mt_transcode_engine_free`.
// - `error_out`: NULL, or a place for the error's text when the call fails; the caller frees that with `mt_transcode_error_free`.
//
// Returns 0; `-EINVAL` (a NULL `engine_out`, an unknown flag, a bad `struct_size`), `-E2BIG` (fields are set that this library
// does not know), `MT_TRANSCODE_EUNSUPPORTED` (the FFmpeg loaded has another major version than the one built against, or
// is not LGPL where that was required), `-EMFILE`/`-ENFILE`.
// With `MT_TRANSCODE_ISOLATION_PROCESS`: `MT_TRANSCODE_ESPAWN_FAILED` where the worker program is not found, or of another release.
// Threads: any. Blocks only to load code, and until the worker program has loaded its own. Since 0.1.
//
// # Safety
// The pointers are NULL or valid as said; `config` has `struct_size` readable bytes.
int32_t mt_transcode_engine_new(const struct mt_transcode_engine_config *config,
                                struct mt_transcode_engine **engine_out,
                                struct mt_transcode_error **error_out);

// Changes the limits of an engine while it runs; both as in `mt_transcode_engine_config`. A lower `max_running` lets
// running jobs end; a lower `max_queued` keeps those that wait already.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM` after fork. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `engine` may be any value: it is checked.
int32_t mt_transcode_engine_set_limits(struct mt_transcode_engine *engine, uint32_t max_running, uint32_t max_queued);

// Ends an engine in good order. From the moment of the call new jobs are refused with `-ESHUTDOWN` and queued ones end with
// `-ECANCELED`. Running jobs may end by themselves for `timeout_ms`; then they are stopped (outputs get their
// trailers) and have two more seconds; then they are cancelled. The engine stays to be asked (stats, jobs) and freed.
//
// - `timeout_ms`: 0 stops at once; negative waits without end.
// - `counts_out`: NULL, or a struct whose `struct_size` the caller has set.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Blocks for `timeout_ms` + 2,000 ms + 650 ms at most.
// Threads: any; a second call waits too, and counts what it saw itself. Since 0.1.
//
// # Safety
// `engine` may be any value; `counts_out` is NULL or points to its `struct_size` writable bytes.
int32_t mt_transcode_engine_shutdown(struct mt_transcode_engine *engine,
                                     int64_t timeout_ms,
                                     struct mt_transcode_shutdown_counts *counts_out);

// Frees an engine: jobs that still run are cancelled, its threads are joined, its descriptors closed. Jobs of it that the
// host has not freed stay valid handles; those that were started are in their final state. NULL, and a handle that was freed already, do nothing.
//
// Ownership: takes the engine. Threads: any. Blocks 650 ms at most. Since 0.1.
//
// # Safety
// `engine` may be any value: it is checked.
void mt_transcode_engine_free(struct mt_transcode_engine *engine);

// Lists the jobs of an engine as JSON: `[{"id":1,"label":"...","state":"running","position_us":...,"command":"..."}]`, newest last, secrets
// masked.
//
// - `json_out`: freed with `mt_transcode_string_free`.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
//
// # Safety
// `engine` may be any value; `json_out` is NULL or writable.
int32_t mt_transcode_engine_jobs(const struct mt_transcode_engine *engine,
                                 char **json_out);

// Returns one descriptor for all jobs of an engine: an eventfd, readable (POLLIN) while any of them is ready, so that
// thousands of jobs need one place in a poll set. Do not read from it: call `mt_transcode_engine_next_ready` until it gives
// `-EAGAIN`.
//
// Ownership: the library's, open until the engine is freed; CLOEXEC and non-blocking. A host whose runtime closes
// descriptors itself (Go) makes a dup of it.
// Returns the descriptor, or `-EMFILE`, `-ENFILE`, `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `engine` may be any value: it is checked.
int32_t mt_transcode_engine_event_fd(struct mt_transcode_engine *engine);

// Takes the next ready job or pipe off an engine's list. It stays the host's as before; no new reference is made.
// After `MT_TRANSCODE_READY_EVENT`, pull the job's events until `-EAGAIN`; the job comes again only for newer ones. A pipe comes once for each
// `mt_transcode_pipe_watch`.
//
// - `handle_out`: the handle that `mt_transcode_job_new` gave, with EVENT, DONE or OUTPUT, or `mt_transcode_pipe_new`, with READABLE or WRITABLE.
//   What was freed never comes.
// - `bits_out`: `MT_TRANSCODE_READY_*` or-ed together.
//
// Returns 0, `-EAGAIN` (nothing is ready), `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `engine` may be any value; the out-pointers are NULL or writable.
int32_t mt_transcode_engine_next_ready(struct mt_transcode_engine *engine,
                                       void **handle_out,
                                       uint32_t *bits_out);

// Fills `config` with the defaults. `struct_size` is `sizeof(mt_transcode_engine_config)` as the caller was compiled, so that
// a newer library never writes past an older caller's struct.
//
// Returns 0, or `-EINVAL` for NULL or a size that no release had. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `config` is NULL or points to `struct_size` writable bytes.
int32_t mt_transcode_engine_config_init(struct mt_transcode_engine_config *config, uint32_t struct_size);

// Frees an error object and its strings. NULL does nothing.
//
// Ownership: takes the object. Threads: any, once for each object. Never blocks. Since 0.1.
//
// # Safety
// `error` is NULL or came from this library and was not freed before.
void mt_transcode_error_free(struct mt_transcode_error *error);

// Pulls the next event of a job. A job never waits for its events to be pulled: progress is merged, and when more than 512 wait the
// oldest log lines are dropped and counted (`log_lines_dropped` in the stats).
//
// - `timeout_ms`: 0 only asks; negative waits without end.
// - `event_out`: freed with `mt_transcode_event_free`.
//
// Returns 0; `-EAGAIN` (timeout 0 and no event), `-ETIMEDOUT` (none came in time), `-ENODATA` (DONE was pulled: no event will come),
// `-EINVAL`, `-EBADF` (also when the job is freed meanwhile), `-EPERM`. Threads: any; each event goes to one of them.
// Blocks for `timeout_ms` at most. Since 0.1.
//
// # Safety
// `job` may be any value; `event_out` is NULL or writable.
int32_t mt_transcode_job_next_event(struct mt_transcode_job *job,
                                    int64_t timeout_ms,
                                    struct mt_transcode_event **event_out);

// Frees an event and its strings. NULL does nothing.
//
// Ownership: takes the event. Threads: any, once for each event. Never blocks. Since 0.1.
//
// # Safety
// `event` is NULL or came from this library and was not freed before.
void mt_transcode_event_free(struct mt_transcode_event *event);

// Adds an input to a job: what `-i URL` does. Inputs are numbered from 0 in the order of these calls; numbers are never reused.
//
// - `url`: a file name or a URL of FFmpeg's, in UTF-8 or not; it is copied.
// - `input_out`: for options; freed with `mt_transcode_input_free` at any time, which leaves the input in the job.
//
// Returns 0, `-EINVAL`, `-EBUSY` (the job was started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `url` is NULL or NUL-terminated; `input_out` is NULL or writable.
int32_t mt_transcode_job_input_new(struct mt_transcode_job *job, const char *url, struct mt_transcode_input **input_out);

// Sets an option of an input by ffmpeg's name, without the dash, with a stream specifier where wanted: `("ss", "10")`,
// `("c:v", "h264")`, `("analyzeduration", "1M")`.
//
// - `value`: NULL for an option that takes none.
//
// Returns 0, `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_EUNSUPPORTED`, `-EINVAL`, `-EILSEQ`, `-EBUSY` (committed or started), `-EBADF`, `-EPERM`;
// the text is in `mt_transcode_job_error`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value; the strings are NULL or NUL-terminated.
int32_t mt_transcode_input_set_option(struct mt_transcode_input *input,
                                      const char *key,
                                      const char *value);

// Ends the description of an input: its options are final. Before the job starts this is implied by the start.
//
// Returns 0, `-EALREADY` (committed before), `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value: it is checked.
int32_t mt_transcode_input_commit(struct mt_transcode_input *input);

// Frees the handle of an input; the input stays in its job. NULL, and a handle that was freed already, do nothing.
//
// Ownership: takes the handle. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value: it is checked.
void mt_transcode_input_free(struct mt_transcode_input *input);

// Adds an output to a job: what a file name at the end of an ffmpeg command line does. Outputs are numbered from 0 in the order of these
// calls; numbers are never reused. An existing file is overwritten unless the job has the global option "n".
//
// A job that was started takes outputs too, until it ends: they join it with `mt_transcode_output_commit`. Such an output takes the packets of
// the inputs' streams that the job uses, with the job's times, or with the option "mt_from" those of another output, mostly with "c" = "copy"; what
// it does not copy it decodes and encodes by itself. It begins at time 0 with the last key frame where one was kept ("mt_gop_bytes", "mt_live"),
// else with the next one, and has a queue of its own: "mt_slow", "mt_queue_bytes", "mt_queue_ms". How it ends is its own affair and never
// the job's: `MT_TRANSCODE_EVENT_OUTPUT_FINISHED` tells it. In a worker process it ends with `MT_TRANSCODE_ESANDBOX` where it is a file, a connection or a
// driver that the job did not name before its start; `mt:` streams are always allowed.
//
// - `url`: a file name or a URL of FFmpeg's, in UTF-8 or not; it is copied.
// - `output_out`: for options; freed with `mt_transcode_output_free` at any time, which leaves the output in the job.
//
// Returns 0, `-EINVAL`, `-EBUSY` (the job ends), `-EBADF`, `-EPERM`.
// Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `url` is NULL or NUL-terminated; `output_out` is NULL or writable.
int32_t mt_transcode_job_output_new(struct mt_transcode_job *job,
                                    const char *url,
                                    struct mt_transcode_output **output_out);

// Gives a handle of an input that a job has, as of one that came by `mt_transcode_job_set_args`: for its options before the start, and for
// `mt_transcode_input_state`, `mt_transcode_input_status`, `mt_transcode_input_stop` while the job runs.
//
// - `index`: from 0.
// - `input_out`: freed with `mt_transcode_input_free` at any time, which leaves the input in the job.
//
// Returns 0, `-EINVAL` (there is no such input), `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `input_out` is NULL or writable.
int32_t mt_transcode_job_input(struct mt_transcode_job *job,
                               int32_t index,
                               struct mt_transcode_input **input_out);

// Gives a handle of an output that a job began with, as of one that came by `mt_transcode_job_set_args`. One that joined has the handle that it was made
// with, and no other.
//
// - `index`: from 0.
// - `output_out`: freed with `mt_transcode_output_free` at any time, which leaves the output in the job.
//
// Returns 0, `-EINVAL` (the job did not begin with such an output), `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `output_out` is NULL or writable.
int32_t mt_transcode_job_output(struct mt_transcode_job *job,
                                int32_t index,
                                struct mt_transcode_output **output_out);

// Sets an option of an output by ffmpeg's name, without the dash, with a stream specifier where wanted: `("c:v", "libx264")`,
// `("b:a:1", "96k")`, `("movflags", "+faststart")`. Options that may come more than once (`map`, `metadata`, ...) are set
// once for each; of any other the last one set holds.
//
// - `value`: NULL for an option that takes none.
//
// Returns 0, `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_EUNSUPPORTED`, `-EINVAL`, `-EILSEQ`, `-EBUSY` (committed or started), `-EBADF`, `-EPERM`;
// the text is in `mt_transcode_job_error`, or in `mt_transcode_output_error` where the job was started. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value; the strings are NULL or NUL-terminated.
int32_t mt_transcode_output_set_option(struct mt_transcode_output *output,
                                       const char *key,
                                       const char *value);

// Ends the description of an output: its options are final. Before the job starts this is implied by the start. Of an output that was added to
// a job that was started, this is the moment that it joins: it is opened on a thread of its own, and what becomes of it is told by
// `mt_transcode_output_state` and `MT_TRANSCODE_EVENT_OUTPUT_FINISHED`.
//
// Returns 0, `-EALREADY` (committed before), `-EBUSY` (the job ends), `-EPIPE` (it has no more media, or the output that "mt_from" names has ended),
// `MT_TRANSCODE_EOPTION`, `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value: it is checked.
int32_t mt_transcode_output_commit(struct mt_transcode_output *output);

// Frees the handle of an output; the output stays in its job. NULL, and a handle that was freed already, do nothing. One that was added to a running
// job and not committed is given up.
//
// Ownership: takes the handle. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value: it is checked.
void mt_transcode_output_free(struct mt_transcode_output *output);

// Makes an empty job of an engine. Describe it with `mt_transcode_job_set_args`, or with inputs and outputs; then start it.
//
// - `job_out`: freed with `mt_transcode_job_free`, before or after the engine.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`, `-ESHUTDOWN` (the engine was shut down). Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `engine` may be any value; `job_out` is NULL or writable.
int32_t mt_transcode_job_new(struct mt_transcode_engine *engine, struct mt_transcode_job **job_out);

// Describes the whole job by the arguments of an ffmpeg command line, without the program's name:
// `{"-i", "in.mp4", "-c", "copy", "out.mkv"}`. Replaces what was described before. An option that is unknown, of the wrong direction, or not
// supported is refused by name, never ignored.
//
// - `argc`, `argv`: `argv[0..argc]` are NUL-terminated strings, in UTF-8 or not (names of files); they are copied. A vector may also end early with NULL.
//
// Returns 0; `MT_TRANSCODE_EOPTION` or `MT_TRANSCODE_EUNSUPPORTED` (see `mt_transcode_job_error`), `-EINVAL`,
// `-EBUSY` (the job was started). Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `argv` points to `argc` pointers as said.
int32_t mt_transcode_job_set_args(struct mt_transcode_job *job,
                                  int32_t argc,
                                  const char *const *argv);

// Sets a global option by ffmpeg's name, without the dash: `("filter_complex", "[0:v]split[a][b]")`, `("copyts", "1")`.
//
// - `value`: NULL for an option that takes none; for a flag "1" or "0" too.
//
// Returns 0, `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_EUNSUPPORTED`, `-EINVAL`, `-EILSEQ`, `-EBUSY` (started), `-EBADF`, `-EPERM`.
// Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; the strings are NULL or NUL-terminated.
int32_t mt_transcode_job_set_option(struct mt_transcode_job *job, const char *key, const char *value);

// Gives the job a label of the host's, such as a request or trace id: up to 128 bytes. It comes back in every event, log line, error
// and list of the job, and shortened in the names of its threads.
//
// Returns 0, `-EINVAL` (longer than 128 bytes), `-EILSEQ`, `-EBUSY` (started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `label` is NULL or NUL-terminated.
int32_t mt_transcode_job_set_label(struct mt_transcode_job *job,
                                   const char *label);

// Says where in the host's code the job is started, for crash reports: any text, such as the frames of the host's own stack; up to 2,048 bytes of it are kept.
// The Go package does it by itself where reports are on.
//
// Returns 0, `-EINVAL`, `-EILSEQ`, `-EBUSY` (started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `call_site` is NUL-terminated.
int32_t mt_transcode_job_set_call_site(struct mt_transcode_job *job,
                                       const char *call_site);

// Returns the id of a job: a number above 0 that no other job of this process has or had; it stands in logs and in `mt_transcode_engine_jobs`.
// `-EINVAL`, `-EBADF` or `-EPERM` otherwise. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
int64_t mt_transcode_job_id(const struct mt_transcode_job *job);

// Prints the job as a command line, quoted for a POSIX shell, beginning with "ffmpeg": a failing job can be replayed with the
// ffmpeg program.
//
// - `flags`: `MT_TRANSCODE_COMMAND_*` or-ed together, or 0 for everything in force, secrets included.
// - `command_out`: freed with `mt_transcode_string_free`.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `command_out` is NULL or writable.
int32_t mt_transcode_job_command(const struct mt_transcode_job *job, uint32_t flags, char **command_out);

// Returns the text of the error that a job ended with, or of the last call on it that failed before it was started.
//
// - `error_out`: freed with `mt_transcode_error_free`; set to NULL where there is no error.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `error_out` is NULL or writable.
int32_t mt_transcode_job_error(const struct mt_transcode_job *job, struct mt_transcode_error **error_out);

// Frees a job. One that runs is cancelled first; a call into FFmpeg that cannot be interrupted is left behind after 650 ms, counted
// as `detached` in the engine's stats, and its memory kept until it ends. The handles of its inputs and outputs
// become invalid too. NULL, and a handle that was freed already, do nothing.
//
// Ownership: takes the job. Threads: any, also while another thread waits for the job (that wait returns).
// Blocks 650 ms at most; never from a thread of the job's own: there the free is carried out when the job ends. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
void mt_transcode_job_free(struct mt_transcode_job *job);

// Starts a job: it runs on threads of the engine, or waits in its queue until a place is free. Returns at once; files are
// opened by the job's own thread, so what is wrong with them comes by `mt_transcode_job_wait` and as an event.
//
// Returns 0; `-EAGAIN` (the engine runs and queues as many jobs as it may: the job stays NEW and can be started again later),
// `-EALREADY` (started before), `-ESHUTDOWN`, `MT_TRANSCODE_EOPTION` (nothing to do: no output), `MT_TRANSCODE_ESPAWN_FAILED`
// (no thread could be made), `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
int32_t mt_transcode_job_start(struct mt_transcode_job *job);

// Waits until a job is in a final state.
//
// - `timeout_ms`: 0 only asks; negative waits without end.
// - `result_out`: NULL, or the job's result: 0, `-ECANCELED`, or the code of its error.
//
// Returns 0 when the job is final, `-ETIMEDOUT` when the time is over, `-EINVAL` (the job was never started), `-EDEADLK` (called from a thread of
// the job's own), `-EBADF` (also when the job is freed meanwhile), `-EPERM`. Where a call of the job cannot be interrupted (a name that is
// being resolved, a FIFO without a writer), the job is made FAILED with `MT_TRANSCODE_EDETACHED` 650 ms after the cancel, and the call left behind.
// Threads: any number at once. Blocks for `timeout_ms` at most; after a cancel the job is final within 650 ms. Since 0.1.
//
// # Safety
// `job` may be any value; `result_out` is NULL or writable.
int32_t mt_transcode_job_wait(struct mt_transcode_job *job,
                              int64_t timeout_ms,
                              int32_t *result_out);

// Asks a running job to end in good order: inputs are read no further, what was read is encoded and written, and every output gets its
// trailer, so that the files play. The job ends as SUCCEEDED. A job that is queued or still opening its files, and one whose outputs
// have no data yet, ends as CANCELLED. A job that is final or not started is left as it is.
//
// Returns 0, `-EINVAL` (never started), `-EBADF`, `-EPERM`. Threads: any. Never blocks: wait for the end. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
int32_t mt_transcode_job_stop(struct mt_transcode_job *job);

// Ends a job at once, wherever it is: opening, reading, writing. Outputs are left as they are, without trailers. The job ends
// as CANCELLED with the result `-ECANCELED`, within 150 ms where our code is asked. A job that is not started yet becomes CANCELLED too; a
// final one is left as it is.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks: wait for the end. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
int32_t mt_transcode_job_cancel(struct mt_transcode_job *job);

// Returns the state of a job: `MT_TRANSCODE_STATE_*`, never negative; or `-EINVAL`, `-EBADF`, `-EPERM`.
//
// Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
int32_t mt_transcode_job_state(const struct mt_transcode_job *job);

// Returns an eventfd of one job, readable (POLLIN) while it has events to be pulled. Do not read from it. For many jobs
// `mt_transcode_engine_event_fd` needs only one descriptor.
//
// Ownership: the library's, made at the first call, open until the job is freed; CLOEXEC and non-blocking.
// Returns the descriptor, or `-EMFILE`, `-ENFILE`, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value: it is checked.
int32_t mt_transcode_job_event_fd(struct mt_transcode_job *job);

// Gives the library a line of FFmpeg's log, from a log callback that the host has set itself (`MT_TRANSCODE_LOG_FORWARDED`).
// A line that belongs to a job becomes an event of it.
//
// - `context`: the first argument of the host's callback, as it came; only valid during the callback.
// - `level`: FFmpeg's level.
// - `line`: the formatted line.
//
// Returns 1 when the line belonged to a job, 0 when not, `-EINVAL`, `-EILSEQ`. Threads: any. Never blocks for long. Since 0.1.
//
// # Safety
// `context` is what FFmpeg gave to the host's callback, which has not returned yet; `line` is NULL or NUL-terminated.
int32_t mt_transcode_log_forward(void *context, int32_t level, const char *line);

// Binds a whole input in memory to a job: `mt:NAME` is then the URL of one input of it, which can seek and whose size is known. Nothing of the
// host's is called while the job runs.
//
// - `data`, `size_bytes`: NULL only with 0.
// - `release`: NULL: the bytes are copied by this call, and count in the engine's `memory_reserved_bytes` until the input is closed. Else they are borrowed:
//   they must stay as they are until `release(user)` is called, exactly once, when nobody looks at them any more, possibly long after the job was freed; on any
//   thread, also inside `mt_transcode_job_free`. From a successful call on it will be called; when the call fails, it is not.
//
// Returns 0, `-EINVAL`, `-EILSEQ`, `-EEXIST` (the name is bound in this job), `-ENOMEM`, `-EBUSY` (the job was started), `-EBADF`, `-EPERM`.
// Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `name` is NULL or NUL-terminated; `data` has `size_bytes` readable bytes, for as long as was said. `release` may be called from
// any thread.
int32_t mt_transcode_job_bind_memory(struct mt_transcode_job *job,
                                     const char *name,
                                     const uint8_t *data,
                                     uint64_t size_bytes,
                                     void (*release)(void *user),
                                     void *user);

// Binds a buffer of the library's to a job: `mt:NAME` is then the URL of one output of it, which can seek, and can be read back by its muxer. The
// buffer grows as it is written to, and counts in the engine's `memory_reserved_bytes` with what it holds. The job never waits for the host. When it has ended,
// `mt_transcode_job_take_buffer` gives what was written; a job that is freed takes the buffer along.
//
// - `limit_bytes`: how many bytes the output may have; what passes it makes the job fail with `MT_TRANSCODE_ELIMIT`. 0: 64 MiB. UINT64_MAX: no limit.
//
// Returns 0, `-EINVAL`, `-EILSEQ`, `-EEXIST` (the name is bound in this job), `-EBUSY` (the job was started), `-EBADF`, `-EPERM`. Threads: any. Never
// blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `name` is NULL or NUL-terminated.
int32_t mt_transcode_job_bind_buffer(struct mt_transcode_job *job,
                                     const char *name,
                                     uint64_t limit_bytes);

// Takes what a job wrote to a buffer, without a copy: after the job has ended, well or not; what a job that failed wrote until then may be of use.
//
// - `data_out`: freed with `mt_transcode_buffer_free`, before or after the job. NULL where nothing was written.
//
// Returns 0, `-EBUSY` (the job has not ended), `-EALREADY` (it was taken before), `-ENOENT` (no buffer of the job has that name), `-EINVAL`, `-EILSEQ`,
// `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `name` is NULL or NUL-terminated; the out-pointers are NULL or writable.
int32_t mt_transcode_job_take_buffer(struct mt_transcode_job *job,
                                     const char *name,
                                     uint8_t **data_out,
                                     uint64_t *size_bytes_out);

// Frees what `mt_transcode_job_take_buffer` gave. NULL, and what was freed already, do nothing. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `data` may be any value: it is checked. It must not be used afterwards.
void mt_transcode_buffer_free(uint8_t *data);

// Ends an output while its job goes on: a viewer has left, a recording is complete. One that joined the job ends with what waits for it and its trailer
// (`MT_TRANSCODE_STOP_GRACEFUL`), or at once (`MT_TRANSCODE_STOP_NOW`); one that has nothing yet ends at once. One that the job began with ends in
// good order, whatever `how` says, with the next packet that comes for it; the job ends when all of those have. A final one is left as it is.
//
// Returns 0, `-EINVAL` (the job was never started, or `how` is unknown), `-EBADF`, `-EPERM`. Threads: any. Never blocks: `MT_TRANSCODE_EVENT_OUTPUT_FINISHED`
// tells the end. Since 0.1.
//
// # Safety
// `output` may be any value: it is checked.
int32_t mt_transcode_output_stop(struct mt_transcode_output *output,
                                 uint32_t how);

// Returns the number of an output in its job, from 0, as "mt_from" and events name it; or `-EINVAL`, `-EBADF`, `-EPERM`.
//
// Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value: it is checked.
int32_t mt_transcode_output_index(const struct mt_transcode_output *output);

// Returns what an output is at: `MT_TRANSCODE_OUTPUT_*`, never negative; or `-EINVAL`, `-EBADF`, `-EPERM`.
//
// Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value: it is checked.
int32_t mt_transcode_output_state(const struct mt_transcode_output *output);

// Fills `stats_out` with the numbers of an output, now or at its end.
//
// - `stats_out`: its `struct_size` set by the caller to its sizeof.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
int32_t mt_transcode_output_stats(const struct mt_transcode_output *output, struct mt_transcode_output_stats_data *stats_out);

// Returns the text of the error that an output ended with, or of the last call on one that was added to a running job.
//
// - `error_out`: freed with `mt_transcode_error_free`; set to NULL where there is no error.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `output` may be any value; `error_out` is NULL or writable.
int32_t mt_transcode_output_error(const struct mt_transcode_output *output, struct mt_transcode_error **error_out);

// Fills `config` with the defaults. `struct_size` is `sizeof(mt_transcode_pipe_config)` as the caller was compiled.
//
// Returns 0, or `-EINVAL` for NULL or a size that no release had. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `config` is NULL or points to `struct_size` writable bytes.
int32_t mt_transcode_pipe_config_init(struct mt_transcode_pipe_config *config, uint32_t struct_size);

// Makes a pipe. One side writes and the other reads; each side belongs to the host until it is bound to a job
// (`mt_transcode_job_bind_pipe`). A pipe may connect the host with a job in either direction, or two jobs with each other.
//
// - `config`: NULL for the defaults, else an initialised configuration; it is copied.
// - `pipe_out`: freed with `mt_transcode_pipe_free`, before or after the engine and the jobs.
//
// Returns 0, `-EINVAL` (a size that makes no sense), `-EAGAIN` (the engine's memory budget is used up now), `MT_TRANSCODE_ELIMIT` (it is
// smaller than this pipe), `-ENOMEM`, `-E2BIG`, `-ESHUTDOWN`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `engine` may be any value; the pointers are NULL or valid as said.
int32_t mt_transcode_pipe_new(struct mt_transcode_engine *engine,
                              const struct mt_transcode_pipe_config *config,
                              struct mt_transcode_pipe **pipe_out);

// Writes bytes, and waits for room.
//
// - `data`: `size_bytes` readable bytes; NULL only with 0. With 0 bytes it only asks whether writing is possible.
// - `timeout_ms`: 0 writes what fits now; negative waits until all is written.
//
// Returns how many bytes were written: all of them, or fewer when the time was over or the reader left in between. `-EAGAIN` (timeout 0) and
// `-ETIMEDOUT`: none. `-EPIPE`: nobody reads any more, or writing was closed. `-EBUSY`: this side belongs to a job, or another call or an
// acquired region has it now. `-EINVAL`, `-EBADF` (also when the pipe is freed meanwhile), `-EPERM`.
// Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
//
// # Safety
// `pipe` may be any value; `data` has `size_bytes` readable bytes.
int64_t mt_transcode_pipe_write(struct mt_transcode_pipe *pipe,
                                const uint8_t *data,
                                uint64_t size_bytes,
                                int64_t timeout_ms);

// Reads bytes, and waits for the first.
//
// - `buffer`: `size_bytes` writable bytes; NULL only with 0, which returns 0.
// - `timeout_ms`: 0 reads what is there; negative waits without end.
//
// Returns how many bytes were read, at least one; 0 at the end. Behind the last byte, the negative code that the writer closed the pipe with, if
// it was not 0: for a job that failed, its result. `-EAGAIN` (timeout 0) and `-ETIMEDOUT`: nothing is there. `-EPIPE`: reading was closed. `-EBUSY`: this
// side belongs to a job, or another call or a peek has it now. `-EINVAL`, `-EBADF` (also when the pipe is freed meanwhile), `-EPERM`.
// Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
//
// # Safety
// `pipe` may be any value; `buffer` has `size_bytes` writable bytes.
int64_t mt_transcode_pipe_read(struct mt_transcode_pipe *pipe,
                               uint8_t *buffer,
                               uint64_t size_bytes,
                               int64_t timeout_ms);

// Ends writing.
//
// - `code`: 0 for a good end; a negative code reaches the reader behind the last byte: as the result of `mt_transcode_pipe_read`, or as
//   the error of the job that reads.
//
// Returns 0, `-EALREADY` (it was ended before, by this call or because the job that wrote is done), `-EBUSY` (the side belongs to a job), `-EINVAL`
// (a positive code), `-EBADF`, `-EPERM`. Threads: any, also while another one is inside a call on the pipe: that returns. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_close_write(struct mt_transcode_pipe *pipe,
                                      int32_t code);

// Ends reading: the writer gets `-EPIPE`, and a job that writes fails with it.
//
// Returns 0, `-EALREADY`, `-EBUSY` (the side belongs to a job), `-EBADF`, `-EPERM`. Threads: any, also while another one is inside a call on the
// pipe: that returns. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_close_read(struct mt_transcode_pipe *pipe);

// Frees a pipe. A side that is still the host's counts as broken off: a job that reads gets the error `-EPIPE` behind the last byte, unless
// writing was closed before; one that writes gets `-EPIPE`. Calls that wait return `-EBADF`. A region that is out stays valid until
// `mt_transcode_pipe_commit` or `mt_transcode_pipe_consume`, the only calls that such a handle still takes. NULL, and a handle that was
// freed already, do nothing.
//
// Ownership: takes the pipe; a job keeps what it needs of it. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
void mt_transcode_pipe_free(struct mt_transcode_pipe *pipe);

// Gives the host free memory of a pipe to write into, instead of `mt_transcode_pipe_write`. Until `mt_transcode_pipe_commit` the writing
// side is taken, and the memory stays valid, even when the pipe is freed meanwhile.
//
// - `timeout_ms`: 0 does not wait for room; negative waits without end.
// - `region_out`, `size_bytes_out`: the memory and its size, at least one byte; what lies in one piece, which may be less than what is free.
//
// Returns 0, or as `mt_transcode_pipe_write`. Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
//
// # Safety
// `pipe` may be any value; the out-pointers are NULL or writable. The memory must not be used after the commit.
int32_t mt_transcode_pipe_acquire(struct mt_transcode_pipe *pipe,
                                  int64_t timeout_ms,
                                  uint8_t **region_out,
                                  uint64_t *size_bytes_out);

// Passes on the first `size_bytes` of what was acquired; 0 gives the memory back.
//
// Returns 0, `-EINVAL` (nothing was acquired, or less than that: then it stays acquired), `-EPIPE` (nobody reads any more), `-EBADF` (the pipe
// was freed; the memory is given back), `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_commit(struct mt_transcode_pipe *pipe,
                                 uint64_t size_bytes);

// Shows the host the bytes at the front of a pipe, instead of `mt_transcode_pipe_read`. Until `mt_transcode_pipe_consume` the reading side is
// taken, and the memory stays valid and unchanged, even when the pipe is freed meanwhile.
//
// - `timeout_ms`: 0 does not wait for bytes; negative waits without end.
// - `region_out`, `size_bytes_out`: the memory and its size; what lies in one piece, which may be less than what is there. 0 at the end, when
//   nothing is taken and nothing is to be consumed.
//
// Returns 0, or as `mt_transcode_pipe_read`. Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
//
// # Safety
// `pipe` may be any value; the out-pointers are NULL or writable. The memory must not be used after it was consumed.
int32_t mt_transcode_pipe_peek(struct mt_transcode_pipe *pipe,
                               int64_t timeout_ms,
                               const uint8_t **region_out,
                               uint64_t *size_bytes_out);

// Takes the first `size_bytes` of what was peeked at off the pipe; 0 leaves all of it there.
//
// Returns 0, `-EINVAL` (nothing was peeked at, or less than that: then it stays so), `-EBADF` (the pipe was freed; the memory is given
// back), `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_consume(struct mt_transcode_pipe *pipe,
                                  uint64_t size_bytes);

// Returns an eventfd that is readable (POLLIN) while `mt_transcode_pipe_read` would not give `-EAGAIN`. Do not read from it.
//
// Ownership: the library's, made at the first call, open until the pipe is freed; CLOEXEC and non-blocking.
// Returns the descriptor, or `-EMFILE`, `-ENFILE`, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_readable_fd(struct mt_transcode_pipe *pipe);

// Returns an eventfd that is readable (POLLIN) while `mt_transcode_pipe_write` would not give `-EAGAIN`. After the pipe was full it becomes
// readable only when there is room for a chunk (or half of the capacity, where that is less), so that a writer is not woken for each byte. Do not
// read from it. Ownership, results and threads: as `mt_transcode_pipe_readable_fd`. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_writable_fd(struct mt_transcode_pipe *pipe);

// Asks to be told once by `mt_transcode_engine_next_ready` when the pipe's descriptors would say so: so that thousands of pipes
// need only the engine's one descriptor. It comes at once where it is so already; to be told again, ask again.
//
// - `bits`: `MT_TRANSCODE_READY_READABLE` and `MT_TRANSCODE_READY_WRITABLE`, one or both; calls add up.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value: it is checked.
int32_t mt_transcode_pipe_watch(struct mt_transcode_pipe *pipe, uint32_t bits);

// Fills `stats_out` with the numbers of a pipe.
//
// - `stats_out`: its `struct_size` set by the caller to its sizeof.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `pipe` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
int32_t mt_transcode_pipe_stats(const struct mt_transcode_pipe *pipe, struct mt_transcode_pipe_stats_data *stats_out);

// Opens a file or URL, reads as much as is needed to know its streams, and returns JSON in the form of
// `ffprobe -show_format -show_streams -of json`: `{"streams":[...],"format":{...}}`.
//
// - `url`: a file name or a URL of FFmpeg's.
// - `options`: NULL, or input options as an array of key, value, key, value ..., ended by NULL: `{"f", "mpegts", NULL}`. Two are a
//   probe's own. `mt_show` chooses what is shown, in words with commas between them: `format`, `streams`, `chapters`, `programs`, and
//   `packets` and `frames`, for which the media are read (and decoded) to their end; with both, they stand in `packets_and_frames`.
//   `mt_read_intervals` says which part of the media that is, as ffprobe's -read_intervals: `%+#100` for a hundred packets, `10%+5`
//   for five seconds. JSON of more than 64 MiB is refused with `MT_TRANSCODE_ELIMIT`.
// - `timeout_ms`: 0 or negative waits without end; else the probe is given up after it.
// - `json_out`: freed with `mt_transcode_string_free`.
// - `error_out`: NULL, or a place for the error's text when the call fails; freed with `mt_transcode_error_free`.
//
// Returns 0; `-ENOENT`, `-EACCES`, `-EISDIR`, `MT_TRANSCODE_EDEMUX` (not media), `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_ELIMIT`, `-ETIMEDOUT`, `MT_TRANSCODE_EDETACHED`
// (it could not be interrupted and was left behind), `-EINVAL`, `-EILSEQ`,
// `-EBADF`, `-EPERM`, `-ESHUTDOWN`. Threads: any. Blocks the caller for `timeout_ms` + 650 ms at most; the work is done on a thread of the
// engine, beside its jobs, or with `MT_TRANSCODE_ISOLATION_PROCESS` in a worker, with the codes of its end (`MT_TRANSCODE_ECRASHED` and
// so on). Since 0.1.
//
// # Safety
// `engine` may be any value; the strings are NULL or NUL-terminated; the out-pointers are NULL or writable.
int32_t mt_transcode_probe(struct mt_transcode_engine *engine,
                           const char *url,
                           const char *const *options,
                           int64_t timeout_ms,
                           char **json_out,
                           struct mt_transcode_error **error_out);

// Looks at the first bytes of a pipe without losing them: whoever reads afterwards, a job or the host, gets the very same bytes from the first
// one on. So a service can refuse what is no media, or not the media it wants, before a job takes a place. The bytes must be
// there, or be written by another thread meanwhile.
//
// - `options`: as of `mt_transcode_probe`.
// - `limit_bytes`: how many bytes may be looked at. 0: 5,000,000, FFmpeg's probesize. An MP4 whose index lies at its end needs all of its bytes.
// - `timeout_ms`: 0 or negative waits without end; else the probe is given up after it.
// - `json_out`: as of `mt_transcode_probe`; freed with `mt_transcode_string_free`.
// - `error_out`: NULL, or a place for the error's text when the call fails; freed with `mt_transcode_error_free`.
//
// Returns 0; `MT_TRANSCODE_EDEMUX` (no media, or too short), `MT_TRANSCODE_ELIMIT`, `MT_TRANSCODE_EUNSUPPORTED` (a format that opens other files),
// `MT_TRANSCODE_EOPTION`, `-ETIMEDOUT`, the code that the writer closed with, `-EBUSY` (the reading side is taken), `-EINVAL`, `-EILSEQ`,
// `-EBADF`, `-EPERM`, `-ESHUTDOWN`, and those of a worker's end, as `mt_transcode_probe`. The bytes are kept in each case. Threads: any; works
// where `mt_transcode_probe` does.
// Blocks for `timeout_ms` + 650 ms at most. Since 0.1.
//
// # Safety
// `pipe` may be any value; the strings are NULL or NUL-terminated; the out-pointers are NULL or writable.
int32_t mt_transcode_pipe_probe(struct mt_transcode_pipe *pipe,
                                const char *const *options,
                                uint64_t limit_bytes,
                                int64_t timeout_ms,
                                char **json_out,
                                struct mt_transcode_error **error_out);

// Opens threads of jobs to a profiler of the host's, or closes them again. As long as it is off, as it is at first, those threads block all asynchronous
// signals, so that a profiler that works by SIGPROF (setitimer(2), timer_create(2)) sees nothing of what they do. On, jobs that start from then on leave SIGPROF
// open, on FFmpeg's own threads too, and `mt_transcode_native_stack` is ready. The host installs the handler of SIGPROF, with SA_RESTART and SA_ONSTACK,
// before it starts the timer, and leaves it there: by default SIGPROF ends the process.
//
// - `is_on`: 1 or 0; for the whole process. Threads of jobs that run already stay as they are.
//
// Jobs in processes of their own (`MT_TRANSCODE_ISOLATION_PROCESS`) are never seen by the host's profiler.
//
// Returns 0 or `-EINVAL`. Threads: any, not in a signal handler. Never blocks for long: it reads what files are loaded. Since 0.1.
int32_t mt_transcode_profiling(uint32_t is_on);

// Writes the native call stack of the calling thread, where a signal interrupted it, innermost call first: addresses of code. The first is that of the
// instruction; each further one lies inside the call instruction that led there (the return address less 1), so that symbolizers find the line of the call. For a
// handler of SIGPROF, on any thread, also of the host's. Frames in code without unwind tables (assembly, Go) are found by frame pointers or by a search of the
// stack, and some may be leftovers. Files that were loaded after the last job began, or after `mt_transcode_profiling`, are not known.
//
// - `ucontext`: the handler's third argument.
// - `frames_out`, `most`: a place for so many addresses; 96 are written at most.
//
// Returns how many were written: 1 where the stack cannot be walked (another processor than x86-64, `mt_transcode_profiling` was never on, more than 8
// threads at the same moment); or `-EINVAL`. Threads: any. Async-signal-safe: it allocates nothing, takes no lock, keeps errno and reads no memory that
// is not there. Never blocks; takes some microseconds, and 4 KiB of stack. Since 0.1.
//
// # Safety
// `ucontext` is NULL or what the kernel gave to the handler that runs on this thread; `frames_out` is NULL or has room for `most` addresses.
int32_t mt_transcode_native_stack(const void *ucontext,
                                  uint64_t *frames_out,
                                  uint32_t most);

// Lists the inputs that an engine refuses (`MT_TRANSCODE_ON_CRASH_QUARANTINE`) as JSON, oldest first:
// `[{"time":"20261121T183000.123Z","job":7,"label":"...","code":-1011,"text":"...","stage":"decode","sha256":["..."]}]`: which job failed on it, when and how.
//
// - `json_out`: freed with `mt_transcode_string_free`.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
//
// # Safety
// `engine` may be any value; `json_out` is NULL or writable.
int32_t mt_transcode_engine_quarantine(const struct mt_transcode_engine *engine,
                                       char **json_out);

// Lets all inputs in again that an engine refuses.
//
// Returns how many there were, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
//
// # Safety
// `engine` may be any value: it is checked.
int32_t mt_transcode_engine_quarantine_clear(struct mt_transcode_engine *engine);

// Returns the number of an input in its job, from 0, as "map" and events name it; or `-EINVAL`, `-EBADF`, `-EPERM`.
//
// Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value: it is checked.
int32_t mt_transcode_input_index(const struct mt_transcode_input *input);

// Returns what an input is at: `MT_TRANSCODE_SOURCE_*`, never negative; or `-EINVAL`, `-EBADF`, `-EPERM`. An input without "mt_source" goes with its job:
// IDLE, CONNECTING, LIVE, ENDED.
//
// Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value: it is checked.
int32_t mt_transcode_input_state(const struct mt_transcode_input *input);

// Tells what an input is at, and why, as JSON: state (a word), url (with secrets masked), reason and code (of the last failure), failures (in a row),
// connections (how often it was live), retry_in_ms (or null).
//
// - `json_out`: freed with `mt_transcode_string_free`.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value; `json_out` is NULL or writable.
int32_t mt_transcode_input_status(const struct mt_transcode_input *input,
                                  char **json_out);

// Takes a source ("mt_source") out of a running job: it is closed, never opened again, and its streams end; the job goes on with its other inputs, and ends
// in good order where it was the last. One that was removed before, and one of a job that has ended, is left as it is.
//
// Returns 0, `MT_TRANSCODE_EUNSUPPORTED` (it is no source), `-EINVAL` (or the job was never started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
//
// # Safety
// `input` may be any value: it is checked.
int32_t mt_transcode_input_stop(struct mt_transcode_input *input);

// Fills `stats_out` with the numbers of a job, now or at its end.
//
// - `stats_out`: its `struct_size` set by the caller to its sizeof.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
//
// # Safety
// `job` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
int32_t mt_transcode_job_stats(const struct mt_transcode_job *job, struct mt_transcode_job_stats_data *stats_out);

// Fills `stats_out` with the numbers of an engine. After every job has been freed, the numbers under "now" are zero, but for
// `threads_idle`, the descriptor of `mt_transcode_engine_event_fd`, and `detached`, which falls when the call ends.
//
// - `stats_out`: its `struct_size` set by the caller to its sizeof.
//
// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
//
// # Safety
// `engine` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
int32_t mt_transcode_engine_stats(const struct mt_transcode_engine *engine, struct mt_transcode_engine_stats_data *stats_out);

// Returns the upper bound of a histogram's bucket in microseconds: 1,000, 2,000, 5,000 ... ; -1 for the last bucket, which has none, and
// `-EINVAL` for one that is not there.
//
// Threads: any. Never blocks. Since 0.1.
int64_t mt_transcode_histogram_bound_us(uint32_t bucket);

// Returns the number of the binary interface of the loaded library: `MT_TRANSCODE_ABI_VERSION` of the header that it was
// built with. A host that loads the library by hand compares the two.
//
// Threads: any. Never blocks. Since 0.1.
uint32_t mt_transcode_abi_version(void);

// Returns the version of the loaded library, such as "0.1.0".
//
// Ownership: a static string, never freed. Threads: any. Never blocks. Since 0.1.
const char *mt_transcode_version(void);

// Returns what a code means, in a few English words: `mt_transcode_strerror(-1001)` is "demuxing failed".
// A code that the library never returns gives "unknown code".
//
// Ownership: a static string, never freed. Threads: any. Never blocks. Since 0.1.
const char *mt_transcode_strerror(int32_t code);

// Returns the symbolic name of a code: `mt_transcode_error_name(-1001)` is "DEMUX", of `-EAGAIN` it is "EAGAIN".
//
// Ownership: a static string, never freed. Threads: any. Never blocks. Since 0.1.
const char *mt_transcode_error_name(int32_t code);

// Frees a string that a function of this library returned through a `char **`. NULL does nothing.
//
// Ownership: takes the string. Threads: any, once for each string. Never blocks. Since 0.1.
//
// # Safety
// `string` is NULL or such a string, not freed before.
void mt_transcode_string_free(char *string);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MT_TRANSCODE_H */
