//! What a stream of an output does when it cannot be made any more (-mt_degrade): its decoder or its encoder fails so many times in a row, its
//! graph cannot be built, or the muxer refuses its packets. Without the option all of that is as ffmpeg has it.

use super::activity::Doing;
use super::context::JobContext;
use super::degraded::{Choice, Degraded};
use super::inbox::Inbox;
use super::mux::StreamReady;
use super::mux_thread::MuxItem;
use super::observer::LEVEL_ERROR;
use super::packet_form::PacketForm;
use crate::av::{Parameters, Rational};
use crate::error::{Code, Error};
use crate::options::{FileSpec, StreamFacts, parse_integer};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Failures in a row, where -mt_degrade_after says nothing: a second of pictures, half a second of sound.
const AFTER: u32 = 25;
/// How long the reader of a source waits for an encoder that ends.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// How a stream that is encoded can be copied instead.
struct Fallback {
    source: Parameters,
    /// As it would have been described from the beginning; None once it was, and where the container does not take it.
    ready: Option<Box<StreamReady>>,
}

#[derive(Default)]
struct State {
    /// Stage, error, failures.
    why: Option<(String, Error, u32)>,
    is_settled: bool,
    fallback: Option<Fallback>,
    /// Of the encoder, once it is open.
    encoded: Option<(Parameters, Rational)>,
    /// The source's packets go on from here: in this time base, and brought to this form.
    begins: Option<(Rational, Option<PacketForm>)>,
    copies: bool,
    is_source_over: bool,
}

/// The choice for one stream of an output, and what came of it. Shared by all that feed it.
pub struct Degrade {
    choice: Choice,
    pub after: u32,
    context: Weak<JobContext>,
    output: usize,
    stream: usize,
    is_given_up: AtomicBool,
    state: Mutex<State>,
}

impl Degrade {
    /// None where the stream has no such option.
    pub fn of(
        context: &Arc<JobContext>,
        spec: &FileSpec,
        facts: &[StreamFacts],
        output: usize,
        stream: usize,
    ) -> Result<Option<Arc<Degrade>>, Error> {
        let after = spec.for_stream("mt_degrade_after", facts, stream).and_then(parse_integer);
        let Some(word) = spec.for_stream("mt_degrade", facts, stream) else {
            return match after {
                Some(_) if spec.all("mt_degrade").next().is_none() => {
                    Err(Error::option("option mt_degrade_after needs -mt_degrade".into()).on_stream(stream))
                }
                _ => Ok(None),
            };
        };
        let choice = Choice::of_word(word).ok_or_else(|| {
            Error::option(format!("option mt_degrade has the unknown value '{word}'; it takes fail, drop or copy"))
                .on_stream(stream)
        })?;
        Ok(Some(Arc::new(Degrade {
            choice,
            after: after.map_or(AFTER, |after| after.max(1) as u32),
            context: Arc::downgrade(context),
            output,
            stream,
            is_given_up: AtomicBool::new(false),
            state: Mutex::default(),
        })))
    }

    pub fn may_copy(&self) -> bool {
        self.choice == Choice::Copy
    }

    /// How it can be copied. `ready`: as it is described before the header; None where the container takes no such stream.
    pub fn set_source(&self, source: Parameters, ready: Option<StreamReady>) {
        self.state.lock().fallback = Some(Fallback { source, ready: ready.map(Box::new) });
    }

    /// Its encoder is open, and its header may be written.
    pub fn encoder_opened(&self, ready: &StreamReady) {
        let parameters = ready.parameters.duplicate().ok();
        self.state.lock().encoded = parameters.map(|parameters| (parameters, ready.time_base));
    }

    pub fn is_given_up(&self) -> bool {
        self.is_given_up.load(Relaxed)
    }

    /// It cannot be made any more; only the first time counts. An error where that fails the job.
    pub fn give_up(&self, stage: &str, error: &Error, failures: u32) -> Result<(), Error> {
        let mut state = self.state.lock();
        if state.why.is_some() {
            return Ok(());
        }
        state.why = Some((stage.to_owned(), error.clone(), failures));
        drop(state);
        self.is_given_up.store(true, Relaxed);
        if self.choice != Choice::Fail {
            return Ok(());
        }
        self.state.lock().is_settled = true;
        self.tell(Choice::Fail, "");
        let text = format!("{}: {failures} in a row (-mt_degrade fail)", error.message());
        Err(Error::new(error.code(), text).at(error.stage()).on_stream(self.stream))
    }

    /// The muxer takes no more of it.
    pub fn refused(&self, error: &Error, failures: u32) -> Result<(), Error> {
        self.give_up("mux", error, failures)?;
        if !std::mem::replace(&mut self.state.lock().is_settled, true) {
            self.tell(Choice::Drop, "");
        }
        Ok(())
    }

    /// Nothing more comes of its encoder. True where copies come in its place, and their end is not the encoder's to tell.
    pub fn settle(&self, mux: &Inbox<MuxItem>) -> bool {
        let mut state = self.state.lock();
        if state.why.is_none() || std::mem::replace(&mut state.is_settled, true) {
            return false;
        }
        let (choice, why_not) = match self.choice {
            Choice::Copy => match state.copy() {
                Ok(()) => (Choice::Copy, String::new()),
                Err(why) => (Choice::Drop, format!("; it cannot be copied, as {why}")),
            },
            other => (other, String::new()),
        };
        if choice == Choice::Copy
            && state.encoded.is_none()
            && let Some(ready) = state.fallback.as_mut().and_then(|fallback| fallback.ready.take())
        {
            mux.send_last(self.stream, MuxItem::Ready(ready));
        }
        if choice == Choice::Drop && state.encoded.is_none() {
            mux.send_last(self.stream, MuxItem::LeaveOut);
        }
        let copies = choice == Choice::Copy && !state.is_source_over;
        state.copies = copies;
        drop(state);
        self.tell(choice, &why_not);
        copies
    }

    /// For who reads its source: whether copies may still be wanted, of one that was given up.
    pub fn awaits_copy(&self) -> bool {
        if !self.may_copy() || !self.is_given_up() {
            return false;
        }
        let state = self.state.lock();
        !state.is_settled || state.copies
    }

    /// Waits while the encoder gives what it holds. Not without end: a graph may want something else first.
    pub fn wait_until_settled(&self, context: &JobContext) {
        let until = Instant::now() + MOST_WAIT;
        let _waiting = Doing::Threads.begin(0);
        while !self.state.lock().is_settled && !context.is_ending() && Instant::now() < until {
            context.sleep(Duration::from_millis(5));
        }
    }

    /// The source's packets go on from here, in this time base and form.
    pub fn begins(&self) -> Option<(Rational, Option<PacketForm>)> {
        if !self.is_given_up() {
            return None;
        }
        let mut state = self.state.lock();
        if state.copies { state.begins.take() } else { None }
    }

    /// No more comes of its source. True where its end is to be told by who reads it.
    pub fn source_ended(&self) -> bool {
        let mut state = self.state.lock();
        state.is_source_over = true;
        state.copies
    }

    fn tell(&self, choice: Choice, why_not: &str) {
        let (Some(context), Some((stage, error, failures))) = (self.context.upgrade(), self.state.lock().why.clone())
        else {
            return;
        };
        let done = match choice {
            Choice::Fail => "the job fails",
            Choice::Drop => "the stream ends here",
            Choice::Copy => "its source is copied from here on",
        };
        let text = format!("{}{why_not}: {done} (-mt_degrade {})", error.message(), self.choice.word());
        let line = format!("stream {}:{}: {text}", context.output_number(self.output), self.stream);
        context.observer.log(LEVEL_ERROR, error.stage(), Some(self.stream), &line);
        context.observer.degraded(&Degraded {
            output: context.output_number(self.output),
            stream: self.stream,
            choice,
            stage,
            failures,
            code: error.code().to_c(),
            text,
        });
    }
}

impl State {
    /// Finds out how it is copied from here on, or why not.
    fn copy(&mut self) -> Result<(), String> {
        let fallback = self.fallback.as_ref().ok_or("it is made by a graph of its own")?;
        self.begins = Some(match (&self.encoded, &fallback.ready) {
            (Some((encoded, time_base)), _) => {
                let form = PacketForm::instead_of(encoded, &fallback.source)?;
                (*time_base, form)
            }
            (None, Some(ready)) => (ready.time_base, None),
            (None, None) => return Err("the container does not take it".into()),
        });
        Ok(())
    }
}

/// Whether a component that fails so can be left out. What is over a limit, or lacks memory, is never only one stream's affair.
pub fn is_its_own(error: &Error) -> bool {
    [Code::DECODE, Code::FILTER, Code::ENCODE].contains(&error.code()) && error.output().is_none()
}
