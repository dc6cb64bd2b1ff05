//! An output that takes part in a running job: a small job of its own, whose inputs are hubs of the other one. All options of outputs
//! hold, also encoding; its end, whatever it is, is nobody else's.

use super::feed::{Feed, FeedCounts};
use super::hub::Hub;
use super::input::open_hub;
use super::registry::Place;
use super::settings::{Slow, ViewerSettings};
use crate::av::{self, Classes, Interrupt};
use crate::engine::context::{Counters, Identity, JobContext, Observer, Wake};
use crate::engine::errors::failed;
use crate::engine::host::name_of;
use crate::engine::numbers::OutputNumbers;
use crate::engine::run;
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, Scope, setting};
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
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
}

pub struct Viewer {
    /// The number of its output in the job.
    pub index: usize,
    settings: ViewerSettings,
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
    /// While it runs.
    context: Option<Arc<JobContext>>,
    feeds: Vec<(Arc<Hub>, Arc<Feed>)>,
    /// Of feeds that are gone.
    counts: FeedCounts,
    /// Passes a cancel of the job on.
    _link: Arc<Link>,
}

/// What a viewer hears of its job.
struct Link {
    parent: Weak<JobContext>,
    child: Weak<JobContext>,
}

impl Wake for Link {
    fn wake(&self) {
        if let (Some(parent), Some(child)) = (self.parent.upgrade(), self.child.upgrade())
            && parent.is_cancelled()
        {
            child.cancel();
        }
    }
}

/// What its media loops tell goes to the job's observer, with the job's number of the output.
struct Told {
    parent: Arc<dyn Observer>,
    viewer: Mutex<Weak<Viewer>>,
}

impl Told {
    fn viewer(&self) -> Option<Arc<Viewer>> {
        self.viewer.lock().upgrade()
    }
}

impl Observer for Told {
    fn input_opened(&self, _: usize, _: String) {}

    fn running(&self) {
        if let Some(viewer) = self.viewer() {
            viewer.advance(ViewerState::Opening, ViewerState::Running);
        }
    }

    fn progress(&self) {
        self.parent.progress();
    }

    /// Told when all of it is over.
    fn output_finished(&self, _: usize, size_bytes: u64, _: Option<&Error>) {
        if let Some(viewer) = self.viewer() {
            viewer.size_bytes.store(size_bytes, Relaxed);
        }
    }

    fn log(&self, level: i32, stage: &str, stream: Option<usize>, text: &str) {
        self.parent.log(level, stage, stream, text);
    }

    fn wants(&self, level: i32) -> bool {
        self.parent.wants(level)
    }
}

/// Lets an output take part in a job that is about to run, or runs. Returns at once: what becomes of it is told by its state and by the
/// observer. `job` is the whole job; `index` the output's number in it.
pub fn join(parent: &Arc<JobContext>, job: &JobSpec, index: usize, spec: &FileSpec) -> Result<Arc<Viewer>, Error> {
    let settings = ViewerSettings::of(spec)?;
    let places = settings.places(job.inputs.len(), index)?;
    check_from(parent, settings.from)?;
    let counters = Arc::new(Counters { duration_us: AtomicI64::new(-1), ..Counters::default() });
    let told = Arc::new(Told { parent: Arc::clone(&parent.observer), viewer: Mutex::default() });
    let context = JobContext::new(
        Interrupt::new(),
        Arc::clone(&counters),
        Arc::clone(&told) as Arc<dyn Observer>,
        Arc::clone(&parent.threads),
        Identity {
            label: parent.label.clone(),
            log_slot: parent.log_slot,
            owner: parent.owner,
            link_budget_bytes: parent.link_budget_bytes,
            binds: Arc::clone(&parent.binds),
            outputs: 1,
            trust: parent.trust.clone(),
            crash_slot: parent.crash_slot(),
            live: Arc::clone(&parent.live),
            first_output: index,
            ..Identity::default()
        },
    );
    let link = Arc::new(Link { parent: Arc::downgrade(parent), child: Arc::downgrade(&context) });
    let weak = Arc::downgrade(&link);
    parent.on_cancel(weak);
    let inner = Inner {
        state: ViewerState::Opening,
        error: None,
        is_forgotten: false,
        context: Some(Arc::clone(&context)),
        feeds: Vec::new(),
        counts: FeedCounts::default(),
        _link: link,
    };
    let viewer = Arc::new(Viewer {
        index,
        settings,
        counters,
        size_bytes: AtomicU64::new(0),
        inner: Mutex::new(inner),
        changed: Condvar::new(),
    });
    *told.viewer.lock() = Arc::downgrade(&viewer);
    parent.live.add(&viewer)?;
    if parent.is_cancelled() {
        context.cancel();
    }
    viewer.subscribe(parent, &context, &places, !job.global_flag("copyts"));
    let run = Run {
        viewer: Arc::clone(&viewer),
        parent: Arc::clone(parent),
        context,
        job: own_job(job, spec, viewer.settings.from),
        is_over: false,
    };
    let spawned = parent.threads.spawn(format!("mt-out{index}"), parent.owner, move || {
        run.run();
        Ok(())
    });
    // `run` was dropped with the thread that could not be had, and has said so.
    spawned.map(|_| viewer)
}

/// What is taken part in must still be there.
fn check_from(parent: &JobContext, from: Option<usize>) -> Result<(), Error> {
    let Some(from) = from.filter(|from| *from >= parent.ordinary_outputs()) else { return Ok(()) };
    match parent.live.viewer(from) {
        Some(viewer) if !viewer.is_final() => Ok(()),
        _ => Err(Error::new(Code::EPIPE, format!("output {from}, which -mt_from names, has ended"))),
    }
}

/// The viewer as a job: the hubs are its inputs.
fn own_job(job: &JobSpec, spec: &FileSpec, from: Option<usize>) -> JobSpec {
    let not_live: Vec<_> = setting("mt_live", Some("0"), Scope::INPUT, &Classes).into_iter().collect();
    let is_of_graphs = |name: &str| name.starts_with("filter_complex");
    let global = job.global.iter().filter(|setting| !is_of_graphs(&setting.name)).cloned().collect();
    // What passes a hub keeps the times of its source: no deadline of a live input holds here.
    let file = |url: &str| FileSpec { settings: not_live.clone(), ..FileSpec::new(url) };
    let inputs = match from {
        Some(from) => vec![file(job.outputs.get(from).map_or("", |output| &output.url))],
        None => job.inputs.iter().map(|input| file(&input.url)).collect(),
    };
    JobSpec { global, inputs, outputs: vec![spec.clone()], warnings: Vec::new() }
}

/// A viewer on its thread. Dropped before its end it says that it failed.
struct Run {
    viewer: Arc<Viewer>,
    parent: Arc<JobContext>,
    context: Arc<JobContext>,
    job: JobSpec,
    is_over: bool,
}

impl Run {
    fn run(mut self) {
        av::set_log_slot(self.context.log_slot);
        self.context.mark_thread("mux");
        let counted = self.context.count_thread();
        let entered = self.context.activity.enter("output");
        let written = self.write();
        drop((counted, entered));
        self.context.devices.close();
        av::set_log_slot(0);
        self.context.unmark_thread();
        let result = match (self.context.is_cancelled(), self.context.failure()) {
            (_, Some(error)) => Err(error),
            (true, None) => Err(Error::cancelled()),
            // Its media ended with a cancel of the job, of which it may hear a moment later.
            (false, None) if self.parent.is_cancelled() && self.viewer.state() != ViewerState::Stopping => {
                written.and(Err(Error::cancelled()))
            }
            (false, None) => written,
        };
        self.conclude(result);
    }

    fn write(&self) -> Result<(), Error> {
        let feeds = self.viewer.inner.lock().feeds.clone();
        let mut inputs = Vec::new();
        for (index, (hub, feed)) in feeds.into_iter().enumerate() {
            let outline = hub
                .outline(&self.context)
                .map_err(|e| failed(e, "open output", Code::ENOMEM, "cannot copy the description of the streams"))?
                .ok_or_else(no_media)?;
            inputs.push(open_hub(&self.context, &self.job, index, outline, feed)?);
        }
        run::run_opened(&self.context, &self.job, inputs)
    }

    fn conclude(&mut self, result: Result<(), Error>) {
        self.is_over = true;
        let viewer = &self.viewer;
        let url = &self.job.outputs[0].url;
        let error = result.err().map(|error| error.on_output(viewer.index, url));
        let feeds = std::mem::take(&mut viewer.inner.lock().feeds);
        let mut counts = FeedCounts::default();
        for (hub, feed) in feeds {
            hub.unsubscribe(&feed);
            counts.add(&feed.counts());
        }
        // Who takes part in what it has written ends with it.
        self.parent.live.end_hub(Place::Output(viewer.index));
        if let Some((name, "")) = name_of(url) {
            self.parent.binds.finish_one(name, error.as_ref().map_or(Code::OK, Error::code));
        }
        let mut inner = viewer.inner.lock();
        inner.counts = counts;
        inner.context = None;
        inner.error.clone_from(&error);
        drop(inner);
        let size_bytes = viewer.size_bytes.load(Relaxed);
        self.parent.observer.output_finished(viewer.index, size_bytes, error.as_ref());
        let mut inner = viewer.inner.lock();
        inner.state = match &error {
            None => ViewerState::Finished,
            Some(error) if error.code() == Code::ECANCELED => ViewerState::Cancelled,
            Some(_) => ViewerState::Failed,
        };
        let is_forgotten = inner.is_forgotten;
        drop(inner);
        viewer.changed.notify_all();
        if is_forgotten {
            self.parent.live.forget(viewer.index);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.is_over {
            let error = Error::new(Code::INTERNAL, "the thread of this output could not run, or vanished".into());
            self.conclude(Err(error.at("spawn")));
        }
    }
}

fn no_media() -> Error {
    let text = "the job ended before it gave this output anything".to_owned();
    Error::new(Code::EPIPE, text).at("open output")
}

/// The numbers of an output that takes part.
#[derive(Clone, Copy, Default, Debug)]
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
    /// From here on it misses nothing.
    fn subscribe(&self, parent: &JobContext, context: &Arc<JobContext>, places: &[Place], begins_at_zero: bool) {
        let zero_us = begins_at_zero.then(Arc::default);
        for place in places {
            let hub = parent.live.hub(*place);
            let weak = Arc::downgrade(&hub);
            context.on_cancel(weak);
            let feed = Feed::new(context, self.settings.clone(), zero_us.clone());
            self.inner.lock().feeds.push((Arc::clone(&hub), Arc::clone(&feed)));
            hub.subscribe(&feed);
        }
    }

    fn advance(&self, from: ViewerState, to: ViewerState) {
        let mut inner = self.inner.lock();
        if inner.state == from {
            inner.state = to;
        }
    }

    pub fn state(&self) -> ViewerState {
        self.inner.lock().state
    }

    pub fn is_final(&self) -> bool {
        self.state() >= ViewerState::Finished
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

    /// Ends it in good order, with what waits for it: its file is whole.
    pub fn stop(&self) {
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
            _ => feeds.iter().for_each(|feed| feed.end()),
        }
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
