// Scenarios s01 to s04, s23, s28, s29: what the library is for.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <set>

#include "media.hpp"

using namespace test;

SCENARIO(s01_version_and_codes) {
  CHECK(mt::abi_matches());
  CHECK_CONTAINS(mt::version(), ".");
  std::set<std::string_view> names;
  for (int code = MT_TRANSCODE_EOPTION; code <= MT_TRANSCODE_EDEMUX; code++) {
    CHECK(names.insert(mt::name_of(code)).second);
    CHECK(!mt::name_of(code).empty());
    CHECK(mt::words_of(code) != mt::words_of(-987654));
  }
  for (const int code : {-ENOENT, -EINVAL, -EAGAIN, -ECANCELED, -ETIMEDOUT, -ESHUTDOWN}) {
    CHECK(names.insert(mt::name_of(code)).second);
    CHECK(mt::words_of(code) != mt::words_of(-987654));
  }
  CHECK(!mt::words_of(-987654).empty());
  CHECK_EQUAL(mt::name_of(MT_TRANSCODE_EDEMUX), "DEMUX");
  const mt::failure plain = mt::failure::of(-ENOENT);
  CHECK_EQUAL(plain.name, "ENOENT");
  CHECK_EQUAL(plain.input_index, -1);
}

SCENARIO(s02_generate) {
  mt::engine engine = new_engine();
  mt::job job = start_job(engine, {"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v",
                                   "libx264", "-preset", "ultrafast", "-c:a", "aac", temporary("generated.mp4")});
  CHECK(job.wait(patience()));
  CHECK_EQUAL(job.state(), mt::job_state::succeeded);
  CHECK(mt::is_final(job.state()));
}

SCENARIO(s03_probe) {
  mt::engine engine = new_engine();
  const probed file(engine, clip());
  CHECK_EQUAL(file.number("h264", "width"), 320);
  CHECK_EQUAL(file.number("h264", "height"), 240);
  CHECK(file.has("aac"));
  CHECK(std::fabs(file.duration() - 2) <= 0.1);
  CHECK_EQUAL(engine.try_probe(clip(), {{"f", "wav"}}, patience()).code(), MT_TRANSCODE_EDEMUX);  // options reach the demuxer
}

SCENARIO(s04_remux_by_functions) {
  mt::engine engine = new_engine();
  const std::string out = temporary("remuxed.mkv");
  mt::job job = engine.new_job();
  mt::input input = job.add_input(clip());
  input.commit();
  CHECK_EQUAL(input.try_commit().code(), -EALREADY);
  job.add_output(out).option("c", "copy").commit();
  job.start();
  CHECK(job.wait(patience()));
  const mt::job_stats stats = job.stats();
  CHECK(stats.packets_read > 0);
  CHECK_EQUAL(stats.packets_written, stats.packets_read);
  const probed file(engine, out);
  CHECK(file.has("h264"));
  CHECK(file.has("aac"));
}

// The words of a command line as a shell takes it apart, each in brackets on a line of its own.
static std::string split_by_shell(const std::string& command) {
  const std::string script = temporary("command.sh");
  std::ofstream(script) << "set -- " << command << "\nprintf '[%s]\\n' \"$@\"\n";
  std::string words;
  if (FILE* shell = popen(("sh '" + script + "'").c_str(), "r")) {
    for (int next; (next = std::fgetc(shell)) != EOF;) words += static_cast<char>(next);
    CHECK_EQUAL(pclose(shell), 0);
  }
  return words;
}

SCENARIO(s23_command) {
  const args described{"-f",   "lavfi",   "-i", "testsrc2=d=1:s=64x48", "-metadata", R"(title=it's a "$HOME" `x` \ *)",
                       "-c:v", "libx264", "-f", "matroska",             "/tmp/some one's file.mkv"};
  mt::engine engine = new_engine();
  const mt::job job = new_job(engine, described);
  const std::string words = split_by_shell(job.command());
  CHECK_EQUAL(job.command().rfind("ffmpeg ", 0), 0u);
  for (const std::string& argument : described) CHECK_CONTAINS(words, "[" + argument + "]\n");
  CHECK_EQUAL(job.command(MT_TRANSCODE_COMMAND_FFMPEG).rfind("ffmpeg ", 0), 0u);
  CHECK_EQUAL(job.try_command(1u << 30).code(), -EINVAL);
}

SCENARIO(s28_two_outputs_one_decode) {
  mt::engine engine = new_engine();
  const std::string small_file = temporary("small.mp4"), list = temporary("list.m3u8");
  mt::job job = engine.new_job();
  job.add_input(clip());
  job.add_output(small_file).option("s", "160x120").option("c:v", "libx264").option("preset", "ultrafast").option("an");
  job.add_output(list).option("f", "hls").option("c:v", "libx264").option("preset", "ultrafast").option("c:a", "aac");
  job.start();
  CHECK(job.wait(patience()));
  const probed first(engine, small_file), second(engine, list);
  CHECK_EQUAL(first.number("h264", "width"), 160);
  CHECK_EQUAL(first.number("h264", "height"), 120);
  CHECK(!first.has("aac"));
  CHECK(second.has("h264"));
  CHECK(second.has("aac"));
}

SCENARIO(s29_diagnostics) {
  const std::string json = mt::diagnostics();
  CHECK_CONTAINS(json, mt::version());
  CHECK_CONTAINS(json, "libavformat");
  CHECK_CONTAINS(json, "libavcodec");
  CHECK_CONTAINS(json, "licen");
  CHECK_CONTAINS(json, "GPL");
}
