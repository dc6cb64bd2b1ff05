//! An output that takes part in a running job, as the job and the host see it. Its end, whatever it is, is nobody else's, and is told once.

use super::feed::{Feed, FeedCounts};
use super::hub::Hub;
use super::joining::Link;
use super::registry::Place;
use super::settings::{Slow, ViewerSettings};
use crate::engine::context::JobContext;
use crate::engine::counters::Counters;
use crate::engine::host::name_of;
use crate::engine::numbers::OutputNumbers;
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Where an output is. The numbers are C's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum ViewerState {
    /// Described, not committed.
    New = 0,
    /// It waits for the job's media, or is being opened.
    Opening = 1,
    Running = 2,
    /// It ends in good order.
    Stopping = 3,
    /// Its file is whole.
    Finished = 4,
    Failed = 5,
    /// The host ended it at once.
    Cancelled = 6,
}

impl ViewerState {
    pub fn to_c(self) -> u32 {
        self as u32
    }

    pub fn word(self) -> &'static str {
        match self {
            ViewerState::New => "new",
            ViewerState::Opening => "opening",
            ViewerState::Running => "running",
            ViewerState::Stopping => "stopping",
            ViewerState::Finished => "finished",
            ViewerState::Failed => "failed",
            ViewerState::Cancelled => "cancelled",
        }
    }

    pub fn from_c(number: u64) -> Option<ViewerState> {
        use ViewerState::*;
        [New, Opening, Running, Stopping, Finished, Failed, Cancelled].get(usize::try_from(number).ok()?).copied()
    }
}

pub struct Viewer {
    /// The number of its output in the job.
    pub index: usize,
    url: String,
    pub(super) settings: ViewerSettings,
    counters: Arc<Counters>,
    size_bytes: AtomicU64,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    state: ViewerState,
    error: Option<Error>,
    /// Nobody will ask for it any more.
    is_forgotten: bool,
    /// Its job, until it has ended.
    parent: Weak<JobContext>,
    /// While it runs.
    context: Option<Arc<JobContext>>,
    feeds: Vec<(Arc<Hub>, Arc<Feed>)>,
    /// Of feeds that are gone.
    counts: FeedCounts,
    /// Its end was told, or is being told.
    is_ended: bool,
    /// Passes a cancel of the job on.
    _link: Arc<Link>,
}

/// The numbers of an output that takes part.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct ViewerStats {
    pub feed: FeedCounts,
    pub packets_written: u64,
    pub size_bytes: u64,
    pub position_us: i64,
}

impl ViewerStats {
    /// Of an output that the job began with.
    pub fn of(numbers: &OutputNumbers) -> ViewerStats {
        ViewerStats {
            packets_written: numbers.streams.iter().map(|stream| stream.packets.load(Relaxed)).sum(),
            size_bytes: numbers.size_bytes.load(Relaxed).max(0) as u64,
            position_us: numbers.streams.iter().map(|stream| stream.end_us.load(Relaxed)).max().unwrap_or(0).max(0),
            ..ViewerStats::default()
        }
    }
}

impl Viewer {
    pub(super) fn new(
        parent: &Arc<JobContext>,
        context: &Arc<JobContext>,
        settings: ViewerSettings,
        index: usize,
        url: &str,
    ) -> Arc<Viewer> {
        let inner = Inner {
            state: ViewerState::Opening,
            error: None,
            is_forgotten: false,
            parent: Arc::downgrade(parent),
            context: Some(Arc::clone(context)),
            feeds: Vec::new(),
            counts: FeedCounts::default(),
            is_ended: false,
            _link: Link::between(parent, context),
        };
        Arc::new(Viewer {
            index,
            url: url.to_owned(),
            settings,
            counters: Arc::clone(&context.counters),
            size_bytes: AtomicU64::new(0),
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        })
    }

    /// From here on it misses nothing.
    pub(super) fn subscribe(&self, parent: &JobContext, context: &Arc<JobContext>, places: &[Place], from_zero: bool) {
        let (arrivals, zero_us) = (Arc::default(), from_zero.then(Arc::default));
        for place in places {
            let hub = parent.live.hub(*place);
            let weak = Arc::downgrade(&hub);
            context.on_cancel(weak);
            let feed = Feed::new(context, self.settings.clone(), &arrivals, zero_us.clone());
            self.inner.lock().feeds.push((Arc::clone(&hub), Arc::clone(&feed)));
            hub.subscribe(&feed);
        }
    }

    /// It takes nothing any more; what its feeds counted stays.
    pub(super) fn unsubscribe(&self) {
        let feeds = std::mem::take(&mut self.inner.lock().feeds);
        let mut counts = FeedCounts::default();
        for (hub, feed) in feeds {
            hub.unsubscribe(&feed);
            counts.add(&feed.counts());
        }
        self.inner.lock().counts.add(&counts);
    }

    pub(super) fn feeds(&self) -> Vec<(Arc<Hub>, Arc<Feed>)> {
        self.inner.lock().feeds.clone()
    }

    pub(super) fn running(&self) {
        let mut inner = self.inner.lock();
        if inner.state == ViewerState::Opening {
            inner.state = ViewerState::Running;
        }
    }

    pub(super) fn wrote(&self, size_bytes: u64) {
        self.size_bytes.store(size_bytes, Relaxed);
    }

    /// Its end, also where its thread is in a call that does not end. Only the first counts.
    pub(super) fn conclude(&self, result: Result<(), Error>) {
        let mut inner = self.inner.lock();
        let Some(parent) = inner.parent.upgrade().filter(|_| !inner.is_ended) else { return };
        inner.is_ended = true;
        // Its media ended with a cancel of the job, of which it may hear a moment later.
        let is_cancelled = parent.is_cancelled() && inner.state != ViewerState::Stopping;
        let result = match result {
            Err(error) if error.code() != Code::EPIPE => Err(error),
            _ if is_cancelled => Err(Error::cancelled()), // also where that was before it had anything
            result => result,
        };
        inner.context = None;
        drop(inner);
        let only_its = |error: Error| match error.code() {
            Code::ECANCELED if !parent.is_cancelled() => {
                error.replaced(Code::ECANCELED, "the output was cancelled".into())
            }
            _ => error,
        };
        let error = result.err().map(|error| only_its(error).on_output(self.index, &self.url));
        self.unsubscribe();
        // Who takes part in what it has written ends with it.
        parent.live.end_hub(Place::Output(self.index));
        if let Some((name, "")) = name_of(&self.url) {
            parent.binds.finish_one(name, error.as_ref().map_or(Code::OK, Error::code));
        }
        self.inner.lock().error.clone_from(&error);
        parent.observer.output_finished(self.index, self.size_bytes.load(Relaxed), error.as_ref());
        let mut inner = self.inner.lock();
        inner.state = match &error {
            None => ViewerState::Finished,
            Some(error) if error.code() == Code::ECANCELED => ViewerState::Cancelled,
            Some(_) => ViewerState::Failed,
        };
        let is_forgotten = inner.is_forgotten;
        drop(inner);
        self.changed.notify_all();
        if is_forgotten {
            parent.live.forget(self.index);
        }
        parent.live.one_left();
    }

    pub fn state(&self) -> ViewerState {
        self.inner.lock().state
    }

    /// What it runs in, as long as it does. For who looks at it from outside, and must not wait for its lock.
    pub(super) fn runs_in(&self, limit: Duration) -> Option<Arc<JobContext>> {
        self.inner.try_lock_for(limit)?.context.clone()
    }

    /// One of its threads does not get on: it ends with this, and the thread when it can.
    pub fn give_up(&self, error: &Error) {
        let context = self.inner.lock().context.clone();
        self.conclude(Err(error.clone()));
        if let Some(context) = context {
            context.fail_at_once(error);
        }
    }

    pub fn is_final(&self) -> bool {
        self.state() >= ViewerState::Finished
    }

    /// Whether its end was told, or is being told: the host may hear of it a moment before it is final.
    pub(super) fn is_over(&self) -> bool {
        self.inner.lock().is_ended
    }

    /// Nobody will ask for it any more. Whether it is final.
    pub fn forget(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.is_forgotten = true;
        inner.state >= ViewerState::Finished
    }

    pub fn error(&self) -> Option<Error> {
        self.inner.lock().error.clone()
    }

    pub fn stats(&self) -> ViewerStats {
        let inner = self.inner.lock();
        let mut feed = inner.counts;
        inner.feeds.iter().for_each(|(_, one)| feed.add(&one.counts()));
        ViewerStats {
            feed,
            packets_written: self.counters.packets_written.load(Relaxed),
            size_bytes: self.counters.size_bytes.load(Relaxed).max(self.size_bytes.load(Relaxed)),
            position_us: self.counters.position_us.load(Relaxed),
        }
    }

    /// Its file is whole (-frames, -t): who reads for it does not wait for a packet more, which may be long in coming.
    pub(super) fn needs_no_more(&self) {
        let feeds = self.feeds();
        feeds.iter().for_each(|(_, feed)| feed.end());
    }

    /// Ends it in good order, with what waits for it: its file is whole. One that is not to be waited for has its patience for that.
    pub fn stop(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        let is_opening = inner.state == ViewerState::Opening;
        if matches!(inner.state, ViewerState::Opening | ViewerState::Running) {
            inner.state = ViewerState::Stopping;
        }
        let context = inner.context.clone();
        let feeds: Vec<_> = inner.feeds.iter().map(|(_, feed)| Arc::clone(feed)).collect();
        drop(inner);
        // One that has nothing yet has nothing to end.
        match context {
            Some(context) if is_opening => context.cancel(),
            Some(context) => {
                feeds.iter().for_each(|feed| feed.end());
                self.give_up_later(&context);
            }
            None => {}
        }
    }

    fn give_up_later(self: &Arc<Self>, context: &JobContext) {
        let Some(patience) = self.patience() else { return };
        let viewer = Arc::clone(self);
        let wait = move || {
            if !viewer.wait_final(Some(Instant::now() + patience)) {
                viewer.cancel();
            }
        };
        // Without a thread it ends with its reader, or with the job.
        drop(context.threads.spawn_aside("mt-stop", wait));
    }

    /// Ends it at once.
    pub fn cancel(&self) {
        let context = self.inner.lock().context.clone();
        if let Some(context) = context {
            context.cancel();
        }
    }

    /// How long it may take at the end of its job; None: as long as it needs.
    pub(super) fn patience(&self) -> Option<Duration> {
        (self.settings.slow != Slow::Wait).then(|| self.settings.queue_time.unwrap_or(Duration::from_secs(5)))
    }

    /// False when the time is over first.
    pub fn wait_final(&self, until: Option<Instant>) -> bool {
        let mut inner = self.inner.lock();
        while inner.state < ViewerState::Finished {
            match until {
                Some(until) if Instant::now() >= until => return false,
                Some(until) => drop(self.changed.wait_until(&mut inner, until)),
                None => self.changed.wait(&mut inner),
            }
        }
        true
    }
}
