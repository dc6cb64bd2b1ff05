//! Looking at media without a job.

use super::handle::{mt_transcode_engine, mt_transcode_pipe};
use super::{guard_with_error, handle, mt_transcode_error, out, owned, text, word};
use crate::error::Error;
use std::ffi::c_char;
use std::time::Duration;

/// Opens a file or URL, reads as much as is needed to know its streams, and returns JSON in the form of
/// `ffprobe -show_format -show_streams -of json`: `{"streams":[...],"format":{...}}`.
///
/// - `url`: a file name or a URL of FFmpeg's.
/// - `options`: NULL, or input options as an array of key, value, key, value ..., ended by NULL: `{"f", "mpegts", NULL}`. Two are a
///   probe's own. `mt_show` chooses what is shown, in words with commas between them: `format`, `streams`, `chapters`, `programs`, and
///   `packets` and `frames`, for which the media are read (and decoded) to their end; with both, they stand in `packets_and_frames`.
///   `mt_read_intervals` says which part of the media that is, as ffprobe's -read_intervals: `%+#100` for a hundred packets, `10%+5`
///   for five seconds. JSON of more than 64 MiB is refused with `MT_TRANSCODE_ELIMIT`.
/// - `timeout_ms`: 0 or negative waits without end; else the probe is given up after it.
/// - `json_out`: freed with `mt_transcode_string_free`.
/// - `error_out`: NULL, or a place for the error's text when the call fails; freed with `mt_transcode_error_free`.
///
/// Returns 0; `-ENOENT`, `-EACCES`, `-EISDIR`, `MT_TRANSCODE_EDEMUX` (not media), `MT_TRANSCODE_EOPTION`, `MT_TRANSCODE_ELIMIT`, `-ETIMEDOUT`, `MT_TRANSCODE_EDETACHED`
/// (it could not be interrupted and was left behind), `-EINVAL`, `-EILSEQ`,
/// `-EBADF`, `-EPERM`, `-ESHUTDOWN`. Threads: any. Blocks the caller for `timeout_ms` + 650 ms at most; the work is done on a thread of the
/// engine, beside its jobs, or with `MT_TRANSCODE_ISOLATION_PROCESS` in a worker, with the codes of its end (`MT_TRANSCODE_ECRASHED` and
/// so on). Since 0.1.
///
/// # Safety
/// `engine` may be any value; the strings are NULL or NUL-terminated; the out-pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_probe(
    engine: *mut mt_transcode_engine,
    url: *const c_char,
    options: *const *const c_char,
    timeout_ms: i64,
    json_out: *mut *mut c_char,
    error_out: *mut *mut mt_transcode_error,
) -> i32 {
    guard_with_error(error_out, || {
        let json_out = out(json_out, "json_out")?;
        let engine = handle::engine(engine)?;
        // SAFETY: passed on from the caller.
        let (url, options) = unsafe { (word(url, "url")?, pairs(options)?) };
        let timeout = u64::try_from(timeout_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        let json = engine.probe(&url, &options, timeout)?;
        // SAFETY: not null, writable by contract.
        unsafe { json_out.write(owned(&json)) };
        Ok(0)
    })
}

/// Looks at the first bytes of a pipe without losing them: whoever reads afterwards, a job or the host, gets the very same bytes from the first
/// one on. So a service can refuse what is no media, or not the media it wants, before a job takes a place. The bytes must be
/// there, or be written by another thread meanwhile.
///
/// - `options`: as of `mt_transcode_probe`.
/// - `limit_bytes`: how many bytes may be looked at. 0: 5,000,000, FFmpeg's probesize. An MP4 whose index lies at its end needs all of its bytes.
/// - `timeout_ms`: 0 or negative waits without end; else the probe is given up after it.
/// - `json_out`: as of `mt_transcode_probe`; freed with `mt_transcode_string_free`.
/// - `error_out`: NULL, or a place for the error's text when the call fails; freed with `mt_transcode_error_free`.
///
/// Returns 0; `MT_TRANSCODE_EDEMUX` (no media, or too short), `MT_TRANSCODE_ELIMIT`, `MT_TRANSCODE_EUNSUPPORTED` (a format that opens other files),
/// `MT_TRANSCODE_EOPTION`, `-ETIMEDOUT`, the code that the writer closed with, `-EBUSY` (the reading side is taken), `-EINVAL`, `-EILSEQ`,
/// `-EBADF`, `-EPERM`, `-ESHUTDOWN`, and those of a worker's end, as `mt_transcode_probe`. The bytes are kept in each case. Threads: any; works
/// where `mt_transcode_probe` does.
/// Blocks for `timeout_ms` + 650 ms at most. Since 0.1.
///
/// # Safety
/// `pipe` may be any value; the strings are NULL or NUL-terminated; the out-pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_probe(
    pipe: *mut mt_transcode_pipe,
    options: *const *const c_char,
    limit_bytes: u64,
    timeout_ms: i64,
    json_out: *mut *mut c_char,
    error_out: *mut *mut mt_transcode_error,
) -> i32 {
    guard_with_error(error_out, || {
        let json_out = out(json_out, "json_out")?;
        let pipe = handle::pipe(pipe)?;
        // SAFETY: passed on from the caller.
        let options = unsafe { pairs(options)? };
        let timeout = u64::try_from(timeout_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        let json = pipe.probe(&options, limit_bytes, timeout)?;
        // SAFETY: not null, writable by contract.
        unsafe { json_out.write(owned(&json)) };
        Ok(0)
    })
}

/// # Safety
/// `options` is NULL or an array of strings that ends with NULL.
unsafe fn pairs(options: *const *const c_char) -> Result<Vec<(String, String)>, Error> {
    let mut result = Vec::new();
    if options.is_null() {
        return Ok(result);
    }
    for index in (0..).step_by(2) {
        // SAFETY: within the array, as no NULL came before.
        let key = unsafe { options.add(index).read() };
        if key.is_null() {
            break;
        }
        // SAFETY: a key is followed by a value, or by the NULL that `word` refuses.
        let (key, value) =
            unsafe { (text(key, "an option's key")?, word(options.add(index + 1).read(), "an option's value")?) };
        result.push((key.to_owned(), value));
    }
    Ok(result)
}
