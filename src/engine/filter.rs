//! One filter graph on its thread: frames in as the graph asks for them, frames out to the encoders.
//! Rules 20, 22, 24 and 25; source: `ifilter_send_frame`, `reap_filters` and `transcode_from_filter` of FFmpeg's
//! fftools/ffmpeg.c (5.1).

mod inputs;
mod outputs;

use super::context::JobContext;
use super::decode::FrameItem;
use super::decode_failures::Choices;
use super::degrade::{Degrade, is_its_own};
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
    pub degrade: Option<Arc<Degrade>>,
}

impl Sink {
    /// Its stream is given up (-mt_degrade), or has ended.
    fn needs_no_encoder(&self) -> bool {
        self.is_done || self.is_given_up()
    }

    fn is_given_up(&self) -> bool {
        self.degrade.as_ref().is_some_and(|degrade| degrade.is_given_up())
    }
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
    /// What becomes of the streams that it makes, where they have a choice.
    pub fn choices(&self) -> Choices {
        self.sinks.iter().map(|sink| sink.degrade.clone()).collect()
    }

    pub fn run(mut self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner().or_else(|error| self.give_up(error));
        self.schedule.graph_wants(self.number, None);
        if self.context.is_cancelled() {
            return result;
        }
        // Also after an error: the encoders must not wait for more.
        let result = result.and_then(|()| self.open_remaining().or_else(|error| self.give_up(error)));
        self.send_ends();
        result
    }

    fn run_inner(&mut self) -> Result<(), Error> {
        if self.sources.is_empty() {
            self.configure()?;
        }
        while !self.sinks.iter().all(|sink| sink.is_done) && !self.context.is_cancelled() {
            self.leave_given_up();
            let Some(wanted) = self.wanted_source()? else { return Ok(()) };
            // Before the graph is built there is nobody to give frames to.
            let patience: Vec<usize> = match &self.graph {
                Some(_) => self.sources.iter().map(|source| source.patience).collect(),
                None => Vec::new(),
            };
            match self.inbox.receive_patiently(Some(wanted), &patience, || self.hurry()) {
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

    /// What was given to encoders is taken now, as nothing more comes for a while.
    fn hurry(&self) {
        self.sinks.iter().for_each(|sink| sink.inbox.hurry());
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
}
