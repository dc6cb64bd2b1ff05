// mt-transcode for C++17: codes, failures, results. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef MT_TRANSCODE_RESULT_HPP
#define MT_TRANSCODE_RESULT_HPP

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
  void operator()(mt_transcode_pipe* handle) const noexcept { mt_transcode_pipe_free(handle); }
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

// Pairs of options as C takes them.
class c_options {
 public:
  explicit c_options(const option_list& options) {
    pointers_.reserve(options.size() * 2 + 1);
    for (const auto& [key, value] : options) {
      whole_ = whole_ && key.find('\0') == std::string::npos && value.find('\0') == std::string::npos;
      pointers_.insert(pointers_.end(), {key.c_str(), value.c_str()});
    }
    pointers_.push_back(nullptr);
  }
  bool whole() const noexcept { return whole_; }
  const char* const* get() const noexcept { return pointers_.data(); }

 private:
  bool whole_ = true;
  std::vector<const char*> pointers_;  // into the list, which has to outlive this
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

}  // namespace mt

#endif  // MT_TRANSCODE_RESULT_HPP
