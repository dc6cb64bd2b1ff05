//! What FFmpeg reads from or writes to, where that is not FFmpeg's own: implemented by the host's pipes, callbacks and memory.

use super::Interrupt;
use std::sync::Arc;
use std::time::Duration;

/// What went wrong in a stream: a negative code (an errno, or one of ours from -1001 down) and words for the job's error.
#[derive(Clone, Debug)]
pub struct StreamError {
    pub code: i32,
    pub text: String,
}

/// Bytes that FFmpeg reads, or writes. What a stream cannot do it refuses.
pub trait ByteStream: Send {
    /// Reads at least one byte; 0 is the end.
    fn read(&mut self, _buffer: &mut [u8]) -> Result<usize, StreamError> {
        Err(unable("read"))
    }

    /// Writes at least one byte.
    fn write(&mut self, _data: &[u8]) -> Result<usize, StreamError> {
        Err(unable("be written"))
    }

    fn seek(&mut self, _position: u64) -> Result<(), StreamError> {
        Err(unable("seek"))
    }

    /// Bytes in all; None where unknown.
    fn size(&mut self) -> Option<u64> {
        None
    }

    fn can_seek(&self) -> bool {
        false
    }

    fn can_read(&self) -> bool {
        true
    }

    fn can_write(&self) -> bool {
        true
    }

    /// All was written (0), or it is broken off (a negative code). Called once; nothing comes after it.
    fn close(&mut self, _code: i32) -> Result<(), StreamError> {
        Ok(())
    }

    /// Who reads has all that it wants of it, and drops it next.
    fn leave(&mut self) {}

    /// It was not taken: what it belongs to is somebody else's again.
    fn disown(&mut self) {}

    /// Whose word it is to give up what is waited for; for streams that can.
    fn obey(&mut self, _interrupt: &Arc<Interrupt>) {}

    /// Who reads need not hear of each byte: of what comes within this time at once. For streams that can.
    fn gather(&mut self, _interval: Duration) {}

    /// All that it will ever give, where that is in memory.
    fn whole(&self) -> Option<&[u8]> {
        None
    }

    /// As [`ByteStream::whole`]; a stream that cannot seek reads on for it as long as `reads_on` says so of what came so far, and gives that later. Asked
    /// once: then it keeps no more than what is to be given.
    fn whole_ahead(&mut self, _reads_on: &mut dyn FnMut(&[u8]) -> bool) -> Option<&[u8]> {
        self.whole()
    }

    /// How many bytes FFmpeg reads and writes at once.
    fn chunk_bytes(&self) -> usize {
        64 << 10
    }

    /// The stream wants every packet as soon as it is written, and decides itself when to pass it on.
    fn flushes_packets(&self) -> bool {
        false
    }
}

fn unable(what: &str) -> StreamError {
    StreamError { code: -libc::ENOSYS, text: format!("the stream cannot {what}") }
}
