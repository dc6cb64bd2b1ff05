//! An output of the host's that its muxer opens a second time, to read back what it wrote: `-movflags +faststart`, FLV's key-frame index. Both
//! have a position of their own on the one stream.

use crate::av::{ByteStream, StreamError};
use parking_lot::Mutex;
use std::sync::{Arc, Weak};

/// The stream, and where it stands.
pub struct Positioned {
    stream: Box<dyn ByteStream>,
    at: u64,
}

pub struct Shared {
    inner: Arc<Mutex<Positioned>>,
    at: u64,
    /// The first one closes the stream.
    is_first: bool,
}

impl Shared {
    pub fn new(stream: Box<dyn ByteStream>) -> Shared {
        Shared { inner: Arc::new(Mutex::new(Positioned { stream, at: 0 })), at: 0, is_first: true }
    }

    /// To open it again, as long as it is open.
    pub fn again(&self) -> Weak<Mutex<Positioned>> {
        Arc::downgrade(&self.inner)
    }

    pub fn second(again: &Weak<Mutex<Positioned>>) -> Option<Shared> {
        Some(Shared { inner: again.upgrade()?, at: 0, is_first: false })
    }

    /// Runs a call at this one's own position.
    fn here(
        &mut self,
        call: impl FnOnce(&mut dyn ByteStream) -> Result<usize, StreamError>,
    ) -> Result<usize, StreamError> {
        let mut inner = self.inner.lock();
        if inner.at != self.at {
            inner.stream.seek(self.at)?;
            inner.at = self.at;
        }
        let count = call(inner.stream.as_mut())?;
        inner.at = inner.at.saturating_add(count as u64);
        self.at = inner.at;
        Ok(count)
    }
}

impl ByteStream for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        self.here(|stream| stream.read(buffer))
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        self.here(|stream| stream.write(data))
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        let mut inner = self.inner.lock();
        inner.stream.seek(position)?;
        (inner.at, self.at) = (position, position);
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        self.inner.lock().stream.size()
    }

    fn can_seek(&self) -> bool {
        true
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        if self.is_first { self.inner.lock().stream.close(code) } else { Ok(()) }
    }

    fn chunk_bytes(&self) -> usize {
        self.inner.lock().stream.chunk_bytes()
    }
}
