//! Packets: encoded data with timestamps.

use super::{AvError, NOPTS, Rational, ffi};
use std::cell::RefCell;
use std::ptr::NonNull;

/// An owned AVPacket.
pub struct Packet(NonNull<ffi::AVPacket>);

// SAFETY: a packet is plain memory with reference-counted (atomic) buffers; all changes need `&mut`.
unsafe impl Send for Packet {}

// SAFETY: reading changes nothing but the counts of references, which are atomic.
unsafe impl Sync for Packet {}

macro_rules! field {
    ($get:ident, $set:ident, $field:ident, $type:ty) => {
        pub fn $get(&self) -> $type {
            // SAFETY: valid while we own it.
            unsafe { (*self.0.as_ptr()).$field }
        }
        pub fn $set(&mut self, value: $type) {
            // SAFETY: valid while we own it.
            unsafe { (*self.0.as_ptr()).$field = value }
        }
    };
}

impl Packet {
    /// A blank packet.
    pub fn new() -> Result<Packet, AvError> {
        if let Some(shell) = SHELLS.try_with(|shells| shells.borrow_mut().0.pop()).ok().flatten() {
            return Ok(Packet(shell));
        }
        // SAFETY: returns NULL or a packet that we own from here on.
        NonNull::new(unsafe { ffi::av_packet_alloc() }).map(Packet).ok_or(AvError::NO_MEMORY)
    }

    /// With a copy of `data`.
    pub fn of_bytes(data: &[u8]) -> Result<Packet, AvError> {
        let packet = Packet::new()?;
        let size = i32::try_from(data.len()).map_err(|_| AvError::INVALID)?;
        // SAFETY: a blank packet, which has as many bytes as were asked for after that.
        unsafe {
            AvError::check(ffi::av_new_packet(packet.as_ptr(), size))?;
            (*packet.as_ptr()).data.copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
        Ok(packet)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVPacket {
        self.0.as_ptr()
    }

    field!(pts, set_pts, pts, i64);
    field!(dts, set_dts, dts, i64);
    field!(duration, set_duration, duration, i64);
    field!(stream_index, set_stream_index, stream_index, i32);

    pub fn data(&self) -> &[u8] {
        let size = self.size();
        // SAFETY: a packet's data, where there is some, has as many bytes as its size says.
        unsafe {
            let data = (*self.0.as_ptr()).data;
            if data.is_null() || size == 0 { &[] } else { std::slice::from_raw_parts(data, size) }
        }
    }

    /// The data, where nobody else has a reference to it.
    pub(super) fn data_mut(&mut self) -> Option<&mut [u8]> {
        let size = self.size();
        // SAFETY: as of `data`; nobody else looks at the buffer.
        unsafe {
            let packet = &mut *self.as_ptr();
            let is_own = !packet.buf.is_null() && ffi::av_buffer_is_writable(packet.buf) == 1;
            (is_own && !packet.data.is_null()).then(|| std::slice::from_raw_parts_mut(packet.data, size))
        }
    }

    pub fn size(&self) -> usize {
        // SAFETY: valid while we own it.
        unsafe { (*self.0.as_ptr()).size }.max(0) as usize
    }

    /// Bytes that it keeps, roughly: its data and the packet itself.
    pub fn weight_bytes(&self) -> usize {
        self.size() + 256
    }

    fn has_flag(&self, flag: u32) -> bool {
        // SAFETY: valid while we own it.
        unsafe { (*self.0.as_ptr()).flags & flag as i32 != 0 }
    }

    pub fn is_key(&self) -> bool {
        self.has_flag(ffi::AV_PKT_FLAG_KEY)
    }

    pub fn is_corrupt(&self) -> bool {
        self.has_flag(ffi::AV_PKT_FLAG_CORRUPT)
    }

    /// Another reference to the same data.
    pub fn reference(&self) -> Result<Packet, AvError> {
        let copy = Packet::new()?;
        // SAFETY: both valid; on failure the copy stays blank.
        AvError::check(unsafe { ffi::av_packet_ref(copy.as_ptr(), self.as_ptr()) })?;
        Ok(copy)
    }

    /// As this packet, with a copy of `data` instead of its own.
    pub fn with_data(&self, data: &[u8]) -> Result<Packet, AvError> {
        let packet = Packet::of_bytes(data)?;
        // SAFETY: both valid; the data stays.
        AvError::check(unsafe { ffi::av_packet_copy_props(packet.as_ptr(), self.as_ptr()) })?;
        Ok(packet)
    }

    /// Lets the data go; the packet can be filled again.
    pub fn clear(&mut self) {
        // SAFETY: valid while we own it.
        unsafe { ffi::av_packet_unref(self.as_ptr()) };
    }

    /// Moves the content out; this packet is blank afterwards.
    pub fn take(&mut self) -> Result<Packet, AvError> {
        let taken = Packet::new()?;
        // SAFETY: both valid; the destination is blank.
        unsafe { ffi::av_packet_move_ref(taken.as_ptr(), self.as_ptr()) };
        Ok(taken)
    }

    /// The data no longer depends on a buffer that the demuxer or encoder may use again.
    pub fn make_owned(&mut self) -> Result<(), AvError> {
        // SAFETY: valid while we own it.
        AvError::check(unsafe { ffi::av_packet_make_refcounted(self.as_ptr()) }).map(drop)
    }

    /// Moves the data to a buffer of its size where its own is much larger, as a demuxer's for a PES packet of any length is: packets may be kept.
    pub(super) fn fit(&mut self) -> Result<(), AvError> {
        const SPARE_BYTES: usize = 64 << 10;
        let size = self.size();
        // SAFETY: a valid packet; its buffer is NULL or valid.
        let buffer_bytes = unsafe { (*self.as_ptr()).buf.as_ref() }.map_or(0, |buffer| buffer.size as usize);
        match buffer_bytes <= 2 * size + SPARE_BYTES {
            true => Ok(()),
            false => self.replace_data(size, |old, new| new.copy_from_slice(old)),
        }
    }

    /// Puts a buffer of `size` bytes in place of the data: `fill` gets both.
    pub(super) fn replace_data(&mut self, size: usize, fill: impl FnOnce(&[u8], &mut [u8])) -> Result<(), AvError> {
        let count = i32::try_from(size).map_err(|_| AvError::INVALID)?;
        let other = Packet::new()?;
        // SAFETY: valid packets; the new one has `size` bytes, which are set before anybody looks at them. The old buffer goes with `other`.
        unsafe {
            AvError::check(ffi::av_new_packet(other.as_ptr(), count))?;
            let (packet, other) = (&mut *self.as_ptr(), &mut *other.as_ptr());
            fill(self.data(), std::slice::from_raw_parts_mut(other.data, size));
            std::mem::swap(&mut packet.buf, &mut other.buf);
            std::mem::swap(&mut packet.data, &mut other.data);
            packet.size = count;
        }
        Ok(())
    }

    pub fn rescale(&mut self, from: Rational, to: Rational) {
        // SAFETY: valid while we own it; NOPTS is left alone by FFmpeg.
        unsafe { ffi::av_packet_rescale_ts(self.as_ptr(), from.into(), to.into()) };
    }

    pub fn shift(&mut self, by: i64) {
        if self.pts() != NOPTS {
            self.set_pts(self.pts().wrapping_add(by));
        }
        if self.dts() != NOPTS {
            self.set_dts(self.dts().wrapping_add(by));
        }
    }

    /// The codec's parameters are others from this packet on.
    pub fn add_new_extradata(&mut self, extradata: &[u8]) -> Result<(), AvError> {
        self.add_side_data(ffi::AV_PKT_DATA_NEW_EXTRADATA as i32, extradata)
    }

    /// What `add_new_extradata` or a bitstream filter has put there.
    pub fn new_extradata(&self) -> &[u8] {
        let mut size = 0;
        // SAFETY: valid packet; as many bytes as it says, for as long as the packet is not changed.
        unsafe {
            let kind = ffi::AV_PKT_DATA_NEW_EXTRADATA as _;
            let data = ffi::av_packet_get_side_data(self.as_ptr(), kind, &mut size);
            match data.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(data, size as usize),
            }
        }
    }

    /// In place of what [`Packet::new_extradata`] gives.
    pub(super) fn set_new_extradata(&mut self, extradata: &[u8]) -> Result<(), AvError> {
        // SAFETY: a valid packet; memory of FFmpeg's with as many bytes, which the packet owns unless it is refused.
        unsafe {
            let memory = ffi::av_mallocz(extradata.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if memory.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            memory.copy_from_nonoverlapping(extradata.as_ptr(), extradata.len());
            let kind = ffi::AV_PKT_DATA_NEW_EXTRADATA as _;
            let added = ffi::av_packet_add_side_data(self.as_ptr(), kind, memory, extradata.len() as _);
            AvError::check(added).map(drop).inspect_err(|_| ffi::av_free(memory.cast()))
        }
    }

    /// Adds side data unless there is some of this type already.
    pub fn add_side_data(&mut self, kind: i32, data: &[u8]) -> Result<(), AvError> {
        // SAFETY: valid packet; av_packet_new_side_data gives `data.len()` writable bytes or NULL.
        unsafe {
            if !ffi::av_packet_get_side_data(self.as_ptr(), kind as _, std::ptr::null_mut()).is_null() {
                return Ok(());
            }
            let target = ffi::av_packet_new_side_data(self.as_ptr(), kind as _, data.len());
            if target.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            std::ptr::copy_nonoverlapping(data.as_ptr(), target, data.len());
        }
        Ok(())
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        self.clear();
        let shell = self.0;
        let kept = SHELLS.try_with(|shells| {
            let shells = &mut shells.borrow_mut().0;
            let has_room = shells.len() < MOST_SHELLS;
            if has_room {
                shells.push(shell);
            }
            has_room
        });
        if kept != Ok(true) {
            free(shell);
        }
    }
}

/// Blank packets of this thread, to be used again: a copy takes one for each packet that it reads.
struct Shells(Vec<NonNull<ffi::AVPacket>>);

const MOST_SHELLS: usize = 32;

thread_local! {
    static SHELLS: RefCell<Shells> = const { RefCell::new(Shells(Vec::new())) };
}

impl Drop for Shells {
    fn drop(&mut self) {
        self.0.drain(..).for_each(free);
    }
}

fn free(shell: NonNull<ffi::AVPacket>) {
    let mut pointer = shell.as_ptr();
    // SAFETY: ours, and nobody else's; freed once.
    unsafe { ffi::av_packet_free(&mut pointer) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a packet's buffer, after [`Packet::fit`] of one with so much data in a buffer of 300,000.
    fn fitted(size: i32) -> usize {
        let mut packet = Packet::new().unwrap();
        // SAFETY: our packet, whose bytes are written before they are read.
        unsafe {
            AvError::check(ffi::av_new_packet(packet.as_ptr(), 300_000)).unwrap();
            std::ptr::write_bytes((*packet.as_ptr()).data, 7, size as usize);
            ffi::av_shrink_packet(packet.as_ptr(), size);
            packet.fit().unwrap();
            let data = std::slice::from_raw_parts((*packet.as_ptr()).data, size as usize);
            assert!(packet.size() == size as usize && data.iter().all(|byte| *byte == 7));
            (*(*packet.as_ptr()).buf).size as usize
        }
    }

    #[test]
    fn a_small_packet_leaves_a_large_buffer() {
        assert!(fitted(10_000) < 20_000 && fitted(0) < 20_000);
        assert!(fitted(200_000) > 290_000, "it would save little");
    }
}
