//! Joining a job: an output that takes part becomes a small job of its own, whose inputs are hubs of the other one. All options of outputs
//! hold, also encoding.

use super::input::open_hub;
use super::settings::ViewerSettings;
use super::viewer::Viewer;
use crate::av::{self, Classes, Interrupt};
use crate::engine::Degraded;
use crate::engine::context::{Identity, JobContext, Wake};
use crate::engine::counters::Counters;
use crate::engine::errors::failed;
use crate::engine::observer::Observer;
use crate::engine::{low_latency, run};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, Scope, setting};
use parking_lot::Mutex;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Weak};

/// What a viewer hears of its job.
pub struct Link {
    parent: Weak<JobContext>,
    child: Weak<JobContext>,
}

impl Link {
    pub(super) fn between(parent: &Arc<JobContext>, child: &Arc<JobContext>) -> Arc<Link> {
        let link = Arc::new(Link { parent: Arc::downgrade(parent), child: Arc::downgrade(child) });
        let weak = Arc::downgrade(&link);
        parent.on_cancel(weak);
        link
    }
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
            viewer.running();
        }
    }

    fn progress(&self) {
        self.parent.progress();
    }

    /// The job is told when all of it is over.
    fn output_finished(&self, _: usize, size_bytes: u64, _: Option<&Error>) {
        if let Some(viewer) = self.viewer() {
            viewer.wrote(size_bytes);
            viewer.needs_no_more();
        }
    }

    fn log(&self, level: i32, stage: &str, stream: Option<usize>, text: &str) {
        self.parent.log(level, stage, stream, text);
    }

    fn degraded(&self, degraded: &Degraded) {
        self.parent.degraded(degraded);
    }

    fn wants(&self, level: i32) -> bool {
        self.parent.wants(level)
    }

    fn stuck(&self, error: &Error) {
        if let Some(viewer) = self.viewer() {
            viewer.conclude(Err(error.clone()));
        }
    }
}

/// Lets an output take part in a job that is about to run, or runs. Returns at once: what becomes of it is told by its state and by the
/// observer. `job` is the whole job; `index` the output's number in it.
pub fn join(parent: &Arc<JobContext>, job: &JobSpec, index: usize, spec: &FileSpec) -> Result<Arc<Viewer>, Error> {
    let settings = ViewerSettings::of(spec)?;
    let places = settings.places(job.inputs.len(), index)?;
    check_from(parent, settings.from)?;
    let own = low_latency::expand(&own_job(job, spec, settings.from)).into_owned();
    let told = Arc::new(Told { parent: Arc::clone(&parent.observer), viewer: Mutex::default() });
    let context = own_context(parent, &told, index);
    let viewer = Viewer::new(parent, &context, settings, index, &spec.url);
    *told.viewer.lock() = Arc::downgrade(&viewer);
    // Before a source opens for it: nothing of what that gives is missed.
    viewer.subscribe(parent, &context, &places, !job.global_flag("copyts"));
    if let Err(error) = parent.live.add(&viewer) {
        viewer.unsubscribe();
        return Err(error);
    }
    parent.rouse(); // a source may wait for it
    if parent.is_cancelled() {
        context.cancel();
    }
    let run = Run { viewer: Arc::clone(&viewer), context, job: own };
    let spawned = parent.threads.spawn(format!("mt-out{index}"), parent.owner, move || {
        run.run();
        Ok(())
    });
    // `run` was dropped with the thread that could not be had, and has said so.
    spawned.map(|_| viewer)
}

/// What can be said against an output without knowing how far its job is.
pub fn check_joining(job: &JobSpec, index: usize, spec: &FileSpec) -> Result<(), Error> {
    ViewerSettings::of(spec)?.places(job.inputs.len(), index).map(drop)
}

fn own_context(parent: &Arc<JobContext>, told: &Arc<Told>, index: usize) -> Arc<JobContext> {
    JobContext::new(
        Interrupt::new(),
        Arc::new(Counters { duration_us: AtomicI64::new(-1), ..Counters::default() }),
        Arc::clone(told) as Arc<dyn Observer>,
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
            codec_threads: parent.codec_threads,
            ..Identity::default()
        },
    )
}

/// What is taken part in must still be there.
fn check_from(parent: &JobContext, from: Option<usize>) -> Result<(), Error> {
    let Some(from) = from.filter(|from| *from >= parent.ordinary_outputs()) else { return Ok(()) };
    match parent.live.viewer(from) {
        Some(viewer) if !viewer.is_over() => Ok(()),
        _ => Err(gone_before(from)),
    }
}

/// An output that another one wants to take part in has ended.
pub fn gone_before(from: usize) -> Error {
    Error::new(Code::EPIPE, format!("output {from}, which -mt_from names, has ended"))
        .with_hint("Take the streams of another output, or of the inputs (without -mt_from).")
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
    context: Arc<JobContext>,
    job: JobSpec,
}

impl Run {
    fn run(self) {
        av::set_log_slot(self.context.log_slot);
        self.context.mark_thread("mux");
        let counted = self.context.count_thread();
        let entered = self.context.activity.enter("output");
        let written = self.write();
        drop((counted, entered));
        self.context.deadlines.close();
        self.context.devices.close();
        av::set_log_slot(0);
        self.context.unmark_thread();
        self.viewer.conclude(match (self.context.is_cancelled(), self.context.failure()) {
            (_, Some(error)) => Err(error),
            (true, None) => Err(Error::cancelled()),
            (false, None) => written,
        });
    }

    fn write(&self) -> Result<(), Error> {
        let mut inputs = Vec::new();
        for (index, (hub, feed)) in self.viewer.feeds().into_iter().enumerate() {
            let outline = hub
                .outline(&self.context)
                .map_err(|e| failed(e, "open output", Code::ENOMEM, "cannot copy the description of the streams"))?
                .ok_or_else(no_media)?;
            inputs.push(open_hub(&self.context, &self.job, index, outline, feed)?);
        }
        run::run_opened(&self.context, &self.job, inputs)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let error = Error::new(Code::INTERNAL, "the thread of this output could not run, or vanished".into());
        self.viewer.conclude(Err(error.at("spawn")));
    }
}

fn no_media() -> Error {
    let text = "the job ended before it gave this output anything".to_owned();
    Error::new(Code::EPIPE, text).at("open output")
}
