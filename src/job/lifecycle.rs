//! The life of a job: start, run, stop, cancel, wait, free. Every call is legal in every state or gives a defined code.

use super::events::EventKind;
use super::handle::{Inner, Job, State};
use crate::engine::{Debug, Identity, Interrupt, JobContext, JobTrust, LogContext, is_pool_thread_of};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// After a cancel a job is final within 150 ms wherever our code is asked; what cannot be interrupted has 500 ms more.
pub(super) const DETACH_AFTER: Duration = Duration::from_millis(650);

/// How a job ended, before anybody was told.
struct Conclusion {
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
            let _watched = super::watch::Watched::begin(&self.engine, &context, Arc::downgrade(self));
            let limit_ms = super::hang::limit_ms(&spec, self.engine.config.hang_timeout_ms);
            let _hang = super::hang::HangWatched::begin(&self.engine, &context, Arc::downgrade(self), limit_ms);
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
    fn conclude(&self, result: Result<(), Error>) -> Conclusion {
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
    fn announce(&self, Conclusion { state, error }: Conclusion) {
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
        self.watch_end(Error::new(Code::DETACHED, text.into()).at("cancel"));
    }

    /// As [`Self::watch_cancel`]; a job that has to be left behind ends with `error`.
    pub(super) fn watch_end(self: &Arc<Self>, error: Error) {
        let job = Arc::clone(self);
        let watch = move || {
            let until = Instant::now() + DETACH_AFTER;
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

    fn events_freed(&self) {
        if self.events.free() {
            self.engine.count_descriptor(-1);
        }
    }

    /// Final and freed: the engine forgets it. Once.
    fn release(&self) {
        self.events_freed();
        self.engine.forget(self.id);
    }
}
