//! Which jobs run, wait, or are refused: places, memory, and how long one may wait. First come, first served.

use super::budget::Reserved;
use super::engine::{Engine, EngineState};
use super::handle::Job;
use crate::error::{Code, Error};
use std::sync::Arc;
use std::time::Instant;

impl Engine {
    /// Runs a job, or queues it, or refuses it.
    pub(super) fn admit(&self, job: &Arc<Job>) -> Result<(), Error> {
        // Before it could be queued: what never fits would hold up all behind it.
        self.budget.check(job.need_bytes())?;
        let mut state = self.state.lock();
        if state.is_shut {
            return Err(Error::new(Code::ESHUTDOWN, "the engine was shut down".into()));
        }
        if self.may_run(&state, job) {
            state.running.push(Arc::clone(job));
            drop(state);
            self.totals.lock().jobs_started += 1;
            return job.launch().inspect_err(|_| {
                self.totals.lock().jobs_started -= 1;
                self.take_running(job.id);
            });
        }
        if state.queue.len() < state.max_queued as usize {
            state.queue.push_back(Arc::clone(job));
            drop(state);
            self.totals.lock().jobs_started += 1;
            job.queued();
            self.limit_waiting(job);
            if job.state().is_final() {
                self.remove_queued(job.id); // cancelled in the same moment
            }
            return Ok(());
        }
        let (running, queued) = (state.running.len(), state.queue.len());
        drop(state);
        self.totals.lock().jobs_refused += 1;
        Err(Error::new(Code::EAGAIN, format!("the engine is full: {running} jobs run and {queued} wait")).at("queue"))
    }

    /// Whether a job may run now; then its memory is reserved. The first one always may, so that pipes, which are made before
    /// their jobs run, cannot use up what those need.
    fn may_run(&self, state: &EngineState, job: &Job) -> bool {
        state.running.len() < state.max_running as usize
            && self.budget.reserve(job.need_bytes(), !state.running.is_empty()) == Reserved::Yes
    }

    /// A job waits in the queue only so long.
    fn limit_waiting(&self, job: &Arc<Job>) {
        let Some(timeout) = self.config.queue_timeout else { return };
        let weak = job.weak();
        self.at(Instant::now() + timeout, move || {
            if let Some(job) = weak.upgrade() {
                job.expire(timeout);
            }
        });
    }

    fn take_running(&self, id: u64) {
        let mut state = self.state.lock();
        for job in state.running.iter().filter(|job| job.id == id) {
            self.budget.release(job.need_bytes());
        }
        state.running.retain(|job| job.id != id);
        state.contexts.remove(&id);
        self.changed.notify_all();
    }

    /// A running job is final: the next ones may run.
    pub(super) fn job_ended(&self, id: u64) {
        self.take_running(id);
        self.run_queued();
    }

    pub(super) fn run_queued(&self) {
        loop {
            let mut state = self.state.lock();
            let Some(first) = state.queue.front() else { return };
            if !self.may_run(&state, first) {
                return;
            }
            let Some(job) = state.queue.pop_front() else { return };
            state.running.push(Arc::clone(&job));
            drop(state);
            if let Err(error) = job.launch() {
                self.take_running(job.id);
                job.end(Err(error));
            }
        }
    }

    pub(super) fn remove_queued(&self, id: u64) {
        let mut state = self.state.lock();
        state.queue.retain(|job| job.id != id);
    }
}
