//! Looking at the time that a job takes, and whether it moves (-mt_max_time, -mt_idle_timeout), as long as it runs.

use super::engine::Engine;
use super::handle::Job;
use super::timer::Plan;
use crate::engine::{JobContext, Verdict, Watch};
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Ends the looking when it is dropped.
pub(super) struct Watched(Option<Arc<Looking>>);

struct Looking {
    engine: Weak<Engine>,
    context: Weak<JobContext>,
    /// None for a probe.
    job: Weak<Job>,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    plan: Option<Plan>,
    is_over: bool,
}

impl Watched {
    pub fn begin(engine: &Arc<Engine>, context: &Arc<JobContext>, job: Weak<Job>) -> Watched {
        let trust = &context.trust;
        let looking = Watch::new(&trust.limits, !trust.is_untrusted()).map(|watch| {
            Arc::new(Looking {
                engine: Arc::downgrade(engine),
                context: Arc::downgrade(context),
                job,
                state: Mutex::new(State { watch, plan: None, is_over: false }),
            })
        });
        if let Some(looking) = &looking {
            looking.look();
        }
        Watched(looking)
    }
}

impl Drop for Watched {
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
            Verdict::At(time) => state.plan = self.plan(time),
            Verdict::Hangs => {
                state.is_over = true;
                drop(state);
                context.cancel();
                if let Some(job) = self.job.upgrade() {
                    job.watch_cancel();
                }
            }
        }
    }

    fn plan(self: &Arc<Self>, time: Instant) -> Option<Plan> {
        let engine = self.engine.upgrade()?;
        let looking = Arc::clone(self);
        Some(engine.timer.at(time, engine.threads(), move || looking.look()))
    }
}
