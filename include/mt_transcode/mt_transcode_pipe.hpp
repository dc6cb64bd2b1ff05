// mt-transcode for C++17: memory pipes. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0
//
//     mt::pipe in = engine.new_pipe(), out = engine.new_pipe();
//     job.set_args({"-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"});
//     job.bind("in", in, mt::side::read);          // the job reads it
//     job.bind("out", out, mt::side::write);
//     job.start();
//     std::thread feeder([&] { in.write(bytes); in.close_write(); });
//     while (std::size_t count = out.read(buffer).value()) use(buffer.data(), count);
//
// Bytes go in and come out as a pointer and a length, or as anything that has data() and size() of bytes: std::span,
// std::vector<std::uint8_t>, std::string, std::string_view, std::array.

#ifndef MT_TRANSCODE_PIPE_HPP
#define MT_TRANSCODE_PIPE_HPP

#include <type_traits>

#include "mt_transcode_result.hpp"

namespace mt {

// Which side of a pipe is a job's: it reads an input, and writes an output.
enum class side : std::uint32_t {
  read = MT_TRANSCODE_SIDE_READ,
  write = MT_TRANSCODE_SIDE_WRITE,
};

// As mt_transcode_pipe_config; 0 is the default of each number.
struct pipe_config {
  std::uint64_t capacity_bytes = 0;
  std::uint32_t chunk_bytes = 0;
  // When what a job writes reaches the reader: at once (0), after this time at the latest, or (empty) only in whole chunks.
  std::optional<std::chrono::milliseconds> flush_interval = std::chrono::milliseconds(40);
  std::uint32_t high_water_percent = 0;
};

using pipe_stats = mt_transcode_pipe_stats_data;

// A part of a pipe's memory, to be written after `pipe::acquire` or read after `pipe::peek`. Converts to a std::span.
template <class Byte>
class region {
 public:
  region() = default;
  region(Byte* data, std::size_t size) noexcept : data_(data), size_(size) {}

  Byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  Byte* begin() const noexcept { return data_; }
  Byte* end() const noexcept { return data_ + size_; }

 private:
  Byte* data_ = nullptr;
  std::size_t size_ = 0;
};

namespace detail {

template <class Byte>
inline constexpr bool is_byte = sizeof(Byte) == 1 && std::is_trivially_copyable_v<Byte>;

// Something with data() and size() of bytes that can be read; and of such that can be written.
template <class Bytes>
using if_bytes = std::enable_if_t<is_byte<std::remove_pointer_t<decltype(std::declval<const Bytes&>().data())>> &&
                                  std::is_convertible_v<decltype(std::declval<const Bytes&>().size()), std::size_t>>;
template <class Buffer, class Pointer = decltype(std::declval<Buffer&>().data())>
using if_buffer = std::enable_if_t<is_byte<std::remove_pointer_t<Pointer>> && !std::is_const_v<std::remove_pointer_t<Pointer>>>;

// A call that gave no bytes in time.
constexpr bool is_late(int code) noexcept { return code == -ETIMEDOUT || code == -EAGAIN; }

}  // namespace detail

// A bounded ring of bytes between threads of the host and jobs. Made by `engine::new_pipe`. One thread at a time writes, one reads.
// Its destructor breaks off what is still open: the reader gets -EPIPE, as the writer does.
class pipe {
 public:
  explicit pipe(mt_transcode_pipe* adopted) noexcept : handle_(adopted) {}

  // --- Writing.

  // How many bytes were written: all, or what fitted before the time was over or the reader left. -ETIMEDOUT (-EAGAIN for a timeout
  // of 0) where none did, -EPIPE where the reader is gone.
  result<std::size_t> try_write(const void* data, std::size_t size, std::chrono::milliseconds timeout = forever) {
    return count(mt_transcode_pipe_write(get(), static_cast<const std::uint8_t*>(data), size, timeout.count()));
  }
  template <class Bytes, class = detail::if_bytes<Bytes>>
  result<std::size_t> try_write(const Bytes& bytes, std::chrono::milliseconds timeout = forever) {
    return try_write(bytes.data(), bytes.size(), timeout);
  }
  // A part of the pipe's memory, of one byte at least, to be filled; then `commit` says how much of it.
  result<region<std::uint8_t>> try_acquire(std::chrono::milliseconds timeout = forever) {
    std::uint8_t* data = nullptr;
    std::uint64_t size = 0;
    const int code = mt_transcode_pipe_acquire(get(), timeout.count(), &data, &size);
    if (code < 0) return failure::of(code);
    return region<std::uint8_t>(data, static_cast<std::size_t>(size));
  }
  result<void> try_commit(std::size_t size) { return detail::check(mt_transcode_pipe_commit(get(), size)); }
  // Ends the writing: 0 well, a negative code as an error that the reader gets after the last byte.
  result<void> try_close_write(int code = 0) { return detail::check(mt_transcode_pipe_close_write(get(), code)); }

  // --- Reading.

  // How many bytes were read: one at least, 0 at the end. -ETIMEDOUT (-EAGAIN for a timeout of 0) where none came in time, or the
  // code that the writer closed with.
  result<std::size_t> try_read(void* buffer, std::size_t size, std::chrono::milliseconds timeout = forever) {
    return count(mt_transcode_pipe_read(get(), static_cast<std::uint8_t*>(buffer), size, timeout.count()));
  }
  template <class Buffer, class = detail::if_buffer<Buffer>>
  result<std::size_t> try_read(Buffer&& buffer, std::chrono::milliseconds timeout = forever) {
    return try_read(buffer.data(), buffer.size(), timeout);
  }
  // What can be read without a copy, empty at the end; then `consume` says how much of it was used.
  result<region<const std::uint8_t>> try_peek(std::chrono::milliseconds timeout = forever) {
    const std::uint8_t* data = nullptr;
    std::uint64_t size = 0;
    const int code = mt_transcode_pipe_peek(get(), timeout.count(), &data, &size);
    if (code < 0) return failure::of(code);
    return region<const std::uint8_t>(data, static_cast<std::size_t>(size));
  }
  result<void> try_consume(std::size_t size) { return detail::check(mt_transcode_pipe_consume(get(), size)); }
  // Ends the reading: the writer gets -EPIPE.
  result<void> try_close_read() { return detail::check(mt_transcode_pipe_close_read(get())); }

  // Looks at the first bytes without losing them: JSON as of `engine::try_probe`. The writer has to go on writing meanwhile, or to
  // have written enough. `limit_bytes` of 0: 5 MB.
  result<std::string> try_probe(const option_list& options = {}, std::uint64_t limit_bytes = 0,
                                std::chrono::milliseconds timeout = forever) {
    const detail::c_options pairs(options);
    if (!pairs.whole()) return failure::of(-EINVAL);
    char* json = nullptr;
    mt_transcode_error* text = nullptr;
    const std::int64_t wait = timeout.count();
    const int code = mt_transcode_pipe_probe(get(), pairs.get(), limit_bytes, wait, &json, &text);
    if (code < 0) return failure::take(text, code);
    return detail::take(code, json);
  }

  // --- Waiting for many.

  // Eventfds, readable (POLLIN) while a read, or a write, would not give -EAGAIN; the library's. Negative: a code.
  int readable_fd() noexcept { return mt_transcode_pipe_readable_fd(get()); }
  int writable_fd() noexcept { return mt_transcode_pipe_writable_fd(get()); }
  // The next time that it is ready the pipe comes once out of `engine::next_ready`. `bits`: MT_TRANSCODE_READY_READABLE, _WRITABLE.
  result<void> try_watch(std::uint32_t bits) { return detail::check(mt_transcode_pipe_watch(get(), bits)); }

  result<pipe_stats> try_stats() const {
    pipe_stats stats{};
    stats.struct_size = sizeof stats;
    const int code = mt_transcode_pipe_stats(get(), &stats);
    if (code < 0) return failure::of(code);
    return stats;
  }

  mt_transcode_pipe* handle() const noexcept { return get(); }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  // How many bytes were written: all of them, unless the time was over, which can be 0, or the reader left meanwhile.
  std::size_t write(const void* data, std::size_t size, std::chrono::milliseconds timeout = forever) {
    const result<std::size_t> written = try_write(data, size, timeout);
    if (written) return *written;
    if (!detail::is_late(written.code())) detail::raise(written.failed());
    return 0;
  }
  template <class Bytes, class = detail::if_bytes<Bytes>>
  std::size_t write(const Bytes& bytes, std::chrono::milliseconds timeout = forever) {
    return write(bytes.data(), bytes.size(), timeout);
  }
  // How many bytes were read: 0 at the end; empty when none came in time.
  std::optional<std::size_t> read(void* buffer, std::size_t size, std::chrono::milliseconds timeout = forever) {
    return in_time(try_read(buffer, size, timeout));
  }
  template <class Buffer, class = detail::if_buffer<Buffer>>
  std::optional<std::size_t> read(Buffer&& buffer, std::chrono::milliseconds timeout = forever) {
    return read(buffer.data(), buffer.size(), timeout);
  }
  // Empty when there was nothing in time.
  std::optional<region<std::uint8_t>> acquire(std::chrono::milliseconds timeout = forever) { return in_time(try_acquire(timeout)); }
  std::optional<region<const std::uint8_t>> peek(std::chrono::milliseconds timeout = forever) { return in_time(try_peek(timeout)); }
  void commit(std::size_t size) { try_commit(size).value(); }
  void consume(std::size_t size) { try_consume(size).value(); }
  void close_write(int code = 0) { try_close_write(code).value(); }
  void close_read() { try_close_read().value(); }
  std::string probe(const option_list& options = {}, std::uint64_t limit_bytes = 0, std::chrono::milliseconds timeout = forever) {
    return try_probe(options, limit_bytes, timeout).value();
  }
  void watch(std::uint32_t bits) { try_watch(bits).value(); }
  pipe_stats stats() const { return try_stats().value(); }
#endif

 private:
  mt_transcode_pipe* get() const noexcept { return handle_.get(); }

  static result<std::size_t> count(std::int64_t moved) {
    if (moved < 0) return failure::of(static_cast<int>(moved));
    return static_cast<std::size_t>(moved);
  }

#if MT_TRANSCODE_HAS_EXCEPTIONS
  template <class T>
  static std::optional<T> in_time(result<T> given) {
    if (given) return *std::move(given);
    if (!detail::is_late(given.code())) detail::raise(given.failed());
    return std::nullopt;
  }
#endif

  detail::owned<mt_transcode_pipe> handle_;
};

}  // namespace mt

#endif  // MT_TRANSCODE_PIPE_HPP
