//! Looking at a job now and then, as long as it runs on threads of this process: when, on the engine's timer. What is looked for, and what comes of it, says a
//! [`Look`].

use super::engine::Engine;
use super::timer::Plan;
use crate::engine::JobContext;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Instant;

pub(super) enum Next {
    At(Instant),
    /// Never again. This is done on the timer's thread, which it must not hold up; it may end the looking.
    End(Box<dyn FnOnce()>),
}

pub(super) trait Look: Send + 'static {
    fn look(&mut self, context: &Arc<JobContext>) -> Next;
}

/// Ends the looking when it is dropped.
pub(super) struct Looked<T: Look>(Option<Arc<Looking<T>>>);

struct Looking<T> {
    engine: Weak<Engine>,
    context: Weak<JobContext>,
    state: Mutex<State<T>>,
}

struct State<T> {
    look: T,
    plan: Option<Plan>,
    is_over: bool,
}

impl<T: Look> Looked<T> {
    /// Looks at once. None is not looked for.
    pub fn begin(engine: &Arc<Engine>, context: &Arc<JobContext>, look: Option<T>) -> Looked<T> {
        let looking = look.map(|look| {
            let (engine, context) = (Arc::downgrade(engine), Arc::downgrade(context));
            Arc::new(Looking { engine, context, state: Mutex::new(State { look, plan: None, is_over: false }) })
        });
        if let Some(looking) = &looking {
            looking.look();
        }
        Looked(looking)
    }
}

impl<T: Look> Drop for Looked<T> {
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

impl<T: Look> Looking<T> {
    fn look(self: &Arc<Self>) {
        let Some(context) = self.context.upgrade() else { return };
        let mut state = self.state.lock();
        if state.is_over {
            return;
        }
        match state.look.look(&context) {
            Next::At(time) => state.plan = self.plan(time),
            Next::End(end) => {
                state.is_over = true;
                drop(state);
                end();
            }
        }
    }

    fn plan(self: &Arc<Self>, time: Instant) -> Option<Plan> {
        let engine = self.engine.upgrade()?;
        let looking = Arc::clone(self);
        Some(engine.timer.at(time, engine.threads(), move || looking.look()))
    }
}
