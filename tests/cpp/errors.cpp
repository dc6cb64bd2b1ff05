// Scenarios s08 to s10, s17, s22, s24, s90: what goes wrong, and what is said about it.
#include <filesystem>
#include <fstream>

#include "media.hpp"

using namespace test;

// What a job fails with: thrown by `run`, so that the exception itself is tested too.
static mt::failure failure_of(mt::engine& engine, const args& described) {
  try {
    engine.run(described);
  } catch (const mt::error& error) {
    CHECK_EQUAL(std::string(error.what()), error.message());
    return error.whole();
  }
  CHECK(!"a failure");
  throw ended();
}

SCENARIO(s08_missing_file) {
  mt::engine engine = new_engine();
  const std::string missing = temporary("missing.mp4");
  const mt::failure failure = failure_of(engine, {"-i", missing, "-c", "copy", "-f", "null", "-"});
  CHECK_EQUAL(failure.code, -ENOENT);
  CHECK_EQUAL(failure.name, "ENOENT");
  CHECK_EQUAL(failure.stage, "open input");
  CHECK_EQUAL(failure.input_index, 0);
  CHECK_EQUAL(failure.output_index, -1);
  CHECK_CONTAINS(failure.url, missing);
  CHECK(!failure.message.empty());
  CHECK(!failure.hint.empty());
  const mt::result<std::string> probed = engine.try_probe(missing, {}, patience());
  CHECK_EQUAL(probed.code(), -ENOENT);
  CHECK(!probed.failed().message.empty());
}

SCENARIO(s09_not_media) {
  mt::engine engine = new_engine();
  const std::string text = temporary("x.mp4");
  std::ofstream file(text);
  for (int i = 0; i < 100; i++) file << "This is a letter, not a film. Line " << i << ".\n";
  file.close();
  const mt::failure failure = failure_of(engine, {"-i", text, "-c", "copy", "-f", "null", "-"});
  CHECK_EQUAL(failure.code, MT_TRANSCODE_EDEMUX);
  CHECK_CONTAINS(failure.url, text);
}

SCENARIO(s10_unknown_names) {
  mt::engine engine = new_engine();
  const auto refused = [&](const args& described, const std::string& unknown) {
    args whole{"-i", clip()};
    whole.insert(whole.end(), described.begin(), described.end());
    const mt::failure failure = failure_of(engine, whole);
    CHECK_CONTAINS(failure.message, unknown);
    return failure.code;
  };
  CHECK_EQUAL(refused({"-nosuchoption", "1", "-f", "null", "-"}, "nosuchoption"), MT_TRANSCODE_EOPTION);
  CHECK_EQUAL(refused({"-c:v", "nosuchencoder", "-f", "null", "-"}, "nosuchencoder"), MT_TRANSCODE_EOPTION);
  CHECK_EQUAL(refused({"-c", "copy", "-f", "nosuchformat", "-"}, "nosuchformat"), MT_TRANSCODE_EOPTION);
  const int code = refused({"-vf", "nosuchfilter", "-f", "null", "-"}, "nosuchfilter");
  CHECK(code == MT_TRANSCODE_EFILTER || code == MT_TRANSCODE_EOPTION);
  mt::job job = engine.new_job();
  const mt::result<void> set = job.add_output("x.mkv").try_option("nosuchoption", "1");
  CHECK_EQUAL(set.code(), MT_TRANSCODE_EOPTION);
  CHECK_CONTAINS(set.failed().message, "nosuchoption");
}

SCENARIO(s17_not_utf8) {
  mt::engine engine = new_engine();
  mt::job job = engine.new_job();
  CHECK_EQUAL(job.try_set_label("la\xff").code(), -EILSEQ);
  CHECK_EQUAL(job.try_option("metadata\xff", "x").code(), -EILSEQ);
  // Names of files and values of options are bytes.
  CHECK_EQUAL(job.try_set_args({"-i", "in\xff.mp4", "out.mp4"}).code(), 0);
  CHECK_EQUAL(job.try_add_input("in\xff.mp4").code(), 0);
  CHECK_EQUAL(job.try_add_output("out\xff.mp4").code(), 0);
  CHECK_EQUAL(job.add_output("out.mp4").try_option("metadata", "title=\xfe").code(), 0);
  CHECK_EQUAL(engine.try_probe("in\xff.mp4").code(), -ENOENT);
  // A NUL would end the string early in C.
  const std::string_view cut("la\0bel", 6);
  CHECK_EQUAL(job.try_set_label(cut).code(), -EINVAL);
  CHECK_EQUAL(job.try_add_input(cut).code(), -EINVAL);
  CHECK_EQUAL(job.try_option("metadata", cut).code(), -EINVAL);
  CHECK_EQUAL(job.try_set_args({"-i", cut}).code(), -EINVAL);
  CHECK_EQUAL(engine.try_probe(cut).code(), -EINVAL);
}

SCENARIO(s22_secrets) {
  mt::engine engine = new_engine();
  mt::job job = engine.new_job();
  const args described{"-i", "http://user:hunter2@127.0.0.1:1/live?token=hunter2", "-c", "copy", "-f", "null", "-"};
  CHECK(attempt(job, described) < 0);
  std::string all;
  while (const std::optional<mt::event> event = job.next_event(patience())) {
    all += event->label + '\n' + event->stage + '\n' + event->text + '\n' + event->json + '\n';
  }
  const std::optional<mt::failure> failure = job.last_failure();
  REQUIRE(failure.has_value());
  CHECK_CONTAINS(failure->url, "127.0.0.1");
  all += failure->stage + '\n' + failure->url + '\n' + failure->ffmpeg_text + '\n' + failure->message + '\n' + failure->hint +
         '\n' + failure->detail + '\n' + job.command(MT_TRANSCODE_COMMAND_MASKED) + '\n' + engine.jobs();
  const std::size_t place = all.find("hunter2");
  CHECK_EQUAL(place == std::string::npos ? "" : all.substr(place > 100 ? place - 100 : 0, 200), "");
  CHECK_CONTAINS(job.command(), "hunter2");  // the whole command can be replayed
}

SCENARIO(s24_cannot_write) {
  mt::engine engine = new_engine();
  const std::string lost = temporary("no/such/folder/out.mkv");
  CHECK_EQUAL(failure_of(engine, {"-i", clip(), "-c", "copy", "-f", "matroska", "/dev/full"}).code, -ENOSPC);
  const mt::failure failure = failure_of(engine, {"-i", clip(), "-c", "copy", lost});
  CHECK_EQUAL(failure.code, -ENOENT);
  CHECK_EQUAL(failure.output_index, 0);
  CHECK_CONTAINS(failure.url, lost);
}

SCENARIO(s90_capture) {
  const std::string text = temporary("letter.mp4");
  std::ofstream file(text);
  for (int i = 0; i < 100; i++) file << "This is a letter, not a film. Line " << i << ".\n";
  file.close();
  mt::engine_config config;
  config.capture_count = 3;
  CHECK_EQUAL(mt::engine::try_make(config).code(), -EINVAL);
  config.capture_on_failure = temporary("captures");
  config.retries_crashed = config.quarantines_crashed = true;
  mt::engine engine(config);
  const mt::failure failure = failure_of(engine, {"-i", text, "-f", "null", "-"});
  CHECK_EQUAL(failure.code, MT_TRANSCODE_EDEMUX);
  const std::filesystem::directory_iterator captures(config.capture_on_failure);
  CHECK(std::filesystem::exists(captures->path() / "command.json"));
  CHECK_CONTAINS(failure.detail, captures->path().string());
  CHECK_EQUAL(engine.quarantine(), "[]");
  CHECK_EQUAL(engine.clear_quarantine(), 0);
}
