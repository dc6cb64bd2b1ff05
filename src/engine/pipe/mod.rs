//! Pipes: bounded memory between the host and a job, or between two jobs. One side writes, the other reads; a full pipe holds
//! the writer up, an empty one the reader, and each can tell the other that it is done, or failed.
//!
//! `state` is what is true of a pipe at a moment, `transfer` and `regions` move bytes, `ends` is what a job holds of it. The bytes lie in
//! `av`'s ring and are copied outside of every lock.

mod closing;
mod config;
mod ends;
mod gather;
mod regions;
mod state;
#[cfg(test)]
mod tests;
mod transfer;
mod watch;

pub(crate) use config::FLUSH_CHUNKS;
pub use config::PipeConfig;
pub use ends::{PipeReader, PipeWriter};
pub(crate) use state::READABLE;
#[cfg(test)]
use state::WRITABLE;
pub use state::{PipeStats, Side};
pub use transfer::Wait;

use super::context::Wake;
use crate::av::{Ring, RingPool};
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use state::State;
use std::sync::Arc;
use std::time::Instant;

/// Who is told of a pipe; implemented by the job layer. Called with the pipe's lock held: must not call back.
pub trait PipeListener: Send + Sync {
    /// What the host watches for came: [`READABLE`], [`WRITABLE`].
    fn ready(&self, bits: u32);
    /// A descriptor was made (1) or closed (-1).
    fn descriptors(&self, change: i64);
    /// Held bytes are to be shown at this time: call [`Pipe::show_held`] then.
    fn show_at(&self, time: Instant);
    /// The fill passed the high-water mark, seen from a side that a job has.
    fn high_water(&self, fill_bytes: u64);
}

pub struct Pipe {
    config: PipeConfig,
    ring: Arc<Ring>,
    state: Mutex<State>,
    /// Something changed for who waits to read, and to write.
    readable: Condvar,
    writable: Condvar,
    listener: Box<dyn PipeListener>,
}

impl Pipe {
    pub fn new(config: PipeConfig, pool: &Arc<RingPool>, listener: Box<dyn PipeListener>) -> Result<Arc<Pipe>, Error> {
        let capacity = config.capacity_bytes;
        let ring = usize::try_from(capacity).ok().and_then(|capacity| Ring::new(capacity, pool));
        let no_memory = || Error::new(Code::ENOMEM, format!("no memory for a pipe of {capacity} bytes"));
        Ok(Arc::new(Pipe {
            ring: ring.ok_or_else(no_memory)?,
            config,
            state: Mutex::new(State::new(Instant::now())),
            readable: Condvar::new(),
            writable: Condvar::new(),
            listener,
        }))
    }

    pub fn config(&self) -> &PipeConfig {
        &self.config
    }

    /// Takes a side for a job; the host's calls on it give `-EBUSY` from now on.
    pub fn claim(&self, side: Side) -> Result<(), Error> {
        let mut state = self.state.lock();
        if state.is_freed {
            return Err(Error::new(Code::EBADF, "the pipe was freed".into()));
        }
        let part = state.side(side);
        if part.is_bound || part.is_busy || part.is_out {
            let text = format!("the {} side of the pipe is taken already", side.word());
            return Err(Error::new(Code::EBUSY, text));
        }
        part.is_bound = true;
        Ok(())
    }

    /// Gives back a side that no job has used.
    pub fn unclaim(&self, side: Side) {
        self.state.lock().side(side).is_bound = false;
    }

    /// Wakes who waits for what changed, and puts descriptors and watches right. With the lock held.
    fn settle(&self, state: &mut State) {
        self.measure(state);
        self.tell_host(state);
        if state.can_read() {
            self.readable.notify_all();
        }
        if state.can_write_again(&self.config) {
            self.writable.notify_all();
        }
    }

    /// Bytes came in from the writing side.
    fn wrote(&self, state: &mut State, count: usize) {
        let was_held = state.held_since.is_some();
        state.wrote(count, &self.config, self.ring.fill() as u64);
        if let (true, Some(interval)) = (state.held_since.is_some(), self.config.flush_interval()) {
            match was_held {
                true => state.show_due(Instant::now(), interval),
                false => {
                    self.show_in_time(state);
                    // Who waits to read learns until when.
                    if !state.is_looked_at {
                        self.readable.notify_all();
                    }
                }
            }
        }
        self.settle(state);
    }

    /// The time of held bytes has come.
    pub fn show_held(&self) {
        let mut state = self.state.lock();
        state.show_planned = None;
        if let Some(interval) = self.config.flush_interval() {
            state.show_due(Instant::now(), interval);
        }
        self.settle(&mut state);
        self.show_in_time(&mut state);
    }

    fn measure(&self, state: &mut State) {
        let fill = self.ring.fill() as u64;
        if state.measure(fill, &self.config) {
            self.listener.high_water(fill);
        }
    }

    /// Ends writing: 0 is a good end, a negative code reaches the reader behind the last byte. False where it was ended before.
    fn end_writing(&self, code: i32) -> bool {
        let mut state = self.state.lock();
        if state.write_end.is_some() {
            return false;
        }
        state.write_end = Some(code);
        let forgotten = state.on_reader_gone.take();
        state.show_all();
        self.settle(&mut state);
        self.writable.notify_all();
        drop(state);
        drop(forgotten);
        true
    }

    /// Ends reading: the writer gets `-EPIPE`. False where it was ended before.
    fn end_reading(&self) -> bool {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_read_closed, true) {
            return false;
        }
        self.settle(&mut state);
        self.readable.notify_all();
        self.writable.notify_all();
        let told = state.on_reader_gone.take();
        drop(state); // what is told may wake who waits here
        if let Some(tell) = told {
            tell();
        }
        true
    }

    /// Calls `tell` once when the reading side is closed; at once where it is. Forgotten when writing ends first.
    pub fn when_reader_leaves(&self, tell: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock();
        if state.is_read_closed {
            drop(state);
            tell();
        } else if state.write_end.is_none() {
            state.on_reader_gone = Some(Box::new(tell));
        }
    }

    pub fn stats(&self) -> PipeStats {
        let mut state = self.state.lock();
        self.measure(&mut state);
        state.stats(&self.config, self.ring.fill() as u64)
    }

    /// As [`Self::stats`]; None where somebody has the pipe for longer than `limit`.
    pub fn stats_within(&self, limit: std::time::Duration) -> Option<PipeStats> {
        let mut state = self.state.try_lock_for(limit)?;
        self.measure(&mut state);
        Some(state.stats(&self.config, self.ring.fill() as u64))
    }

    /// Bytes that wait to be read.
    pub fn fill_bytes(&self) -> u64 {
        let state = self.state.lock();
        if state.is_read_closed {
            return 0;
        }
        self.ring.fill() as u64 + state.returned_bytes()
    }
}

impl Wake for Pipe {
    fn wake(&self) {
        let _state = self.state.lock();
        self.readable.notify_all();
        self.writable.notify_all();
    }
}
