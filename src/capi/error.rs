//! Error codes and the error object.

use super::{free_owned, owned};
use crate::error::Error;
use std::ffi::c_char;
use std::mem::size_of;

/// Demuxing failed: the input is not what it claims, is damaged, or ends too early.
pub const MT_TRANSCODE_EDEMUX: i32 = -1001;
/// A decoder could not be opened, or too much of a stream could not be decoded.
pub const MT_TRANSCODE_EDECODE: i32 = -1002;
/// A filter graph could not be built or failed.
pub const MT_TRANSCODE_EFILTER: i32 = -1003;
/// An encoder could not be opened or failed.
pub const MT_TRANSCODE_EENCODE: i32 = -1004;
/// The output could not be written: header, packet or trailer was refused.
pub const MT_TRANSCODE_EMUX: i32 = -1005;
/// A limit was reached: memory for links, output bytes, time, streams, pixels.
pub const MT_TRANSCODE_ELIMIT: i32 = -1006;
/// The library, or the FFmpeg it is linked with, cannot do this.
pub const MT_TRANSCODE_EUNSUPPORTED: i32 = -1007;
/// Code of ours panicked; the job ended, the process is unharmed. The error's `detail` has the backtrace.
pub const MT_TRANSCODE_EPANIC: i32 = -1008;
/// A state that should not be. Please report it.
pub const MT_TRANSCODE_EINTERNAL: i32 = -1009;
/// A host name cannot be resolved safely in a statically linked glibc program.
pub const MT_TRANSCODE_ESTATIC_RESOLVER: i32 = -1010;
/// The worker process crashed.
pub const MT_TRANSCODE_ECRASHED: i32 = -1011;
/// The worker process was killed for its memory.
pub const MT_TRANSCODE_EOOM_KILLED: i32 = -1012;
/// The worker process was killed from outside.
pub const MT_TRANSCODE_EKILLED: i32 = -1013;
/// The job made no progress for too long.
pub const MT_TRANSCODE_EHUNG: i32 = -1014;
/// The sandbox refused something that the job needed.
pub const MT_TRANSCODE_ESANDBOX: i32 = -1015;
/// A thread or a worker process could not be started.
pub const MT_TRANSCODE_ESPAWN_FAILED: i32 = -1016;
/// A call into FFmpeg did not return in time and was left behind; its memory is kept until it does.
pub const MT_TRANSCODE_EDETACHED: i32 = -1017;
/// A peer failed too often and is not tried again yet.
pub const MT_TRANSCODE_ECIRCUIT_OPEN: i32 = -1018;
/// An option is unknown, of the wrong direction, or its value is out of range. The error names it and its file.
pub const MT_TRANSCODE_EOPTION: i32 = -1019;
/// The input made workers crash before, and this engine refuses it (`MT_TRANSCODE_ON_CRASH_QUARANTINE`).
pub const MT_TRANSCODE_EQUARANTINED: i32 = -1020;
/// The certificate of a TLS peer is not accepted: it has expired, its authority is unknown, or it is for another name. The message says which.
pub const MT_TRANSCODE_ETLS: i32 = -1021;

/// What failed, where, and what to do: the whole text of an error. All strings are UTF-8, never NULL (empty where there is
/// nothing to say), belong to the struct and are freed with it. Secrets in URLs are masked.
///
/// The library allocates it, so it may grow at its end; `struct_size` tells how much of it this library filled.
#[repr(C)]
pub struct mt_transcode_error {
    /// Size of the struct that the library filled, in bytes.
    pub struct_size: u32,
    /// The code, as the function or `mt_transcode_job_wait` gave it: negative.
    pub code: i32,
    /// FFmpeg's own code (an AVERROR), 0 where FFmpeg was not asked.
    pub ffmpeg_code: i32,
    /// Which input it happened on, counted from 0; -1 where none.
    pub input_index: i32,
    /// Which output it happened on, counted from 0; -1 where none.
    pub output_index: i32,
    /// Which stream of that file, counted from 0; -1 where none.
    pub stream_index: i32,
    /// Symbolic name of the code: "DEMUX", "ENOENT".
    pub name: *const c_char,
    /// What was being done: "options", "open input", "probe", "decode", "filter", "encode", "open output", "write header", "mux", "trailer" ...
    pub stage: *const c_char,
    /// The file or URL, secrets masked.
    pub url: *const c_char,
    /// FFmpeg's own words for `ffmpeg_code`.
    pub ffmpeg_text: *const c_char,
    /// One sentence: what failed and where.
    pub message: *const c_char,
    /// One sentence: what to do about it.
    pub hint: *const c_char,
    /// More, where there is more: the last log lines, the backtrace of a panic.
    pub detail: *const c_char,
}

impl mt_transcode_error {
    /// A new object for C, freed by `mt_transcode_error_free`.
    pub(crate) fn boxed(error: &Error) -> *mut Self {
        let index = |value: Option<usize>| value.and_then(|v| i32::try_from(v).ok()).unwrap_or(-1);
        Box::into_raw(Box::new(Self {
            struct_size: size_of::<Self>() as u32,
            code: error.code().to_c(),
            ffmpeg_code: error.ffmpeg_code(),
            input_index: index(error.input()),
            output_index: index(error.output()),
            stream_index: index(error.stream()),
            name: owned(error.code().name().to_str().unwrap_or_default()),
            stage: owned(error.stage()),
            url: owned(error.url()),
            ffmpeg_text: owned(error.ffmpeg_text()),
            message: owned(error.message()),
            hint: owned(error.hint()),
            detail: owned(error.detail()),
        }))
    }
}

/// Frees an error object and its strings. NULL does nothing.
///
/// Ownership: takes the object. Threads: any, once for each object. Never blocks. Since 0.1.
///
/// # Safety
/// `error` is NULL or came from this library and was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_error_free(error: *mut mt_transcode_error) {
    if error.is_null() {
        return;
    }
    // SAFETY: made by Box::into_raw in `boxed`, freed once by contract; its strings by `owned`.
    unsafe {
        let error = Box::from_raw(error);
        for string in [error.name, error.stage, error.url, error.ffmpeg_text, error.message, error.hint, error.detail] {
            free_owned(string);
        }
    }
}
