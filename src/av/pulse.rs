//! What a thread of a job is at, written by itself with a few plain stores and read by anybody: for who looks whether it hangs.

use super::os::coarse_clock_us;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Of one thread.
pub struct Pulse {
    /// Its kernel's id.
    pub thread: i32,
    pub name: String,
    beats: AtomicU64,
    /// What it is at, in words of its owner's; 0 is work.
    doing: AtomicU64,
    since_us: AtomicI64,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Pulse>>> = const { RefCell::new(None) };
}

impl Pulse {
    pub fn new(thread: i32, name: String) -> Arc<Pulse> {
        let since_us = AtomicI64::new(coarse_clock_us());
        Arc::new(Pulse { thread, name, beats: AtomicU64::new(0), doing: AtomicU64::new(0), since_us })
    }

    /// Grows whenever the thread gets on.
    pub fn beats(&self) -> u64 {
        self.beats.load(Relaxed)
    }

    /// What it is at, and since when by the coarse clock.
    pub fn doing(&self) -> (u64, i64) {
        (self.doing.load(Relaxed), self.since_us.load(Relaxed))
    }

    /// On its own thread.
    fn count(&self) {
        self.beats.store(self.beats.load(Relaxed).wrapping_add(1), Relaxed);
    }

    fn set(&self, doing: u64) -> u64 {
        self.since_us.store(coarse_clock_us(), Relaxed);
        self.count();
        self.doing.swap(doing, Relaxed)
    }
}

/// The calling thread's pulse from here on. Returns the one that it had.
pub fn install(pulse: Option<Arc<Pulse>>) -> Option<Arc<Pulse>> {
    CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), pulse))
}

/// The calling thread gets on: FFmpeg asked whether to give up, say, which it does where it waits for a peer; or a frame came or went.
pub fn beat() {
    // A thread that ends has no pulse any more.
    let _ = CURRENT.try_with(|current| {
        if let Some(pulse) = &*current.borrow() {
            pulse.count();
        }
    });
}

/// The calling thread is at something else until the mark is dropped. Nothing on a thread without a pulse.
pub struct Mark {
    before: u64,
}

impl Mark {
    pub fn begin(doing: u64) -> Mark {
        let set = CURRENT.try_with(|current| current.borrow().as_ref().map_or(0, |pulse| pulse.set(doing)));
        Mark { before: set.unwrap_or(0) }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.borrow().as_ref().map(|pulse| pulse.set(self.before)));
    }
}
