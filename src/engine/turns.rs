//! Outputs that write to the same standard stream end one after the other, as ffmpeg ends all of its outputs: else it would be chance whose trailer,
//! or checksum, comes first.

use super::context::{JobContext, Wake};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::sync::Arc;

pub struct Turns {
    /// Outputs that have not ended, by number.
    open: Mutex<BTreeSet<usize>>,
    changed: Condvar,
}

/// An output's turn is over when this is dropped, whether it came or not.
pub struct Turn {
    turns: Arc<Turns>,
    output: usize,
}

impl Turns {
    pub fn new(context: &JobContext) -> Arc<Turns> {
        let turns = Arc::new(Turns { open: Mutex::default(), changed: Condvar::new() });
        let weak = Arc::downgrade(&turns);
        context.on_cancel(weak);
        turns
    }

    /// Before anything is written. None for an output that goes elsewhere.
    pub fn take(self: &Arc<Turns>, output: usize, url: &str) -> Option<Turn> {
        let target = url.strip_prefix("md5:").map_or(url, |rest| if rest.is_empty() { "-" } else { rest });
        matches!(target, "-" | "pipe:" | "pipe:1").then(|| {
            self.open.lock().insert(output);
            Turn { turns: Arc::clone(self), output }
        })
    }
}

impl Turn {
    /// Waits for the outputs before this one, or until the job is cancelled.
    pub fn wait(&self, context: &JobContext) {
        let mut open = self.turns.open.lock();
        while !context.is_cancelled() && open.first().is_some_and(|first| *first < self.output) {
            self.turns.changed.wait(&mut open);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.open.lock().remove(&self.output);
        self.turns.changed.notify_all();
    }
}

impl Wake for Turns {
    fn wake(&self) {
        let _guard = self.open.lock();
        self.changed.notify_all();
    }
}
