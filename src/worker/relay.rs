//! What the job in a worker tells, on its way to the host.

use super::bell::Bell;
use super::message::{DONE, EVENT, HANGS, NUMBERS, PROBED, error_to_json};
use super::numbers::numbers_to_json;
use super::sandbox::Confined;
use super::viewers::Told;
use super::wire::{write_frame, write_two_frames};
use crate::engine::{Counters, Degraded, Live, LogSink, Observer, SourceStatus, coarse_clock_us};
use crate::error::Error;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LEVEL_ERROR: i32 = 16;
/// Numbers come at most ten times a second.
const PROGRESS_US: i64 = 100_000;
const PIECE_BYTES: usize = 1 << 20;

pub struct Relay {
    control: Arc<Mutex<UnixStream>>,
    counters: Arc<Counters>,
    level: i32,
    is_watched: bool,
    was_written: AtomicBool,
    last_numbers_us: AtomicI64,
    /// There was progress since, which is told when it is time: who listens to the host is woken for that.
    is_late: AtomicBool,
    bell: Arc<Bell>,
    /// Who takes part in the job, and what was told of each.
    pub(super) live: Arc<Live>,
    pub(super) told: Mutex<Told>,
    /// Once it is closed: says of errors whether it was the sandbox.
    pub confined: OnceLock<Arc<Confined>>,
}

impl Relay {
    pub fn new(
        control: &Arc<Mutex<UnixStream>>,
        counters: &Arc<Counters>,
        bell: &Arc<Bell>,
        level: i32,
        is_watched: bool,
    ) -> Arc<Relay> {
        Arc::new(Relay {
            control: Arc::clone(control),
            counters: Arc::clone(counters),
            level,
            is_watched,
            was_written: AtomicBool::new(false),
            last_numbers_us: AtomicI64::new(0),
            is_late: AtomicBool::new(false),
            bell: Arc::clone(bell),
            live: Arc::default(),
            told: Mutex::default(),
            confined: OnceLock::new(),
        })
    }

    /// A host that is gone ends this process elsewhere.
    pub(super) fn send(&self, kind: u8, value: &Value) {
        let _ = write_frame(&self.control.lock(), kind, value.to_string().as_bytes());
    }

    pub fn numbers(&self) {
        self.send(NUMBERS, &numbers_to_json(&self.counters));
    }

    /// As [`Self::send`], after the numbers of this moment.
    fn send_with_numbers(&self, kind: u8, value: &Value) {
        let (numbers, value) = (numbers_to_json(&self.counters).to_string(), value.to_string());
        let _ = write_two_frames(&self.control.lock(), (NUMBERS, numbers.as_bytes()), (kind, value.as_bytes()));
    }

    /// Tells what waits to be told. Returns after how long there may be more; None: when the bell rings.
    pub fn tell(&self) -> Option<Duration> {
        self.viewers(&self.live.viewers());
        let viewers = (self.live.running() > 0).then_some(PROGRESS_US);
        let late = self.is_late.load(Relaxed).then(|| {
            let left = self.last_numbers_us.load(Relaxed) + PROGRESS_US - coarse_clock_us();
            if left <= 0 {
                self.progress();
            }
            left.max(1000)
        });
        viewers.into_iter().chain(late).min().map(|time| Duration::from_micros(time.unsigned_abs()))
    }

    fn explain(&self, error: &Error) -> Error {
        self.confined.get().map_or_else(|| error.clone(), |confined| confined.explain(error.clone()))
    }

    /// JSON of a probe, which may be long.
    pub fn probed(&self, json: &str) {
        for piece in json.as_bytes().chunks(PIECE_BYTES) {
            let _ = write_frame(&self.control.lock(), PROBED, piece);
        }
    }

    pub fn done(&self, result: &Result<(), Error>) {
        self.send_with_numbers(DONE, &result.as_ref().err().map_or(Value::Null, error_to_json));
    }
}

impl Observer for Relay {
    fn input_opened(&self, input: usize, json: String) {
        self.send(EVENT, &json!({"kind": "input", "input": input, "json": json}));
    }

    fn running(&self) {
        self.send_with_numbers(EVENT, &json!({"kind": "running"}));
    }

    fn progress(&self) {
        let now = coarse_clock_us();
        let last = self.last_numbers_us.load(Relaxed);
        if now - last >= PROGRESS_US && self.last_numbers_us.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
            self.is_late.store(false, Relaxed);
            self.send_with_numbers(EVENT, &json!({"kind": "progress"}));
        } else if !self.is_late.load(Relaxed) && !self.is_late.swap(true, Relaxed) {
            self.bell.ring();
        }
    }

    fn output_finished(&self, output: usize, size_bytes: u64, error: Option<&Error>) {
        self.last_numbers(output);
        let error = error.map(|error| error_to_json(&self.explain(error)));
        self.send(EVENT, &json!({"kind": "output", "output": output, "size_bytes": size_bytes, "error": error}));
    }

    fn log(&self, level: i32, stage: &str, stream: Option<usize>, text: &str) {
        if level <= self.level.max(LEVEL_ERROR) {
            self.send(EVENT, &json!({"kind": "log", "level": level, "stage": stage, "stream": stream, "text": text}));
        }
    }

    /// The first packet after all outputs were begun: what there is then is told apart (`Job::first_report`).
    fn written(&self) {
        let is_begun = || self.counters.outputs.lock().iter().all(|output| output.is_begun.load(Relaxed));
        if !self.was_written.load(Relaxed) && is_begun() && !self.was_written.swap(true, Relaxed) {
            self.send_with_numbers(EVENT, &json!({"kind": "written"}));
        }
    }

    /// The host kills who cannot end.
    fn stuck(&self, error: &Error) {
        self.send(HANGS, &error_to_json(error));
    }

    fn is_watched(&self) -> bool {
        self.is_watched
    }

    fn sdp(&self, text: &str) {
        self.send(EVENT, &json!({"kind": "sdp", "text": text}));
    }

    fn source(&self, input: usize, status: &SourceStatus) {
        self.send(EVENT, &json!({"kind": "source", "input": input, "status": status.to_json()}));
    }

    fn degraded(&self, degraded: &Degraded) {
        self.send(EVENT, &json!({"kind": "degraded", "degraded": degraded.to_json()}));
    }

    fn wants(&self, level: i32) -> bool {
        level <= self.level
    }
}

impl LogSink for Relay {
    fn max_level(&self) -> i32 {
        self.level.max(LEVEL_ERROR)
    }

    fn line(&self, level: i32, stage: &str, text: &str) {
        self.log(level, stage, None, text);
    }
}
