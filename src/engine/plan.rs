//! What is to be done, decided before anything runs: which graphs there are, which streams go where.

use super::codec_threads::CodecThreads;
use super::context::JobContext;
use super::degrade::Degrade;
use super::files::OpenInput;
use super::sdp::Sdp;
use super::stream_setup::FileOptions;
use super::stream_statistics::{EncoderStatistics, StreamStatistics};
use super::two_pass::TwoPass;
use super::video_statistics::VideoStatisticsPlan;
use crate::av::{self, BitstreamFilters, Codec, Dict, Graph, GraphOptions, Output, QuantiserSettings, Rational};
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind, Selector};
use std::sync::Arc;

/// A filter graph: simple (one in, one out, of one encoded stream) or complex.
pub struct GraphPlan {
    pub description: String,
    pub is_simple: bool,
    pub sources: Vec<GraphSource>,
    pub sinks: Vec<GraphSink>,
    /// Of a simple graph: -filter_threads or the encoder's threads; of a complex one -filter_complex_threads; else the job's rule.
    pub threads: Option<String>,
    /// -filter_buffered_frames.
    pub most_frames: Option<String>,
    pub sws: String,
    pub swr: String,
    pub no_conversion: bool,
    /// An aresample filter puts silence where samples are missing, and also before the first ones.
    pub fills_gaps: bool,
    pub fills_from_zero: bool,
}

impl GraphPlan {
    /// It does not sleep inside, as filters may that wait for the time or open files.
    pub fn only_passes_sound_on(&self) -> bool {
        self.is_simple && self.description == "anull"
    }

    /// Looks at the graph's text and the options of its resamplers.
    pub fn with_gaps(mut self) -> GraphPlan {
        let texts = || [&self.description, &self.swr].into_iter();
        self.fills_gaps =
            texts().any(|text| ["async", "min_comp", "min_hard_comp", "first_pts"].iter().any(|w| text.contains(w)));
        self.fills_from_zero = texts().any(|text| text.contains("first_pts"));
        self
    }
}

#[derive(Clone, Debug)]
pub struct GraphSource {
    pub kind: MediaKind,
    pub input: usize,
    pub stream: usize,
    /// Bitmap subtitles that become video.
    pub is_subtitle: bool,
}

#[derive(Clone, Debug)]
pub struct GraphSink {
    pub kind: MediaKind,
    pub label: Option<String>,
    pub filter: String,
    /// Output and stream that it feeds.
    pub target: Option<(usize, usize)>,
}

/// How frames become a steady rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameRateMode {
    Passthrough,
    Drop,
    Vfr,
    Cfr,
    /// Constant, but an initial gap stays a gap.
    Vscfr,
}

/// What is to be encoded, and how.
pub struct EncodePlan {
    pub codec: Codec,
    pub options: Dict,
    /// Where the options do not say it.
    pub threads: CodecThreads,
    pub is_bitexact: bool,
    pub wants_global_header: bool,
    pub quality: Option<f64>,
    pub codec_tag: u32,
    pub bits_per_raw_sample: i32,
    pub encoder_time_base: Option<Rational>,
    pub max_frames: i64,
    /// Of an output that is closed from the beginning.
    pub is_closed: bool,
    pub two_pass: TwoPass,
    pub statistics: EncoderStatistics,
    pub video: VideoPlan,
    pub audio: AudioPlan,
}

impl EncodePlan {
    /// "Lavc59.37.100 libx264", or without the version where the result must not depend on it (ffmpeg.c: set_encoder_id).
    /// `format_flags`: -fflags of the output.
    pub fn encoder_tag(&self, format_flags: Option<&str>) -> String {
        let mut flags = Dict::default();
        if let Some(text) = format_flags {
            flags.set("fflags", text);
        }
        let is_bitexact =
            self.is_bitexact || av::has_bitexact(&flags, "fflags") || av::has_bitexact(&self.options, "flags");
        let library = if is_bitexact { "Lavc".to_owned() } else { av::lavc_ident() };
        format!("{library} {}", self.codec.name())
    }
}

#[derive(Clone, Default)]
pub struct VideoPlan {
    pub frame_rate: Option<Rational>,
    pub max_frame_rate: Option<Rational>,
    pub keeps_frame_rate: bool,
    pub size: Option<(i32, i32)>,
    pub autoscale: bool,
    pub pixel_format: Option<i32>,
    pub keeps_pixel_format: bool,
    pub aspect: Option<Rational>,
    pub mode: Option<FrameRateMode>,
    pub force_key_frames: Option<String>,
    pub frame_drop_threshold: f64,
    pub top_field_first: Option<bool>,
    pub quantisers: QuantiserSettings,
    /// -psnr.
    pub measures_psnr: bool,
    /// The only filter is the one that does nothing: frame durations of the input hold.
    pub is_unfiltered: bool,
}

#[derive(Clone, Default)]
pub struct AudioPlan {
    pub sample_rate: Option<i32>,
    pub channels: Option<i32>,
    pub layout: Option<String>,
    pub sample_format: Option<i32>,
    pub apad: Option<String>,
    /// A negative -async: samples are counted, whatever their times are.
    pub counts_samples: bool,
    /// -map_channel: the arguments of a pan filter.
    pub pan: Option<String>,
}

pub enum Work {
    Copy {
        copies_non_key_start: bool,
        copies_before_start: bool,
    },
    Encode(Box<EncodePlan>),
    /// All there is of it is in its parameters.
    Attach,
    /// The plan went to the encoder.
    Encoding,
}

impl Work {
    pub fn is_copy(&self) -> bool {
        matches!(self, Work::Copy { .. })
    }

    pub fn is_encoded(&self) -> bool {
        matches!(self, Work::Encode(_) | Work::Encoding)
    }

    pub fn take_encode(&mut self) -> Option<EncodePlan> {
        if !self.is_encoded() {
            return None;
        }
        match std::mem::replace(self, Work::Encoding) {
            Work::Encode(plan) => Some(*plan),
            _ => None,
        }
    }
}

/// One stream of an output.
pub struct OutStream {
    pub kind: MediaKind,
    /// The input stream that it comes from; None for a complex graph's.
    pub source: Option<(usize, usize)>,
    pub work: Work,
    /// -frames; i64::MAX where there is no limit.
    pub max_frames: i64,
    pub filters: Option<BitstreamFilters>,
    pub max_queue_packets: usize,
    pub queue_bytes_threshold: usize,
    pub tag: Option<u32>,
    pub disposition: Option<String>,
    /// -metadata:s rotate=: degrees.
    pub rotate: Option<f64>,
    /// -vstats, of what is encoded.
    pub video_statistics: Option<VideoStatisticsPlan>,
    /// -stats_mux_pre, of what is encoded.
    pub mux_statistics: Option<StreamStatistics>,
    /// -fix_sub_duration_heartbeat: its key frames split subtitles of the same output.
    pub splits_subtitles: bool,
    /// -fps_mode drop, or a negative -async: the muxer makes up the times.
    pub drops_times: bool,
    /// -mt_degrade.
    pub degrade: Option<Arc<Degrade>>,
}

impl OutStream {
    /// With ffmpeg's defaults.
    pub fn new(kind: MediaKind, work: Work) -> OutStream {
        OutStream {
            kind,
            source: None,
            work,
            max_frames: i64::MAX,
            filters: None,
            max_queue_packets: 128,
            queue_bytes_threshold: 50 << 20,
            tag: None,
            disposition: None,
            rotate: None,
            video_statistics: None,
            mux_statistics: None,
            splits_subtitles: false,
            drops_times: false,
            degrade: None,
        }
    }
}

/// An output that is being put together.
pub struct OpenOutput {
    pub index: usize,
    pub url: String,
    pub output: Output,
    pub streams: Vec<OutStream>,
    pub options: FileOptions,
    /// What is left of the options for the header.
    pub header_options: Dict,
    pub start_us: Option<i64>,
    pub duration_us: Option<i64>,
    pub limit_bytes: Option<u64>,
    /// It is begun and ended without a frame: -frames is 0 or less.
    pub is_closed: bool,
    pub is_shortest: bool,
    /// How much of a stream may wait for the others with -shortest, in microseconds.
    pub sync_buffer_us: Option<i64>,
    /// -mt_strict: an option that nobody takes is an error.
    pub is_strict: bool,
    /// Packets that the muxer refuses are left out: who is live, or reads sources, must go on.
    pub skips_refused: bool,
    /// A stream without a packet fails it (-abort_on).
    pub aborts_on_empty_stream: bool,
    /// The job's session description, where there is one to write.
    pub sdp: Option<Arc<Sdp>>,
    /// Where its chapters begin, in microseconds.
    pub chapters_us: Vec<i64>,
    /// What the host's streams failed with, where the output has some.
    pub host: Arc<super::host::Failure>,
    /// How long it may take.
    pub clock: Arc<super::deadlines::Clock>,
}

/// Parses the complex graphs and binds their inputs.
pub fn complex_graphs(context: &JobContext, job: &JobSpec, inputs: &mut [OpenInput]) -> Result<Vec<GraphPlan>, Error> {
    let texts = super::scripts::complex_graphs(job)?;
    texts.iter().try_for_each(|text| super::trust::check_graph(&context.trust, text))?;
    texts.iter().map(|text| complex_graph(context, job, text, inputs)).collect()
}

fn complex_graph(
    context: &JobContext,
    job: &JobSpec,
    description: &str,
    inputs: &mut [OpenInput],
) -> Result<GraphPlan, Error> {
    let graph = Graph::parse(description, &GraphOptions::default()).map_err(|e| {
        super::errors::failed(e, "filter", Code::FILTER, &format!("cannot build the filter graph '{description}'"))
    })?;
    let (sources, sinks) = graph.pads();
    let threads = job.global("filter_complex_threads").map(str::to_owned).or_else(|| context.codec_threads.of_graph());
    let mut plan = GraphPlan {
        description: description.to_owned(),
        is_simple: false,
        sources: Vec::new(),
        sinks: Vec::new(),
        threads: Some(threads.unwrap_or_else(|| "0".to_owned())),
        most_frames: job.global("filter_buffered_frames").filter(|most| *most != "0").map(str::to_owned),
        sws: String::new(),
        swr: String::new(),
        no_conversion: job.global("auto_conversion_filters") == Some("0"),
        fills_gaps: false,
        fills_from_zero: false,
    };
    for pad in sources {
        let (input, stream) = bind(&pad, description, inputs)?;
        use_stream(inputs, input, stream, true);
        let is_subtitle = inputs[input].facts[stream].kind == MediaKind::Subtitle;
        plan.sources.push(GraphSource { kind: pad.kind, input, stream, is_subtitle });
    }
    for pad in sinks {
        plan.sinks.push(GraphSink { kind: pad.kind, label: pad.label, filter: pad.filter, target: None });
    }
    Ok(plan.with_gaps())
}

fn bind(pad: &av::GraphPad, description: &str, inputs: &[OpenInput]) -> Result<(usize, usize), Error> {
    let bad = |why: String| Error::new(Code::FILTER, format!("filter graph '{description}': {why}")).at("filter");
    if !matches!(pad.kind, MediaKind::Video | MediaKind::Audio) {
        return Err(bad("only video and audio can be filtered".into()));
    }
    let Some(label) = &pad.label else {
        let free = |plan: &super::input_stream::StreamPlan| {
            plan.info.kind() == pad.kind && !plan.is_used && plan.discard != av::DISCARD_ALL
        };
        let found = inputs.iter().find_map(|i| Some((i.index, i.streams.iter().position(free)?)));
        return found.ok_or_else(|| bad(format!("no {} stream is left for filter '{}'", pad.kind.word(), pad.filter)));
    };
    let (file, specifier) = label.split_once(':').unwrap_or((label, ""));
    let file: usize =
        file.parse().map_err(|_| bad(format!("the label [{label}] is neither an output nor an input stream")))?;
    let input = inputs.get(file).ok_or_else(|| bad(format!("[{label}] names input {file}, which is not there")))?;
    let selector = Selector::parse(specifier).ok_or_else(|| bad(format!("[{label}] is no stream specifier")))?;
    let fits = |i: &usize| {
        let kind = input.facts[*i].kind;
        let is_right = kind == pad.kind || (pad.kind == MediaKind::Video && kind == MediaKind::Subtitle);
        is_right && input.streams[*i].discard != av::DISCARD_ALL && selector.matches(&input.facts, *i)
    };
    let found = (0..input.streams.len()).find(fits);
    let stream = found.ok_or_else(|| bad(format!("[{label}] matches no {} stream", pad.kind.word())))?;
    Ok((file, stream))
}

/// Marks a stream as used, so that the demuxer does not throw it away.
pub fn use_stream(inputs: &mut [OpenInput], input: usize, stream: usize, decode: bool) {
    let input = &mut inputs[input];
    let plan = &mut input.streams[stream];
    plan.is_used = true;
    plan.is_decoded |= decode;
    input.input.set_discard(stream, plan.discard);
}

impl OpenOutput {
    pub fn needs_encoding(&self) -> bool {
        self.streams.iter().any(|stream| stream.work.is_encoded())
    }

    /// What a stream specifier may ask of its streams.
    pub fn facts(&self) -> Vec<crate::options::StreamFacts> {
        self.streams.iter().map(|stream| out_facts(stream.kind)).collect()
    }
}

pub fn out_facts(kind: MediaKind) -> crate::options::StreamFacts {
    crate::options::StreamFacts {
        kind,
        id: 0,
        is_attached_picture: false,
        is_usable: true,
        metadata: Vec::new(),
        programs: Vec::new(),
    }
}
