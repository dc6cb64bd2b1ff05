//! What each output of a job is at, and what it failed with.

use super::handle::{Direction, Job, State};
use super::late::gone;
use crate::engine::{ViewerState, ViewerStats};
use crate::error::{Code, Error};

/// What an output is at.
pub struct OutputStatus {
    pub state: ViewerState,
    /// What it failed with.
    pub error: Option<Error>,
    pub code: i32,
    pub stats: ViewerStats,
}

impl Job {
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
        let of_remote = || inner.late.remote.get(&index)?.error.clone();
        let of_viewer = self.live.viewer(index).and_then(|viewer| viewer.error());
        of_viewer.or_else(of_remote).or_else(of_call).or_else(of_job)
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
        let remote = inner.late.remote.get(&index).cloned();
        let is_committed = inner.late.described.get(&index).is_some_and(|file| file.is_committed);
        let state = match (finished, inner.state) {
            (Some((code, _)), _) => final_state(code),
            (None, State::New) => ViewerState::New,
            (None, State::Cancelled) => ViewerState::Cancelled,
            (None, State::Failed | State::Succeeded) => ViewerState::Failed,
            (None, _) if remote.is_some() => remote.as_ref().map_or(ViewerState::New, |remote| remote.state),
            (None, _) if is_committed => ViewerState::Opening,
            (None, _) if index >= inner.late.began_with => ViewerState::New,
            (None, State::Queued | State::Opening) => ViewerState::Opening,
            (None, State::Stopping) => ViewerState::Stopping,
            (None, State::Running) => ViewerState::Running,
        };
        drop(inner);
        let told = remote.as_ref().map(|remote| remote.stats);
        let stats = told.or_else(|| numbers.map(|numbers| ViewerStats::of(&numbers))).unwrap_or_default();
        let stats = ViewerStats { size_bytes: stats.size_bytes.max(size_bytes), ..stats };
        Ok(OutputStatus { state, error: remote.and_then(|remote| remote.error), code, stats })
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

fn final_state(code: i32) -> ViewerState {
    match code {
        0 => ViewerState::Finished,
        code if code == Code::ECANCELED.to_c() => ViewerState::Cancelled,
        _ => ViewerState::Failed,
    }
}
