// mt-transcode for C++17: bytes and stores of the host's. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A class of the host's, given to a job by `job::bind_io` or `job::bind_store`, is called on the job's thread, never by two at
// once, and destroyed when no call of it will come. Its functions return a count, or a negative code that becomes the job's. An exception that
// leaves one ends the job too; `job::wait` and `job::run` throw it again.

#ifndef MT_TRANSCODE_IO_HPP
#define MT_TRANSCODE_IO_HPP

#include <exception>
#include <mutex>
#include <new>
#include <system_error>

#include "mt_transcode_result.hpp"

namespace mt {

// Bytes that a job reads or writes, and seeks in: an input or an output `mt:NAME`.
class io {
 public:
  enum ability : unsigned { reads = 1, writes = 2, seeks = 4 };

  io() = default;
  io(const io&) = delete;
  io& operator=(const io&) = delete;
  virtual ~io() = default;

  // `ability` or-ed together: which of the functions below are to be called. Asked once, when it is bound.
  virtual unsigned can() const noexcept = 0;
  // How many bytes were read: `size` at most, 0 at the end.
  virtual std::int64_t read(std::uint8_t* buffer, std::size_t size) { return refuse(buffer, size); }
  // How many bytes were written: 1 to `size`.
  virtual std::int64_t write(const std::uint8_t* data, std::size_t size) { return refuse(data, size); }
  // Goes to `position`, counted from the beginning, and returns it.
  virtual std::int64_t seek(std::int64_t position) { return refuse(nullptr, static_cast<std::size_t>(position)); }
  // How many bytes there are; negative where that is not known.
  virtual std::int64_t size() { return -1; }

 private:
  static std::int64_t refuse(const void*, std::size_t) noexcept { return -ENOSYS; }
};

// Where outputs of many files go (HLS, DASH, segments): an output `mt:NAME/index.m3u8`.
class store {
 public:
  // A file that is being written. It is destroyed after `close`.
  class file {
   public:
    file() = default;
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    virtual ~file() = default;

    // How many bytes were written: 1 to `size`.
    virtual std::int64_t write(const std::uint8_t* data, std::size_t size) = 0;
    // Goes to `position`; only called where `can_seek` is true.
    virtual std::int64_t seek(std::int64_t position) { return position < 0 ? -EINVAL : -ESPIPE; }
    // The file is complete (0), or was broken off (a negative code). A negative result fails the output.
    virtual int close(int code) { return code > 0 ? -EINVAL : 0; }
  };

  store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;
  virtual ~store() = default;

  // Makes a file, or replaces one. Names are relative, with "/" for folders.
  virtual result<std::unique_ptr<file>> open(std::string_view name) = 0;
  // Removes a file; a negative result is a warning of the job's.
  virtual int remove(std::string_view name) { return name.empty() ? -EINVAL : -EPERM; }
  // Whether files can seek: MP4 without fragments needs it. Asked once, when the store is bound.
  virtual bool can_seek() const noexcept { return false; }
};

// What a job wrote to a buffer (`job::take_buffer`): bytes of the library's, given back when this is destroyed.
class buffer {
 public:
  buffer() = default;
  buffer(std::uint8_t* adopted, std::size_t size) noexcept : data_(adopted), size_(size) {}

  const std::uint8_t* data() const noexcept { return data_.get(); }
  std::uint8_t* data() noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const std::uint8_t* begin() const noexcept { return data(); }
  const std::uint8_t* end() const noexcept { return data() + size_; }
  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(data()), size_}; }

 private:
  struct give_back {
    void operator()(std::uint8_t* data) const noexcept { mt_transcode_buffer_free(data); }
  };
  std::unique_ptr<std::uint8_t, give_back> data_;
  std::size_t size_ = 0;
};

namespace detail {

// What callbacks of one job threw: the first exception for each code that it became.
class thrown {
 public:
  int keep(int code) noexcept {
#if MT_TRANSCODE_HAS_EXCEPTIONS
    const std::lock_guard<std::mutex> held(lock_);
    for (entry& one : entries_) {
      if (one.code == code) break;
      if (one.code != 0) continue;
      one = {code, std::current_exception()};
      break;
    }
#endif
    return code;
  }

  // The exception that became `code`; null where none did.
  std::exception_ptr of(int code) const {
    const std::lock_guard<std::mutex> held(lock_);
    for (const entry& one : entries_) {
      if (one.code == code && code < 0) return one.exception;
    }
    return nullptr;
  }

 private:
  struct entry {
    int code = 0;
    std::exception_ptr exception;
  };

  mutable std::mutex lock_;
  entry entries_[8];
};

// Calls the host, from C: nothing is thrown through it. An exception is kept and becomes a code.
template <class Call>
std::int64_t guarded(thrown& where, Call call) noexcept {
#if MT_TRANSCODE_HAS_EXCEPTIONS
  try {
    return call();
  } catch (const error& caught) {
    return where.keep(caught.code() < 0 ? caught.code() : -EIO);
  } catch (const std::bad_alloc&) {
    return where.keep(-ENOMEM);
  } catch (const std::system_error& caught) {
    const int number = caught.code().value();
    const bool is_errno = caught.code().category() == std::generic_category() || caught.code().category() == std::system_category();
    return where.keep(is_errno && number > 0 && number < 1000 ? -number : -EIO);
  } catch (...) {
    return where.keep(-EIO);
  }
#else
  static_cast<void>(where);
  return call();
#endif
}

// What C gets as `user`, and gives back to these functions; deleted by `release`.
struct bound_io {
  std::unique_ptr<io> host;
  std::shared_ptr<thrown> kept;

  static bound_io& of(void* user) noexcept { return *static_cast<bound_io*>(user); }
  static std::int64_t read(void* user, std::uint8_t* buffer, std::uint64_t size) noexcept {
    return guarded(*of(user).kept, [&] { return of(user).host->read(buffer, static_cast<std::size_t>(size)); });
  }
  static std::int64_t write(void* user, const std::uint8_t* data, std::uint64_t size) noexcept {
    return guarded(*of(user).kept, [&] { return of(user).host->write(data, static_cast<std::size_t>(size)); });
  }
  static std::int64_t seek(void* user, std::int64_t position) noexcept {
    return guarded(*of(user).kept, [&] { return of(user).host->seek(position); });
  }
  static std::int64_t size(void* user) noexcept {
    return guarded(*of(user).kept, [&] { return of(user).host->size(); });
  }
  static void release(void* user) noexcept { delete &of(user); }

  mt_transcode_io for_c() noexcept {
    const unsigned can = host->can();
    mt_transcode_io made{};
    made.struct_size = sizeof made;
    made.user = this;
    made.read = (can & io::reads) != 0 ? read : nullptr;
    made.write = (can & io::writes) != 0 ? write : nullptr;
    made.seek = (can & io::seeks) != 0 ? seek : nullptr;
    made.size = size;
    made.release = release;
    return made;
  }
};

struct bound_store {
  std::unique_ptr<store> host;
  std::shared_ptr<thrown> kept;

  static bound_store& of(void* user) noexcept { return *static_cast<bound_store*>(user); }
  static store::file& file_of(void* opened) noexcept { return *static_cast<store::file*>(opened); }

  static std::int32_t open(void* user, const char* name, void** file_out) noexcept {
    return static_cast<std::int32_t>(guarded(*of(user).kept, [&]() -> std::int64_t {
      result<std::unique_ptr<store::file>> opened = of(user).host->open(name);
      if (!opened) return opened.code();
      if (*opened == nullptr) return -EIO;
      *file_out = opened->release();
      return 0;
    }));
  }
  static std::int64_t write(void* user, void* opened, const std::uint8_t* data, std::uint64_t size) noexcept {
    return guarded(*of(user).kept, [&] { return file_of(opened).write(data, static_cast<std::size_t>(size)); });
  }
  static std::int64_t seek(void* user, void* opened, std::int64_t position) noexcept {
    return guarded(*of(user).kept, [&] { return file_of(opened).seek(position); });
  }
  static std::int32_t close(void* user, void* opened, std::int32_t code) noexcept {
    const std::unique_ptr<store::file> owned(&file_of(opened));
    return static_cast<std::int32_t>(guarded(*of(user).kept, [&]() -> std::int64_t { return owned->close(code); }));
  }
  static std::int32_t remove(void* user, const char* name) noexcept {
    return static_cast<std::int32_t>(guarded(*of(user).kept, [&]() -> std::int64_t { return of(user).host->remove(name); }));
  }
  static void release(void* user) noexcept { delete &of(user); }

  mt_transcode_store for_c() noexcept {
    mt_transcode_store made{};
    made.struct_size = sizeof made;
    made.user = this;
    made.open = open;
    made.write = write;
    made.seek = host->can_seek() ? seek : nullptr;
    made.close = close;
    made.remove = remove;
    made.release = release;
    return made;
  }
};

}  // namespace detail

}  // namespace mt

#endif  // MT_TRANSCODE_IO_HPP
