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
// Rules that hold for everything here:
//  - Handles (engine, job, input, output, pipe) move and do not copy; their destructors free. A moved-from one gives EINVAL.
//  - A function comes twice: `start()` throws mt::error, `try_start()` returns an mt::result, which holds the value or an
//    mt::failure. With -fno-exceptions only the second is there. Neither throws anything else but std::bad_alloc.
//  - All but moving and destroying may be called from any thread at any time, as in C.
//  - Times are std::chrono; -1 of the C interface is an empty std::optional.
//  - Strings are UTF-8. One with a NUL inside is refused with EINVAL, not cut short.

#ifndef MT_TRANSCODE_HPP
#define MT_TRANSCODE_HPP

#include <initializer_list>

#include "mt_transcode_event.hpp"
#include "mt_transcode_io.hpp"
#include "mt_transcode_pipe.hpp"
#include "mt_transcode_result.hpp"
#include "mt_transcode_stream.hpp"

namespace mt {

// ---------------------------------------------------------------------------------------------------- inputs and outputs

// An input or output of a job, while it is being described; destroying it leaves the file in its job. `mt::input` and
// `mt::output` are what one writes. Options can be chained: `job.add_output("out.mp4").option("c:v", "libx264").option("an")`.
template <class Handle, auto SetOption, auto Commit>
class file {
 public:
  file(mt_transcode_job* job, Handle* adopted) : job_(job), handle_(adopted) {}

  result<void> try_option(std::string_view key, std::string_view value) {
    const detail::c_string c_key(key), c_value(value);
    if (!c_key.whole() || !c_value.whole()) return failure::of(-EINVAL);
    return detail::check(job_, SetOption(handle_.get(), c_key.get(), c_value.get()));
  }
  // An option that takes no value.
  result<void> try_option(std::string_view key) {
    const detail::c_string c_key(key);
    if (!c_key.whole()) return failure::of(-EINVAL);
    return detail::check(job_, SetOption(handle_.get(), c_key.get(), nullptr));
  }
  result<void> try_commit() { return detail::check(job_, Commit(handle_.get())); }

  Handle* handle() const noexcept { return handle_.get(); }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  file& option(std::string_view key, std::string_view value) & {
    try_option(key, value).value();
    return *this;
  }
  file& option(std::string_view key) & {
    try_option(key).value();
    return *this;
  }
  file&& option(std::string_view key, std::string_view value) && { return std::move(option(key, value)); }
  file&& option(std::string_view key) && { return std::move(option(key)); }
  void commit() { try_commit().value(); }
#endif

 private:
  mt_transcode_job* job_;  // for the text of errors only; handles are checked, so a job that is gone does no harm
  detail::owned<Handle> handle_;
};

using input = file<mt_transcode_input, mt_transcode_input_set_option, mt_transcode_input_commit>;
using output = file<mt_transcode_output, mt_transcode_output_set_option, mt_transcode_output_commit>;

// ---------------------------------------------------------------------------------------------------------------- job

// A job: what one ffmpeg command line says. Made by `engine::new_job`. Its destructor cancels it if it still runs.
class job {
 public:
  explicit job(mt_transcode_job* adopted) noexcept : handle_(adopted) {}

  // --- Description. As an ffmpeg command line without the program's name, or by functions.

  result<void> try_set_args(int argc, const char* const* argv) { return check(mt_transcode_job_set_args(get(), argc, argv)); }
  result<void> try_set_args(const std::vector<std::string>& args) {
    std::vector<const char*> pointers;
    pointers.reserve(args.size());
    for (const std::string& argument : args) {
      if (argument.find('\0') != std::string::npos) return failure::of(-EINVAL);
      pointers.push_back(argument.c_str());
    }
    return try_set_args(static_cast<int>(pointers.size()), pointers.data());
  }
  result<void> try_set_args(std::initializer_list<std::string_view> args) {
    return try_set_args(std::vector<std::string>(args.begin(), args.end()));
  }
  result<input> try_add_input(std::string_view url) {
    mt_transcode_input* made = nullptr;
    return try_add<input>(url, made, mt_transcode_job_input_new);
  }
  result<output> try_add_output(std::string_view url) {
    mt_transcode_output* made = nullptr;
    return try_add<output>(url, made, mt_transcode_job_output_new);
  }
  result<void> try_option(std::string_view key, std::string_view value) {
    const detail::c_string c_key(key), c_value(value);
    if (!c_key.whole() || !c_value.whole()) return failure::of(-EINVAL);
    return check(mt_transcode_job_set_option(get(), c_key.get(), c_value.get()));
  }
  result<void> try_option(std::string_view key) {
    const detail::c_string c_key(key);
    if (!c_key.whole()) return failure::of(-EINVAL);
    return check(mt_transcode_job_set_option(get(), c_key.get(), nullptr));
  }
  result<void> try_set_label(std::string_view label) {
    const detail::c_string c_label(label);
    if (!c_label.whole()) return failure::of(-EINVAL);
    return check(mt_transcode_job_set_label(get(), c_label.get()));
  }

  // --- Memory: what `mt:NAME` is as a URL of this job.

  // A pipe that the job reads as an input, or writes as an output. It stays the caller's.
  result<void> try_bind(std::string_view name, const pipe& bound, side jobs) {
    const detail::c_string c_name(name);
    if (!c_name.whole()) return failure::of(-EINVAL);
    return check(mt_transcode_job_bind_pipe(get(), c_name.get(), bound.handle(), static_cast<std::uint32_t>(jobs)));
  }
  // Bytes of the host's, an input or output.
  result<void> try_bind_io(std::string_view name, std::unique_ptr<io> host) {
    return try_bind_host<detail::bound_io>(name, std::move(host), mt_transcode_job_bind_io);
  }
  // Where files of an output go: `mt:NAME/index.m3u8`.
  result<void> try_bind_store(std::string_view name, std::unique_ptr<store> host) {
    return try_bind_host<detail::bound_store>(name, std::move(host), mt_transcode_job_bind_store);
  }

  // --- Life.

  result<void> try_start() { return check(mt_transcode_job_start(get())); }

  // Waits until the job is final; the value is its result: 0, -ECANCELED, or the code of its error. Fails with -ETIMEDOUT when
  // the time is over.
  result<int> try_wait(std::chrono::milliseconds timeout = forever) {
    std::int32_t ended = 0;
    const int code = mt_transcode_job_wait(get(), timeout.count(), &ended);
    if (code < 0) return failure::of(code);
    return static_cast<int>(ended);
  }

  // Starts the job and waits for its end; fails with what the job failed with.
  result<void> try_run() {
    if (result<void> started = try_start(); !started) return started;
    const result<int> ended = try_wait();
    return ended ? check(*ended) : result<void>(ended.failed());
  }

  result<void> try_stop() { return check(mt_transcode_job_stop(get())); }
  result<void> try_cancel() { return check(mt_transcode_job_cancel(get())); }

  // --- Events.

  // The next event, or -ETIMEDOUT (-EAGAIN for a timeout of 0) where none came in time, -ENODATA where none will come.
  result<event> try_next_event(std::chrono::milliseconds timeout = forever) {
    mt_transcode_event* next = nullptr;
    const int code = mt_transcode_job_next_event(get(), timeout.count(), &next);
    if (code < 0) return failure::of(code);
    return event::take(next);
  }

  // An eventfd, readable while events wait; the library's. Negative: a code.
  int event_fd() noexcept { return mt_transcode_job_event_fd(get()); }

  // --- Looking at it.

  // A number above 0 that no other job of this process has or had; negative: a code.
  std::int64_t id() const noexcept { return mt_transcode_job_id(get()); }
  result<job_state> try_state() const {
    const int code = mt_transcode_job_state(get());
    if (code < 0) return failure::of(code);
    return static_cast<job_state>(code);
  }
  result<job_stats> try_stats() const {
    job_stats stats{};
    stats.struct_size = sizeof stats;
    const int code = mt_transcode_job_stats(get(), &stats);
    if (code < 0) return failure::of(code);
    return stats;
  }
  // The job as a command line, quoted for a shell. `flags`: MT_TRANSCODE_COMMAND_*.
  result<std::string> try_command(std::uint32_t flags = 0) const {
    char* text = nullptr;
    const int code = mt_transcode_job_command(get(), flags, &text);
    return detail::take(code, text);
  }
  // What the job ended with, or what the last call failed with that described it.
  std::optional<failure> last_failure() const {
    mt_transcode_error* text = nullptr;
    if (mt_transcode_job_error(get(), &text) < 0 || text == nullptr) return std::nullopt;
    return failure::take(text, 0);
  }

  mt_transcode_job* handle() const noexcept { return get(); }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  void bind(std::string_view name, const pipe& bound, side jobs) { try_bind(name, bound, jobs).value(); }
  void bind_io(std::string_view name, std::unique_ptr<io> host) { try_bind_io(name, std::move(host)).value(); }
  void bind_store(std::string_view name, std::unique_ptr<store> host) { try_bind_store(name, std::move(host)).value(); }
  // What a callback of the host's threw, where that is why the job ended with `code`; null otherwise.
  std::exception_ptr thrown(int code) const { return thrown_ == nullptr ? nullptr : thrown_->of(code); }

  void set_args(int argc, const char* const* argv) { try_set_args(argc, argv).value(); }
  void set_args(const std::vector<std::string>& args) { try_set_args(args).value(); }
  void set_args(std::initializer_list<std::string_view> args) { try_set_args(args).value(); }
  input add_input(std::string_view url) { return try_add_input(url).value(); }
  output add_output(std::string_view url) { return try_add_output(url).value(); }
  void option(std::string_view key, std::string_view value) { try_option(key, value).value(); }
  void option(std::string_view key) { try_option(key).value(); }
  void set_label(std::string_view label) { try_set_label(label).value(); }

  void start() { try_start().value(); }
  // Starts the job and waits for its end; throws as `wait` does.
  void run() {
    start();
    wait();
  }
  void stop() { try_stop().value(); }
  void cancel() { try_cancel().value(); }

  // Waits until the job is final: true when it ended well, false when the time is over. Throws what it failed with; a cancelled
  // job throws -ECANCELED, and one that ended by an exception of a callback throws that.
  bool wait(std::chrono::milliseconds timeout = forever) {
    const result<int> ended = try_wait(timeout);
    if (!ended && ended.code() == -ETIMEDOUT) return false;
    if (!ended) detail::raise(ended.failed());
    if (const std::exception_ptr by_host = thrown(*ended)) std::rethrow_exception(by_host);
    check(*ended).value();
    return true;
  }

  // The next event; empty when none came in time, and when none will come since event_type::done was pulled.
  std::optional<event> next_event(std::chrono::milliseconds timeout = forever) {
    result<event> next = try_next_event(timeout);
    if (next) return *std::move(next);
    const int code = next.code();
    if (code != -ETIMEDOUT && code != -EAGAIN && code != -ENODATA) detail::raise(next.failed());
    return std::nullopt;
  }

  job_state state() const { return try_state().value(); }
  job_stats stats() const { return try_stats().value(); }
  std::string command(std::uint32_t flags = 0) const { return try_command(flags).value(); }
#endif

 private:
  mt_transcode_job* get() const noexcept { return handle_.get(); }
  result<void> check(int code) const { return detail::check(get(), code); }

  template <class File, class Handle, class Make>
  result<File> try_add(std::string_view url, Handle* made, Make make) {
    const detail::c_string c_url(url);
    const int code = c_url.whole() ? make(get(), c_url.get(), &made) : -EINVAL;
    if (code < 0) return detail::failure_of(get(), code);
    return File(get(), made);
  }

  template <class Bound, class Host, class Bind>
  result<void> try_bind_host(std::string_view name, std::unique_ptr<Host> host, Bind bind) {
    const detail::c_string c_name(name);
    if (!c_name.whole() || host == nullptr) return failure::of(-EINVAL);
    if (thrown_ == nullptr) thrown_ = std::make_shared<detail::thrown>();
    std::unique_ptr<Bound> bound(new Bound{std::move(host), thrown_});
    const auto for_c = bound->for_c();
    const int code = bind(get(), c_name.get(), &for_c);
    if (code == 0) static_cast<void>(bound.release());  // the library's now, until it calls release
    return check(code);
  }

  std::shared_ptr<detail::thrown> thrown_;  // shared with what is bound, which may outlive the job
  detail::owned<mt_transcode_job> handle_;
};

// -------------------------------------------------------------------------------------------------------------- engine

enum class log_mode : std::uint32_t {
  leave = MT_TRANSCODE_LOG_LEAVE,
  take = MT_TRANSCODE_LOG_TAKE,
  forwarded = MT_TRANSCODE_LOG_FORWARDED,
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
};

// A job that has something to tell, or a watched pipe that is ready: compare `job` with `job::handle()`, `pipe` with
// `pipe::handle()`. The other one is null.
struct ready {
  mt_transcode_job* job = nullptr;
  mt_transcode_pipe* pipe = nullptr;
  bool has_events = false;
  bool is_done = false;
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
