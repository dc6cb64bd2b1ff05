//! Things read from and written to anywhere that FFmpeg reaches, without a format: values of options, attachments, progress,
//! statistics, reports.

use super::{AvError, Interrupt, ffi};
use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::sync::Arc;

/// An open URL. Calls block as long as its protocol does, but not past a cancel of the interrupt it was opened with.
pub struct Url {
    context: *mut ffi::AVIOContext,
    /// The context's callback points to it.
    _interrupt: Option<Arc<Interrupt>>,
}

// SAFETY: a context has no ties to a thread; it is used by one at a time.
unsafe impl Send for Url {}

unsafe extern "C" fn is_cancelled(interrupt: *mut c_void) -> c_int {
    // SAFETY: the interrupt that `Url` keeps as long as its context.
    unsafe { &*interrupt.cast::<Interrupt>() }.is_cancelled().into()
}

impl Url {
    pub fn open_for_reading(url: &str, interrupt: Option<&Arc<Interrupt>>) -> Result<Url, AvError> {
        Url::open(url, ffi::AVIO_FLAG_READ, interrupt)
    }

    /// A file is emptied.
    pub fn open_for_writing(url: &str, interrupt: Option<&Arc<Interrupt>>) -> Result<Url, AvError> {
        Url::open(url, ffi::AVIO_FLAG_WRITE, interrupt)
    }

    fn open(url: &str, flags: u32, interrupt: Option<&Arc<Interrupt>>) -> Result<Url, AvError> {
        let url = crate::text::c_string(url).map_err(|_| AvError::INVALID)?;
        let callback = interrupt.map(|interrupt| ffi::AVIOInterruptCB {
            callback: Some(is_cancelled),
            opaque: Arc::as_ptr(interrupt).cast_mut().cast(),
        });
        let callback = callback.as_ref().map_or(ptr::null(), ptr::from_ref);
        let (mut context, flags) = (ptr::null_mut(), flags as c_int);
        // SAFETY: a terminated string and a place for the result; FFmpeg copies the callback, whose interrupt is kept below.
        AvError::check(unsafe { ffi::avio_open2(&mut context, url.as_ptr(), flags, callback, ptr::null_mut()) })?;
        Ok(Url { context, _interrupt: interrupt.map(Arc::clone) })
    }

    /// Bytes in all, where the protocol knows.
    pub fn size(&mut self) -> Result<u64, AvError> {
        // SAFETY: an open context.
        let size = unsafe { ffi::avio_size(self.context) };
        u64::try_from(size).map_err(|_| AvError(size as i32))
    }

    /// All that is there; more than `max_bytes` is an error.
    pub fn read_all(&mut self, max_bytes: usize) -> Result<Vec<u8>, AvError> {
        let mut all = Vec::new();
        let mut piece = vec![0u8; 64 << 10];
        loop {
            // SAFETY: an open context, and a buffer of the given size.
            match unsafe { ffi::avio_read(self.context, piece.as_mut_ptr(), piece.len() as c_int) } {
                0 => return Ok(all),
                code if code == AvError::EOF.0 => return Ok(all),
                count => all.extend_from_slice(&piece[..AvError::check(count)? as usize]),
            }
            if all.len() > max_bytes {
                return Err(AvError(-libc::EFBIG));
            }
        }
    }

    /// Writes, and passes it on at once.
    pub fn send(&mut self, data: &[u8]) -> Result<(), AvError> {
        self.put(data);
        // SAFETY: an open context.
        unsafe { ffi::avio_flush(self.context) };
        self.result()
    }

    fn put(&mut self, data: &[u8]) {
        for piece in data.chunks(1 << 30) {
            // SAFETY: an open context, and bytes of the given size, which is an int's.
            unsafe { ffi::avio_write(self.context, piece.as_ptr(), piece.len() as c_int) };
        }
    }

    fn result(&self) -> Result<(), AvError> {
        // SAFETY: an open context.
        AvError::check(unsafe { (*self.context).error }).map(drop)
    }

    pub fn close(mut self) -> Result<(), AvError> {
        // SAFETY: an open context, which is NULL afterwards.
        AvError::check(unsafe { ffi::avio_closep(&mut self.context) }).map(drop)
    }
}

/// Held back until it is flushed or dropped, or is much.
impl io::Write for Url {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.put(data);
        Ok(self.result().map(|()| data.len())?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.send(&[])?)
    }
}

impl Drop for Url {
    fn drop(&mut self) {
        // SAFETY: an open context or NULL.
        unsafe { ffi::avio_closep(&mut self.context) };
    }
}
