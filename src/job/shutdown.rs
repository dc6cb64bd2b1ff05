//! Ending an engine in good order.

use super::ending::DETACH_AFTER;
use super::engine::Engine;
use super::handle::{Job, State};
use crate::engine::{AlsoEnds, Termination};
use crate::error::{Code, Error};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownCounts {
    pub finished: u32,
    pub stopped: u32,
    pub cancelled: u32,
    pub never_ran: u32,
    pub detached: u32,
}

/// Time for trailers after a stop.
const TRAILERS: Duration = Duration::from_secs(2);

impl Engine {
    /// Refuses new jobs, lets running ones end until `timeout`, stops them, then cancels them.
    pub fn shutdown(&self, timeout: Option<Duration>) -> ShutdownCounts {
        let mut counts = ShutdownCounts::default();
        let mut state = self.state.lock();
        state.is_shut = true;
        let queued: Vec<Arc<Job>> = state.queue.drain(..).collect();
        drop(state);
        counts.never_ran = queued.len() as u32;
        queued.iter().for_each(Job::cancel);
        let running = self.open_jobs();
        let left = ended(&running, timeout, &mut counts.finished);
        if left.is_empty() {
            return counts;
        }
        left.iter().for_each(|job| drop(job.stop()));
        let left = ended(&left, Some(TRAILERS), &mut counts.stopped);
        left.iter().for_each(Job::cancel);
        let left = ended(&left, Some(DETACH_AFTER), &mut counts.cancelled);
        counts.detached = left.len() as u32;
        counts
    }
}

impl Engine {
    /// For programs: calls `on_signal` with its number each time that a signal comes which asks for the end (SIGINT, SIGTERM, SIGXCPU
    /// and those of `also`). To be called by the program's first thread, before any job is started.
    pub fn on_termination(&self, also: AlsoEnds, on_signal: impl Fn(i32) + Send + 'static) -> Result<(), Error> {
        let signals = Termination::block(also);
        self.threads().spawn_aside("mt-signals", move || {
            loop {
                on_signal(signals.wait());
            }
        })
    }
}

/// Waits for jobs, and counts those that ended. Returns the others.
fn ended(jobs: &[Arc<Job>], limit: Option<Duration>, count: &mut u32) -> Vec<Arc<Job>> {
    let until = limit.map(|limit| Instant::now() + limit);
    let is_open = |job: &&Arc<Job>| {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match job.wait(left) {
            Ok(Some(_)) => false,
            Ok(None) => true,
            // Freed meanwhile by the host: no concern of ours any more.
            Err(error) => error.code() == Code::DETACHED && job.state() < State::Succeeded,
        }
    };
    let open: Vec<Arc<Job>> = jobs.iter().filter(is_open).cloned().collect();
    *count += (jobs.len() - open.len()) as u32;
    open
}
