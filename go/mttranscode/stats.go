package mttranscode

// #include "library.h"
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// JobStats is what a job has done so far. Numbers only grow, but for LinkBytes and the estimates.
type JobStats struct {
	State State
	// Position is the time written so far.
	Position time.Duration
	// Duration is the time that the job will have written at its end, TimeLeft the estimated time until then; -1
	// where unknown.
	Duration, TimeLeft time.Duration
	// Elapsed is the time since the job began to run, QueueWait the time before, in the queue.
	Elapsed, QueueWait time.Duration
	// Open is the time until all inputs and outputs were open, FirstOutput until the first packet went to a muxer; 0
	// before.
	Open, FirstOutput time.Duration
	// Frames counts the frames written to the first video stream; others were duplicated or dropped to keep the frame
	// rate.
	Frames, FramesDuplicated, FramesDropped uint64
	// SizeBytes counts the bytes written by the muxers.
	SizeBytes uint64
	// Packets read from the demuxers, and given to the muxers.
	PacketsRead, PacketsWritten uint64
	// PacketsCorrupt were marked so by a demuxer, DecodeErrors refused by a decoder.
	PacketsCorrupt, DecodeErrors uint64
	// EncodeErrors were refused by an encoder, PacketsSkipped by a bitstream filter or a muxer, and left out.
	EncodeErrors, PacketsSkipped uint64
	// TimestampsRepaired were changed so that they grow, as the muxer needs it.
	TimestampsRepaired uint64
	// LinkBytes wait between the job's threads now, and waited at the highest.
	LinkBytes, LinkBytesPeak uint64
	// LogLinesDropped is how many log lines were dropped because nobody pulled the events.
	LogLinesDropped uint64
	// Threads of the library that the job has now; FFmpeg's codec threads are not counted.
	Threads uint64
	// FPS is frames written per second of real time, Speed media time per real time.
	FPS, Speed float64
	// Percent is 0 to 100; -1 where the duration is unknown.
	Percent float64
}

// Stats returns the numbers of the job, now or at its end. It never blocks.
func (j *Job) Stats() (JobStats, error) {
	var from C.mt_transcode_job_stats_data
	from.struct_size = C.uint32_t(unsafe.Sizeof(from))
	if err := j.check(C.mt_transcode_job_stats(j.handle, &from)); err != nil {
		return JobStats{}, err
	}
	return JobStats{
		State:    State(from.state),
		Position: fromMicroseconds(from.position_us), Duration: fromMicroseconds(from.duration_us),
		TimeLeft: fromMicroseconds(from.time_left_us), Elapsed: fromMicroseconds(from.elapsed_us),
		QueueWait: fromMicroseconds(from.queue_wait_us), Open: fromMicroseconds(from.open_us),
		FirstOutput: fromMicroseconds(from.first_output_us),
		Frames:      uint64(from.frames), FramesDuplicated: uint64(from.frames_duplicated),
		FramesDropped: uint64(from.frames_dropped), SizeBytes: uint64(from.size_bytes),
		PacketsRead: uint64(from.packets_read), PacketsWritten: uint64(from.packets_written),
		PacketsCorrupt: uint64(from.packets_corrupt), DecodeErrors: uint64(from.decode_errors),
		EncodeErrors: uint64(from.encode_errors), PacketsSkipped: uint64(from.packets_skipped),
		TimestampsRepaired: uint64(from.timestamps_repaired),
		LinkBytes:          uint64(from.link_bytes), LinkBytesPeak: uint64(from.link_bytes_peak),
		LogLinesDropped: uint64(from.log_lines_dropped), Threads: uint64(from.threads),
		FPS: float64(from.fps), Speed: float64(from.speed), Percent: float64(from.percent),
	}, nil
}

// Health is how an engine stands.
type Health uint32

const (
	// HealthOK: the engine takes jobs.
	HealthOK Health = C.MT_TRANSCODE_HEALTH_OK
	// HealthFull: the engine runs and queues as many jobs as it may.
	HealthFull Health = C.MT_TRANSCODE_HEALTH_FULL
	// HealthDegraded: the engine works, but not as it should, or was shut down.
	HealthDegraded Health = C.MT_TRANSCODE_HEALTH_DEGRADED
)

// Histogram counts durations in fixed buckets.
type Histogram struct {
	Count uint64
	Sum   time.Duration
	// Buckets are in growing order.
	Buckets []HistogramBucket
}

// HistogramBucket counts the durations above the bound of the bucket before and at most Bound, which is -1 for the
// last: it has none.
type HistogramBucket struct {
	Bound time.Duration
	Count uint64
}

// EngineStats is what an engine does and has done.
type EngineStats struct {
	Health Health
	// HealthReason says why the health is what it is; empty when OK.
	HealthReason string
	// Now: jobs that exist (not closed), that run, and that wait in the queue.
	Jobs, JobsRunning, JobsQueued uint64
	// Now: threads of the library that work for jobs, and that wait to be used again (they end after some seconds).
	Threads, ThreadsIdle uint64
	// Now: descriptors that the library made. Those that FFmpeg opens for files are not counted.
	Descriptors uint64
	// Now: pipes, those that jobs made for readers and writers too.
	Pipes uint64
	// Now: bytes that wait: packets and frames between threads, and what is in pipes.
	QueuedBytes uint64
	// Now: how much native memory pipes and jobs have reserved; and how much they may, see [WithMemoryBudget].
	MemoryReserved, MemoryBudget uint64
	// Now: jobs that were closed, or waited for in vain, while a call of theirs could not be interrupted.
	Detached uint64
	// Now: inputs in quarantine, see [WithQuarantine]. Ever: jobs that were run once more, see [WithRetry].
	Quarantined, JobsRetried uint64
	// Ever: jobs that were started, and that were refused with [ErrAgain].
	JobsStarted, JobsRefused uint64
	// Results counts the jobs that ended, by result; 0 is success.
	Results map[Code]uint64
	// Time in the queue; until all files were open; until the first packet was written; from start of running to the
	// end.
	QueueWait, Open, FirstOutput, Duration Histogram
}

// Stats returns the numbers of the engine. It never blocks for long.
func (e *Engine) Stats() (EngineStats, error) {
	defer runtime.KeepAlive(e)
	var from C.mt_transcode_engine_stats_data
	from.struct_size = C.uint32_t(unsafe.Sizeof(from))
	if code := C.mt_transcode_engine_stats(e.poller.engine, &from); code < 0 {
		return EngineStats{}, callError(code)
	}
	stats := EngineStats{
		Health: Health(from.health), HealthReason: healthReason(&from),
		Jobs: uint64(from.jobs), JobsRunning: uint64(from.jobs_running), JobsQueued: uint64(from.jobs_queued),
		Pipes: uint64(from.pipes), MemoryReserved: uint64(from.memory_reserved_bytes), MemoryBudget: uint64(from.memory_budget_bytes),
		Threads: uint64(from.threads), ThreadsIdle: uint64(from.threads_idle),
		Descriptors: uint64(from.descriptors), QueuedBytes: uint64(from.queued_bytes), Detached: uint64(from.detached),
		JobsStarted: uint64(from.jobs_started), JobsRefused: uint64(from.jobs_refused),
		Quarantined: uint64(from.quarantined), JobsRetried: uint64(from.jobs_retried),
		Results:   make(map[Code]uint64, from.results_used),
		QueueWait: takeHistogram(&from.queue_wait), Open: takeHistogram(&from.open),
		FirstOutput: takeHistogram(&from.first_output), Duration: takeHistogram(&from.duration),
	}
	for _, result := range from.results[:min(from.results_used, C.MT_TRANSCODE_RESULTS)] {
		stats.Results[Code(result.code)] = uint64(result.count)
	}
	return stats, nil
}

func healthReason(from *C.mt_transcode_engine_stats_data) string {
	reason := make([]byte, 0, len(from.health_reason))
	for _, char := range from.health_reason {
		if char == 0 {
			break
		}
		reason = append(reason, byte(char))
	}
	return string(reason)
}

func takeHistogram(from *C.mt_transcode_histogram) Histogram {
	histogram := Histogram{
		Count: uint64(from.count), Sum: fromMicroseconds(C.int64_t(from.sum_us)),
		Buckets: make([]HistogramBucket, len(from.buckets)),
	}
	for i, count := range from.buckets {
		bound := fromMicroseconds(C.mt_transcode_histogram_bound_us(C.uint32_t(i)))
		histogram.Buckets[i] = HistogramBucket{Bound: bound, Count: uint64(count)}
	}
	return histogram
}
