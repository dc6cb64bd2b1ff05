//! Outputs while their job runs: ending one, asking what it is at.

use super::error::mt_transcode_error;
use super::handle::mt_transcode_output;
use super::structs::{self, Sized32};
use super::{guard, handle, out};
use crate::error::Error;
use crate::job::OutputStatus;
use std::mem::size_of;

/// Described, and not yet part of a job that runs.
pub const MT_TRANSCODE_OUTPUT_NEW: u32 = 0;
/// It waits for the job's media, or is being opened.
pub const MT_TRANSCODE_OUTPUT_OPENING: u32 = 1;
/// Media flows.
pub const MT_TRANSCODE_OUTPUT_RUNNING: u32 = 2;
/// It ends in good order.
pub const MT_TRANSCODE_OUTPUT_STOPPING: u32 = 3;
/// Final: its file is whole.
pub const MT_TRANSCODE_OUTPUT_FINISHED: u32 = 4;
/// Final: `code` says what it failed with.
pub const MT_TRANSCODE_OUTPUT_FAILED: u32 = 5;
/// Final: the host ended it at once.
pub const MT_TRANSCODE_OUTPUT_CANCELLED: u32 = 6;

/// End the output in good order, with what waits for it.
pub const MT_TRANSCODE_STOP_GRACEFUL: u32 = 0;
/// End the output at once, without a trailer.
pub const MT_TRANSCODE_STOP_NOW: u32 = 1;

/// What an output has done so far. The numbers of its queue are those of outputs that joined a job, or have "mt_from" or "mt_slow"; others have 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_output_stats_data {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// `MT_TRANSCODE_OUTPUT_*`.
    pub state: u32,
    /// 0, or what it failed with.
    pub code: i32,
    /// Zero.
    pub reserved32: u32,
    /// Packets given to its muxer, bytes written, and time written in microseconds.
    pub packets_written: u64,
    pub size_bytes: u64,
    pub position_us: i64,
    /// Packets and bytes that wait for it now, and the bytes at the highest.
    pub packets_queued: u64,
    pub bytes_queued: u64,
    pub bytes_queued_peak: u64,
    /// What was left out because it fell behind, and how often that was.
    pub packets_dropped: u64,
    pub bytes_dropped: u64,
    pub skips: u64,
}

// SAFETY: integers only, without padding.
unsafe impl Sized32 for mt_transcode_output_stats_data {
    const SMALLEST: usize = size_of::<Self>();
}
const _: () = assert!(size_of::<mt_transcode_output_stats_data>() == 88);

impl mt_transcode_output_stats_data {
    fn from(status: &OutputStatus) -> Self {
        let (stats, feed) = (&status.stats, &status.stats.feed);
        Self {
            struct_size: 0,
            state: status.state.to_c(),
            code: status.code,
            reserved32: 0,
            packets_written: stats.packets_written,
            size_bytes: stats.size_bytes,
            position_us: stats.position_us,
            packets_queued: feed.packets_queued,
            bytes_queued: feed.bytes_queued,
            bytes_queued_peak: feed.bytes_peak,
            packets_dropped: feed.packets_dropped,
            bytes_dropped: feed.bytes_dropped,
            skips: feed.skips,
        }
    }
}

/// Ends an output while its job goes on: a viewer has left, a recording is complete. One that joined the job ends with what waits for it and its trailer
/// (`MT_TRANSCODE_STOP_GRACEFUL`), or at once (`MT_TRANSCODE_STOP_NOW`); one that has nothing yet ends at once. One that the job began with ends in
/// good order, whatever `how` says, with the next packet that comes for it; the job ends when all of those have. A final one is left as it is.
///
/// Returns 0, `-EINVAL` (the job was never started, or `how` is unknown), `-EBADF`, `-EPERM`. Threads: any. Never blocks: `MT_TRANSCODE_EVENT_OUTPUT_FINISHED`
/// tells the end. Since 0.1.
///
/// # Safety
/// `output` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_stop(output: *mut mt_transcode_output, how: u32) -> i32 {
    guard(|| {
        if how > MT_TRANSCODE_STOP_NOW {
            return Err(Error::invalid(format!("how is {how}: it is neither GRACEFUL nor NOW")));
        }
        let (job, index) = handle::output(output)?;
        job.stop_output(index, how == MT_TRANSCODE_STOP_GRACEFUL)?;
        Ok(0)
    })
}

/// Returns the number of an output in its job, from 0, as "mt_from" and events name it; or `-EINVAL`, `-EBADF`, `-EPERM`.
///
/// Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_index(output: *const mt_transcode_output) -> i32 {
    guard(|| i32::try_from(handle::output(output)?.1).map_err(|_| Error::invalid("it has no number".into())))
}

/// Returns what an output is at: `MT_TRANSCODE_OUTPUT_*`, never negative; or `-EINVAL`, `-EBADF`, `-EPERM`.
///
/// Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_state(output: *const mt_transcode_output) -> i32 {
    guard(|| {
        let (job, index) = handle::output(output)?;
        Ok(job.output_status(index)?.state.to_c() as i32)
    })
}

/// Fills `stats_out` with the numbers of an output, now or at its end.
///
/// - `stats_out`: its `struct_size` set by the caller to its sizeof.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_stats(
    output: *const mt_transcode_output,
    stats_out: *mut mt_transcode_output_stats_data,
) -> i32 {
    guard(|| {
        let (job, index) = handle::output(output)?;
        let stats = mt_transcode_output_stats_data::from(&job.output_status(index)?);
        // SAFETY: passed on from the caller.
        unsafe { structs::write(stats_out, &stats, "stats_out")? };
        Ok(0)
    })
}

/// Returns the text of the error that an output ended with, or of the last call on one that was added to a running job.
///
/// - `error_out`: freed with `mt_transcode_error_free`; set to NULL where there is no error.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `output` may be any value; `error_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_output_error(
    output: *const mt_transcode_output,
    error_out: *mut *mut mt_transcode_error,
) -> i32 {
    guard(|| {
        let error_out = out(error_out, "error_out")?;
        let (job, index) = handle::output(output)?;
        let boxed = job.output_error(index).as_ref().map_or(std::ptr::null_mut(), mt_transcode_error::boxed);
        // SAFETY: not null, writable by contract.
        unsafe { error_out.write(boxed) };
        Ok(0)
    })
}
