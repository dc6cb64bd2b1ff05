//! Outputs that join a job while it runs, and what each output of a job is at.

use super::handle::{Direction, Inner, Job, State};
use crate::engine::{Binds, Classes, JobContext, ViewerState, ViewerStats, check_format_known, is_viewer, join};
use crate::engine::{Live, Side, SourceState, SourceStatus, name_of};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, Scope, setting};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The outputs that a job did not begin with, and the ends of all.
#[derive(Default)]
pub(super) struct Late {
    /// How many it began with, once it was started.
    began_with: usize,
    next: usize,
    /// By number, until the host frees their handles.
    described: BTreeMap<usize, FileSpec>,
    /// Committed before the job's own run began.
    pending: Vec<usize>,
    /// Outputs that are final: the code, and the size in bytes.
    finished: BTreeMap<usize, (i32, u64)>,
    /// What the last call on an output that joins failed with.
    errors: BTreeMap<usize, Error>,
    /// What sources in a worker are at.
    sources: BTreeMap<usize, SourceStatus>,
    /// Handles that were freed while their outputs ran.
    freed: Vec<usize>,
    /// Outputs that are to end as soon as they have joined.
    stopped: Vec<usize>,
}

/// What an output is at.
pub struct OutputStatus {
    pub state: ViewerState,
    /// What it failed with.
    pub error: Option<Error>,
    pub code: i32,
    pub stats: ViewerStats,
}

impl Late {
    fn forget(&mut self, output: usize) {
        self.described.remove(&output);
        self.errors.remove(&output);
        self.finished.remove(&output);
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
        if self.engine.workers.are_wanted() {
            let text = "outputs cannot join a job that runs in a worker process".to_owned();
            return Err(Error::new(Code::UNSUPPORTED, text)
                .with_hint("Describe them before the start (-mt_from works there), or run the job in an engine without process isolation."));
        }
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
        let mut inner = self.inner.lock();
        if inner.state == State::New || index < inner.late.began_with {
            return None;
        }
        let result = inner.commit_late(index);
        let Ok(()) = &result else { return Some(result) };
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
    fn never_joined(&self, binds: &Binds, index: usize, url: &str, error: Error) {
        use crate::engine::Observer;
        let error = error.on_output(index, url);
        if let Some((name, "")) = name_of(url) {
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
        let inner = self.inner.lock();
        if inner.state == State::New {
            return Err(Error::invalid("the job was never started".into()));
        }
        let (context, began_with) = (inner.context.clone(), inner.late.began_with);
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

    /// Keeps what a call on an output that joins failed with.
    pub fn keep_output_error(&self, index: usize, error: &Error) {
        let mut inner = self.inner.lock();
        match inner.state {
            State::New => inner.error = Some(error.clone()),
            _ if inner.late.described.contains_key(&index) => drop(inner.late.errors.insert(index, error.clone())),
            _ => {}
        }
    }

    /// What an output failed with, or the last call on one that joins.
    pub fn output_error(&self, index: usize) -> Option<Error> {
        let inner = self.inner.lock();
        let of_job = || inner.error.clone().filter(|error| error.output() == Some(index));
        let of_call = || inner.late.errors.get(&index).cloned();
        self.live.viewer(index).and_then(|viewer| viewer.error()).or_else(of_call).or_else(of_job)
    }

    pub fn output_status(&self, index: usize) -> Result<OutputStatus, Error> {
        if let Some(viewer) = self.live.viewer(index) {
            let error = viewer.error();
            let code = error.as_ref().map_or(0, |error| error.code().to_c());
            // Who was told of its end asks from then on: the viewer itself is final a moment later.
            let finished = self.inner.lock().late.finished.get(&index).copied();
            let state = finished.map_or_else(|| viewer.state(), |(code, _)| final_state(code));
            return Ok(OutputStatus { state, error, code, stats: viewer.stats() });
        }
        let inner = self.inner.lock();
        let finished = inner.late.finished.get(&index).copied();
        let is_known = match inner.state {
            State::New => index < inner.spec.outputs.len(),
            _ => index < inner.late.began_with || inner.late.described.contains_key(&index),
        };
        if !is_known && finished.is_none() {
            return Err(gone());
        }
        let numbers = self.counters.outputs.lock().get(index).filter(|_| index < inner.late.began_with).cloned();
        let (code, size_bytes) = finished.unwrap_or_default();
        let state = match (finished, inner.state) {
            (Some((code, _)), _) => final_state(code),
            (None, State::New) => ViewerState::New,
            (None, State::Cancelled) => ViewerState::Cancelled,
            (None, State::Failed | State::Succeeded) => ViewerState::Failed,
            (None, _) if index >= inner.late.began_with => ViewerState::New,
            (None, State::Queued | State::Opening) => ViewerState::Opening,
            (None, State::Stopping) => ViewerState::Stopping,
            (None, State::Running) => ViewerState::Running,
        };
        drop(inner);
        let stats = numbers.map(|numbers| ViewerStats::of(&numbers)).unwrap_or_default();
        let stats = ViewerStats { size_bytes: stats.size_bytes.max(size_bytes), ..stats };
        Ok(OutputStatus { state, error: None, code, stats })
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

    /// Whether the job has this input, or began with this output.
    pub fn has_file(&self, direction: Direction, index: usize) -> bool {
        let inner = self.inner.lock();
        match direction {
            Direction::Input => index < inner.spec.inputs.len(),
            Direction::Output => index < inner.spec.outputs.len(),
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
        let url = file.url.clone();
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

fn final_state(code: i32) -> ViewerState {
    match code {
        0 => ViewerState::Finished,
        code if code == Code::ECANCELED.to_c() => ViewerState::Cancelled,
        _ => ViewerState::Failed,
    }
}

fn gone() -> Error {
    Error::new(Code::EBADF, "there is no such output in the job".into())
}

impl Job {
    /// What an input that may come and go is at; of any other input what follows from the job's state.
    pub fn source_status(&self, input: usize) -> Result<SourceStatus, Error> {
        if let Some(source) = self.live.source(input) {
            return Ok(source.status());
        }
        let inner = self.inner.lock();
        // Of one in a worker, what that said last.
        if let Some(status) = inner.late.sources.get(&input) {
            return Ok(status.clone());
        }
        let file = inner.spec.inputs.get(input);
        let file = file.ok_or_else(|| Error::new(Code::EBADF, "there is no such input in the job".into()))?;
        let status = SourceStatus::new(&file.url);
        let state = match inner.state {
            State::New | State::Queued => SourceState::Idle,
            State::Opening => SourceState::Connecting,
            State::Running | State::Stopping => SourceState::Live,
            _ => SourceState::Ended,
        };
        let connections = u64::from(state == SourceState::Live);
        Ok(SourceStatus { state, connections, ..status })
    }

    /// Ends an input that may come and go: it is never opened again, and its streams end; the job goes on with its others.
    pub fn stop_input(&self, input: usize) -> Result<(), Error> {
        self.source_status(input)?;
        match self.live.source(input) {
            Some(source) => {
                source.remove();
                Ok(())
            }
            None if self.state().is_final() => Ok(()),
            None => {
                let text = format!("input {input} is no source (-mt_source) of a job that runs in this process");
                Err(Error::new(Code::UNSUPPORTED, text).with_hint("Stop the job, or describe the input as a source."))
            }
        }
    }
}

/// What the job and its outputs share from the job's making on.
pub(super) fn new_live() -> Arc<Live> {
    Arc::default()
}
