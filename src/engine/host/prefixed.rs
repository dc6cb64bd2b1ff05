//! The first bytes of a stream that cannot seek: they are looked at before FFmpeg has them, and a short MPEG-TS is read ahead to its end.

use crate::av::{ByteStream, StreamError};
use crate::engine::counters::{Counters, add};
use crate::error::{Code, Error};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub(super) const STEP_BYTES: usize = 64 << 10;

/// Bytes in memory, counted among those that wait in the job.
pub(super) struct Kept {
    pub data: Vec<u8>,
    pub counters: Arc<Counters>,
}

impl Kept {
    pub fn read_on(&mut self, stream: &mut dyn ByteStream, step_bytes: usize) -> Result<usize, Error> {
        let before = self.data.len();
        if self.data.try_reserve(step_bytes).is_err() {
            return Err(
                Error::new(Code::ENOMEM, format!("no memory to keep {before} bytes of an input")).at("open input")
            );
        }
        self.data.resize(before + step_bytes, 0);
        let result = stream.read(&mut self.data[before..]);
        self.data.truncate(before + result.as_ref().map_or(0, |count| *count));
        let count = result.map_err(|error| Error::new(Code::from_c(error.code), error.text).at("open input"))?;
        add(&self.counters.link_bytes, count as u64);
        Ok(count)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.counters.link_bytes.fetch_sub(self.data.len() as u64, Relaxed);
    }
}

/// A stream whose first bytes were looked at.
pub(super) struct Prefixed {
    prefix: Kept,
    at: usize,
    inner: Box<dyn ByteStream>,
    /// How far may be read ahead. As long as that may be asked for, `prefix` keeps what is read; else 0.
    ahead_bytes: usize,
    /// What the stream ended with when it was read ahead.
    end: Option<Result<(), StreamError>>,
}

/// What a demuxer has read of an MPEG-TS when it knows its streams is mostly less.
const HEADER_BYTES: usize = 256 << 10;

impl Prefixed {
    pub fn new(prefix: Kept, inner: Box<dyn ByteStream>, ahead_bytes: usize) -> Prefixed {
        // Only of an MPEG-TS all is asked for.
        let ahead_bytes = if prefix.data.first() == Some(&0x47) { ahead_bytes } else { 0 };
        Prefixed { prefix, at: 0, inner, ahead_bytes, end: None }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let has_room = self.prefix.data.len() + bytes.len() <= HEADER_BYTES.min(self.ahead_bytes);
        if has_room && self.prefix.data.try_reserve(bytes.len()).is_ok() {
            self.prefix.data.extend_from_slice(bytes);
            add(&self.prefix.counters.link_bytes, bytes.len() as u64);
            self.at += bytes.len();
        } else {
            self.keep_no_more();
        }
    }

    fn keep_no_more(&mut self) {
        self.ahead_bytes = 0;
        if self.at > 0 && self.at == self.prefix.data.len() {
            self.prefix = Kept { data: Vec::new(), counters: Arc::clone(&self.prefix.counters) };
            self.at = 0;
        }
    }
}

impl ByteStream for Prefixed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let left = &self.prefix.data[self.at..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        if self.ahead_bytes == 0 {
            self.keep_no_more();
        }
        if count > 0 {
            return Ok(count);
        }
        if let Some(end) = &self.end {
            return end.clone().map(|()| 0);
        }
        let count = self.inner.read(buffer)?;
        match buffer.get(..count).filter(|_| self.ahead_bytes > 0) {
            Some([]) => self.end = Some(Ok(())),
            Some(bytes) => self.keep(bytes),
            None => {}
        }
        Ok(count)
    }

    fn whole_ahead(&mut self, reads_on: &mut dyn FnMut(&[u8]) -> bool) -> Option<&[u8]> {
        let most_bytes = std::mem::take(&mut self.ahead_bytes);
        while self.end.is_none() && self.prefix.data.len() < most_bytes && reads_on(&self.prefix.data) {
            match self.prefix.read_on(self.inner.as_mut(), STEP_BYTES) {
                Ok(1..) => {}
                Ok(_) => self.end = Some(Ok(())),
                Err(error) => {
                    let text = error.message().to_owned();
                    self.end = Some(Err(StreamError { code: error.code().to_c(), text }));
                }
            }
        }
        if most_bytes == 0 || !matches!(self.end, Some(Ok(()))) {
            self.keep_no_more();
            return None;
        }
        Some(&self.prefix.data)
    }

    fn chunk_bytes(&self) -> usize {
        self.inner.chunk_bytes()
    }
}
