// mt-transcode for C++17: jobs. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef MT_TRANSCODE_JOB_HPP
#define MT_TRANSCODE_JOB_HPP

#include <exception>
#include <initializer_list>

#include "mt_transcode_event.hpp"
#include "mt_transcode_file.hpp"
#include "mt_transcode_io.hpp"
#include "mt_transcode_pipe.hpp"
#include "mt_transcode_result.hpp"

namespace mt {

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
  // A job that runs takes outputs too: they join it with their `try_commit`.
  result<output> try_add_output(std::string_view url) {
    mt_transcode_output* made = nullptr;
    return try_add<output>(url, made, mt_transcode_job_output_new);
  }
  // The input or output of that number, from 0, which the job began with, also where it was described by an argument vector.
  result<input> try_get_input(int index) {
    mt_transcode_input* found = nullptr;
    const int code = mt_transcode_job_input(get(), index, &found);
    if (code < 0) return failure::of(code);
    return input(get(), found);
  }
  result<output> try_get_output(int index) {
    mt_transcode_output* found = nullptr;
    const int code = mt_transcode_job_output(get(), index, &found);
    if (code < 0) return failure::of(code);
    return output(get(), found);
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
  // A whole input in memory: a copy of `size` bytes, or bytes that are moved in.
  result<void> try_bind_memory(std::string_view name, const void* data, std::size_t size) {
    return try_bind_bytes(name, data, size, nullptr, nullptr);
  }
  result<void> try_bind_memory(std::string_view name, std::string_view data) {
    return try_bind_memory(name, data.data(), data.size());
  }
  result<void> try_bind_memory(std::string_view name, std::vector<std::uint8_t>&& bytes) {
    auto kept = std::make_unique<std::vector<std::uint8_t>>(std::move(bytes));
    const auto release = [](void* user) { delete static_cast<std::vector<std::uint8_t>*>(user); };
    result<void> bound = try_bind_bytes(name, kept->data(), kept->size(), release, kept.get());
    if (bound) static_cast<void>(kept.release());  // the library's now, until it calls release
    return bound;
  }
  // An output in memory, of `limit` bytes at most (0: 64 MiB), which `try_take_buffer` gives when the job is final.
  result<void> try_bind_buffer(std::string_view name, std::uint64_t limit = 0) {
    const detail::c_string c_name(name);
    if (!c_name.whole()) return failure::of(-EINVAL);
    return check(mt_transcode_job_bind_buffer(get(), c_name.get(), limit));
  }
  result<buffer> try_take_buffer(std::string_view name) {
    const detail::c_string c_name(name);
    std::uint8_t* data = nullptr;
    std::uint64_t size = 0;
    const int code = c_name.whole() ? mt_transcode_job_take_buffer(get(), c_name.get(), &data, &size) : -EINVAL;
    if (code < 0) return failure::of(code);
    return buffer(data, static_cast<std::size_t>(size));
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
  void bind_memory(std::string_view name, const void* data, std::size_t size) { try_bind_memory(name, data, size).value(); }
  void bind_memory(std::string_view name, std::string_view data) { try_bind_memory(name, data).value(); }
  void bind_memory(std::string_view name, std::vector<std::uint8_t>&& bytes) { try_bind_memory(name, std::move(bytes)).value(); }
  void bind_buffer(std::string_view name, std::uint64_t limit = 0) { try_bind_buffer(name, limit).value(); }
  buffer take_buffer(std::string_view name) { return try_take_buffer(name).value(); }
  // What a callback of the host's threw, where that is why the job ended with `code`; null otherwise.
  std::exception_ptr thrown(int code) const { return thrown_ == nullptr ? nullptr : thrown_->of(code); }

  void set_args(int argc, const char* const* argv) { try_set_args(argc, argv).value(); }
  void set_args(const std::vector<std::string>& args) { try_set_args(args).value(); }
  void set_args(std::initializer_list<std::string_view> args) { try_set_args(args).value(); }
  input add_input(std::string_view url) { return try_add_input(url).value(); }
  output add_output(std::string_view url) { return try_add_output(url).value(); }
  input get_input(int index) { return try_get_input(index).value(); }
  output get_output(int index) { return try_get_output(index).value(); }
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

  result<void> try_bind_bytes(std::string_view name, const void* data, std::size_t size, void (*release)(void*), void* user) {
    const detail::c_string c_name(name);
    if (!c_name.whole()) return failure::of(-EINVAL);
    return check(mt_transcode_job_bind_memory(get(), c_name.get(), static_cast<const std::uint8_t*>(data), size, release, user));
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

}  // namespace mt

#endif  // MT_TRANSCODE_JOB_HPP
