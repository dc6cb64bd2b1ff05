// Scenarios s05 to s07 and s18: what a job tells, and how a host waits for it.
#include <poll.h>

#include <algorithm>
#include <vector>

#include "media.hpp"

using namespace test;

static std::vector<mt::event> pull_all(mt::job& job) {
  std::vector<mt::event> all;
  while (std::optional<mt::event> event = job.next_event(patience())) all.push_back(*std::move(event));
  return all;
}

static std::vector<mt::event> of_type(const std::vector<mt::event>& events, mt::event_type type) {
  std::vector<mt::event> found;
  const auto fits = [type](const mt::event& event) { return event.type == type; };
  std::copy_if(events.begin(), events.end(), std::back_inserter(found), fits);
  return found;
}

static void check_states(const std::vector<mt::event>& events) {
  const mt::job_state wanted[] = {mt::job_state::opening, mt::job_state::running, mt::job_state::succeeded};
  std::size_t found = 0;
  for (const mt::event& event : of_type(events, mt::event_type::state)) {
    if (found < 3 && event.state == wanted[found]) found++;
  }
  CHECK_EQUAL(found, 3u);
}

SCENARIO(s05_events) {
  mt::engine engine = new_engine();
  mt::job job = start_job(engine, {"-i", clip(), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac",
                                   temporary("events.mkv")});
  const std::vector<mt::event> events = pull_all(job);
  CHECK_EQUAL(job.try_next_event().code(), -ENODATA);
  check_states(events);
  const auto opened = of_type(events, mt::event_type::input_opened), progress = of_type(events, mt::event_type::progress);
  const auto finished = of_type(events, mt::event_type::output_finished);
  REQUIRE(opened.size() == 1 && !progress.empty() && finished.size() == 1 && !events.empty());
  CHECK_EQUAL(opened[0].file_index, 0);
  CHECK_CONTAINS(opened[0].json, "h264");
  CHECK_EQUAL(progress.back().percent.value_or(-1), 100.0);
  CHECK(progress.back().duration.has_value());
  CHECK_EQUAL(finished[0].code, 0);
  CHECK(finished[0].size_bytes > 0);
  CHECK_EQUAL(progress.back().size_bytes, finished[0].size_bytes);
  CHECK_EQUAL(events.back().type, mt::event_type::done);
  CHECK_EQUAL(events.back().code, 0);
  const auto grows = [](const mt::event& one, const mt::event& next) { return one.sequence >= next.sequence; };
  CHECK(std::adjacent_find(events.begin(), events.end(), grows) == events.end());
}

static bool readable(int descriptor, std::chrono::milliseconds timeout) {
  pollfd place{descriptor, POLLIN, 0};
  return poll(&place, 1, static_cast<int>(timeout.count())) == 1 && (place.revents & POLLIN) != 0;
}

SCENARIO(s06_job_event_fd) {
  mt::engine engine = new_engine();
  mt::job job = new_job(engine, {"-i", clip(), "-c", "copy", "-f", "null", "-"});
  const int descriptor = job.event_fd();
  REQUIRE(descriptor >= 0);
  CHECK(!readable(descriptor, std::chrono::milliseconds(0)));
  CHECK_EQUAL(job.try_next_event(std::chrono::milliseconds(0)).code(), -EAGAIN);
  job.start();
  CHECK(readable(descriptor, patience()));
  CHECK(job.wait(patience()));
  CHECK(readable(descriptor, patience()));
  pull_all(job);
  CHECK(!readable(descriptor, std::chrono::milliseconds(0)));
}

SCENARIO(s07_engine_ready) {
  mt::engine engine = new_engine();
  const int descriptor = engine.event_fd();
  std::vector<mt::job> jobs;
  for (int i = 0; i < 8; i++) jobs.push_back(start_job(engine, {"-i", clip(), "-c", "copy", "-f", "null", "-"}));
  std::vector<bool> done(jobs.size());
  while (std::count(done.begin(), done.end(), false) > 0) {
    REQUIRE(readable(descriptor, patience()));
    while (const std::optional<mt::ready> next = engine.next_ready()) {
      const auto job = std::find_if(jobs.begin(), jobs.end(), [&](const mt::job& one) { return one.handle() == next->job; });
      REQUIRE(job != jobs.end());
      CHECK(next->has_events || next->is_done);
      while (next->has_events && job->next_event(std::chrono::milliseconds(0))) {
      }
      if (next->is_done) done[static_cast<std::size_t>(job - jobs.begin())] = true;
    }
  }
  for (const mt::job& job : jobs) CHECK_EQUAL(job.state(), mt::job_state::succeeded);
}

SCENARIO(s18_label) {
  mt::engine engine = new_engine();
  mt::job job = new_job(engine, small);
  const std::string label(128, 'x');
  CHECK_EQUAL(job.try_set_label(label + 'x').code(), -EINVAL);
  job.set_label(label);
  job.start();
  const std::vector<mt::event> events = pull_all(job);
  CHECK(!events.empty());
  CHECK(std::all_of(events.begin(), events.end(), [&](const mt::event& event) { return event.label == label; }));
  CHECK_CONTAINS(engine.jobs(), label);
}
