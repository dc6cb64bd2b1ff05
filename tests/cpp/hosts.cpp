// Scenarios s52 to s54, s59, s60, s62, s66, s77 and s78: bytes and stores of the host's, by virtual functions.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "memory.hpp"

using namespace test;

namespace {

// What outlives an io: its bytes, and what became of it.
struct shared {
  std::string bytes;
  std::atomic<int> destroyed{0};
  std::atomic<bool> hangs{false}, let_go{false};
  std::function<void()> on_read, on_write;  // what a call does first
};

class memory_io : public mt::io {
 public:
  memory_io(std::shared_ptr<shared> with, unsigned abilities) : shared_(std::move(with)), can_(abilities) {}
  ~memory_io() override { shared_->destroyed++; }

  unsigned can() const noexcept override { return can_; }
  std::int64_t read(std::uint8_t* buffer, std::size_t size) override {
    if (shared_->on_read) shared_->on_read();
    const std::size_t left = std::min(size, shared_->bytes.size() - std::min(position_, shared_->bytes.size()));
    std::copy_n(shared_->bytes.data() + position_, left, buffer);
    position_ += left;
    return static_cast<std::int64_t>(left);
  }
  std::int64_t write(const std::uint8_t* data, std::size_t size) override {
    if (shared_->on_write) shared_->on_write();
    if (shared_->bytes.size() < position_ + size) shared_->bytes.resize(position_ + size);
    std::copy_n(data, size, shared_->bytes.data() + position_);
    position_ += size;
    return static_cast<std::int64_t>(size);
  }
  std::int64_t seek(std::int64_t position) override {
    position_ = static_cast<std::size_t>(position);
    return position;
  }
  std::int64_t size() override { return static_cast<std::int64_t>(shared_->bytes.size()); }

 private:
  std::shared_ptr<shared> shared_;
  std::size_t position_ = 0;
  unsigned can_;
};

struct both {
  std::shared_ptr<shared> in = std::make_shared<shared>(), out = std::make_shared<shared>();
};

mt::job io_job(mt::engine& engine, const both& ends) {
  mt::job job = new_job(engine, {"-i", "mt:in", "-c", "copy", "-f", "mp4", "mt:out"});
  ends.in->bytes = read_file(clip());
  job.bind_io("in", std::make_unique<memory_io>(ends.in, mt::io::reads | mt::io::seeks));
  job.bind_io("out", std::make_unique<memory_io>(ends.out, mt::io::writes | mt::io::seeks));
  return job;
}

bool released(const both& ends) {
  return eventually([&] { return ends.in->destroyed == 1 && ends.out->destroyed == 1; });
}

}  // namespace

SCENARIO(s52_io) {
  mt::engine engine = new_engine();
  const both ends;
  {
    mt::job job = io_job(engine, ends);
    job.run();
  }
  CHECK(released(ends));
  const std::string path = temporary("copied.mp4");
  engine.run({"-i", clip(), "-c", "copy", "-f", "mp4", path});
  CHECK(same(ends.out->bytes, read_file(path)));
  CHECK(nothing_left(engine));
}

SCENARIO(s54_io_never_returns) {
  mt::engine engine = new_engine();
  const both ends;
  ends.in->on_read = [&] {
    ends.in->hangs = true;
    while (!ends.in->let_go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  {
    mt::job job = io_job(engine, ends);
    job.start();
    CHECK(eventually([&] { return ends.in->hangs.load(); }));
    job.cancel();
    CHECK_EQUAL(result_of(job), MT_TRANSCODE_EDETACHED);
  }
  CHECK_EQUAL(ends.in->destroyed.load(), 0);
  ends.in->let_go = true;
  CHECK(released(ends));
  CHECK(nothing_left(engine));
}

// Runs the copy with a callback that throws `thrown`; gives what comes out of run().
template <class Thrown>
static void check_thrown(mt::engine& engine, bool in_output, const Thrown& thrown, int code) {
  const both ends;
  (in_output ? ends.out->on_write : ends.in->on_read) = [&] { throw thrown; };
  mt::job job = io_job(engine, ends);
  bool came = false;
  try {
    job.run();
  } catch (const Thrown&) {
    came = true;
  }
  CHECK(came);
  CHECK_EQUAL(result_of(job), code);
  CHECK(job.thrown(code) != nullptr);
  CHECK_EQUAL(in_output ? job.last_failure()->output_index : job.last_failure()->input_index, 0);
  job = engine.new_job();  // frees the first
  CHECK(released(ends));
}

SCENARIO(s66_callback_throws) {
  mt::engine engine = new_engine();
  struct own {};
  for (const bool in_output : {false, true}) {
    check_thrown(engine, in_output, std::runtime_error("nonsense"), -EIO);
    check_thrown(engine, in_output, own{}, -EIO);
    check_thrown(engine, in_output, std::bad_alloc(), -ENOMEM);
    check_thrown(engine, in_output, std::system_error(ENOSPC, std::generic_category()), -ENOSPC);
    check_thrown(engine, in_output, mt::error(mt::failure::of(MT_TRANSCODE_ELIMIT)), MT_TRANSCODE_ELIMIT);
  }
  CHECK(nothing_left(engine));
}

namespace {

struct files {
  std::mutex lock;
  std::map<std::string, std::string> complete;
  std::vector<std::string> removed, broken;
  int destroyed = 0;
  std::string fails;  // "open", "write", "close", "remove": it throws
};

class memory_store : public mt::store {
 public:
  explicit memory_store(std::shared_ptr<files> into) : files_(std::move(into)) {}
  ~memory_store() override { files_->destroyed++; }

  mt::result<std::unique_ptr<mt::store::file>> open(std::string_view name) override {
    check("open");
    return std::unique_ptr<mt::store::file>(new open_file(*this, std::string(name)));
  }
  int remove(std::string_view name) override {
    check("remove");
    const std::lock_guard<std::mutex> held(files_->lock);
    files_->removed.emplace_back(name);
    return files_->complete.erase(std::string(name)) == 1 ? 0 : -ENOENT;
  }

 private:
  class open_file : public mt::store::file {
   public:
    open_file(const memory_store& store, std::string name) : store_(store), name_(std::move(name)) {}
    std::int64_t write(const std::uint8_t* data, std::size_t size) override {
      store_.check("write");
      bytes_.append(reinterpret_cast<const char*>(data), size);
      return static_cast<std::int64_t>(size);
    }
    int close(int code) override {
      const std::lock_guard<std::mutex> held(store_.files_->lock);
      if (code == 0) store_.files_->complete[name_] = bytes_;
      if (code != 0) store_.files_->broken.push_back(name_);
      store_.check("close");
      return 0;
    }

   private:
    const memory_store& store_;
    std::string name_, bytes_;
  };

  void check(const char* what) const {
    if (files_->fails == what) throw std::runtime_error(what);
  }

  std::shared_ptr<files> files_;
};

const args hls{"-f", "hls", "-hls_time", "0.4", "-hls_list_size", "2", "-hls_flags", "delete_segments", "-hls_delete_threshold", "1"};
const args dash{"-f", "dash", "-seg_duration", "0.4", "-window_size", "2", "-extra_window_size", "1"};

mt::job store_job(mt::engine& engine, const args& options, const std::string& name, const std::shared_ptr<files>& into) {
  args described{"-i", clip(), "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac"};
  described.insert(described.end(), options.begin(), options.end());
  described.push_back(into == nullptr ? temporary(name) : "mt:store/" + name);
  mt::job job = new_job(engine, described);
  if (into != nullptr) job.bind_store("store", std::make_unique<memory_store>(into));
  return job;
}

}  // namespace

SCENARIO(s59_store_hls) {
  mt::engine engine = new_engine();
  const auto into = std::make_shared<files>();
  store_job(engine, hls, "index.m3u8", into).run();
  CHECK_EQUAL(into->destroyed, 1);
  CHECK(!into->removed.empty() && into->broken.empty());
  CHECK(into->complete.count("index.m3u8") == 1 && into->complete.count("index0.ts") == 0);
  store_job(engine, hls, "index.m3u8", nullptr).run();
  for (const auto& [name, bytes] : into->complete) CHECK(same(bytes, read_file(temporary(name))));
  CHECK(nothing_left(engine));
}

SCENARIO(s60_store_dash) {
  mt::engine engine = new_engine();
  const auto into = std::make_shared<files>();
  store_job(engine, dash, "index.mpd", into).run();
  CHECK_EQUAL(into->destroyed, 1);
  CHECK(!into->removed.empty() && into->broken.empty());
  CHECK(into->complete.count("index.mpd") == 1 && into->complete.count("init-stream0.m4s") == 1);
  CHECK(into->complete.count("chunk-stream0-00001.m4s") == 0);
  CHECK(nothing_left(engine));
}

SCENARIO(s62_store_fails) {
  mt::engine engine = new_engine();
  for (const char* what : {"open", "write", "close"}) {
    const auto into = std::make_shared<files>();
    into->fails = what;
    mt::job job = store_job(engine, hls, "index.m3u8", into);
    std::string came;
    try {
      job.run();
    } catch (const std::runtime_error& error) {
      came = error.what();
    }
    CHECK_EQUAL(came, what);
    CHECK_EQUAL(result_of(job), -EIO);
    job = engine.new_job();
    CHECK_EQUAL(into->destroyed, 1);
  }
  const auto into = std::make_shared<files>();
  into->fails = "remove";
  store_job(engine, hls, "index.m3u8", into).run();  // only a warning
  CHECK(into->complete.count("index0.ts") == 1);
  CHECK(nothing_left(engine));
}

SCENARIO(s77_memory) {
  mt::engine engine = new_engine();
  const std::string input = read_file(clip()), path = temporary("memory.mp4");
  engine.run({"-i", clip(), "-c", "copy", "-movflags", "+faststart", "-f", "mp4", path});
  mt::buffer copied, moved;
  for (mt::buffer* output : {&copied, &moved}) {
    mt::job job = new_job(engine, {"-i", "mt:in", "-c", "copy", "-movflags", "+faststart", "-f", "mp4", "mt:out"});
    if (output == &copied) {
      job.bind_memory("in", input);
    } else {
      job.bind_memory("in", std::vector<std::uint8_t>(input.begin(), input.end()));
    }
    job.bind_buffer("out");
    CHECK_EQUAL(job.try_take_buffer("out").code(), -EBUSY);
    job.run();
    *output = job.take_buffer("out");
    CHECK_EQUAL(job.try_take_buffer("out").code(), -EALREADY);
    CHECK(same(std::string(output->view()), read_file(path)));
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s78_memory_refusals) {
  mt::engine engine = new_engine();
  {
    mt::job job = new_job(engine, copy_ts);
    CHECK_EQUAL(job.try_bind_memory("in", nullptr, 1).code(), -EINVAL);
    CHECK_EQUAL(job.try_bind_memory("a b", std::vector<std::uint8_t>(8)).code(), -EINVAL);
    job.bind_memory("in", std::vector<std::uint8_t>());
    CHECK_EQUAL(job.try_bind_memory("in", ts_clip()).code(), -EEXIST);
    CHECK_EQUAL(job.try_bind_buffer("in").code(), -EEXIST);
    job.bind_buffer("out", 1000);
    CHECK_EQUAL(job.try_run().code(), MT_TRANSCODE_EDEMUX);
    CHECK(job.take_buffer("out").empty());
  }
  {
    mt::job job = new_job(engine, copy_ts);
    job.bind_memory("in", ts_clip());
    job.bind_buffer("out", 1000);
    CHECK_EQUAL(job.try_run().code(), MT_TRANSCODE_ELIMIT);
    CHECK(job.take_buffer("out").size() <= 1000);
  }
  CHECK(nothing_left(engine));
}
