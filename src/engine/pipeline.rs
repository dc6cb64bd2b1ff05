//! Jobs that decode: a thread for each component, links between them. Each component ends by telling the next one, also when it
//! fails; a cancel wakes them all.

use super::context::JobContext;
use super::copy::{Copied, CopyStream};
use super::decode::{DecodeClock, DecodeStage, FrameItem, FrameTarget, PacketItem};
use super::demux::{Demuxer, Read};
use super::encode::{EncodeItem, EncodeStage};
use super::encoder_open::SourceFacts;
use super::errors::failed;
use super::filter::{FilterStage, Sink, SourceState};
use super::filter_build::{SinkSettings, SourceSettings};
use super::inbox::{Inbox, Refused};
use super::mux::Muxer;
use super::mux_thread::{MuxItem, MuxStage, Schedule};
use super::plan::{EncodePlan, GraphPlan};
use super::threads::Task;
use crate::av::{Dict, Packet, SideData};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use std::sync::Arc;

/// An encoded stream of an output.
pub struct EncodedStream {
    pub output: usize,
    pub index: usize,
    pub kind: MediaKind,
    pub plan: Arc<EncodePlan>,
    pub source: Option<(usize, usize)>,
    pub start_us: Option<i64>,
    pub duration_us: Option<i64>,
    pub is_shortest: bool,
    pub sws: String,
    pub header_flags: Option<String>,
    pub chapters_us: Vec<i64>,
}

/// A copied stream of an output.
pub struct CopiedStream {
    pub input: usize,
    pub stream: usize,
    pub output: usize,
    pub index: usize,
    pub copy: CopyStream,
}

pub struct Parts {
    pub demuxers: Vec<Demuxer>,
    pub graphs: Vec<GraphPlan>,
    pub muxers: Vec<Muxer>,
    pub streams_of_output: Vec<usize>,
    pub encoded: Vec<EncodedStream>,
    pub copied: Vec<CopiedStream>,
    pub exits_on_error: bool,
    pub copy_ts: bool,
    pub start_at_zero: bool,
}

/// What came of it.
pub struct Outcome {
    pub output_errors: Vec<Option<Error>>,
    pub read_error: Option<Error>,
}

const PACKETS: usize = 64;
const PICTURES: usize = 4;
const SAMPLES: usize = 16;

/// Where the packets of one input stream go.
#[derive(Default)]
struct Routes {
    decode: Option<Arc<Inbox<PacketItem>>>,
    copies: Vec<(Arc<Inbox<MuxItem>>, usize, CopyStream)>,
}

pub fn run(context: &Arc<JobContext>, parts: Parts) -> Result<Outcome, Error> {
    let builder = Builder::new(context, &parts);
    builder.start(parts)?.join(context)
}

struct Builder {
    context: Arc<JobContext>,
    mux: Vec<Arc<Inbox<MuxItem>>>,
    schedule: Arc<Schedule>,
    first_in_schedule: Vec<usize>,
}

/// The threads that run.
#[derive(Default)]
struct Running {
    demux: Vec<Task<Result<Option<Error>, Error>>>,
    mux: Vec<Task<Result<(), Error>>>,
    others: Vec<Task<Result<(), Error>>>,
}

impl Builder {
    fn new(context: &Arc<JobContext>, parts: &Parts) -> Builder {
        let queues =
            |output: usize, count: usize| (0..count).map(|i| (format!("output {output}:{i}"), PACKETS)).collect();
        let mux = parts
            .streams_of_output
            .iter()
            .enumerate()
            .map(|(o, count)| Inbox::new(context, queues(o, *count)))
            .collect();
        let mut first_in_schedule = Vec::new();
        let mut feeds: Vec<Vec<usize>> = Vec::new();
        for (output, count) in parts.streams_of_output.iter().enumerate() {
            first_in_schedule.push(feeds.len());
            for index in 0..*count {
                feeds.push(feeding_inputs(parts, output, index));
            }
        }
        Builder { context: Arc::clone(context), mux, schedule: Schedule::new(context, feeds), first_in_schedule }
    }

    fn spawn<T: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<Task<Result<T, Error>>, Error> {
        let context = Arc::clone(&self.context);
        let (slot, owner) = (self.context.log_slot, self.context.owner);
        let name = match self.context.label.is_empty() {
            true => format!("mt-{name}"),
            false => format!("{name}:{}", self.context.label),
        };
        self.context.threads.spawn(name, owner, move || {
            crate::av::set_log_slot(slot);
            let _counted = context.count_thread();
            let guard = StageGuard { context: &context, is_done: false };
            let result = body();
            guard.done();
            if let Err(error) = &result {
                context.stage_failed(error);
            }
            crate::av::set_log_slot(0);
            result
        })
    }

    fn start(self, parts: Parts) -> Result<Running, Error> {
        let mut running = Running::default();
        let result = self.start_all(parts, &mut running);
        match result {
            Ok(()) => Ok(running),
            Err(error) => {
                // A thread is lacking: those that run already end at once.
                self.context.cancel();
                let _ = running.join(&self.context);
                Err(error)
            }
        }
    }

    fn start_all(&self, parts: Parts, running: &mut Running) -> Result<(), Error> {
        let mut routes: Vec<Vec<Routes>> =
            parts.demuxers.iter().map(|d| d.file.streams.iter().map(|_| Routes::default()).collect()).collect();
        let encode_inboxes = self.encoders(&parts, running)?;
        let mut targets: Vec<Vec<Vec<FrameTarget>>> =
            parts.demuxers.iter().map(|d| d.file.streams.iter().map(|_| Vec::new()).collect()).collect();
        let bits = self.decoder_bits(&parts);
        let Parts {
            demuxers,
            graphs,
            muxers,
            streams_of_output,
            encoded,
            copied,
            exits_on_error,
            copy_ts,
            start_at_zero,
        } = parts;
        let times = Times { copy_ts, start_at_zero };
        for graph in graphs {
            let stage = self.graph(graph, &demuxers, &encoded, &encode_inboxes, &bits, &times);
            for (queue, source) in stage.plan.sources.iter().enumerate() {
                targets[source.input][source.stream].push((Arc::clone(&stage.inbox), queue));
            }
            running.others.push(self.spawn("filter", move || stage.run())?);
        }
        for (input, streams) in targets.into_iter().enumerate() {
            for (stream, targets) in streams.into_iter().enumerate().filter(|(_, t)| !t.is_empty()) {
                let stage = self.decoder(&demuxers[input], stream, targets, exits_on_error, &times)?;
                routes[input][stream].decode = Some(Arc::clone(&stage.inbox));
                running.others.push(self.spawn(&format!("dec{input}:{stream}"), move || stage.run())?);
            }
        }
        for stream in copied {
            let inbox = Arc::clone(&self.mux[stream.output]);
            routes[stream.input][stream.stream].copies.push((inbox, stream.index, stream.copy));
        }
        for (output, muxer) in muxers.into_iter().enumerate() {
            let stage = MuxStage {
                context: Arc::clone(&self.context),
                inbox: Arc::clone(&self.mux[output]),
                muxer,
                streams: streams_of_output[output],
                schedule: Arc::clone(&self.schedule),
                first_in_schedule: self.first_in_schedule[output],
            };
            running.mux.push(self.spawn(&format!("mux{output}"), move || stage.run())?);
        }
        let several = demuxers.len() > 1;
        for (demuxer, routes) in demuxers.into_iter().zip(routes) {
            let schedule = several.then(|| Arc::clone(&self.schedule));
            let stage = DemuxStage { context: Arc::clone(&self.context), demuxer, routes, schedule };
            running.demux.push(self.spawn(&format!("demux{}", stage.demuxer.file.index), move || stage.run())?);
        }
        Ok(())
    }

    fn encoders(&self, parts: &Parts, running: &mut Running) -> Result<Vec<Arc<Inbox<EncodeItem>>>, Error> {
        let mut inboxes = Vec::new();
        for stream in &parts.encoded {
            let limit = if stream.kind == MediaKind::Video { PICTURES } else { SAMPLES };
            let inbox = Inbox::new(&self.context, vec![(format!("encoder {}:{}", stream.output, stream.index), limit)]);
            inboxes.push(Arc::clone(&inbox));
            let info = stream.source.map(|(i, s)| &parts.demuxers[i].file.streams[s].info);
            let stage = EncodeStage {
                context: Arc::clone(&self.context),
                inbox,
                kind: stream.kind,
                plan: Arc::clone(&stream.plan),
                mux: Arc::clone(&self.mux[stream.output]),
                index: stream.index,
                start_us: stream.start_us.unwrap_or(0),
                duration_us: stream.duration_us,
                source_time_base: info.map(|info| info.time_base),
                has_start_time: info.is_some_and(|info| info.start_time != crate::av::NOPTS),
                chapters_us: stream.chapters_us.clone(),
            };
            running.others.push(self.spawn(&format!("enc{}:{}", stream.output, stream.index), move || stage.run())?);
        }
        Ok(inboxes)
    }

    /// Bits of each sample as the codec says before it is open; the container's parameters have them.
    fn decoder_bits(&self, parts: &Parts) -> Vec<i32> {
        let bits = |s: &EncodedStream| {
            s.source.map_or(0, |(i, n)| parts.demuxers[i].file.streams[n].info.parameters.raw_bits())
        };
        parts.encoded.iter().map(bits).collect()
    }

    fn graph(
        &self,
        plan: GraphPlan,
        demuxers: &[Demuxer],
        encoded: &[EncodedStream],
        inboxes: &[Arc<Inbox<EncodeItem>>],
        bits: &[i32],
        times: &Times,
    ) -> FilterStage {
        let queue = |(number, s): (usize, &super::plan::GraphSource)| {
            let limit = if s.kind == MediaKind::Video { PICTURES } else { SAMPLES };
            (format!("source {number} (input {}:{})", s.input, s.stream), limit)
        };
        let inbox: Arc<Inbox<FrameItem>> =
            Inbox::new(&self.context, plan.sources.iter().enumerate().map(queue).collect());
        let sources =
            plan.sources.iter().map(|s| SourceState::new(source_settings(&demuxers[s.input], s.stream, s.kind, times)));
        let sinks = plan.sinks.iter().filter_map(|sink| {
            let target = sink.target?;
            let index = encoded.iter().position(|s| (s.output, s.index) == target)?;
            let stream = &encoded[index];
            let trim = (stream.start_us, stream.duration_us);
            Some(Sink {
                settings: SinkSettings::of(stream.kind, &stream.plan, stream.sws.clone(), trim, stream.is_shortest),
                encode: Arc::clone(&stream.plan),
                inbox: Arc::clone(&inboxes[index]),
                source: stream.source.map(|(i, s)| source_facts(&demuxers[i], s)),
                decoder_bits: bits[index],
                header_flags: stream.header_flags.clone(),
                frame_size: 0,
                is_open: false,
                is_done: false,
            })
        });
        let (sources, sinks) = (sources.collect(), sinks.collect());
        FilterStage { context: Arc::clone(&self.context), plan, inbox, sources, sinks, graph: None }
    }

    fn decoder(
        &self,
        demuxer: &Demuxer,
        stream: usize,
        targets: Vec<FrameTarget>,
        exits_on_error: bool,
        times: &Times,
    ) -> Result<DecodeStage, Error> {
        let file = &demuxer.file;
        let plan = &file.streams[stream];
        let info = &plan.info;
        let on_stream = |e: Error| e.on_input(file.index, &file.url).on_stream(stream);
        let codec = plan.decoder.ok_or_else(|| {
            on_stream(
                Error::new(Code::UNSUPPORTED, format!("there is no decoder for stream {}:{stream}", file.index))
                    .at("decode"),
            )
        })?;
        let mut options: Dict = file.options.for_codec(Some(codec), info.kind(), &file.facts, stream);
        options.set_if_absent("threads", "auto");
        if info.is_attached_picture() {
            options.set("threads", "1"); // its only frame must not wait for more
        }
        let rate = info.avg_frame_rate;
        let decoder = crate::av::Decoder::open(
            codec,
            &info.parameters,
            info.time_base,
            rate,
            file.is_bitexact,
            self.context.log_slot,
            &mut options,
        );
        let decoder = decoder.map_err(|e| {
            on_stream(failed(
                e,
                "decode",
                Code::DECODE,
                &format!("cannot open the decoder {} for stream {}:{stream}", codec.name(), file.index),
            ))
        })?;
        if let Some((key, _)) = options.entries().first() {
            return Err(on_stream(Error::option(format!("option {key} is not one of the decoder {}", codec.name()))));
        }
        Ok(DecodeStage {
            context: Arc::clone(&self.context),
            inbox: Inbox::new(&self.context, vec![(format!("decoder {}:{stream}", file.index), file.queue_packets)]),
            decoder,
            input: file.index,
            stream,
            is_video: info.kind() == MediaKind::Video,
            time_base: info.time_base,
            forced_frame_rate: plan.forced_frame_rate,
            average_frame_rate: rate,
            sample_aspect_ratio: info.sample_aspect_ratio,
            end_us: file.duration_us.map(|d| d.saturating_add(times.offset_us(file))),
            exits_on_error,
            targets,
            clock: DecodeClock::new(),
        })
    }
}

/// How -copyts changes where zero is.
struct Times {
    copy_ts: bool,
    start_at_zero: bool,
}

impl Times {
    /// Where the wanted part of an input begins, in the timestamps that decoders see.
    fn offset_us(&self, file: &super::files::OpenInput) -> i64 {
        if !self.copy_ts {
            return 0;
        }
        let zero = if self.start_at_zero { 0 } else { file.input.start_time_us().unwrap_or(0) };
        file.start_us.unwrap_or(0) + zero
    }
}

fn source_settings(demuxer: &Demuxer, stream: usize, kind: MediaKind, times: &Times) -> SourceSettings {
    let file = &demuxer.file;
    let plan = &file.streams[stream];
    let forced = plan.forced_frame_rate;
    let is_forced = forced.is_positive();
    SourceSettings {
        kind,
        time_base: if is_forced { forced.inverse() } else { plan.info.time_base },
        frame_rate: if is_forced { forced } else { plan.info.guessed_frame_rate },
        autorotate: plan.autorotate,
        reinit: plan.reinit_filter,
        matrix: plan.info.side_data.iter().find_map(SideData::matrix),
        trim_start_us: file.start_us.filter(|_| file.is_seek_accurate).map(|_| times.offset_us(file)),
        trim_duration_us: file.duration_us,
        fallback: super::filter_build::SourceFormat::of_parameters(&plan.info.parameters),
    }
}

fn source_facts(demuxer: &Demuxer, stream: usize) -> SourceFacts {
    let plan = &demuxer.file.streams[stream];
    SourceFacts {
        time_base: plan.info.time_base,
        duration: plan.info.duration,
        side_data: plan.info.side_data.clone(),
        autorotate: plan.autorotate,
    }
}

/// The inputs whose packets end in a stream of an output.
fn feeding_inputs(parts: &Parts, output: usize, index: usize) -> Vec<usize> {
    let copied = parts.copied.iter().filter(|c| (c.output, c.index) == (output, index)).map(|c| c.input);
    let graphs = parts.graphs.iter().filter(|g| g.sinks.iter().any(|s| s.target == Some((output, index))));
    copied.chain(graphs.flat_map(|g| g.sources.iter().map(|s| s.input))).collect()
}

/// A component that panics takes the job with it: its neighbours would wait for ever.
struct StageGuard<'a> {
    context: &'a JobContext,
    is_done: bool,
}

impl StageGuard<'_> {
    fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for StageGuard<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.context.abort();
        }
    }
}

impl Running {
    /// Waits for every thread.
    fn join(self, context: &JobContext) -> Result<Outcome, Error> {
        let vanished = || Error::new(Code::INTERNAL, "a thread of the job vanished".into());
        let mut read_error = None;
        for task in self.demux {
            match task.join().unwrap_or_else(|| Err(vanished())) {
                Ok(error) => read_error = read_error.or(error),
                Err(error) => context.fail(error),
            }
        }
        for task in self.others {
            if let Err(error) = task.join().unwrap_or_else(|| Err(vanished())) {
                context.fail(error);
            }
        }
        let results: Vec<_> =
            self.mux.into_iter().map(|task| task.join().unwrap_or_else(|| Err(vanished())).err()).collect();
        if let Some(panic) = results.iter().flatten().find(|error| error.code() == Code::PANIC) {
            context.fail(panic.clone());
        }
        Ok(Outcome { output_errors: results, read_error })
    }
}

/// Reads one input and sends its packets to decoders and muxers.
struct DemuxStage {
    context: Arc<JobContext>,
    demuxer: Demuxer,
    routes: Vec<Routes>,
    schedule: Option<Arc<Schedule>>,
}

impl DemuxStage {
    /// Returns the error that ended reading early, if one did.
    fn run(mut self) -> Result<Option<Error>, Error> {
        let result = self.read_all();
        for routes in &self.routes {
            if let Some(inbox) = &routes.decode {
                inbox.send_last(0, PacketItem::End);
            }
            for (inbox, index, _) in &routes.copies {
                inbox.send_last(*index, MuxItem::End);
            }
        }
        result
    }

    fn read_all(&mut self) -> Result<Option<Error>, Error> {
        while self.routes.iter().any(|routes| routes.decode.is_some() || !routes.copies.is_empty()) {
            if let Some(schedule) = &self.schedule {
                schedule.wait_for_turn(&self.context, self.demuxer.file.index);
            }
            match self.demuxer.read() {
                Read::Packet { stream, packet, now_us } => self.send(stream, packet, now_us)?,
                Read::End(error) => return Ok(error),
            }
        }
        Ok(None)
    }

    fn send(&mut self, stream: usize, packet: Packet, now_us: i64) -> Result<(), Error> {
        let routes = &mut self.routes[stream];
        let parameters = &self.demuxer.file.streams[stream].info.parameters;
        let mut index = 0;
        while index < routes.copies.len() {
            let (inbox, queue, copy) = &mut routes.copies[index];
            let samples = parameters.audio_packet_samples(packet.size());
            let copied = copy.process(&packet, now_us, samples);
            let is_open = match copied.map_err(|e| failed(e, "mux", Code::ENOMEM, "cannot copy a packet"))? {
                Copied::Packet(copied) => refused(inbox.send(*queue, MuxItem::Packet(copied)))?,
                Copied::Skipped => true,
                Copied::Ended => {
                    inbox.send_last(*queue, MuxItem::End);
                    false
                }
            };
            if is_open { index += 1 } else { drop(routes.copies.remove(index)) }
        }
        if let Some(inbox) = &routes.decode
            && !refused(inbox.send(0, PacketItem::Packet { packet, now_us }))?
        {
            routes.decode = None;
        }
        Ok(())
    }
}

/// True where it was taken, false where nobody wants it any more.
fn refused(result: Result<(), Refused>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(Refused::Closed) => Ok(false),
        Err(Refused::Error(error)) => Err(error),
    }
}
