//! The one place that starts threads. They are kept for a while and used again: a thread costs more than a small job.

use crate::av::{niceness, os, resources, stacks};
use crate::crash;
use crate::error::{Code, Error};
use crossbeam_channel::{Receiver, bounded};
use parking_lot::{Condvar, Mutex};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a thread without work stays.
const KEEP: Duration = Duration::from_secs(2);
/// FFmpeg's filters and codecs are written for the usual 8 MiB; what is not touched costs nothing.
const STACK_BYTES: usize = 2 << 20;

/// Returns what tells others that it is done: run when the thread can already be given the next piece, so that who is told and hands
/// over more at once meets a thread whose caches and malloc arena are warm. It must not block.
type Work = Box<dyn FnOnce() -> Option<Box<dyn FnOnce()>> + Send>;

/// Threads of one engine.
#[derive(Default)]
pub struct ThreadPool {
    state: Mutex<State>,
    changed: Condvar,
    /// Of every thread; None leaves it as it is inherited.
    niceness: Option<i32>,
}

#[derive(Default)]
struct State {
    /// The one that became free last is taken first.
    idle: Vec<Arc<Seat>>,
    next: u64,
    busy: usize,
    alive: usize,
    is_closed: bool,
    /// Of threads that live.
    handles: HashMap<u64, JoinHandle<()>>,
}

/// Where a thread waits for work.
struct Seat {
    id: u64,
    work: Mutex<Option<Work>>,
    given: Condvar,
}

/// A piece of work that can be waited for.
pub struct Task<T> {
    result: Receiver<T>,
}

thread_local! {
    static OWNER: Cell<u64> = const { Cell::new(0) };
    /// Where the last panic of this thread came from.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Whether the calling thread works for job `id`.
pub fn is_pool_thread_of(id: u64) -> bool {
    id != 0 && OWNER.with(Cell::get) == id
}

impl ThreadPool {
    pub fn new() -> Arc<ThreadPool> {
        Self::with_niceness(0)
    }

    /// Threads that are nicer, by `more`, than the calling one.
    pub fn with_niceness(more: u8) -> Arc<ThreadPool> {
        remember_panics();
        stacks::raise_default(STACK_BYTES);
        // A number for all, not one more than who starts a thread has: that is often one of these.
        let niceness = (more > 0).then(|| niceness::get() + i32::from(more));
        Arc::new(ThreadPool { niceness, ..ThreadPool::default() })
    }

    /// What its threads have; None where they inherit.
    pub fn niceness(&self) -> Option<i32> {
        self.niceness
    }

    /// Threads at work, and threads that wait for some.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.busy, state.alive - state.busy)
    }

    /// Runs `body` on a thread called `name` for job `owner`. A panic of it comes back as an error.
    pub fn spawn<T: Send + 'static>(
        self: &Arc<Self>,
        name: String,
        owner: u64,
        body: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<Task<Result<T, Error>>, Error> {
        let (sender, result) = bounded(1);
        self.spawn_then(name, owner, body, move |outcome| move || drop(sender.send(outcome)))?;
        Ok(Task { result })
    }

    /// As [`Self::spawn`]; `then` gets the outcome when the thread counts as free again, so that who is told by it finds the
    /// numbers settled. What it returns runs when the thread can be given more work, and must not block.
    pub fn spawn_then<T: Send + 'static, A: FnOnce() + 'static>(
        self: &Arc<Self>,
        name: String,
        owner: u64,
        body: impl FnOnce() -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) -> A + Send + 'static,
    ) -> Result<(), Error> {
        let pool = Arc::clone(self);
        let work: Work = Box::new(move || {
            os::name_thread(&name);
            os::reset_float_state();
            OWNER.with(|cell| cell.set(owner));
            let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panic_error(&*panic)));
            OWNER.with(|cell| cell.set(0));
            pool.finished();
            Some(Box::new(then(outcome)))
        });
        self.hand_over(work, true)
    }

    /// Runs `body` beside the jobs: it counts as no job's thread.
    pub fn spawn_aside(
        self: &Arc<Self>,
        name: &'static str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), Error> {
        let work: Work = Box::new(move || {
            os::name_thread(name);
            if catch_unwind(AssertUnwindSafe(body)).is_err() {
                PANIC.with(|cell| *cell.borrow_mut() = None);
            }
            None
        });
        self.hand_over(work, false)
    }

    fn finished(&self) {
        self.state.lock().busy -= 1;
    }

    fn hand_over(self: &Arc<Self>, work: Work, is_counted: bool) -> Result<(), Error> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Error::new(Code::ESHUTDOWN, "the engine was freed".into()));
        }
        state.busy += usize::from(is_counted);
        if let Some(seat) = state.idle.pop() {
            drop(state);
            seat.give(work);
            return Ok(());
        }
        state.next += 1;
        state.alive += 1;
        let id = state.next;
        drop(state);
        let pool = Arc::clone(self);
        let started = os::with_signals_blocked(|| {
            std::thread::Builder::new()
                .name("mt-idle".into())
                .stack_size(STACK_BYTES)
                .spawn(move || pool.serve(id, work))
        });
        let mut state = self.state.lock();
        started.map(|handle| drop(state.handles.insert(id, handle))).map_err(|error| {
            state.alive -= 1;
            state.busy -= usize::from(is_counted);
            let limits = resources::processes();
            Error::new(Code::SPAWN_FAILED, format!("cannot start a thread: {error}{limits}")).at("spawn")
        })
    }

    fn serve(self: Arc<Self>, id: u64, first: Work) {
        // Also without crash reports: a dump asks threads for their stacks, and what Rust or the host give a handler may be too little to walk one.
        let _stack = crash::AltStack::install();
        if let Some(niceness) = self.niceness {
            niceness::raise(niceness); // what codecs start here inherits it
        }
        let seat = Arc::new(Seat { id, work: Mutex::default(), given: Condvar::new() });
        let mut work = Some(first);
        let mut is_open = false;
        while let Some(body) = work.take() {
            if crash::profile::is_on() != is_open {
                is_open = !is_open;
                os::open_to_profiler(is_open);
            }
            let announce = body();
            os::name_thread("mt-idle");
            let mut state = self.state.lock();
            let is_closed = state.is_closed;
            if !is_closed {
                state.idle.push(Arc::clone(&seat));
            }
            drop(state);
            if let Some(announce) = announce {
                announce();
            }
            if is_closed {
                break;
            }
            work = self.next_work(&seat);
        }
        let mut state = self.state.lock();
        state.alive -= 1;
        if !state.is_closed {
            state.handles.remove(&id);
        }
        self.changed.notify_all();
    }

    fn next_work(&self, seat: &Seat) -> Option<Work> {
        if let Some(work) = seat.take(Some(KEEP)) {
            return Some(work);
        }
        let mut state = self.state.lock();
        let before = state.idle.len();
        state.idle.retain(|other| other.id != seat.id);
        let is_promised = state.idle.len() == before;
        drop(state);
        // Not in the list any more: work was handed over in the last moment, or the pool closed.
        if is_promised { seat.take(None) } else { None }
    }

    /// Ends all threads without work, and waits until every thread is gone or `limit` is over. Returns how many are left.
    pub fn close(&self, limit: Duration) -> usize {
        let until = Instant::now() + limit;
        let mut state = self.state.lock();
        state.is_closed = true;
        // An empty piece of work makes a waiting thread look again.
        for seat in state.idle.drain(..) {
            seat.give(Box::new(|| None));
        }
        while state.alive > 0 && Instant::now() < until {
            self.changed.wait_until(&mut state, until);
        }
        let (alive, handles) = (state.alive, std::mem::take(&mut state.handles));
        drop(state);
        // Those that are left behind inside a call cannot be waited for; the others are on their last instructions.
        for handle in handles.into_values().filter(|handle| alive == 0 || handle.is_finished()) {
            let _ = handle.join();
        }
        alive
    }
}

impl Seat {
    fn give(&self, work: Work) {
        *self.work.lock() = Some(work);
        self.given.notify_one();
    }

    /// Waits for work; None when the time is over first.
    fn take(&self, limit: Option<Duration>) -> Option<Work> {
        let until = limit.map(|limit| Instant::now() + limit);
        let mut work = self.work.lock();
        while work.is_none() {
            match until {
                None => self.given.wait(&mut work),
                Some(until) if self.given.wait_until(&mut work, until).timed_out() => break,
                Some(_) => {}
            }
        }
        work.take()
    }
}

impl<T> Task<T> {
    /// Waits for the result. None where the thread vanished without one.
    pub fn join(&self) -> Option<T> {
        self.result.recv().ok()
    }

    /// Whether its result is there to be taken.
    pub fn is_finished(&self) -> bool {
        !self.result.is_empty()
    }

    pub fn join_timeout(&self, limit: Duration) -> Option<T> {
        self.result.recv_timeout(limit).ok()
    }
}

/// A panic that was caught, as an error with the place where it happened.
fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".into());
    let place = PANIC.with(|cell| cell.borrow_mut().take()).unwrap_or_default();
    Error::new(Code::PANIC, format!("internal panic: {words}")).at("internal").with_detail(&place)
}

/// The place of a panic is only known while it happens. The hook of before runs for panics of threads that are not ours.
fn remember_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if OWNER.with(Cell::get) == 0 {
                return before(info);
            }
            let text = format!("{info}\n{:?}", backtrace::Backtrace::new());
            PANIC.with(|cell| *cell.borrow_mut() = Some(text));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_an_error_with_its_place() {
        let pool = ThreadPool::new();
        let task = pool.spawn::<()>("mt-test".into(), 7, || panic!("on purpose {}", 1)).unwrap();
        let error = task.join().unwrap().unwrap_err();
        assert_eq!(error.code(), Code::PANIC);
        assert!(error.message().contains("on purpose 1"));
        assert!(error.detail().contains("threads.rs"), "{}", error.detail());
        assert_eq!(pool.counts().0, 0);
    }

    #[test]
    fn threads_are_used_again_and_go_away() {
        let pool = ThreadPool::new();
        for _ in 0..50 {
            pool.spawn("mt-test".into(), 1, || Ok(())).unwrap().join().unwrap().unwrap();
        }
        assert!(pool.state.lock().next < 50, "fifty tasks one after the other need fewer than fifty threads");
        assert_eq!(pool.close(Duration::from_secs(10)), 0);
        assert_eq!(pool.spawn("mt-test".into(), 1, || Ok(())).err().map(|e| e.code()), Some(Code::ESHUTDOWN));
    }

    #[test]
    fn threads_of_ours_block_asynchronous_signals_and_have_names() {
        let pool = ThreadPool::new();
        let status = pool
            .spawn("mt-named".into(), 1, || Ok(std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default()))
            .unwrap()
            .join()
            .unwrap()
            .unwrap();
        assert!(status.contains("mt-named"));
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap_or_default().trim();
        let mask = u64::from_str_radix(blocked, 16).unwrap();
        for signal in [1, 2, 13, 14, 15, 17, 23] {
            assert!(mask >> (signal - 1) & 1 == 1, "signal {signal} is not blocked: {blocked}");
        }
        for fault in [4, 6, 7, 8, 11] {
            assert!(mask >> (fault - 1) & 1 == 0, "fault {fault} is blocked: {blocked}");
        }
    }
}
