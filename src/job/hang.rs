//! Whether a job hangs (-mt_hang_timeout_ms), as long as it runs on threads of this process: `engine::HangWatch` decides, this ends the job. In a worker
//! the worker looks itself (`worker::watch`), and its host listens whether it speaks.

use super::ending::DETACH_AFTER;
use super::engine::Engine;
use super::handle::Job;
use super::looking::{Look, Looked, Next};
use crate::engine::{HangWatch, JobContext, Outlook, hang_error};
use crate::options::{JobSpec, parse_integer};
use std::sync::{Arc, Weak};
use std::time::Duration;

const LEVEL_ERROR: i32 = 16;

pub(super) struct Hang {
    watch: HangWatch,
    job: Weak<Job>,
}

/// Milliseconds without progress after which a job hangs: its own option, else the engine's. 0 is never.
pub(super) fn limit_ms(spec: &JobSpec, engines: u64) -> u64 {
    let own = spec.global("mt_hang_timeout_ms").and_then(parse_integer);
    own.map_or(engines, |own| u64::try_from(own).unwrap_or(0))
}

/// Watches until it is dropped.
pub(super) fn begin(engine: &Arc<Engine>, context: &Arc<JobContext>, job: Weak<Job>, limit_ms: u64) -> Looked<Hang> {
    Looked::begin(engine, context, HangWatch::new(limit_ms).map(|watch| Hang { watch, job }))
}

impl Look for Hang {
    fn look(&mut self, context: &Arc<JobContext>) -> Next {
        match self.watch.look(context) {
            Outlook::At(time) => Next::At(time),
            Outlook::Hangs(why) => {
                let (limit, job, own) = (self.watch.limit(), Weak::clone(&self.job), Arc::clone(context));
                // Asking threads for their stacks takes a while, which the timer has not. Without a thread it ends without them.
                let threads = Arc::clone(&context.threads);
                Next::End(Box::new(move || {
                    let context = Arc::clone(&own);
                    if threads.spawn_aside("mt-watch", move || end(limit, &own, &job, &why)).is_err() {
                        context.cancel();
                    }
                }))
            }
        }
    }
}

fn end(limit: Duration, context: &Arc<JobContext>, job: &Weak<Job>, why: &str) {
    let error = hang_error(limit, context, why);
    context.observer.log(LEVEL_ERROR, "watch", None, &format!("{}\n{}", error.message(), error.detail()));
    context.fail_at_once(&error);
    if let Some(job) = job.upgrade() {
        job.watch_end(error, DETACH_AFTER);
    }
}
