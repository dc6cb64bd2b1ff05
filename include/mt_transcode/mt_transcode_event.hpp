// mt-transcode for C++17: events and numbers. Included by mt_transcode.hpp, which one includes.
// SPDX-License-Identifier: MIT OR Apache-2.0

#ifndef MT_TRANSCODE_EVENT_HPP
#define MT_TRANSCODE_EVENT_HPP

#include "mt_transcode_file.hpp"
#include "mt_transcode_result.hpp"

namespace mt {

enum class job_state : std::uint32_t {
  created = MT_TRANSCODE_STATE_NEW,
  queued = MT_TRANSCODE_STATE_QUEUED,
  opening = MT_TRANSCODE_STATE_OPENING,
  running = MT_TRANSCODE_STATE_RUNNING,
  stopping = MT_TRANSCODE_STATE_STOPPING,
  succeeded = MT_TRANSCODE_STATE_SUCCEEDED,
  failed = MT_TRANSCODE_STATE_FAILED,
  cancelled = MT_TRANSCODE_STATE_CANCELLED,
};

// Whether a job in this state has ended.
constexpr bool is_final(job_state state) noexcept {
  return state == job_state::succeeded || state == job_state::failed || state == job_state::cancelled;
}

// Ignore a type that you do not know: newer libraries may have more.
enum class event_type : std::uint32_t {
  state = MT_TRANSCODE_EVENT_STATE,
  input_opened = MT_TRANSCODE_EVENT_INPUT_OPENED,
  progress = MT_TRANSCODE_EVENT_PROGRESS,
  log = MT_TRANSCODE_EVENT_LOG,
  output_finished = MT_TRANSCODE_EVENT_OUTPUT_FINISHED,
  done = MT_TRANSCODE_EVENT_DONE,
  pipe_high_water = MT_TRANSCODE_EVENT_PIPE_HIGH_WATER,
  source = MT_TRANSCODE_EVENT_SOURCE,
  degraded = MT_TRANSCODE_EVENT_DEGRADED,
};

// What is done of a stream that cannot be made as it was asked for (the option mt_degrade).
enum class degrade_choice : std::uint32_t {
  fail = MT_TRANSCODE_DEGRADED_FAIL,
  drop = MT_TRANSCODE_DEGRADED_DROP,
  copy = MT_TRANSCODE_DEGRADED_COPY,
};

// What a job tells. Which fields a type fills stands at mt_transcode_event.
struct event {
  event_type type{};
  std::uint64_t sequence = 0;
  std::chrono::microseconds time{};  // since the start of the job
  job_state state{};
  source_state source{};  // event_type::source
  degrade_choice choice{};  // event_type::degraded
  int code = 0;
  int level = 0;  // FFmpeg's: 16 error, 24 warning, 32 information
  int file_index = -1;
  int stream_index = -1;
  std::uint32_t repeated = 0;
  std::chrono::microseconds position{};
  std::optional<std::chrono::microseconds> duration;
  std::optional<std::chrono::microseconds> time_left;
  std::uint64_t frames = 0;
  std::uint64_t size_bytes = 0;
  double fps = 0;
  double speed = 0;
  std::optional<double> percent;
  std::string label;
  std::string stage;
  std::string text;
  std::string json;

  // Copies the C object and frees it.
  static event take(mt_transcode_event* raw) {
    const detail::owned<mt_transcode_event> freed(raw);
    event made;
    made.type = static_cast<event_type>(raw->event_type);
    made.sequence = raw->sequence;
    made.time = std::chrono::microseconds(raw->time_us);
    if (made.type == event_type::source) {
      made.source = static_cast<source_state>(raw->state);
    } else if (made.type == event_type::degraded) {
      made.choice = static_cast<degrade_choice>(raw->state);
    } else {
      made.state = static_cast<job_state>(raw->state);
    }
    made.code = raw->code;
    made.level = raw->level;
    made.file_index = raw->file_index;
    made.stream_index = raw->stream_index;
    made.repeated = raw->repeated;
    made.take_progress(*raw);
    made.label = raw->label;
    made.stage = raw->stage;
    made.text = raw->text;
    made.json = raw->json;
    return made;
  }

 private:
  void take_progress(const mt_transcode_event& raw) {
    if (type == event_type::progress) {
      duration = detail::known(raw.duration_us);
      time_left = detail::known(raw.time_left_us);
      if (raw.percent >= 0) percent = raw.percent;
    }
    position = std::chrono::microseconds(raw.position_us);
    frames = raw.frames;
    size_bytes = raw.size_bytes;
    fps = raw.fps;
    speed = raw.speed;
  }
};

// Numbers of a job, of an engine, and of a shutdown: the structs of C, as they are plain data.
using job_stats = mt_transcode_job_stats_data;
using engine_stats = mt_transcode_engine_stats_data;
using shutdown_counts = mt_transcode_shutdown_counts;

// How many jobs of an engine ended with `code`.
inline std::uint64_t count_of(const engine_stats& stats, int code) noexcept {
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < stats.results_used; i++) count += stats.results[i].code == code ? stats.results[i].count : 0;
  return count;
}

}  // namespace mt

#endif  // MT_TRANSCODE_EVENT_HPP
