//! The exported functions `mt_transcode_*`, one file per noun. A function here checks its arguments, calls down into
//! `job`, and translates the result; it never names an FFmpeg type, and nothing unwinds out of it.
//! Handles are tokens, not addresses (see `handle`): a stale or foreign one is an error code, never a crash.

mod bind;
mod callbacks;
mod diagnostics;
mod dump;
mod engine;
mod engine_config;
mod error;
mod event;
mod files;
mod handle;
mod job;
mod lifecycle;
mod log;
mod memory;
mod output;
mod pipe;
mod pipe_region;
mod pipe_watch;
mod probe;
mod profiling;
mod quarantine;
mod source;
mod stats;
mod structs;
mod version;

pub use bind::*;
pub use diagnostics::*;
pub use dump::*;
pub use engine::*;
pub use engine_config::*;
pub use error::*;
pub use event::*;
pub use files::*;
pub use job::*;
pub use lifecycle::*;
pub use log::*;
pub use memory::*;
pub use output::*;
pub use pipe::*;
pub use pipe_region::*;
pub use pipe_watch::*;
pub use probe::*;
pub use profiling::*;
pub use quarantine::*;
pub use source::*;
pub use stats::*;
pub use version::*;

use crate::error::{Code, Error};
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of an exported function: a panic becomes `MT_TRANSCODE_EPANIC` instead of unwinding into C.
pub(crate) fn guard(body: impl FnOnce() -> Result<i32, Error>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(count)) => count,
        Ok(Err(error)) => error.code().to_c(),
        Err(_) => Code::PANIC.to_c(),
    }
}

/// As [`guard`], for functions that return a count of bytes.
pub(crate) fn guard64(body: impl FnOnce() -> Result<usize, Error>) -> i64 {
    let mut count = 0;
    let code = guard(|| {
        count = i64::try_from(body()?).unwrap_or(i64::MAX);
        Ok(0)
    });
    if code < 0 { i64::from(code) } else { count }
}

/// As [`guard`], and hands the whole error to the caller where one was asked for.
pub(crate) fn guard_with_error(
    error_out: *mut *mut mt_transcode_error,
    body: impl FnOnce() -> Result<i32, Error>,
) -> i32 {
    guard(|| {
        body().inspect_err(|error| {
            if !error_out.is_null() {
                // SAFETY: not null, and by the function's contract a writable pointer-sized place.
                unsafe { error_out.write(mt_transcode_error::boxed(error)) };
            }
        })
    })
}

/// A string from C that must be text: NULL is `-EINVAL`, and what is not UTF-8 is `-EILSEQ`.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated string that outlives the returned reference.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, Error> {
    if pointer.is_null() {
        return Err(Error::invalid(format!("{what} is NULL")));
    }
    // SAFETY: not null; NUL-terminated by the caller's contract.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|_| Error::new(Code::EILSEQ, format!("{what} is not UTF-8")))
}

/// Any string from C, also what is not UTF-8, such as the names of some files.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn word(pointer: *const c_char, what: &str) -> Result<String, Error> {
    if pointer.is_null() {
        return Err(Error::invalid(format!("{what} is NULL")));
    }
    // SAFETY: not null; NUL-terminated by the caller's contract.
    Ok(crate::text::from_bytes(unsafe { CStr::from_ptr(pointer) }.to_bytes()))
}

/// NULL is None.
///
/// # Safety
/// As [`word`].
pub(crate) unsafe fn optional(pointer: *const c_char, what: &str) -> Result<Option<String>, Error> {
    match pointer.is_null() {
        true => Ok(None),
        // SAFETY: passed on from the caller.
        false => unsafe { word(pointer, what).map(Some) },
    }
}

/// A pointer that a result is written to.
pub(crate) fn out<T>(pointer: *mut T, what: &str) -> Result<*mut T, Error> {
    match pointer.is_null() {
        true => Err(Error::invalid(format!("{what} is NULL"))),
        false => Ok(pointer),
    }
}

/// A string for C, owned by the caller: `mt_transcode_string_free` frees it. A NUL inside ends it.
pub(crate) fn owned(text: &str) -> *mut c_char {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default().into_raw()
}

/// Frees what [`owned`] made.
///
/// # Safety
/// `pointer` is NULL or came from [`owned`] and was not freed before.
pub(crate) unsafe fn free_owned(pointer: *const c_char) {
    if !pointer.is_null() {
        // SAFETY: made by CString::into_raw in `owned`, and freed once by the caller's contract.
        drop(unsafe { CString::from_raw(pointer.cast_mut()) });
    }
}
