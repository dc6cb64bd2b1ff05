//! The bytes of an input that cannot seek, which are looked at on their way.

use super::WholePictures;
use crate::av::byte_stream::{ByteStream, StreamError};
use std::sync::Arc;

struct Watched {
    stream: Box<dyn ByteStream>,
    pictures: Arc<WholePictures>,
}

/// `stream`, which cannot seek, and what watches it.
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

    fn whole_ahead(&mut self, reads_on: &mut dyn FnMut(&[u8]) -> bool) -> Option<&[u8]> {
        self.stream.whole_ahead(reads_on)
    }

    fn chunk_bytes(&self) -> usize {
        self.stream.chunk_bytes()
    }
}
