//! One filter graph on its thread: frames in as the graph asks for them, frames out to the encoders.
//! Rules 20, 22, 24 and 25; source: `ifilter_send_frame`, `reap_filters` and `transcode_from_filter` of FFmpeg's
//! fftools/ffmpeg.c (5.1).

use super::context::JobContext;
use super::decode::FrameItem;
use super::encode::EncodeItem;
use super::encoder_open::{Opener, SourceFacts};
use super::errors::failed;
use super::filter_build::{SinkSettings, SourceFormat, SourceSettings, build};
use super::inbox::{CloseOnDrop, Inbox, Refused};
use super::mux_thread::Schedule;
use super::plan::{EncodePlan, GraphPlan};
use super::sub2video::{Sub2Video, source_format};
use crate::av::{AvError, Frame, Graph, NOPTS, TIME_BASE, rescale};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where the frames of one sink go.
pub struct Sink {
    pub settings: SinkSettings,
    pub encode: Arc<EncodePlan>,
    pub inbox: Arc<Inbox<EncodeItem>>,
    pub source: Option<SourceFacts>,
    pub decoder_bits: i32,
    pub header_flags: Option<String>,
    /// Samples of each frame, once the encoder is open.
    pub frame_size: i32,
    pub is_open: bool,
    pub is_done: bool,
}

/// One source of the graph.
pub struct SourceState {
    pub settings: SourceSettings,
    format: Option<SourceFormat>,
    /// Frames that wait until every source is known.
    waiting: VecDeque<Frame>,
    is_ended: bool,
    /// How many frames may wait beyond the usual while the graph wants another source.
    patience: usize,
    /// Frames in a row that the graph threw away.
    discarded: u32,
    /// -drop_changed has left out frames.
    has_dropped: bool,
    /// Where the next samples should begin, and whether the graph fills what is missing.
    next_pts: Option<i64>,
    /// Where the source is bitmap subtitles.
    canvas: Option<Sub2Video>,
}

const PATIENCE: usize = 32;
/// Samples are small, and what amix makes of them hangs on the order in which they come: they wait until the graph asks for them.
const PATIENCE_SAMPLES: usize = 4096;

impl SourceState {
    pub fn new(settings: SourceSettings) -> SourceState {
        SourceState {
            patience: if settings.kind == MediaKind::Audio { PATIENCE_SAMPLES } else { PATIENCE },
            settings,
            format: None,
            waiting: VecDeque::new(),
            is_ended: false,
            discarded: 0,
            has_dropped: false,
            next_pts: None,
            canvas: None,
        }
    }

    /// Of bitmap subtitles, whose pictures have one size from the beginning.
    pub fn of_subtitles(settings: SourceSettings, size: (i32, i32)) -> SourceState {
        let canvas = Some(Sub2Video::new(size, settings.time_base));
        SourceState { format: Some(source_format(size)), canvas, ..SourceState::new(settings) }
    }
}

pub struct FilterStage {
    pub context: Arc<JobContext>,
    pub schedule: Arc<Schedule>,
    /// By which the schedule knows the graph.
    pub number: usize,
    pub plan: GraphPlan,
    pub inbox: Arc<Inbox<FrameItem>>,
    pub sources: Vec<SourceState>,
    pub sinks: Vec<Sink>,
    pub graph: Option<Graph>,
    /// It is built anew where frames change.
    pub was_built: bool,
    /// Frames that came out since one went in.
    pub since_input: u64,
}

impl FilterStage {
    pub fn run(mut self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner();
        self.schedule.graph_wants(self.number, None);
        if self.context.is_cancelled() {
            return result;
        }
        // Also after an error: the encoders must not wait for more.
        let result = result.and_then(|()| self.open_remaining());
        self.send_ends();
        result
    }

    fn run_inner(&mut self) -> Result<(), Error> {
        if self.sources.is_empty() {
            self.configure()?;
        }
        while !self.sinks.iter().all(|sink| sink.is_done) && !self.context.is_cancelled() {
            let Some(wanted) = self.wanted_source()? else { return Ok(()) };
            // Before the graph is built there is nobody to give frames to.
            let patience: Vec<usize> = match &self.graph {
                Some(_) => self.sources.iter().map(|source| source.patience).collect(),
                None => Vec::new(),
            };
            match self.inbox.receive_patiently(Some(wanted), &patience) {
                Some((source, FrameItem::Frame(frame))) if source != wanted => self.offer(source, frame)?,
                Some((source, FrameItem::Frame(frame))) => self.frame(source, frame)?,
                Some((source, FrameItem::Shown { canvas, end_pts })) => self.shown(source, canvas, end_pts)?,
                Some((source, FrameItem::Heartbeat(pts))) => self.heartbeat(source, pts)?,
                Some((source, FrameItem::End(time_us))) => self.source_ended(source, time_us)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes what is ready, and finds the source that the graph needs next. None: all is out.
    fn wanted_source(&mut self) -> Result<Option<usize>, Error> {
        loop {
            if self.graph.is_none() {
                let unknown = self.sources.iter().position(|s| s.format.is_none() && !s.is_ended);
                if unknown.is_some() {
                    self.schedule.graph_wants(self.number, unknown);
                    return Ok(unknown);
                }
                if !self.configure_from_parameters()? {
                    return Ok(None);
                }
            }
            let is_stopped = self.sources.is_empty() && self.context.is_ending();
            let Some(graph) = &mut self.graph else { return Ok(None) };
            match graph.request_oldest() {
                Ok(()) => self.reap()?,
                Err(AvError::EOF) => {
                    self.reap()?;
                    return Ok(None);
                }
                Err(AvError::AGAIN) => {
                    self.reap()?;
                    let wanted = self.neediest();
                    if wanted.is_some() || self.sources.iter().all(|s| s.is_ended) {
                        return Ok(wanted);
                    }
                    return Ok(self.sources.iter().position(|s| !s.is_ended));
                }
                Err(error) => return Err(self.error(error)),
            }
            if is_stopped || self.context.is_cancelled() || self.sinks.iter().all(|sink| sink.is_done) {
                return Ok(None);
            }
        }
    }

    fn neediest(&self) -> Option<usize> {
        let graph = self.graph.as_ref()?;
        let open = (0..self.sources.len()).filter(|i| !self.sources[*i].is_ended);
        let requests = open.map(|i| (graph.failed_requests(i), i)).filter(|(count, _)| *count > 0);
        // Of those asked equally often, the first.
        requests.max_by_key(|(count, i)| (*count, std::cmp::Reverse(*i))).map(|(_, i)| i)
    }

    fn error(&self, error: AvError) -> Error {
        failed(error, "filter", Code::FILTER, &format!("the filter graph '{}' failed", self.plan.description))
    }

    /// Gives the graph a frame that it did not ask for. A graph that has had enough of a source (trim) throws its frames away,
    /// which shows in their reference count: such a source need not pile up in its link. One that keeps them is left alone.
    fn offer(&mut self, source: usize, frame: Frame) -> Result<(), Error> {
        let spare = frame.reference().map_err(|e| self.error(e))?;
        let before = spare.references();
        self.frame(source, frame)?;
        let is_kept = spare.references() >= before;
        let state = &mut self.sources[source];
        state.discarded = if is_kept { 0 } else { state.discarded + 1 };
        state.patience = match state.discarded {
            0 => state.patience.max(PATIENCE) * 2,
            1..=3 => state.patience,
            _ => 0,
        };
        Ok(())
    }

    fn frame(&mut self, source: usize, frame: Frame) -> Result<(), Error> {
        let new = SourceFormat::of_frame(&frame).map_err(|e| self.error(e))?;
        let state = &self.sources[source];
        let kind = state.settings.kind;
        let (is_other, must_rebuild) = match &state.format {
            Some(old) => (old.needs_rebuild(&new, kind), old.matrix != new.matrix || old.pool != new.pool),
            None => (true, false),
        };
        if (is_other || must_rebuild) && state.settings.drops_changed && self.graph.is_some() {
            self.warn_dropped(source);
            return Ok(());
        }
        let may_rebuild = state.settings.reinit || self.graph.is_none();
        if (is_other && may_rebuild) || must_rebuild {
            self.sources[source].format = Some(new);
            if self.sources.iter().any(|s| s.format.is_none()) {
                self.sources[source].waiting.push_back(frame);
                return Ok(());
            }
            // What is inside comes out before the graph is built anew.
            self.reap()?;
            self.configure()?;
        }
        self.push(source, &frame)
    }

    /// -drop_changed: says once that frames of another format are left out.
    fn warn_dropped(&mut self, source: usize) {
        if !std::mem::replace(&mut self.sources[source].has_dropped, true) {
            self.context.warn("filter", None, "frames of another format are left out (-drop_changed)");
        }
    }

    fn shown(&mut self, source: usize, canvas: Frame, end_pts: i64) -> Result<(), Error> {
        let Some(state) = &mut self.sources[source].canvas else { return Ok(()) };
        match state.picture(canvas, end_pts) {
            Ok(frame) => self.push(source, &frame),
            Err(error) => Err(self.error(error)),
        }
    }

    /// The file of a source of subtitles has come as far as `pts`.
    fn heartbeat(&mut self, source: usize, pts: i64) -> Result<(), Error> {
        let is_wanted = self.graph.as_ref().is_some_and(|graph| graph.failed_requests(source) > 0);
        let Some(state) = &mut self.sources[source].canvas else { return Ok(()) };
        let frames = state.heartbeat(pts, is_wanted).map_err(|e| self.error(e))?;
        frames.iter().try_for_each(|frame| self.push(source, frame))
    }

    /// aresample fills a gap with silence at once, however long it is (swr_next_pts).
    fn check_gap(&mut self, source: usize, frame: &Frame) -> Result<(), Error> {
        let state = &mut self.sources[source];
        let (Some(limit), MediaKind::Audio, pts) = (self.context.trust.limits.repeat, state.settings.kind, frame.pts())
        else {
            return Ok(());
        };
        let samples = i64::from(frame.samples()).max(1);
        let is_stretched = state.settings.audio.stretch > 0; // -async: an aresample that begins at zero
        let fills_gaps = self.plan.fills_gaps || is_stretched;
        let begins_at_zero = fills_gaps.then_some(0).filter(|_| self.plan.fills_from_zero || is_stretched);
        let expected = state.next_pts.or(begins_at_zero).unwrap_or(pts);
        if pts != NOPTS {
            state.next_pts = Some(pts.saturating_add(samples));
        }
        let missing = pts.saturating_sub(expected) / samples;
        match pts != NOPTS && fills_gaps && missing > limit.min(i64::MAX as u64) as i64 {
            true => Err(super::encode::too_many_frames(limit)),
            false => Ok(()),
        }
    }

    fn push(&mut self, source: usize, frame: &Frame) -> Result<(), Error> {
        self.check_gap(source, frame)?;
        let Some(graph) = &mut self.graph else { return Ok(()) };
        self.since_input = 0;
        match graph.send(source, frame) {
            Ok(()) => self.reap(),
            // This source has had enough; the others go on.
            Err(AvError::EOF) => {
                self.inbox.close_queue(source);
                self.sources[source].is_ended = true;
                Ok(())
            }
            Err(error) => Err(self.error(error)),
        }
    }

    fn source_ended(&mut self, source: usize, time_us: i64) -> Result<(), Error> {
        if let Some(canvas) = &mut self.sources[source].canvas
            && let Some(last) = canvas.end().map_err(|e| self.error(e))?
        {
            self.push(source, &last)?;
        }
        let state = &mut self.sources[source];
        state.is_ended = true;
        let base = match (state.settings.kind, &state.format) {
            (MediaKind::Audio, Some(format)) => crate::av::Rational::new(1, format.sample_rate.max(1)),
            _ => state.settings.time_base,
        };
        let pts = rescale(time_us, TIME_BASE, base);
        match &mut self.graph {
            Some(graph) => graph.close_source(source, pts).map_err(|e| self.error(e)),
            None => Ok(()),
        }
    }

    /// Every source is at its end and some never gave a frame: the container's word must do (rule 25). False where it does not.
    fn configure_from_parameters(&mut self) -> Result<bool, Error> {
        for state in self.sources.iter_mut().filter(|state| state.format.is_none()) {
            state.format = state.settings.fallback.clone();
        }
        if self.sources.iter().any(|state| state.format.is_none()) {
            self.context.warn("filter", None, "a stream ended before its format was known; what it feeds stays empty");
            return Ok(false);
        }
        self.configure()?;
        Ok(true)
    }

    /// Builds the graph for the formats that are known now, and gives it what waited.
    fn configure(&mut self) -> Result<(), Error> {
        let formats: Vec<SourceFormat> = self.sources.iter().filter_map(|s| s.format.clone()).collect();
        let settings: Vec<SourceSettings> = self.sources.iter().map(|s| s.settings.clone()).collect();
        let sinks: Vec<SinkSettings> = self.sinks.iter().map(|s| s.settings.clone()).collect();
        self.graph = None;
        let device = self.context.devices.for_filters(&self.context);
        let (is_first, log_slot) = (!self.was_built, self.context.log_slot);
        let mut graph = build(&self.plan, &settings, &formats, &sinks, is_first, log_slot, device.as_deref())?;
        for (index, sink) in self.sinks.iter_mut().enumerate() {
            let autoscale = sink.encode.video.autoscale;
            sink.settings.pin(&graph.sink_format(index), autoscale);
            if sink.is_open && sink.frame_size > 0 {
                graph.set_frame_size(index, sink.frame_size);
            }
        }
        self.graph = Some(graph);
        self.schedule.graph_wants(self.number, None);
        self.was_built = true;
        // The size of audio frames is set by the encoder, so that must be open before the first frame is taken.
        for index in 0..self.sinks.len() {
            if self.sinks[index].settings.kind == MediaKind::Audio && !self.sinks[index].is_open {
                self.open_encoder(index, None)?;
            }
        }
        for source in 0..self.sources.len() {
            while let Some(frame) = self.sources[source].waiting.pop_front() {
                self.push(source, &frame)?;
            }
            if self.sources[source].is_ended
                && let Some(graph) = &mut self.graph
            {
                graph
                    .close_source(source, i64::MIN)
                    .map_err(|e| failed(e, "filter", Code::FILTER, "cannot end a source"))?;
            }
        }
        Ok(())
    }

    /// Takes every frame that is ready and sends it on.
    fn reap(&mut self) -> Result<(), Error> {
        for index in 0..self.sinks.len() {
            loop {
                let mut frame = Frame::new().map_err(|e| self.error(e))?;
                let Some(graph) = &mut self.graph else { return Ok(()) };
                match graph.receive(index, &mut frame) {
                    Ok(()) => {}
                    Err(AvError::AGAIN | AvError::EOF) => break,
                    Err(error) => return Err(self.error(error)),
                }
                if !self.sinks[index].is_done {
                    self.check_repeat(index)?;
                    self.emit(index, frame)?;
                }
            }
        }
        Ok(())
    }

    /// Filters such as fps and loop make frames too. A graph without a source is the host's own.
    fn check_repeat(&mut self, sink: usize) -> Result<(), Error> {
        self.since_input += u64::from(self.sinks[sink].settings.kind == MediaKind::Video);
        match self.context.trust.limits.repeat {
            Some(limit)
                if self.since_input > limit.saturating_mul(self.sinks.len() as u64) && !self.sources.is_empty() =>
            {
                Err(super::encode::too_many_frames(limit))
            }
            _ => Ok(()),
        }
    }

    fn emit(&mut self, index: usize, frame: Frame) -> Result<(), Error> {
        if self.sinks[index].encode.is_closed {
            return Ok(());
        }
        if !self.sinks[index].is_open {
            self.open_encoder(index, Some(&frame))?;
        }
        self.send(index, EncodeItem::Frame(frame))
    }

    fn send(&mut self, index: usize, item: EncodeItem) -> Result<(), Error> {
        match self.sinks[index].inbox.send(0, item) {
            Ok(()) => Ok(()),
            Err(Refused::Closed) => {
                self.sinks[index].is_done = true;
                Ok(())
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    fn open_encoder(&mut self, index: usize, first: Option<&Frame>) -> Result<(), Error> {
        let Some(graph) = &mut self.graph else { return Ok(()) };
        let sink = &mut self.sinks[index];
        let opener = Opener {
            plan: &sink.encode,
            kind: sink.settings.kind,
            source: sink.source.as_ref(),
            is_graph_meta: graph.is_meta(),
            decoder_bits: sink.decoder_bits,
            log_slot: self.context.log_slot,
            header_flags: sink.header_flags.clone(),
        };
        let pool = graph.sink_pool(index).map_err(|e| failed(e, "encode", Code::ENOMEM, "no memory"))?;
        let format = graph.sink_format(index);
        let has_rate = format.frame_rate.num != 0;
        let hardware = self.context.devices.for_encoder(sink.encode.codec, format.format, pool);
        let open = opener.open(format, first, hardware)?;
        super::advice::on_encoder(&self.context, &sink.encode, &open.encoder, sink.settings.kind, has_rate);
        if sink.settings.kind == MediaKind::Audio && !sink.encode.codec.takes_any_frame_size() {
            sink.frame_size = open.encoder.frame_size();
            graph.set_frame_size(index, sink.frame_size);
        }
        sink.is_open = true;
        self.send(index, EncodeItem::Open(Box::new(open)))
    }

    /// The end: encoders that never got a frame are opened all the same, so that their file gets its header (rule 25).
    fn open_remaining(&mut self) -> Result<(), Error> {
        if self.graph.is_none() && !self.configure_from_parameters()? {
            let text =
                format!("a source of the filter graph '{}' ended before its format was known", self.plan.description);
            return match self.context.is_ending() {
                true => Ok(()),
                false => Err(Error::new(Code::DECODE, text)
                    .at("decode")
                    .with_hint("No frame of it could be decoded, and the file does not say what they would be like.")),
            };
        }
        for index in 0..self.sinks.len() {
            if !self.sinks[index].is_open && !self.sinks[index].is_done {
                self.context.warn("encode", None, "a stream ends without any data");
                self.open_encoder(index, None)?;
            }
        }
        Ok(())
    }

    fn send_ends(&self) {
        self.sinks.iter().for_each(|sink| sink.inbox.send_last(0, EncodeItem::End));
    }
}
