//! What every component of a job shares: the way to stop it, its numbers, and who listens.

use super::activity::Activity;
use super::deadlines::Watcher;
use super::debug::Debug;
use super::hardware::Devices;
use super::host::Binds;
use super::live::{Hub, Live, Place};
use super::lockstep::Lockstep;
use super::numbers::OutputNumbers;
use super::pipe::Pipe;
use super::source::{Breakers, SourceStatus};
use super::statistics::StatisticsFiles;
use super::threads::ThreadPool;
use super::trust::JobTrust;
use crate::av::Interrupt;
use crate::crash::{self, JobSlot};
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// Takes what a job tells; implemented by the job layer. Called from any thread of the job, never blocks.
pub trait Observer: Send + Sync {
    /// JSON of format and streams.
    fn input_opened(&self, input: usize, json: String);
    /// All inputs and outputs are open; media flows.
    fn running(&self);
    fn progress(&self);
    fn output_finished(&self, output: usize, size_bytes: u64, error: Option<&Error>);
    /// A line of the engine's own, at FFmpeg's level.
    fn log(&self, level: i32, stage: &str, stream: Option<usize>, text: &str);
    /// A packet was written, of a job that is watched.
    fn written(&self) {}
    /// An input that may come and go is at something else.
    fn source(&self, _input: usize, _status: &SourceStatus) {}
    /// The session description of outputs that are all RTP.
    fn sdp(&self, _text: &str) {}
    /// Whether somebody shows how far each stream is while it runs.
    fn is_watched(&self) -> bool {
        false
    }
    /// A call of the job's does not end, though its time is over: the job is to be left behind with this error.
    fn stuck(&self, _error: &Error) {}
    /// Whether lines of this level are taken at all: what is only made for a line need not be made otherwise.
    fn wants(&self, _level: i32) -> bool {
        false
    }
}

/// FFmpeg's log levels that the engine uses itself.
pub(crate) const LEVEL_ERROR: i32 = 16;
pub(crate) const LEVEL_WARNING: i32 = 24;
pub(crate) const LEVEL_INFO: i32 = 32;
pub(crate) const LEVEL_VERBOSE: i32 = 40;

/// Numbers of a job, written by its components and read by anybody.
#[derive(Default)]
pub struct Counters {
    pub packets_read: AtomicU64,
    pub packets_written: AtomicU64,
    pub packets_corrupt: AtomicU64,
    pub decode_errors: AtomicU64,
    /// Of streams whose decoder has ended already. ffmpeg decodes them all the same, and counts them in its rate of errors: as good ones here.
    pub packets_spared: AtomicU64,
    pub frames_decoded: AtomicU64,
    pub frames: AtomicU64,
    pub frames_duplicated: AtomicU64,
    pub frames_dropped: AtomicU64,
    pub timestamps_repaired: AtomicU64,
    /// Microseconds written by the output that is furthest behind.
    pub position_us: AtomicI64,
    /// Microseconds that will be written; -1 where unknown.
    pub duration_us: AtomicI64,
    pub size_bytes: AtomicU64,
    pub link_bytes: AtomicU64,
    pub link_bytes_peak: AtomicU64,
    pub threads: AtomicU64,
    /// Microseconds since the job began to run; 0 before.
    pub open_us: AtomicI64,
    /// Of URLs, as far as it is known.
    pub bytes_read: AtomicU64,
    /// Sizes of the packets that were written.
    pub payload_bytes: AtomicU64,
    /// Threads that wait for the host, or because they were told to: that is not idle time.
    pub waits: AtomicU64,
    pub first_output_us: AtomicI64,
    /// By output, once they are open.
    pub outputs: Mutex<Vec<Arc<OutputNumbers>>>,
}

pub fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}

/// A thread waits for somebody else as long as this lives.
pub struct Waiting(Arc<Counters>);

impl Waiting {
    pub fn begin(counters: &Arc<Counters>) -> Waiting {
        add(&counters.waits, 1);
        Waiting(Arc::clone(counters))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waits.fetch_sub(1, Relaxed);
    }
}

/// Something that threads wait on, to be woken when the job is cancelled.
pub trait Wake: Send + Sync {
    fn wake(&self);
    /// How full its queues are, where it has some; it waits for nobody for long.
    fn fills(&self) -> Vec<Fill> {
        Vec::new()
    }
}

/// How full a queue between two threads is.
pub struct Fill {
    pub name: String,
    pub items: usize,
    pub limit: usize,
    pub bytes: usize,
}

/// Hears nothing of it.
pub struct Nobody;

impl Observer for Nobody {
    fn input_opened(&self, _: usize, _: String) {}
    fn running(&self) {}
    fn progress(&self) {}
    fn output_finished(&self, _: usize, _: u64, _: Option<&Error>) {}
    fn log(&self, _: i32, _: &str, _: Option<usize>, _: &str) {}
}

/// Who a job is, and how much it may use.
#[derive(Default)]
pub struct Identity {
    pub label: String,
    pub log_slot: usize,
    /// The job's id, which its threads carry; 0 for none.
    pub owner: u64,
    pub link_budget_bytes: u64,
    /// What `mt:NAME` stands for.
    pub binds: Arc<Binds>,
    /// How many outputs the job has.
    pub outputs: usize,
    /// What its inputs may do.
    pub trust: JobTrust,
    /// Its place in the table that crash reports read.
    pub crash_slot: Option<Arc<JobSlot>>,
    /// Who joins it while it runs.
    pub live: Arc<Live>,
    /// Of hosts that sources are read from, by all jobs of the engine.
    pub breakers: Arc<Breakers>,
    /// Of an output that joined: its number in the job. All that it says of output 0 is said of that one.
    pub first_output: usize,
    pub debug: Debug,
}

pub struct JobContext {
    this: Weak<JobContext>,
    /// Looks whether inputs and outputs are in time.
    pub deadlines: Arc<Watcher>,
    pub interrupt: Arc<Interrupt>,
    pub counters: Arc<Counters>,
    pub observer: Arc<dyn Observer>,
    pub threads: Arc<ThreadPool>,
    pub label: String,
    pub log_slot: usize,
    /// The job's id, which its threads carry.
    pub owner: u64,
    /// How many bytes may wait in links beyond their usual length.
    pub link_budget_bytes: u64,
    pub began: Instant,
    pub binds: Arc<Binds>,
    pub trust: JobTrust,
    /// What its threads are at.
    pub activity: Activity,
    pub devices: Devices,
    crash_slot: Option<Arc<JobSlot>>,
    pub live: Arc<Live>,
    pub breakers: Arc<Breakers>,
    first_output: usize,
    pub debug: Debug,
    /// Files that statistics go to.
    pub statistics: StatisticsFiles,
    /// The job will fail, though its outputs go on to their ends: an input broke off.
    is_failing: Arc<AtomicBool>,
    /// How many outputs there are, and those that nobody reads any more.
    outputs: usize,
    without_reader: Mutex<BTreeSet<usize>>,
    /// A worker has written to a stream of the host's: it runs, whatever came of its words so far.
    is_writing: AtomicBool,
    /// Outputs that are to end in good order, though the job goes on; they are told apart from none by a look at the flag.
    stopped_outputs: (AtomicBool, Mutex<BTreeSet<usize>>),
    is_stopped: AtomicBool,
    has_failed: AtomicBool,
    /// The first error that ends the job; output errors are kept by the outputs.
    failure: Mutex<Option<Error>>,
    wakers: Mutex<Vec<Weak<dyn Wake>>>,
    sleepers: (Mutex<()>, Condvar),
    /// Where the job goes step by step; set before any component is made.
    pub lockstep: OnceLock<Arc<Lockstep>>,
}

impl JobContext {
    pub fn new(
        interrupt: Arc<Interrupt>,
        counters: Arc<Counters>,
        observer: Arc<dyn Observer>,
        threads: Arc<ThreadPool>,
        identity: Identity,
    ) -> Arc<JobContext> {
        Arc::new_cyclic(|this| JobContext {
            this: Weak::clone(this),
            deadlines: Arc::default(),
            interrupt,
            counters,
            observer,
            threads,
            label: identity.label,
            log_slot: identity.log_slot,
            crash_slot: identity.crash_slot,
            live: identity.live,
            breakers: identity.breakers,
            first_output: identity.first_output,
            owner: identity.owner,
            link_budget_bytes: identity.link_budget_bytes,
            began: Instant::now(),
            binds: identity.binds,
            trust: identity.trust,
            activity: Activity::default(),
            devices: Devices::default(),
            debug: identity.debug,
            statistics: StatisticsFiles::default(),
            is_failing: Arc::default(),
            outputs: identity.outputs,
            without_reader: Mutex::default(),
            is_writing: AtomicBool::new(false),
            stopped_outputs: (AtomicBool::new(false), Mutex::default()),
            is_stopped: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            failure: Mutex::new(None),
            wakers: Mutex::new(Vec::new()),
            sleepers: (Mutex::new(()), Condvar::new()),
            lockstep: OnceLock::new(),
        })
    }

    pub fn this(&self) -> Weak<JobContext> {
        Weak::clone(&self.this)
    }

    /// Ends the job at once.
    pub fn cancel(&self) {
        self.interrupt.cancel();
        self.wake_all();
    }

    /// Ends reading; what was read goes through, and outputs get their trailers.
    pub fn stop(&self) {
        self.is_stopped.store(true, Relaxed);
        self.interrupt.stop_reading();
        self.wake_all();
    }

    /// One output is to end in good order: with the next packet that comes for it.
    pub fn stop_output(&self, index: usize) {
        self.stopped_outputs.1.lock().insert(index);
        self.stopped_outputs.0.store(true, Relaxed);
    }

    pub fn is_output_stopped(&self, index: usize) -> bool {
        self.stopped_outputs.0.load(Relaxed) && self.stopped_outputs.1.lock().contains(&index)
    }

    pub fn note_writing(&self) {
        self.is_writing.store(true, Relaxed);
    }

    pub fn is_writing(&self) -> bool {
        self.is_writing.load(Relaxed)
    }

    /// Whether a graceful end was asked for.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Relaxed)
    }

    pub fn is_cancelled(&self) -> bool {
        self.interrupt.is_cancelled()
    }

    /// No more is to be read.
    pub fn is_ending(&self) -> bool {
        self.is_stopped.load(Relaxed) || self.is_cancelled() || self.has_failed.load(Relaxed)
    }

    /// An error that ends the whole job. Only the first counts.
    pub fn fail(&self, error: Error) {
        let mut failure = self.failure.lock();
        if failure.is_none() {
            *failure = Some(error);
            self.has_failed.store(true, Relaxed);
        }
        drop(failure);
        self.interrupt.stop_reading();
        self.wake_all();
    }

    /// A component failed: the others end in good order, and the job with this error.
    pub fn stage_failed(&self, error: &Error) {
        // An output's own failure ends only that output; who waits for its thread takes note of it.
        if error.output().is_none() {
            self.fail(error.clone());
        }
    }

    /// As [`Self::fail`], without files that end in good order. Where the job was cancelled before, it stays cancelled.
    pub fn fail_at_once(&self, error: &Error) {
        if !self.is_cancelled() {
            self.fail(error.clone());
        }
        self.cancel();
    }

    /// A component is gone without a word: nobody may wait for it.
    pub fn abort(&self) {
        self.interrupt.cancel();
        self.wake_all();
    }

    pub fn failure(&self) -> Option<Error> {
        self.failure.lock().clone()
    }

    pub fn on_cancel(&self, waker: Weak<dyn Wake>) {
        let mut wakers = self.wakers.lock();
        if wakers.len() == wakers.capacity() {
            // Of a job that runs for days, and that many join.
            wakers.retain(|waker| waker.strong_count() > 0);
        }
        wakers.push(waker);
    }

    fn wake_all(&self) {
        let wakers: Vec<_> = self.wakers.lock().iter().filter_map(Weak::upgrade).collect();
        wakers.iter().for_each(|waker| waker.wake());
        let _guard = self.sleepers.0.lock();
        self.sleepers.1.notify_all();
    }

    /// How full the links between its threads are; none where that cannot be told now.
    pub fn fills(&self) -> Vec<Fill> {
        let Some(list) = self.wakers.try_lock_for(Duration::from_millis(100)) else { return Vec::new() };
        let wakers: Vec<_> = list.iter().filter_map(Weak::upgrade).collect();
        drop(list); // a cancel must not wait for the queues
        wakers.iter().flat_map(|waker| waker.fills()).collect()
    }

    /// Its place in the masks of its threads.
    pub fn slot(&self) -> Option<u8> {
        self.crash_slot.as_ref().map(|slot| slot.number())
    }

    pub fn crash_slot(&self) -> Option<Arc<JobSlot>> {
        self.crash_slot.clone()
    }

    /// Whether it is an output that joined another job.
    pub fn is_joined(&self) -> bool {
        self.first_output > 0
    }

    /// How many outputs it began with, without those that take part in others.
    pub fn ordinary_outputs(&self) -> usize {
        self.outputs
    }

    /// The hub before the muxer of an output.
    pub fn output_hub(&self, index: usize) -> Arc<Hub> {
        self.live.hub(Place::Output(self.first_output + index))
    }

    /// Wakes who waits at a pipe when the job is cancelled or stopped.
    pub fn wake_with(&self, pipe: &Arc<Pipe>) {
        let weak = Arc::downgrade(pipe);
        self.on_cancel(weak);
    }

    /// Nobody reads an output any more. When it was the last one, the job need not wait for its inputs to notice: they may be silent for long.
    pub fn reader_left(&self, output: usize, url: &str) {
        let error = || Error::new(Code::EPIPE, format!("the reader of '{url}' is gone")).at("mux");
        self.output_left(output, || error().on_output(output, url));
    }

    /// As [`Self::reader_left`], for an output that is over for another reason.
    pub fn output_left(&self, output: usize, why: impl FnOnce() -> Error) {
        // One that takes part in another one hears of it with its next packet, and is nobody else's affair.
        if output >= self.outputs {
            return;
        }
        let mut without = self.without_reader.lock();
        without.insert(output);
        let is_last = without.len() >= self.outputs;
        drop(without);
        // Who cancels mostly closes the pipe too: that is no failure.
        if is_last && !self.is_cancelled() {
            self.fail(why());
        }
    }

    /// An input broke off, which fails the job at its end.
    pub fn set_failing(&self) {
        self.is_failing.store(true, Relaxed);
    }

    /// Asks whether the job will fail, as long as anybody wants to know.
    pub fn failing(&self) -> Arc<dyn Fn() -> bool + Send + Sync> {
        let is_failing = Arc::clone(&self.is_failing);
        Arc::new(move || is_failing.load(Relaxed))
    }

    /// Sleeps, but not past a cancel or stop.
    pub fn sleep(&self, duration: Duration) {
        let mut guard = self.sleepers.0.lock();
        if !self.is_ending() {
            self.sleepers.1.wait_for(&mut guard, duration);
        }
    }

    /// Who sleeps looks around.
    pub fn rouse(&self) {
        let _guard = self.sleepers.0.lock();
        self.sleepers.1.notify_all();
    }

    /// Counts the calling thread as one of the job's, until the guard is dropped.
    pub fn count_thread(&self) -> CountedThread {
        add(&self.counters.threads, 1);
        CountedThread(Arc::clone(&self.counters))
    }

    pub fn elapsed_us(&self) -> i64 {
        self.began.elapsed().as_micros() as i64
    }

    /// Crash reports know from here on what the calling thread does, and for which job, with the threads that FFmpeg starts from it.
    pub fn mark_thread(&self, stage: &str) {
        if let Some(slot) = &self.crash_slot {
            crash::mark_thread(slot.number(), stage);
        }
    }

    pub fn unmark_thread(&self) {
        if self.crash_slot.is_some() {
            crash::mark_thread(0, "");
        }
    }

    pub fn warn(&self, stage: &str, stream: Option<usize>, text: &str) {
        self.observer.log(LEVEL_WARNING, stage, stream, text);
    }
}

pub struct CountedThread(Arc<Counters>);

impl Drop for CountedThread {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Relaxed);
    }
}
