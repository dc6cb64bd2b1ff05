//! Inputs of the host's that are kept in memory. Small ones that can seek, as each read and seek of them is a call of the host's, or a message to it. And
//! streams that cannot seek, for a format that must: the MP4 family is the one that matters. Its index (moov) may lie behind its media (mdat), and then
//! nothing can be read before all has come: such a file is kept up to a limit that is stated (ISO/IEC 14496-12, 4.2: boxes). And the beginning of an
//! MPEG-TS, which may be looked at as a whole where it is short.

use super::memory::{HostBytes, InMemory};
use super::prefixed::{Kept, Prefixed, STEP_BYTES};
use crate::av::{ByteStream, StreamError};
use crate::engine::counters::Counters;
use crate::error::{Code, Error};
use std::sync::Arc;

pub(super) const DEFAULT_SEEK_BUFFER_BYTES: u64 = 32 << 20;
/// How far the boxes before index and media are looked at.
const HEAD_BYTES: usize = 1 << 20;
/// Enough for the boxes at the beginning of nearly every file.
const FIRST_STEP_BYTES: usize = 4 << 10;

#[derive(Debug, PartialEq, Eq)]
enum Layout {
    /// Nothing is known against reading it as it comes.
    InOrder,
    /// The media, whose end is here, comes before the index.
    IndexBehind { media_end: Option<u64> },
    /// More bytes are needed to know.
    Unknown,
}

/// What the boxes at the beginning of `data` say.
fn layout(data: &[u8]) -> Layout {
    let mut at = 0usize;
    loop {
        let Some(head) = data.get(at..at + 16) else {
            let is_box = at > 0 || data.get(4..8).is_none_or(is_first);
            return if is_box && at < HEAD_BYTES { Layout::Unknown } else { Layout::InOrder };
        };
        if at == 0 && !is_first(&head[4..8]) {
            return Layout::InOrder;
        }
        let short = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let long = u64::from_be_bytes([head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15]]);
        let size = match short {
            0 => None,
            1 => Some(long),
            size => Some(u64::from(size)),
        };
        match (&head[4..8], size) {
            (b"mdat", size) => {
                return Layout::IndexBehind { media_end: size.map(|size| (at as u64).saturating_add(size)) };
            }
            (b"ftyp" | b"free" | b"skip" | b"wide" | b"pnot" | b"uuid", Some(size @ 8..)) => {
                match usize::try_from(size).ok().and_then(|size| at.checked_add(size)).filter(|at| *at < HEAD_BYTES) {
                    Some(next) => at = next,
                    None => return Layout::InOrder,
                }
            }
            _ => return Layout::InOrder,
        }
    }
}

fn is_first(kind: &[u8]) -> bool {
    [b"ftyp", b"mdat", b"free", b"skip", b"wide", b"pnot"].iter().any(|first| *first == kind)
}

/// What can seek and has no more bytes is read at once.
pub(super) const SMALL_BYTES: u64 = 1 << 20;

/// Reads a stream that can seek to its end where that is no further than `limit_bytes`. A size of 0 is none: some files grow, or do not know theirs.
pub fn keep_small(
    mut stream: Box<dyn ByteStream>,
    limit_bytes: u64,
    counters: &Arc<Counters>,
) -> Result<Box<dyn ByteStream>, Error> {
    if !stream.can_seek() || stream.whole().is_some() {
        return Ok(stream);
    }
    let Some(size) = stream.size().filter(|size| (1..=limit_bytes).contains(size)) else { return Ok(stream) };
    let mut kept = Kept { data: Vec::new(), counters: Arc::clone(counters) };
    while let Some(left @ 1..) = (size as usize).checked_sub(kept.data.len()) {
        match kept.read_on(stream.as_mut(), left) {
            Ok(1..) => {}
            // Shorter than it says: FFmpeg is to see that, too.
            Ok(_) => {
                let back = |error: StreamError| Error::new(Code::from_c(error.code), error.text).at("open input");
                return stream.seek(0).map(|()| stream).map_err(back);
            }
            Err(error) => {
                let error = StreamError { code: error.code().to_c(), text: error.message().to_owned() };
                let begins = InMemory::new(Whole { kept, _inner: stream });
                return Ok(Box::new(Failing { begins, size_bytes: size, error }));
            }
        }
    }
    Ok(Box::new(InMemory::new(Whole { kept, _inner: stream })))
}

/// What was read of a stream before it failed. Nothing more is asked of it.
struct Failing {
    begins: InMemory<Whole>,
    size_bytes: u64,
    error: StreamError,
}

impl ByteStream for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        match self.begins.read(buffer)? {
            0 => Err(self.error.clone()),
            count => Ok(count),
        }
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.begins.seek(position)
    }

    fn size(&mut self) -> Option<u64> {
        Some(self.size_bytes)
    }

    fn can_seek(&self) -> bool {
        true
    }

    fn can_write(&self) -> bool {
        false
    }
}

/// Makes a stream that cannot seek fit for reading: as it is, or in memory where its index lies behind its media. Of one that is read as it comes up to
/// `ahead_bytes` may be read ahead.
pub fn prepare(
    mut stream: Box<dyn ByteStream>,
    limit_bytes: u64,
    ahead_bytes: u64,
    counters: &Arc<Counters>,
) -> Result<Box<dyn ByteStream>, Error> {
    if stream.can_seek() {
        return Ok(stream);
    }
    let mut kept = Kept { data: Vec::new(), counters: Arc::clone(counters) };
    let mut is_over = false;
    let found = loop {
        match layout(&kept.data) {
            Layout::Unknown if !is_over => is_over = kept.read_on(stream.as_mut(), FIRST_STEP_BYTES)? == 0,
            found => break found,
        }
    };
    let Layout::IndexBehind { media_end } = found else {
        return Ok(Box::new(Prefixed::new(kept, stream, ahead_bytes as usize)));
    };
    if media_end.is_some_and(|end| end > limit_bytes) {
        return Err(too_large(limit_bytes));
    }
    while !is_over {
        is_over = kept.read_on(stream.as_mut(), STEP_BYTES)? == 0;
        if kept.data.len() as u64 > limit_bytes {
            return Err(too_large(limit_bytes));
        }
    }
    Ok(Box::new(InMemory::new(Whole { kept, _inner: stream })))
}

fn too_large(limit_bytes: u64) -> Error {
    let text = format!(
        "the index of this MP4 lies behind its media, and more than {limit_bytes} bytes would have to be kept to reach it"
    );
    Error::new(Code::LIMIT, text).at("open input").with_hint(
        "Make the file with -movflags +faststart, give it as a file or a stream that can seek, or raise -mt_seek_buffer (bytes).",
    )
}

/// A whole file that was kept.
struct Whole {
    kept: Kept,
    /// Its end of the pipe is closed when the input is.
    _inner: Box<dyn ByteStream>,
}

impl HostBytes for Whole {
    fn bytes(&self) -> &[u8] {
        &self.kept.data
    }
}

/// A stream of which only so much may be read.
pub struct Limited {
    pub inner: Box<dyn ByteStream>,
    pub left_bytes: u64,
    pub limit_bytes: u64,
}

impl ByteStream for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        if self.left_bytes == 0 {
            let text = format!("more than {} bytes would have to be looked at", self.limit_bytes);
            return Err(StreamError { code: Code::LIMIT.to_c(), text });
        }
        let length = usize::try_from(self.left_bytes).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..length])?;
        self.left_bytes -= count as u64;
        Ok(count)
    }

    fn chunk_bytes(&self) -> usize {
        self.inner.chunk_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    fn boxed(kind: &[u8; 4], size: u32) -> Vec<u8> {
        let mut data = size.to_be_bytes().to_vec();
        data.extend_from_slice(kind);
        data.resize(data.len().max(size as usize), 0);
        data
    }

    #[test]
    fn the_boxes_tell_whether_the_index_comes_first() {
        let tail = [0u8; 16];
        let front = [boxed(b"ftyp", 24), boxed(b"moov", 40), tail.to_vec()].concat();
        assert_eq!(layout(&front), Layout::InOrder);
        let behind = [boxed(b"ftyp", 24), boxed(b"free", 8), boxed(b"mdat", 1000)].concat();
        assert_eq!(layout(&behind), Layout::IndexBehind { media_end: Some(1032) });
        assert_eq!(layout(&behind[..30]), Layout::Unknown);
        assert_eq!(layout(&[]), Layout::Unknown);
        assert_eq!(layout(&[0x47; 376]), Layout::InOrder, "a transport stream");
    }

    /// Says that it has so many bytes; reading gives them one by one, and fails at a place once.
    struct Seekable {
        data: Vec<u8>,
        says_bytes: u64,
        fails_at: Option<usize>,
        at: usize,
    }

    impl ByteStream for Seekable {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
            if self.fails_at == Some(self.at) {
                return Err(StreamError { code: -libc::EIO, text: "the disk is gone".into() });
            }
            let Some(byte) = self.data.get(self.at) else { return Ok(0) };
            buffer[0] = *byte;
            self.at += 1;
            Ok(1)
        }

        fn seek(&mut self, position: u64) -> Result<(), StreamError> {
            self.at = position as usize;
            Ok(())
        }

        fn size(&mut self) -> Option<u64> {
            Some(self.says_bytes)
        }

        fn can_seek(&self) -> bool {
            true
        }
    }

    #[test]
    fn only_what_is_small_and_all_there_is_kept() {
        let data: Vec<u8> = (0..100).collect();
        let kept = |says_bytes, fails_at, limit_bytes| {
            let counters = Arc::new(Counters::default());
            let stream = Box::new(Seekable { data: data.clone(), says_bytes, fails_at, at: 0 });
            let mut stream = keep_small(stream, limit_bytes, &counters).unwrap();
            let is_kept = stream.whole() == Some(&data[..]);
            let mut buffer = [0; 100];
            let begins_at_0 = stream.read(&mut buffer).unwrap() > 0 && buffer[0] == 0;
            assert!(begins_at_0 && stream.can_seek());
            let held = counters.link_bytes.load(Relaxed);
            assert_eq!(held, if is_kept { 100 } else { fails_at.unwrap_or(0) as u64 });
            drop(stream);
            assert_eq!(counters.link_bytes.load(Relaxed), 0);
            is_kept
        };
        assert!(kept(100, None, 100));
        assert!(!kept(100, None, 99), "too large");
        assert!(!kept(200, None, 1000), "shorter than it says");
        assert!(!kept(0, None, 0) && !kept(0, None, 1000), "no size");
        assert!(!kept(100, Some(50), 100), "an error is for the demuxer to meet");
    }

    /// Cannot seek; gives a hundred bytes at once, and then its end.
    struct Hundreds(Vec<u8>, Result<usize, StreamError>);

    impl ByteStream for Hundreds {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
            let count = self.0.len().min(buffer.len()).min(100);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            if count == 0 { self.1.clone() } else { Ok(count) }
        }
    }

    #[test]
    fn what_is_read_ahead_of_a_transport_stream_is_given_later() {
        let data: Vec<u8> = (0..1000).map(|i| if i % 188 == 0 { 0x47 } else { i as u8 }).collect();
        let gone = Err(StreamError { code: -libc::EIO, text: "the sender is gone".into() });
        // The end, how much may be read ahead and is wanted, how much was read before; whether all is there.
        for (end, most_bytes, wanted_bytes, before_bytes, is_whole) in [
            (Ok(0), 5000, 5000, 0, true),
            (Ok(0), 5000, 5000, 350, true),
            (Ok(0), 5000, 0, 1001, true),
            (Ok(0), 5000, 600, 350, false),
            (Ok(0), 600, 5000, 350, false),
            (Ok(0), 0, 5000, 350, false),
            (gone, 5000, 5000, 350, false),
        ] {
            let counters = Arc::new(Counters::default());
            let mut stream = prepare(Box::new(Hundreds(data.clone(), end.clone())), 0, most_bytes, &counters).unwrap();
            let (mut buffer, mut got) = ([0; 100], Vec::new());
            let mut read = |stream: &mut dyn ByteStream| {
                let count = stream.read(&mut buffer)?;
                got.extend_from_slice(&buffer[..count]);
                Ok::<usize, StreamError>(count)
            };
            for _ in 0..(before_bytes + 99) / 100 {
                read(stream.as_mut()).unwrap();
            }
            let whole = stream.whole_ahead(&mut |bytes| bytes.len() < wanted_bytes).map(<[u8]>::to_vec);
            assert_eq!(whole.as_ref() == Some(&data), is_whole, "{most_bytes} {wanted_bytes} {before_bytes}");
            assert_eq!(whole.is_some(), is_whole);
            assert!(stream.whole_ahead(&mut |_| true).is_none(), "asked once");
            let last = loop {
                match read(stream.as_mut()) {
                    Ok(1..) => {}
                    last => break last,
                }
            };
            assert_eq!(last.map_err(|error| error.text), end.map_err(|error| error.text));
            assert_eq!((got == data, counters.link_bytes.load(Relaxed)), (true, 0), "all, and nothing is kept");
        }
    }

    #[test]
    fn sizes_of_every_form_are_understood() {
        let mut long = vec![0, 0, 0, 1];
        long.extend_from_slice(b"mdat");
        long.extend_from_slice(&(1u64 << 40).to_be_bytes());
        assert_eq!(layout(&long), Layout::IndexBehind { media_end: Some(1 << 40) });
        let mut open = vec![0, 0, 0, 0];
        open.extend_from_slice(b"mdat");
        open.extend_from_slice(&[0; 8]);
        assert_eq!(layout(&open), Layout::IndexBehind { media_end: None });
        let mut absurd = boxed(b"ftyp", 24);
        absurd[3] = 4; // smaller than its own head
        assert_eq!(layout(&absurd), Layout::InOrder);
        let far = [boxed(b"ftyp", 24), boxed(b"free", 2 << 20)].concat();
        assert_eq!(layout(&far), Layout::InOrder, "we look only so far");
    }
}
