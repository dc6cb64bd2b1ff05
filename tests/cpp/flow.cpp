// Scenarios s39, s41 to s44, s47 to s51, s56, s57, s63 to s65, s68 and s84: jobs between pipes.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "memory.hpp"

using namespace test;

// Copies the first `size` bytes of the clip, which end with `code`; what came out, and what it ended with.
static std::string copy_part(mt::engine& engine, std::size_t size, int code, int& end, int& result) {
  mt::pipe in = new_pipe(engine), out = new_pipe(engine);
  mt::job job = piped(engine, copy_ts, &in, &out);
  job.start();
  std::future<std::size_t> fed = feed(in, std::string_view(ts_clip()).substr(0, size), 4000, code);
  std::string copied = read_all(out, &end);
  fed.get();
  result = result_of(job);
  if (result < 0) CHECK_EQUAL(job.last_failure()->input_index, 0);
  return copied;
}

SCENARIO(s39_round_trip) {
  mt::engine engine = new_engine();
  int end = 1, result = 1;
  CHECK(same(copy_part(engine, ts_clip().size(), 0, end, result), ts_copy()));
  CHECK_EQUAL(end, 0);
  CHECK_EQUAL(result, 0);
  CHECK(nothing_left(engine));
}

SCENARIO(s41_producer_stops) {
  mt::engine engine = new_engine();
  int end = 1, result = 1;
  const std::string first = copy_part(engine, ts_clip().size() / 2 + 77, 0, end, result);
  CHECK_EQUAL(result, 0);
  CHECK(!first.empty() && first.size() % 188 == 0);
  CHECK(same(copy_part(engine, ts_clip().size() / 2 + 77, 0, end, result), first));
  copy_part(engine, 0, 0, end, result);
  CHECK_EQUAL(result, MT_TRANSCODE_EDEMUX);
  CHECK_EQUAL(end, MT_TRANSCODE_EDEMUX);
  CHECK(nothing_left(engine));
}

SCENARIO(s42_producer_fails) {
  mt::engine engine = new_engine();
  for (const int code : {-EIO, MT_TRANSCODE_ELIMIT}) {
    int end = 1, result = 1;
    copy_part(engine, ts_clip().size() / 2, code, end, result);
    CHECK_EQUAL(result, code);
    CHECK_EQUAL(end, code);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s43_consumer_vanishes) {
  mt::engine engine = new_engine();
  {
    mt::pipe in = new_pipe(engine, 4096), out = new_pipe(engine, 4096);
    mt::job job = piped(engine, copy_soon, &in, &out);
    job.start();
    std::future<std::size_t> fed = feed(in, long_clip());
    char byte = 0;
    CHECK_EQUAL(out.read(&byte, 1, patience()).value_or(0), 1u);
    out.close_read();
    CHECK_EQUAL(result_of(job), -EPIPE);
    CHECK_EQUAL(job.last_failure()->output_index, 0);
    CHECK(fed.get() < long_clip().size());
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s44_slow_consumer) {
  mt::engine engine = new_engine();
  {
    mt::pipe in = new_pipe(engine, 4096), out = new_pipe(engine, 4096);
    mt::job job = piped(engine, copy_soon, &in, &out);
    job.start();
    std::future<std::size_t> fed = feed(in, long_clip());
    CHECK(eventually([&] { return in.stats().fill_bytes == 4096 && out.stats().fill_bytes == 4096; }));
    CHECK(engine.stats().queued_bytes <= 8192);
    CHECK(same(read_all(out), long_copy()));
    CHECK_EQUAL(fed.get(), long_clip().size());
    CHECK_EQUAL(result_of(job), 0);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s45_high_water) {
  mt::engine engine = new_engine();
  {
    mt::pipe out = new_pipe(engine, 4096);
    mt::job job = piped(engine, {"-i", ts_path(), "-c", "copy", "-f", "mpegts", "mt:out"}, nullptr, &out);
    job.start();
    std::optional<mt::event> event;
    do {
      event = job.next_event(patience());
    } while (event && event->type != mt::event_type::pipe_high_water);
    REQUIRE(event.has_value());
    CHECK_EQUAL(event->text, "out");
    CHECK(event->size_bytes >= 4096 * 9 / 10 && event->size_bytes <= 4096);
    CHECK(same(read_all(out), ts_copy()));
    CHECK(job.wait(patience()));
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s47_bind) {
  mt::engine engine = new_engine();
  {
    mt::pipe in = new_pipe(engine), other = new_pipe(engine), out = new_pipe(engine);
    mt::job job = piped(engine, copy_ts, &in, nullptr);
    const mt::result<void> unbound = job.try_start();
    CHECK_EQUAL(unbound.code(), MT_TRANSCODE_EOPTION);
    CHECK_CONTAINS(unbound.failed().message, "mt:out");
    CHECK_EQUAL(job.try_bind("in", other, mt::side::read).code(), -EEXIST);
    CHECK_EQUAL(job.try_bind("again", in, mt::side::read).code(), -EBUSY);
    CHECK_EQUAL(job.try_bind("a/b", other, mt::side::read).code(), -EINVAL);
    CHECK_EQUAL(job.try_bind(std::string_view("a\0b", 3), other, mt::side::read).code(), -EINVAL);
    CHECK_EQUAL(job.try_bind_io("io", nullptr).code(), -EINVAL);
    CHECK_EQUAL(job.try_bind_store("store", nullptr).code(), -EINVAL);
    job.bind("out", out, mt::side::write);
    job.bind("unused", other, mt::side::read);
    const mt::result<void> unused = job.try_start();
    CHECK_EQUAL(unused.code(), MT_TRANSCODE_EOPTION);
    CHECK_CONTAINS(unused.failed().message, "unused");
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s48_free_while_bound) {
  mt::engine engine = new_engine();
  {
    std::optional<mt::pipe> in = new_pipe(engine, 4096);
    mt::pipe out = new_pipe(engine, 4096);
    mt::job job = piped(engine, copy_soon, &*in, &out);
    job.start();
    std::future<std::size_t> fed = feed(*in, std::string_view(long_clip()).substr(0, long_clip().size() / 2), 0, 0);
    char byte = 0;
    CHECK_EQUAL(out.read(&byte, 1, patience()).value_or(0), 1u);
    mt_transcode_pipe_free(in->handle());
    fed.get();
    int end = 0;
    read_all(out, &end);
    CHECK_EQUAL(end, -EPIPE);
    CHECK_EQUAL(result_of(job), -EPIPE);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s49_cancel) {
  mt::engine engine = new_engine();
  {
    mt::pipe in = new_pipe(engine), out = new_pipe(engine);
    mt::job job = piped(engine, copy_ts, &in, &out);
    job.start();
    CHECK(reaches(job, mt::job_state::opening));
    job.cancel();
    CHECK_EQUAL(result_of(job), -ECANCELED);
    CHECK_EQUAL(in.try_write("x", 1).code(), -EPIPE);
    int end = 0;
    read_all(out, &end);
    CHECK_EQUAL(end, -ECANCELED);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s51_queue_timeout) {
  mt::engine_config config;
  config.max_running = 1;
  config.log_mode = mt::log_mode::take;
  config.queue_timeout = std::chrono::milliseconds(1);
  mt::engine engine(config);
  {
    mt::job running = start_job(engine, endless);
    CHECK(reaches(running, mt::job_state::running));
    mt::job queued = start_job(engine, endless);
    CHECK_EQUAL(result_of(queued), -ETIMEDOUT);
  }
  CHECK(nothing_left(engine));
  config.queue_timeout = std::chrono::milliseconds(-1);
  CHECK_EQUAL(mt::engine::try_make(config).code(), -EINVAL);
}

SCENARIO(s84_dump) {
  mt::engine engine = new_engine();
  {
    mt::job running = start_job(engine, endless);
    CHECK(reaches(running, mt::job_state::running));
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    engine.dump(fileno(file));
    std::rewind(file);
    std::string text(1 << 20, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    CHECK_CONTAINS(text, "mt-transcode dump 1\n");
    CHECK_CONTAINS(text, "state: running");
    CHECK_CONTAINS(text, "end of dump\n");
    CHECK_EQUAL(engine.try_dump(-1).code(), -EBADF);
  }
  CHECK(nothing_left(engine));
  mt::engine_config config;
  config.hang_timeout = std::chrono::milliseconds(-1);
  CHECK_EQUAL(mt::engine::try_make(config).code(), -EINVAL);
}

SCENARIO(s57_mp4_to_a_pipe) {
  mt::engine engine = new_engine();
  {
    mt::pipe out = new_pipe(engine);
    mt::job job = piped(engine, {"-i", clip(), "-c", "copy", "-f", "mp4", "mt:out"}, nullptr, &out);
    try {
      job.run();
      CHECK(!"a failure");
    } catch (const mt::error& error) {
      CHECK_EQUAL(error.code(), MT_TRANSCODE_EUNSUPPORTED);
      CHECK_CONTAINS(error.hint(), "-movflags +frag_keyframe+empty_moov");
    }
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s63_probe) {
  mt::engine engine = new_engine();
  {
    mt::pipe in = new_pipe(engine, 4096), out = new_pipe(engine);
    std::future<std::size_t> fed = feed(in, ts_clip());
    CHECK_CONTAINS(in.probe({{"f", "mpegts"}}, 0, patience()), "h264");
    mt::job job = piped(engine, copy_ts, &in, &out);
    job.start();
    CHECK(same(read_all(out), ts_copy()));
    CHECK_EQUAL(fed.get(), ts_clip().size());
    CHECK_EQUAL(result_of(job), 0);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s64_probe_refuses) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine);
    CHECK_EQUAL(pipe.try_probe({}, 0, std::chrono::milliseconds(20)).code(), -ETIMEDOUT);
    CHECK_EQUAL(pipe.try_probe({{"nosuchoption", "1"}}).code(), MT_TRANSCODE_EOPTION);
    pipe.write(std::string("This is a letter, not a film."));
    pipe.close_write();
    const mt::result<std::string> probed = pipe.try_probe();
    CHECK_EQUAL(probed.code(), MT_TRANSCODE_EDEMUX);
    CHECK(!probed.failed().hint.empty());
    CHECK_EQUAL(read_all(pipe), "This is a letter, not a film.");
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s65_memory_budget) {
  mt::engine_config config;
  config.memory_budget_bytes = 4u << 20;
  mt::engine engine(config);
  mt::pipe_config pipe;
  pipe.capacity_bytes = 64u << 20;
  CHECK_EQUAL(engine.try_new_pipe(pipe).code(), MT_TRANSCODE_ELIMIT);
  pipe.capacity_bytes = 3u << 20;
  {
    const mt::pipe first = engine.new_pipe(pipe);
    CHECK_EQUAL(engine.try_new_pipe(pipe).code(), -EAGAIN);
  }
  CHECK_EQUAL(engine.try_new_pipe(pipe).code(), 0);
  CHECK(nothing_left(engine));
}

SCENARIO(sandbox_of_workers) {
  mt::engine_config config;
  config.worker_sandbox = mt::sandbox::off;
  CHECK_EQUAL(mt::engine::try_make(config).code(), 0);
  config.worker_sandbox = static_cast<mt::sandbox>(3);
  CHECK_EQUAL(mt::engine::try_make(config).code(), -EINVAL);
}

// A job between streams of the standard library.
SCENARIO(s68_streams_around_a_job) {
  mt::engine engine = new_engine();
  {
    mt::pipe in = new_pipe(engine, 65536), out = new_pipe(engine, 65536);
    mt::job job = piped(engine, copy_ts, &in, &out);
    job.start();
    std::thread feeder([&] {
      std::ifstream file(ts_path(), std::ios::binary);
      mt::pipe_ostream to_job(in);
      to_job << file.rdbuf();
      to_job.close();
    });
    std::ostringstream copied;
    mt::pipe_istream from_job(out);
    copied << from_job.rdbuf();
    feeder.join();
    CHECK(job.wait(patience()));
    CHECK(same(copied.str(), ts_copy()));
  }
  CHECK(nothing_left(engine));
}
