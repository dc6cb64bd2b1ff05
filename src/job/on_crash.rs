//! What becomes of a job whose worker crashed: it is run once more where it can begin anew, and its input is refused afterwards.

use super::events::EventKind;
use super::handle::{Job, State};
use super::quarantine::{Inputs, LOOKED_AT_BYTES, keys_of};
use super::watch::Watched;
use crate::engine::{JobContext, Observer, Recording, is_written_file, name_of};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec};
use crate::text::to_path;
use std::os::unix::fs::FileTypeExt;
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
        let _watched = Watched::begin(&self.engine, context, Arc::downgrade(self));
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

/// Whether inputs and outputs that are not in memory can be opened once more.
fn check_files(spec: &JobSpec) -> Result<(), String> {
    let is_once = |file: &&FileSpec| {
        let kind = std::fs::metadata(to_path(&file.url)).map(|about| about.file_type());
        name_of(&file.url).is_none() && kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
    };
    if let Some(file) = spec.inputs.iter().chain(&spec.outputs).find(is_once) {
        return Err(format!("'{}' is a pipe", file.url));
    }
    for file in &spec.outputs {
        let format = file.value("f");
        if name_of(&file.url).is_none() && !is_written_again(&file.url, format) {
            return Err(format!("'{}' is no file that can be written anew", file.url));
        }
    }
    match spec.global_flag("n") {
        true => Err("-n forbids to write its outputs over".into()),
        false => Ok(()),
    }
}

/// A file, or what writes files of its own beside it, or nothing.
fn is_written_again(url: &str, format: Option<&str>) -> bool {
    is_written_file(url, format) || !url.contains(':') || url.starts_with("file:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::parse_args;

    fn checked(args: &str) -> Result<(), String> {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        check_files(&parse_args(&args, &Classes).unwrap())
    }

    #[test]
    fn what_was_sent_away_is_not_sent_twice() {
        for good in ["-i a.mp4 b.mkv", "-i mt:in -f mpegts mt:out", "-i http://h/a x/y.m3u8", "-i a -f null -"] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
        for bad in ["-i a -f flv rtmp://h/live/KEY", "-i a -f mpegts udp://h:1", "-n -i a b.mkv"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
