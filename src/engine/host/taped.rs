//! A stream of the host's that is taped while it is read.

use super::tape::Tape;
use crate::av::{ByteStream, StreamError};
use std::sync::Arc;
use std::time::Duration;

/// Looks at what was read so far; an error of it is the reader's.
pub type Look = Arc<dyn Fn(&str, &Tape) -> Result<(), StreamError> + Send + Sync>;

/// A stream of the host's that is taped while it is read.
pub struct TapedStream {
    /// None where the tape has all of it.
    inner: Option<Box<dyn ByteStream>>,
    tape: Arc<Tape>,
    look: Option<Look>,
    name: String,
    at: u64,
    /// So much is given from the tape: the stream cannot seek and is behind it.
    from_tape: u64,
    /// The stream is somewhere, and is to be at `at`.
    must_seek: bool,
}

impl TapedStream {
    pub fn new(inner: Box<dyn ByteStream>, tape: &Arc<Tape>, name: &str, look: Option<Look>) -> TapedStream {
        let tape = Arc::clone(tape);
        TapedStream { inner: Some(inner), tape, look, name: name.to_owned(), at: 0, from_tape: 0, must_seek: false }
    }

    /// The input from its beginning, once more.
    pub fn again(inner: Option<Box<dyn ByteStream>>, tape: &Arc<Tape>, name: &str, look: Option<Look>) -> TapedStream {
        let can_seek = inner.as_ref().is_some_and(|inner| inner.can_seek());
        let (tape, name) = (Arc::clone(tape), name.to_owned());
        let from_tape = if can_seek { 0 } else { tape.beginning_bytes() };
        TapedStream { inner, tape, look, name, at: 0, from_tape, must_seek: can_seek }
    }

    fn inner(&mut self) -> Result<&mut Box<dyn ByteStream>, StreamError> {
        let Some(inner) = &mut self.inner else {
            return Err(StreamError { code: -libc::ENOSYS, text: "the stream is at its end".into() });
        };
        if std::mem::take(&mut self.must_seek) {
            inner.seek(self.at)?;
        }
        Ok(inner)
    }
}

impl ByteStream for TapedStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        if self.at < self.from_tape {
            let count = self.tape.give(self.at, buffer);
            self.at += count as u64;
            return Ok(count);
        }
        let count = if self.inner.is_some() { self.inner()?.read(buffer)? } else { 0 };
        // Nonsense of the host's is for who knows how to tell it.
        if let Some(bytes) = buffer.get(..count) {
            self.tape.record(self.at, bytes);
        }
        self.at = self.at.saturating_add(count as u64);
        if let Some(look) = &self.look {
            look(&self.name, &self.tape)?;
        }
        Ok(count)
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        self.inner()?.write(data)
    }

    fn gather(&mut self, interval: Duration) {
        if let Some(inner) = &mut self.inner {
            inner.gather(interval);
        }
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.must_seek = false;
        self.inner()?.seek(position)?;
        self.at = position;
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        let size = self.inner.as_mut()?.size();
        size.inspect(|size| self.tape.set_size(*size))
    }

    fn can_seek(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.can_seek())
    }

    fn can_read(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| inner.can_read())
    }

    fn can_write(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.can_write())
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        self.inner.as_mut().map_or(Ok(()), |inner| inner.close(code))
    }

    fn leave(&mut self) {
        self.tape.set_left();
        if let Some(mut inner) = self.inner.take() {
            inner.leave();
        }
    }

    fn chunk_bytes(&self) -> usize {
        self.inner.as_ref().map_or(64 << 10, |inner| inner.chunk_bytes())
    }

    fn flushes_packets(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.flushes_packets())
    }
}

impl Drop for TapedStream {
    fn drop(&mut self) {
        self.tape.keep_stream(self.inner.take());
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Copied, InMemory};
    use super::super::tape::{MOST_REGIONS, Region};
    use super::*;

    fn region(at: u64, bytes: &[u8]) -> Region {
        Region { at, bytes: bytes.to_vec() }
    }

    fn input(bytes: &[u8]) -> Box<dyn ByteStream> {
        Box::new(InMemory::new(Copied::new(bytes, Box::new(|_| ())).unwrap()))
    }

    fn read(stream: &mut TapedStream, most: usize) -> Vec<u8> {
        let mut buffer = vec![0; most];
        let count = stream.read(&mut buffer).unwrap();
        buffer.truncate(count);
        buffer
    }

    #[test]
    fn regions_are_kept_once_and_joined_where_they_meet() {
        let tape = Tape::new(100, false);
        for (at, bytes) in [(0, &b"abc"[..]), (10, b"klm"), (2, b"cde"), (8, b"ijkl"), (5, b"fgh")] {
            tape.record(at, bytes);
        }
        assert_eq!(tape.taped().regions, [region(0, b"abcdefghijklm")]);
        assert!(!tape.taped().is_cut);
    }

    #[test]
    fn no_more_than_the_limit_is_kept_and_what_is_missing_is_known() {
        let tape = Tape::new(4, false);
        tape.record(0, b"abc");
        assert!(!tape.taped().is_cut);
        tape.record(3, b"def");
        tape.record(100, b"x");
        assert_eq!(tape.taped().regions, [region(0, b"abcd")]);
        assert!(tape.taped().is_cut);
        assert!(tape.rewind().is_err());
        let many = Tape::new(1 << 20, false);
        (0..10_000).for_each(|i| many.record(i * 2, b"x"));
        assert_eq!((many.taped().regions.len(), many.taped().is_cut), (MOST_REGIONS, true));
    }

    /// Cannot seek.
    struct Once(Vec<u8>);

    impl ByteStream for Once {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
            let count = self.0.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    #[test]
    fn a_stream_that_cannot_seek_begins_anew_from_the_tape_and_goes_on_by_itself() {
        let tape = Tape::new(100, true);
        let mut stream = TapedStream::new(Box::new(Once(b"abcdef".to_vec())), &tape, "in", None);
        assert_eq!(read(&mut stream, 4), b"abcd");
        drop(stream);
        tape.rewind().unwrap();
        assert!(tape.take_again() && !tape.take_again());
        let mut stream = TapedStream::again(tape.take_kept(), &tape, "in", None);
        assert_eq!([read(&mut stream, 3), read(&mut stream, 3), read(&mut stream, 3)], [&b"abc"[..], b"d", b"ef"]);
        assert_eq!(read(&mut stream, 3), b"");
        stream.leave();
        drop(stream);
        // The whole of it is on the tape now, so the stream is not needed.
        tape.rewind().unwrap();
        let mut stream = TapedStream::again(tape.take_kept(), &tape, "in", None);
        assert_eq!((read(&mut stream, 9), read(&mut stream, 9)), (b"abcdef".to_vec(), Vec::new()));
    }

    #[test]
    fn a_stream_that_can_seek_goes_back_itself() {
        let tape = Tape::new(2, true);
        let mut stream = TapedStream::new(input(b"abcdef"), &tape, "in", None);
        assert_eq!(read(&mut stream, 5), b"abcde");
        drop(stream);
        tape.rewind().unwrap();
        let mut stream = TapedStream::again(tape.take_kept(), &tape, "in", None);
        assert_eq!(read(&mut stream, 6), b"abcdef");
    }

    #[test]
    fn what_was_let_go_before_its_end_cannot_be_read_again() {
        let tape = Tape::new(100, true);
        let mut stream = TapedStream::new(input(b"abcdef"), &tape, "in", None);
        read(&mut stream, 2);
        stream.leave();
        drop(stream);
        assert!(tape.rewind().unwrap_err().contains("let go"));
    }

    #[test]
    fn who_looks_can_refuse() {
        let tape = Tape::new(100, false);
        let look: Look = Arc::new(|name, tape: &Tape| match tape.beginning(|bytes, _| bytes == b"bad") {
            true => Err(StreamError { code: -1, text: format!("{name} is bad") }),
            false => Ok(()),
        });
        let mut stream = TapedStream::new(input(b"bad"), &tape, "in", Some(look));
        assert_eq!(read(&mut stream, 2), b"ba");
        assert_eq!(stream.read(&mut [0; 4]).unwrap_err().text, "in is bad");
    }
}
