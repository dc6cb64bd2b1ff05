//! The hubs of a job, and who has joined it.

use super::hub::Hub;
use super::viewer::Viewer;
use crate::engine::source::Source;
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::collections::BTreeMap;
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
    sources: Mutex<BTreeMap<usize, Arc<Source>>>,
}

#[derive(Default)]
struct State {
    viewers: BTreeMap<usize, Arc<Viewer>>,
    /// The job's media is over: nobody joins any more.
    is_over: bool,
}

/// How long an uninterruptible call of a viewer is waited for at the end of its job.
const GRACE: Duration = Duration::from_millis(500);

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

    /// Nobody will ask for a viewer any more.
    pub fn forget(&self, output: usize) {
        let mut state = self.state.lock();
        if state.viewers.get(&output).is_some_and(|viewer| viewer.is_final()) {
            state.viewers.remove(&output);
        }
    }

    pub fn add_source(&self, source: &Arc<Source>) {
        self.sources.lock().insert(source.index, Arc::clone(source));
    }

    /// Where the input may come and go.
    pub fn source(&self, input: usize) -> Option<Arc<Source>> {
        self.sources.lock().get(&input).cloned()
    }

    /// How many take part now.
    pub fn running(&self) -> usize {
        self.state.lock().viewers.values().filter(|viewer| !viewer.is_final()).count()
    }

    /// The job's media is over: who takes part ends with what waits for it, within its bounds, and is cancelled after them.
    pub fn finish(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        let viewers: Vec<_> = state.viewers.values().cloned().collect();
        drop(state);
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
