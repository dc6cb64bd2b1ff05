//! Jobs that decode: a thread for each component, links between them. Each component ends by telling the next one, also when it
//! fails; a cancel wakes them all.

use super::activity::Doing;
use super::audio_source::AudioSource;
use super::context::JobContext;
use super::copy::CopyStream;
use super::decode::{FrameItem, FrameTarget};
use super::decode_failures::{Choices, DecodeFailures};
use super::degrade::Degrade;
use super::demux::Demuxer;
use super::demux_thread::{DemuxStage, Routes};
use super::encode::{EncodeItem, EncodeStage};
use super::fallback;
use super::filter::{FilterStage, Sink, SourceState};
use super::filter_build::SinkSettings;
use super::inbox::Inbox;
use super::lockstep::Lockstep;
use super::mux::Muxer;
use super::mux_thread::{MuxItem, MuxStage, Schedule};
use super::plan::{EncodePlan, GraphPlan};
use super::slate::SlateFeed;
use super::source_setup::{Times, open_decoder, source_facts, source_settings};
use super::stage::spawn_stage;
use super::steps::{Feeder, Steps};
use super::subtitle_setup::OpenSubtitles;
use super::threads::Task;
use super::turns::Turns;
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
    pub degrade: Option<Arc<Degrade>>,
    /// How it is copied where it cannot be encoded any more.
    pub fallback: Option<CopyStream>,
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
    pub audio: AudioSource,
}

/// The encoders of video and audio, what leads to them, and how many bits their sources' samples have.
struct Encoders {
    streams: Vec<EncodedStream>,
    inboxes: Vec<Arc<Inbox<EncodeItem>>>,
    bits: Vec<i32>,
}

/// What came of it.
pub struct Outcome {
    pub output_errors: Vec<Option<Error>>,
    pub read_error: Option<Error>,
}

const PACKETS: usize = 64;
const PICTURES: usize = 4;
const SAMPLES: usize = 32;

pub fn run(context: &Arc<JobContext>, parts: Parts) -> Result<Outcome, Error> {
    let builder = Builder::new(context, &parts);
    builder.start(parts)?.join(context)
}

pub(super) struct Builder {
    pub(super) context: Arc<JobContext>,
    pub(super) mux: Vec<Arc<Inbox<MuxItem>>>,
    schedule: Arc<Schedule>,
    first_in_schedule: Vec<usize>,
}

/// The threads that run.
#[derive(Default)]
pub(super) struct Running {
    demux: Vec<Task<Result<Option<Error>, Error>>>,
    mux: Vec<Task<Result<(), Error>>>,
    pub(super) others: Vec<Task<Result<(), Error>>>,
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

    fn start(self, parts: Parts) -> Result<Running, Error> {
        let mut running = Running::default();
        let result = self.start_all(parts, &mut running);
        match result {
            Ok(()) => Ok(running),
            Err(error) => {
                // A part is lacking: those that run already end at once, and that is no cancel of the user's.
                self.context.fail_at_once(&error);
                let _ = running.join(&self.context);
                Err(error)
            }
        }
    }

    fn start_all(&self, mut parts: Parts, running: &mut Running) -> Result<(), Error> {
        let mut routes: Vec<Vec<Routes>> =
            parts.demuxers.iter().map(|d| d.file.streams.iter().map(|_| Routes::default()).collect()).collect();
        let subtitles: Vec<EncodedStream> =
            parts.encoded.extract_if(.., |stream| stream.kind == MediaKind::Subtitle).collect();
        let encode_inboxes = self.encoders(&parts, running)?;
        let mut targets: Vec<Vec<Vec<FrameTarget>>> =
            parts.demuxers.iter().map(|d| d.file.streams.iter().map(|_| Vec::new()).collect()).collect();
        let mut choices: Vec<Vec<Vec<Choices>>> =
            parts.demuxers.iter().map(|d| d.file.streams.iter().map(|_| Vec::new()).collect()).collect();
        fallback::route(&self.mux, &mut parts.encoded, &mut routes);
        let bits = self.decoder_bits(&parts);
        let Parts {
            demuxers,
            graphs,
            mut muxers,
            streams_of_output,
            encoded,
            copied,
            exits_on_error,
            copy_ts,
            start_at_zero,
            audio,
        } = parts;
        let times = Times { copy_ts, start_at_zero, audio };
        let mut feeders: Vec<Feeder> = Vec::new();
        for (output, count) in streams_of_output.iter().enumerate() {
            let input = |index| self.schedule.inputs_of(self.first_in_schedule[output] + index).first().copied();
            feeders.extend((0..*count).map(|index| Feeder::Input(input(index).unwrap_or(0))));
        }
        let encoders = Encoders { streams: encoded, inboxes: encode_inboxes, bits };
        let mut text = self.open_subtitles(&subtitles, &graphs, &demuxers)?;
        let mut stages = Vec::new();
        for graph in graphs {
            let stage = self.graph(graph, &demuxers, &text, &encoders, &times);
            let inputs: Vec<usize> = stage.plan.sources.iter().map(|source| source.input).collect();
            for (output, index) in stage.plan.sinks.iter().filter_map(|sink| sink.target) {
                let feeder = Feeder::Graph(Arc::clone(&stage.inbox), inputs.clone());
                feeders[self.first_in_schedule[output] + index] = feeder;
            }
            for (queue, source) in stage.plan.sources.iter().enumerate() {
                if source.is_subtitle {
                    if let Some(open) = text.get_mut(&(source.input, source.stream)) {
                        open.graphs.push((Arc::clone(&stage.inbox), queue));
                    }
                    continue;
                }
                targets[source.input][source.stream].push((Arc::clone(&stage.inbox), queue));
                choices[source.input][source.stream].push(stage.choices());
            }
            stages.push(stage);
        }
        for (input, streams) in targets.into_iter().enumerate() {
            for (stream, targets) in streams.into_iter().enumerate().filter(|(_, t)| !t.is_empty()) {
                let mut stage = open_decoder(&self.context, &demuxers[input], stream, targets, exits_on_error, &times)?;
                let is_copied = copied.iter().any(|copy| (copy.input, copy.stream) == (input, stream));
                stage.failures = DecodeFailures::new(std::mem::take(&mut choices[input][stream]));
                stage.guides_copies = is_copied && self.context.lockstep.get().is_some();
                routes[input][stream].decode = Some(Arc::clone(&stage.inbox));
                routes[input][stream].place = Arc::clone(&stage.place);
                running.others.push(self.component(&format!("dec{input}:{stream}"), move || stage.run())?);
            }
        }
        // Decoders may have opened devices, which are for filters too.
        for stage in stages {
            running.others.push(self.component("filter", move || stage.run())?);
        }
        for stage in self.subtitles(&subtitles, text, &demuxers, &mut muxers, exits_on_error)? {
            let (input, stream) = (stage.input, stage.stream);
            routes[input][stream].is_subtitle = true;
            routes[input][stream].wants_heartbeat = !stage.graphs.is_empty();
            routes[input][stream].decode = Some(Arc::clone(&stage.inbox));
            running.others.push(self.component(&format!("sub{input}:{stream}"), move || stage.run())?);
        }
        for mut stream in copied {
            let inbox = Arc::clone(&self.mux[stream.output]);
            self.schedule.set_ready(self.first_in_schedule[stream.output] + stream.index);
            stream.copy.set_out_time_base(muxers[stream.output].adopt_time_base(stream.index));
            routes[stream.input][stream.stream].copies.push((inbox, stream.index, stream.copy));
        }
        let turns = Turns::new(&self.context);
        let turns: Vec<_> = muxers.iter().enumerate().map(|(output, muxer)| turns.take(output, &muxer.url)).collect();
        for ((output, muxer), turn) in muxers.into_iter().enumerate().zip(turns) {
            let stage = MuxStage {
                context: Arc::clone(&self.context),
                inbox: Arc::clone(&self.mux[output]),
                muxer,
                streams: streams_of_output[output],
                schedule: Arc::clone(&self.schedule),
                first_in_schedule: self.first_in_schedule[output],
                turn,
            };
            running.mux.push(self.component(&format!("mux{output}"), move || stage.run())?);
        }
        // A source that is gone must not hold up the others, nor a hub where nothing comes: each is read as it comes.
        let comes_and_goes = |demuxer: &Demuxer| demuxer.source.is_some() || demuxer.file.feed.is_some();
        let several = demuxers.len() > 1 && !demuxers.iter().any(comes_and_goes);
        let steps = self.context.lockstep.get().map(|lockstep| {
            Arc::new(Steps {
                lockstep: Arc::clone(lockstep),
                schedule: Arc::clone(&self.schedule),
                feeders,
                encoders: encoders.inboxes,
            })
        });
        for (mut demuxer, routes) in demuxers.into_iter().zip(routes) {
            demuxer.slate = SlateFeed::of(&demuxer, &routes);
            let schedule = several.then(|| Arc::clone(&self.schedule));
            let steps = steps.clone();
            let stage = DemuxStage { context: Arc::clone(&self.context), demuxer, routes, schedule, steps };
            running
                .demux
                .push(spawn_stage(&self.context, &format!("demux{}", stage.demuxer.file.index), move || stage.run())?);
        }
        Ok(())
    }

    /// Starts a component that works when it is given something.
    fn component<T: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<Task<Result<T, Error>>, Error> {
        let awake = self.context.lockstep.get().map(Lockstep::enter);
        spawn_stage(&self.context, name, move || {
            let _awake = awake;
            body()
        })
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
                output: stream.output,
                index: stream.index,
                start_us: stream.start_us.unwrap_or(0),
                duration_us: stream.duration_us,
                source_time_base: info.map(|info| info.time_base),
                has_start_time: info.is_some_and(|info| info.start_time != crate::av::NOPTS),
                chapters_us: stream.chapters_us.clone(),
                degrade: stream.degrade.clone(),
            };
            let name = format!("enc{}:{}", stream.output, stream.index);
            running.others.push(self.component(&name, move || stage.run())?);
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
        subtitles: &OpenSubtitles,
        encoders: &Encoders,
        times: &Times,
    ) -> FilterStage {
        let queue = |(number, s): (usize, &super::plan::GraphSource)| {
            let limit = if s.kind == MediaKind::Video { PICTURES } else { SAMPLES };
            (format!("source {number} (input {}:{})", s.input, s.stream), limit)
        };
        let inbox: Arc<Inbox<FrameItem>> =
            Inbox::new(&self.context, plan.sources.iter().enumerate().map(queue).collect());
        let sources = plan.sources.iter().map(|s| {
            let settings = source_settings(&demuxers[s.input], s.stream, s.kind, times);
            match subtitles.get(&(s.input, s.stream)).filter(|_| s.is_subtitle) {
                Some(open) => SourceState::of_subtitles(settings, open.canvas_size),
                None => SourceState::new(settings),
            }
        });
        let sinks = plan.sinks.iter().filter_map(|sink| {
            let target = sink.target?;
            let index = encoders.streams.iter().position(|s| (s.output, s.index) == target)?;
            let stream = &encoders.streams[index];
            let trim = (stream.start_us, stream.duration_us);
            Some(Sink {
                settings: SinkSettings::of(stream.kind, &stream.plan, stream.sws.clone(), trim, stream.is_shortest),
                encode: Arc::clone(&stream.plan),
                inbox: Arc::clone(&encoders.inboxes[index]),
                source: stream.source.map(|(i, s)| source_facts(&demuxers[i], s)),
                decoder_bits: encoders.bits[index],
                header_flags: stream.header_flags.clone(),
                frame_size: 0,
                is_open: false,
                is_done: false,
                degrade: stream.degrade.clone(),
            })
        });
        let (sources, sinks) = (sources.collect(), sinks.collect());
        FilterStage {
            context: Arc::clone(&self.context),
            schedule: Arc::clone(&self.schedule),
            number: self.schedule.add_graph(plan.sources.iter().map(|source| source.input).collect()),
            plan,
            inbox,
            sources,
            sinks,
            graph: None,
            was_built: false,
            since_input: 0,
        }
    }
}

/// The inputs whose packets end in a stream of an output.
fn feeding_inputs(parts: &Parts, output: usize, index: usize) -> Vec<usize> {
    let copied = parts.copied.iter().filter(|c| (c.output, c.index) == (output, index)).map(|c| c.input);
    let graphs = parts.graphs.iter().filter(|g| g.sinks.iter().any(|s| s.target == Some((output, index))));
    let encoded =
        parts.encoded.iter().filter(|e| e.kind == MediaKind::Subtitle && (e.output, e.index) == (output, index));
    let subtitles = encoded.filter_map(|e| e.source).map(|(input, _)| input);
    copied.chain(subtitles).chain(graphs.flat_map(|g| g.sources.iter().map(|s| s.input))).collect()
}

impl Running {
    /// Waits for every thread.
    fn join(self, context: &JobContext) -> Result<Outcome, Error> {
        let vanished = || Error::new(Code::INTERNAL, "a thread of the job vanished".into());
        let mut read_error = None;
        let _waiting = Doing::Threads.begin(0);
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
