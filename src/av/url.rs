//! Small things read from and written to anywhere that FFmpeg reaches, without a format: files with values of options, progress.

use super::{AvError, ffi};
use std::ffi::{CString, c_int};
use std::ptr;

/// What a value of an option may have at most.
const MOST_BYTES: usize = 16 << 20;

/// An open URL. Calls block as long as its protocol does.
pub struct Url(*mut ffi::AVIOContext);

// SAFETY: a context has no ties to a thread; it is used by one at a time.
unsafe impl Send for Url {}

impl Url {
    pub fn open_for_reading(url: &str) -> Result<Url, AvError> {
        Url::open(url, ffi::AVIO_FLAG_READ)
    }

    /// "-" is standard output.
    pub fn open_for_writing(url: &str) -> Result<Url, AvError> {
        Url::open(if url == "-" { "pipe:" } else { url }, ffi::AVIO_FLAG_WRITE)
    }

    fn open(url: &str, flags: u32) -> Result<Url, AvError> {
        let url = CString::new(url).map_err(|_| AvError::INVALID)?;
        let mut context = ptr::null_mut();
        // SAFETY: a terminated string and a place for the result; no interrupt callback and no options.
        let code = unsafe { ffi::avio_open2(&mut context, url.as_ptr(), flags as c_int, ptr::null(), ptr::null_mut()) };
        AvError::check(code)?;
        Ok(Url(context))
    }

    /// All that is there.
    pub fn read_all(&mut self) -> Result<Vec<u8>, AvError> {
        let mut all = Vec::new();
        let mut piece = [0u8; 4096];
        loop {
            // SAFETY: an open context, and a buffer of the given size.
            match unsafe { ffi::avio_read(self.0, piece.as_mut_ptr(), piece.len() as c_int) } {
                0 => return Ok(all),
                code if code == AvError::EOF.0 => return Ok(all),
                count => all.extend_from_slice(&piece[..AvError::check(count)? as usize]),
            }
            if all.len() > MOST_BYTES {
                return Err(AvError(-libc::EFBIG));
            }
        }
    }

    /// Writes, and passes it on at once.
    pub fn write(&mut self, text: &str) -> Result<(), AvError> {
        // SAFETY: an open context, and bytes of the given size.
        let code = unsafe {
            ffi::avio_write(self.0, text.as_ptr(), text.len() as c_int);
            ffi::avio_flush(self.0);
            (*self.0).error
        };
        AvError::check(code).map(drop)
    }

    pub fn close(mut self) -> Result<(), AvError> {
        // SAFETY: an open context, which is NULL afterwards.
        AvError::check(unsafe { ffi::avio_closep(&mut self.0) }).map(drop)
    }
}

impl Drop for Url {
    fn drop(&mut self) {
        // SAFETY: an open context or NULL.
        unsafe { ffi::avio_closep(&mut self.0) };
    }
}
