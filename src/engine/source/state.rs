//! What a source is at: one of these states, and no other steps between them than those of the table.

use super::settings::SourceSettings;
use crate::av::Interrupt;
use crate::engine::context::JobContext;
use crate::error::Error;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The numbers are C's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceState {
    /// It is opened when somebody wants it.
    Idle = 0,
    /// It is being opened.
    Connecting = 1,
    Live = 2,
    /// It failed, and is tried again soon.
    Waiting = 3,
    /// The circuit of its host is open.
    Blocked = 4,
    /// It was removed, or its job ends, or it is not tried any more.
    Ended = 5,
}

impl SourceState {
    const ALL: [SourceState; 6] = [
        SourceState::Idle,
        SourceState::Connecting,
        SourceState::Live,
        SourceState::Waiting,
        SourceState::Blocked,
        SourceState::Ended,
    ];

    pub fn to_c(self) -> u32 {
        self as u32
    }

    pub fn word(self) -> &'static str {
        match self {
            SourceState::Idle => "idle",
            SourceState::Connecting => "connecting",
            SourceState::Live => "live",
            SourceState::Waiting => "waiting",
            SourceState::Blocked => "blocked",
            SourceState::Ended => "ended",
        }
    }

    /// The machine. A state may follow itself: with another reason, or another try.
    pub fn may_become(self, next: SourceState) -> bool {
        use SourceState::*;
        match self {
            Idle => matches!(next, Connecting | Blocked | Ended),
            Connecting => matches!(next, Live | Waiting | Blocked | Idle | Connecting | Ended),
            Live => matches!(next, Connecting | Waiting | Blocked | Idle | Ended),
            Waiting | Blocked => matches!(next, Connecting | Waiting | Blocked | Idle | Ended),
            Ended => false,
        }
    }
}

/// What is told of a source.
#[derive(Clone, Debug)]
pub struct SourceStatus {
    pub state: SourceState,
    /// Why, with secrets masked; empty where all is well.
    pub reason: String,
    /// What it failed with, last; 0 where it did not.
    pub code: i32,
    /// With secrets masked.
    pub url: String,
    /// Tries that failed since it was live.
    pub failures: u32,
    /// How often it was live.
    pub connections: u64,
    /// Until the next try.
    pub retry_in: Option<Duration>,
}

impl SourceStatus {
    /// Of one that was not opened yet.
    pub fn new(url: &str) -> SourceStatus {
        let url = crate::secrets::mask_url(url);
        let state = SourceState::Idle;
        SourceStatus { state, reason: String::new(), code: 0, url, failures: 0, connections: 0, retry_in: None }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "state": self.state.word(),
            "url": self.url,
            "reason": self.reason,
            "code": self.code,
            "failures": self.failures,
            "connections": self.connections,
            "retry_in_ms": self.retry_in.map(|time| time.as_millis() as u64),
        })
    }

    /// What [`Self::to_json`] made.
    pub fn of_json(value: &Value) -> Option<SourceStatus> {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| value[key].as_u64();
        Some(SourceStatus {
            state: SourceState::ALL.into_iter().find(|state| value["state"] == state.word())?,
            reason: text("reason"),
            code: value["code"].as_i64().unwrap_or(0) as i32,
            url: text("url"),
            failures: number("failures").unwrap_or(0) as u32,
            connections: number("connections").unwrap_or(0),
            retry_in: number("retry_in_ms").map(Duration::from_millis),
        })
    }
}

pub struct Source {
    pub index: usize,
    pub settings: SourceSettings,
    context: Weak<JobContext>,
    is_removed: AtomicBool,
    /// It was closed because nobody wanted it any more.
    is_left: AtomicBool,
    /// When the last one left who wanted it; somebody waits for what it is to stay open.
    left_at: Mutex<(Option<Instant>, bool)>,
    status: Mutex<SourceStatus>,
    /// End what it waits for at its peers.
    interrupts: Mutex<Vec<Weak<Interrupt>>>,
}

impl Source {
    pub fn new(context: &Arc<JobContext>, index: usize, settings: SourceSettings) -> Arc<Source> {
        let status = SourceStatus::new(&settings.urls[0]);
        Arc::new(Source {
            index,
            settings,
            context: Arc::downgrade(context),
            is_removed: AtomicBool::new(false),
            is_left: AtomicBool::new(false),
            left_at: Mutex::default(),
            status: Mutex::new(status),
            interrupts: Mutex::default(),
        })
    }

    pub fn status(&self) -> SourceStatus {
        self.status.lock().clone()
    }

    /// Goes to a state, and tells it. What the machine does not know does not happen.
    pub(super) fn go(&self, state: SourceState, change: impl FnOnce(&mut SourceStatus)) {
        let mut status = self.status.lock();
        if !status.state.may_become(state) {
            return;
        }
        status.state = state;
        status.retry_in = None;
        change(&mut status);
        if state == SourceState::Live {
            status.connections += 1;
            status.failures = 0;
        }
        // What the host asked for is no failure, whatever the last try was.
        if state == SourceState::Live || state == SourceState::Ended && self.is_removed() {
            (status.reason, status.code) = (String::new(), 0);
        }
        let told = status.clone();
        drop(status);
        if let Some(context) = self.context.upgrade() {
            context.observer.source(self.index, &told);
        }
    }

    /// It was live, and broke off: no try has failed yet.
    pub(super) fn lost(&self, error: &Error) {
        let mut status = self.status.lock();
        status.reason = error.message().to_owned();
        status.code = error.code().to_c();
    }

    /// A try failed.
    pub(super) fn failed(&self, error: &Error) {
        self.status.lock().failures += 1;
        self.lost(error);
    }

    /// What it is opened and read through: a removal ends that.
    pub fn reads_by(&self, interrupt: &Arc<Interrupt>) {
        let mut interrupts = self.interrupts.lock();
        interrupts.retain(|other| other.strong_count() > 0);
        interrupts.push(Arc::downgrade(interrupt));
        drop(interrupts);
        if self.is_removed() {
            interrupt.cancel();
        }
    }

    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Relaxed)
    }

    /// Whether it was closed because nobody wanted it; once.
    pub(super) fn take_left(&self) -> bool {
        self.is_left.swap(false, Relaxed)
    }

    /// Nobody wants it any more: one on demand is closed after its time, also where its peer is silent and no packet comes.
    pub fn unwanted(self: &Arc<Self>) {
        let (Some(linger), Some(context)) = (self.settings.linger, self.context.upgrade()) else { return };
        let mut left_at = self.left_at.lock();
        left_at.0 = Some(Instant::now());
        if std::mem::replace(&mut left_at.1, true) {
            return;
        }
        drop(left_at);
        let (source, threads) = (Arc::clone(self), Arc::clone(&context.threads));
        // Without a thread it is closed when its next packet comes.
        if threads.spawn_aside("mt-linger", move || source.linger(linger, &context)).is_err() {
            self.left_at.lock().1 = false;
        }
    }

    fn linger(&self, linger: Duration, context: &JobContext) {
        loop {
            let mut left_at = self.left_at.lock();
            let left = left_at.0.map_or(Duration::ZERO, |at| (at + linger).saturating_duration_since(Instant::now()));
            if left.is_zero() || context.is_ending() {
                left_at.1 = false;
                break;
            }
            drop(left_at);
            context.sleep(left.min(Duration::from_millis(100)));
        }
        if !context.is_ending() && context.live.running() == 0 {
            self.is_left.store(true, Relaxed);
            self.give_up();
        }
    }

    fn give_up(&self) {
        self.interrupts.lock().iter().filter_map(Weak::upgrade).for_each(|interrupt| interrupt.cancel());
        if let Some(context) = self.context.upgrade() {
            context.rouse();
        }
    }

    /// It ends, and is never opened again; the job goes on with its others.
    pub fn remove(&self) {
        self.is_removed.store(true, Relaxed);
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::SourceState::{self, *};
    use super::SourceStatus;

    #[test]
    fn an_end_is_final_and_nothing_is_live_without_connecting() {
        let all = SourceState::ALL;
        assert!(all.iter().all(|next| !Ended.may_become(*next)));
        assert!(all.iter().filter(|state| state.may_become(Live)).eq([&Connecting]));
        for state in all {
            let status = SourceStatus { state, ..SourceStatus::new("u") };
            assert_eq!(SourceStatus::of_json(&status.to_json()).map(|status| status.state), Some(state));
        }
        assert!(all.iter().filter(|state| **state != Ended).all(|state| state.may_become(Ended)));
    }
}
