//! The events of a job, put in and pulled out.

use super::machine::take_lock;
use super::pair;
use criterion::Criterion;
use mt_transcode::job::{EventKind, EventQueue, Progress};
use parking_lot::Mutex;
use std::hint::black_box;
use std::time::Duration;

pub fn all(criterion: &mut Criterion) {
    pair(criterion, "event_progress", through_queue(progress), in_lock(progress));
    pair(criterion, "event_log", through_queue(line), in_lock(line));
}

fn progress() -> EventKind {
    EventKind::Progress(Progress::default())
}

fn line() -> EventKind {
    let text = "Timestamps are unset in a packet for stream 0, and will be guessed".to_owned();
    EventKind::Log { level: 24, stage: "mux".to_owned(), stream: Some(0), text, repeated: 0 }
}

fn through_queue(make: fn() -> EventKind) -> impl FnMut() {
    let queue = EventQueue::default();
    move || {
        queue.push(0, "job", make());
        let event = queue.next(Some(Duration::ZERO)).expect("the job is not freed");
        assert!(black_box(event).is_some(), "it was pushed");
    }
}

/// Both sides take a lock once, and the event and its label have memory.
fn in_lock(make: fn() -> EventKind) -> impl FnMut() {
    let lock = Mutex::new(0);
    move || {
        take_lock(&lock);
        drop(black_box(("job".to_owned(), make())));
        take_lock(&lock);
    }
}
