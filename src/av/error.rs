//! FFmpeg's error codes.

use super::ffi;
use std::ffi::CStr;
use std::fmt;

/// A negative AVERROR.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AvError(pub i32);

const fn tag(a: u8, b: u8, c: u8, d: u8) -> i32 {
    -((a as i32) | (b as i32) << 8 | (c as i32) << 16 | (d as i32) << 24)
}

impl AvError {
    // libavutil/error.h, whose macros bindgen cannot evaluate.
    pub const EOF: AvError = AvError(tag(b'E', b'O', b'F', b' '));
    pub const OPTION_NOT_FOUND: AvError = AvError(tag(0xF8, b'O', b'P', b'T'));
    pub const FILTER_NOT_FOUND: AvError = AvError(tag(0xF8, b'F', b'I', b'L'));
    pub const PROTOCOL_NOT_FOUND: AvError = AvError(tag(0xF8, b'P', b'R', b'O'));
    pub const EXIT: AvError = AvError(tag(b'E', b'X', b'I', b'T'));
    pub const EXTERNAL: AvError = AvError(tag(b'E', b'X', b'T', b' '));
    pub const INVALID_DATA: AvError = AvError(tag(b'I', b'N', b'D', b'A'));
    pub const EXPERIMENTAL: AvError = AvError(-0x2bb2afa8);
    pub const AGAIN: AvError = AvError(-libc::EAGAIN);
    pub const NO_MEMORY: AvError = AvError(-libc::ENOMEM);
    pub const INVALID: AvError = AvError(-libc::EINVAL);
    pub const BROKEN_PIPE: AvError = AvError(-libc::EPIPE);
    pub const SEEK: AvError = AvError(-libc::ESPIPE);

    /// Ok for what is not negative.
    pub fn check(code: i32) -> Result<i32, AvError> {
        if code < 0 { Err(AvError(code)) } else { Ok(code) }
    }

    /// The errno inside, for those that carry one.
    pub fn errno(self) -> Option<i32> {
        (self.0 < 0 && self.0 > -1000).then_some(self.0.wrapping_neg())
    }

    /// FFmpeg's own words.
    pub fn words(self) -> String {
        let mut buffer = [0 as std::ffi::c_char; 128];
        // SAFETY: the buffer is writable and its size is given; av_strerror always terminates it.
        unsafe {
            ffi::av_strerror(self.0, buffer.as_mut_ptr(), buffer.len());
            CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned()
        }
    }
}

impl From<AvError> for std::io::Error {
    fn from(error: AvError) -> std::io::Error {
        match error.errno() {
            Some(errno) => std::io::Error::from_raw_os_error(errno),
            None => std::io::Error::other(error.words()),
        }
    }
}

impl fmt::Debug for AvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words(), self.0)
    }
}
