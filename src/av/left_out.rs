//! Streams that are left out of an output after all, before its header. FFmpeg's API has no word for it; within it `nb_streams` says how many there are.

use super::{AvError, Output, ffi};

/// The streams of an output as it was described.
#[derive(Default)]
pub(super) struct Described {
    /// By the number that everybody else has for them; empty where all are there.
    all: Vec<*mut ffi::AVStream>,
    /// Those that the muxer does not see.
    left: Vec<*mut ffi::AVStream>,
}

impl Output {
    /// Leaves a stream out: the muxer never sees it. The others keep their numbers here. An error where something else names streams by their number, and
    /// behind the header.
    pub fn leave_out(&mut self, index: usize) -> Result<(), AvError> {
        let stream = self.stream(index);
        #[cfg(ffmpeg7_0)]
        let has_groups = self.get().nb_stream_groups > 0;
        #[cfg(not(ffmpeg7_0))]
        let has_groups = false;
        if self.is_begun || self.get().nb_programs > 0 || has_groups {
            return Err(AvError::INVALID);
        }
        // SAFETY: the array has nb_streams places; the stream goes behind the last of those that stay, and its memory with it to `left`.
        unsafe {
            let count = (*self.context).nb_streams as usize;
            let streams = std::slice::from_raw_parts_mut((*self.context).streams, count);
            if self.described.all.is_empty() {
                self.described.all = streams.to_vec();
            }
            let Some(place) = streams.iter().position(|other| *other == stream) else { return Ok(()) };
            streams[place..].rotate_left(1);
            for (number, stream) in streams[..count - 1].iter().enumerate() {
                (**stream).index = number as i32;
            }
            (*self.context).nb_streams -= 1;
        }
        self.described.left.push(stream);
        Ok(())
    }

    /// A stream by the number that everybody has for it, where some were left out.
    pub(super) fn described(&self, index: usize) -> Option<*mut ffi::AVStream> {
        self.described.all.get(index).copied()
    }

    /// What was left out is freed with the rest: before the context is.
    pub(super) fn take_back_left_out(&mut self) {
        let (all, left) = (self.described.all.len(), self.described.left.len());
        // A muxer that made streams of its own meanwhile has taken their places: then they are not freed.
        if left == 0 || self.get().nb_streams as usize != all - left {
            return;
        }
        // SAFETY: the array still has the places that they had.
        unsafe {
            for stream in self.described.left.drain(..) {
                (*self.context).streams.add((*self.context).nb_streams as usize).write(stream);
                (*self.context).nb_streams += 1;
            }
        }
    }
}
