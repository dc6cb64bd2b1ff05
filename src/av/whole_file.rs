//! Whole files by their URLs, whatever the protocol: attachments.

use super::{AvError, Interrupt, ffi};
use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::Arc;

/// An AVIOContext of FFmpeg's that is closed in any case.
struct Open(*mut ffi::AVIOContext);

impl Open {
    fn new(url: &str, flags: u32, interrupt: &Arc<Interrupt>) -> Result<Open, AvError> {
        let url = CString::new(url).map_err(|_| AvError::INVALID)?;
        let mut context = ptr::null_mut();
        let opaque = Arc::as_ptr(interrupt).cast_mut().cast();
        let callback = ffi::AVIOInterruptCB { callback: Some(is_cancelled), opaque };
        // SAFETY: a terminated string and a place; the interrupt outlives the context, which this function's callers close before they return.
        let ret = unsafe { ffi::avio_open2(&mut context, url.as_ptr(), flags as i32, &callback, ptr::null_mut()) };
        AvError::check(ret)?;
        Ok(Open(context))
    }
}

unsafe extern "C" fn is_cancelled(interrupt: *mut c_void) -> c_int {
    // SAFETY: the interrupt of `Open::new`, which outlives the context.
    unsafe { &*interrupt.cast::<Interrupt>() }.is_cancelled().into()
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: ours; closed once.
        unsafe { ffi::avio_closep(&mut self.0) };
    }
}

/// Reads all of it; more than `max_bytes`, or an unknown size, is an error.
pub fn read_whole(url: &str, max_bytes: u64, interrupt: &Arc<Interrupt>) -> Result<Vec<u8>, AvError> {
    let open = Open::new(url, ffi::AVIO_FLAG_READ, interrupt)?;
    // SAFETY: a valid context.
    let size = unsafe { ffi::avio_size(open.0) };
    let size = u64::try_from(size).map_err(|_| AvError(size as i32))?;
    if size == 0 || size > max_bytes {
        return Err(AvError::INVALID);
    }
    let mut data = vec![0; size as usize];
    // SAFETY: a valid context and as much room as is said; `max_bytes` keeps it within an int.
    let read = AvError::check(unsafe { ffi::avio_read(open.0, data.as_mut_ptr(), data.len() as i32) })?;
    data.truncate(read.max(0) as usize);
    Ok(data)
}

/// Makes a file of `data`.
pub fn write_whole(url: &str, data: &[u8], interrupt: &Arc<Interrupt>) -> Result<(), AvError> {
    let open = Open::new(url, ffi::AVIO_FLAG_WRITE, interrupt)?;
    // SAFETY: a valid context and data of this size (an extradata's, which is an int).
    unsafe {
        ffi::avio_write(open.0, data.as_ptr(), data.len() as i32);
        ffi::avio_flush(open.0);
        AvError::check((*open.0).error).map(drop)
    }
}
