//! Whole inputs and outputs in memory: no callback, no thread, and both can seek.

use crate::av::{ByteStream, StreamError};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::sync::Arc;

/// Bytes that stay as they are for as long as this lives.
pub trait HostBytes: Send {
    fn bytes(&self) -> &[u8];

    /// As [`ByteStream::disown`].
    fn disown(&mut self) {}
}

/// An input that is all there.
pub struct InMemory<T> {
    data: T,
    at: usize,
}

impl<T: HostBytes> InMemory<T> {
    pub fn new(data: T) -> InMemory<T> {
        InMemory { data, at: 0 }
    }
}

impl<T: HostBytes> ByteStream for InMemory<T> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let left = self.data.bytes().get(self.at..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.at = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        Some(self.data.bytes().len() as u64)
    }

    fn can_seek(&self) -> bool {
        true
    }

    fn can_write(&self) -> bool {
        false
    }

    fn whole(&self) -> Option<&[u8]> {
        Some(self.data.bytes())
    }

    fn disown(&mut self) {
        self.data.disown();
    }
}

/// Is told by how many bytes what a buffer holds has changed.
pub type CountBytes = Box<dyn Fn(i64) + Send + Sync>;

/// What an output writes, until the host takes it. It grows by doubling, so that each byte is moved twice at most.
pub struct Buffer {
    limit_bytes: u64,
    count: CountBytes,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    data: Vec<u8>,
    counted_bytes: usize,
    is_taken: bool,
}

/// What the first write makes room for: less than that a job does not write at once.
const FIRST_BYTES: usize = 64 << 10;

impl Buffer {
    pub fn new(limit_bytes: u64, count: CountBytes) -> Arc<Buffer> {
        Arc::new(Buffer { limit_bytes, count, held: Mutex::default() })
    }

    /// What was written so far, which is nobody else's from now on: later writes fail. None where it was taken before.
    pub fn take(&self) -> Option<Vec<u8>> {
        let mut held = self.held.lock();
        if std::mem::replace(&mut held.is_taken, true) {
            return None;
        }
        let mut data = std::mem::take(&mut held.data);
        self.recount(&mut held);
        drop(held);
        data.shrink_to_fit();
        Some(data)
    }

    /// It is written from its beginning, by a job that is run once more.
    pub fn clear(&self) {
        let mut held = self.held.lock();
        held.data = Vec::new();
        self.recount(&mut held);
    }

    fn write(&self, at: u64, data: &[u8]) -> Result<(), StreamError> {
        let mut held = self.held.lock();
        if held.is_taken {
            return Err(StreamError { code: Code::ECANCELED.to_c(), text: "the host has taken it".into() });
        }
        let end = at.saturating_add(data.len() as u64);
        let Some((at, end)) =
            usize::try_from(at).ok().zip(usize::try_from(end).ok()).filter(|_| end <= self.limit_bytes)
        else {
            let text = format!("the output would pass the {} bytes that its buffer may hold", self.limit_bytes);
            return Err(StreamError { code: Code::LIMIT.to_c(), text });
        };
        let grown = held.make_room(end, usize::try_from(self.limit_bytes).unwrap_or(usize::MAX));
        self.recount(&mut held);
        grown?;
        if at > held.data.len() {
            held.data.resize(at, 0); // as a file that was written behind its end
        }
        let over = (held.data.len() - at).min(data.len());
        held.data[at..at + over].copy_from_slice(&data[..over]);
        held.data.extend_from_slice(&data[over..]);
        Ok(())
    }

    fn recount(&self, held: &mut Held) {
        let now = held.data.capacity();
        if now != held.counted_bytes {
            (self.count)(now as i64 - held.counted_bytes as i64);
            held.counted_bytes = now;
        }
    }
}

impl Held {
    /// Room for `end` bytes in all: twice what there was, but not beyond the limit.
    fn make_room(&mut self, end: usize, limit_bytes: usize) -> Result<(), StreamError> {
        if end <= self.data.capacity() {
            return Ok(());
        }
        let wanted = self.data.capacity().saturating_mul(2).max(FIRST_BYTES).min(limit_bytes).max(end);
        self.data.try_reserve_exact(wanted - self.data.len()).map_err(|_| StreamError {
            code: Code::ENOMEM.to_c(),
            text: format!("no memory for an output of {end} bytes"),
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// A position in a buffer. A muxer that reads back what it wrote has a second one.
pub struct BufferStream {
    buffer: Arc<Buffer>,
    at: u64,
}

impl BufferStream {
    pub fn new(buffer: &Arc<Buffer>) -> BufferStream {
        BufferStream { buffer: Arc::clone(buffer), at: 0 }
    }
}

impl ByteStream for BufferStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let held = self.buffer.held.lock();
        let left = usize::try_from(self.at).ok().and_then(|at| held.data.get(at..)).unwrap_or_default();
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count as u64;
        Ok(count)
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        self.buffer.write(self.at, data)?;
        self.at += data.len() as u64;
        Ok(data.len())
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.at = position;
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        Some(self.buffer.held.lock().data.len() as u64)
    }

    fn can_seek(&self) -> bool {
        true
    }
}

/// A copy of bytes of the host's, counted while it lives.
pub struct Copied {
    data: Vec<u8>,
    count: CountBytes,
}

impl Copied {
    pub fn new(bytes: &[u8], count: CountBytes) -> Result<Copied, Error> {
        let mut data = Vec::new();
        if data.try_reserve_exact(bytes.len()).is_err() {
            return Err(Error::new(Code::ENOMEM, format!("no memory for a copy of {} bytes", bytes.len())));
        }
        data.extend_from_slice(bytes);
        count(data.len() as i64);
        Ok(Copied { data, count })
    }
}

impl HostBytes for Copied {
    fn bytes(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        (self.count)(-(self.data.len() as i64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

    /// A buffer, what is counted of it, and how often that changed.
    fn counted(limit_bytes: u64) -> (Arc<Buffer>, Arc<AtomicI64>, Arc<AtomicU64>) {
        let (bytes, times) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicU64::new(0)));
        let (sum, calls) = (Arc::clone(&bytes), Arc::clone(&times));
        let count = move |change| {
            sum.fetch_add(change, Relaxed);
            calls.fetch_add(1, Relaxed);
        };
        (Buffer::new(limit_bytes, Box::new(count)), bytes, times)
    }

    #[test]
    fn a_buffer_is_written_anywhere_and_read_back() {
        let (buffer, ..) = counted(1000);
        let mut stream = BufferStream::new(&buffer);
        stream.write(b"hello world").unwrap();
        stream.seek(6).unwrap();
        stream.write(b"there, all").unwrap();
        stream.seek(18).unwrap();
        stream.write(b"!").unwrap();
        let mut second = BufferStream::new(&buffer);
        let mut piece = [0; 5];
        assert_eq!((second.read(&mut piece).unwrap(), &piece), (5, b"hello"));
        assert_eq!(second.size(), Some(19));
        second.seek(100).unwrap();
        assert_eq!(second.read(&mut piece).unwrap(), 0);
        assert_eq!(buffer.take().as_deref(), Some(&b"hello there, all\0\0!"[..]));
        assert_eq!(buffer.take(), None);
        assert_eq!(stream.write(b"x").unwrap_err().code, Code::ECANCELED.to_c());
    }

    #[test]
    fn a_limit_holds_wherever_it_is_written() {
        let (buffer, ..) = counted(10);
        let mut stream = BufferStream::new(&buffer);
        stream.write(&[1; 10]).unwrap();
        assert_eq!(stream.write(&[1]).unwrap_err().code, Code::LIMIT.to_c());
        for far in [10, u64::MAX - 1, u64::MAX] {
            stream.seek(far).unwrap();
            assert_eq!(stream.write(&[1; 2]).unwrap_err().code, Code::LIMIT.to_c(), "{far}");
        }
        stream.seek(5).unwrap();
        stream.write(&[2; 5]).unwrap();
        assert_eq!(buffer.take().unwrap(), [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    }

    #[test]
    fn growth_is_counted_and_rare_and_all_is_given_back() {
        let (buffer, bytes, times) = counted(u64::MAX);
        let mut stream = BufferStream::new(&buffer);
        for _ in 0..1 << 10 {
            stream.write(&[7; 1 << 14]).unwrap();
        }
        assert!((16 << 20..=32 << 20).contains(&bytes.load(Relaxed)));
        assert!(times.load(Relaxed) < 16, "{times:?}");
        assert_eq!(buffer.take().map(|data| data.len()), Some(16 << 20));
        assert_eq!(bytes.load(Relaxed), 0);
        let (buffer, bytes, _) = counted(u64::MAX);
        BufferStream::new(&buffer).write(b"left").unwrap();
        drop(buffer);
        assert_eq!(bytes.load(Relaxed), 0);
    }

    #[test]
    fn an_input_is_read_from_anywhere() {
        let mut stream = InMemory::new(Copied::new(b"abc", Box::new(|_| ())).unwrap());
        let mut piece = [0; 2];
        assert_eq!((stream.read(&mut piece).unwrap(), stream.read(&mut piece).unwrap()), (2, 1));
        assert_eq!(stream.read(&mut piece).unwrap(), 0);
        stream.seek(u64::MAX).unwrap();
        assert_eq!(stream.read(&mut piece).unwrap(), 0);
        assert!(!stream.can_write() && stream.size() == Some(3));
    }
}
