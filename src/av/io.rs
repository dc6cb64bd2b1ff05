//! Bytes from and to anything: an AVIOContext over a [`ByteStream`].

use super::byte_stream::{ByteStream, StreamError};
use super::whole_pictures::{self, WholePictures};
use super::{AvError, Demuxer, ffi};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

/// An AVIOContext that owns its stream.
pub struct Io {
    context: *mut ffi::AVIOContext,
    pictures: Option<Arc<WholePictures>>,
}

// SAFETY: a context has no ties to a thread; it is used by one at a time.
unsafe impl Send for Io {}

type Stream = Box<dyn ByteStream>;

impl Io {
    pub fn reader(stream: Stream) -> Result<Io, AvError> {
        Io::new(stream, false)
    }

    /// One of an MPEG-TS that is live, or of what may turn out to be one, and cannot seek: pictures of it are not held until the next ones.
    pub fn live_reader(stream: Stream) -> Result<Io, AvError> {
        let (stream, pictures) = whole_pictures::watched(stream);
        let mut io = Io::new(stream, false)?;
        io.pictures = Some(pictures);
        Ok(io)
    }

    /// What watches the pictures of an MPEG-TS.
    pub(super) fn pictures(&self) -> Option<&Arc<WholePictures>> {
        self.pictures.as_ref()
    }

    pub fn writer(stream: Stream) -> Result<Io, AvError> {
        Io::new(stream, true)
    }

    fn new(stream: Stream, writes: bool) -> Result<Io, AvError> {
        let (chunk, can_seek, flushes) = (stream.chunk_bytes(), stream.can_seek(), stream.flushes_packets());
        let seek = can_seek.then_some(seek_callback as unsafe extern "C" fn(*mut c_void, i64, c_int) -> i64);
        // SAFETY: the buffer and the boxed stream go over to the context, and are taken back in `into_stream`.
        unsafe {
            let buffer = ffi::av_malloc(chunk).cast::<u8>();
            if buffer.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let opaque = Box::into_raw(Box::new(stream)).cast::<c_void>();
            let (read, write) = if writes { (None, Some(WRITE)) } else { (Some(READ), None) };
            let context =
                ffi::avio_alloc_context(buffer, chunk as c_int, c_int::from(writes), opaque, read, write, seek);
            if context.is_null() {
                drop(Box::from_raw(opaque.cast::<Stream>()));
                ffi::av_free(buffer.cast());
                return Err(AvError::NO_MEMORY);
            }
            // A packet ends a piece only when the piece is a chunk already, unless the stream wants each (rule 17).
            (*context).min_packet_size = if flushes { 0 } else { chunk as c_int };
            Ok(Io { context, pictures: None })
        }
    }

    /// Guesses the format of what comes, without loss: and how sure that is. Source: init_input of libavformat/demux.c.
    pub fn probe_format(&mut self, url: &str, max_bytes: u32) -> Result<(Demuxer, i32), AvError> {
        if self.begins_as_mp4()?
            && let Some(demuxer) = Demuxer::find("mov")
        {
            return Ok((demuxer, ffi::AVPROBE_SCORE_MAX as i32));
        }
        let url = crate::text::c_string(url).map_err(|_| AvError::INVALID)?;
        let mut format = ptr::null();
        // SAFETY: a valid context, place, and terminated string; no context of a format is needed but for its log.
        unsafe {
            let null = ptr::null_mut();
            let score = ffi::av_probe_input_buffer2(self.context, &mut format, url.as_ptr(), null, 0, max_bytes);
            AvError::check(score)?;
            Ok((Demuxer::from_ptr(format).ok_or(AvError::INVALID_DATA)?, score))
        }
    }

    /// Whether the first bytes leave no doubt that this is MP4 or QuickTime: asking all of FFmpeg's demuxers takes as long as copying a
    /// small file does. What is read stays in the buffer. Source: `mov_probe` of libavformat/mov.c, whose certain cases these are.
    fn begins_as_mp4(&mut self) -> Result<bool, AvError> {
        /// A buffer of this size keeps the head also where it comes byte by byte (aviobuf.c: fill_buffer, IO_BUFFER_SIZE).
        const KEEPS_HEAD_BYTES: i32 = 64 << 10;
        let mut head = [0; 2048];
        // SAFETY: a valid context that nothing was read from, and as much room as is said.
        unsafe {
            if (*self.context).buffer_size < KEEPS_HEAD_BYTES {
                return Ok(false);
            }
            let count = ffi::avio_read(self.context, head.as_mut_ptr(), head.len() as i32);
            match ffi::avio_seek(self.context, 0, libc::SEEK_SET) {
                0 => Ok(is_mp4(&head[..usize::try_from(count).unwrap_or(0)])),
                error => Err(AvError(error.min(-1) as i32)),
            }
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.context
    }

    /// Hands the context over; it comes back by [`Io::from_ptr`].
    pub(super) fn into_ptr(self) -> *mut ffi::AVIOContext {
        let context = self.context;
        std::mem::forget(self);
        context
    }

    /// # Safety
    /// `context` came from [`Io::into_ptr`] and is not used by anybody else any more.
    pub(super) unsafe fn from_ptr(context: *mut ffi::AVIOContext) -> Io {
        Io { context, pictures: None }
    }

    /// Whether a context is one of these.
    ///
    /// # Safety
    /// A valid context.
    pub(super) unsafe fn owns(context: *mut ffi::AVIOContext) -> bool {
        // SAFETY: valid by contract.
        unsafe {
            let (read, write) = ((*context).read_packet, (*context).write_packet);
            write.map(|f| f as usize) == Some(WRITE as usize) || read.map(|f| f as usize) == Some(READ as usize)
        }
    }

    /// As [`ByteStream::whole_ahead`].
    pub(super) fn whole_ahead(&mut self, reads_on: &mut dyn FnMut(&[u8]) -> bool) -> Option<&[u8]> {
        // SAFETY: `opaque` is the box of `new`, or NULL after it was taken; nobody else uses it while `self` is borrowed.
        unsafe { (*self.context).opaque.cast::<Stream>().as_mut() }?.whole_ahead(reads_on)
    }

    /// Passes on what is buffered.
    pub fn flush(&mut self) -> Result<(), AvError> {
        // SAFETY: ours.
        unsafe {
            ffi::avio_flush(self.context);
            AvError::check((*self.context).error).map(drop)
        }
    }

    /// Closes the stream: with 0 after passing on what is buffered, with a negative code as broken off.
    pub fn close(mut self, code: i32) -> Result<(), AvError> {
        // SAFETY: ours.
        let writes = unsafe { (*self.context).write_flag } != 0;
        let flushed = if code == 0 && writes { self.flush() } else { Ok(()) };
        let code = flushed.err().map_or(code, |error| error.0);
        let mut stream = self.take_stream();
        let closed = stream.as_mut().map(|stream| catch_unwind(AssertUnwindSafe(|| stream.close(code))));
        flushed?;
        match closed {
            Some(Ok(Err(error))) => Err(AvError(error.code)),
            Some(Err(_)) => Err(AvError::EXTERNAL),
            _ => Ok(()),
        }
    }

    fn take_stream(&mut self) -> Option<Stream> {
        // SAFETY: `opaque` is the box of `new` until it is taken here, once.
        unsafe {
            let opaque = std::mem::replace(&mut (*self.context).opaque, ptr::null_mut());
            (!opaque.is_null()).then(|| *Box::from_raw(opaque.cast::<Stream>()))
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        drop(self.take_stream());
        // SAFETY: ours; FFmpeg may have replaced the buffer, so it is taken from the context.
        unsafe {
            ffi::av_freep((&raw mut (*self.context).buffer).cast());
            ffi::avio_context_free(&mut self.context);
        }
    }
}

const READ: unsafe extern "C" fn(*mut c_void, *mut u8, c_int) -> c_int = read_callback;
#[cfg(not(ffmpeg7_0))]
type Bytes = *mut u8;
#[cfg(ffmpeg7_0)]
type Bytes = *const u8;
const WRITE: unsafe extern "C" fn(*mut c_void, Bytes, c_int) -> c_int = write_callback;

/// Runs a call of the stream; a panic is an error of the stream.
///
/// # Safety
/// `opaque` is the boxed stream of an `Io`, or NULL after it was taken.
unsafe fn with_stream(opaque: *mut c_void, body: impl FnOnce(&mut dyn ByteStream) -> i64) -> i64 {
    if opaque.is_null() {
        return i64::from(AvError::EXTERNAL.0);
    }
    // SAFETY: the context's owner keeps the box, and a context is used by one thread at a time.
    let stream = unsafe { &mut *opaque.cast::<Stream>() };
    catch_unwind(AssertUnwindSafe(|| body(stream.as_mut()))).unwrap_or(i64::from(AvError::EXTERNAL.0))
}

/// What FFmpeg hears of an error: at EAGAIN demuxers and those who call them ask again, without end, where nothing will come.
fn told(error: &StreamError) -> i64 {
    let code = if error.code == AvError::AGAIN.0 { -libc::EIO } else { error.code };
    i64::from(code)
}

unsafe extern "C" fn read_callback(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    let Ok(length @ 1..) = usize::try_from(size) else { return AvError::INVALID.0 };
    let read = |stream: &mut dyn ByteStream| {
        // SAFETY: FFmpeg gives `size` writable bytes; its buffers are read by it only where it was told that they are filled,
        // and zeroing them here would cost a pass over every byte, so they are taken as they are: plain bytes from malloc.
        let buffer = unsafe { std::slice::from_raw_parts_mut(buffer, length) };
        match stream.read(buffer) {
            Ok(0) => i64::from(AvError::EOF.0),
            Ok(count) => count as i64,
            Err(error) => told(&error),
        }
    };
    // SAFETY: passed on from FFmpeg.
    unsafe { with_stream(opaque, read) as c_int }
}

unsafe extern "C" fn write_callback(opaque: *mut c_void, data: Bytes, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else { return AvError::INVALID.0 };
    let write = |stream: &mut dyn ByteStream| {
        // SAFETY: FFmpeg gives `size` readable bytes.
        let mut data = unsafe { std::slice::from_raw_parts(data as *const u8, length) };
        while !data.is_empty() {
            match stream.write(data) {
                Ok(count) => data = &data[count.min(data.len())..],
                Err(error) => return told(&error),
            }
        }
        i64::from(size)
    };
    // SAFETY: passed on from FFmpeg.
    unsafe { with_stream(opaque, write) as c_int }
}

unsafe extern "C" fn seek_callback(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    let seek = |stream: &mut dyn ByteStream| {
        let whence = whence & !(ffi::AVSEEK_FORCE as c_int);
        if whence == ffi::AVSEEK_SIZE as c_int {
            return stream.size().map_or(i64::from(-libc::ENOSYS), |size| size as i64);
        }
        // avio_seek itself turns SEEK_CUR into SEEK_SET; SEEK_END comes from avio_size.
        let base = match whence {
            libc::SEEK_SET => Some(0),
            libc::SEEK_END => stream.size().map(|size| size as i64),
            _ => None,
        };
        let target = base.and_then(|base| base.checked_add(offset)).and_then(|target| u64::try_from(target).ok());
        match target.map(|target| (target, stream.seek(target))) {
            Some((target, Ok(()))) => target as i64,
            Some((_, Err(error))) => told(&error),
            None => i64::from(AvError::INVALID.0),
        }
    };
    // SAFETY: passed on from FFmpeg.
    unsafe { with_stream(opaque, seek) }
}
/// A file type box at the beginning, not of JPEG 2000 or JPEG XL, and no MPEG program stream inside.
fn is_mp4(head: &[u8]) -> bool {
    let brand = head.get(8..12);
    head.get(4..8) == Some(b"ftyp")
        && brand.is_some_and(|brand| ![b"jp2 ", b"jpx ", b"jxl "].iter().any(|other| brand == *other))
        && !head.windows(8).any(|window| window == b"mhlrMPEG")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes one at a time, or all it is asked for; it cannot seek.
    struct Bytes {
        data: Vec<u8>,
        at: usize,
        step: usize,
    }

    impl ByteStream for Bytes {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
            let count = buffer.len().min(self.step).min(self.data.len() - self.at);
            buffer[..count].copy_from_slice(&self.data[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
        fn close(&mut self, _: i32) -> Result<(), StreamError> {
            Ok(())
        }
    }

    #[test]
    fn an_mp4_is_known_by_its_head_and_nothing_of_it_is_lost() {
        let mut data = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41\0\0\0\x08free".to_vec();
        data.extend((0..100_000u32).map(|i| i as u8));
        for step in [1, 700, 1 << 20] {
            let mut io = Io::reader(Box::new(Bytes { data: data.clone(), at: 0, step })).unwrap();
            let (demuxer, score) = io.probe_format("mt:in", 1 << 20).unwrap();
            assert_eq!((demuxer.names(), score), ("mov,mp4,m4a,3gp,3g2,mj2", 100));
            let mut back = vec![0; data.len()];
            // SAFETY: a valid context and as much room as is said.
            let count = unsafe { ffi::avio_read(io.as_ptr(), back.as_mut_ptr(), back.len() as i32) };
            assert_eq!((count as usize, back == data), (data.len(), true), "step {step}");
        }
    }

    #[test]
    fn heads_that_are_something_else() {
        assert!(is_mp4(b"\0\0\0\x18ftypqt  \0\0"));
        assert!(!is_mp4(b"\0\0\0\x0cftypjp2 \0\0"));
        assert!(!is_mp4(b"\0\0\0\x18ftypqt  ....hdlr\0\0\0\0mhlrMPEG"));
        assert!(!is_mp4(b"RIFF\0\0\0\0AVI "));
        assert!(!is_mp4(b"\0\0\0\x18ftyp"));
    }
}
