//! What the machine takes for the least things, and the limits that are made of them.

use criterion::Criterion;
use parking_lot::Mutex;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Instant;

pub const PIECE_BYTES: usize = 64 << 10;
pub const RING_BYTES: usize = 1 << 20;
const LARGE_BYTES: usize = 64 << 20;

pub fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machine");
    let counter = AtomicU64::new(0);
    group.bench_function("atomic", |bencher| bencher.iter(|| counter.fetch_add(1, Ordering::SeqCst)));
    let lock = Mutex::new(0u64);
    group.bench_function("lock", |bencher| bencher.iter(|| *lock.lock() += 1));
    group.bench_function("clock", |bencher| bencher.iter(Instant::now));
    group.bench_function("syscall", |bencher| bencher.iter(std::os::unix::process::parent_id));
    let echo = Echo::new();
    group.bench_function("round_trip", |bencher| bencher.iter(|| echo.call()));
    let (from, mut to) = (vec![1u8; PIECE_BYTES], vec![0u8; PIECE_BYTES]);
    group.bench_function("memcpy_64k", |bencher| bencher.iter(|| to.copy_from_slice(black_box(&from))));
    let (from, mut to) = (vec![1u8; LARGE_BYTES], vec![0u8; LARGE_BYTES]);
    group.sample_size(10);
    group.bench_function("memcpy_64m", |bencher| bencher.iter(|| to.copy_from_slice(black_box(&from))));
    group.finish();
}

/// A piece copied into a ring and out of it.
pub struct Copies {
    piece: Vec<u8>,
    ring: Vec<u8>,
    at: usize,
}

impl Copies {
    pub fn new(piece_bytes: usize) -> Copies {
        Copies { piece: vec![1; piece_bytes], ring: vec![0; RING_BYTES], at: 0 }
    }

    pub fn run(&mut self) {
        let place = self.at..self.at + self.piece.len();
        self.ring[place.clone()].copy_from_slice(black_box(&self.piece));
        self.piece.copy_from_slice(black_box(&self.ring[place]));
        self.at = if self.at + 2 * self.piece.len() > RING_BYTES { 0 } else { self.at + self.piece.len() };
    }
}

/// A lock that nobody else wants, taken and given back.
pub fn take_lock(lock: &Mutex<u64>) {
    *black_box(lock).lock() += 1;
}

/// A thread that answers each call: two wake-ups by the kernel, nothing else.
pub struct Echo {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    is_called: AtomicBool,
    is_over: AtomicBool,
    caller: Thread,
}

impl Echo {
    pub fn new() -> Echo {
        let (is_called, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = Arc::new(Shared { is_called, is_over, caller: std::thread::current() });
        let answering = Arc::clone(&shared);
        Echo { shared, thread: Some(std::thread::spawn(move || answering.answer())) }
    }

    pub fn call(&self) {
        self.shared.is_called.store(true, Ordering::Release);
        self.wake();
        while self.shared.is_called.load(Ordering::Acquire) {
            std::thread::park();
        }
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Shared {
    fn answer(&self) {
        while !self.is_over.load(Ordering::Acquire) {
            if self.is_called.swap(false, Ordering::AcqRel) {
                self.caller.unpark();
            } else {
                std::thread::park();
            }
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
