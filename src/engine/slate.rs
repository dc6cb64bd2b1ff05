//! What decoded streams show while their source is away (-mt_slate): told by the reader of the input, made by the decoders (`decode_slate`).

use super::context::JobContext;
use super::decode::PacketItem;
use super::demux::Demuxer;
use super::demux_thread::Routes;
use super::files::OpenInput;
use super::inbox::Inbox;
use super::plan::OpenOutput;
use crate::error::Error;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often decoders are told how long it has been.
const TICK: Duration = Duration::from_millis(20);

/// What is shown; sound is silence in either case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slate {
    Black,
    /// The last picture that was there.
    Last,
}

/// The decoders of an input that show a slate.
pub struct SlateFeed {
    pub inboxes: Vec<Arc<Inbox<PacketItem>>>,
    /// How long the source must be gone.
    pub after: Duration,
}

/// A source is away, as long as this lives.
pub struct Away(Arc<Clock>);

struct Clock {
    inboxes: Vec<Arc<Inbox<PacketItem>>>,
    after: Duration,
    began: Instant,
    /// Where its streams ended, in microseconds.
    from_us: i64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_over: bool,
    is_shown: bool,
}

impl SlateFeed {
    /// None where the input has no slate.
    pub fn of(demuxer: &Demuxer, routes: &[Routes]) -> Option<SlateFeed> {
        let (_, after) = demuxer.source.as_ref()?.slate()?;
        let inboxes = routes.iter().filter(|routes| !routes.is_subtitle).filter_map(|routes| routes.decode.clone());
        Some(SlateFeed { inboxes: inboxes.collect(), after })
    }

    /// The source is gone; its streams ended at `from_us`.
    pub fn begin(&self, context: &Arc<JobContext>, from_us: i64) -> Away {
        let (inboxes, began) = (self.inboxes.clone(), Instant::now());
        let clock = Arc::new(Clock { inboxes, after: self.after, began, from_us, state: Mutex::default() });
        let (ticking, own) = (Arc::clone(&clock), Arc::clone(context));
        let tick = move || {
            while !own.is_ending() && ticking.tick() {
                std::thread::sleep(TICK);
            }
        };
        if context.threads.spawn_aside("mt-slate", tick).is_err() {
            context.warn("source", None, "there is no thread for a slate: nothing is shown while the source is away");
        }
        Away(clock)
    }
}

impl Clock {
    /// False when it is over.
    fn tick(&self) -> bool {
        let mut state = self.state.lock();
        if !state.is_over && self.began.elapsed() >= self.after {
            state.is_shown = true;
            self.tell(self.began.elapsed());
        }
        !state.is_over
    }

    /// Decoders fill the time up to now. One that has not done so yet hears it with the next tick: nothing piles up.
    fn tell(&self, gone: Duration) {
        let until_us = self.from_us.saturating_add(gone.as_micros() as i64);
        for inbox in self.inboxes.iter().filter(|inbox| inbox.is_empty()) {
            inbox.send_last(0, PacketItem::Slate { until_us });
        }
    }
}

impl Away {
    /// It is back. How much time was filled; None where it was back before anything was shown.
    pub fn end(&self) -> Option<Duration> {
        let mut state = self.0.state.lock();
        state.is_over = true;
        let gone = self.0.began.elapsed();
        if !state.is_shown {
            return None;
        }
        let until_us = self.0.from_us.saturating_add(gone.as_micros() as i64);
        self.0.inboxes.iter().for_each(|inbox| inbox.send_last(0, PacketItem::Slate { until_us }));
        Some(gone)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.0.state.lock().is_over = true;
    }
}

/// A copy has no pictures to show.
pub fn check(inputs: &[OpenInput], outputs: &[OpenOutput]) -> Result<(), Error> {
    let shows = |input: usize| inputs[input].source.as_ref().is_some_and(|source| source.slate().is_some());
    for output in outputs {
        let is_refused = |stream: &super::plan::OutStream| {
            stream.work.is_copy() && stream.source.is_some_and(|(input, _)| shows(input))
        };
        if let Some(index) = output.streams.iter().position(is_refused) {
            let text =
                format!("option mt_slate: stream {}:{index} is copied, and a copy has nothing to show", output.index);
            return Err(Error::option(text)
                .with_hint(
                    "Encode the stream (-c), or leave -mt_slate out: its times go on, or have a gap with -mt_gap keep.",
                )
                .on_output(output.index, &output.url)
                .on_stream(index));
        }
    }
    Ok(())
}
