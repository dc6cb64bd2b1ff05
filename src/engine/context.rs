//! What every component of a job shares: first of all, the way to stop it.

use super::activity::Activity;
use super::codec_threads::CodecThreads;
use super::counters::{CountedThread, Counters};
use super::deadlines::Watcher;
use super::debug::Debug;
use super::hardware::Devices;
use super::host::Binds;
use super::live::{Hub, Live, Place};
use super::lockstep::Lockstep;
use super::observer::{LEVEL_WARNING, Observer};
use super::pipe::Pipe;
use super::source::Breakers;
use super::statistics::StatisticsFiles;
use super::threads::ThreadPool;
use super::trust::JobTrust;
use crate::av::Interrupt;
use crate::crash::{self, JobSlot};
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

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
    /// Of codecs and graphs, where its description does not say it.
    pub codec_threads: CodecThreads,
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
    pub codec_threads: CodecThreads,
    /// Files that statistics go to.
    pub statistics: StatisticsFiles,
    /// The job will fail, though its outputs go on to their ends: an input broke off.
    is_failing: Arc<AtomicBool>,
    /// How many outputs there are, and those that nobody reads any more.
    outputs: usize,
    without_reader: Mutex<BTreeSet<usize>>,
    /// Outputs that have ended.
    over: Mutex<BTreeSet<usize>>,
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
            codec_threads: identity.codec_threads,
            statistics: StatisticsFiles::default(),
            is_failing: Arc::default(),
            outputs: identity.outputs,
            without_reader: Mutex::default(),
            over: Mutex::default(),
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

    /// What the job calls an output of this context.
    pub fn output_number(&self, index: usize) -> usize {
        self.first_output + index
    }

    /// The hub before the muxer of an output.
    pub fn output_hub(&self, index: usize) -> Arc<Hub> {
        self.live.hub(Place::Output(self.output_number(index)))
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

    /// An output has its end, whatever that is. With the last one reading ends: a silent peer has nothing to give that anybody wants.
    pub fn output_over(&self, output: usize) {
        let mut over = self.over.lock();
        over.insert(output);
        let is_last = (0..self.outputs).all(|output| over.contains(&output));
        drop(over);
        if is_last {
            self.stop();
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
        CountedThread::begin(&self.counters)
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
