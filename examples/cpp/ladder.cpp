// ladder: makes several renditions of one film, from one decode.
//
//     ladder INPUT FOLDER [HEIGHT ...]        heights in pixels, default: 720 480 240
//
// Writes FOLDER/720.mp4 and so on: H.264 with AAC where there is sound, key frames at the same times in all, as a player that
// switches between them needs. Progress is shown on stderr.
//
//     c++ -std=c++17 ladder.cpp $(pkg-config --cflags --libs mt_transcode) -o ladder

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "mt_transcode/mt_transcode.hpp"

namespace {

struct request {
  std::string source;
  std::filesystem::path folder;
  std::vector<int> heights;
};

// A rough bit rate in kbit/s for a height: what a 16:9 film of that height needs at 25 frames a second.
int bit_rate(int height) { return height * height * 4 / 1000 + 150; }

std::string name_of(int height) { return "v" + std::to_string(height); }

// `[0:v]split=2[s0][s1];[s0]scale=-2:720[v720];[s1]scale=-2:480[v480]`: the film is decoded once, and scaled for each.
std::string filters(const std::vector<int>& heights) {
  std::string split = "[0:v]split=" + std::to_string(heights.size());
  std::string scale;
  for (std::size_t i = 0; i < heights.size(); i++) {
    const std::string pad = "[s" + std::to_string(i) + "]";
    split += pad;
    scale += ";" + pad + "scale=-2:" + std::to_string(heights[i]) + "[" + name_of(heights[i]) + "]";
  }
  return split + scale;
}

void add_rendition(mt::job& job, const request& wanted, int height) {
  const std::string rate = std::to_string(bit_rate(height)) + "k";
  const std::string path = (wanted.folder / (std::to_string(height) + ".mp4")).string();
  job.add_output(path)
      .option("map", "[" + name_of(height) + "]")
      .option("map", "0:a?")  // sound, if there is any
      .option("c:v", "libx264")
      .option("preset", "veryfast")
      .option("b:v", rate)
      .option("maxrate", rate)
      .option("bufsize", std::to_string(bit_rate(height) * 2) + "k")
      .option("force_key_frames", "expr:gte(t,n_forced*2)")
      .option("c:a", "aac")
      .option("b:a", "96k")
      .option("movflags", "+faststart");
}

void show(const mt::event& event) {
  switch (event.type) {
    case mt::event_type::progress:
      if (event.percent) std::fprintf(stderr, "\r%5.1f %%", *event.percent);
      std::fprintf(stderr, "  %.0f frames/s, %.1fx ", event.fps, event.speed);
      if (event.time_left) std::fprintf(stderr, ", %lld s left  ", static_cast<long long>(event.time_left->count() / 1000000));
      std::fprintf(stderr, "\r");
      break;
    case mt::event_type::output_finished:
      std::fprintf(stderr, "\nrendition %d: %s\n", event.file_index, event.code == 0 ? "finished" : event.text.c_str());
      break;
    case mt::event_type::log:
      if (event.level <= 24) std::fprintf(stderr, "[%s] %s\n", event.stage.c_str(), event.text.c_str());
      break;
    default:
      break;
  }
}

void make_ladder(const request& wanted) {
  mt::engine_config config;
  config.log_mode = mt::log_mode::take;
  mt::engine engine(config);
  mt::job job = engine.new_job();
  job.add_input(wanted.source);
  job.option("filter_complex", filters(wanted.heights));
  for (const int height : wanted.heights) add_rendition(job, wanted, height);
  std::filesystem::create_directories(wanted.folder);
  job.start();
  while (const std::optional<mt::event> event = job.next_event()) show(*event);
  job.wait();  // throws what the job failed with
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: ladder INPUT FOLDER [HEIGHT ...]\n");
    return 2;
  }
  request wanted{argv[1], argv[2], {}};
  for (int i = 3; i < argc; i++) wanted.heights.push_back(std::atoi(argv[i]));
  if (wanted.heights.empty()) wanted.heights = {720, 480, 240};
  for (const int height : wanted.heights) {
    if (height >= 16 && height % 2 == 0) continue;
    std::fprintf(stderr, "ladder: a height is an even number of pixels, from 16\n");
    return 2;
  }
  try {
    make_ladder(wanted);
  } catch (const mt::error& error) {
    std::fprintf(stderr, "ladder: %s\n", error.what());
    if (!error.hint().empty()) std::fprintf(stderr, "        %s\n", error.hint().c_str());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ladder: %s\n", error.what());
    return 1;
  }
}
