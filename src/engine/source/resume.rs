//! A source that is read: it is opened again when it breaks off, and its packets go on in the streams that the job knows.

use super::connect::{Connector, Refused};
use super::forms::Forms;
use super::state::SourceState;
use crate::av::{Packet, Rational};
use crate::engine::context::JobContext;
use crate::engine::counters::add;
use crate::engine::files::OpenInput;
use crate::engine::input_stream::StreamPlan;
use crate::engine::slate::Slate;
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// After so many tries a source may come back without some of its streams.
const WHOLE_TRIES: u32 = 3;
/// How often it is looked whether anybody takes part.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub struct SourceInput {
    connector: Connector,
    /// The streams that the job knows.
    known: Vec<Known>,
    /// Of each stream of what is open now: which of the known ones it is.
    map: Vec<Option<usize>>,
    forms: Forms,
    /// The first URL, opened again while an alternate is read.
    returned: Arc<Returned>,
    /// When it was opened, last.
    opened_at: Instant,
    /// When somebody took part, last.
    wanted_at: Instant,
}

#[derive(Default)]
struct Returned {
    is_there: AtomicBool,
    open: Mutex<Option<OpenInput>>,
    /// Somebody looks for it.
    is_sought: AtomicBool,
}

#[derive(Clone)]
struct Known {
    kind: MediaKind,
    codec: i32,
    time_base: Rational,
    extradata: Vec<u8>,
    is_used: bool,
    /// Nothing before the next key frame.
    needs_key: bool,
    /// What goes with its next packet: parameters that changed.
    new_extradata: Option<Vec<u8>>,
}

impl SourceInput {
    /// Opens a source for the first time. None: the input is no source.
    pub fn open(
        context: &Arc<JobContext>,
        job: &JobSpec,
        index: usize,
    ) -> Result<Option<(OpenInput, SourceInput)>, Error> {
        let Some(mut connector) = Connector::of(context, job, index)? else { return Ok(None) };
        let open = match connector.connect(&|_, _| Ok(())) {
            Ok(open) => open,
            Err(Refused::Failed(error)) => return Err(error),
            Err(Refused::Over) if context.is_ending() => return Err(Error::cancelled()),
            Err(Refused::Over) => {
                let error = Error::new(Code::ECANCELED, "the source was removed before it was there".into());
                return Err(error.at("open input").on_input(index, &job.inputs[index].url));
            }
        };
        let source = SourceInput {
            connector,
            known: Vec::new(),
            map: Vec::new(),
            forms: Forms::none(),
            returned: Arc::default(),
            opened_at: Instant::now(),
            wanted_at: Instant::now(),
        };
        Ok(Some((open, source)))
    }

    /// The streams are chosen, media flows.
    pub fn begin(&mut self, file: &OpenInput) {
        let known = file.streams.iter().map(|plan| Known {
            kind: plan.info.kind(),
            codec: plan.info.parameters.codec_id(),
            time_base: plan.info.time_base,
            extradata: plan.info.parameters.extradata().to_vec(),
            is_used: plan.is_used,
            needs_key: false,
            new_extradata: None,
        });
        self.known = known.collect();
        self.forms = Forms::of(file);
        self.map = (0..self.known.len()).map(Some).collect();
        self.seek_first();
        self.connector.context().live.timeline.begin(Instant::now());
    }

    /// Whether it is to be left: the first URL is back, or nobody wants it any more.
    pub fn is_to_be_left(&mut self) -> bool {
        if self.returned.is_there.load(Relaxed) || self.connector.source.is_removed() {
            return true;
        }
        let Some(linger) = self.connector.source.settings.linger else { return false };
        // Asked for each packet: who takes part is not counted each time.
        if self.wanted_at.elapsed() < linger.min(LOOK_EVERY) {
            return false;
        }
        if !self.connector.is_unwanted() {
            self.wanted_at = Instant::now();
        }
        self.wanted_at.elapsed() >= linger
    }

    /// Whether it was closed because nobody wants it any more, and not by its peer; once.
    pub fn was_left(&mut self) -> bool {
        self.connector.source.take_left()
    }

    /// It is gone, and its media ended there, in microseconds.
    pub fn leaves(&self, ends_us: Option<i64>) {
        let ends_us = ends_us.unwrap_or(0).saturating_sub(self.connector.source.settings.offset_us);
        self.connector.context().live.timeline.leave(ends_us);
    }

    /// It is back: how long after its end its next packet stands, in microseconds.
    pub fn joins(&self, ends_us: Option<i64>) -> i64 {
        let settings = &self.connector.source.settings;
        let now_us = self.connector.context().live.timeline.join(Instant::now(), settings.gap);
        let gap_us = now_us.zip(ends_us).map(|(now, ends)| now.saturating_add(settings.offset_us).saturating_sub(ends));
        gap_us.unwrap_or(0).max(0)
    }

    /// What its decoders show while it is away, and after which time.
    pub fn slate(&self) -> Option<(Slate, Duration)> {
        let settings = &self.connector.source.settings;
        settings.slate.map(|slate| (slate, settings.slate_after))
    }

    /// Whether it is closed, as nobody takes part.
    pub fn is_unwanted(&self) -> bool {
        self.connector.is_unwanted()
    }

    /// Whether the host took it out: that is no error.
    pub fn is_removed(&self) -> bool {
        self.connector.source.is_removed()
    }

    /// It broke off, or ended, or is to be left: opens it again, in `file`'s place. `why`: what it ended with.
    pub fn again(&mut self, file: &mut OpenInput, why: Option<&Error>) -> Result<(), Refused> {
        let next = self.returned.take();
        self.close(file);
        if let Some(error) = why {
            self.connector.source.lost(error);
            // One that hangs up at once is not asked without end.
            self.connector.rest(self.opened_at);
        }
        let open = match next {
            Some(open) => {
                self.connector.at = 0;
                let url = crate::secrets::mask_url(&self.connector.source.settings.urls[0]);
                self.connector.source.go(SourceState::Connecting, |status| status.url = url);
                self.connector.source.go(SourceState::Live, |_| {});
                open
            }
            None => {
                let known = self.known.clone();
                self.connector.connect(&move |open, failures| fits(&known, open, failures))?
            }
        };
        (self.opened_at, self.wanted_at) = (Instant::now(), Instant::now());
        self.connector.source.take_left();
        self.adopt(file, open);
        self.seek_first();
        Ok(())
    }

    /// A peer that does not answer does not hold up the next try: it is asked no more, and closed aside.
    fn close(&self, file: &mut OpenInput) {
        let Ok(outline) = file.input.outline() else { return };
        let old = std::mem::replace(&mut file.input, outline);
        file.clock.interrupt.cancel();
        let context = self.connector.context();
        // Where no thread can be had it is closed here.
        drop(context.threads.spawn_aside("mt-close", move || drop(old)));
    }

    fn adopt(&mut self, file: &mut OpenInput, open: OpenInput) {
        let OpenInput { mut input, clock, host, facts, streams, _closing, _closed, .. } = open;
        self.map = mapped(&self.known, &streams);
        for (index, (plan, place)) in streams.iter().zip(&self.map).enumerate() {
            let Some(place) = *place else { continue };
            let known = &mut self.known[place];
            known.time_base = plan.info.time_base; // brought to what the job knows, packet by packet
            if !known.is_used {
                continue;
            }
            input.set_discard(index, plan.discard);
            known.needs_key = known.kind == MediaKind::Video;
            // Where its form cannot be had, what it says of it cannot be used either.
            let extradata = self.forms.adopt(place, &plan.info.parameters).unwrap_or_default();
            if !extradata.is_empty() && extradata != known.extradata {
                known.new_extradata = Some(extradata.clone());
                known.extradata = extradata;
            }
        }
        self.connector.context().observer.input_opened(file.index, crate::engine::probe::describe(&input));
        file.input = input;
        file.host = host;
        file.facts = facts;
        file._closing = _closing;
        file._closed = _closed;
        file.clock = clock;
    }

    /// Makes a packet of what is open now one of the job's, whose streams have these time bases. False: it is none.
    pub fn map(&mut self, packet: &mut Packet, job_time_base: impl Fn(usize) -> Rational) -> bool {
        let index = usize::try_from(packet.stream_index()).unwrap_or(usize::MAX);
        let Some(place) = self.map.get(index).copied().flatten() else { return false };
        let known = &mut self.known[place];
        if known.needs_key && !packet.is_key() {
            return false;
        }
        if let Err(error) = self.forms.apply(place, packet) {
            let context = self.connector.context();
            add(&context.counters.packets_skipped, 1);
            context.warn("source", Some(place), &format!("a packet was left out: {}", error.words()));
            return false;
        }
        known.needs_key = false;
        if let Some(extradata) = known.new_extradata.take() {
            // Only memory can be lacking; most streams say it again in their packets.
            let _ = packet.add_new_extradata(&extradata);
        }
        let time_base = job_time_base(place);
        if known.time_base != time_base {
            packet.rescale(known.time_base, time_base);
        }
        packet.set_stream_index(place as i32);
        true
    }

    /// The stream of what is open now that is one of the job's.
    pub fn own_index(&self, stream: usize) -> Option<usize> {
        self.map.iter().position(|place| *place == Some(stream))
    }

    /// While an alternate is read, the first URL is tried aside.
    fn seek_first(&self) {
        if self.connector.at == 0 || self.returned.is_sought.swap(true, Relaxed) {
            return;
        }
        let (beside, returned, known) = (self.connector.beside(), Arc::clone(&self.returned), self.known.clone());
        let context = Arc::clone(self.connector.context());
        let look = move || {
            let is_over =
                || beside.source.is_removed() || beside.context().is_ending() || Arc::strong_count(&returned) == 1;
            let fits = |open: &OpenInput, _: u32| fits(&known, open, 0);
            while !is_over() {
                let until = Instant::now() + beside.source.settings.return_after;
                while Instant::now() < until && !is_over() {
                    beside.context().sleep(Duration::from_millis(50));
                }
                if is_over() {
                    break;
                }
                if let Some(open) = beside.try_first(&fits) {
                    *returned.open.lock() = Some(open);
                    returned.is_there.store(true, Relaxed);
                    break;
                }
            }
            returned.is_sought.store(false, Relaxed);
        };
        if context.threads.spawn_aside("mt-return", look).is_err() {
            self.returned.is_sought.store(false, Relaxed);
        }
    }
}

impl Returned {
    fn take(&self) -> Option<OpenInput> {
        self.is_there.store(false, Relaxed);
        self.open.lock().take()
    }
}

impl Drop for SourceInput {
    fn drop(&mut self) {
        self.connector.end();
    }
}

/// Which of the known streams each of those is: of the same kind and codec, in their order.
fn mapped(known: &[Known], streams: &[StreamPlan]) -> Vec<Option<usize>> {
    let mut is_taken = vec![false; known.len()];
    let place = |plan: &StreamPlan| {
        let is_it = |known: &Known| known.kind == plan.info.kind() && known.codec == plan.info.parameters.codec_id();
        let place = known.iter().enumerate().position(|(place, known)| !is_taken[place] && is_it(known))?;
        is_taken[place] = true;
        Some(place)
    };
    streams.iter().map(place).collect()
}

/// A source comes back whole, with every stream that the job uses; after some tries one of them is enough.
fn fits(known: &[Known], open: &OpenInput, failures: u32) -> Result<(), Error> {
    let map = mapped(known, &open.streams);
    let is_there = |place: usize| map.contains(&Some(place));
    let used = || (0..known.len()).filter(|place| known[*place].is_used);
    let Some(missing) = used().find(|place| !is_there(*place)) else { return Ok(()) };
    if failures >= WHOLE_TRIES && used().any(is_there) {
        return Ok(());
    }
    let (kind, codec) = (known[missing].kind.word(), crate::av::codec_name(known[missing].codec));
    let text = format!("'{}' came back without its {kind} stream ({codec})", crate::secrets::mask_url(&open.url));
    Err(Error::new(Code::DEMUX, text).at("open input").on_input(open.index, &open.url).on_stream(missing))
}
