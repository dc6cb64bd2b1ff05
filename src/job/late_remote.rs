//! Outputs that join a job that runs in a worker: they are ordered there, and what becomes of them is told from there.

use super::binds::mentions;
use super::handle::{Inner, Job};
use crate::engine::{ViewerState, ViewerStats, check_joining, gone_before, is_viewer, name_of};
use crate::error::{Code, Error};
use crate::options::parse_integer;
use crate::worker::{Desk, Order, check_reachable};
use std::sync::Arc;

/// What an output in a worker is at, as it was told last.
#[derive(Clone)]
pub(super) struct Remote {
    pub state: ViewerState,
    pub stats: ViewerStats,
    /// What it ended with.
    pub error: Option<Error>,
}

impl Default for Remote {
    fn default() -> Remote {
        Remote { state: ViewerState::Opening, stats: ViewerStats::default(), error: None }
    }
}

pub(super) fn no_more_media() -> Error {
    Error::new(Code::EPIPE, "the job has no more media: its inputs have ended".into())
}

impl Inner {
    /// A committed output joins: now, or as soon as there is a worker.
    pub(super) fn join_in_worker(&mut self, index: usize) -> Result<(), Error> {
        // As on threads: what is wrong with one that waits for its job is said when that runs.
        let result = if self.desk.is_some() { self.check_remote(index) } else { Ok(()) };
        match (&result, &self.desk) {
            (Err(_), _) => {
                if let Some(file) = self.late.described.get_mut(&index) {
                    file.is_committed = false;
                }
            }
            (Ok(()), None) => self.late.pending.push(index),
            (Ok(()), Some(desk)) => self.order_join(&Arc::clone(desk), index),
        }
        result
    }

    /// The host wants an output of a worker's to end at once.
    pub(super) fn note_cancelled(&mut self, index: usize, is_graceful: bool) {
        let late = &mut self.late;
        if self.desk.is_some()
            && !is_graceful
            && late.described.contains_key(&index)
            && !late.finished.contains_key(&index)
        {
            late.cancelled.insert(index);
        }
    }

    fn check_remote(&self, index: usize) -> Result<(), Error> {
        let Some(file) = self.late.described.get(&index) else { return Ok(()) };
        let from = file.value("mt_from").and_then(parse_integer).and_then(|from| usize::try_from(from).ok());
        let late = &self.late;
        // One whose handle was freed is forgotten with its end.
        let is_gone = |from: &usize| {
            late.finished.contains_key(from) || *from >= late.began_with && !late.described.contains_key(from)
        };
        check_joining(&self.spec, index, file)
            .and_then(|()| check_reachable(file))
            .and_then(|()| from.filter(is_gone).map_or(Ok(()), |from| Err(gone_before(from))))
            .map_err(|error| error.on_output(index, &file.url))
    }

    fn order_join(&self, desk: &Desk, index: usize) {
        let Some(file) = self.late.described.get(&index) else { return };
        let binds: Vec<_> = self.binds.facts_now().into_iter().filter(|(name, ..)| mentions(file, name)).collect();
        desk.order(Order::join(index, file, &binds));
    }
}

impl Job {
    /// A worker is asked here from now on: who waits to join does.
    pub(super) fn open_desk(&self, desk: &Arc<Desk>) {
        let mut inner = self.inner.lock();
        inner.desk = Some(Arc::clone(desk));
        for index in std::mem::take(&mut inner.late.pending) {
            inner.order_join(desk, index);
        }
        let removed = self.live.removed_sources();
        drop(inner);
        removed.into_iter().for_each(|input| desk.order(Order::stop_input(input)));
    }

    /// The worker is gone: what took part there has ended with it, with its result.
    pub(super) fn close_desk(&self, result: &Result<(), Error>) {
        let mut inner = self.inner.lock();
        inner.desk = None;
        let late = &inner.late;
        let is_lost = |index: &usize| !late.finished.contains_key(index) && !late.pending.contains(index);
        let lost: Vec<_> = late.described.iter().filter(|(index, file)| file.is_committed && is_lost(index)).collect();
        let lost: Vec<_> = lost.into_iter().map(|(index, file)| (*index, file.url.clone())).collect();
        let binds = Arc::clone(&inner.binds);
        drop(inner);
        for (index, url) in lost {
            let error = result.as_ref().err().cloned().unwrap_or_else(no_more_media);
            self.never_joined(&binds, index, &url, error);
        }
    }

    /// No worker comes any more.
    pub(super) fn end_joining(&self) {
        let mut inner = self.inner.lock();
        inner.late.is_over = true;
        let pending = std::mem::take(&mut inner.late.pending);
        let url = |index: usize| Some((index, inner.late.described.get(&index)?.url.clone()));
        let pending: Vec<_> = pending.into_iter().filter_map(url).collect();
        let binds = Arc::clone(&inner.binds);
        drop(inner);
        for (index, url) in pending {
            self.never_joined(&binds, index, &url, no_more_media());
        }
    }

    /// What an output in the worker is at.
    pub(super) fn viewer_told(&self, output: usize, state: ViewerState, stats: ViewerStats) {
        let late = &mut self.inner.lock().late;
        let is_known = output < late.began_with || late.described.contains_key(&output);
        // What was under way when it ended comes too late.
        if is_known && !late.finished.contains_key(&output) {
            let remote = late.remote.entry(output).or_default();
            (remote.state, remote.stats) = (state, stats);
        }
    }

    /// What an output in the worker ended with: where the host had wanted it to end at once, that.
    pub(super) fn end_of_remote(&self, output: usize, error: Option<&Error>) -> Option<Error> {
        let mut inner = self.inner.lock();
        let was_cancelled = inner.late.cancelled.remove(&output);
        let url = inner.late.described.get(&output).map(|file| file.url.clone()).unwrap_or_default();
        match error {
            Some(_) if was_cancelled => {
                let error = Error::new(Code::ECANCELED, "the output was cancelled".into());
                Some(error.on_output(output, &url))
            }
            error => error.cloned(),
        }
    }

    /// An output in the worker is final: its error is kept, and its stream ends, before anybody is told.
    pub(super) fn finish_remote(&self, output: usize, error: Option<&Error>) {
        let mut inner = self.inner.lock();
        let joined = inner.late.described.get(&output).map(|file| file.url.clone());
        let began = || inner.spec.outputs.get(output).filter(|file| is_viewer(file)).map(|file| file.url.clone());
        let Some(url) = joined.or_else(began) else { return };
        if inner.late.finished.contains_key(&output) {
            return;
        }
        inner.late.remote.entry(output).or_default().error = error.cloned();
        let binds = Arc::clone(&inner.binds);
        drop(inner);
        if let Some((name, "")) = name_of(&url) {
            binds.finish_one(name, error.map_or(Code::OK, Error::code));
        }
    }
}
