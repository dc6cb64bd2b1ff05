// Scenarios s92 to s95: outputs that join a running job and leave it, sources that come and go.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "memory.hpp"

using namespace test;

// A job that encodes in real time, with a key frame every 0.4 s, until it is told to end.
static args hub() {
  return {"-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency",
          "-g",  "10", "-mt_gop_bytes", "1M", "-mt_allow_write", temporary(""), "-f", "null", "-"};
}

// Worker processes write what their jobs named before the start.
static bool is_isolated() {
  const char* mode = std::getenv("MT_TRANSCODE_ISOLATION");
  return mode != nullptr && std::string_view(mode) == "process";
}

static mt::output join(mt::job& job, const std::string& url, const char* key = "mt_slow", const char* value = "skip") {
  mt::output output = job.add_output(url).option("mt_from", "0").option("c", "copy").option("f", "mpegts").option(key, value);
  output.commit();
  return output;
}

static bool ends(const mt::output& output) {
  return eventually([&] { return mt::is_final(output.state()); });
}

SCENARIO(s92_outputs_join) {
  mt::engine engine = new_engine();
  {
    mt::pipe pipe = new_pipe(engine, 4 << 20);
    mt::job job = start_job(engine, hub());
    job.bind("viewer", pipe, mt::side::write);
    const std::string path = temporary("joined.ts");
    mt::output viewer = join(job, "mt:viewer"), recording = join(job, path, "mt_slow", "wait");
    CHECK_EQUAL(viewer.index(), 1);
    CHECK_EQUAL(recording.index(), 2);
    CHECK(eventually([&] { return viewer.stats().packets_written > 10 && recording.stats().packets_written > 10; }));
    CHECK(viewer.state() == mt::output_state::running);
    recording.stop();
    CHECK(ends(recording));
    CHECK(recording.state() == mt::output_state::finished);
    CHECK(recording.stats().size_bytes > 0 && !recording.last_failure());
    CHECK(eventually([&] {
      const mt::result<mt::ready> next = engine.try_next_ready();
      return next && next->has_output_ended;
    }));
    CHECK(probed(engine, path).has("h264"));
    CHECK(job.state() == mt::job_state::running);
    CHECK(job.get_output(0).state() == mt::output_state::running);
    CHECK_EQUAL(job.try_get_output(1).code(), -EINVAL);
    job.stop();
    CHECK(!read_all(pipe).empty());
    CHECK_EQUAL(result_of(job), 0);
    CHECK(viewer.state() == mt::output_state::finished);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s93_one_viewers_trouble) {
  mt::engine engine = new_engine();
  {
    mt::pipe left = new_pipe(engine), stuck = new_pipe(engine, 4096), good = new_pipe(engine, 8 << 20);
    mt::job job = start_job(engine, hub());
    job.bind("left", left, mt::side::write);
    job.bind("stuck", stuck, mt::side::write);
    job.bind("good", good, mt::side::write);
    mt::output leaves = join(job, "mt:left");
    left.close_read();
    mt::output slow = join(job, "mt:stuck", "mt_queue_bytes", "10000"), stays = join(job, "mt:good");
    CHECK(ends(leaves));
    CHECK(leaves.state() == mt::output_state::failed);
    const std::optional<mt::failure> why = leaves.last_failure();
    REQUIRE(why.has_value());
    CHECK_EQUAL(why->code, -EPIPE);
    CHECK_EQUAL(why->output_index, 1);
    CHECK(eventually([&] { return slow.stats().packets_dropped > 0 && slow.stats().skips > 0; }));
    slow.cancel();
    CHECK(ends(slow));
    CHECK(slow.state() == mt::output_state::cancelled);
    CHECK_EQUAL(slow.stats().code, -ECANCELED);
    CHECK(eventually([&] { return stays.stats().packets_written > 10; }));
    job.stop();
    CHECK(!read_all(good).empty());
    CHECK_EQUAL(result_of(job), 0);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s94_join_refusals) {
  mt::engine engine = new_engine();
  {
    mt::job job = start_job(engine, hub());
    CHECK(reaches(job, mt::job_state::running));
    CHECK_EQUAL(job.try_add_input("late.ts").code(), -EBUSY);
    mt::output output = job.add_output(temporary("once.ts"));
    const mt::result<void> wrong = output.try_option("no_such_option", "1");
    CHECK_EQUAL(wrong.code(), MT_TRANSCODE_EOPTION);
    CHECK_CONTAINS(wrong.failed().message, "no_such_option");
    output.option("c", "copy").option("mt_from", "9");
    CHECK_EQUAL(output.try_commit().code(), MT_TRANSCODE_EOPTION);
    output.option("mt_from", "0").commit();
    CHECK_EQUAL(output.try_commit().code(), -EALREADY);
    CHECK_EQUAL(output.try_option("f", "flv").code(), -EBUSY);
    mt::output nothing = job.add_output("mt:nothing").option("f", "mpegts");
    CHECK_EQUAL(nothing.try_commit().code(), MT_TRANSCODE_EOPTION);
    mt::output missing = join(job, "/nowhere/at/all.ts");
    CHECK(ends(missing));
    CHECK_EQUAL(missing.stats().code, is_isolated() ? MT_TRANSCODE_ESANDBOX : -ENOENT);
    job.cancel();
    CHECK_EQUAL(result_of(job), -ECANCELED);
    CHECK(output.state() == mt::output_state::cancelled);
    CHECK_EQUAL(job.try_add_output("late.ts").code(), -EBUSY);
    mt::output orphan = std::move(output);
    job = engine.new_job();
    CHECK_EQUAL(orphan.try_state().code(), -EBADF);
    CHECK_EQUAL(orphan.index(), -EBADF);
  }
  CHECK(nothing_left(engine));
}

// A server on loopback that gives the clip to who connects, and hangs up.
class camera {
 public:
  camera() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener_, 8) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this, &clip = ts_clip()] {
      for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0; close(peer)) {
        std::string_view rest = clip;
        for (ssize_t sent; !rest.empty() && (sent = send(peer, rest.data(), rest.size(), MSG_NOSIGNAL)) > 0;) rest.remove_prefix(sent);
      }
    });
  }
  camera(const camera&) = delete;
  camera& operator=(const camera&) = delete;
  ~camera() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  const std::string& url() const { return url_; }

 private:
  int listener_;
  std::string url_;
  std::thread thread_;
};

SCENARIO(s95_source) {
  mt::engine engine = new_engine();
  camera camera;
  {
    mt::job job = new_job(engine, {"-f", "mpegts", "-mt_source", "1", "-mt_retry_ms", "5", "-i", camera.url(), "-c", "copy", "-f", "null", "-"});
    mt::input source = job.get_input(0);
    CHECK(source.state() == mt::source_state::idle && source.index() == 0);
    job.start();
    bool was_live = false, has_ended = false;
    int changes = 0;
    while (changes < 6) {
      const std::optional<mt::event> event = job.next_event(patience());
      REQUIRE(event.has_value());
      if (event->type != mt::event_type::source) continue;
      changes++;
      was_live = was_live || event->source == mt::source_state::live;
      CHECK_EQUAL(event->file_index, 0);
      CHECK_CONTAINS(event->json, camera.url());
    }
    CHECK(was_live);
    CHECK_CONTAINS(source.status(), "\"connections\"");
    source.stop();
    CHECK_EQUAL(result_of(job), 0);
    CHECK(source.state() == mt::source_state::ended);
    source.stop();
    while (const std::optional<mt::event> event = job.next_event(patience())) {
      has_ended = has_ended || (event->type == mt::event_type::source && event->source == mt::source_state::ended);
    }
    CHECK(has_ended);
  }
  {
    mt::job job = start_job(engine, endless);
    CHECK(reaches(job, mt::job_state::running));
    CHECK(job.get_input(0).state() == mt::source_state::live);
    CHECK_EQUAL(job.get_input(0).try_stop().code(), MT_TRANSCODE_EUNSUPPORTED);
    CHECK_EQUAL(job.try_get_input(1).code(), -EINVAL);
  }
  CHECK(nothing_left(engine));
}

SCENARIO(s96_degrade) {
  mt::engine engine = new_engine();
  {
    // Sound that is not a number from 0.2 s on: the encoder refuses it.
    mt::job job = start_job(engine, {"-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "aevalsrc=if(gt(t\\,0.2)\\,NAN\\,0):d=2",
                                     "-c:v", "mpeg2video", "-c:a", "aac", "-mt_degrade:a", "drop", "-mt_degrade_after:a", "3", "-f", "null", "-"});
    CHECK_EQUAL(result_of(job), 0);
    CHECK_EQUAL(job.stats().encode_errors, std::uint64_t{3});
    int count = 0;
    while (const std::optional<mt::event> event = job.next_event(patience())) {
      if (event->type != mt::event_type::degraded) continue;
      count++;
      CHECK(event->choice == mt::degrade_choice::drop);
      CHECK(event->file_index == 0 && event->stream_index == 1 && event->repeated == 3);
      CHECK_EQUAL(event->stage, std::string("encode"));
    }
    CHECK_EQUAL(count, 1);
  }
  CHECK(nothing_left(engine));
}
