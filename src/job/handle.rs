//! A job as the host sees it: what it is, and what can be asked of it. It is described in `describing`; what happens when is in `lifecycle`.

use super::engine::Engine;
use super::events::{Event, EventQueue};
use super::late::Late;
use super::level;
use super::progress::Progress;
use super::quarantine::Inputs;
use super::recent::Recent;
use super::stats::JobStats;
use crate::engine::{Binds, Buffer, Counters, JobContext, JobSlot, Live, LogContext};
use crate::error::Error;
use crate::options::{JobSpec, Scope, command_line};
use crate::worker::Desk;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// The life of a job. The numbers are C's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum State {
    New = 0,
    Queued = 1,
    Opening = 2,
    Running = 3,
    Stopping = 4,
    Succeeded = 5,
    Failed = 6,
    Cancelled = 7,
}

impl State {
    pub fn to_c(self) -> u32 {
        self as u32
    }

    pub fn is_final(self) -> bool {
        self >= State::Succeeded
    }

    pub fn word(self) -> &'static str {
        match self {
            State::New => "new",
            State::Queued => "queued",
            State::Opening => "opening",
            State::Running => "running",
            State::Stopping => "stopping",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Input,
    Output,
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Direction::Input => "input",
            Direction::Output => "output",
        }
    }

    pub(super) fn scope(self) -> Scope {
        match self {
            Direction::Input => Scope::INPUT,
            Direction::Output => Scope::OUTPUT,
        }
    }
}

pub struct Job {
    pub(super) id: u64,
    pub(super) engine: Arc<Engine>,
    pub(super) inner: Mutex<Inner>,
    pub(super) changed: Condvar,
    pub(super) events: EventQueue,
    pub(super) counters: Arc<Counters>,
    pub(super) last_progress_us: AtomicI64,
    pub(super) max_level: AtomicI64,
    /// Somebody asks for reports.
    pub(super) is_watched: AtomicBool,
    /// When the first packet was written.
    pub(super) first_report: std::sync::OnceLock<super::report::Report>,
    /// The session description of RTP outputs, for a program that watches.
    pub(super) sdp: Mutex<Option<String>>,
    /// Native memory that it is expected to need.
    pub(super) need_bytes: AtomicU64,
    /// Where its log lines are found, from its start on.
    pub(super) log: OnceLock<LogContext>,
    /// What is known of its inputs, for the quarantine.
    pub(super) looked_at: Arc<Inputs>,
    /// The last events, for a capture.
    pub(super) recent: Option<Recent>,
    /// Who joins it while it runs.
    pub(super) live: Arc<Live>,
    /// The host's handle, and those of its inputs and outputs.
    token: AtomicUsize,
    children: Mutex<Vec<usize>>,
}

pub(super) struct Inner {
    pub state: State,
    pub spec: JobSpec,
    pub label: String,
    /// Where the host started it from.
    pub call_site: String,
    pub error: Option<Error>,
    pub context: Option<Arc<JobContext>>,
    pub started: Option<Instant>,
    pub began: Option<Instant>,
    pub queue_wait_us: i64,
    pub elapsed_us: i64,
    pub wants_stop: bool,
    pub is_cancelled: bool,
    /// Everybody was told of its end.
    pub is_announced: bool,
    /// Somebody is making it final: it will not run, and its result is decided.
    pub is_ending: bool,
    /// The last lines of errors, for the text of the job's error.
    pub last_lines: VecDeque<String>,
    pub is_freed: bool,
    pub is_detached: bool,
    /// What `mt:NAME` stands for.
    pub binds: Arc<Binds>,
    /// What was bound, for a capture.
    pub facts: serde_json::Value,
    /// Where its worker is asked.
    pub desk: Option<Arc<Desk>>,
    /// The outputs in memory, by name.
    pub buffers: Vec<(String, Arc<Buffer>)>,
    pub late: Late,
}

/// A number that no other job or probe of this process has.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

impl Job {
    pub fn new(engine: &Arc<Engine>) -> Result<Arc<Job>, Error> {
        engine.check_open()?;
        let job = Arc::new(Job {
            id: next_id(),
            engine: Arc::clone(engine),
            inner: Mutex::new(Inner {
                state: State::New,
                spec: JobSpec::default(),
                label: String::new(),
                call_site: String::new(),
                error: None,
                context: None,
                started: None,
                began: None,
                queue_wait_us: 0,
                elapsed_us: 0,
                wants_stop: false,
                is_cancelled: false,
                is_announced: false,
                is_ending: false,
                last_lines: VecDeque::new(),
                is_freed: false,
                is_detached: false,
                binds: Arc::default(),
                facts: serde_json::Value::Null,
                desk: None,
                buffers: Vec::new(),
                late: Late::default(),
            }),
            changed: Condvar::new(),
            events: EventQueue::new(engine.config.quiet_events),
            counters: Arc::new(Counters { duration_us: AtomicI64::new(-1), ..Counters::default() }),
            last_progress_us: AtomicI64::new(i64::MIN / 2),
            max_level: AtomicI64::new(i64::from(level::DEFAULT)),
            is_watched: AtomicBool::new(false),
            first_report: std::sync::OnceLock::new(),
            sdp: Mutex::new(None),
            need_bytes: AtomicU64::new(0),
            log: OnceLock::new(),
            looked_at: Arc::default(),
            recent: engine.config.captures.is_some().then(Recent::default),
            live: super::late::new_live(),
            token: AtomicUsize::new(0),
            children: Mutex::new(Vec::new()),
        });
        engine.add(&job);
        Ok(job)
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn set_token(&self, token: usize) {
        self.token.store(token, Relaxed);
    }

    pub(super) fn token(&self) -> usize {
        self.token.load(Relaxed)
    }

    pub fn add_child(&self, token: usize) {
        self.children.lock().push(token);
    }

    pub fn remove_child(&self, token: usize) {
        let mut children = self.children.lock();
        if let Some(place) = children.iter().rposition(|child| *child == token) {
            children.swap_remove(place);
        }
    }

    pub fn take_children(&self) -> Vec<usize> {
        std::mem::take(&mut self.children.lock())
    }

    /// Keeps the error of a call that failed before the start; the result of a job is never overwritten.
    pub fn keep_error(&self, error: &Error) {
        let mut inner = self.inner.lock();
        if inner.state == State::New {
            inner.error = Some(error.clone());
        }
    }

    pub fn error(&self) -> Option<Error> {
        self.inner.lock().error.clone()
    }

    pub fn state(&self) -> State {
        self.inner.lock().state
    }

    pub fn command(&self, ffmpeg_only: bool, masked: bool) -> String {
        command_line(&crate::engine::expand_live(&self.inner.lock().spec), ffmpeg_only, masked)
    }

    pub fn event_fd(&self) -> Result<RawFd, Error> {
        let (fd, is_new) = self.events.fd()?;
        if is_new {
            self.engine.count_descriptor(1);
        }
        Ok(fd)
    }

    pub fn next_event(&self, timeout: Option<Duration>) -> Result<Option<Event>, Error> {
        self.events.next(timeout)
    }

    pub(super) fn progress(&self, elapsed_us: i64) -> Progress {
        let counters = &self.counters;
        Progress {
            position_us: counters.position_us.load(Relaxed),
            duration_us: Some(counters.duration_us.load(Relaxed)).filter(|us| *us >= 0),
            frames: counters.frames.load(Relaxed),
            size_bytes: counters.size_bytes.load(Relaxed),
            elapsed_us,
        }
    }

    pub fn stats(&self) -> JobStats {
        let inner = self.inner.lock();
        let elapsed_us = match inner.began {
            Some(began) if !inner.state.is_final() => began.elapsed().as_micros() as i64,
            _ => inner.elapsed_us,
        };
        let queue_wait_us = match (inner.state, inner.started) {
            (State::Queued, Some(started)) => started.elapsed().as_micros() as i64,
            _ => inner.queue_wait_us,
        };
        let counters = &self.counters;
        JobStats {
            state: inner.state,
            progress: self.progress(elapsed_us),
            queue_wait_us,
            open_us: counters.open_us.load(Relaxed),
            first_output_us: counters.first_output_us.load(Relaxed),
            frames_duplicated: counters.frames_duplicated.load(Relaxed),
            frames_dropped: counters.frames_dropped.load(Relaxed),
            packets_read: counters.packets_read.load(Relaxed),
            packets_written: counters.packets_written.load(Relaxed),
            packets_corrupt: counters.packets_corrupt.load(Relaxed),
            decode_errors: counters.decode_errors.load(Relaxed),
            timestamps_repaired: counters.timestamps_repaired.load(Relaxed),
            link_bytes: counters.link_bytes.load(Relaxed),
            link_bytes_peak: counters.link_bytes_peak.load(Relaxed),
            log_lines_dropped: self.events.lines_dropped(),
            threads: counters.threads.load(Relaxed),
            encode_errors: counters.encode_errors.load(Relaxed),
            packets_skipped: counters.packets_skipped.load(Relaxed),
        }
    }

    /// For the engine's list.
    pub(super) fn summary(&self) -> serde_json::Value {
        let stats = self.stats();
        let label = self.inner.lock().label.clone();
        serde_json::json!({
            "id": self.id,
            "label": label,
            "state": stats.state.word(),
            "position_us": stats.progress.position_us,
            "elapsed_us": stats.progress.elapsed_us,
            "size_bytes": stats.progress.size_bytes,
            "link_bytes": stats.link_bytes,
            "command": self.command(false, true),
        })
    }

    pub(super) fn weak(self: &Arc<Self>) -> Weak<Job> {
        Arc::downgrade(self)
    }
}

impl Inner {
    /// Its place in crash reports, and in the masks of its threads: taken where somebody will want to know whose a thread is.
    pub fn spec_slot(&self, engine: &Engine, id: u64) -> Option<Arc<JobSlot>> {
        let command = || command_line(&self.spec, false, true);
        let is_watched = super::hang::limit_ms(&self.spec, engine.config.hang_timeout_ms) > 0;
        (engine.makes_crash_reports() || is_watched)
            .then(|| engine.crash_slot(id, &self.label, &command(), &self.call_site))
            .flatten()
            .map(Arc::new)
    }
}
