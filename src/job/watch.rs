//! The time that a job takes, and whether it moves (-mt_max_time, -mt_idle_timeout), as long as it runs on threads of this process.

use super::engine::Engine;
use super::handle::Job;
use super::looking::{Look, Looked, Next};
use crate::engine::{JobContext, Verdict, Watch};
use std::sync::{Arc, Weak};

pub(super) struct Time {
    watch: Watch,
    /// None for a probe.
    job: Weak<Job>,
}

/// Watches until it is dropped.
pub(super) fn begin(engine: &Arc<Engine>, context: &Arc<JobContext>, job: Weak<Job>) -> Looked<Time> {
    let trust = &context.trust;
    let watch = Watch::new(&trust.limits, !trust.is_untrusted());
    Looked::begin(engine, context, watch.map(|watch| Time { watch, job }))
}

impl Look for Time {
    fn look(&mut self, context: &Arc<JobContext>) -> Next {
        match self.watch.look(context) {
            Verdict::At(time) => Next::At(time),
            Verdict::Hangs => {
                let (context, job) = (Arc::clone(context), Weak::clone(&self.job));
                Next::End(Box::new(move || {
                    context.cancel();
                    if let Some(job) = job.upgrade() {
                        job.watch_cancel();
                    }
                }))
            }
        }
    }
}
