// mt-transcode for C++17: std::istream and std::ostream over pipes. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0
//
//     mt::pipe_ostream to_job(in);
//     to_job << file.rdbuf();
//     to_job.close();                              // the good end: without it the job's input counts as broken off
//
// Bytes go straight into the pipe's memory, and are read from there. A stream has its side of the pipe for itself while it lives.

#ifndef MT_TRANSCODE_STREAM_HPP
#define MT_TRANSCODE_STREAM_HPP

#include <istream>
#include <ostream>
#include <streambuf>

#include "mt_transcode_pipe.hpp"

namespace mt {

namespace detail {

class pipe_writer : public std::streambuf {
 public:
  pipe_writer(pipe& into, std::chrono::milliseconds timeout) : pipe_(&into), timeout_(timeout) {}
  pipe_writer(const pipe_writer&) = delete;
  pipe_writer& operator=(const pipe_writer&) = delete;
  ~pipe_writer() override { close(-EPIPE); }

  // 0, or what the last call failed with.
  int code() const noexcept { return code_; }

  // Gives the pipe what is written, then ends it; once.
  bool close(int code) {
    if (closed_) return code_ == 0;
    const bool whole = give();
    closed_ = true;
    const int ended = mt_transcode_pipe_close_write(pipe_->handle(), whole ? code : -EPIPE);
    if (code_ == 0) code_ = ended;
    return code_ == 0;
  }

 protected:
  int_type overflow(int_type next) override {
    if (closed_ || !give() || !take()) return traits_type::eof();
    if (!traits_type::eq_int_type(next, traits_type::eof())) {
      *pptr() = traits_type::to_char_type(next);
      pbump(1);
    }
    return traits_type::not_eof(next);
  }

  // What is written becomes visible to the reader.
  int sync() override { return give() ? 0 : -1; }

 private:
  bool take() {
    std::uint8_t* data = nullptr;
    std::uint64_t size = 0;
    code_ = mt_transcode_pipe_acquire(pipe_->handle(), timeout_.count(), &data, &size);
    if (code_ < 0) return false;
    char* const begin = reinterpret_cast<char*>(data);
    setp(begin, begin + most(size));
    return true;
  }

  bool give() {
    if (pbase() == nullptr) return true;
    const auto written = static_cast<std::uint64_t>(pptr() - pbase());
    setp(nullptr, nullptr);
    code_ = mt_transcode_pipe_commit(pipe_->handle(), written);
    return code_ == 0;
  }

  static std::size_t most(std::uint64_t size) { return size < 0x40000000u ? static_cast<std::size_t>(size) : 0x40000000u; }  // for pbump

  pipe* pipe_;
  std::chrono::milliseconds timeout_;
  int code_ = 0;
  bool closed_ = false;
};

class pipe_reader : public std::streambuf {
 public:
  pipe_reader(pipe& from, std::chrono::milliseconds timeout) : pipe_(&from), timeout_(timeout) {}
  pipe_reader(const pipe_reader&) = delete;
  pipe_reader& operator=(const pipe_reader&) = delete;
  ~pipe_reader() override { close(); }

  // 0, also at the good end; or the code that the writer ended with.
  int code() const noexcept { return code_; }

  void close() {
    if (closed_) return;
    give_back();
    closed_ = true;
    mt_transcode_pipe_close_read(pipe_->handle());
  }

 protected:
  // Throws at a bad end, so that the stream gets badbit and not just eofbit; without exceptions only `code` tells.
  int_type underflow() override {
    if (gptr() != egptr()) return traits_type::to_int_type(*gptr());
    if (closed_) return traits_type::eof();
    give_back();
    const std::uint8_t* data = nullptr;
    std::uint64_t size = 0;
    code_ = mt_transcode_pipe_peek(pipe_->handle(), timeout_.count(), &data, &size);
#if MT_TRANSCODE_HAS_EXCEPTIONS
    if (code_ < 0) throw error(failure::of(code_));
#endif
    if (code_ < 0) return traits_type::eof();
    if (size == 0) return traits_type::eof();
    char* const begin = reinterpret_cast<char*>(const_cast<std::uint8_t*>(data));  // a get area that is never written to
    setg(begin, begin, begin + size);
    return traits_type::to_int_type(*begin);
  }

  int_type pbackfail(int_type) override { return traits_type::eof(); }  // nothing is put back into a pipe

 private:
  void give_back() {
    if (eback() == nullptr) return;
    mt_transcode_pipe_consume(pipe_->handle(), static_cast<std::uint64_t>(gptr() - eback()));
    setg(nullptr, nullptr, nullptr);
  }

  pipe* pipe_;
  std::chrono::milliseconds timeout_;
  int code_ = 0;
  bool closed_ = false;
};

}  // namespace detail

// Writes to a pipe, which has to outlive it. `flush` makes what was written visible to the reader; without it that happens whenever a part
// of the ring is full. Destroyed before `close`, it breaks the input off: the reader gets -EPIPE.
class pipe_ostream : public std::ostream {
 public:
  explicit pipe_ostream(pipe& into, std::chrono::milliseconds timeout = forever) : std::ostream(nullptr), buffer_(into, timeout) {
    rdbuf(&buffer_);
  }

  // Ends it: 0 well, a negative code as an error that the reader gets.
  void close(int code = 0) {
    if (!buffer_.close(code)) setstate(std::ios_base::badbit);
  }
  // Why the stream is bad: a code of the library's, such as -EPIPE where the reader is gone.
  int code() const noexcept { return buffer_.code(); }

 private:
  detail::pipe_writer buffer_;
};

// Reads from a pipe, which has to outlive it. At the good end it is eof(); at another one bad(), and `code` says why. Destroyed, it closes
// the reading: a writer gets -EPIPE.
class pipe_istream : public std::istream {
 public:
  explicit pipe_istream(pipe& from, std::chrono::milliseconds timeout = forever) : std::istream(nullptr), buffer_(from, timeout) {
    rdbuf(&buffer_);
  }

  void close() { buffer_.close(); }
  int code() const noexcept { return buffer_.code(); }

 private:
  detail::pipe_reader buffer_;
};

}  // namespace mt

#endif  // MT_TRANSCODE_STREAM_HPP
