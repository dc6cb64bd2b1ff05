//! The events of one job, in order, waiting to be pulled. A job never waits for its events: progress replaces older progress, equal
//! log lines are counted, and of too many log lines the oldest are dropped and counted.

use super::handle::State;
use super::progress::Progress;
use crate::engine::{Degraded, EventFd, SourceStatus};
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub struct Event {
    /// From 1; a gap means that something was merged or dropped.
    pub sequence: u64,
    /// Microseconds since the job was started.
    pub time_us: i64,
    pub label: String,
    pub kind: EventKind,
}

#[derive(Clone, Debug)]
pub enum EventKind {
    State(State),
    InputOpened { input: usize, json: String },
    Progress(Progress),
    Log { level: i32, stage: String, stream: Option<usize>, text: String, repeated: u32 },
    OutputFinished { output: usize, size_bytes: u64, error: Option<Error> },
    PipeHighWater { name: String, fill_bytes: u64 },
    Source { input: usize, status: SourceStatus },
    Degraded(Degraded),
    Done { error: Option<Error> },
}

/// Log lines that may wait.
const MAX_LINES: usize = 512;
/// Changes of sources that may wait.
const MAX_SOURCES: usize = 128;
/// Ends of outputs that may wait: viewers come and go as long as a job runs.
const MAX_OUTPUTS: usize = 4096;

#[derive(Default)]
pub struct EventQueue {
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Event>,
    progress: Option<Event>,
    sequence: u64,
    lines: usize,
    dropped: u64,
    /// Who listens is told of events only after it has found none.
    is_quiet: bool,
    /// It has.
    was_asked: bool,
    /// DONE was pulled, or the job freed.
    is_over: bool,
    is_freed: bool,
    fd: Option<EventFd>,
}

impl EventQueue {
    pub fn new(is_quiet: bool) -> EventQueue {
        EventQueue { inner: Mutex::new(Inner { is_quiet, ..Inner::default() }), filled: Condvar::new() }
    }

    /// Adds an event. True where something waits now that did not before: who listens must be told, unless nobody does.
    pub fn push(&self, time_us: i64, label: &str, kind: EventKind) -> bool {
        let mut inner = self.inner.lock();
        if inner.is_over {
            return false;
        }
        let was_empty = inner.is_empty();
        inner.sequence += 1;
        let event = Event { sequence: inner.sequence, time_us, label: label.to_owned(), kind };
        match &event.kind {
            EventKind::Progress(_) => inner.progress = Some(event),
            EventKind::Log { .. } => inner.push_line(event),
            EventKind::PipeHighWater { .. } => inner.push_mark(event),
            EventKind::Source { .. } => {
                inner.push_bounded(event, MAX_SOURCES, |kind| matches!(kind, EventKind::Source { .. }));
            }
            EventKind::OutputFinished { .. } => {
                inner.push_bounded(event, MAX_OUTPUTS, |kind| matches!(kind, EventKind::OutputFinished { .. }));
            }
            _ => inner.events.push_back(event),
        }
        if let Some(fd) = &inner.fd {
            fd.raise();
        }
        self.filled.notify_one();
        was_empty && (!inner.is_quiet || std::mem::take(&mut inner.was_asked))
    }

    /// The next event; waits for it. None when the time is over.
    pub fn next(&self, timeout: Option<Duration>) -> Result<Option<Event>, Error> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut inner = self.inner.lock();
        loop {
            if inner.is_freed {
                return Err(Error::new(Code::EBADF, "the job was freed".into()));
            }
            if let Some(event) = inner.pop() {
                return Ok(Some(event));
            }
            if inner.is_over {
                return Err(Error::new(Code::ENODATA, "the last event was pulled".into()));
            }
            inner.was_asked = true;
            match until {
                None => self.filled.wait(&mut inner),
                Some(until) if Instant::now() >= until => return Ok(None),
                Some(until) => drop(self.filled.wait_until(&mut inner, until)),
            }
        }
    }

    /// The descriptor, made at the first call.
    pub fn fd(&self) -> Result<(RawFd, bool), Error> {
        let mut inner = self.inner.lock();
        if let Some(fd) = &inner.fd {
            return Ok((fd.raw(), false));
        }
        let fd = EventFd::new()?;
        if !inner.is_empty() {
            fd.raise();
        }
        let raw = fd.raw();
        inner.fd = Some(fd);
        Ok((raw, true))
    }

    pub fn lines_dropped(&self) -> u64 {
        self.inner.lock().dropped
    }

    /// The job was freed: who waits is told. Returns whether there was a descriptor.
    pub fn free(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.is_freed = true;
        inner.is_over = true;
        inner.events.clear();
        inner.progress = None;
        self.filled.notify_all();
        inner.fd.take().is_some()
    }
}

impl Inner {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.progress.is_none()
    }

    fn push_line(&mut self, event: Event) {
        let is_line = |event: &&mut Event| matches!(event.kind, EventKind::Log { .. });
        if let Some(last) = self.events.iter_mut().rev().find(is_line)
            && last.kind.counts_as_repeat(&event.kind)
        {
            return;
        }
        if self.lines >= MAX_LINES
            && let Some(oldest) = self.events.iter().position(|e| matches!(e.kind, EventKind::Log { .. }))
        {
            self.events.remove(oldest);
            self.dropped += 1;
            self.lines -= 1;
        }
        self.lines += 1;
        self.events.push_back(event);
    }

    /// A pipe can pass its mark often: one event of it waits at most.
    fn push_mark(&mut self, event: Event) {
        let EventKind::PipeHighWater { name: new, .. } = &event.kind else { return };
        let is_same = |e: &Event| matches!(&e.kind, EventKind::PipeHighWater { name, .. } if name == new);
        self.events.retain(|e| !is_same(e));
        self.events.push_back(event);
    }

    /// Of what comes and goes while nobody pulls, the latest are kept.
    fn push_bounded(&mut self, event: Event, most: usize, is_alike: impl Fn(&EventKind) -> bool) {
        if self.events.len() >= most
            && self.events.iter().filter(|event| is_alike(&event.kind)).count() >= most
            && let Some(oldest) = self.events.iter().position(|event| is_alike(&event.kind))
        {
            self.events.remove(oldest);
        }
        self.events.push_back(event);
    }

    fn pop(&mut self) -> Option<Event> {
        let first = self.events.front().map_or(u64::MAX, |event| event.sequence);
        let event = match self.progress.take_if(|progress| progress.sequence < first) {
            Some(progress) => progress,
            None => self.events.pop_front()?,
        };
        match event.kind {
            EventKind::Log { .. } => self.lines -= 1,
            EventKind::Done { .. } => self.is_over = true,
            _ => {}
        }
        if let Some(fd) = self.fd.as_ref().filter(|_| self.is_empty()) {
            fd.lower();
        }
        Some(event)
    }
}

impl EventKind {
    /// Whether `other` is this line again; then it is counted here.
    fn counts_as_repeat(&mut self, other: &EventKind) -> bool {
        let (
            EventKind::Log { level, stage, stream, text, repeated },
            EventKind::Log { level: l, stage: st, stream: sm, text: t, .. },
        ) = (self, other)
        else {
            return false;
        };
        let is_same = (&*level, &*stage, &*stream, &*text) == (l, st, sm, t);
        if is_same {
            *repeated = repeated.saturating_add(1);
        }
        is_same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> EventKind {
        EventKind::Log { level: 24, stage: "test".into(), stream: None, text: text.into(), repeated: 0 }
    }

    fn pulled(queue: &EventQueue) -> Vec<Event> {
        std::iter::from_fn(|| queue.next(Some(Duration::ZERO)).ok().flatten()).collect()
    }

    #[test]
    fn progress_is_merged_and_keeps_its_place_in_time() {
        let queue = EventQueue::default();
        queue.push(0, "", EventKind::Progress(Progress::default()));
        queue.push(1, "", line("a"));
        queue.push(2, "", EventKind::Progress(Progress { frames: 7, ..Progress::default() }));
        queue.push(3, "", EventKind::Done { error: None });
        let events = pulled(&queue);
        assert_eq!(events.iter().map(|e| e.sequence).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(matches!(&events[1].kind, EventKind::Progress(p) if p.frames == 7));
        assert_eq!(queue.next(None).err().map(|e| e.code()), Some(Code::ENODATA), "after DONE nothing comes");
    }

    #[test]
    fn equal_lines_are_counted_and_too_many_dropped() {
        let queue = EventQueue::default();
        (0..5).for_each(|i| assert!(queue.push(0, "", line("same")) == (i == 0)));
        let events = pulled(&queue);
        assert!(matches!(events[..], [Event { kind: EventKind::Log { repeated: 4, .. }, .. }]), "{events:?}");
        (0..600).for_each(|i| assert!(queue.push(0, "", line(&i.to_string())) == (i == 0)));
        assert_eq!(pulled(&queue).len(), MAX_LINES);
        assert_eq!(queue.lines_dropped(), 88);
    }

    #[test]
    fn a_quiet_queue_tells_only_who_has_found_nothing() {
        let queue = EventQueue::new(true);
        assert!(!queue.push(0, "", line("a")), "nobody asked");
        assert_eq!(pulled(&queue).len(), 1);
        assert!(queue.push(0, "", line("b")), "somebody found nothing");
        assert!(!queue.push(0, "", line("c")), "and was told");
        assert_eq!(pulled(&queue).len(), 2);
        assert!(queue.push(0, "", line("d")));
    }

    #[test]
    fn of_each_pipe_one_mark_waits() {
        let queue = EventQueue::default();
        for (name, fill_bytes) in [("in", 1), ("out", 2), ("in", 3)] {
            queue.push(0, "", EventKind::PipeHighWater { name: name.into(), fill_bytes });
        }
        let events = pulled(&queue);
        let fills = events.iter().map(|e| match &e.kind {
            EventKind::PipeHighWater { fill_bytes, .. } => *fill_bytes,
            _ => 0,
        });
        assert_eq!(fills.collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn of_ends_that_nobody_pulls_the_latest_are_kept() {
        let queue = EventQueue::default();
        (0..MAX_OUTPUTS + 5).for_each(|output| {
            queue.push(0, "", EventKind::OutputFinished { output, size_bytes: 0, error: None });
        });
        let events = pulled(&queue);
        assert_eq!(events.len(), MAX_OUTPUTS);
        assert!(matches!(events[0].kind, EventKind::OutputFinished { output: 5, .. }), "{:?}", events[0]);
    }

    #[test]
    fn a_free_wakes_who_waits() {
        let queue = std::sync::Arc::new(EventQueue::default());
        let waiter = std::thread::spawn({
            let queue = queue.clone();
            move || queue.next(None).err().map(|e| e.code())
        });
        std::thread::sleep(Duration::from_millis(20));
        queue.free();
        assert_eq!(waiter.join().unwrap(), Some(Code::EBADF));
    }
}
