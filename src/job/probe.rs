//! Looking at media without a job.

use super::ending::DETACH_AFTER;
use super::engine::Engine;
use super::handle::next_id;
use super::on_crash::is_crash;
use super::pipes::HostPipe;
use super::quarantine::{Inputs, LOOKED_AT_BYTES, keys_of};
use crate::engine::{
    Bind, Binds, Identity, Interrupt, JobContext, JobTrust, Limited, LogContext, LogSink, Observer, Pipe, PipeReader,
    Recording, Side,
};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, Scope, find, setting};
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The log of a probe: nobody listens while it runs; what it complained about goes into the text of its error.
#[derive(Default)]
struct Complaints(Mutex<Vec<String>>);

/// As crash reports and quarantine name it.
const LABEL: &str = "probe";
const MAX_LINES: usize = 8;
const LEVEL_WARNING: i32 = 24;

impl LogSink for Complaints {
    fn max_level(&self) -> i32 {
        LEVEL_WARNING
    }

    fn line(&self, _: i32, stage: &str, text: &str) {
        let mut lines = self.0.lock();
        if lines.len() < MAX_LINES {
            lines.push(if stage.is_empty() { text.to_owned() } else { format!("[{stage}] {text}") });
        }
    }
}

impl Observer for Complaints {
    fn input_opened(&self, _: usize, _: String) {}
    fn running(&self) {}
    fn progress(&self) {}
    fn output_finished(&self, _: usize, _: u64, _: Option<&Error>) {}
    fn log(&self, level: i32, stage: &str, _: Option<usize>, text: &str) {
        if self.wants(level) {
            self.line(level, stage, text);
        }
    }
    fn wants(&self, level: i32) -> bool {
        level <= LEVEL_WARNING
    }
}

impl Engine {
    /// Probes on a thread of the engine, or in a worker where its jobs are, while the caller waits: JSON of format and streams, or of what the option `mt_show` says.
    pub fn probe(
        self: &Arc<Self>,
        url: &str,
        options: &[(String, String)],
        timeout: Option<Duration>,
    ) -> Result<String, Error> {
        self.check_open()?;
        let spec = described(url, options.iter()).map_err(|error| error.on_input(0, url))?;
        self.probe_with(spec, Interrupt::new(), Arc::default(), None, timeout)
    }

    /// In a worker. What crashed it is refused afterwards, where the engine is told so.
    fn probe_isolated(self: &Arc<Self>, context: &Arc<JobContext>, spec: &JobSpec) -> Result<String, Error> {
        let quarantines = self.config.on_crash.quarantines;
        if quarantines {
            let inputs = Arc::<Inputs>::default();
            inputs.look_at_files(&self.quarantine, spec)?;
            let look = Some(inputs.looking(&self.quarantine));
            context.binds.record(Recording { limit_bytes: LOOKED_AT_BYTES as u64, keeps_streams: false, look });
        }
        let result = self.probe_in_worker(context, spec, LEVEL_WARNING);
        if let Err(error) = &result
            && quarantines
            && is_crash(error)
        {
            self.quarantine.add(keys_of(spec, &context.binds.tapes()), 0, LABEL, error);
        }
        // What the worker never opened goes back now.
        context.binds.release();
        if result.as_ref().is_err_and(|error| error.code() == Code::KILLED) {
            self.check_open()?; // the workers of an engine end with it
        }
        result.map_err(|error| match (error.input(), spec.inputs.first()) {
            (None, Some(input)) => error.on_input(0, &input.url),
            _ => error,
        })
    }

    /// `pipe`: what is read, to be woken when the time is over.
    fn probe_with(
        self: &Arc<Self>,
        spec: JobSpec,
        interrupt: Arc<Interrupt>,
        binds: Arc<Binds>,
        pipe: Option<Arc<Pipe>>,
        timeout: Option<Duration>,
    ) -> Result<String, Error> {
        self.check_open()?;
        let url = spec.inputs.first().map(|input| input.url.clone()).unwrap_or_default();
        let complaints = Arc::new(Complaints::default());
        let weak: Weak<dyn LogSink> = Arc::downgrade(&(Arc::clone(&complaints) as Arc<dyn LogSink>));
        let log = LogContext::register(next_id(), weak);
        let context = JobContext::new(
            interrupt,
            Arc::default(),
            Arc::clone(&complaints) as Arc<dyn Observer>,
            Arc::clone(self.threads()),
            Identity {
                label: LABEL.to_owned(),
                log_slot: log.slot(),
                binds,
                trust: JobTrust::of(&spec)?,
                crash_slot: self.crash_slot(0, LABEL, &crate::secrets::mask_url(&url), "").map(Arc::new),
                codec_threads: self.codec_threads(),
                ..Identity::default()
            },
        );
        if let Some(pipe) = &pipe {
            context.wake_with(pipe);
        }
        let (probing, engine) = (Arc::clone(&context), Arc::clone(self));
        let watched = super::watch::begin(self, &context, Weak::new());
        let task = self.threads().spawn("mt-probe".into(), 0, move || {
            let _watched = watched;
            let _log = log; // lines are taken as long as the probe runs, also when it was left behind
            match engine.workers.are_wanted() {
                true => engine.probe_isolated(&probing, &spec),
                false => crate::engine::probe::run(&probing, &spec),
            }
        })?;
        let result = match timeout {
            None => task.join(),
            Some(timeout) => task.join_timeout(timeout),
        };
        if let Some(result) = result {
            let result = context.failure().map_or(result, Err);
            return result.map_err(|error| match error.detail().is_empty() {
                true => error.with_detail(&complaints.0.lock().join("\n")),
                false => error,
            });
        }
        context.cancel();
        let is_over = task.join_timeout(DETACH_AFTER).is_some();
        let code = if is_over { Code::ETIMEDOUT } else { Code::DETACHED };
        let time_ms = timeout.unwrap_or_default().as_millis();
        Err(Error::new(code, format!("'{url}' could not be probed within {time_ms} ms")).at("probe").on_input(0, &url))
    }
}

/// An input and its options, among which those of a whole job may be that concern inputs (-mt_max_pixels).
fn described<'a>(url: &str, options: impl Iterator<Item = &'a (String, String)>) -> Result<JobSpec, Error> {
    let (mut job, mut input) = (JobSpec::default(), FileSpec::new(url));
    for (key, value) in options {
        let name = key.trim_start_matches('-');
        let is_jobs = name.starts_with("mt_") && find(name).is_some_and(|option| option.scope == Scope::GLOBAL);
        match is_jobs {
            true => job.global.push(setting(key, Some(value), Scope::GLOBAL, &crate::engine::Classes)?),
            false => input.settings.push(setting(key, Some(value), Scope::INPUT, &crate::engine::Classes)?),
        }
    }
    job.inputs.push(input);
    Ok(job)
}

/// How far a pipe is looked at by default: FFmpeg's probesize.
const DEFAULT_LIMIT_BYTES: u64 = 5_000_000;
const NAME: &str = "pipe";

impl HostPipe {
    /// Looks at the first bytes and gives them back.
    pub fn probe(
        &self,
        options: &[(String, String)],
        limit_bytes: u64,
        timeout: Option<Duration>,
    ) -> Result<String, Error> {
        let limit_bytes = if limit_bytes == 0 { DEFAULT_LIMIT_BYTES } else { limit_bytes };
        self.pipe.claim(Side::Read)?;
        let interrupt = Interrupt::new();
        // From here on the reader gives the side back, whatever happens.
        let reader = PipeReader::returning(Arc::clone(&self.pipe), Arc::clone(&interrupt));
        let stream = Limited { inner: Box::new(reader), left_bytes: limit_bytes, limit_bytes };
        let probesize = ("probesize".to_owned(), limit_bytes.clamp(32, i64::MAX as u64).to_string());
        let spec = described(&format!("mt:{NAME}"), std::iter::once(&probesize).chain(options))?;
        let binds = Binds::default();
        binds.add(NAME, Bind::Io(Some(Box::new(stream)))).map_err(|(error, _)| error)?;
        self.engine().probe_with(spec, interrupt, Arc::new(binds), Some(Arc::clone(&self.pipe)), timeout)
    }
}
