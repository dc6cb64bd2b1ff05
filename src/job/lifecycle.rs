//! The life of a job from its start to its end. How it is ended, and waited for, is in `ending`. Every call is legal in every state or gives a defined code.

use super::events::EventKind;
use super::handle::{Inner, Job, State};
use crate::engine::{Debug, Identity, Interrupt, JobContext, JobTrust, LogContext};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// How a job ended, before anybody was told.
pub(super) struct Conclusion {
    state: State,
    error: Option<Error>,
}

impl Job {
    pub(super) fn began(&self) -> Option<Instant> {
        self.inner.lock().began
    }

    pub fn start(self: &Arc<Self>) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        if inner.state != State::New {
            return Err(Error::new(Code::EALREADY, format!("the job is {}", inner.state.word())));
        }
        if inner.spec.outputs.is_empty() {
            return Err(Error::option("the job has no output".into()));
        }
        super::binds::check(&inner.spec, &inner.binds)?;
        self.need_bytes.store(super::budget::need_bytes(&inner.spec), Relaxed);
        let outputs = inner.spec.outputs.len();
        inner.late.begin(outputs);
        inner.started = Some(Instant::now());
        inner.state = State::Queued;
        drop(inner);
        match self.engine.admit(self) {
            Ok(()) => Ok(()),
            Err(error) => {
                let mut inner = self.inner.lock();
                // Unless it was cancelled meanwhile, it can be started again.
                if inner.state == State::Queued && !inner.is_ending {
                    inner.state = State::New;
                    inner.started = None;
                }
                Err(error)
            }
        }
    }

    /// It waits in the queue: tell.
    pub(super) fn queued(&self) {
        self.tell(EventKind::State(State::Queued));
    }

    /// Puts it on a thread of the engine.
    pub(super) fn launch(self: &Arc<Self>) -> Result<(), Error> {
        let (job, ended) = (Arc::clone(self), Arc::clone(self));
        let label = self.inner.lock().label.clone();
        let name = if label.is_empty() { format!("mt-job-{}", self.id) } else { format!("job:{label}") };
        // Once: a start that failed for want of a thread may be tried again.
        self.log.get_or_init(|| LogContext::register(self.id, self.weak()));
        self.tell_warnings();
        self.engine.threads().spawn_then(
            name,
            self.id,
            move || job.execute(),
            move |result| {
                let conclusion = ended.finish(result);
                move || {
                    // The place is free before the end is announced: who waits for it finds the numbers settled. The next job in the
                    // queue gets this very thread.
                    ended.engine.job_ended(ended.id);
                    if let Some(conclusion) = conclusion {
                        ended.announce(conclusion);
                    }
                }
            },
        )
    }

    /// The job's whole run, on its own thread.
    fn execute(self: &Arc<Self>) -> Result<(), Error> {
        let (context, spec) = self.prepare().ok_or_else(Error::cancelled)?;
        self.tell(EventKind::State(State::Opening));
        if !self.engine.config.leaves_malloc {
            crate::engine::keep_freed_memory();
        }
        self.engine.plan_trim();
        let result = if self.engine.workers.are_wanted() {
            self.run_in_workers(&context, &spec)
        } else {
            self.join_pending(&context, &spec);
            let _watched = super::watch::begin(&self.engine, &context, Arc::downgrade(self));
            let limit_ms = super::hang::limit_ms(&spec, self.engine.config.hang_timeout_ms);
            let _hang = super::hang::begin(&self.engine, &context, Arc::downgrade(self), limit_ms);
            crate::engine::run(&context, &spec)
        };
        self.engine.plan_trim();
        result
    }

    /// From queued to opening; None where it was cancelled before it ran.
    fn prepare(self: &Arc<Self>) -> Option<(Arc<JobContext>, JobSpec)> {
        let mut inner = self.inner.lock();
        if inner.state != State::Queued || inner.is_ending {
            return None;
        }
        if let Some(recording) = self.recording() {
            inner.facts = inner
                .binds
                .facts()
                .into_iter()
                .map(|(name, kind, about)| json!({"name": name, "kind": kind, "abilities": about}))
                .collect();
            inner.binds.record(recording);
        }
        let context = self.new_context(&inner);
        let began = Instant::now();
        inner.state = State::Opening;
        inner.began = Some(began);
        inner.queue_wait_us = inner.started.map_or(0, |started| (began - started).as_micros() as i64);
        inner.context = Some(Arc::clone(&context));
        let spec = inner.spec.clone();
        drop(inner);
        self.engine.add_context(self.id, &context);
        Some((context, spec))
    }

    /// What a run of the job shares.
    pub(super) fn new_context(self: &Arc<Self>, inner: &Inner) -> Arc<JobContext> {
        JobContext::new(
            Interrupt::new(),
            Arc::clone(&self.counters),
            Arc::clone(self) as Arc<dyn crate::engine::Observer>,
            Arc::clone(self.engine.threads()),
            Identity {
                label: inner.label.clone(),
                log_slot: self.log.get().map_or(0, LogContext::slot),
                owner: self.id,
                link_budget_bytes: self.engine.link_budget_bytes(),
                binds: Arc::clone(&inner.binds),
                outputs: inner.ordinary_outputs(),
                // What cannot be read is the strictest until the job fails for it.
                trust: JobTrust::of(&inner.spec).unwrap_or_default(),
                crash_slot: inner.spec_slot(&self.engine, self.id),
                debug: Debug::of(&inner.spec),
                live: Arc::clone(&self.live),
                breakers: Arc::clone(&self.engine.breakers),
                first_output: 0,
                codec_threads: self.engine.codec_threads(),
            },
        )
    }

    /// The end of a job: its state is final from here on, and nobody was told. None where it was final before.
    fn finish(&self, result: Result<(), Error>) -> Option<Conclusion> {
        let mut inner = self.inner.lock();
        if std::mem::replace(&mut inner.is_ending, true) {
            // What was left behind has come back.
            if std::mem::take(&mut inner.is_detached) {
                self.engine.count_detached(-1);
            }
            return None;
        }
        drop(inner);
        Some(self.conclude(result))
    }

    /// The end of a job outside of its thread.
    pub(super) fn end(&self, result: Result<(), Error>) {
        if let Some(conclusion) = self.finish(result) {
            self.announce(conclusion);
        }
    }

    /// Makes the job final, by whoever set `is_ending`, who then announces it.
    pub(super) fn conclude(&self, result: Result<(), Error>) -> Conclusion {
        let mut inner = self.inner.lock();
        let elapsed_us = inner.began.map_or(0, |began| began.elapsed().as_micros() as i64);
        inner.elapsed_us = elapsed_us;
        let has_run = inner.began.is_some();
        drop(inner);
        let error = result.err().map(|error| self.captured(self.with_last_lines(error), "failed"));
        if has_run && error.is_none() {
            // What was written is all there is.
            self.counters.duration_us.store(self.counters.position_us.load(Relaxed), Relaxed);
        }
        if has_run {
            self.tell_progress(elapsed_us);
        }
        let state = match &error {
            None => State::Succeeded,
            Some(error) if error.code() == Code::ECANCELED => State::Cancelled,
            Some(_) => State::Failed,
        };
        let code = error.as_ref().map_or(0, |error| error.code().to_c());
        let mut inner = self.inner.lock();
        inner.state = state;
        inner.error.clone_from(&error);
        inner.context = None;
        let binds = std::mem::take(&mut inner.binds);
        let queue_wait_us = inner.queue_wait_us;
        let was_started = inner.started.is_some();
        drop(inner);
        match was_started {
            true => binds.finish(error.as_ref().map_or(Code::OK, Error::code)),
            false => binds.release(),
        }
        drop(binds);
        if was_started {
            self.engine.count_result(code, has_run, queue_wait_us, elapsed_us, &self.counters);
        }
        Conclusion { state, error }
    }

    /// Tells everybody who waits. It calls nothing of the host's and does not block.
    pub(super) fn announce(&self, Conclusion { state, error }: Conclusion) {
        self.tell(EventKind::State(state));
        self.tell(EventKind::Done { error });
        let mut inner = self.inner.lock();
        inner.is_announced = true;
        // Under the lock: who hears of it and asks finds it so, and it is not told after it was freed.
        self.engine.job_ready(self, super::ready::READY_DONE);
        let is_freed = inner.is_freed;
        drop(inner);
        self.changed.notify_all();
        if is_freed {
            self.release();
        }
    }
}
