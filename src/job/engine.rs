//! An engine: limits, the queue, the threads, and the list of jobs that have something to tell.

use super::budget::Budget;
use super::capture::Captures;
use super::crash::CrashReports;
use super::engine_config::{DEFAULT_QUEUED, EngineConfig, LogMode, default_running};
use super::handle::{Job, State};
use super::isolation::Workers;
use super::quarantine::Quarantine;
use super::ready::Ready;
use super::stats::{EngineStats, Health};
use super::timer::Timer;
use crate::engine::{Breakers, CodecThreads, Counters, CrashTarget, JobContext, Library, Pipe, RingPool, ThreadPool};
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Instant;

pub struct Engine {
    pub(super) config: EngineConfig,
    threads: Arc<ThreadPool>,
    /// Settled when the engine is made: a quota that changes later is not seen.
    codec_threads: CodecThreads,
    pub(super) state: Mutex<EngineState>,
    pub(super) changed: Condvar,
    pub(super) ready: Mutex<Ready>,
    pub(super) totals: Mutex<EngineStats>,
    descriptors: AtomicI64,
    pub(super) budget: Budget,
    pub(super) timer: Arc<Timer>,
    pub(super) rings: Arc<RingPool>,
    /// When free memory is given back next, if that is planned.
    pub(super) next_trim: Mutex<Option<Instant>>,
    pub(super) pipes: Mutex<BTreeMap<u64, Weak<Pipe>>>,
    pub(super) crash_target: Option<CrashTarget>,
    pub(super) workers: Workers,
    pub(super) quarantine: Arc<Quarantine>,
    /// Of hosts that sources are read from.
    pub(super) breakers: Arc<Breakers>,
}

pub(super) struct EngineState {
    pub max_running: u32,
    pub max_queued: u32,
    pub running: Vec<Arc<Job>>,
    pub queue: VecDeque<Arc<Job>>,
    pub jobs: BTreeMap<u64, Weak<Job>>,
    pub contexts: BTreeMap<u64, Weak<JobContext>>,
    pub is_shut: bool,
}

impl Engine {
    pub fn new(config: EngineConfig) -> Result<Arc<Engine>, Error> {
        check_ffmpeg(config.requires_lgpl)?;
        if config.log_mode == LogMode::Take {
            crate::engine::install_log();
        }
        let crash_target = config.crash_reports.as_ref().map(CrashReports::prepare).transpose()?;
        config.captures.as_ref().map(Captures::prepare).transpose()?;
        let workers = Workers::new(&config.isolation)?;
        Ok(Arc::new(Engine {
            workers,
            quarantine: Arc::default(),
            crash_target,
            threads: ThreadPool::with_niceness(config.niceness),
            codec_threads: CodecThreads::of_process(config.threads_per_job),
            state: Mutex::new(EngineState {
                max_running: config.max_running,
                max_queued: config.max_queued,
                running: Vec::new(),
                queue: VecDeque::new(),
                jobs: BTreeMap::new(),
                contexts: BTreeMap::new(),
                is_shut: false,
            }),
            changed: Condvar::new(),
            ready: Mutex::default(),
            totals: Mutex::default(),
            descriptors: AtomicI64::new(0),
            budget: Budget::new(config.memory_budget_bytes),
            breakers: Arc::default(),
            timer: Arc::default(),
            rings: Arc::default(),
            next_trim: Mutex::default(),
            pipes: Mutex::default(),
            config,
        }))
    }

    pub(super) fn threads(&self) -> &Arc<ThreadPool> {
        &self.threads
    }

    pub(super) fn codec_threads(&self) -> CodecThreads {
        self.codec_threads
    }

    pub(super) fn link_budget_bytes(&self) -> u64 {
        self.config.link_budget_bytes
    }

    pub(super) fn check_open(&self) -> Result<(), Error> {
        match self.state.lock().is_shut {
            true => Err(Error::new(Code::ESHUTDOWN, "the engine was shut down".into())),
            false => Ok(()),
        }
    }

    pub(super) fn add(&self, job: &Arc<Job>) {
        self.state.lock().jobs.insert(job.id, job.weak());
    }

    pub(super) fn add_context(&self, id: u64, context: &Arc<JobContext>) {
        self.state.lock().contexts.insert(id, Arc::downgrade(context));
    }

    pub(super) fn forget(&self, id: u64) {
        self.state.lock().jobs.remove(&id);
        self.ready.lock().forget(id);
    }

    pub fn set_limits(&self, max_running: u32, max_queued: Option<u32>) {
        let mut state = self.state.lock();
        state.max_running = if max_running == 0 { default_running() } else { max_running };
        state.max_queued = max_queued.unwrap_or(DEFAULT_QUEUED);
        drop(state);
        self.run_queued();
    }

    /// The host frees the engine.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_shut = true;
        let mut jobs: Vec<Arc<Job>> = state.queue.drain(..).collect();
        jobs.extend(state.running.iter().cloned());
        drop(state);
        jobs.iter().for_each(Job::cancel);
        self.timer.close();
        self.threads.close(super::ending::DETACH_AFTER);
        self.workers.close();
        let had_fd = self.ready.lock().close();
        self.count_descriptor(-i64::from(had_fd));
    }

    pub(super) fn count_descriptor(&self, change: i64) {
        self.descriptors.fetch_add(change, Relaxed);
    }

    pub(super) fn count_detached(&self, change: i64) {
        let mut totals = self.totals.lock();
        totals.detached = totals.detached.saturating_add_signed(change);
    }

    pub(super) fn count_result(
        &self,
        code: i32,
        has_run: bool,
        queue_wait_us: i64,
        elapsed_us: i64,
        counters: &Counters,
    ) {
        let mut totals = self.totals.lock();
        *totals.results.entry(code).or_default() += 1;
        if !has_run {
            return;
        }
        totals.queue_wait.add(queue_wait_us);
        totals.duration.add(elapsed_us);
        let (open_us, first_us) = (counters.open_us.load(Relaxed), counters.first_output_us.load(Relaxed));
        if open_us > 0 {
            totals.open.add(open_us);
        }
        if first_us > 0 {
            totals.first_output.add(first_us);
        }
    }

    pub fn stats(&self) -> EngineStats {
        let mut stats = self.totals.lock().clone();
        let (busy, idle) = self.threads.counts();
        stats.threads = busy as u64;
        stats.threads_idle = idle as u64;
        stats.descriptors = self.descriptors.load(Relaxed).max(0) as u64;
        let (pipes, piped_bytes) = self.count_pipes();
        stats.pipes = pipes;
        stats.quarantined = self.quarantine.count();
        stats.memory_reserved_bytes = self.budget.reserved_bytes();
        stats.memory_budget_bytes = self.budget.limit_bytes();
        let state = self.state.lock();
        stats.jobs = state.jobs.len() as u64;
        stats.jobs_running = state.running.len() as u64;
        stats.jobs_queued = state.queue.len() as u64;
        let contexts = state.contexts.values().filter_map(Weak::upgrade);
        stats.queued_bytes =
            contexts.map(|context| context.counters.link_bytes.load(Relaxed)).sum::<u64>() + piped_bytes;
        let is_full =
            state.running.len() >= state.max_running as usize && state.queue.len() >= state.max_queued as usize;
        let (health, reason) = match (state.is_shut, stats.detached, is_full) {
            (true, ..) => (Health::Degraded, "the engine was shut down".to_owned()),
            (_, 1.., _) => {
                (Health::Degraded, format!("{} calls could not be interrupted and were left behind", stats.detached))
            }
            (.., true) => (Health::Full, format!("{} jobs run and {} wait", stats.jobs_running, stats.jobs_queued)),
            _ => (Health::Ok, String::new()),
        };
        stats.health = health;
        stats.health_reason = reason;
        stats
    }

    /// Inputs that are refused.
    pub fn quarantine_json(&self) -> String {
        self.quarantine.json()
    }

    /// They are let in again. Returns how many there were.
    pub fn quarantine_clear(&self) -> u64 {
        self.quarantine.clear()
    }

    pub fn jobs_json(&self) -> String {
        let jobs: Vec<Arc<Job>> = self.state.lock().jobs.values().filter_map(Weak::upgrade).collect();
        serde_json::Value::Array(jobs.iter().map(|job| job.summary()).collect()).to_string()
    }

    /// Jobs of the engine that are not final.
    pub(super) fn job(&self, id: u64) -> Option<Arc<Job>> {
        self.state.lock().jobs.get(&id).and_then(Weak::upgrade)
    }

    pub(super) fn open_jobs(&self) -> Vec<Arc<Job>> {
        let state = self.state.lock();
        state.running.iter().filter(|job| job.state() < State::Succeeded).cloned().collect()
    }
}

fn check_ffmpeg(requires_lgpl: bool) -> Result<(), Error> {
    check_loaded(&crate::engine::libraries(), &crate::engine::licence(), requires_lgpl)?;
    crate::engine::register_devices();
    Ok(())
}

/// Whether this FFmpeg can be used: the one that we were built against, under a licence that is wanted.
fn check_loaded(libraries: &[Library], licence: &str, requires_lgpl: bool) -> Result<(), Error> {
    if let Some(library) = crate::engine::mismatch(libraries) {
        let text = format!(
            "{} {}.{}.{} is loaded, but the library was built against {}.{}.{}",
            library.name,
            library.loaded.0,
            library.loaded.1,
            library.loaded.2,
            library.built.0,
            library.built.1,
            library.built.2
        );
        return Err(Error::new(Code::UNSUPPORTED, text).at("engine").with_hint(
            "Build mt-transcode against the FFmpeg that is installed, or install the one it was built against.",
        ));
    }
    if requires_lgpl && !licence.starts_with("LGPL") {
        return Err(Error::new(
            Code::UNSUPPORTED,
            format!("LGPL was required, but the FFmpeg loaded is under: {licence}"),
        )
        .at("engine")
        .with_hint(
            "Link an FFmpeg configured without --enable-gpl and --enable-nonfree, or do not require the LGPL.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_major_version_is_refused_and_both_are_named() {
        let library = Library { name: "libavcodec", built: (59, 37, 100), loaded: (61, 19, 101) };
        let error = check_loaded(&[library], "GPL version 2 or later", false).unwrap_err();
        assert_eq!(error.code(), Code::UNSUPPORTED);
        assert!(error.message().contains("61.19.101") && error.message().contains("59.37.100"), "{error}");
    }

    #[test]
    fn the_lgpl_can_be_required() {
        assert!(check_loaded(&[], "LGPL version 2.1 or later", true).is_ok());
        for licence in ["GPL version 2 or later", "nonfree and unredistributable"] {
            assert!(check_loaded(&[], licence, false).is_ok());
            let error = check_loaded(&[], licence, true).unwrap_err();
            assert!(error.message().contains(licence), "{error}");
        }
    }
}
