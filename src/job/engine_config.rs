//! What an engine is made with: limits, and what it does for its host.

use super::capture::{Captures, DEFAULT_CAPTURE_BYTES};
use super::crash::CrashReports;
use super::isolation::Isolation;
use super::on_crash::OnCrash;
use crate::engine;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogMode {
    Leave,
    Take,
    Forwarded,
}

#[derive(Clone, Debug)]
pub struct EngineConfig {
    pub(super) max_running: u32,
    pub(super) max_queued: u32,
    pub(super) requires_lgpl: bool,
    pub(super) log_mode: LogMode,
    pub(super) link_budget_bytes: u64,
    pub(super) queue_timeout: Option<Duration>,
    pub(super) memory_budget_bytes: u64,
    /// glibc's thresholds are the host's business.
    pub(super) leaves_malloc: bool,
    /// A job is ready for its events only after somebody found none.
    pub(super) quiet_events: bool,
    pub(super) crash_reports: Option<CrashReports>,
    pub(super) isolation: Isolation,
    /// Of jobs that fail.
    pub(super) captures: Option<Captures>,
    /// How much is kept of each input in memory, for captures and retries.
    pub(super) capture_bytes: u64,
    pub(super) on_crash: OnCrash,
    /// Milliseconds without progress after which a job hangs; 0 is never.
    pub(super) hang_timeout_ms: u64,
    /// Of each codec and each graph where the job does not say it; 0 is what the processors that may be used suggest.
    pub(super) threads_per_job: u32,
    /// How much nicer the engine's threads are than the one that makes it.
    pub(super) niceness: u8,
}

pub(super) const DEFAULT_QUEUED: u32 = 1024;
const DEFAULT_LINK_BUDGET_BYTES: u64 = 256 << 20;

/// Jobs at once: a remux waits for files most of the time, so twice the CPUs that this process may use.
pub(super) fn default_running() -> u32 {
    2 * engine::cpus::usable()
}

impl EngineConfig {
    /// 0 and None are the defaults.
    pub fn new(
        max_running: u32,
        max_queued: Option<u32>,
        requires_lgpl: bool,
        log_mode: LogMode,
        link_budget_bytes: u64,
    ) -> Self {
        EngineConfig {
            max_running: if max_running == 0 { default_running() } else { max_running },
            max_queued: max_queued.unwrap_or(DEFAULT_QUEUED),
            requires_lgpl,
            log_mode,
            link_budget_bytes: if link_budget_bytes == 0 { DEFAULT_LINK_BUDGET_BYTES } else { link_budget_bytes },
            queue_timeout: None,
            memory_budget_bytes: 0,
            leaves_malloc: false,
            quiet_events: false,
            crash_reports: None,
            isolation: Isolation::default(),
            captures: None,
            capture_bytes: DEFAULT_CAPTURE_BYTES,
            on_crash: OnCrash::default(),
            hang_timeout_ms: 0,
            threads_per_job: 0,
            niceness: 0,
        }
    }

    /// How long a job may wait in the queue; 0 is without end.
    pub fn with_queue_timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.queue_timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms.into()));
        self
    }

    /// Whether glibc's thresholds stay as they are (`keep_freed_memory`).
    pub fn with_malloc_left_alone(mut self, leaves_malloc: bool) -> Self {
        self.leaves_malloc = leaves_malloc;
        self
    }

    /// Whether `next_ready` tells of a job's events only after its `next_event` found none.
    pub fn with_quiet_events(mut self, quiet_events: bool) -> Self {
        self.quiet_events = quiet_events;
        self
    }

    /// Whether jobs run in workers, and what those may use.
    pub fn with_isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// After how long without progress a job hangs; 0 is never.
    pub fn with_hang_timeout_ms(mut self, hang_timeout_ms: u64) -> Self {
        self.hang_timeout_ms = hang_timeout_ms;
        self
    }

    /// Of each codec and each graph where the job does not say it, at most [`engine::CodecThreads::most`]; 0 is the default.
    pub fn with_threads_per_job(mut self, threads: u32) -> Self {
        self.threads_per_job = threads;
        self
    }

    /// How much nicer the engine's threads are than the calling one.
    pub fn with_niceness(mut self, niceness: u8) -> Self {
        self.niceness = niceness;
        self
    }

    /// Crash reports for jobs of this engine; None leaves signals alone.
    pub fn with_crash_reports(mut self, reports: Option<CrashReports>) -> Self {
        self.crash_reports = reports;
        self
    }

    /// Captures of jobs that fail, and how much of each input in memory is kept for them; 0 is the default.
    pub fn with_captures(mut self, captures: Option<Captures>, bytes: u64) -> Self {
        self.captures = captures;
        self.capture_bytes = if bytes == 0 { DEFAULT_CAPTURE_BYTES } else { bytes };
        self
    }

    /// What becomes of jobs whose workers crash.
    pub fn with_on_crash(mut self, on_crash: OnCrash) -> Self {
        self.on_crash = on_crash;
        self
    }

    /// Native memory for pipes and jobs; 0 is a share of the cgroup's or the machine's, `u64::MAX` no limit.
    pub fn with_memory_budget_bytes(mut self, bytes: u64) -> Self {
        self.memory_budget_bytes = bytes;
        self
    }
}
