//! The bytes of an input, which are looked at on their way.

use super::WholePictures;
use crate::av::Interrupt;
use crate::av::io::{ByteStream, StreamError};
use std::sync::Arc;

struct Watched {
    stream: Box<dyn ByteStream>,
    pictures: Arc<WholePictures>,
}

/// `stream`, and what watches it.
pub fn watched(stream: Box<dyn ByteStream>) -> (Box<dyn ByteStream>, Arc<WholePictures>) {
    let pictures = WholePictures::new();
    (Box::new(Watched { stream, pictures: Arc::clone(&pictures) }), pictures)
}

impl ByteStream for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let count = self.stream.read(buffer)?;
        self.pictures.take(&buffer[..count]);
        Ok(count)
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        self.stream.write(data)
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.pictures.end(); // the order of bytes is another
        self.stream.seek(position)
    }

    fn size(&mut self) -> Option<u64> {
        self.stream.size()
    }

    fn can_seek(&self) -> bool {
        self.stream.can_seek()
    }

    fn can_read(&self) -> bool {
        self.stream.can_read()
    }

    fn can_write(&self) -> bool {
        self.stream.can_write()
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        self.stream.close(code)
    }

    fn leave(&mut self) {
        self.stream.leave();
    }

    fn disown(&mut self) {
        self.stream.disown();
    }

    fn obey(&mut self, interrupt: &Arc<Interrupt>) {
        self.stream.obey(interrupt);
    }

    fn whole(&self) -> Option<&[u8]> {
        self.stream.whole()
    }

    fn whole_ahead(&mut self, reads_on: &mut dyn FnMut(&[u8]) -> bool) -> Option<&[u8]> {
        self.stream.whole_ahead(reads_on)
    }

    fn chunk_bytes(&self) -> usize {
        self.stream.chunk_bytes()
    }

    fn flushes_packets(&self) -> bool {
        self.stream.flushes_packets()
    }
}
