//! Numbers: of a job, and of an engine.

use super::handle::{mt_transcode_engine, mt_transcode_job};
use super::structs::{self, Sized32};
use super::{guard, handle};
use crate::job::{EngineStats, HISTOGRAM_BOUNDS_US, Health, Histogram, JobStats};
use std::mem::size_of;

/// What a job has done so far. Numbers only grow, but for `link_bytes` and the estimates.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_job_stats_data {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// `MT_TRANSCODE_STATE_*`.
    pub state: u32,
    /// Time written so far, in microseconds.
    pub position_us: i64,
    /// The time that the job will have written at its end, in microseconds; -1 where unknown.
    pub duration_us: i64,
    /// Estimated time until the end, in microseconds; -1 where unknown.
    pub time_left_us: i64,
    /// Time since the job began to run, until now or its end, in microseconds.
    pub elapsed_us: i64,
    /// Time that the job waited in the queue, in microseconds.
    pub queue_wait_us: i64,
    /// Time from the start of running until all inputs and outputs were open, in microseconds; 0 before.
    pub open_us: i64,
    /// Time from the start of running until the first packet went to a muxer, in microseconds; 0 before.
    pub first_output_us: i64,
    /// Frames written to the first video stream.
    pub frames: u64,
    /// Frames that were duplicated, and dropped, to keep the frame rate.
    pub frames_duplicated: u64,
    pub frames_dropped: u64,
    /// Bytes written by the muxers.
    pub size_bytes: u64,
    /// Packets read from the demuxers, and given to the muxers.
    pub packets_read: u64,
    pub packets_written: u64,
    /// Packets that a demuxer marked as corrupt, and that a decoder refused.
    pub packets_corrupt: u64,
    pub decode_errors: u64,
    /// Timestamps that were changed so that they grow, as the muxer needs it.
    pub timestamps_repaired: u64,
    /// Bytes of packets and frames that wait between the job's threads now, and at the highest.
    pub link_bytes: u64,
    pub link_bytes_peak: u64,
    /// Log lines that were dropped because nobody pulled the events.
    pub log_lines_dropped: u64,
    /// Threads of ours that the job has now (FFmpeg's codec threads are not counted).
    pub threads: u64,
    /// Frames written per second of real time.
    pub fps: f64,
    /// Media time per real time.
    pub speed: f64,
    /// 0 to 100; -1 where the duration is unknown.
    pub percent: f64,
    /// Frames that an encoder refused and that were left out (the option "mt_degrade").
    pub encode_errors: u64,
    /// Packets that a bitstream filter or a muxer refused and that were left out ("mt_live", "mt_source", "mt_degrade").
    pub packets_skipped: u64,
}

// SAFETY: integers and floats only, without padding.
unsafe impl Sized32 for mt_transcode_job_stats_data {
    const SMALLEST: usize = size_of::<Self>();
}
const _: () = assert!(size_of::<mt_transcode_job_stats_data>() == 208);

impl mt_transcode_job_stats_data {
    fn from(stats: &JobStats) -> Self {
        let progress = &stats.progress;
        Self {
            struct_size: 0,
            state: stats.state.to_c(),
            position_us: progress.position_us,
            duration_us: progress.duration_us.unwrap_or(-1),
            time_left_us: progress.time_left_us().unwrap_or(-1),
            elapsed_us: progress.elapsed_us,
            queue_wait_us: stats.queue_wait_us,
            open_us: stats.open_us,
            first_output_us: stats.first_output_us,
            frames: progress.frames,
            frames_duplicated: stats.frames_duplicated,
            frames_dropped: stats.frames_dropped,
            size_bytes: progress.size_bytes,
            packets_read: stats.packets_read,
            packets_written: stats.packets_written,
            packets_corrupt: stats.packets_corrupt,
            decode_errors: stats.decode_errors,
            timestamps_repaired: stats.timestamps_repaired,
            link_bytes: stats.link_bytes,
            link_bytes_peak: stats.link_bytes_peak,
            log_lines_dropped: stats.log_lines_dropped,
            threads: stats.threads,
            fps: progress.fps(),
            speed: progress.speed(),
            percent: progress.percent().unwrap_or(-1.0),
            encode_errors: stats.encode_errors,
            packets_skipped: stats.packets_skipped,
        }
    }
}

/// Fills `stats_out` with the numbers of a job, now or at its end.
///
/// - `stats_out`: its `struct_size` set by the caller to its sizeof.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_stats(
    job: *const mt_transcode_job,
    stats_out: *mut mt_transcode_job_stats_data,
) -> i32 {
    guard(|| {
        let stats = mt_transcode_job_stats_data::from(&handle::job(job)?.stats());
        // SAFETY: passed on from the caller.
        unsafe { structs::write(stats_out, &stats, "stats_out")? };
        Ok(0)
    })
}

/// The engine takes jobs.
pub const MT_TRANSCODE_HEALTH_OK: u32 = 0;
/// The engine runs and queues as many jobs as it may; new ones are refused.
pub const MT_TRANSCODE_HEALTH_FULL: u32 = 1;
/// The engine works, but not as it should, or was shut down; `health_reason` says why.
pub const MT_TRANSCODE_HEALTH_DEGRADED: u32 = 2;

/// How many buckets a histogram has.
pub const MT_TRANSCODE_HISTOGRAM_BUCKETS: usize = 16;
/// How many different results an engine's stats can name.
pub const MT_TRANSCODE_RESULTS: usize = 32;

/// A histogram of durations with fixed buckets; `mt_transcode_histogram_bound_us` gives their upper bounds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_histogram {
    /// How many durations were counted.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_us: u64,
    /// How many were at most the bound of each bucket and above that of the one before; the last bucket has no bound.
    pub buckets: [u64; MT_TRANSCODE_HISTOGRAM_BUCKETS],
}

/// How many jobs ended with a code.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct mt_transcode_result_count {
    /// 0, or a negative code.
    pub code: i32,
    /// Zero.
    pub reserved: u32,
    /// How many jobs of the engine ended with it.
    pub count: u64,
}

/// What an engine does and has done: enough for service levels, alerts and a readiness page.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_engine_stats_data {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// `MT_TRANSCODE_HEALTH_*`.
    pub health: u32,
    /// Now: jobs that exist (not freed), that run, and that wait in the queue.
    pub jobs: u64,
    pub jobs_running: u64,
    pub jobs_queued: u64,
    /// Now: memory pipes that were not freed.
    pub pipes: u64,
    /// Now: threads of ours that work for jobs, and that wait to be used again (they end after some seconds).
    pub threads: u64,
    pub threads_idle: u64,
    /// Now: descriptors that the library made (eventfds). Those that FFmpeg opens for files are not counted.
    pub descriptors: u64,
    /// Now: bytes that wait: packets and frames between threads, and what is in pipes.
    pub queued_bytes: u64,
    /// Now: jobs that were freed or waited for in vain while a call of theirs could not be interrupted.
    pub detached: u64,
    /// Ever: jobs that were started, and that were refused with `-EAGAIN`.
    pub jobs_started: u64,
    pub jobs_refused: u64,
    /// Ever: jobs that ended, by result; `results_used` of the array are filled.
    pub results_used: u32,
    /// Zero.
    pub reserved32: u32,
    pub results: [mt_transcode_result_count; MT_TRANSCODE_RESULTS],
    /// Time in the queue; until all files were open; until the first packet was written; from start of running to the end.
    pub queue_wait: mt_transcode_histogram,
    pub open: mt_transcode_histogram,
    pub first_output: mt_transcode_histogram,
    pub duration: mt_transcode_histogram,
    /// Why the health is what it is: NUL-terminated UTF-8, empty when OK.
    pub health_reason: [u8; 128],
    /// Now: native memory that is promised to pipes and running jobs, or held by copied inputs and buffers, and how much may be (`memory_budget_bytes`).
    pub memory_reserved_bytes: u64,
    pub memory_budget_bytes: u64,
    /// Now: inputs in quarantine. Ever: jobs that were run once more, after a crash of their workers.
    pub quarantined: u64,
    pub jobs_retried: u64,
}

// SAFETY: integers and floats only, without padding.
unsafe impl Sized32 for mt_transcode_engine_stats_data {
    const SMALLEST: usize = 1320;
}
const _: () = assert!(size_of::<mt_transcode_engine_stats_data>() == 1352);

fn histogram(from: &Histogram) -> mt_transcode_histogram {
    mt_transcode_histogram { count: from.count, sum_us: from.sum_us, buckets: from.buckets }
}

impl mt_transcode_engine_stats_data {
    fn from(stats: &EngineStats) -> Self {
        let mut results = [mt_transcode_result_count::default(); MT_TRANSCODE_RESULTS];
        for (place, (code, count)) in results.iter_mut().zip(&stats.results) {
            *place = mt_transcode_result_count { code: *code, reserved: 0, count: *count };
        }
        let mut health_reason = [0; 128];
        let mut end = stats.health_reason.len().min(health_reason.len() - 1);
        while !stats.health_reason.is_char_boundary(end) {
            end -= 1;
        }
        health_reason[..end].copy_from_slice(&stats.health_reason.as_bytes()[..end]);
        Self {
            struct_size: 0,
            health: match stats.health {
                Health::Ok => MT_TRANSCODE_HEALTH_OK,
                Health::Full => MT_TRANSCODE_HEALTH_FULL,
                Health::Degraded => MT_TRANSCODE_HEALTH_DEGRADED,
            },
            jobs: stats.jobs,
            jobs_running: stats.jobs_running,
            jobs_queued: stats.jobs_queued,
            pipes: stats.pipes,
            threads: stats.threads,
            threads_idle: stats.threads_idle,
            descriptors: stats.descriptors,
            queued_bytes: stats.queued_bytes,
            detached: stats.detached,
            jobs_started: stats.jobs_started,
            jobs_refused: stats.jobs_refused,
            results_used: stats.results.len().min(MT_TRANSCODE_RESULTS) as u32,
            reserved32: 0,
            results,
            queue_wait: histogram(&stats.queue_wait),
            open: histogram(&stats.open),
            first_output: histogram(&stats.first_output),
            duration: histogram(&stats.duration),
            health_reason,
            memory_reserved_bytes: stats.memory_reserved_bytes,
            memory_budget_bytes: stats.memory_budget_bytes,
            quarantined: stats.quarantined,
            jobs_retried: stats.retried,
        }
    }
}

/// Fills `stats_out` with the numbers of an engine. After every job has been freed, the numbers under "now" are zero, but for
/// `threads_idle`, the descriptor of `mt_transcode_engine_event_fd`, and `detached`, which falls when the call ends.
///
/// - `stats_out`: its `struct_size` set by the caller to its sizeof.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
///
/// # Safety
/// `engine` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_stats(
    engine: *const mt_transcode_engine,
    stats_out: *mut mt_transcode_engine_stats_data,
) -> i32 {
    guard(|| {
        let stats = mt_transcode_engine_stats_data::from(&handle::engine(engine)?.stats());
        // SAFETY: passed on from the caller.
        unsafe { structs::write(stats_out, &stats, "stats_out")? };
        Ok(0)
    })
}

/// Returns the upper bound of a histogram's bucket in microseconds: 1,000, 2,000, 5,000 ... ; -1 for the last bucket, which has none, and
/// `-EINVAL` for one that is not there.
///
/// Threads: any. Never blocks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn mt_transcode_histogram_bound_us(bucket: u32) -> i64 {
    match HISTOGRAM_BOUNDS_US.get(bucket as usize) {
        Some(bound) => *bound as i64,
        None if bucket as usize == HISTOGRAM_BOUNDS_US.len() => -1,
        None => i64::from(crate::error::Code::EINVAL.to_c()),
    }
}
