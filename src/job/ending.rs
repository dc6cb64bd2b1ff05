//! How a job is ended, waited for and freed. Every call is legal in every state or gives a defined code.

use super::events::EventKind;
use super::handle::{Job, State};
use crate::engine::is_pool_thread_of;
use crate::error::{Code, Error};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// After a cancel a job is final within 150 ms wherever our code is asked; what cannot be interrupted has 500 ms more.
pub(super) const DETACH_AFTER: Duration = Duration::from_millis(650);
/// A call that is over its time was given 250 ms of that already (`engine::deadlines`).
pub(super) const DETACH_LATE_AFTER: Duration = Duration::from_millis(400);

impl Job {
    pub fn stop(self: &Arc<Self>) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        match inner.state {
            State::New => Err(Error::invalid("the job was never started".into())),
            // Nothing was read yet, so there is nothing to end in good order.
            State::Queued | State::Opening if !inner.context.as_ref().is_some_and(|context| context.is_writing()) => {
                drop(inner);
                self.cancel();
                Ok(())
            }
            // A worker's output may be here before its word that it runs.
            State::Queued | State::Opening | State::Running => {
                inner.state = State::Stopping;
                inner.wants_stop = true;
                let context = inner.context.clone();
                drop(inner);
                self.tell(EventKind::State(State::Stopping));
                if let Some(context) = context {
                    context.stop();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// As [`Self::stop`], also of a job that still opens its inputs: as ffmpeg, what was found of them is enough, and outputs get header and
    /// trailer. For programs: who opens without end must be cancelled later.
    pub fn stop_opening(self: &Arc<Self>) -> Result<(), Error> {
        let inner = self.inner.lock();
        match (&inner.state, &inner.context) {
            (State::Opening, Some(context)) => {
                let context = Arc::clone(context);
                drop(inner);
                context.stop();
                Ok(())
            }
            _ => {
                drop(inner);
                self.stop()
            }
        }
    }

    pub fn cancel(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        if inner.state.is_final() || inner.is_ending {
            return;
        }
        let is_first = !std::mem::replace(&mut inner.is_cancelled, true);
        let context = inner.context.clone();
        // From here on it cannot begin to run any more.
        let is_waiting = context.is_none() && matches!(inner.state, State::New | State::Queued);
        inner.is_ending |= is_waiting;
        drop(inner);
        match context {
            Some(context) => {
                context.cancel();
                if is_first {
                    self.watch_cancel();
                }
            }
            None if is_waiting => {
                self.engine.remove_queued(self.id);
                let conclusion = self.conclude(Err(Error::cancelled()));
                self.engine.job_ended(self.id); // where its thread has not begun yet: its place is free before the end is announced
                self.announce(conclusion);
            }
            None => {}
        }
    }

    /// Ends a job that still waits in the queue.
    pub(super) fn expire(self: &Arc<Self>, waited: Duration) {
        let mut inner = self.inner.lock();
        if inner.state != State::Queued || inner.is_ending || inner.context.is_some() {
            return;
        }
        inner.is_ending = true;
        drop(inner);
        self.engine.remove_queued(self.id);
        let text = format!("the job waited in the queue for {} ms without being run", waited.as_millis());
        self.announce(self.conclude(Err(Error::new(Code::ETIMEDOUT, text).at("queue"))));
    }

    /// Native memory that it is expected to need, once it is started.
    pub(super) fn need_bytes(&self) -> u64 {
        self.need_bytes.load(Relaxed)
    }

    /// A call that cannot be interrupted (getaddrinfo, a FIFO without a writer) is left behind: the job is made final without
    /// it, 650 ms after the cancel, whether anybody waits or not.
    pub(super) fn watch_cancel(self: &Arc<Self>) {
        let text =
            "a call of the job could not be interrupted; it was left behind and its memory is kept until it ends";
        self.watch_end(Error::new(Code::DETACHED, text.into()).at("cancel"), DETACH_AFTER);
    }

    /// As [`Self::watch_cancel`]; a job that has to be left behind after `limit` ends with `error`.
    pub(super) fn watch_end(self: &Arc<Self>, error: Error, limit: Duration) {
        let job = Arc::clone(self);
        let watch = move || {
            let until = Instant::now() + limit;
            let mut inner = job.inner.lock();
            while !inner.state.is_final() && Instant::now() < until {
                job.changed.wait_until(&mut inner, until);
            }
            // Who cancels it too waits as well: it is left behind once.
            if inner.state.is_final() || inner.is_detached {
                return;
            }
            inner.is_detached = true;
            drop(inner);
            job.engine.count_detached(1);
            job.engine.job_ended(job.id);
            job.end(Err(error));
        };
        // Without a thread the cancel is as good as the calls inside allow.
        drop(self.engine.threads().spawn_aside("mt-cancel", watch));
    }

    /// The result when the job is final, None when the time is over first.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<i32>, Error> {
        if is_pool_thread_of(self.id) {
            return Err(Error::new(Code::EDEADLK, "a thread of the job waits for the job".into()));
        }
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut inner = self.inner.lock();
        if inner.state == State::New {
            return Err(Error::invalid("the job was never started".into()));
        }
        loop {
            if inner.is_announced {
                return Ok(Some(inner.error.as_ref().map_or(0, |error| error.code().to_c())));
            }
            if inner.is_freed {
                return Err(Error::new(Code::EBADF, "the job was freed".into()));
            }
            match until {
                Some(until) if Instant::now() >= until => return Ok(None),
                Some(until) => drop(self.changed.wait_until(&mut inner, until)),
                None => self.changed.wait(&mut inner),
            }
        }
    }

    /// The host frees the job: it is cancelled, waited for within bounds, and its place is given back.
    pub fn close(self: &Arc<Self>) {
        self.cancel();
        let is_own_thread = is_pool_thread_of(self.id);
        let mut inner = self.inner.lock();
        inner.is_freed = true;
        self.changed.notify_all();
        // The watch of the cancel makes it final within this time; the rest is for a machine that is slow.
        let until = Instant::now() + DETACH_AFTER * 2;
        while !inner.is_announced && !is_own_thread && Instant::now() < until {
            self.changed.wait_until(&mut inner, until);
        }
        let is_final = inner.is_announced;
        drop(inner);
        self.events_freed();
        self.drop_buffers();
        if is_final {
            self.release();
        }
    }

    pub(super) fn events_freed(&self) {
        if self.events.free() {
            self.engine.count_descriptor(-1);
        }
    }

    /// Final and freed: the engine forgets it. Once.
    pub(super) fn release(&self) {
        self.events_freed();
        self.engine.forget(self.id);
    }
}
