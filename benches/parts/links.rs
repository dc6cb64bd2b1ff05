//! The links between the threads of a job.

use super::machine::{Echo, take_lock};
use super::pair;
use criterion::Criterion;
use mt_transcode::engine::{Identity, Inbox, Interrupt, JobContext, Nobody, ThreadPool, Weight};
use parking_lot::Mutex;
use std::sync::Arc;

/// As heavy as a packet of audio.
struct Item;

impl Weight for Item {
    fn weight_bytes(&self) -> usize {
        512
    }
}

pub fn all(criterion: &mut Criterion) {
    let lock = Mutex::new(0);
    pair(criterion, "link", through_link(), || (0..2).for_each(|_| take_lock(&lock)));
    let echo = Echo::new();
    pair(criterion, "link_threads", through_thread(), || echo.call());
}

/// With the queues of two streams.
fn new_link() -> Arc<Inbox<Item>> {
    let identity = Identity { link_budget_bytes: 1 << 20, ..Identity::default() };
    let context = JobContext::new(Interrupt::new(), Arc::default(), Arc::new(Nobody), ThreadPool::new(), identity);
    Inbox::new(&context, vec![("video".into(), 8), ("audio".into(), 8)])
}

fn through_link() -> impl FnMut() {
    let link = new_link();
    move || {
        assert!(link.send(0, Item).is_ok(), "it is not closed");
        assert!(link.receive(None).is_some(), "it was sent");
    }
}

/// An item to another thread, which sends one back.
fn through_thread() -> impl FnMut() {
    let (there, back) = (new_link(), new_link());
    let (from, to) = (Arc::clone(&there), Arc::clone(&back));
    std::thread::spawn(move || while from.receive(None).is_some_and(|(queue, item)| to.send(queue, item).is_ok()) {});
    move || {
        assert!(there.send(0, Item).is_ok(), "it is not closed");
        assert!(back.receive(None).is_some(), "it answers");
    }
}
