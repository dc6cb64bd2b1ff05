//! Inputs that may come and go while their job runs: the option "mt_source".

use super::handle::mt_transcode_input;
use super::{guard, handle, out, owned};
use crate::error::Error;
use std::ffi::c_char;

/// It is opened when somebody wants it ("mt_on_demand"); or the job was not started.
pub const MT_TRANSCODE_SOURCE_IDLE: u32 = 0;
/// It is being opened.
pub const MT_TRANSCODE_SOURCE_CONNECTING: u32 = 1;
pub const MT_TRANSCODE_SOURCE_LIVE: u32 = 2;
/// It failed, and is tried again soon.
pub const MT_TRANSCODE_SOURCE_WAITING: u32 = 3;
/// The circuit of its host is open ("mt_breaker"): it is tried when that closes.
pub const MT_TRANSCODE_SOURCE_BLOCKED: u32 = 4;
/// It was removed, its job ends, or it is not tried any more.
pub const MT_TRANSCODE_SOURCE_ENDED: u32 = 5;

/// Returns the number of an input in its job, from 0, as "map" and events name it; or `-EINVAL`, `-EBADF`, `-EPERM`.
///
/// Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_index(input: *const mt_transcode_input) -> i32 {
    guard(|| i32::try_from(handle::input(input)?.1).map_err(|_| Error::invalid("it has no number".into())))
}

/// Returns what an input is at: `MT_TRANSCODE_SOURCE_*`, never negative; or `-EINVAL`, `-EBADF`, `-EPERM`. An input without "mt_source" goes with its job:
/// IDLE, CONNECTING, LIVE, ENDED.
///
/// Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_state(input: *const mt_transcode_input) -> i32 {
    guard(|| {
        let (job, index) = handle::input(input)?;
        Ok(job.source_status(index)?.state.to_c() as i32)
    })
}

/// Tells what an input is at, and why, as JSON: state (a word), url (with secrets masked), reason and code (of the last failure), failures (in a row),
/// connections (how often it was live), retry_in_ms (or null).
///
/// - `json_out`: freed with `mt_transcode_string_free`.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any, in every state. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value; `json_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_status(
    input: *const mt_transcode_input,
    json_out: *mut *mut c_char,
) -> i32 {
    guard(|| {
        let json_out = out(json_out, "json_out")?;
        let (job, index) = handle::input(input)?;
        let json = job.source_status(index)?.to_json();
        // SAFETY: not null, writable by contract.
        unsafe { json_out.write(owned(&json.to_string())) };
        Ok(0)
    })
}

/// Takes a source ("mt_source") out of a running job: it is closed, never opened again, and its streams end; the job goes on with its other inputs, and ends
/// in good order where it was the last. One that was removed before, and one of a job that has ended, is left as it is.
///
/// Returns 0, `MT_TRANSCODE_EUNSUPPORTED` (it is no source), `-EINVAL` (or the job was never started), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `input` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_input_stop(input: *mut mt_transcode_input) -> i32 {
    guard(|| {
        let (job, index) = handle::input(input)?;
        job.stop_input(index)?;
        Ok(0)
    })
}
