//! A worker: one job or probe, as the host's socket says it.

use super::bell::Bell;
use super::circuits::RemoteCircuits;
use super::listen::Listener;
use super::message::RUN;
use super::relay::Relay;
use super::remote::{Failing, bind_of};
use super::sandbox::{Confined, Sandbox, confine};
use super::wire::read_frame;
use crate::crash::{self, AltStack};
use crate::engine::{
    Binds, Breakers, Classes, CodecThreads, Counters, CrashTarget, Debug, HangWatch, Identity, Interrupt, JobContext,
    JobFacts, JobSlot, JobTrust, LogContext, LogSink, Observer, ThreadPool, install_log, is_viewer, niceness,
};
use crate::error::{Code, Error};
use crate::options::{JobSpec, command_line, parse_args};
use crate::secrets::mask_url;
use parking_lot::Mutex;
use serde_json::Value;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};

/// Runs the job that comes over `control`, which may have this many descriptors, 0 for any; crash reports go to `report`. Returns when the host knows the end.
pub fn run(control: UnixStream, report: OwnedFd, descriptors: u64) {
    let mut payload = Vec::new();
    let Ok(Some(RUN)) = read_frame(&control, &mut payload) else { return };
    let wanted: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let (Ok(reader), Ok(bell)) = (control.try_clone(), Bell::new().map(Arc::new)) else { return };
    let control = Arc::new(Mutex::new(control));
    let counters = Arc::<Counters>::default();
    if let Some(wanted) = wanted["niceness"].as_i64() {
        niceness::raise(wanted as i32); // all its threads inherit it
    }
    let is_watched = wanted["is_watched"].as_bool().unwrap_or(false);
    let relay = Relay::new(&control, &counters, &bell, wanted["level"].as_i64().unwrap_or(24) as i32, is_watched);
    let target = CrashTarget::descriptor(report.into_raw_fd()).ok();
    crash::refresh_modules();
    let _stack = AltStack::install();
    // Relative names mean what they mean to the host now.
    if let Some(folder) = wanted["folder"].as_str() {
        let _ = std::env::set_current_dir(crate::text::to_path(folder));
    }
    let failing = Failing::default();
    let sandbox = wanted["sandbox"].as_str().and_then(Sandbox::parse).unwrap_or_default();
    let result = prepare(&wanted, &control, &failing).and_then(|(spec, binds)| {
        let confined = Arc::new(confine(sandbox, &spec)?);
        let _ = relay.confined.set(Arc::clone(&confined));
        let target = target.as_ref().map_or(0, CrashTarget::index);
        let ear = Ear { reader, bell, confined: Arc::clone(&confined) };
        let job = Prepared { wanted: &wanted, spec, binds, failing, target };
        // Only now: what makes the sandbox, or says what is wrong, needs some too.
        super::usage::limit(libc::RLIMIT_NOFILE, Some(descriptors));
        job.run(&relay, &counters, &control, ear).map_err(|error| confined.explain(error))
    });
    let result = result.map_err(|error| match error.code() {
        Code::EMFILE if descriptors > 0 => {
            let text = format!("{} (worker_descriptors is {descriptors})", error.message());
            let code = error.code();
            error.replaced(code, text).with_hint("Raise worker_descriptors.")
        }
        _ => error,
    });
    relay.done(&result);
}

/// The job and its binds.
fn prepare(wanted: &Value, control: &Arc<Mutex<UnixStream>>, failing: &Failing) -> Result<(JobSpec, Binds), Error> {
    let words = wanted["args"].as_array().map_or(&[][..], Vec::as_slice);
    let args: Vec<String> = words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    let spec = parse_args(&args, &Classes)?;
    let binds = Binds::default();
    for bind in wanted["binds"].as_array().map_or(&[][..], Vec::as_slice) {
        let (name, made) = bind_of(bind, control, failing);
        binds.add(name, made).map_err(|(error, _)| error)?;
    }
    Ok((spec, binds))
}

/// What the host is listened to with.
struct Ear {
    reader: UnixStream,
    bell: Arc<Bell>,
    confined: Arc<Confined>,
}

struct Prepared<'a> {
    wanted: &'a Value,
    spec: JobSpec,
    binds: Binds,
    failing: Failing,
    target: usize,
}

impl Prepared<'_> {
    fn run(
        mut self,
        relay: &Arc<Relay>,
        counters: &Arc<Counters>,
        control: &Arc<Mutex<UnixStream>>,
        ear: Ear,
    ) -> Result<(), Error> {
        let threads = ThreadPool::new();
        if self.is("takes_log") {
            install_log();
        }
        let is_probe = self.is("is_probe");
        let sink = Arc::downgrade(relay);
        let log = LogContext::register(self.job().max(1), sink as Weak<dyn LogSink>);
        let binds = Arc::new(std::mem::take(&mut self.binds));
        let circuits = RemoteCircuits::new(control);
        let breakers = Arc::new(Breakers::elsewhere(Arc::clone(&circuits) as _));
        let live = Arc::clone(&relay.live);
        let context = JobContext::new(
            Interrupt::new(),
            Arc::clone(counters),
            Arc::clone(relay) as Arc<dyn Observer>,
            Arc::clone(&threads),
            Identity { log_slot: log.slot(), binds, live, breakers, ..self.identity() },
        );
        let _ = self.failing.set(context.failing());
        let listener = Listener {
            control: ear.reader,
            answers: Arc::clone(control),
            context: Arc::clone(&context),
            relay: Arc::clone(relay),
            bell: ear.bell,
            spec: self.spec.clone(),
            confined: ear.confined,
            circuits,
            is_tight: context.trust.limits.idle_s.is_some(),
        };
        threads.spawn_aside("mt-control", move || listener.listen())?;
        if let Some(watch) = HangWatch::new(self.wanted["hang_timeout_ms"].as_u64().unwrap_or(0)) {
            let (watched, control) = (Arc::downgrade(&context), Arc::clone(control));
            threads.spawn_aside("mt-watch", move || super::watch::watch(watch, &watched, &control))?;
        }
        match is_probe {
            true => crate::engine::probe::run(&context, &self.spec).map(|json| relay.probed(&json)),
            false => crate::engine::run(&context, &self.spec),
        }
    }

    fn is(&self, what: &str) -> bool {
        self.wanted[what].as_bool().unwrap_or(false)
    }

    fn job(&self) -> u64 {
        self.wanted["job"].as_u64().unwrap_or(0)
    }

    fn identity(&self) -> Identity {
        let text = |key: &str| self.wanted[key].as_str().unwrap_or_default();
        let number = |key: &str| self.wanted[key].as_u64().unwrap_or(0) as u32;
        // As the host's own reports name a probe.
        let command = match self.is("is_probe") {
            true => self.spec.inputs.first().map(|input| mask_url(&input.url)).unwrap_or_default(),
            false => command_line(&self.spec, false, true),
        };
        Identity {
            label: text("label").to_owned(),
            owner: self.job(),
            link_budget_bytes: self.wanted["link_budget_bytes"].as_u64().unwrap_or(256 << 20),
            outputs: self.spec.outputs.iter().filter(|output| !is_viewer(output)).count(),
            trust: JobTrust::of(&self.spec).unwrap_or_default(),
            codec_threads: CodecThreads { per_job: number("threads_per_job"), cpus: number("cpus") },
            debug: Debug::of(&self.spec),
            crash_slot: JobSlot::take(&JobFacts {
                job: self.job(),
                label: text("label"),
                command: &command,
                call_site: text("call_site"),
                target: self.target,
            })
            .map(Arc::new),
            ..Identity::default()
        }
    }
}
