//! Inputs and outputs of a job in memory: their place in the engine's budget, and who takes what was written.

use super::engine::Engine;
use super::handle::Job;
use crate::engine::{Bind, Buffer, Copied, CountBytes, InMemory};
use crate::error::{Code, Error};
use std::sync::Arc;

/// What an output's buffer may hold where the host does not say it.
pub(crate) const DEFAULT_BUFFER_BYTES: u64 = 64 << 20;

/// What is really held counts at once, and is never refused: the limit of a buffer bounds it.
fn counted(engine: &Arc<Engine>) -> CountBytes {
    let engine = Arc::clone(engine);
    Box::new(move |change| match u64::try_from(change) {
        Ok(more) => drop(engine.budget.reserve(more, false)),
        Err(_) => engine.budget.release(change.unsigned_abs()),
    })
}

impl Job {
    /// An input that is a copy of `bytes`.
    pub fn bind_copy(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let copied = Copied::new(bytes, counted(&self.engine))?;
        self.bind_io(name, Box::new(InMemory::new(copied))).map_err(|(error, _)| error)
    }

    /// An output of `limit_bytes` at most, which is taken by [`Job::take_buffer`].
    pub fn bind_buffer(&self, name: &str, limit_bytes: u64) -> Result<(), Error> {
        let buffer = Buffer::new(limit_bytes, counted(&self.engine));
        self.describe(|inner| {
            inner.binds.add(name, Bind::Buffer(Arc::clone(&buffer), false)).map_err(|(error, _)| error)?;
            inner.buffers.push((name.to_owned(), buffer));
            Ok(())
        })
    }

    /// What a job that has ended wrote to a buffer, also where it failed.
    pub fn take_buffer(&self, name: &str) -> Result<Vec<u8>, Error> {
        let inner = self.inner.lock();
        let buffer = inner.buffers.iter().find(|(bound, _)| bound == name).map(|(_, buffer)| Arc::clone(buffer));
        let state = inner.state;
        drop(inner);
        let buffer = buffer.ok_or_else(|| Error::new(Code::ENOENT, format!("no buffer is bound as mt:{name}")))?;
        if !state.is_final() {
            let text = format!("the job is {}: the buffer mt:{name} can be taken when it has ended", state.word());
            return Err(Error::new(Code::EBUSY, text));
        }
        let taken = buffer.take();
        self.engine.run_queued(); // there is room in the budget again
        taken.ok_or_else(|| Error::new(Code::EALREADY, format!("the buffer mt:{name} was taken before")))
    }

    /// The host has freed the job: what it did not take goes. What is still written to goes with its writer.
    pub(super) fn drop_buffers(&self) {
        let buffers = std::mem::take(&mut self.inner.lock().buffers);
        if !buffers.is_empty() {
            drop(buffers);
            self.engine.run_queued();
        }
    }
}
