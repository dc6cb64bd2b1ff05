//! Where an output goes, and what is written there: from opening the file to closing it, well or broken off.

use super::length_prefixed::LengthPrefixed;
use super::{AvError, Dict, Io, Output, Packet, ffi};
use std::ptr;

impl Output {
    /// Opens the file or connection. What of `options` was not used stays in it.
    pub fn open(&mut self, options: &mut Dict) -> Result<(), AvError> {
        if self.flags().opens_no_file() {
            return Ok(());
        }
        // SAFETY: a valid context with its url and callback.
        unsafe {
            let (url, callback) = ((*self.context).url, &raw const (*self.context).interrupt_callback);
            let flags = ffi::AVIO_FLAG_WRITE as i32;
            AvError::check(ffi::avio_open2(&mut (*self.context).pb, url, flags, callback, options.as_mut()))?;
            // Without it every packet is one write(2) (FFmpeg: avio's min_packet_size; rule 17).
            if !(*self.context).pb.is_null() && (*(*self.context).pb).seekable != 0 {
                (*(*self.context).pb).min_packet_size = (*(*self.context).pb).min_packet_size.max(32 * 1024);
            }
        }
        Ok(())
    }

    /// Writes to `io` instead of a file of FFmpeg's.
    pub fn attach(&mut self, io: Io) {
        // SAFETY: a valid context that has no file; the Io is kept until the context is freed.
        unsafe {
            (*self.context).pb = io.as_ptr();
            (*self.context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO as i32;
        }
        self.io = Some(io);
    }

    /// What the muxer or we close from now on is broken off: the output has failed.
    pub fn set_broken(&self) {
        self.access.set_broken();
    }

    pub fn write_header(&mut self, options: &mut Dict) -> Result<(), AvError> {
        // SAFETY: a valid context, whose streams are described by now.
        self.length_prefixed = unsafe { LengthPrefixed::begin(self.context, options)? };
        // SAFETY: a valid context.
        AvError::check(unsafe { ffi::avformat_write_header(self.context, options.as_mut()) })?;
        self.is_begun = true;
        Ok(())
    }

    /// Takes the packet's content; muxes by time across streams. `packet.stream_index` is one of this output's.
    pub fn write(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        if let Some(stream) = usize::try_from(packet.stream_index()).ok().and_then(|index| self.described(index)) {
            // SAFETY: a stream of this output's.
            packet.set_stream_index(unsafe { (*stream).index });
        }
        self.length_prefixed.convert(packet)?;
        // SAFETY: a valid context and packet, whose stream_index exists (set by the caller from this output's streams).
        AvError::check(unsafe { ffi::av_interleaved_write_frame(self.context, packet.as_ptr()) }).map(drop)
    }

    pub fn write_trailer(&mut self) -> Result<(), AvError> {
        self.is_begun = false;
        // SAFETY: a valid context whose header was written.
        AvError::check(unsafe { ffi::av_write_trailer(self.context) }).map(drop)
    }

    /// Bytes written so far, as far as known.
    pub fn size_bytes(&self) -> u64 {
        // SAFETY: a valid context; pb is NULL or open. avio_tell is a seek by 0 from the current place.
        unsafe {
            let pb = self.get().pb;
            if pb.is_null() {
                return 0;
            }
            let size = ffi::avio_size(pb);
            let size = if size > 0 { size } else { ffi::avio_seek(pb, 0, libc::SEEK_CUR) };
            size.max(0) as u64
        }
    }

    /// The position in the file: cheap, no system call.
    pub fn position_bytes(&self) -> u64 {
        // SAFETY: as above.
        unsafe {
            let pb = self.get().pb;
            if pb.is_null() { 0 } else { ffi::avio_seek(pb, 0, libc::SEEK_CUR).max(0) as u64 }
        }
    }

    pub fn has_file(&self) -> bool {
        !self.get().pb.is_null()
    }

    /// Whether writing to the file has failed, whatever the muxer makes of it.
    pub fn has_file_failed(&self) -> bool {
        let pb = self.get().pb;
        // SAFETY: NULL or open.
        !pb.is_null() && unsafe { (*pb).error } < 0
    }

    /// Closes the file: what was buffered is written, and an error of that is reported.
    pub fn close(&mut self) -> Result<(), AvError> {
        if let Some(io) = self.io.take() {
            // SAFETY: the context must not reach what is closed here.
            unsafe { (*self.context).pb = ptr::null_mut() };
            return io.close(0);
        }
        if self.flags().opens_no_file() {
            return Ok(());
        }
        // SAFETY: a valid context; avio_closep leaves NULL behind.
        AvError::check(unsafe { ffi::avio_closep(&mut (*self.context).pb) }).map(drop)
    }

    /// The muxer writes on a thread of its own, which only its trailer waits for (libavformat/fifo.c); freed without it, the thread would
    /// go on in memory that is gone. A tee may have such parts.
    fn has_thread(&self) -> bool {
        matches!(self.format_name().as_str(), "fifo" | "tee")
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // What the muxer has open still, or we, is broken off: an output that ended well was closed before.
        self.access.set_broken();
        if self.is_begun && self.has_thread() {
            let _ = self.write_trailer();
        }
        let io = self.io.take();
        if io.is_none() {
            let _ = self.close();
        }
        self.take_back_left_out();
        // SAFETY: ours; freed once. A muxer that gives up may still write: our Io lives until after that.
        unsafe { ffi::avformat_free_context(self.context) };
        if let Some(io) = io {
            let _ = io.close(-libc::ECANCELED);
        }
    }
}
