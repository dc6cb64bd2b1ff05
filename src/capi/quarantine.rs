//! Inputs that crashed workers, and are refused.

use super::handle::{self, mt_transcode_engine};
use super::{guard, out, owned};
use std::ffi::c_char;

/// Lists the inputs that an engine refuses (`MT_TRANSCODE_ON_CRASH_QUARANTINE`) as JSON, oldest first:
/// `[{"time":"20261121T183000.123Z","job":7,"label":"...","code":-1011,"text":"...","stage":"decode","sha256":["..."]}]`: which job failed on it, when and how.
///
/// - `json_out`: freed with `mt_transcode_string_free`.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
///
/// # Safety
/// `engine` may be any value; `json_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_quarantine(
    engine: *const mt_transcode_engine,
    json_out: *mut *mut c_char,
) -> i32 {
    guard(|| {
        let json_out = out(json_out, "json_out")?;
        let json = handle::engine(engine)?.quarantine_json();
        // SAFETY: not null, writable by contract.
        unsafe { json_out.write(owned(&json)) };
        Ok(0)
    })
}

/// Lets all inputs in again that an engine refuses.
///
/// Returns how many there were, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
///
/// # Safety
/// `engine` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_quarantine_clear(engine: *mut mt_transcode_engine) -> i32 {
    guard(|| Ok(i32::try_from(handle::engine(engine)?.quarantine_clear()).unwrap_or(i32::MAX)))
}
