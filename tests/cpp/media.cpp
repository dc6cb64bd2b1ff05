#include "media.hpp"

#include <cstdlib>

namespace test {

mt::engine new_engine(std::uint32_t max_running, std::uint32_t max_queued) {
  mt::engine_config config;
  config.max_running = max_running;
  config.max_queued = max_queued;
  config.log_mode = mt::log_mode::take;
  return mt::engine(config);
}

mt::job new_job(mt::engine& engine, const args& described) {
  mt::job job = engine.new_job();
  job.set_args(described);
  return job;
}

mt::job start_job(mt::engine& engine, const args& described) {
  mt::job job = new_job(engine, described);
  job.start();
  return job;
}

int attempt(mt::job& job, const args& described) {
  if (const mt::result<void> set = job.try_set_args(described); !set) return set.code();
  if (const mt::result<void> started = job.try_start(); !started) return started.code();
  return result_of(job);
}

int result_of(mt::job& job) {
  const mt::result<int> ended = job.try_wait(patience());
  return ended ? *ended : ended.code();
}

bool reaches(const mt::job& job, mt::job_state state) {
  return eventually([&] { return job.state() == state; });
}

const std::string& clip() {
  static const std::string path = [] {
    std::string made = temporary("clip.mp4");
    mt::engine engine = new_engine();
    engine.run({"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v", "libx264", "-preset",
                "ultrafast", "-c:a", "aac", made});
    return made;
  }();
  return path;
}

// The value of the next `key` from `place` on, which moves behind it; to npos where there is none.
std::string probed::value(const std::string& key, std::size_t& place) const {
  while ((place = json_.find('"' + key + '"', place)) != std::string::npos) {
    place = json_.find_first_not_of(" \t\n", place + key.size() + 2);
    if (place == std::string::npos) break;
    if (json_[place] != ':') continue;  // a value that reads like the key
    place = json_.find_first_not_of(" \t\n\"", place + 1);
    return json_.substr(place, json_.find_first_of("\",}\n", place) - place);
  }
  return {};
}

std::size_t probed::stream(const std::string& codec) const {
  std::size_t place = 0;
  while (place != std::string::npos) {
    if (value("codec_name", place) == codec) return place;
  }
  return std::string::npos;
}

int probed::number(const std::string& codec, const std::string& key) const {
  std::size_t place = stream(codec);
  return place == std::string::npos ? -1 : std::atoi(value(key, place).c_str());
}

double probed::duration() const {
  std::size_t place = 0;
  value("format", place);
  const std::string text = place == std::string::npos ? "" : value("duration", place);
  return text.empty() ? -1 : std::strtod(text.c_str(), nullptr);
}

}  // namespace test
