//! The hubs of a job, and who has joined it.

use super::hub::Hub;
use super::viewer::Viewer;
use crate::engine::context::JobContext;
use crate::engine::source::{Source, Timeline};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where packets pass.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// As the demuxer gave them, with the job's times.
    Input(usize),
    /// Before the muxer of an output, by the output's number in the job.
    Output(usize),
}

/// Of one job, from its making on.
#[derive(Default)]
pub struct Live {
    hubs: Mutex<BTreeMap<Place, Arc<Hub>>>,
    state: Mutex<State>,
    /// Inputs that may come and go.
    sources: Mutex<Sources>,
    pub timeline: Timeline,
}

#[derive(Default)]
struct Sources {
    known: BTreeMap<usize, Arc<Source>>,
    /// Those that were removed before they were known.
    removed: BTreeSet<usize>,
}

#[derive(Default)]
struct State {
    viewers: BTreeMap<usize, Arc<Viewer>>,
    /// The job's media is over: nobody joins any more.
    is_over: bool,
}

/// How long an uninterruptible call of a viewer is waited for at the end of its job.
const GRACE: Duration = Duration::from_millis(500);

/// How long a lock is waited for by who looks from outside.
const LOOK: Duration = Duration::from_millis(50);

impl Live {
    /// The hub of a place, made at the first call.
    pub fn hub(&self, place: Place) -> Arc<Hub> {
        Arc::clone(self.hubs.lock().entry(place).or_default())
    }

    /// A place is no more.
    pub(super) fn end_hub(&self, place: Place) {
        let hub = self.hubs.lock().remove(&place);
        if let Some(hub) = hub {
            hub.end();
        }
    }

    pub(super) fn add(&self, viewer: &Arc<Viewer>) -> Result<(), Error> {
        let mut state = self.state.lock();
        if state.is_over {
            return Err(Error::new(Code::EPIPE, "the job has no more media: its inputs have ended".into()));
        }
        state.viewers.insert(viewer.index, Arc::clone(viewer));
        Ok(())
    }

    pub fn viewer(&self, output: usize) -> Option<Arc<Viewer>> {
        self.state.lock().viewers.get(&output).cloned()
    }

    /// Nobody will ask for a viewer any more: it goes now, or at its end.
    pub fn forget(&self, output: usize) {
        let mut state = self.state.lock();
        if state.viewers.get(&output).is_some_and(|viewer| viewer.forget()) {
            state.viewers.remove(&output);
        }
    }

    pub fn add_source(&self, source: &Arc<Source>) {
        let mut sources = self.sources.lock();
        sources.known.insert(source.index, Arc::clone(source));
        let is_removed = sources.removed.contains(&source.index);
        drop(sources);
        if is_removed {
            source.remove();
        }
    }

    /// Where the input may come and go.
    pub fn source(&self, input: usize) -> Option<Arc<Source>> {
        self.sources.lock().known.get(&input).cloned()
    }

    /// An input that may come and go ends, or will as soon as the job comes to it.
    pub fn remove_source(&self, input: usize) {
        let mut sources = self.sources.lock();
        sources.removed.insert(input);
        let source = sources.known.get(&input).cloned();
        drop(sources);
        if let Some(source) = source {
            source.remove();
        }
    }

    /// The inputs that were removed so far.
    pub fn removed_sources(&self) -> Vec<usize> {
        self.sources.lock().removed.iter().copied().collect()
    }

    /// Who takes part, or did and was not forgotten yet.
    pub fn viewers(&self) -> Vec<Arc<Viewer>> {
        self.state.lock().viewers.values().cloned().collect()
    }

    /// Who takes part now, and what it runs in. For who looks at the job from outside: waits for nobody, and leaves out what it cannot see.
    pub fn joined(&self) -> Vec<(Arc<Viewer>, Arc<JobContext>)> {
        let Some(state) = self.state.try_lock_for(LOOK) else { return Vec::new() };
        let viewers: Vec<_> = state.viewers.values().cloned().collect();
        drop(state);
        viewers.into_iter().filter_map(|viewer| viewer.runs_in(LOOK).map(|context| (viewer, context))).collect()
    }

    pub fn has_sources(&self) -> bool {
        !self.sources.lock().known.is_empty()
    }

    /// One has ended: where it was the last, sources that are open on demand only hear of it.
    pub(super) fn one_left(&self) {
        if self.running() == 0 {
            let sources: Vec<_> = self.sources.lock().known.values().cloned().collect();
            sources.iter().for_each(|source| source.unwanted());
        }
    }

    /// How many take part now.
    pub fn running(&self) -> usize {
        self.state.lock().viewers.values().filter(|viewer| !viewer.is_final()).count()
    }

    /// The job's media is over: who takes part ends with what waits for it, within its bounds, and is cancelled after them; at once where the
    /// job was cancelled.
    pub fn finish(&self, is_cancelled: bool) {
        let mut state = self.state.lock();
        state.is_over = true;
        let viewers: Vec<_> = state.viewers.values().cloned().collect();
        drop(state);
        if is_cancelled {
            viewers.iter().for_each(|viewer| viewer.cancel());
        }
        let began = Instant::now();
        // Hubs of outputs of viewers end with those.
        let hubs: Vec<_> = self.hubs.lock().iter().map(|(place, hub)| (*place, Arc::clone(hub))).collect();
        let is_viewers =
            |place: &Place| matches!(place, Place::Output(output) if viewers.iter().any(|v| v.index == *output));
        hubs.iter().filter(|(place, _)| !is_viewers(place)).for_each(|(_, hub)| hub.end());
        for viewer in &viewers {
            if !viewer.wait_final(viewer.patience().map(|patience| began + patience)) {
                viewer.cancel();
            }
        }
        let until = Instant::now() + GRACE;
        for viewer in &viewers {
            if !viewer.wait_final(Some(until)) {
                let text = "a call of this output could not be interrupted; it was left behind with its job".to_owned();
                viewer.conclude(Err(Error::new(Code::DETACHED, text).at("cancel")));
            }
        }
    }
}
