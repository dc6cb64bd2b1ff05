//! One file held to its limits.

use super::limits::{Kind, Limits};
use super::watcher::Watcher;
use crate::av::Interrupt;
use crate::engine::context::JobContext;
use crate::engine::source::{Attempt, is_source};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long an output whose time is over has for its trailer, where nothing else is said.
const ENDING: Duration = Duration::from_secs(5);

/// The time of one input or output.
pub struct Clock {
    limits: Limits,
    /// What its calls ask whether to give up.
    pub interrupt: Arc<Interrupt>,
    is_input: bool,
    index: usize,
    url: String,
    began: Instant,
    state: Mutex<State>,
    /// Ends it where nobody calls into it: the queue of an output.
    on_over: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Somebody connected, or the first packet came.
    is_there: AtomicBool,
    /// A file of its own, which has no peer to wait for: no write of it is broken off because all of its time is over.
    is_plain_file: AtomicBool,
    watcher: Arc<Watcher>,
    /// Of a source that is opened: a call that does not end is left behind alone.
    attempt: Option<Arc<Attempt>>,
}

#[derive(Default)]
struct State {
    /// What it is at, the time that ends it first, and since when.
    call: Option<Call>,
    open_spent: Duration,
    /// When each of its streams had a packet, last: what was waited for elsewhere is taken off.
    streams: Vec<Option<Instant>>,
    left_at: Option<Instant>,
    /// What was over first.
    over: Option<Kind>,
    is_ended: bool,
}

#[derive(Clone, Copy)]
struct Call {
    stage: &'static str,
    kind: Kind,
    began: Instant,
    over: Option<(Kind, Instant)>,
}

impl Clock {
    pub fn of_input(context: &JobContext, job: &JobSpec, index: usize) -> Arc<Clock> {
        Clock::new(context, Limits::of(job, &job.inputs[index], true), true, (index, &job.inputs[index]))
    }

    pub fn of_output(context: &JobContext, job: &JobSpec, index: usize) -> Arc<Clock> {
        Clock::new(context, Limits::of(job, &job.outputs[index], false), false, (index, &job.outputs[index]))
    }

    fn new(context: &JobContext, limits: Limits, is_input: bool, (index, file): (usize, &FileSpec)) -> Arc<Clock> {
        // A source can be removed, and its job goes on.
        let source = context.live.source(index).filter(|_| is_input && is_source(file));
        let clock = Arc::new(Clock {
            limits,
            interrupt: match limits.is_empty() && source.is_none() {
                true => Arc::clone(&context.interrupt),
                false => Interrupt::of_file(&context.interrupt),
            },
            is_input,
            index,
            url: file.url.clone(),
            began: Instant::now(),
            state: Mutex::default(),
            on_over: OnceLock::new(),
            is_there: AtomicBool::new(false),
            is_plain_file: AtomicBool::new(false),
            watcher: Arc::clone(&context.deadlines),
            attempt: Attempt::current(),
        });
        if let Some(source) = source {
            source.reads_by(&clock.interrupt);
        }
        if !limits.is_empty() {
            context.deadlines.add(context, &clock);
        }
        clock
    }

    /// Whether its time may be over while nobody calls into it.
    pub fn runs_idle(&self) -> bool {
        !self.is_input && (self.limits.get(Kind::Idle).is_some() || self.limits.get(Kind::Total).is_some())
    }

    /// What to do when its time is over and nobody calls into it; once.
    pub fn when_over(&self, end: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_over.set(Box::new(end));
        let is_over = self.state.lock().over.is_some();
        if let Some(end) = self.on_over.get().filter(|_| is_over) {
            end();
        }
    }

    /// Which of an input's streams must give packets for it not to be idle.
    pub fn expect_streams(&self, wanted: impl Iterator<Item = bool>) {
        if self.limits.get(Kind::Idle).is_some() {
            let now = Instant::now();
            self.state.lock().streams = wanted.map(|is_wanted| is_wanted.then_some(now)).collect();
        }
    }

    /// A call into FFmpeg, or to the host, that is to end in time.
    pub fn timed<T>(&self, stage: &'static str, kind: Kind, body: impl FnOnce() -> T) -> T {
        self.begin(stage, kind);
        let result = body();
        self.end();
        result
    }

    fn begin(&self, stage: &'static str, kind: Kind) {
        if self.limits.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.over.is_some() {
            return; // it stays over
        }
        if let Some(left) = state.left_at.take() {
            let away = now - left;
            state.streams.iter_mut().flatten().for_each(|last| *last += away);
        }
        let over = self.first_over(&state, kind, now);
        self.interrupt.give_up_at(over.map(|(_, until)| until));
        if let Some((kind, _)) = over.filter(|(_, until)| *until <= now) {
            state.over = Some(kind); // while it was not asked for anything
            return;
        }
        state.call = Some(Call { stage, kind, began: now, over });
        drop(state);
        if let Some((_, until)) = over {
            self.watcher.expect(until);
        }
    }

    /// Which time ends a call that begins now, and when.
    fn first_over(&self, state: &State, kind: Kind, now: Instant) -> Option<(Kind, Instant)> {
        let after = |kind, from: Instant| Some((kind, from.checked_add(self.limits.get(kind)?)?));
        let own = match kind {
            Kind::Open => after(kind, now).and_then(|(kind, until)| Some((kind, until.checked_sub(state.open_spent)?))),
            _ => after(kind, now),
        };
        let is_awaited = !self.is_there.load(Relaxed) && (self.is_input || kind == Kind::Open);
        let wait = after(Kind::Wait, self.began).filter(|_| is_awaited);
        let stalest = state.streams.iter().flatten().min().filter(|_| kind == Kind::Read);
        let idle = stalest.and_then(|last| after(Kind::Idle, *last));
        let total = after(Kind::Total, self.began).filter(|_| !self.is_plain_file.load(Relaxed));
        [own, wait, idle, total].into_iter().flatten().min_by_key(|(_, until)| *until)
    }

    fn end(&self) {
        if self.limits.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        let Some(call) = state.call.take() else { return };
        let now = Instant::now();
        if call.kind == Kind::Open {
            state.open_spent += now - call.began;
        }
        state.left_at = Some(now);
        if self.interrupt.was_late() {
            state.over = call.over.map(|(kind, _)| kind);
        } else {
            self.interrupt.give_up_at(None);
        }
    }

    /// A packet came, or was taken. `stream`: of an input.
    pub fn packet(&self, stream: Option<usize>) {
        if self.limits.is_empty() {
            return;
        }
        self.is_there.store(true, Relaxed);
        if self.limits.get(Kind::Idle).is_none() {
            return;
        }
        let mut state = self.state.lock();
        match stream {
            Some(stream) => {
                if let Some(last) = state.streams.get_mut(stream).and_then(Option::as_mut) {
                    *last = Instant::now();
                }
            }
            None => state.streams = vec![Some(Instant::now())],
        }
    }

    /// Somebody is connected.
    pub fn set_there(&self) {
        self.is_there.store(true, Relaxed);
    }

    /// It is a regular file: it ends between two packets, and whole.
    pub fn set_plain_file(&self) {
        self.is_plain_file.store(true, Relaxed);
    }

    /// The error, where its time is over.
    pub fn error(&self, stage: &'static str) -> Option<Error> {
        let over = if self.limits.is_empty() { None } else { self.state.lock().over };
        over.map(|over| self.error_of(over, stage))
    }

    fn error_of(&self, kind: Kind, stage: &'static str) -> Error {
        let limit_ms = self.limits.get(kind).unwrap_or_default().as_millis();
        let side = if self.is_input { "input" } else { "output" };
        let option = kind.option();
        let text = format!(
            "{side} {} '{}' {} within {limit_ms} ms (-{option})",
            self.index,
            crate::secrets::mask_url(&self.url),
            kind.words(self.is_input)
        );
        let hint = format!("Check whether the peer answers, or raise {option} of this {side}; 0 is no limit.");
        let error = Error::new(Code::ETIMEDOUT, text).at(stage).with_hint(&hint);
        if self.is_input { error.on_input(self.index, &self.url) } else { error.on_output(self.index, &self.url) }
    }

    /// Before the trailer: an output that was late itself may still end well, one whose peer is gone may not.
    pub fn begin_ending(&self) {
        let mut state = self.state.lock();
        state.is_ended = true;
        if matches!(state.over, Some(Kind::Idle | Kind::Total)) {
            let grace = self.limits.get(Kind::Write).unwrap_or(ENDING);
            self.interrupt.give_up_at(Instant::now().checked_add(grace));
        }
    }

    /// Its end has as long as a packet.
    fn begin_closing(&self) {
        self.state.lock().is_ended = true;
        self.begin("close", if self.is_input { Kind::Read } else { Kind::Write });
    }

    /// Looks at it from outside. When to look again; or the error, where it is in a call that does not end by itself.
    pub(super) fn look(&self, now: Instant, grace: Duration) -> Result<Option<Instant>, Error> {
        let mut state = self.state.lock();
        let may_idle = self.runs_idle() && !state.is_ended && state.over.is_none();
        let after = |kind, from: Instant| Some((kind, from.checked_add(self.limits.get(kind)?)?));
        let total = after(Kind::Total, self.began);
        // No call of a plain file is broken off for this: its queue ends behind it.
        let ends_after_call =
            may_idle && self.is_plain_file.load(Relaxed) && total.is_some_and(|(_, until)| until <= now);
        if let Some(call) = state.call.filter(|_| !ends_after_call) {
            // Nobody says when the call ends, and from then on time may run out again.
            let after_call = may_idle.then(|| now + grace);
            let Some((kind, until)) = call.over else { return Ok(after_call) };
            return match (until + grace <= now, &self.attempt) {
                (true, Some(attempt)) if call.kind == Kind::Open => {
                    attempt.is_stuck(self.error_of(kind, call.stage));
                    Ok(None)
                }
                (true, _) => Err(self.error_of(kind, call.stage)),
                (false, _) => Ok([Some(until + grace), after_call].into_iter().flatten().min()),
            };
        }
        if !may_idle {
            return Ok(None);
        }
        let last = state.streams.iter().flatten().min().copied();
        // Who was busy, opening or writing, was not idle.
        let idle = after(Kind::Idle, last.max(state.left_at).unwrap_or(self.began)).filter(|_| !ends_after_call);
        let first = [idle, total].into_iter().flatten().min_by_key(|(_, until)| *until);
        let Some((kind, until)) = first else { return Ok(None) };
        if now < until {
            return Ok(Some(until));
        }
        state.over = Some(kind);
        drop(state);
        if let Some(end) = self.on_over.get() {
            end();
        }
        Ok(None)
    }
}

/// Dropped before an input is closed: closing has its time too.
pub struct ClosingBegins(pub Arc<Clock>);

impl Drop for ClosingBegins {
    fn drop(&mut self) {
        self.0.begin_closing();
    }
}

/// Dropped after an input was closed.
pub struct ClosingEnds(pub Arc<Clock>);

impl Drop for ClosingEnds {
    fn drop(&mut self) {
        self.0.end();
    }
}
