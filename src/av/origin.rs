//! Where a frame came from: told to what is made of it, through filters and encoders (AVFrame.opaque_ref).

use super::{Frame, NOPTS, Packet, Rational, ffi};

/// The decoder's frame.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Origin {
    pub number: u64,
    pub pts: i64,
    pub time_base: Rational,
}

impl Origin {
    pub const UNKNOWN: Origin = Origin { number: u64::MAX, pts: NOPTS, time_base: Rational::new(0, 0) };

    /// # Safety
    /// NULL, or a buffer that [`Frame::set_origin`] made: nobody else sets such a reference in this process's frames and packets.
    unsafe fn of(buffer: *const ffi::AVBufferRef) -> Option<Origin> {
        if buffer.is_null() {
            return None;
        }
        // SAFETY: by contract; the size is checked, and the bytes need no alignment.
        unsafe { ((*buffer).size == size_of::<Origin>()).then(|| (*buffer).data.cast::<Origin>().read_unaligned()) }
    }
}

impl Frame {
    /// Marks it. Without memory it stays unmarked.
    pub fn set_origin(&mut self, origin: Origin) {
        // SAFETY: a buffer of the size that is written; the frame owns it from here on, and its old one is let go.
        unsafe {
            let buffer = ffi::av_buffer_alloc(size_of::<Origin>());
            if !buffer.is_null() {
                (*buffer).data.cast::<Origin>().write_unaligned(origin);
                let frame = self.as_ptr();
                ffi::av_buffer_unref(&mut (*frame).opaque_ref);
                (*frame).opaque_ref = buffer;
            }
        }
    }

    pub fn origin(&self) -> Option<Origin> {
        // SAFETY: a valid frame.
        unsafe { Origin::of((*self.as_ptr()).opaque_ref) }
    }
}

impl Packet {
    /// Of an encoder that passes it on.
    pub fn origin(&self) -> Option<Origin> {
        // SAFETY: a valid packet.
        unsafe { Origin::of((*self.as_ptr()).opaque_ref) }
    }
}
