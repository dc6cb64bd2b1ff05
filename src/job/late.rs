//! Outputs that join a job while it runs, and what each output of a job is at.

use super::handle::{Inner, Job, State};
use super::late_remote::Remote;
use crate::engine::{
    Binds, Classes, JobContext, Live, Side, SourceStatus, check_format_known, is_viewer, join, name_of,
};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, Scope, setting};
use crate::worker::Order;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The outputs that a job did not begin with, and the ends of all.
#[derive(Default)]
pub(super) struct Late {
    /// How many it began with, once it was started.
    pub(super) began_with: usize,
    next: usize,
    /// By number, until the host frees their handles.
    pub(super) described: BTreeMap<usize, FileSpec>,
    /// Committed before the job's own run began.
    pub(super) pending: Vec<usize>,
    /// Outputs that are final: the code, and the size in bytes.
    pub(super) finished: BTreeMap<usize, (i32, u64)>,
    /// What the last call on an output that joins failed with.
    pub(super) errors: BTreeMap<usize, Error>,
    /// What sources in a worker are at.
    pub(super) sources: BTreeMap<usize, SourceStatus>,
    /// What outputs in a worker are at.
    pub(super) remote: BTreeMap<usize, Remote>,
    /// Outputs in a worker that the host wants to end at once: their readers may be gone before the worker hears of it.
    pub(super) cancelled: BTreeSet<usize>,
    /// The job's last worker is gone: nobody joins any more.
    pub(super) is_over: bool,
    /// Handles that were freed while their outputs ran.
    freed: Vec<usize>,
    /// Outputs that are to end as soon as they have joined.
    stopped: Vec<usize>,
}

impl Late {
    fn forget(&mut self, output: usize) {
        self.described.remove(&output);
        self.errors.remove(&output);
        self.finished.remove(&output);
        self.remote.remove(&output);
    }

    /// The job is started: what comes from here on joins it.
    pub fn begin(&mut self, outputs: usize) {
        self.began_with = outputs;
        self.next = outputs;
    }

    /// A source is at something else.
    pub fn source(&mut self, input: usize, status: &SourceStatus) {
        self.sources.insert(input, status.clone());
    }

    /// The output is final. Whether it had joined.
    pub fn finished(&mut self, output: usize, code: i32, size_bytes: u64) -> bool {
        match self.freed.iter().position(|freed| *freed == output) {
            Some(place) => {
                self.freed.swap_remove(place);
                self.forget(output);
            }
            None => drop(self.finished.insert(output, (code, size_bytes))),
        }
        output >= self.began_with
    }
}

/// Whether outputs may join in this state of a job.
fn is_open(state: State) -> bool {
    matches!(state, State::Queued | State::Opening | State::Running)
}

fn closed(state: State) -> Error {
    Error::new(Code::EBUSY, format!("the job is {}: it takes no outputs any more", state.word()))
}

impl Job {
    /// Adds an output to a job that was started.
    pub(super) fn add_late(&self, url: &str) -> Result<usize, Error> {
        let mut inner = self.inner.lock();
        if !is_open(inner.state) {
            return Err(closed(inner.state));
        }
        let number = inner.late.next;
        inner.late.next += 1;
        inner.late.described.insert(number, FileSpec::new(url));
        Ok(number)
    }

    /// None where the output is one that the job began with.
    pub(super) fn set_late_option(&self, index: usize, key: &str, value: Option<&str>) -> Option<Result<(), Error>> {
        let mut inner = self.inner.lock();
        if inner.state == State::New || index < inner.late.began_with {
            return None;
        }
        let Some(file) = inner.late.described.get_mut(&index) else { return Some(Err(gone())) };
        if file.is_committed {
            return Some(Err(Error::new(Code::EBUSY, "it was committed: its options are final".into())));
        }
        let parsed = setting(key, value, Scope::OUTPUT, &Classes).map_err(|error| error.on_output(index, &file.url));
        Some(parsed.map(|setting| file.settings.push(setting)))
    }

    /// Lets an output join. None where it is one that the job began with.
    pub(super) fn commit_late(&self, index: usize) -> Option<Result<(), Error>> {
        let is_remote = self.engine.workers.are_wanted();
        let mut inner = self.inner.lock();
        if inner.state == State::New || index < inner.late.began_with {
            return None;
        }
        let result = inner.commit_late(index);
        let Ok(()) = &result else { return Some(result) };
        if is_remote {
            return Some(inner.join_in_worker(index));
        }
        let Some(context) = inner.context.clone() else {
            inner.late.pending.push(index);
            return Some(Ok(()));
        };
        let (spec, file) = (inner.spec.clone(), inner.late.described.get(&index).cloned().unwrap_or_default());
        drop(inner);
        Some(join(&context, &spec, index, &file).map(|_| self.joined(index)).map_err(|error| {
            if let Some(file) = self.inner.lock().late.described.get_mut(&index) {
                file.is_committed = false;
            }
            error.on_output(index, &file.url)
        }))
    }

    /// The job runs: who was committed before joins now.
    pub(super) fn join_pending(&self, context: &Arc<JobContext>, spec: &JobSpec) {
        let mut inner = self.inner.lock();
        let pending = std::mem::take(&mut inner.late.pending);
        let files: Vec<_> =
            pending.into_iter().filter_map(|index| Some((index, inner.late.described.get(&index)?.clone()))).collect();
        drop(inner);
        for (index, file) in files {
            match join(context, spec, index, &file) {
                Ok(_) => self.joined(index),
                Err(error) => self.never_joined(&context.binds, index, &file.url, error),
            }
        }
    }

    /// It takes part; who wanted it to end before has not been heard yet.
    fn joined(&self, index: usize) {
        let mut inner = self.inner.lock();
        let stopped = inner.late.stopped.iter().position(|stopped| *stopped == index);
        if let Some(place) = stopped {
            inner.late.stopped.swap_remove(place);
        }
        drop(inner);
        if let Some(viewer) = self.live.viewer(index).filter(|_| stopped.is_some()) {
            viewer.cancel();
        }
    }

    /// An output that was committed ends without having taken part.
    pub(super) fn never_joined(&self, binds: &Binds, index: usize, url: &str, error: Error) {
        use crate::engine::Observer;
        let error = error.on_output(index, url);
        // Of one in a worker it is done with its end, by `finish_remote`.
        if let Some((name, "")) = name_of(url).filter(|_| !self.engine.workers.are_wanted()) {
            binds.finish_one(name, error.code());
        }
        self.keep_output_error(index, &error);
        self.output_finished(index, 0, Some(&error));
    }

    /// Ends an output that has not joined yet: now, or when it has.
    fn stop_before_joined(&self, index: usize) {
        let mut inner = self.inner.lock();
        if let Some(viewer) = self.live.viewer(index) {
            drop(inner);
            return viewer.cancel();
        }
        let Some(file) = inner.late.described.get(&index).filter(|file| file.is_committed).cloned() else { return };
        if inner.late.finished.contains_key(&index) {
            return;
        }
        match inner.late.pending.iter().position(|pending| *pending == index) {
            None if inner.desk.is_some() => {} // it was told so
            None => inner.late.stopped.push(index),
            Some(place) => {
                inner.late.pending.swap_remove(place);
                let binds = Arc::clone(&inner.binds);
                drop(inner);
                self.never_joined(&binds, index, &file.url, Error::cancelled());
            }
        }
    }

    /// Ends an output, the job goes on: in good order, or at once where it joined.
    pub fn stop_output(&self, index: usize, is_graceful: bool) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        if inner.state == State::New {
            return Err(Error::invalid("the job was never started".into()));
        }
        inner.note_cancelled(index, is_graceful);
        let (context, began_with) = (inner.context.clone(), inner.late.began_with);
        if let Some(desk) = inner.desk.as_ref().filter(|_| !inner.late.pending.contains(&index)) {
            desk.order(Order::leave(index, is_graceful));
        }
        drop(inner);
        match (self.live.viewer(index), context) {
            (Some(viewer), _) if is_graceful => viewer.stop(),
            (Some(viewer), _) => viewer.cancel(),
            (None, Some(context)) if index < began_with => context.stop_output(index),
            (None, _) if index >= began_with => self.stop_before_joined(index),
            _ => {}
        }
        Ok(())
    }

    /// The host freed the handle of an output: what is kept of one that joined goes with its end.
    pub fn forget_output(&self, index: usize) {
        let mut inner = self.inner.lock();
        if inner.state == State::New || index < inner.late.began_with {
            return;
        }
        let binds = Arc::clone(&inner.binds);
        let given_up = inner.late.described.get(&index).filter(|file| !file.is_committed).map(|file| file.url.clone());
        // What was bound for it alone is the host's again.
        let is_its_own = |url: &String| {
            let others = inner.late.described.iter().filter(|(other, _)| **other != index).map(|(_, file)| file);
            !inner.spec.outputs.iter().chain(others).any(|file| file.url == *url)
        };
        let unbound = given_up.clone().filter(is_its_own);
        if inner.late.finished.contains_key(&index) || given_up.is_some() {
            inner.late.forget(index);
        } else {
            inner.late.freed.push(index);
        }
        drop(inner);
        self.live.forget(index);
        if let Some((name, "")) = unbound.as_deref().and_then(name_of) {
            binds.give_back(name);
        }
    }
}

impl Inner {
    fn commit_late(&mut self, index: usize) -> Result<(), Error> {
        let (state, binds) = (self.state, Arc::clone(&self.binds));
        if !is_open(state) {
            return Err(closed(state));
        }
        let file = self.late.described.get_mut(&index).ok_or_else(gone)?;
        if file.is_committed {
            return Err(Error::new(Code::EALREADY, "it was committed before".into()));
        }
        let (url, is_over) = (file.url.clone(), self.late.is_over);
        if is_over {
            return Err(super::late_remote::no_more_media());
        }
        self.check_own_stream(index, &url).map_err(|error| error.on_output(index, &url))?;
        let file = self.late.described.get_mut(&index).ok_or_else(gone)?;
        binds
            .check(&file.url, Side::Write)
            .and_then(|()| check_format_known(file))
            .map_err(|error| error.on_output(index, &file.url))?;
        file.is_committed = true;
        Ok(())
    }

    /// A stream of the host's has one writer: a second would fail when it opens it, and its end would be that of the first.
    fn check_own_stream(&self, index: usize, url: &str) -> Result<(), Error> {
        let Some((name, "")) = name_of(url) else { return Ok(()) };
        let began = self.spec.outputs.iter().take(self.late.began_with).enumerate();
        let joined = self.late.described.iter().filter(|(other, file)| **other != index && file.is_committed);
        let other = began
            .chain(joined.map(|(other, file)| (*other, file)))
            .find(|(other, file)| !self.late.finished.contains_key(other) && name_of(&file.url) == Some((name, "")));
        other.map_or(Ok(()), |(other, _)| {
            let text = format!("mt:{name} is written by output {other}, which has not ended");
            Err(Error::new(Code::EBUSY, text).with_hint("Bind a stream of its own for each output."))
        })
    }

    /// The outputs that do not take part in others.
    pub fn ordinary_outputs(&self) -> usize {
        self.spec.outputs.iter().filter(|output| !is_viewer(output)).count()
    }
}

pub(super) fn gone() -> Error {
    Error::new(Code::EBADF, "there is no such output in the job".into())
}

/// What the job and its outputs share from the job's making on.
pub(super) fn new_live() -> Arc<Live> {
    Arc::default()
}
