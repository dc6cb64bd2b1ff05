//! What becomes of a job whose worker crashed: it is run once more where it can begin anew, and its input is refused afterwards.

use super::anew::check_files;
use super::events::EventKind;
use super::handle::{Job, State};
use super::quarantine::{Inputs, LOOKED_AT_BYTES, keys_of};
use crate::engine::{JobContext, Observer, Recording};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use std::sync::Arc;

/// The policy of an engine, for jobs in workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnCrash {
    /// Run the job once more, in a new worker.
    pub retries: bool,
    /// Refuse its input from then on.
    pub quarantines: bool,
}

const LEVEL_WARNING: i32 = 24;

/// Whether the input may be to blame.
pub(super) fn is_crash(error: &Error) -> bool {
    matches!(error.code(), Code::CRASHED | Code::HUNG)
}

impl Job {
    /// What is kept of the job's inputs while they are read; None where nobody wants it.
    pub(super) fn recording(&self) -> Option<Recording> {
        let config = &self.engine.config;
        let OnCrash { retries, quarantines } = match self.engine.workers.are_wanted() {
            true => config.on_crash,
            false => OnCrash::default(),
        };
        if config.captures.is_none() && !retries && !quarantines {
            return None;
        }
        let limit_bytes = config.capture_bytes.max(if quarantines { LOOKED_AT_BYTES as u64 } else { 0 });
        let look = quarantines.then(|| self.looked_at.looking(&self.engine.quarantine));
        Some(Recording { limit_bytes, keeps_streams: retries, look })
    }

    /// Runs in a worker, and where that crashed, as the engine's policy says.
    pub(super) fn run_in_workers(self: &Arc<Self>, context: &Arc<JobContext>, spec: &JobSpec) -> Result<(), Error> {
        let policy = self.engine.config.on_crash;
        if policy.quarantines {
            Inputs::look_at_files(&self.looked_at, &self.engine.quarantine, spec)?;
        }
        let mut result = self.attempt(context, spec);
        if policy.retries
            && let Err(first) = result.as_ref().map_err(Clone::clone)
            && is_crash(&first)
        {
            result = match self.anew(spec) {
                Ok(context) => self.once_more(&context, spec, first),
                Err(why) => Err(first.adding(&format!("it was not run once more: {why}"))),
            };
        }
        self.end_joining();
        if let Err(error) = &result
            && policy.quarantines
            && is_crash(error)
        {
            self.quarantine(spec, error);
        }
        result
    }

    fn attempt(self: &Arc<Self>, context: &Arc<JobContext>, spec: &JobSpec) -> Result<(), Error> {
        let server = match self.engine.workers.server(&self.engine.config.isolation) {
            Some(server) => server?,
            None => return Err(Error::new(Code::INTERNAL, "there are no workers".into())),
        };
        let _watched = super::watch::begin(&self.engine, context, Arc::downgrade(self));
        self.run_in_worker(&server, context, spec)
    }

    fn once_more(self: &Arc<Self>, context: &Arc<JobContext>, spec: &JobSpec, first: Error) -> Result<(), Error> {
        let text = format!("{}: the job is run once more, in a new worker", first.message());
        self.log(LEVEL_WARNING, "retry", None, &text);
        let first = self.captured(first, "retried");
        self.engine.totals.lock().retried += 1;
        self.tell(EventKind::State(State::Opening));
        self.attempt(context, spec)
            .map_err(|error| error.adding(&format!("it was run once more, after: {}", first.message())))
    }

    /// Begins the job anew: its streams at their beginnings, with a context that nobody has cancelled. Why not, where it cannot be.
    fn anew(self: &Arc<Self>, spec: &JobSpec) -> Result<Arc<JobContext>, String> {
        check_files(spec)?;
        let mut inner = self.inner.lock();
        if inner.is_cancelled || inner.is_ending || !matches!(inner.state, State::Opening | State::Running) {
            return Err("it was told to end".into());
        }
        inner.binds.rewind()?;
        inner.last_lines.clear();
        inner.state = State::Opening;
        let context = self.new_context(&inner);
        inner.context = Some(Arc::clone(&context));
        drop(inner);
        self.engine.add_context(self.id, &context);
        Ok(context)
    }

    fn quarantine(&self, spec: &JobSpec, error: &Error) {
        let inner = self.inner.lock();
        let (tapes, label) = (inner.binds.tapes(), inner.label.clone());
        drop(inner);
        let text = match self.engine.quarantine.add(keys_of(spec, &tapes), self.id, &label, error) {
            true => "the input is in quarantine from now on",
            false => "the input cannot be put in quarantine: it is no file, and too little of it was read",
        };
        self.log(LEVEL_WARNING, "quarantine", None, text);
    }
}
