#include "memory.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace test {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

static std::string made(const std::string& name, args described) {
  std::string path = temporary(name);
  described.push_back(path);
  new_engine().run(described);
  return path;
}

const std::string& ts_path() {
  static const std::string path = made("clip.ts", {"-i", clip(), "-c", "copy", "-f", "mpegts"});
  return path;
}

const std::string& ts_clip() {
  static const std::string bytes = read_file(ts_path());
  return bytes;
}

const std::string& ts_copy() {
  static const std::string bytes = read_file(made("copy.ts", {"-f", "mpegts", "-i", ts_path(), "-c", "copy", "-f", "mpegts"}));
  return bytes;
}

static const std::string& long_path() {
  static const std::string path = made("long.ts", {"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4,noise=alls=60:allf=t", "-c:v",
                                                   "mpeg2video", "-q:v", "4", "-f", "mpegts"});
  return path;
}

const std::string& long_clip() {
  static const std::string bytes = read_file(long_path());
  return bytes;
}

const std::string& long_copy() {
  static const std::string bytes = read_file(
      made("long-copy.ts", {"-f", "mpegts", "-probesize", "100000", "-i", long_path(), "-c", "copy", "-f", "mpegts"}));
  return bytes;
}

mt::pipe new_pipe(mt::engine& engine, std::uint64_t capacity) {
  mt::pipe_config config;
  config.capacity_bytes = capacity;
  config.flush_interval = std::chrono::milliseconds(0);
  return engine.new_pipe(config);
}

std::future<std::size_t> feed(mt::pipe& pipe, std::string_view data, std::size_t step, int code) {
  return std::async(std::launch::async, [&pipe, data, step, code] {
    std::size_t done = 0;
    while (done < data.size()) {
      const std::size_t left = data.size() - done;
      const mt::result<std::size_t> count = pipe.try_write(data.data() + done, step == 0 ? left : std::min(step, left), patience());
      if (!count) return done;
      done += *count;
    }
    static_cast<void>(pipe.try_close_write(code));
    return done;
  });
}

std::string read_all(mt::pipe& pipe, int* code) {
  std::string all;
  std::vector<char> buffer(65536);
  for (;;) {
    const mt::result<std::size_t> count = pipe.try_read(buffer, patience());
    if (code != nullptr) *code = count.code();
    if (!count && code == nullptr) fail(__FILE__, __LINE__, "reading ended with " + std::string(mt::name_of(count.code())));
    if (!count || *count == 0) return all;
    all.append(buffer.data(), *count);
  }
}

mt::job piped(mt::engine& engine, const args& described, mt::pipe* in, mt::pipe* out) {
  mt::job job = new_job(engine, described);
  if (in != nullptr) job.bind("in", *in, mt::side::read);
  if (out != nullptr) job.bind("out", *out, mt::side::write);
  return job;
}

bool nothing_left(mt::engine& engine) {
  return eventually([&] {
    const mt::engine_stats now = engine.stats();
    return now.jobs + now.jobs_running + now.jobs_queued + now.pipes + now.threads + now.queued_bytes + now.detached +
               now.memory_reserved_bytes ==
           0;
  });
}

bool same(const std::string& actual, const std::string& expected) {
  const auto shorter = static_cast<std::ptrdiff_t>(std::min(actual.size(), expected.size()));
  const auto differ = std::mismatch(actual.begin(), actual.begin() + shorter, expected.begin()).first - actual.begin();
  if (actual.size() == expected.size() && differ == shorter) return true;
  fail(__FILE__, __LINE__, std::to_string(actual.size()) + " bytes, expected " + std::to_string(expected.size()) + "; they differ from " +
                               std::to_string(differ) + " on");
  return false;
}

}  // namespace test
