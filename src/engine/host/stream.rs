//! A stream of the host's, watched over: cancels are heard before and after each call (rule 41), nonsense is refused, and the first
//! error is kept with its words, as FFmpeg often turns it into another.

use crate::av::{AvError, ByteStream, Interrupt, StreamError};
use crate::engine::activity::Doing;
use crate::engine::context::JobContext;
use crate::engine::counters::{Counters, Waiting};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Files of the host's, by relative name.
pub trait HostStore: Send + Sync {
    fn open(self: Arc<Self>, name: &str) -> Result<Box<dyn ByteStream>, StreamError>;
    fn remove(&self, name: &str) -> Result<(), StreamError>;
}

/// The first error of the host's streams of one input or output.
#[derive(Default)]
pub struct Failure {
    is_set: AtomicBool,
    is_refused: AtomicBool,
    error: Mutex<Option<StreamError>>,
    /// The input is open: what follows is media.
    is_open: AtomicBool,
    /// Packets that the input gave since it is open.
    packets: AtomicU64,
    /// Not every stream of it is used: there may be long stretches without a packet.
    is_sparse: AtomicBool,
}

/// How much is read without a packet (rule 40: some demuxers and parsers look for a beginning without end, and keep what they saw).
#[derive(Default)]
pub struct Stretch {
    packets: u64,
    began_at: u64,
}

impl Stretch {
    /// Whether `bytes`, read so far in all, are too many. A stretch of an input whose other streams are thrown away may be longer.
    pub fn is_too_long(&mut self, failure: &Failure, bytes: u64, limit: u64) -> bool {
        /// A sparse subtitle beside an hour of video.
        const SPARSE: u64 = 64;
        let packets = failure.packets.load(Relaxed);
        if packets != self.packets {
            *self = Stretch { packets, began_at: bytes };
        }
        let factor = if failure.is_sparse.load(Relaxed) && failure.is_open() { SPARSE } else { 1 };
        bytes.saturating_sub(self.began_at) > limit.saturating_mul(factor)
    }
}

impl Failure {
    pub fn set(&self, error: &StreamError) {
        let mut first = self.error.lock();
        if first.is_none() {
            *first = Some(error.clone());
            self.is_set.store(true, Relaxed);
        }
    }

    pub fn is_open(&self) -> bool {
        self.is_open.load(Relaxed)
    }

    /// As `set`, by a limit or a profile of the job's.
    pub fn refuse(&self, error: &StreamError) {
        if !self.is_set() {
            self.is_refused.store(true, Relaxed);
        }
        self.set(error);
    }

    /// The error, where it was one of ours and not the host's.
    pub fn refusal(&self, stage: &'static str) -> Option<Error> {
        self.error(stage).filter(|_| self.is_refused.load(Relaxed))
    }

    pub fn set_open(&self) {
        self.is_open.store(true, Relaxed);
    }

    /// The input gave a packet.
    pub fn count_packet(&self) {
        self.packets.fetch_add(1, Relaxed);
    }

    pub fn set_sparse(&self) {
        self.is_sparse.store(true, Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.is_set.load(Relaxed)
    }

    /// The job's error, where the host is its cause.
    pub fn error(&self, stage: &'static str) -> Option<Error> {
        if !self.is_set() {
            return None;
        }
        let error = self.error.lock().clone()?;
        let code = Code::from_c(error.code);
        let error = Error::new(code, error.text).at(stage);
        Some(match code {
            Code::EAGAIN => {
                error.with_hint("Who gives bytes waits for them, and tells an end or an error: nothing is asked again.")
            }
            _ => error,
        })
    }
}

pub struct HostStream {
    inner: Box<dyn ByteStream>,
    interrupt: Arc<Interrupt>,
    failure: Arc<Failure>,
    /// "mt:in"
    name: String,
    reads: bool,
    bytes: u64,
    stretch: Stretch,
    /// How much may be read without a packet.
    most_bytes: u64,
    /// How long its bytes gather once it is open; until then.
    gathers: Option<Duration>,
    /// Where it is counted who waits for the host, for what, and by which name.
    waits: Option<(Arc<Counters>, Doing, u32)>,
}

impl HostStream {
    pub fn reading(
        mut inner: Box<dyn ByteStream>,
        interrupt: &Arc<Interrupt>,
        failure: &Arc<Failure>,
        name: &str,
    ) -> Self {
        inner.obey(interrupt);
        let (interrupt, failure) = (Arc::clone(interrupt), Arc::clone(failure));
        HostStream {
            inner,
            interrupt,
            failure,
            name: name.to_owned(),
            reads: true,
            bytes: 0,
            stretch: Stretch::default(),
            most_bytes: u64::MAX,
            gathers: None,
            waits: None,
        }
    }

    pub fn writing(inner: Box<dyn ByteStream>, interrupt: &Arc<Interrupt>, failure: &Arc<Failure>, name: &str) -> Self {
        HostStream { reads: false, ..HostStream::reading(inner, interrupt, failure, name) }
    }

    /// Counts in `waits` while the host is waited for, and says so. `is_pipe`: it is no callback.
    pub fn counting(mut self, context: &JobContext, is_pipe: bool) -> HostStream {
        let doing = match (is_pipe, self.reads) {
            (false, _) => Doing::Callback,
            (true, true) => Doing::EmptyPipe,
            (true, false) => Doing::FullPipe,
        };
        // Files of a store have its name: there may be very many.
        let name = context.activity.name(self.name.split('/').next().unwrap_or_default());
        self.waits = Some((Arc::clone(&context.counters), doing, name));
        self
    }

    fn waiting(&self) -> Option<(Waiting, impl Drop + use<>)> {
        self.waits.as_ref().map(|(counters, doing, name)| (Waiting::begin(counters), doing.begin(*name)))
    }

    /// How much may be read without a packet (-mt_max_open_bytes).
    pub fn may_read(mut self, bytes: Option<u64>) -> HostStream {
        self.most_bytes = bytes.unwrap_or(u64::MAX);
        self
    }

    /// An MP4 that is kept in memory is read to its end before it is open.
    pub fn may_keep(mut self, bytes: u64) -> HostStream {
        self.most_bytes = self.most_bytes.saturating_add(bytes);
        self
    }

    /// Takes what comes of media once in this time (-mt_gather_ms).
    pub fn gathering(mut self, interval: Option<Duration>) -> HostStream {
        self.gathers = interval;
        self
    }

    fn check(&self) -> Result<(), StreamError> {
        let is_over = self.interrupt.is_cancelled() || self.reads && self.interrupt.is_reading_stopped();
        match is_over {
            true => Err(StreamError { code: AvError::EXIT.0, text: "the job ends".into() }),
            false => Ok(()),
        }
    }

    /// Runs one call; its error, unless the job ends anyway, is the job's.
    fn call<T>(
        &mut self,
        what: &str,
        body: impl FnOnce(&mut dyn ByteStream) -> Result<T, StreamError>,
    ) -> Result<T, StreamError> {
        self.check()?;
        let waiting = self.waiting();
        let result = body(self.inner.as_mut());
        drop(waiting);
        self.check()?;
        result
            .map_err(|error| self.failed(usable(error.code), format!("{what} '{}' failed: {}", self.name, error.text)))
    }

    /// An error that the job will report.
    fn failed(&self, code: i32, text: String) -> StreamError {
        let error = StreamError { code, text };
        self.failure.set(&error);
        error
    }

    fn nonsense(&self, what: &str, count: usize, asked: usize) -> StreamError {
        let text = format!("the host's {what} callback returned {count} for {asked} bytes");
        self.failed(Code::EINVAL.to_c(), text)
    }
}

/// An errno or one of our codes; any other number a host returned is an input/output error.
fn usable(code: i32) -> i32 {
    let is_errno = (-4095..0).contains(&code);
    if is_errno { code } else { Code::EIO.to_c() }
}

impl ByteStream for HostStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let asked = buffer.len();
        if self.reads && self.stretch.is_too_long(&self.failure, self.bytes, self.most_bytes) {
            let text = format!(
                "'{}' gave {} MiB in which no {} could be found; the limit is -mt_max_open_bytes",
                self.name,
                self.most_bytes >> 20,
                if self.failure.is_open() { "packet" } else { "streams" }
            );
            let error = StreamError { code: Code::LIMIT.to_c(), text };
            self.failure.refuse(&error);
            return Err(error);
        }
        if let Some(interval) = self.gathers.take_if(|_| self.failure.is_open()) {
            self.inner.gather(interval);
        }
        let count = self.call("reading", |inner| inner.read(buffer))?;
        self.bytes = self.bytes.saturating_add(count as u64);
        if count > asked {
            return Err(self.nonsense("read", count, asked));
        }
        Ok(count)
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        let count = self.call("writing", |inner| inner.write(data))?;
        if count == 0 || count > data.len() {
            return Err(self.nonsense("write", count, data.len()));
        }
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.call("seeking in", |inner| inner.seek(position))
    }

    fn size(&mut self) -> Option<u64> {
        self.check().ok()?;
        let _waiting = self.waiting();
        self.inner.size()
    }

    fn whole(&self) -> Option<&[u8]> {
        self.inner.whole()
    }

    fn can_seek(&self) -> bool {
        self.inner.can_seek()
    }

    fn can_read(&self) -> bool {
        self.inner.can_read()
    }

    fn can_write(&self) -> bool {
        self.inner.can_write()
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        // Also when the job was cancelled: who opened must close.
        let waiting = self.waiting();
        let result = self.inner.close(code);
        drop(waiting);
        result
            .map_err(|error| self.failed(usable(error.code), format!("closing '{}' failed: {}", self.name, error.text)))
    }

    fn chunk_bytes(&self) -> usize {
        self.inner.chunk_bytes()
    }

    fn flushes_packets(&self) -> bool {
        self.inner.flushes_packets()
    }
}
