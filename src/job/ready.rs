//! The list of jobs and pipes that have something to tell, and the one descriptor that stands for it.

use super::engine::Engine;
use super::handle::Job;
use crate::engine::EventFd;
use crate::error::Error;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::RawFd;

pub(super) const READY_EVENT: u32 = 1;
pub(super) const READY_DONE: u32 = 2;
pub(super) const READY_OUTPUT: u32 = 16;

/// Jobs and pipes that have something to tell, each once.
#[derive(Default)]
pub(super) struct Ready {
    order: VecDeque<u64>,
    bits: BTreeMap<u64, (usize, u32)>,
    fd: Option<EventFd>,
}

impl Ready {
    /// Adds `bits` to what an id is ready for.
    pub(super) fn add(&mut self, id: u64, token: usize, bits: u32) {
        let entry = self.bits.entry(id).or_insert((token, 0));
        let was_empty = entry.1 == 0;
        entry.1 |= bits;
        if was_empty {
            self.order.push_back(id);
        }
        self.settle();
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.bits.remove(&id);
        self.order.retain(|other| *other != id);
        self.settle();
    }

    /// Returns whether there was a descriptor.
    pub(super) fn close(&mut self) -> bool {
        self.fd.take().is_some()
    }

    /// The descriptor is readable while something is ready.
    fn settle(&self) {
        match &self.fd {
            Some(fd) if self.order.is_empty() => fd.lower(),
            Some(fd) => fd.raise(),
            None => {}
        }
    }
}

impl Engine {
    pub fn event_fd(&self) -> Result<RawFd, Error> {
        let mut ready = self.ready.lock();
        if let Some(fd) = &ready.fd {
            return Ok(fd.raw());
        }
        let fd = EventFd::new()?;
        let raw = fd.raw();
        ready.fd = Some(fd);
        ready.settle();
        drop(ready);
        self.count_descriptor(1);
        Ok(raw)
    }

    /// A job has something to tell.
    pub(super) fn job_ready(&self, job: &Job, bits: u32) {
        self.add_ready(job.id, job.token(), bits);
    }

    /// The token of a job or pipe that is ready, and for what.
    pub fn next_ready(&self) -> Option<(usize, u32)> {
        let mut ready = self.ready.lock();
        let next = loop {
            let Some(id) = ready.order.pop_front() else { break None };
            if let Some((token, bits)) = ready.bits.remove(&id).filter(|(token, _)| *token != 0) {
                break Some((token, bits));
            }
        };
        ready.settle();
        next
    }
}
