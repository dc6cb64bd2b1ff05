/* The layout of every struct of the interface, frozen: a program that was compiled with one header works with a library that was
 * compiled with another. Nothing here runs; it only has to compile, as C99, as C11 and as C++17.
 *
 * A struct that grows gets its new fields at the end: then its SIZE here changes, and lines are added, but no line does. */
#include "mt_transcode/mt_transcode.h"

#if defined(__cplusplus)
#define HOLDS(name, condition) static_assert(condition, #condition)
#elif __STDC_VERSION__ >= 201112L
#define HOLDS(name, condition) _Static_assert(condition, #condition)
#else /* C99 has no assertion of its own: an array of a negative size does not compile */
#define HOLDS(name, condition) typedef char holds_##name[(condition) ? 1 : -1]
#endif

#define SIZE(type, bytes) HOLDS(type, sizeof(type) == (bytes))
#define FIELD(type, field, bytes) HOLDS(type##_##field, offsetof(type, field) == (bytes))

HOLDS(pointers_of_64_bits, sizeof(void *) == 8);
HOLDS(abi, MT_TRANSCODE_ABI_VERSION == 0);

SIZE(mt_transcode_engine_config, 128);
FIELD(mt_transcode_engine_config, struct_size, 0);
FIELD(mt_transcode_engine_config, max_running, 4);
FIELD(mt_transcode_engine_config, max_queued, 8);
FIELD(mt_transcode_engine_config, flags, 12);
FIELD(mt_transcode_engine_config, log_mode, 16);
FIELD(mt_transcode_engine_config, queue_timeout_ms, 20);
FIELD(mt_transcode_engine_config, link_budget_bytes, 24);
FIELD(mt_transcode_engine_config, memory_budget_bytes, 32);
FIELD(mt_transcode_engine_config, crash_path, 40);
FIELD(mt_transcode_engine_config, crash_fd, 48);
FIELD(mt_transcode_engine_config, isolation, 52);
FIELD(mt_transcode_engine_config, worker_path, 56);
FIELD(mt_transcode_engine_config, worker_memory_bytes, 64);
FIELD(mt_transcode_engine_config, worker_cpu_seconds, 72);
FIELD(mt_transcode_engine_config, worker_descriptors, 76);
FIELD(mt_transcode_engine_config, capture_path, 80);
FIELD(mt_transcode_engine_config, capture_bytes, 88);
FIELD(mt_transcode_engine_config, capture_count, 96);
FIELD(mt_transcode_engine_config, on_crash, 100);
FIELD(mt_transcode_engine_config, worker_sandbox, 104);
FIELD(mt_transcode_engine_config, hang_timeout_ms, 108);
FIELD(mt_transcode_engine_config, threads_per_job, 112);
FIELD(mt_transcode_engine_config, niceness, 116);
FIELD(mt_transcode_engine_config, reserved, 120);

SIZE(mt_transcode_error, 80);
FIELD(mt_transcode_error, struct_size, 0);
FIELD(mt_transcode_error, code, 4);
FIELD(mt_transcode_error, ffmpeg_code, 8);
FIELD(mt_transcode_error, input_index, 12);
FIELD(mt_transcode_error, output_index, 16);
FIELD(mt_transcode_error, stream_index, 20);
FIELD(mt_transcode_error, name, 24);
FIELD(mt_transcode_error, stage, 32);
FIELD(mt_transcode_error, url, 40);
FIELD(mt_transcode_error, ffmpeg_text, 48);
FIELD(mt_transcode_error, message, 56);
FIELD(mt_transcode_error, hint, 64);
FIELD(mt_transcode_error, detail, 72);

SIZE(mt_transcode_shutdown_counts, 24);
FIELD(mt_transcode_shutdown_counts, struct_size, 0);
FIELD(mt_transcode_shutdown_counts, finished, 4);
FIELD(mt_transcode_shutdown_counts, stopped, 8);
FIELD(mt_transcode_shutdown_counts, cancelled, 12);
FIELD(mt_transcode_shutdown_counts, never_ran, 16);
FIELD(mt_transcode_shutdown_counts, detached, 20);

SIZE(mt_transcode_event, 144);
FIELD(mt_transcode_event, struct_size, 0);
FIELD(mt_transcode_event, event_type, 4);
FIELD(mt_transcode_event, sequence, 8);
FIELD(mt_transcode_event, time_us, 16);
FIELD(mt_transcode_event, state, 24);
FIELD(mt_transcode_event, code, 28);
FIELD(mt_transcode_event, level, 32);
FIELD(mt_transcode_event, file_index, 36);
FIELD(mt_transcode_event, stream_index, 40);
FIELD(mt_transcode_event, repeated, 44);
FIELD(mt_transcode_event, position_us, 48);
FIELD(mt_transcode_event, duration_us, 56);
FIELD(mt_transcode_event, time_left_us, 64);
FIELD(mt_transcode_event, frames, 72);
FIELD(mt_transcode_event, size_bytes, 80);
FIELD(mt_transcode_event, fps, 88);
FIELD(mt_transcode_event, speed, 96);
FIELD(mt_transcode_event, percent, 104);
FIELD(mt_transcode_event, label, 112);
FIELD(mt_transcode_event, stage, 120);
FIELD(mt_transcode_event, text, 128);
FIELD(mt_transcode_event, json, 136);

SIZE(mt_transcode_output_stats_data, 88);
FIELD(mt_transcode_output_stats_data, struct_size, 0);
FIELD(mt_transcode_output_stats_data, state, 4);
FIELD(mt_transcode_output_stats_data, code, 8);
FIELD(mt_transcode_output_stats_data, reserved32, 12);
FIELD(mt_transcode_output_stats_data, packets_written, 16);
FIELD(mt_transcode_output_stats_data, size_bytes, 24);
FIELD(mt_transcode_output_stats_data, position_us, 32);
FIELD(mt_transcode_output_stats_data, packets_queued, 40);
FIELD(mt_transcode_output_stats_data, bytes_queued, 48);
FIELD(mt_transcode_output_stats_data, bytes_queued_peak, 56);
FIELD(mt_transcode_output_stats_data, packets_dropped, 64);
FIELD(mt_transcode_output_stats_data, bytes_dropped, 72);
FIELD(mt_transcode_output_stats_data, skips, 80);

SIZE(mt_transcode_job_stats_data, 208);
FIELD(mt_transcode_job_stats_data, struct_size, 0);
FIELD(mt_transcode_job_stats_data, state, 4);
FIELD(mt_transcode_job_stats_data, position_us, 8);
FIELD(mt_transcode_job_stats_data, duration_us, 16);
FIELD(mt_transcode_job_stats_data, time_left_us, 24);
FIELD(mt_transcode_job_stats_data, elapsed_us, 32);
FIELD(mt_transcode_job_stats_data, queue_wait_us, 40);
FIELD(mt_transcode_job_stats_data, open_us, 48);
FIELD(mt_transcode_job_stats_data, first_output_us, 56);
FIELD(mt_transcode_job_stats_data, frames, 64);
FIELD(mt_transcode_job_stats_data, frames_duplicated, 72);
FIELD(mt_transcode_job_stats_data, frames_dropped, 80);
FIELD(mt_transcode_job_stats_data, size_bytes, 88);
FIELD(mt_transcode_job_stats_data, packets_read, 96);
FIELD(mt_transcode_job_stats_data, packets_written, 104);
FIELD(mt_transcode_job_stats_data, packets_corrupt, 112);
FIELD(mt_transcode_job_stats_data, decode_errors, 120);
FIELD(mt_transcode_job_stats_data, timestamps_repaired, 128);
FIELD(mt_transcode_job_stats_data, link_bytes, 136);
FIELD(mt_transcode_job_stats_data, link_bytes_peak, 144);
FIELD(mt_transcode_job_stats_data, log_lines_dropped, 152);
FIELD(mt_transcode_job_stats_data, threads, 160);
FIELD(mt_transcode_job_stats_data, fps, 168);
FIELD(mt_transcode_job_stats_data, speed, 176);
FIELD(mt_transcode_job_stats_data, percent, 184);
FIELD(mt_transcode_job_stats_data, encode_errors, 192);
FIELD(mt_transcode_job_stats_data, packets_skipped, 200);

SIZE(mt_transcode_result_count, 16);
FIELD(mt_transcode_result_count, code, 0);
FIELD(mt_transcode_result_count, reserved, 4);
FIELD(mt_transcode_result_count, count, 8);

SIZE(mt_transcode_histogram, 144);
FIELD(mt_transcode_histogram, count, 0);
FIELD(mt_transcode_histogram, sum_us, 8);
FIELD(mt_transcode_histogram, buckets, 16);

SIZE(mt_transcode_engine_stats_data, 1352);
FIELD(mt_transcode_engine_stats_data, struct_size, 0);
FIELD(mt_transcode_engine_stats_data, health, 4);
FIELD(mt_transcode_engine_stats_data, jobs, 8);
FIELD(mt_transcode_engine_stats_data, jobs_running, 16);
FIELD(mt_transcode_engine_stats_data, jobs_queued, 24);
FIELD(mt_transcode_engine_stats_data, pipes, 32);
FIELD(mt_transcode_engine_stats_data, threads, 40);
FIELD(mt_transcode_engine_stats_data, threads_idle, 48);
FIELD(mt_transcode_engine_stats_data, descriptors, 56);
FIELD(mt_transcode_engine_stats_data, queued_bytes, 64);
FIELD(mt_transcode_engine_stats_data, detached, 72);
FIELD(mt_transcode_engine_stats_data, jobs_started, 80);
FIELD(mt_transcode_engine_stats_data, jobs_refused, 88);
FIELD(mt_transcode_engine_stats_data, results_used, 96);
FIELD(mt_transcode_engine_stats_data, reserved32, 100);
FIELD(mt_transcode_engine_stats_data, results, 104);
FIELD(mt_transcode_engine_stats_data, queue_wait, 616);
FIELD(mt_transcode_engine_stats_data, open, 760);
FIELD(mt_transcode_engine_stats_data, first_output, 904);
FIELD(mt_transcode_engine_stats_data, duration, 1048);
FIELD(mt_transcode_engine_stats_data, health_reason, 1192);
FIELD(mt_transcode_engine_stats_data, memory_reserved_bytes, 1320);
FIELD(mt_transcode_engine_stats_data, memory_budget_bytes, 1328);
FIELD(mt_transcode_engine_stats_data, quarantined, 1336);
FIELD(mt_transcode_engine_stats_data, jobs_retried, 1344);

SIZE(mt_transcode_pipe_config, 56);
FIELD(mt_transcode_pipe_config, struct_size, 0);
FIELD(mt_transcode_pipe_config, chunk_bytes, 4);
FIELD(mt_transcode_pipe_config, capacity_bytes, 8);
FIELD(mt_transcode_pipe_config, flush_interval_ms, 16);
FIELD(mt_transcode_pipe_config, high_water_percent, 20);
FIELD(mt_transcode_pipe_config, reserved, 24);

SIZE(mt_transcode_pipe_stats_data, 88);
FIELD(mt_transcode_pipe_stats_data, struct_size, 0);
FIELD(mt_transcode_pipe_stats_data, closed, 4);
FIELD(mt_transcode_pipe_stats_data, capacity_bytes, 8);
FIELD(mt_transcode_pipe_stats_data, chunk_bytes, 16);
FIELD(mt_transcode_pipe_stats_data, fill_bytes, 24);
FIELD(mt_transcode_pipe_stats_data, high_water_bytes, 32);
FIELD(mt_transcode_pipe_stats_data, written_bytes, 40);
FIELD(mt_transcode_pipe_stats_data, read_bytes, 48);
FIELD(mt_transcode_pipe_stats_data, writes, 56);
FIELD(mt_transcode_pipe_stats_data, reads, 64);
FIELD(mt_transcode_pipe_stats_data, full_us, 72);
FIELD(mt_transcode_pipe_stats_data, empty_us, 80);

SIZE(mt_transcode_io, 56);
FIELD(mt_transcode_io, struct_size, 0);
FIELD(mt_transcode_io, reserved32, 4);
FIELD(mt_transcode_io, user, 8);
FIELD(mt_transcode_io, read, 16);
FIELD(mt_transcode_io, write, 24);
FIELD(mt_transcode_io, seek, 32);
FIELD(mt_transcode_io, size, 40);
FIELD(mt_transcode_io, release, 48);

SIZE(mt_transcode_store, 64);
FIELD(mt_transcode_store, struct_size, 0);
FIELD(mt_transcode_store, reserved32, 4);
FIELD(mt_transcode_store, user, 8);
FIELD(mt_transcode_store, open, 16);
FIELD(mt_transcode_store, write, 24);
FIELD(mt_transcode_store, seek, 32);
FIELD(mt_transcode_store, close, 40);
FIELD(mt_transcode_store, remove, 48);
FIELD(mt_transcode_store, release, 56);
