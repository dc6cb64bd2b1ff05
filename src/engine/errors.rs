//! From FFmpeg's error codes to ours: an errno that means the same everywhere is kept, the rest is named by its stage.

use super::context::JobContext;
use crate::av::{AvError, resources};
use crate::error::{Code, Error};

/// An error of FFmpeg's at a stage, with the code that fits: `fallback` where it carries no errno of meaning.
pub fn failed(error: AvError, stage: &'static str, fallback: Code, what: &str) -> Error {
    let code = match error {
        AvError::OPTION_NOT_FOUND => Code::OPTION,
        AvError::PROTOCOL_NOT_FOUND => Code::UNSUPPORTED,
        AvError::EXIT => Code::ECANCELED,
        _ => error.errno().filter(|errno| is_telling(*errno, stage)).and_then(Code::from_errno).unwrap_or(fallback),
    };
    Error::new(code, format!("{what}: {}{}", error.words(), resources::descriptors(code)))
        .at(stage)
        .with_ffmpeg(error.0, error.words())
}

/// As [`failed`], for a codec that is opened: pthread_create(3) gives EAGAIN, which frame threads hand on (avcodec_open2).
pub fn open_failed(error: AvError, stage: &'static str, fallback: Code, what: &str) -> Error {
    if error != AvError::AGAIN {
        return failed(error, stage, fallback, what);
    }
    let text = format!("{what}: a thread could not be started{}", resources::processes());
    Error::new(Code::SPAWN_FAILED, text).at(stage).with_ffmpeg(error.0, error.words())
}

/// EINVAL and EIO of FFmpeg mean anything, and so does EPERM, -1, but where something is opened; these mean what they say.
fn is_telling(errno: i32, stage: &str) -> bool {
    let is_permission = errno == libc::EPERM && stage.starts_with("open");
    is_permission
        || [
            libc::ENOENT,
            libc::EACCES,
            libc::EISDIR,
            libc::ENOTDIR,
            libc::EEXIST,
            libc::ENOSPC,
            libc::EROFS,
            libc::EFBIG,
            libc::EMFILE,
            libc::ENFILE,
            libc::ENOMEM,
            libc::EPIPE,
            libc::ETIMEDOUT,
            libc::ECONNREFUSED,
            libc::ECONNRESET,
            libc::EHOSTUNREACH,
            libc::ENETUNREACH,
        ]
        .contains(&errno)
}

/// What FFmpeg returns after a cancel is arbitrary (rule 42): our own flag decides.
pub fn unless_cancelled(context: &JobContext, error: Error) -> Error {
    if context.is_cancelled() { Error::cancelled() } else { error }
}
