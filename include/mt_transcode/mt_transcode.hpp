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
//  - Handles (engine, job, input, output) move and do not copy; their destructors free. A moved-from one gives EINVAL.
//  - A function comes twice: `start()` throws mt::error, `try_start()` returns an mt::result, which holds the value or an
//    mt::failure. With -fno-exceptions only the second is there. Neither throws anything else but std::bad_alloc.
//  - All but moving and destroying may be called from any thread at any time, as in C.
//  - Times are std::chrono; -1 of the C interface is an empty std::optional.
//  - Strings are UTF-8. One with a NUL inside is refused with EINVAL, not cut short.

#ifndef MT_TRANSCODE_HPP
#define MT_TRANSCODE_HPP

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mt_transcode.h"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define MT_TRANSCODE_HAS_EXCEPTIONS 1
#include <stdexcept>
#else
#define MT_TRANSCODE_HAS_EXCEPTIONS 0
#endif

namespace mt {

// A timeout that never comes.
inline constexpr std::chrono::milliseconds forever{-1};

// Options by ffmpeg's names, for functions that take several at once: {{"f", "mpegts"}, {"probesize", "1M"}}.
using option_list = std::vector<std::pair<std::string, std::string>>;

// Version of the loaded library.
inline std::string_view version() noexcept { return mt_transcode_version(); }

// Whether the loaded library has the binary interface of this header. Linking by the soname ensures it; dlopen does not.
inline bool abi_matches() noexcept { return mt_transcode_abi_version() == MT_TRANSCODE_ABI_VERSION; }

// What a code means, in a few words, and its symbolic name ("DEMUX", "ENOENT").
inline std::string_view words_of(int code) noexcept { return mt_transcode_strerror(code); }
inline std::string_view name_of(int code) noexcept { return mt_transcode_error_name(code); }

// ------------------------------------------------------------------------------------------------------------ failures

// What failed, where, and what to do. Fields as in mt_transcode_error: indexes are -1 and strings empty where there is nothing
// to say.
struct failure {
  int code = 0;
  int ffmpeg_code = 0;
  int input_index = -1;
  int output_index = -1;
  int stream_index = -1;
  std::string name;
  std::string stage;
  std::string url;
  std::string ffmpeg_text;
  std::string message;
  std::string hint;
  std::string detail;

  // A failure of which only the code is known.
  static failure of(int code) {
    failure made;
    made.code = code;
    made.name = name_of(code);
    made.message = words_of(code);
    return made;
  }

  // Copies the C object and frees it; where there is none, `code` has to do.
  static failure take(mt_transcode_error* error, int code) {
    if (error == nullptr) return of(code);
    const std::unique_ptr<mt_transcode_error, void (*)(mt_transcode_error*)> owned(error, mt_transcode_error_free);
    failure made;
    made.code = error->code;
    made.ffmpeg_code = error->ffmpeg_code;
    made.input_index = error->input_index;
    made.output_index = error->output_index;
    made.stream_index = error->stream_index;
    made.name = error->name;
    made.stage = error->stage;
    made.url = error->url;
    made.ffmpeg_text = error->ffmpeg_text;
    made.message = error->message;
    made.hint = error->hint;
    made.detail = error->detail;
    return made;
  }
};

#if MT_TRANSCODE_HAS_EXCEPTIONS
// The exception of this library; what() is the message.
class error : public std::runtime_error {
 public:
  explicit error(failure what) : std::runtime_error(what.message), what_(std::make_shared<const failure>(std::move(what))) {}

  int code() const noexcept { return what_->code; }
  int ffmpeg_code() const noexcept { return what_->ffmpeg_code; }
  int input_index() const noexcept { return what_->input_index; }
  int output_index() const noexcept { return what_->output_index; }
  int stream_index() const noexcept { return what_->stream_index; }
  const std::string& name() const noexcept { return what_->name; }
  const std::string& stage() const noexcept { return what_->stage; }
  const std::string& url() const noexcept { return what_->url; }
  const std::string& ffmpeg_text() const noexcept { return what_->ffmpeg_text; }
  const std::string& message() const noexcept { return what_->message; }
  const std::string& hint() const noexcept { return what_->hint; }
  const std::string& detail() const noexcept { return what_->detail; }
  const failure& whole() const noexcept { return *what_; }

 private:
  std::shared_ptr<const failure> what_;  // shared: copying an exception must not throw
};
#endif

namespace detail {

[[noreturn]] inline void raise(failure what) {
#if MT_TRANSCODE_HAS_EXCEPTIONS
  throw error(std::move(what));
#else
  static_cast<void>(what);
  std::abort();
#endif
}

}  // namespace detail

// A value, or why there is none. Ask it (`if (result)`) before `*result` and `->`; `value()` throws, or ends a program without
// exceptions, where there is none.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : state_(std::in_place_index<1>, std::move(why)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  // 0, or the code of the failure.
  int code() const noexcept { return *this ? 0 : failed().code; }
  const failure& failed() const noexcept { return *std::get_if<1>(&state_); }

  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  T value() && {
    if (!*this) detail::raise(std::move(*std::get_if<1>(&state_)));
    return std::move(**this);
  }

 private:
  std::variant<T, failure> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  result() = default;
  result(failure why) : why_(std::move(why)) {}

  explicit operator bool() const noexcept { return !why_; }
  int code() const noexcept { return why_ ? why_->code : 0; }
  const failure& failed() const noexcept { return *why_; }

  void value() && {
    if (why_) detail::raise(std::move(*why_));
  }

 private:
  std::optional<failure> why_;
};

namespace detail {

struct deleter {
  void operator()(mt_transcode_engine* handle) const noexcept { mt_transcode_engine_free(handle); }
  void operator()(mt_transcode_job* handle) const noexcept { mt_transcode_job_free(handle); }
  void operator()(mt_transcode_input* handle) const noexcept { mt_transcode_input_free(handle); }
  void operator()(mt_transcode_output* handle) const noexcept { mt_transcode_output_free(handle); }
  void operator()(mt_transcode_event* event) const noexcept { mt_transcode_event_free(event); }
  void operator()(char* string) const noexcept { mt_transcode_string_free(string); }
};

template <class T>
using owned = std::unique_ptr<T, deleter>;

// A view as C takes it.
class c_string {
 public:
  explicit c_string(std::string_view text) : text_(text) {}
  bool whole() const noexcept { return text_.find('\0') == std::string::npos; }
  const char* get() const noexcept { return text_.c_str(); }

 private:
  std::string text_;
};

inline result<void> check(int code) { return code < 0 ? result<void>(failure::of(code)) : result<void>(); }

// The text of a failed call on a job, where it is about that call: calls such as a wait that timed out leave none.
inline failure failure_of(const mt_transcode_job* job, int code) {
  mt_transcode_error* error = nullptr;
  if (mt_transcode_job_error(job, &error) < 0 || error == nullptr) return failure::of(code);
  failure text = failure::take(error, code);
  return text.code == code ? text : failure::of(code);
}

inline result<void> check(const mt_transcode_job* job, int code) {
  return code < 0 ? result<void>(failure_of(job, code)) : result<void>();
}

// Copies a string of the library's and frees it.
inline result<std::string> take(int code, char* text) {
  const owned<char> freed(text);
  return code < 0 ? result<std::string>(failure::of(code)) : result<std::string>(std::string(text));
}

inline std::optional<std::chrono::microseconds> known(std::int64_t time_us) {
  if (time_us < 0) return std::nullopt;
  return std::chrono::microseconds(time_us);
}

}  // namespace detail

// Versions, licence and surroundings as JSON, for bug reports.
inline result<std::string> try_diagnostics() {
  char* json = nullptr;
  const int code = mt_transcode_diagnostics(&json);
  return detail::take(code, json);
}

// -------------------------------------------------------------------------------------------------------------- events

enum class job_state : std::uint32_t {
  created = MT_TRANSCODE_STATE_NEW,
  queued = MT_TRANSCODE_STATE_QUEUED,
  opening = MT_TRANSCODE_STATE_OPENING,
  running = MT_TRANSCODE_STATE_RUNNING,
  stopping = MT_TRANSCODE_STATE_STOPPING,
  succeeded = MT_TRANSCODE_STATE_SUCCEEDED,
  failed = MT_TRANSCODE_STATE_FAILED,
  cancelled = MT_TRANSCODE_STATE_CANCELLED,
};

// Whether a job in this state has ended.
constexpr bool is_final(job_state state) noexcept {
  return state == job_state::succeeded || state == job_state::failed || state == job_state::cancelled;
}

// Ignore a type that you do not know: newer libraries may have more.
enum class event_type : std::uint32_t {
  state = MT_TRANSCODE_EVENT_STATE,
  input_opened = MT_TRANSCODE_EVENT_INPUT_OPENED,
  progress = MT_TRANSCODE_EVENT_PROGRESS,
  log = MT_TRANSCODE_EVENT_LOG,
  output_finished = MT_TRANSCODE_EVENT_OUTPUT_FINISHED,
  done = MT_TRANSCODE_EVENT_DONE,
};

// What a job tells. Which fields a type fills stands at mt_transcode_event.
struct event {
  event_type type{};
  std::uint64_t sequence = 0;
  std::chrono::microseconds time{};  // since the start of the job
  job_state state{};
  int code = 0;
  int level = 0;  // FFmpeg's: 16 error, 24 warning, 32 information
  int file_index = -1;
  int stream_index = -1;
  std::uint32_t repeated = 0;
  std::chrono::microseconds position{};
  std::optional<std::chrono::microseconds> duration;
  std::optional<std::chrono::microseconds> time_left;
  std::uint64_t frames = 0;
  std::uint64_t size_bytes = 0;
  double fps = 0;
  double speed = 0;
  std::optional<double> percent;
  std::string label;
  std::string stage;
  std::string text;
  std::string json;

  // Copies the C object and frees it.
  static event take(mt_transcode_event* raw) {
    const detail::owned<mt_transcode_event> freed(raw);
    event made;
    made.type = static_cast<event_type>(raw->event_type);
    made.sequence = raw->sequence;
    made.time = std::chrono::microseconds(raw->time_us);
    made.state = static_cast<job_state>(raw->state);
    made.code = raw->code;
    made.level = raw->level;
    made.file_index = raw->file_index;
    made.stream_index = raw->stream_index;
    made.repeated = raw->repeated;
    made.take_progress(*raw);
    made.label = raw->label;
    made.stage = raw->stage;
    made.text = raw->text;
    made.json = raw->json;
    return made;
  }

 private:
  void take_progress(const mt_transcode_event& raw) {
    if (type == event_type::progress) {
      duration = detail::known(raw.duration_us);
      time_left = detail::known(raw.time_left_us);
      if (raw.percent >= 0) percent = raw.percent;
    }
    position = std::chrono::microseconds(raw.position_us);
    frames = raw.frames;
    size_bytes = raw.size_bytes;
    fps = raw.fps;
    speed = raw.speed;
  }
};

// Numbers of a job, of an engine, and of a shutdown: the structs of C, as they are plain data.
using job_stats = mt_transcode_job_stats_data;
using engine_stats = mt_transcode_engine_stats_data;
using shutdown_counts = mt_transcode_shutdown_counts;

// How many jobs of an engine ended with `code`.
inline std::uint64_t count_of(const engine_stats& stats, int code) noexcept {
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < stats.results_used; i++) count += stats.results[i].code == code ? stats.results[i].count : 0;
  return count;
}

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
  void set_args(int argc, const char* const* argv) { try_set_args(argc, argv).value(); }
  void set_args(const std::vector<std::string>& args) { try_set_args(args).value(); }
  void set_args(std::initializer_list<std::string_view> args) { try_set_args(args).value(); }
  input add_input(std::string_view url) { return try_add_input(url).value(); }
  output add_output(std::string_view url) { return try_add_output(url).value(); }
  void option(std::string_view key, std::string_view value) { try_option(key, value).value(); }
  void option(std::string_view key) { try_option(key).value(); }
  void set_label(std::string_view label) { try_set_label(label).value(); }

  void start() { try_start().value(); }
  void run() { try_run().value(); }
  void stop() { try_stop().value(); }
  void cancel() { try_cancel().value(); }

  // Waits until the job is final: true when it ended well, false when the time is over. Throws what it failed with; a cancelled
  // job throws -ECANCELED.
  bool wait(std::chrono::milliseconds timeout = forever) {
    const result<int> ended = try_wait(timeout);
    if (!ended && ended.code() == -ETIMEDOUT) return false;
    if (!ended) detail::raise(ended.failed());
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
};

// A job that has something to tell: compare `job` with `job::handle()`.
struct ready {
  mt_transcode_job* job = nullptr;
  bool has_events = false;
  bool is_done = false;
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
    std::vector<const char*> pairs;
    bool whole = c_url.whole();
    for (const auto& [key, value] : options) {
      whole = whole && key.find('\0') == std::string::npos && value.find('\0') == std::string::npos;
      pairs.insert(pairs.end(), {key.c_str(), value.c_str()});
    }
    pairs.push_back(nullptr);
    if (!whole) return failure::of(-EINVAL);
    char* json = nullptr;
    mt_transcode_error* text = nullptr;
    const int code = mt_transcode_probe(get(), c_url.get(), pairs.data(), timeout.count(), &json, &text);
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

  // One eventfd for all jobs, readable while any is ready; the library's. Negative: a code.
  int event_fd() noexcept { return mt_transcode_engine_event_fd(get()); }
  // The next job that has something to tell, or -EAGAIN.
  result<ready> try_next_ready() {
    ready next;
    std::uint32_t bits = 0;
    const int code = mt_transcode_engine_next_ready(get(), &next.job, &bits);
    if (code < 0) return failure::of(code);
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
  void run(const std::vector<std::string>& args) { try_run(args).value(); }
  std::string probe(std::string_view url, const option_list& options = {}, std::chrono::milliseconds timeout = forever) {
    return try_probe(url, options, timeout).value();
  }
  void set_limits(std::uint32_t max_running, std::uint32_t max_queued) { try_set_limits(max_running, max_queued).value(); }
  shutdown_counts shutdown(std::chrono::milliseconds timeout) { return try_shutdown(timeout).value(); }
  engine_stats stats() const { return try_stats().value(); }
  std::string jobs() const { return try_jobs().value(); }
  // The next job that has something to tell; empty where none has.
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
