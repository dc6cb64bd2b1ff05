//! How often the kernel killed for want of memory in the group of this process. Reading it takes as long as a small part of a small job.

use crate::engine::cgroup::out_of_memory_kills;
use std::time::{Duration, Instant};

/// How old a count may be that a worker begins with. All that are kills of our own workers are counted at once.
const LATELY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Kills {
    known: Option<(Instant, u64)>,
}

impl Kills {
    pub fn now(&mut self) -> u64 {
        let count = out_of_memory_kills();
        self.known = Some((Instant::now(), count));
        count
    }

    /// A second ago, or now.
    pub fn lately(&mut self) -> u64 {
        match self.known {
            Some((at, count)) if at.elapsed() < LATELY => count,
            _ => self.now(),
        }
    }
}
