//! The life of a job: start, wait, stop, cancel, state.

use super::handle::mt_transcode_job;
use super::{guard, handle};
use crate::error::{Code, Error};
use std::time::Duration;

/// The job is being described.
pub const MT_TRANSCODE_STATE_NEW: u32 = 0;
/// The job waits for its turn: the engine runs as many as it may.
pub const MT_TRANSCODE_STATE_QUEUED: u32 = 1;
/// Inputs and outputs are being opened.
pub const MT_TRANSCODE_STATE_OPENING: u32 = 2;
/// Media flows.
pub const MT_TRANSCODE_STATE_RUNNING: u32 = 3;
/// The job was asked to stop and is writing its trailers.
pub const MT_TRANSCODE_STATE_STOPPING: u32 = 4;
/// Final: ended well; also by `mt_transcode_job_stop`.
pub const MT_TRANSCODE_STATE_SUCCEEDED: u32 = 5;
/// Final: ended with an error.
pub const MT_TRANSCODE_STATE_FAILED: u32 = 6;
/// Final: ended by `mt_transcode_job_cancel`, a free or a shutdown.
pub const MT_TRANSCODE_STATE_CANCELLED: u32 = 7;

/// Starts a job: it runs on threads of the engine, or waits in its queue until a place is free. Returns at once; files are
/// opened by the job's own thread, so what is wrong with them comes by `mt_transcode_job_wait` and as an event.
///
/// Returns 0; `-EAGAIN` (the engine runs and queues as many jobs as it may: the job stays NEW and can be started again later),
/// `-EALREADY` (started before), `-ESHUTDOWN`, `MT_TRANSCODE_EOPTION` (nothing to do: no output), `MT_TRANSCODE_ESPAWN_FAILED`
/// (no thread could be made), `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_start(job: *mut mt_transcode_job) -> i32 {
    guard(|| {
        let job = handle::job(job)?;
        job.start().inspect_err(|error| job.keep_error(error))?;
        Ok(0)
    })
}

/// Waits until a job is in a final state.
///
/// - `timeout_ms`: 0 only asks; negative waits without end.
/// - `result_out`: NULL, or the job's result: 0, `-ECANCELED`, or the code of its error.
///
/// Returns 0 when the job is final, `-ETIMEDOUT` when the time is over, `-EINVAL` (the job was never started), `-EDEADLK` (called from a thread of
/// the job's own), `-EBADF` (also when the job is freed meanwhile), `-EPERM`. Where a call of the job cannot be interrupted (a name that is
/// being resolved, a FIFO without a writer), the job is made FAILED with `MT_TRANSCODE_EDETACHED` 650 ms after the cancel, and the call left behind.
/// Threads: any number at once. Blocks for `timeout_ms` at most; after a cancel the job is final within 650 ms. Since 0.1.
///
/// # Safety
/// `job` may be any value; `result_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_wait(
    job: *mut mt_transcode_job,
    timeout_ms: i64,
    result_out: *mut i32,
) -> i32 {
    guard(|| {
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let result = handle::job(job)?
            .wait(timeout)?
            .ok_or_else(|| Error::new(Code::ETIMEDOUT, "the job is not final yet".into()))?;
        if !result_out.is_null() {
            // SAFETY: not null, writable by contract.
            unsafe { result_out.write(result) };
        }
        Ok(0)
    })
}

/// Asks a running job to end in good order: inputs are read no further, what was read is encoded and written, and every output gets its
/// trailer, so that the files play. The job ends as SUCCEEDED. A job that is queued or still opening its files, and one whose outputs
/// have no data yet, ends as CANCELLED. A job that is final or not started is left as it is.
///
/// Returns 0, `-EINVAL` (never started), `-EBADF`, `-EPERM`. Threads: any. Never blocks: wait for the end. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_stop(job: *mut mt_transcode_job) -> i32 {
    guard(|| {
        handle::job(job)?.stop()?;
        Ok(0)
    })
}

/// Ends a job at once, wherever it is: opening, reading, writing. Outputs are left as they are, without trailers. The job ends
/// as CANCELLED with the result `-ECANCELED`, within 150 ms where our code is asked. A job that is not started yet becomes CANCELLED too; a
/// final one is left as it is.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks: wait for the end. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_cancel(job: *mut mt_transcode_job) -> i32 {
    guard(|| {
        handle::job(job)?.cancel();
        Ok(0)
    })
}

/// Returns the state of a job: `MT_TRANSCODE_STATE_*`, never negative; or `-EINVAL`, `-EBADF`, `-EPERM`.
///
/// Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_state(job: *const mt_transcode_job) -> i32 {
    guard(|| Ok(handle::job(job)?.state().to_c() as i32))
}

/// Returns an eventfd of one job, readable (POLLIN) while it has events to be pulled. Do not read from it. For many jobs
/// `mt_transcode_engine_event_fd` needs only one descriptor.
///
/// Ownership: the library's, made at the first call, open until the job is freed; CLOEXEC and non-blocking.
/// Returns the descriptor, or `-EMFILE`, `-ENFILE`, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_event_fd(job: *mut mt_transcode_job) -> i32 {
    guard(|| handle::job(job)?.event_fd())
}
