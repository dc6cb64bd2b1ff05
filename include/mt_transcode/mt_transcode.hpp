// mt-transcode for C++17: a thin, header-only layer over mt_transcode.h, whose comments are the manual.
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The shortest program:
//
//     mt::engine engine;
//     mt::job job = engine.new_job();
//     job.set_args({"-i", "in.mp4", "-c", "copy", "out.mkv"});
//     job.run();                                   // throws mt::error, which says what failed and what to do
//
// The same by functions, with progress:
//
//     mt::job job = engine.new_job();
//     job.add_input("in.mp4").option("ss", "10");
//     job.add_output("out.mp4").option("c:v", "libx264").option("b:a", "96k");
//     job.start();
//     while (std::optional<mt::event> event = job.next_event()) {
//       if (event->type == mt::event_type::progress && event->percent) std::printf("%.0f %%\n", *event->percent);
//     }
//     job.wait();
//
// Memory instead of files, `mt:NAME` as a URL: pipes in mt_transcode_pipe.hpp, streams over them in mt_transcode_stream.hpp, classes of
// the host's in mt_transcode_io.hpp. This header includes them.
//
// Rules that hold for everything here:
//  - Handles (engine, job, input, output, pipe) move and do not copy; their destructors free. A moved-from one gives EINVAL.
//  - A function comes twice: `start()` throws mt::error, `try_start()` returns an mt::result, which holds the value or an
//    mt::failure. With -fno-exceptions only the second is there. Neither throws anything else but std::bad_alloc; `wait()` and `run()`
//    of a job throw what a class of the host's threw in it, too.
//  - All but moving and destroying may be called from any thread at any time, as in C.
//  - Times are std::chrono; -1 of the C interface is an empty std::optional.
//  - Strings are UTF-8. One with a NUL inside is refused with EINVAL, not cut short.

#ifndef MT_TRANSCODE_HPP
#define MT_TRANSCODE_HPP

#include "mt_transcode_event.hpp"
#include "mt_transcode_file.hpp"
#include "mt_transcode_io.hpp"
#include "mt_transcode_job.hpp"
#include "mt_transcode_pipe.hpp"
#include "mt_transcode_result.hpp"
#include "mt_transcode_stream.hpp"

namespace mt {

// -------------------------------------------------------------------------------------------------------------- engine

enum class log_mode : std::uint32_t {
  leave = MT_TRANSCODE_LOG_LEAVE,
  take = MT_TRANSCODE_LOG_TAKE,
  forwarded = MT_TRANSCODE_LOG_FORWARDED,
};

enum class sandbox : std::uint32_t {
  best = MT_TRANSCODE_SANDBOX_BEST,
  required = MT_TRANSCODE_SANDBOX_REQUIRED,
  off = MT_TRANSCODE_SANDBOX_OFF,
};

// As mt_transcode_engine_config; 0 is the default of each.
struct engine_config {
  std::uint32_t max_running = 0;
  std::uint32_t max_queued = 0;
  bool require_lgpl = false;
  mt::log_mode log_mode = mt::log_mode::leave;
  std::uint64_t link_budget_bytes = 0;
  // How long a job may wait in the queue before it fails with -ETIMEDOUT; 0: as long as it takes.
  std::chrono::milliseconds queue_timeout{0};
  // What pipes and jobs may take of memory; 0: what the cgroup allows, UINT64_MAX: no limit.
  std::uint64_t memory_budget_bytes = 0;
  // A file that crash reports are appended to; empty: standard error. Without a value there are none, and signals are left alone.
  std::optional<std::string> crash_reports;
  // Each job and each probe in a process of its own: what crashes, hangs or is killed there ends that one only.
  bool isolates_jobs = false;
  // The program mt-transcode, where it is not found by itself.
  std::string worker_path;
  // What one worker may use; 0: no limit.
  std::uint64_t worker_memory_bytes = 0;
  std::uint32_t worker_cpu_seconds = 0;
  std::uint32_t worker_descriptors = 0;
  // A folder for what is needed to repeat a job that failed; empty: none. With how much of each input in memory, and how many captures at most.
  std::string capture_on_failure;
  std::uint64_t capture_bytes = 0;
  std::uint32_t capture_count = 0;
  // A job whose worker crashed is run once more, where it can begin anew.
  bool retries_crashed = false;
  // Inputs that crash workers are refused from then on.
  bool quarantines_crashed = false;
  // After how long without progress, waiting for nobody outside, a job hangs and fails with EHUNG; 0: never.
  std::chrono::milliseconds hang_timeout{0};
  // Of each codec and each filter graph where a job does not say it; 0: as many as suit the CPUs that may be used.
  std::uint32_t threads_per_job = 0;
  // How much nicer the engine's threads are than the one that makes it, 0 to 19.
  std::uint32_t niceness = 0;
  // What a worker gives up that its job does not need.
  mt::sandbox worker_sandbox = mt::sandbox::best;
};

// A job that has something to tell, or a watched pipe that is ready: compare `job` with `job::handle()`, `pipe` with
// `pipe::handle()`. The other one is null.
struct ready {
  mt_transcode_job* job = nullptr;
  mt_transcode_pipe* pipe = nullptr;
  bool has_events = false;
  bool is_done = false;
  bool has_output_ended = false;  // one that joined the job
  bool is_readable = false;
  bool is_writable = false;
};

// An engine: owns limits and threads, and runs jobs. Its destructor cancels what still runs; jobs may outlive it.
class engine {
 public:
  static result<engine> try_make(const engine_config& config = {}) {
    mt_transcode_engine_config raw;
    mt_transcode_engine* made = nullptr;
    mt_transcode_error* text = nullptr;
    if (const int code = mt_transcode_engine_config_init(&raw, sizeof raw); code < 0) return failure::of(code);
    raw.max_running = config.max_running;
    raw.max_queued = config.max_queued;
    raw.flags = config.require_lgpl ? MT_TRANSCODE_ENGINE_REQUIRE_LGPL : 0;
    raw.log_mode = static_cast<std::uint32_t>(config.log_mode);
    raw.link_budget_bytes = config.link_budget_bytes;
    if (config.queue_timeout.count() < 0 || config.queue_timeout.count() > UINT32_MAX) return failure::of(-EINVAL);
    raw.queue_timeout_ms = static_cast<std::uint32_t>(config.queue_timeout.count());
    raw.memory_budget_bytes = config.memory_budget_bytes;
    raw.isolation = config.isolates_jobs ? MT_TRANSCODE_ISOLATION_PROCESS : MT_TRANSCODE_ISOLATION_THREAD;
    raw.worker_path = config.worker_path.empty() ? nullptr : config.worker_path.c_str();
    raw.worker_memory_bytes = config.worker_memory_bytes;
    raw.worker_cpu_seconds = config.worker_cpu_seconds;
    raw.worker_descriptors = config.worker_descriptors;
    raw.capture_path = config.capture_on_failure.empty() ? nullptr : config.capture_on_failure.c_str();
    raw.capture_bytes = config.capture_bytes;
    raw.capture_count = config.capture_count;
    raw.on_crash = (config.retries_crashed ? MT_TRANSCODE_ON_CRASH_RETRY : 0) |
                   (config.quarantines_crashed ? MT_TRANSCODE_ON_CRASH_QUARANTINE : 0);
    if (config.hang_timeout.count() < 0 || config.hang_timeout.count() > UINT32_MAX) return failure::of(-EINVAL);
    raw.hang_timeout_ms = static_cast<std::uint32_t>(config.hang_timeout.count());
    raw.threads_per_job = config.threads_per_job;
    raw.niceness = config.niceness;
    raw.worker_sandbox = static_cast<std::uint32_t>(config.worker_sandbox);
    if (config.crash_reports) {
      raw.flags |= MT_TRANSCODE_ENGINE_CRASH_REPORTS;
      raw.crash_path = config.crash_reports->empty() ? nullptr : config.crash_reports->c_str();
    }
    if (const int code = mt_transcode_engine_new(&raw, &made, &text); code < 0) return failure::take(text, code);
    return engine(made);
  }

  explicit engine(mt_transcode_engine* adopted) noexcept : handle_(adopted) {}

  result<job> try_new_job() {
    mt_transcode_job* made = nullptr;
    const int code = mt_transcode_job_new(get(), &made);
    if (code < 0) return failure::of(code);
    return job(made);
  }
  // A pipe, -EAGAIN where the engine's memory is used up, or ELIMIT where it can never fit.
  result<pipe> try_new_pipe(const pipe_config& config = {}) {
    mt_transcode_pipe_config raw;
    mt_transcode_pipe* made = nullptr;
    if (const int code = mt_transcode_pipe_config_init(&raw, sizeof raw); code < 0) return failure::of(code);
    const std::int64_t flush = config.flush_interval ? config.flush_interval->count() : MT_TRANSCODE_FLUSH_CHUNKS;
    if (flush > INT32_MAX || (config.flush_interval && flush < 0)) return failure::of(-EINVAL);
    raw.capacity_bytes = config.capacity_bytes;
    raw.chunk_bytes = config.chunk_bytes;
    raw.flush_interval_ms = static_cast<std::int32_t>(flush);
    raw.high_water_percent = config.high_water_percent;
    const int code = mt_transcode_pipe_new(get(), &raw, &made);
    if (code < 0) return failure::of(code);
    return pipe(made);
  }
  // Runs a whole command line and waits for its end.
  result<void> try_run(const std::vector<std::string>& args) {
    result<job> made = try_new_job();
    if (!made) return made.failed();
    if (result<void> described = made->try_set_args(args); !described) return described;
    return made->try_run();
  }

  // JSON as of `ffprobe -show_format -show_streams -of json`.
  result<std::string> try_probe(std::string_view url, const option_list& options = {},
                                std::chrono::milliseconds timeout = forever) {
    const detail::c_string c_url(url);
    const detail::c_options pairs(options);
    if (!c_url.whole() || !pairs.whole()) return failure::of(-EINVAL);
    char* json = nullptr;
    mt_transcode_error* text = nullptr;
    const int code = mt_transcode_probe(get(), c_url.get(), pairs.get(), timeout.count(), &json, &text);
    if (code < 0) return failure::take(text, code);
    return detail::take(code, json);
  }

  result<void> try_set_limits(std::uint32_t max_running, std::uint32_t max_queued) {
    return detail::check(mt_transcode_engine_set_limits(get(), max_running, max_queued));
  }
  // Ends the engine in good order; `timeout` is what running jobs have to end by themselves.
  result<shutdown_counts> try_shutdown(std::chrono::milliseconds timeout) {
    shutdown_counts counts{};
    counts.struct_size = sizeof counts;
    const int code = mt_transcode_engine_shutdown(get(), timeout.count(), &counts);
    if (code < 0) return failure::of(code);
    return counts;
  }

  // One eventfd for all jobs and watched pipes, readable while any is ready; the library's. Negative: a code.
  int event_fd() noexcept { return mt_transcode_engine_event_fd(get()); }
  // The next job or pipe that is ready, or -EAGAIN.
  result<ready> try_next_ready() {
    ready next;
    void* which = nullptr;
    std::uint32_t bits = 0;
    const int code = mt_transcode_engine_next_ready(get(), &which, &bits);
    if (code < 0) return failure::of(code);
    next.is_readable = (bits & MT_TRANSCODE_READY_READABLE) != 0;
    next.is_writable = (bits & MT_TRANSCODE_READY_WRITABLE) != 0;
    const bool is_pipe = next.is_readable || next.is_writable;
    next.job = is_pipe ? nullptr : static_cast<mt_transcode_job*>(which);
    next.pipe = is_pipe ? static_cast<mt_transcode_pipe*>(which) : nullptr;
    next.has_events = (bits & MT_TRANSCODE_READY_EVENT) != 0;
    next.is_done = (bits & MT_TRANSCODE_READY_DONE) != 0;
    next.has_output_ended = (bits & MT_TRANSCODE_READY_OUTPUT) != 0;
    return next;
  }

  result<engine_stats> try_stats() const {
    engine_stats stats{};
    stats.struct_size = sizeof stats;
    const int code = mt_transcode_engine_stats(get(), &stats);
    if (code < 0) return failure::of(code);
    return stats;
  }
  // All jobs as JSON, secrets masked.
  result<std::string> try_jobs() const {
    char* json = nullptr;
    const int code = mt_transcode_engine_jobs(get(), &json);
    return detail::take(code, json);
  }
  // Inputs that are refused because workers crashed on them, as JSON; and how many are let in again.
  result<std::string> try_quarantine() const {
    char* json = nullptr;
    const int code = mt_transcode_engine_quarantine(get(), &json);
    return detail::take(code, json);
  }
  result<int> try_clear_quarantine() {
    const int code = mt_transcode_engine_quarantine_clear(get());
    if (code < 0) return failure::of(code);
    return code;
  }
  // What all jobs do at this moment, with native stacks, written to a descriptor, which stays open.
  result<void> try_dump(int fd) const {
    const int code = mt_transcode_engine_dump(get(), fd);
    if (code < 0) return failure::of(code);
    return {};
  }

  mt_transcode_engine* handle() const noexcept { return get(); }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  explicit engine(const engine_config& config = {}) : engine(try_make(config).value()) {}

  job new_job() { return try_new_job().value(); }
  pipe new_pipe(const pipe_config& config = {}) { return try_new_pipe(config).value(); }
  void run(const std::vector<std::string>& args) { try_run(args).value(); }
  std::string probe(std::string_view url, const option_list& options = {}, std::chrono::milliseconds timeout = forever) {
    return try_probe(url, options, timeout).value();
  }
  void set_limits(std::uint32_t max_running, std::uint32_t max_queued) { try_set_limits(max_running, max_queued).value(); }
  shutdown_counts shutdown(std::chrono::milliseconds timeout) { return try_shutdown(timeout).value(); }
  engine_stats stats() const { return try_stats().value(); }
  std::string jobs() const { return try_jobs().value(); }
  std::string quarantine() const { return try_quarantine().value(); }
  int clear_quarantine() { return try_clear_quarantine().value(); }
  void dump(int fd) const { try_dump(fd).value(); }
  // The next job or pipe that is ready; empty where none is.
  std::optional<ready> next_ready() {
    const result<ready> next = try_next_ready();
    if (next) return *next;
    if (next.code() != -EAGAIN) detail::raise(next.failed());
    return std::nullopt;
  }
#endif

 private:
  mt_transcode_engine* get() const noexcept { return handle_.get(); }

  detail::owned<mt_transcode_engine> handle_;
};

#if MT_TRANSCODE_HAS_EXCEPTIONS
inline std::string diagnostics() { return try_diagnostics().value(); }
#endif

}  // namespace mt

#endif  // MT_TRANSCODE_HPP
