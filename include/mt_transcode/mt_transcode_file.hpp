// mt-transcode for C++17: inputs and outputs of jobs. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef MT_TRANSCODE_FILE_HPP
#define MT_TRANSCODE_FILE_HPP

#include "mt_transcode_result.hpp"

namespace mt {

// What an input is at; see the option "mt_source".
enum class source_state : std::uint32_t {
  idle = MT_TRANSCODE_SOURCE_IDLE,
  connecting = MT_TRANSCODE_SOURCE_CONNECTING,
  live = MT_TRANSCODE_SOURCE_LIVE,
  waiting = MT_TRANSCODE_SOURCE_WAITING,
  blocked = MT_TRANSCODE_SOURCE_BLOCKED,
  ended = MT_TRANSCODE_SOURCE_ENDED,
};

enum class output_state : std::uint32_t {
  created = MT_TRANSCODE_OUTPUT_NEW,
  opening = MT_TRANSCODE_OUTPUT_OPENING,
  running = MT_TRANSCODE_OUTPUT_RUNNING,
  stopping = MT_TRANSCODE_OUTPUT_STOPPING,
  finished = MT_TRANSCODE_OUTPUT_FINISHED,
  failed = MT_TRANSCODE_OUTPUT_FAILED,
  cancelled = MT_TRANSCODE_OUTPUT_CANCELLED,
};

// Whether an output in this state has ended.
constexpr bool is_final(output_state state) noexcept { return state >= output_state::finished; }

// Numbers of an output: the struct of C, as it is plain data.
using output_stats = mt_transcode_output_stats_data;

// What inputs and outputs have in common: options, which can be chained: `job.add_output("out.mp4").option("c:v", "libx264").option("an")`.
// Destroying it leaves the file in its job.
template <class Self, class Handle, auto SetOption, auto Commit, auto Index>
class file {
 public:
  file(mt_transcode_job* job, Handle* adopted) : job_(job), handle_(adopted) {}

  result<void> try_option(std::string_view key, std::string_view value) {
    const detail::c_string c_key(key), c_value(value);
    if (!c_key.whole() || !c_value.whole()) return failure::of(-EINVAL);
    return self().check(SetOption(handle_.get(), c_key.get(), c_value.get()));
  }
  // An option that takes no value.
  result<void> try_option(std::string_view key) {
    const detail::c_string c_key(key);
    if (!c_key.whole()) return failure::of(-EINVAL);
    return self().check(SetOption(handle_.get(), c_key.get(), nullptr));
  }
  // Ends the description; before the start of the job it is implied by that. An output that was added to a job that runs joins it now.
  result<void> try_commit() { return self().check(Commit(handle_.get())); }

  // Its number among the inputs or outputs of the job, from 0; negative: a code.
  int index() const noexcept { return Index(handle_.get()); }
  Handle* handle() const noexcept { return handle_.get(); }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  Self& option(std::string_view key, std::string_view value) & {
    try_option(key, value).value();
    return self();
  }
  Self& option(std::string_view key) & {
    try_option(key).value();
    return self();
  }
  Self&& option(std::string_view key, std::string_view value) && { return std::move(option(key, value)); }
  Self&& option(std::string_view key) && { return std::move(option(key)); }
  void commit() { try_commit().value(); }
#endif

 protected:
  result<void> check(int code) const { return detail::check(job_, code); }

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  mt_transcode_job* job_;  // for the text of errors only; handles are checked, so a job that is gone does no harm
  detail::owned<Handle> handle_;
};

// An input of a job: with the option "mt_source" one that may come and go while the outputs stay open.
class input : public file<input, mt_transcode_input, mt_transcode_input_set_option, mt_transcode_input_commit, mt_transcode_input_index> {
 public:
  using file::file;

  // Without "mt_source" it follows from the job's state.
  result<source_state> try_state() const {
    const int code = mt_transcode_input_state(handle());
    if (code < 0) return failure::of(code);
    return static_cast<source_state>(code);
  }
  // What it is at, and why, as JSON: see mt_transcode_input_status.
  result<std::string> try_status() const {
    char* json = nullptr;
    const int code = mt_transcode_input_status(handle(), &json);
    return detail::take(code, json);
  }
  // Takes a source out of the running job: it is never opened again, and its streams end.
  result<void> try_stop() { return detail::check(mt_transcode_input_stop(handle())); }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  source_state state() const { return try_state().value(); }
  std::string status() const { return try_status().value(); }
  void stop() { try_stop().value(); }
#endif

 private:
  friend file;
};

// An output of a job. One that is added to a job that runs, and committed, joins it: how it ends is its own affair, and never the job's.
class output : public file<output, mt_transcode_output, mt_transcode_output_set_option, mt_transcode_output_commit, mt_transcode_output_index> {
 public:
  using file::file;

  result<output_state> try_state() const {
    const int code = mt_transcode_output_state(handle());
    if (code < 0) return failure::of(code);
    return static_cast<output_state>(code);
  }
  result<output_stats> try_stats() const {
    output_stats stats{};
    stats.struct_size = sizeof stats;
    const int code = mt_transcode_output_stats(handle(), &stats);
    if (code < 0) return failure::of(code);
    return stats;
  }
  // Ends it in good order, with its trailer, while its job goes on. Returns at once.
  result<void> try_stop() { return check(mt_transcode_output_stop(handle(), MT_TRANSCODE_STOP_GRACEFUL)); }
  // Ends it at once, without a trailer; one that the job began with ends in good order. Returns at once.
  result<void> try_cancel() { return check(mt_transcode_output_stop(handle(), MT_TRANSCODE_STOP_NOW)); }
  // What it ended with, or what the last call on one that joins failed with.
  std::optional<failure> last_failure() const {
    mt_transcode_error* text = nullptr;
    if (mt_transcode_output_error(handle(), &text) < 0 || text == nullptr) return std::nullopt;
    return failure::take(text, 0);
  }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  output_state state() const { return try_state().value(); }
  output_stats stats() const { return try_stats().value(); }
  void stop() { try_stop().value(); }
  void cancel() { try_cancel().value(); }
#endif

 private:
  friend file;

  result<void> check(int code) const {
    if (code >= 0) return {};
    std::optional<failure> own = last_failure();
    return own && own->code == code ? result<void>(*std::move(own)) : file::check(code);
  }
};

}  // namespace mt

#endif  // MT_TRANSCODE_FILE_HPP
