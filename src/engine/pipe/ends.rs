//! The ends of a pipe that a job holds.

use super::transfer::{Caller, Wait};
use super::{Pipe, Side};
use crate::av::{ByteStream, Interrupt, StreamError};
use crate::error::{Code, Error};
use std::sync::Arc;
use std::time::Duration;

/// The reading end: an input of a job.
pub struct PipeReader {
    pipe: Arc<Pipe>,
    interrupt: Arc<Interrupt>,
    /// What was read, where it is to be given back.
    record: Option<Vec<u8>>,
    /// Dropped without [`ByteStream::leave`], the side stays the job's.
    is_kept: bool,
}

/// The writing end: an output of a job. Dropped without [`ByteStream::close`] it stays open: whoever bound the pipe ends it with
/// the job's result.
pub struct PipeWriter {
    pipe: Arc<Pipe>,
    interrupt: Arc<Interrupt>,
    /// Whether the job will fail all the same: then its result ends the pipe, not this output's.
    is_failing: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl PipeReader {
    pub fn new(pipe: Arc<Pipe>, interrupt: Arc<Interrupt>) -> PipeReader {
        PipeReader { pipe, interrupt, record: None, is_kept: false }
    }

    /// As [`Self::new`]; dropped, it gives back all that it has read.
    pub fn returning(pipe: Arc<Pipe>, interrupt: Arc<Interrupt>) -> PipeReader {
        PipeReader { pipe, interrupt, record: Some(Vec::new()), is_kept: false }
    }

    /// As [`Self::new`]; whether the side stays open, to be read by another one, when this one is dropped without a word.
    pub fn kept(mut self, is_kept: bool) -> PipeReader {
        self.is_kept = is_kept;
        self
    }
}

/// How long the job waits for the host: as long as the input or output has time.
fn patience(interrupt: &Interrupt) -> Wait {
    interrupt.time_left().map_or(Wait::Forever, Wait::For)
}

fn stream_error(error: Error) -> StreamError {
    StreamError { code: error.code().to_c(), text: error.message().to_owned() }
}

impl ByteStream for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let interrupt = &self.interrupt;
        let given_up = || (interrupt.is_cancelled() || interrupt.is_reading_stopped()).then(Error::cancelled);
        let wait = patience(interrupt);
        let count = self.pipe.read_as(Caller::Job(&given_up), buffer, wait).map_err(stream_error)?;
        if let Some(record) = &mut self.record {
            record.extend_from_slice(&buffer[..count]);
        }
        Ok(count)
    }

    fn gather(&mut self, interval: Duration) {
        self.pipe.gather(Some(interval));
    }

    fn leave(&mut self) {
        self.is_kept = false;
    }

    fn chunk_bytes(&self) -> usize {
        self.pipe.config().chunk_bytes as usize
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.pipe.gather(None);
        match self.record.take() {
            Some(record) => self.pipe.give_back(record),
            None if self.is_kept => {}
            None => self.pipe.leave(Side::Read, Code::OK),
        }
    }
}

impl PipeWriter {
    pub fn new(
        pipe: Arc<Pipe>,
        interrupt: Arc<Interrupt>,
        is_failing: Arc<dyn Fn() -> bool + Send + Sync>,
    ) -> PipeWriter {
        PipeWriter { pipe, interrupt, is_failing }
    }
}

impl ByteStream for PipeWriter {
    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        let given_up = || self.interrupt.is_cancelled().then(Error::cancelled);
        self.pipe.write_as(Caller::Job(&given_up), data, patience(&self.interrupt)).map_err(stream_error)
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        if code == 0 && !(self.is_failing)() {
            self.pipe.leave(Side::Write, Code::OK);
        }
        Ok(())
    }

    fn chunk_bytes(&self) -> usize {
        self.pipe.config().chunk_bytes as usize
    }

    fn flushes_packets(&self) -> bool {
        self.pipe.config().flush_interval_ms >= 0
    }
}

impl Pipe {
    /// A job is done with a side of it: reading ends, or writing with this result.
    pub fn leave(&self, side: Side, result: Code) {
        match side {
            Side::Read => self.end_reading(),
            Side::Write => self.end_writing(result.to_c()),
        };
    }

    /// A probe is over: what it read comes again, and the side is free.
    fn give_back(&self, bytes: Vec<u8>) {
        let mut state = self.state.lock();
        state.give_back(bytes);
        state.reader.is_bound = false;
        self.settle(&mut state);
    }
}
