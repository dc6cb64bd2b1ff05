//! Writing to a URL of FFmpeg's.

use super::{AvError, ffi};
use std::io::{self, Write};
use std::ptr;

/// An AVIOContext that writes; what it holds back is written when it is dropped.
pub struct UrlWriter(*mut ffi::AVIOContext);

impl UrlWriter {
    /// Opens a file or another URL, which is emptied.
    pub fn open(url: &str) -> Result<UrlWriter, AvError> {
        let url = crate::text::c_string(url).map_err(|_| AvError::INVALID)?;
        let mut context = ptr::null_mut();
        // SAFETY: a place for the result and a terminated string.
        AvError::check(unsafe { ffi::avio_open(&mut context, url.as_ptr(), ffi::AVIO_FLAG_WRITE as i32) })?;
        Ok(UrlWriter(context))
    }

    fn result(&self) -> io::Result<()> {
        // SAFETY: an open context.
        let error = AvError(unsafe { (*self.0).error });
        match error.errno() {
            _ if error.0 >= 0 => Ok(()),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => Err(io::Error::other(error.words())),
        }
    }
}

impl Write for UrlWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let length = data.len().min(i32::MAX as usize);
        // SAFETY: an open context, and as many bytes as are said.
        unsafe { ffi::avio_write(self.0, data.as_ptr(), length as i32) };
        self.result().map(|()| length)
    }

    fn flush(&mut self) -> io::Result<()> {
        // SAFETY: an open context.
        unsafe { ffi::avio_flush(self.0) };
        self.result()
    }
}

impl Drop for UrlWriter {
    fn drop(&mut self) {
        // SAFETY: ours; closed once. Errors were seen by `flush`.
        unsafe { ffi::avio_closep(&mut self.0) };
    }
}
