//! The ring of a pipe, as a host uses both of its sides.

use super::machine::{Copies, Echo, PIECE_BYTES, RING_BYTES, take_lock};
use super::pair;
use criterion::Criterion;
use mt_transcode::engine::{Pipe, PipeConfig, PipeListener, Wait};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;

/// Nobody is told.
struct Nobody;

impl PipeListener for Nobody {
    fn ready(&self, _: u32) {}
    fn descriptors(&self, _: i64) {}
    fn show_at(&self, _: Instant) {}
    fn high_water(&self, _: u64) {}
}

/// An MPEG-TS packet.
const SMALL_BYTES: usize = 188;

pub fn all(criterion: &mut Criterion) {
    pair(criterion, "pipe_64k", through_pipe(PIECE_BYTES), through_copies(PIECE_BYTES));
    pair(criterion, "pipe_188", through_pipe(SMALL_BYTES), through_copies(SMALL_BYTES));
    let lock = Mutex::new(0);
    pair(criterion, "pipe_regions", through_regions(), || (0..4).for_each(|_| take_lock(&lock)));
    let echo = Echo::new();
    pair(criterion, "pipe_threads", through_thread(), || echo.call());
}

fn new_pipe() -> Arc<Pipe> {
    let config = PipeConfig::new(RING_BYTES as u64, 0, 0, 0).expect("a pipe of 1 MiB");
    Pipe::new(config, &Arc::default(), Box::new(Nobody)).expect("memory")
}

fn through_pipe(bytes: usize) -> impl FnMut() {
    let (pipe, written, mut read) = (new_pipe(), vec![1; bytes], vec![0; bytes]);
    move || {
        let count = pipe.write(&written, Wait::Never).expect("there is room");
        let mut at = 0;
        while at < count {
            at += pipe.read(&mut read[at..], Wait::Never).expect("it was written");
        }
    }
}

/// As much memory is moved, and both sides take a lock once.
fn through_copies(bytes: usize) -> impl FnMut() {
    let (mut copies, lock) = (Copies::new(bytes), Mutex::new(0));
    move || {
        take_lock(&lock);
        copies.run();
        take_lock(&lock);
    }
}

/// Without copies: four calls.
fn through_regions() -> impl FnMut() {
    let pipe = new_pipe();
    move || {
        let (_, room) = pipe.acquire(Wait::Never).expect("there is room");
        let count = room.min(PIECE_BYTES) as u64;
        pipe.commit(count).expect("it was acquired");
        let (_, count) = pipe.peek(Wait::Never).expect("it was written");
        pipe.consume(count as u64).expect("it was peeked at");
    }
}

/// A byte to another thread, which sends one back.
fn through_thread() -> impl FnMut() {
    let (there, back) = (new_pipe(), new_pipe());
    let (from, to) = (Arc::clone(&there), Arc::clone(&back));
    std::thread::spawn(move || {
        let mut byte = [0];
        while from.read(&mut byte, Wait::Forever).is_ok_and(|count| count == 1)
            && to.write(&byte, Wait::Forever).is_ok()
        {}
    });
    let mut byte = [1];
    move || {
        there.write(&byte, Wait::Forever).expect("there is room");
        back.read(&mut byte, Wait::Forever).expect("it answers");
    }
}
