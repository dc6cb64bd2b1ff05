// What the scenarios do with the library again and again.
#ifndef MT_TEST_MEDIA_HPP
#define MT_TEST_MEDIA_HPP

#include <string>
#include <vector>

#include "harness.hpp"

namespace test {

using args = std::vector<std::string>;

// A job that runs until it is stopped, in real time, and writes nothing.
inline const args endless{"-re", "-f", "lavfi", "-i", "testsrc2=s=128x96", "-f", "null", "-"};

// A job that ends after some milliseconds, and writes nothing.
inline const args small{"-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.2", "-f", "null", "-"};

// An engine that takes FFmpeg's log, so that tests print nothing but their results.
mt::engine new_engine(std::uint32_t max_running = 0, std::uint32_t max_queued = 0);

mt::job new_job(mt::engine& engine, const args& described);
mt::job start_job(mt::engine& engine, const args& described);

// The code of whatever refuses the job first: its description, its start or its run. 0 where nothing does.
int attempt(mt::job& job, const args& described);

// The job's result once it is final.
int result_of(mt::job& job);

bool reaches(const mt::job& job, mt::job_state state);

// A clip of 2 s, H.264 320x240 with AAC, made at the first call.
const std::string& clip();

// What the scenarios ask of the JSON of a probe. Enough of JSON for what a probe gives.
class probed {
 public:
  probed(mt::engine& engine, const std::string& url) : json_(engine.probe(url, {}, patience())) {}

  bool has(const std::string& codec) const { return stream(codec) != std::string::npos; }
  // A number of the stream with this codec.
  int number(const std::string& codec, const std::string& key) const;
  // Of the file, in seconds; -1 where unknown.
  double duration() const;

 private:
  std::size_t stream(const std::string& codec) const;
  std::string value(const std::string& key, std::size_t& place) const;

  std::string json_;
};

}  // namespace test

#endif
