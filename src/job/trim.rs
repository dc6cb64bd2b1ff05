//! Giving memory back while jobs run. What finding the streams took is free only some time after the start (buffers that FFmpeg makes
//! small again, packets that were queued), and a job that then waits for its peer ends no sooner for it.

use super::engine::Engine;
use crate::engine::trim_memory_now_and_then;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

impl Engine {
    /// A job begins or ends: some seconds after, and then ever less often, free memory goes back to the system, as long as jobs run. Not
    /// sooner: in a burst of small jobs the next one has a use for it.
    pub(super) fn plan_trim(self: &Arc<Self>) {
        self.trim_after(FIRST);
    }

    fn trim_after(self: &Arc<Self>, time: Duration) {
        let due = Instant::now() + time;
        {
            let mut planned = self.next_trim.lock();
            if planned.is_some_and(|planned| planned <= due) {
                return;
            }
            *planned = Some(due);
        }
        let weak = Arc::downgrade(self);
        self.at(due, move || {
            let Some(engine) = weak.upgrade() else { return };
            {
                let mut planned = engine.next_trim.lock();
                if *planned != Some(due) {
                    return; // an earlier one took its place
                }
                *planned = None;
            }
            trim_memory_now_and_then();
            if !engine.open_jobs().is_empty() {
                engine.trim_after((time * 2).min(LONGEST));
            }
        });
    }
}
