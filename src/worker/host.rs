//! The host's side of a job that runs in a worker.

use super::bell::Bell;
use super::desk::Desk;
use super::ending::{Cause, Ending};
use super::forkserver::{Connection, ForkServer, Limits, START_LIMIT};
use super::message::{ASK, CANCEL, KILL, RUN, STOP};
use super::numbers::settle_numbers;
use super::outbox::Outbox;
use super::probed::Probed;
use super::watch::Silence;
use super::wire::{wait_readable, write_frame, write_frame_unless};
use crate::av::Muxer;
use crate::engine::{Doing, JobContext, Task};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, command_words};
use crate::text::from_bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A worker that was told to end, and does not, is killed after this: before the host stops waiting for the job.
const KILL_AFTER: Duration = Duration::from_millis(250);
/// When what a worker did not take is sent again.
const SEND_AGAIN: Duration = Duration::from_millis(5);
/// Who serves a stream of a worker that is gone ends within this, or waits for the host and is woken.
const SERVED_WITHIN: Duration = Duration::from_millis(200);

/// What would reach a worker's standard input and output, which are nobody's.
fn refuse_standard_streams(spec: &JobSpec) -> Result<(), Error> {
    let is_standard = |url: &str| url == "-" || url.starts_with("pipe:") || url.starts_with("fd:");
    // The muxer null opens nothing, whatever the name: "-f null -". One that is unknown is told as such.
    let is_written = |file: &&FileSpec| {
        is_standard(&file.url) && Muxer::find(file.value("f"), &file.url).is_some_and(|muxer| muxer.name() != "null")
    };
    let read = spec.inputs.iter().find(|file| is_standard(&file.url));
    match read.or_else(|| spec.outputs.iter().find(is_written)) {
        None => Ok(()),
        Some(file) => {
            let text =
                format!("'{}' is a descriptor of this process, which a job in a worker does not reach", file.url);
            Err(Error::new(Code::UNSUPPORTED, text)
                .at("spawn")
                .with_hint("Bind a pipe or an io to the job and use mt:NAME."))
        }
    }
}

/// What can be said against an output that joins a job in a worker, before the worker hears of it.
pub fn check_reachable(output: &FileSpec) -> Result<(), Error> {
    refuse_standard_streams(&JobSpec { outputs: vec![output.clone()], ..JobSpec::default() })
}

/// What can be read and written is what the job uses it for.
fn kind_of(spec: &JobSpec, name: &str, kind: &'static str) -> &'static str {
    let is_read = spec.inputs.iter().any(|input| input.url.strip_prefix("mt:") == Some(name));
    if kind == "either" && is_read { "input" } else { kind }
}

/// Runs a job in a worker until it is final. `facts`: what the job layer knows beside it (log level, call site).
pub fn run_isolated(
    server: &ForkServer,
    context: &Arc<JobContext>,
    spec: &JobSpec,
    limits: Limits,
    facts: &Value,
    desk: &Arc<Desk>,
) -> Result<(), Error> {
    let _entered = context.activity.enter("job");
    in_worker(server, context, spec, limits, facts, desk).map(drop)
}

/// As [`run_isolated`], of a probe: its JSON.
pub fn probe_isolated(
    server: &ForkServer,
    context: &Arc<JobContext>,
    spec: &JobSpec,
    limits: Limits,
    facts: &Value,
) -> Result<String, Error> {
    let mut facts = facts.clone();
    facts["is_probe"] = json!(true);
    in_worker(server, context, spec, limits, &facts, &Arc::default())
}

/// What the worker probed, where it did.
fn in_worker(
    server: &ForkServer,
    context: &Arc<JobContext>,
    spec: &JobSpec,
    limits: Limits,
    facts: &Value,
    desk: &Arc<Desk>,
) -> Result<String, Error> {
    refuse_standard_streams(spec)?;
    let connection = server.fork(limits)?;
    let bell = Arc::new(Bell::new()?);
    let weak = Arc::downgrade(&bell);
    context.on_cancel(weak.clone());
    desk.open(weak);
    let mut job = Remote {
        context,
        connection,
        bell,
        outputs: spec.outputs.iter().map(|output| output.url.clone()).collect(),
        streams: Vec::new(),
        outbox: Outbox::default(),
        tried: BTreeSet::new(),
        probed: Probed::default(),
        result: None,
        ending: None,
        kill_at: None,
        was_stopped: false,
        was_killed: false,
        is_silent: false,
        desk,
        silence: Silence::new(facts["hang_timeout_ms"].as_u64().unwrap_or(0), Instant::now()),
    };
    job.send_job(spec, facts);
    job.pass_on(); // what was asked before the bell was there
    job.attend();
    desk.close();
    job.conclude()
}

pub(super) struct Remote<'a> {
    pub(super) context: &'a Arc<JobContext>,
    pub(super) connection: Connection,
    bell: Arc<Bell>,
    /// Their URLs.
    pub(super) outputs: Vec<String>,
    /// Threads that serve the worker's streams.
    pub(super) streams: Vec<Task<Result<(), Error>>>,
    /// What the worker has not taken yet.
    outbox: Outbox,
    /// Hosts that it tries, of which it has not told what came of it.
    pub(super) tried: BTreeSet<String>,
    pub(super) probed: Probed,
    pub(super) result: Option<Result<(), Error>>,
    pub(super) ending: Option<Ending>,
    /// When a worker that was told to end is killed.
    pub(super) kill_at: Option<Instant>,
    was_stopped: bool,
    was_killed: bool,
    /// Nothing comes any more.
    pub(super) is_silent: bool,
    pub(super) desk: &'a Desk,
    /// Listening whether the worker lives.
    pub(super) silence: Option<Silence>,
}

impl Remote<'_> {
    fn send_job(&mut self, spec: &JobSpec, facts: &Value) {
        let mut wanted = facts.clone();
        wanted["args"] = json!(command_words(spec, false, false));
        wanted["label"] = json!(self.context.label);
        wanted["folder"] = json!(std::env::current_dir().ok().map(|folder| from_bytes(folder.as_os_str().as_bytes())));
        wanted["job"] = json!(self.context.owner);
        let threads = self.context.codec_threads;
        wanted["threads_per_job"] = json!(threads.per_job);
        wanted["cpus"] = json!(threads.cpus);
        wanted["niceness"] = json!(self.context.threads.niceness());
        wanted["link_budget_bytes"] = json!(self.context.link_budget_bytes);
        let binds = self.context.binds.facts();
        wanted["binds"] = binds
            .into_iter()
            .map(|(name, kind, stream)| (kind_of(spec, &name, kind), name, stream))
            .map(|(kind, name, stream)| json!({"name": name, "kind": kind, "abilities": stream}))
            .collect();
        let wanted = wanted.to_string();
        let is_over = || self.context.is_cancelled();
        match write_frame_unless(&self.connection.control, RUN, wanted.as_bytes(), START_LIMIT, &is_over) {
            // One that takes nothing was never forked, or is stopped.
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                self.kill_at = Some(Instant::now());
            }
            // A worker that is gone already is found out below, with its reason.
            _ => {}
        }
    }

    /// Until the worker has said how its job ended, its last word: then all is closed and written, and what is left of it goes with our sockets. Or until it has
    /// ended without, and all that it said was heard.
    fn attend(&mut self) {
        let _waiting = Doing::Worker.begin(0);
        while self.result.is_none() && (self.ending.is_none() || !self.is_silent) {
            let control = if self.is_silent { -1 } else { self.connection.control.as_raw_fd() };
            let status = if self.ending.is_some() { -1 } else { self.connection.status.as_raw_fd() };
            let [said, ended, rung] = wait_readable([control, status, self.bell.raw()], self.time_left_ms());
            if rung {
                self.bell.hush();
                self.pass_on();
            }
            if said {
                self.hear();
            }
            self.outbox.flush(&self.connection.control);
            self.listen_to_silence(said);
            if ended {
                self.end();
            }
            if self.kill_at.is_some_and(|at| Instant::now() >= at) {
                if self.was_killed {
                    break; // not even the forkserver answers: it finds our sockets closed when it comes to it
                }
                self.was_killed = true;
                self.kill_at = Some(Instant::now() + KILL_AFTER / 2);
                let _ = write_frame(&self.connection.status, KILL, &[]);
            }
        }
    }

    fn time_left_ms(&self) -> i32 {
        let next = self.kill_at.or_else(|| self.silence.as_ref().map(Silence::next_look));
        let left = next.map(|at| at.saturating_duration_since(Instant::now()));
        let left =
            if self.outbox.is_empty() { left } else { Some(left.map_or(SEND_AGAIN, |left| left.min(SEND_AGAIN))) };
        left.map_or(-1, |left| left.as_millis() as i32 + 1)
    }

    /// The host's wishes.
    fn pass_on(&mut self) {
        if self.context.is_cancelled() {
            if self.kill_at.is_none() && self.result.is_none() {
                self.say(CANCEL, &[]);
                self.kill_at = Some(Instant::now() + KILL_AFTER);
            }
        } else if self.context.is_ending() && !self.was_stopped {
            self.was_stopped = true;
            self.say(STOP, &[]);
        }
        for order in self.desk.take_orders() {
            self.say(order.kind, order.text.as_bytes());
        }
        if !self.is_silent && self.desk.take() {
            self.say(ASK, &[]);
        }
    }

    /// In order, and without waiting for the worker.
    pub(super) fn say(&mut self, kind: u8, payload: &[u8]) {
        self.outbox.put(kind, payload);
        self.outbox.flush(&self.connection.control);
    }

    fn conclude(mut self) -> Result<String, Error> {
        settle_numbers(&self.context.counters);
        self.give_up_tries();
        let result = self.result.take();
        let was_cancelled = self.context.is_cancelled();
        if result.is_none() {
            self.context.interrupt.cancel(); // who serves a stream of a worker that is gone may wait for the host
        }
        let outcome = self.outcome(result);
        // Whoever serves ends with the worker, or with the cancel; a call of the host's that does not return leaves the job behind (DETACHED).
        for task in self.streams.drain(..) {
            if task.join_timeout(SERVED_WITHIN).is_none() {
                self.context.cancel();
                if let Some(error) = outcome.as_ref().err().filter(|_| !was_cancelled) {
                    self.context.observer.stuck(error);
                }
                let _ = task.join();
            }
        }
        if let Some(failure) = self.context.failure() {
            return Err(failure);
        }
        if was_cancelled {
            return Err(Error::cancelled());
        }
        outcome
    }

    /// What the worker said of its job, or how it ended without.
    fn outcome(&mut self, result: Option<Result<(), Error>>) -> Result<String, Error> {
        if let Some(result) = result {
            let probed = std::mem::take(&mut self.probed);
            return result.and_then(|()| probed.text());
        }
        let mut report = Vec::new();
        let _ = self.connection.report.rewind(); // which a pipe needs not, and cannot
        let _ = self.connection.report.read_to_end(&mut report);
        // Without an ending not even the forkserver answered.
        let silent = Ending { signal: libc::SIGKILL, cause: Cause::Host, ..Ending::default() };
        let ending = self.ending.take().unwrap_or(silent);
        Err(ending.error(&String::from_utf8_lossy(&report)))
    }
}
