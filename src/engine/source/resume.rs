//! A source that is read: it is opened again when it breaks off, and its packets go on in the streams that the job knows.

use super::connect::{Connector, Refused};
use super::state::SourceState;
use crate::av::{Packet, Rational};
use crate::engine::context::JobContext;
use crate::engine::files::OpenInput;
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// After so many tries a source may come back without some of its streams.
const WHOLE_TRIES: u32 = 3;

pub struct SourceInput {
    connector: Connector,
    /// The streams that the job knows.
    known: Vec<Known>,
    /// Of each stream of what is open now: which of the known ones it is.
    map: Vec<Option<usize>>,
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
        self.map = (0..self.known.len()).map(Some).collect();
        self.seek_first();
    }

    /// Whether it is to be left: the first URL is back, or nobody wants it any more.
    pub fn is_to_be_left(&mut self) -> bool {
        if self.returned.is_there.load(Relaxed) || self.connector.source.is_removed() {
            return true;
        }
        let Some(linger) = self.connector.source.settings.linger else { return false };
        if !self.connector.is_unwanted() {
            self.wanted_at = Instant::now();
        }
        self.wanted_at.elapsed() >= linger
    }

    /// The time that it was gone is a gap in its timestamps.
    pub fn keeps_gap(&self) -> bool {
        self.connector.source.settings.keeps_gap
    }

    /// Whether the host took it out: that is no error.
    pub fn is_removed(&self) -> bool {
        self.connector.source.is_removed()
    }

    /// It broke off, or ended, or is to be left: opens it again, in `file`'s place. `why`: what it ended with. Returns how long it was gone.
    pub fn again(&mut self, file: &mut OpenInput, why: Option<&Error>) -> Result<Duration, Refused> {
        let left_at = Instant::now();
        let next = self.returned.take();
        self.close(file);
        if let Some(error) = why {
            self.connector.source.failed(error);
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
        self.adopt(file, open);
        self.seek_first();
        Ok(left_at.elapsed())
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
            let Some(known) = place.map(|place| &mut self.known[place]).filter(|known| known.is_used) else { continue };
            input.set_discard(index, plan.discard);
            known.needs_key = known.kind == MediaKind::Video;
            let extradata = plan.info.parameters.extradata();
            if !extradata.is_empty() && extradata != known.extradata {
                known.extradata = extradata.to_vec();
                known.new_extradata = Some(extradata.to_vec());
            }
        }
        self.connector.context().observer.input_opened(file.index, crate::engine::probe::describe(&input));
        // Times are brought to what the job knows, packet by packet.
        let time_bases: Vec<Rational> = streams.iter().map(|plan| plan.info.time_base).collect();
        for (place, time_base) in self.map.iter().zip(time_bases) {
            if let Some(place) = place {
                self.known[*place].time_base = time_base;
            }
        }
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
fn mapped(known: &[Known], streams: &[crate::engine::input_stream::StreamPlan]) -> Vec<Option<usize>> {
    let mut is_taken = vec![false; known.len()];
    let place = |plan: &crate::engine::input_stream::StreamPlan| {
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
