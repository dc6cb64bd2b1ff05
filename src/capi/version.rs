//! The library itself: version, names of codes, strings.

use super::free_owned;
use crate::error::Code;
use std::ffi::c_char;

/// The number of this interface; it is also in the soname (`libmt_transcode.so.0`).
pub const MT_TRANSCODE_ABI_VERSION: u32 = 0;

/// Returns the number of the binary interface of the loaded library: `MT_TRANSCODE_ABI_VERSION` of the header that it was
/// built with. A host that loads the library by hand compares the two.
///
/// Threads: any. Never blocks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn mt_transcode_abi_version() -> u32 {
    MT_TRANSCODE_ABI_VERSION
}

/// Returns the version of the loaded library, such as "0.1.0".
///
/// Ownership: a static string, never freed. Threads: any. Never blocks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn mt_transcode_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns what a code means, in a few English words: `mt_transcode_strerror(-1001)` is "demuxing failed".
/// A code that the library never returns gives "unknown code".
///
/// Ownership: a static string, never freed. Threads: any. Never blocks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn mt_transcode_strerror(code: i32) -> *const c_char {
    Code::from_c(code).words().as_ptr()
}

/// Returns the symbolic name of a code: `mt_transcode_error_name(-1001)` is "DEMUX", of `-EAGAIN` it is "EAGAIN".
///
/// Ownership: a static string, never freed. Threads: any. Never blocks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn mt_transcode_error_name(code: i32) -> *const c_char {
    Code::from_c(code).name().as_ptr()
}

/// Frees a string that a function of this library returned through a `char **`. NULL does nothing.
///
/// Ownership: takes the string. Threads: any, once for each string. Never blocks. Since 0.1.
///
/// # Safety
/// `string` is NULL or such a string, not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_string_free(string: *mut c_char) {
    // SAFETY: passed on from the caller.
    unsafe { free_owned(string) };
}
