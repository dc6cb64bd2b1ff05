//! Looking whether a job hangs (-mt_hang_timeout_ms), as long as it runs on threads of this process: `engine::HangWatch` decides, this plans the
//! looks and ends the job. In a worker the worker looks itself (`worker::watch`), and its host listens whether it speaks.

use super::engine::Engine;
use super::handle::Job;
use super::timer::Plan;
use crate::engine::{HangWatch, JobContext, Outlook, hang_error};
use crate::options::{JobSpec, parse_integer};
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Instant;

const LEVEL_ERROR: i32 = 16;

/// Ends the looking when it is dropped.
pub(super) struct HangWatched(Option<Arc<Looking>>);

struct Looking {
    engine: Weak<Engine>,
    context: Weak<JobContext>,
    job: Weak<Job>,
    state: Mutex<State>,
}

struct State {
    watch: HangWatch,
    plan: Option<Plan>,
    is_over: bool,
}

/// Milliseconds without progress after which a job hangs: its own option, else the engine's. 0 is never.
pub(super) fn limit_ms(spec: &JobSpec, engines: u64) -> u64 {
    let own = spec.global("mt_hang_timeout_ms").and_then(parse_integer);
    own.map_or(engines, |own| u64::try_from(own).unwrap_or(0))
}

impl HangWatched {
    pub fn begin(engine: &Arc<Engine>, context: &Arc<JobContext>, job: Weak<Job>, limit_ms: u64) -> HangWatched {
        let looking = HangWatch::new(limit_ms).map(|watch| {
            let (engine, context) = (Arc::downgrade(engine), Arc::downgrade(context));
            Arc::new(Looking { engine, context, job, state: Mutex::new(State { watch, plan: None, is_over: false }) })
        });
        if let Some(looking) = &looking {
            looking.look();
        }
        HangWatched(looking)
    }
}

impl Drop for HangWatched {
    fn drop(&mut self) {
        let Some(looking) = &self.0 else { return };
        let mut state = looking.state.lock();
        state.is_over = true;
        let plan = state.plan.take();
        drop(state);
        if let (Some(plan), Some(engine)) = (plan, looking.engine.upgrade()) {
            engine.timer.forget(plan);
        }
    }
}

impl Looking {
    fn look(self: &Arc<Self>) {
        let Some(context) = self.context.upgrade() else { return };
        let mut state = self.state.lock();
        if state.is_over {
            return;
        }
        match state.watch.look(&context) {
            Outlook::At(time) => state.plan = self.plan(time),
            Outlook::Hangs(why) => {
                state.is_over = true;
                drop(state);
                let (looking, threads) = (Arc::clone(self), Arc::clone(&context.threads));
                // Asking threads for their stacks takes a while, which the timer has not. Without a thread it ends without them.
                if threads.spawn_aside("mt-watch", move || looking.end(&context, &why)).is_err()
                    && let Some(context) = self.context.upgrade()
                {
                    context.cancel();
                }
            }
        }
    }

    fn plan(self: &Arc<Self>, time: Instant) -> Option<Plan> {
        let engine = self.engine.upgrade()?;
        let looking = Arc::clone(self);
        Some(engine.timer.at(time, engine.threads(), move || looking.look()))
    }

    fn end(&self, context: &Arc<JobContext>, why: &str) {
        let limit = self.state.lock().watch.limit();
        let error = hang_error(limit, context, why);
        context.observer.log(LEVEL_ERROR, "watch", None, &format!("{}\n{}", error.message(), error.detail()));
        context.fail_at_once(&error);
        if let Some(job) = self.job.upgrade() {
            job.watch_end(error);
        }
    }
}
