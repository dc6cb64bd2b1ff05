//! Log lines that the host forwards.

use super::{guard, text};
use std::ffi::{c_char, c_void};

/// Gives the library a line of FFmpeg's log, from a log callback that the host has set itself (`MT_TRANSCODE_LOG_FORWARDED`).
/// A line that belongs to a job becomes an event of it.
///
/// - `context`: the first argument of the host's callback, as it came; only valid during the callback.
/// - `level`: FFmpeg's level.
/// - `line`: the formatted line.
///
/// Returns 1 when the line belonged to a job, 0 when not, `-EINVAL`, `-EILSEQ`. Threads: any. Never blocks for long. Since 0.1.
///
/// # Safety
/// `context` is what FFmpeg gave to the host's callback, which has not returned yet; `line` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_log_forward(context: *mut c_void, level: i32, line: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: passed on from the caller.
        let line = unsafe { text(line, "line")? };
        // SAFETY: `context` is FFmpeg's own, valid during the callback by contract.
        Ok(i32::from(unsafe { crate::job::forward_log(context, level, line) }))
    })
}
