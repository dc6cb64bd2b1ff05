// Scenarios s11 to s15, s19 to s21, s26, s27: jobs begin, wait, end, and leave nothing behind.
#include <filesystem>
#include <type_traits>
#include <utility>
#include <vector>

#include "media.hpp"

using namespace test;

SCENARIO(s11_cancel) {
  mt::engine engine = new_engine();
  mt::job job = start_job(engine, endless);
  CHECK(reaches(job, mt::job_state::running));
  CHECK(!job.wait(std::chrono::milliseconds(0)));
  job.cancel();
  CHECK_EQUAL(result_of(job), -ECANCELED);
  CHECK_EQUAL(job.state(), mt::job_state::cancelled);
  try {
    job.wait();
    CHECK(!"wait throws for a cancelled job");
  } catch (const mt::error& error) {
    CHECK_EQUAL(error.code(), -ECANCELED);
  }
}

SCENARIO(s12_stop) {
  mt::engine engine = new_engine();
  const std::string out = temporary("stopped.mp4");
  mt::job job = start_job(engine, {"-re", "-f", "lavfi", "-i", "testsrc2=s=128x96", "-c:v", "libx264", "-preset", "ultrafast",
                                   out});
  std::optional<mt::event> event;
  do {
    event = job.next_event(patience());
    REQUIRE(event.has_value());
  } while (event->type != mt::event_type::progress);
  job.stop();
  CHECK(job.wait(patience()));
  CHECK_EQUAL(job.state(), mt::job_state::succeeded);
  CHECK(probed(engine, out).duration() > 0);
}

SCENARIO(s13_queue) {
  mt::engine engine = new_engine(1, 1);
  mt::job first = start_job(engine, endless);
  CHECK(reaches(first, mt::job_state::running));
  mt::job second = start_job(engine, endless), third = new_job(engine, endless);
  CHECK_EQUAL(second.state(), mt::job_state::queued);
  CHECK_EQUAL(third.try_start().code(), -EAGAIN);
  CHECK_EQUAL(third.state(), mt::job_state::created);
  first.cancel();
  CHECK_EQUAL(result_of(first), -ECANCELED);
  CHECK(reaches(second, mt::job_state::running));
  third.start();
  CHECK_EQUAL(third.state(), mt::job_state::queued);
  engine.set_limits(2, 1);
  CHECK(reaches(third, mt::job_state::running));
}

SCENARIO(s14_wrong_state) {
  mt::engine engine = new_engine();
  mt::job job = engine.new_job();
  CHECK_EQUAL(job.try_wait().code(), -EINVAL);
  CHECK_EQUAL(job.try_start().code(), MT_TRANSCODE_EOPTION);
  mt::input input = job.add_input(clip());
  mt::output output = job.add_output("-").option("f", "null").option("c", "copy");
  job.start();
  CHECK_EQUAL(job.try_start().code(), -EALREADY);
  CHECK_EQUAL(job.try_set_args(small).code(), -EBUSY);
  CHECK_EQUAL(job.try_option("copyts").code(), -EBUSY);
  CHECK_EQUAL(job.try_set_label("late").code(), -EBUSY);
  CHECK_EQUAL(job.try_add_input("in.mp4").code(), -EBUSY);
  CHECK_EQUAL(input.try_option("ss", "1").code(), -EBUSY);
  CHECK_EQUAL(output.try_option("t", "1").code(), -EBUSY);
  CHECK(job.wait(patience()));
  job.cancel();
  job.stop();
  CHECK_EQUAL(job.stats().state, static_cast<std::uint32_t>(MT_TRANSCODE_STATE_SUCCEEDED));
  CHECK_CONTAINS(job.command(), "ffmpeg");
  CHECK_EQUAL(job.state(), mt::job_state::succeeded);
  CHECK(job.id() > 0);
}

static_assert(!std::is_copy_constructible_v<mt::engine> && std::is_nothrow_move_constructible_v<mt::engine>);
static_assert(!std::is_copy_constructible_v<mt::job> && std::is_nothrow_move_constructible_v<mt::job>);
static_assert(!std::is_copy_constructible_v<mt::input> && std::is_nothrow_move_constructible_v<mt::input>);

SCENARIO(s15_bad_handles) {
  mt::engine engine = new_engine();
  mt::job job = new_job(engine, small);
  mt_transcode_job* const raw = job.handle();
  CHECK_EQUAL(mt_transcode_job_state(reinterpret_cast<mt_transcode_job*>(engine.handle())), -EBADF);
  CHECK_EQUAL(mt_transcode_engine_set_limits(reinterpret_cast<mt_transcode_engine*>(raw), 1, 1), -EBADF);
  mt::job moved = std::move(job);
  CHECK_EQUAL(job.try_state().code(), -EINVAL);  // NOLINT(bugprone-use-after-move): that is what is tested
  CHECK_EQUAL(job.try_start().code(), -EINVAL);
  CHECK_EQUAL(moved.handle(), raw);
  mt::input input = moved.add_input("in.mp4");
  moved = engine.new_job();  // frees the first
  CHECK_EQUAL(mt_transcode_job_state(raw), -EBADF);
  CHECK_EQUAL(input.try_option("ss", "1").code(), -EBADF);
  mt_transcode_job_free(raw);
  mt_transcode_job_free(nullptr);
  mt_transcode_engine_free(nullptr);
  CHECK_EQUAL(mt_transcode_job_start(nullptr), -EINVAL);
  CHECK_EQUAL(moved.state(), mt::job_state::created);
}

SCENARIO(s19_many_at_once) {
  mt::engine engine = new_engine();
  std::vector<mt::job> jobs;
  for (int i = 0; i < 64; i++) jobs.push_back(start_job(engine, small));
  for (mt::job& job : jobs) CHECK_EQUAL(result_of(job), 0);
  CHECK_EQUAL(mt::count_of(engine.stats(), 0), 64u);
}

SCENARIO(s20_free_while_running) {
  mt::engine engine = new_engine();
  {
    const mt::job job = start_job(engine, endless);
    CHECK(reaches(job, mt::job_state::running));
    CHECK_EQUAL(engine.stats().jobs_running, 1u);
  }
  CHECK(eventually([&] {
    const mt::engine_stats stats = engine.stats();
    return stats.jobs == 0 && stats.jobs_running == 0 && stats.threads == 0 && stats.queued_bytes == 0;
  }));
}

SCENARIO(s21_shutdown) {
  mt::engine engine = new_engine(1, 4);
  mt::job running = start_job(engine, endless);
  CHECK(reaches(running, mt::job_state::running));
  mt::job queued = start_job(engine, endless);
  const mt::shutdown_counts counts = engine.shutdown(std::chrono::milliseconds(0));
  CHECK_EQUAL(counts.stopped, 1u);
  CHECK_EQUAL(counts.never_ran, 1u);
  CHECK_EQUAL(counts.finished + counts.cancelled + counts.detached, 0u);
  CHECK_EQUAL(result_of(running), 0);
  CHECK_EQUAL(result_of(queued), -ECANCELED);
  CHECK_EQUAL(engine.try_new_job().code(), -ESHUTDOWN);
}

static long entries(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

SCENARIO(s26_nothing_left) {
  clip();
  const long descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
  {
    mt::engine engine = new_engine();
    mt::job done = start_job(engine, small), running = start_job(engine, endless), never = new_job(engine, small);
    CHECK(engine.event_fd() >= 0 && done.event_fd() >= 0 && never.event_fd() >= 0);
    CHECK_EQUAL(result_of(done), 0);
    CHECK(reaches(running, mt::job_state::running));
    mt::engine ends_first = std::move(engine);
  }
  CHECK_EQUAL(entries("/proc/self/fd"), descriptors);
  CHECK(eventually([&] { return entries("/proc/self/task") <= threads; }));
}

SCENARIO(s27_engine_stats) {
  mt::engine engine = new_engine();
  static_cast<void>(new_job(engine, small));  // never started: counts nowhere
  engine.run(small);
  CHECK_EQUAL(engine.try_run({"-i", "/no/such/file", "-f", "null", "-"}).code(), -ENOENT);
  mt::job job = start_job(engine, endless);
  CHECK(reaches(job, mt::job_state::running));
  job.cancel();
  CHECK_EQUAL(result_of(job), -ECANCELED);
  const mt::engine_stats stats = engine.stats();
  CHECK_EQUAL(mt::count_of(stats, 0), 1u);
  CHECK_EQUAL(mt::count_of(stats, -ENOENT), 1u);
  CHECK_EQUAL(mt::count_of(stats, -ECANCELED), 1u);
  CHECK_EQUAL(stats.duration.count, 3u);
  CHECK_EQUAL(stats.jobs_started, 3u);
}
