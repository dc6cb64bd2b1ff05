//! Looks after the clocks of a job from outside, on a thread of its own: for what asks nobody whether to give up (getaddrinfo, a FIFO that nobody
//! writes to, a host's callback), and for outputs that nobody calls into.

use super::clock::Clock;
use crate::engine::context::JobContext;
use crate::error::Error;
use parking_lot::{Condvar, Mutex};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// FFmpeg asks ten times a second; who has not given up by then asks nobody.
const GRACE: Duration = Duration::from_millis(250);

#[derive(Default)]
pub struct Watcher {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    clocks: Vec<Weak<Clock>>,
    /// When it looks next; None: when something changes.
    next: Option<Instant>,
    is_running: bool,
    is_closed: bool,
}

impl Watcher {
    /// Watches a clock as long as it lives. The thread starts with the first one.
    pub(super) fn add(self: &Arc<Self>, context: &JobContext, clock: &Arc<Clock>) {
        let mut state = self.state.lock();
        state.clocks.push(Arc::downgrade(clock));
        state.next = Some(Instant::now());
        self.changed.notify_all();
        if state.is_running || state.is_closed {
            return;
        }
        let (watcher, observer, job) = (Arc::clone(self), Arc::clone(&context.observer), context.this());
        // Without a thread what FFmpeg asks is all there is.
        state.is_running =
            context.threads.spawn_aside("mt-deadline", move || watcher.run(&job, observer.as_ref())).is_ok();
    }

    /// Something is to be over at `until`.
    pub(super) fn expect(&self, until: Instant) {
        let mut state = self.state.lock();
        if state.next.is_none_or(|next| until + GRACE < next) {
            state.next = Some(until + GRACE);
            self.changed.notify_all();
        }
    }

    /// The job is over.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn run(&self, job: &Weak<JobContext>, observer: &dyn crate::engine::Observer) {
        let mut state = self.state.lock();
        while !state.is_closed {
            let now = Instant::now();
            match state.next {
                None => self.changed.wait(&mut state),
                Some(next) if now < next => drop(self.changed.wait_until(&mut state, next)),
                Some(_) => {
                    state.clocks.retain(|clock| clock.strong_count() > 0);
                    state.next = None;
                    let clocks: Vec<_> = state.clocks.iter().filter_map(Weak::upgrade).collect();
                    drop(state);
                    let looked = look(&clocks, now);
                    drop(clocks);
                    match (looked, job.upgrade()) {
                        (Ok(next), Some(_)) => {
                            state = self.state.lock();
                            state.next = [state.next, next].into_iter().flatten().min();
                        }
                        (Err(error), Some(job)) => {
                            // Nobody can go on in a call that does not end: it is left behind, with the job.
                            job.fail_at_once(&error);
                            return observer.stuck(&error);
                        }
                        (_, None) => return,
                    }
                }
            }
        }
    }
}

fn look(clocks: &[Arc<Clock>], now: Instant) -> Result<Option<Instant>, Error> {
    let mut next: Option<Instant> = None;
    for clock in clocks {
        next = [next, clock.look(now, GRACE)?].into_iter().flatten().min();
    }
    Ok(next)
}
