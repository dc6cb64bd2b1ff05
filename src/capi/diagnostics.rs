//! What this library is linked with and runs on.

use super::{guard, out, owned};
use std::ffi::c_char;

/// Returns, as JSON, what a bug report needs: versions of the library and of FFmpeg (built against and loaded), FFmpeg's licence (LGPL,
/// GPL or nonfree, as linked) and configuration, linking mode, libc, kernel, resolver, CPUs that may be used;
/// and what the sandbox of workers can do here (docs/sandbox.md).
///
/// - `json_out`: freed with `mt_transcode_string_free`.
///
/// Returns 0 or `-EINVAL`. Threads: any. Never blocks for long. Since 0.1.
///
/// # Safety
/// `json_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_diagnostics(json_out: *mut *mut c_char) -> i32 {
    guard(|| {
        let json_out = out(json_out, "json_out")?;
        // SAFETY: not null, writable by contract.
        unsafe { json_out.write(owned(&crate::job::diagnostics())) };
        Ok(0)
    })
}
