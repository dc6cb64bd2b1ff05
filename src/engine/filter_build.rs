//! Building a filter graph for what actually comes in: sources from frames, sinks pinned to what the encoders take.
//! Rules 7, 22 and 24; source: FFmpeg's fftools/ffmpeg_filter.c (5.1).

use super::audio_source::AudioSource;
use super::errors::failed;
use super::plan::{EncodePlan, GraphPlan};
use crate::av::{
    self, AvError, ChannelLayout, ColorChoice, Colors, Crop, Device, Frame, FramePool, Graph, GraphOptions, Link,
    Parameters, Rational, rotation,
};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use std::sync::Arc;

/// What a source of a graph gets.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFormat {
    /// A pixel or sample format.
    pub format: i32,
    pub width: i32,
    pub height: i32,
    pub aspect: Rational,
    pub sample_rate: i32,
    pub layout: Option<String>,
    pub channels: i32,
    pub matrix: Option<[i32; 9]>,
    pub colors: Colors,
    /// Where the frames lie on a device.
    pub pool: Option<Arc<FramePool>>,
}

impl SourceFormat {
    pub fn of_frame(frame: &Frame) -> Result<SourceFormat, AvError> {
        Ok(SourceFormat {
            format: frame.format(),
            width: frame.width(),
            height: frame.height(),
            aspect: frame.sample_aspect_ratio(),
            sample_rate: frame.sample_rate(),
            layout: frame.layout_name(),
            channels: frame.channels(),
            matrix: frame.display_matrix(),
            colors: Colors::of_frame(frame),
            pool: frame.pool()?.map(Arc::new),
        })
    }

    /// Where no frame ever came: what the container says. None where that is not enough.
    pub fn of_parameters(parameters: &Parameters) -> Option<SourceFormat> {
        let format = SourceFormat {
            format: parameters.format(),
            width: parameters.width(),
            height: parameters.height(),
            aspect: parameters.sample_aspect_ratio(),
            sample_rate: parameters.sample_rate(),
            layout: parameters.layout_name(),
            channels: parameters.channels(),
            matrix: None,
            colors: Colors::of_parameters(parameters),
            pool: None,
        };
        let is_known = match parameters.kind() {
            MediaKind::Video => format.width > 0 && format.height > 0,
            _ => format.sample_rate > 0 && format.channels > 0,
        };
        (format.format >= 0 && is_known).then_some(format)
    }

    /// Whether the graph must be built again (ffmpeg.c: ifilter_send_frame). A changed aspect ratio alone does not.
    pub fn needs_rebuild(&self, new: &SourceFormat, kind: MediaKind) -> bool {
        let media = match kind {
            MediaKind::Video => (self.width, self.height, self.colors) != (new.width, new.height, new.colors),
            _ => self.sample_rate != new.sample_rate || self.layout != new.layout || self.channels != new.channels,
        };
        self.format != new.format || media
    }
}

/// What a source needs to know of its input.
#[derive(Clone)]
pub struct SourceSettings {
    pub kind: MediaKind,
    pub time_base: Rational,
    pub frame_rate: Rational,
    pub autorotate: bool,
    pub reinit: bool,
    /// What the container cuts off.
    pub crop: Option<Crop>,
    /// -drop_changed: frames of another format are left out.
    pub drops_changed: bool,
    /// The display matrix of the stream.
    pub matrix: Option<[i32; 9]>,
    /// Where frames begin that are wanted, and for how long, in microseconds (accurate -ss, -t).
    pub trim_start_us: Option<i64>,
    pub trim_duration_us: Option<i64>,
    /// What the container says, where no frame ever comes.
    pub fallback: Option<SourceFormat>,
    pub audio: AudioSource,
}

/// What a sink must give.
#[derive(Clone)]
pub struct SinkSettings {
    pub kind: MediaKind,
    /// Filters of the user's that come last: scale and such, ready to be linked.
    pub size: Option<(i32, i32)>,
    pub sws: String,
    pub formats: Vec<i32>,
    pub colors: ColorChoice,
    pub sample_rates: Vec<i32>,
    pub layouts: Vec<String>,
    pub apad: Option<String>,
    /// Arguments of a pan filter that comes first.
    pub pan: Option<String>,
    pub trim_start_us: Option<i64>,
    pub trim_duration_us: Option<i64>,
}

impl SinkSettings {
    /// What an encoder takes, and the user asked for.
    pub fn of(
        kind: MediaKind,
        encode: &EncodePlan,
        sws: String,
        trim: (Option<i64>, Option<i64>),
        is_shortest: bool,
    ) -> SinkSettings {
        let mut sink = SinkSettings {
            kind,
            size: encode.video.size.filter(|_| encode.video.autoscale),
            sws,
            formats: Vec::new(),
            colors: ColorChoice::default(),
            sample_rates: Vec::new(),
            layouts: Vec::new(),
            apad: encode.audio.apad.clone().filter(|_| is_shortest),
            pan: encode.audio.pan.clone(),
            trim_start_us: trim.0,
            trim_duration_us: trim.1,
        };
        match kind {
            MediaKind::Video => (sink.formats, sink.colors) = (pixel_formats(encode), colors(encode)),
            _ => sink.set_audio(encode),
        }
        sink
    }

    fn set_audio(&mut self, encode: &EncodePlan) {
        let audio = &encode.audio;
        self.formats = audio.sample_format.map_or_else(|| encode.codec.sample_formats(), |format| vec![format]);
        self.sample_rates = audio.sample_rate.map_or_else(|| encode.codec.sample_rates(), |rate| vec![rate]);
        let supported = encode.codec.layouts();
        self.layouts = match (&audio.layout, audio.channels) {
            (Some(layout), _) => vec![layout.clone()],
            (None, Some(channels)) => {
                let fitting = supported.into_iter().find(|(_, count)| *count == channels).map(|(name, _)| name);
                vec![
                    fitting
                        .or_else(|| ChannelLayout::of_channels(channels).name())
                        .unwrap_or_else(|| format!("{channels}C")),
                ]
            }
            (None, None) => supported.into_iter().map(|(name, _)| name).collect(),
        };
    }

    /// From the second time on the graph gives what it gave first: encoders do not change in mid-stream.
    pub fn pin(&mut self, given: &av::SinkFormat, autoscale: bool) {
        self.formats = vec![given.format];
        if self.kind == MediaKind::Video {
            self.colors = ColorChoice::only(given.colors);
            if autoscale {
                self.size = Some((given.width, given.height));
            }
            return;
        }
        self.sample_rates = vec![given.sample_rate];
        self.layouts = given.layout.name().into_iter().collect();
    }

    fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        let mut add = |filter, args: String| links.push(Link { filter, name: format!("mt_out_{filter}"), args });
        if self.kind == MediaKind::Video {
            if let Some((width, height)) = self.size {
                let sws = if self.sws.is_empty() { String::new() } else { format!(":{}", self.sws) };
                add("scale", format!("{width}:{height}{sws}"));
            }
            let mut args = self.colors.filter_args();
            if !self.formats.is_empty() {
                let names = joined(self.formats.iter().filter_map(|f| av::pixel_format_name(*f)));
                args.push(format!("pix_fmts={names}"));
            }
            if !args.is_empty() {
                add("format", args.join(":"));
            }
        } else {
            if let Some(pan) = &self.pan {
                add("pan", pan.clone());
            }
            let formats = joined(self.formats.iter().filter_map(|f| av::sample_format_name(*f)));
            let rates = joined(self.sample_rates.iter().map(i32::to_string));
            let parts = [
                ("sample_fmts", formats),
                ("sample_rates", rates),
                ("channel_layouts", joined(self.layouts.iter().cloned())),
            ];
            let args: Vec<String> =
                parts.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k}={v}")).collect();
            if !args.is_empty() {
                add("aformat", args.join(":"));
            }
            if let Some(apad) = &self.apad {
                add("apad", apad.clone());
            }
        }
        links.extend(trim(self.kind, self.trim_start_us, self.trim_duration_us, "out"));
        links
    }
}

fn joined(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join("|")
}

fn is_strict(encode: &EncodePlan) -> bool {
    let relaxed = |value: String| matches!(value.as_str(), "unofficial" | "experimental" | "-1" | "-2");
    !encode.options.get("strict").is_some_and(relaxed)
}

/// An encoder that is asked without its context answers for -strict normal (mjpegenc.c: mjpeg_get_supported_config).
fn colors(encode: &EncodePlan) -> ColorChoice {
    match encode.codec.name() == "mjpeg" && !is_strict(encode) {
        true => ColorChoice::default(),
        false => ColorChoice::of(encode.codec),
    }
}

/// The formats of an encoder, or the one that the user wants if the encoder takes it (else the nearest).
fn pixel_formats(encode: &EncodePlan) -> Vec<i32> {
    let mut supported = encode.codec.pixel_formats();
    // From 7.1 on it lists colour ranges instead.
    if encode.codec.name() == "mjpeg" && is_strict(encode) && cfg!(not(ffmpeg7_1)) {
        // The encoder lists limited-range formats for -strict unofficial only (get_compliance_normal_pix_fmts).
        supported = ["yuvj420p", "yuvj422p", "yuvj444p"].iter().filter_map(|name| av::pixel_format(name)).collect();
    }
    match encode.video.pixel_format {
        Some(format) if encode.video.keeps_pixel_format => vec![format],
        Some(format) => vec![av::best_pixel_format(&supported, format)],
        None if encode.video.keeps_pixel_format => Vec::new(),
        None => supported,
    }
}

fn trim(kind: MediaKind, start_us: Option<i64>, duration_us: Option<i64>, place: &str) -> Option<Link> {
    if start_us.is_none() && duration_us.is_none() {
        return None;
    }
    let mut args = Vec::new();
    if let Some(duration) = duration_us {
        args.push(format!("durationi={duration}us"));
    }
    if let Some(start) = start_us {
        args.push(format!("starti={start}us"));
    }
    let filter = if kind == MediaKind::Video { "trim" } else { "atrim" };
    Some(Link { filter, name: format!("mt_{place}_{filter}"), args: args.join(":") })
}

/// Rotation in whole turns clockwise, from 0 to 360 (cmdutils.c: get_rotation).
fn turn(matrix: &[i32; 9]) -> f64 {
    let theta = -rotation(matrix).round();
    theta - 360.0 * (theta / 360.0 + 0.9 / 360.0).floor()
}

/// The filters that turn a picture upright (ffmpeg_filter.c: configure_input_video_filter).
fn upright(matrix: &[i32; 9]) -> Vec<Link> {
    let link = |filter, args: &str| Link { filter, name: format!("mt_rotate_{filter}"), args: args.to_owned() };
    let theta = turn(matrix);
    let near = |angle: f64| (theta - angle).abs() < 1.0;
    if near(90.0) {
        vec![link("transpose", if matrix[3] > 0 { "cclock_flip" } else { "clock" })]
    } else if near(180.0) {
        let flips = [(matrix[0] < 0, "hflip"), (matrix[4] < 0, "vflip")];
        flips.into_iter().filter(|(wanted, _)| *wanted).map(|(_, filter)| link(filter, "")).collect()
    } else if near(270.0) {
        vec![link("transpose", if matrix[3] < 0 { "clock_flip" } else { "cclock" })]
    } else if theta.abs() > 1.0 {
        vec![link("rotate", &format!("{theta:.6}*PI/180"))]
    } else if theta.abs() < 1.0 && matrix[4] < 0 {
        vec![link("vflip", "")]
    } else {
        Vec::new()
    }
}

/// The filter that cuts off what a container does not show (ffmpeg_filter.c of 7.1).
fn cut(crop: Crop) -> Link {
    let Crop { top, bottom, left, right } = crop;
    let args = format!("w=iw-{left}-{right}:h=ih-{top}-{bottom}:x={left}:y={top}");
    Link { filter: "crop", name: "mt_cut_crop".to_owned(), args }
}

/// Builds and configures the graph. `is_first`: it was not built before.
pub fn build(
    plan: &GraphPlan,
    sources: &[SourceSettings],
    formats: &[SourceFormat],
    sinks: &[SinkSettings],
    is_first: bool,
    log_slot: usize,
    device: Option<&Device>,
) -> Result<Graph, Error> {
    let options = GraphOptions {
        threads: plan.threads.as_deref(),
        most_frames: plan.most_frames.as_deref(),
        sws: plan.sws.clone(),
        swr: plan.swr.clone(),
        log_slot,
        no_conversion: plan.no_conversion,
        device,
    };
    let what = format!("cannot build the filter graph '{}'", plan.description);
    let bad = |e| failed(e, "filter", Code::FILTER, &what);
    let mut graph = Graph::parse(&plan.description, &options).map_err(bad)?;
    let (inputs, outputs) = graph.pads();
    if inputs.len() != sources.len() || outputs.len() != sinks.len() {
        let text = format!(
            "the filter graph '{}' has {} inputs and {} outputs, but {} and {} are needed; use -filter_complex for such a graph",
            plan.description,
            inputs.len(),
            outputs.len(),
            sources.len(),
            sinks.len()
        );
        return Err(Error::new(Code::FILTER, text).at("filter"));
    }
    for (index, (settings, format)) in sources.iter().zip(formats).enumerate() {
        connect(&mut graph, index, settings, format, is_first).map_err(bad)?;
    }
    for (index, sink) in sinks.iter().enumerate() {
        graph.connect_sink(sink.kind, &format!("mt_sink_{index}"), &sink.links()).map_err(bad)?;
    }
    graph.configure().map_err(bad)?;
    Ok(graph)
}

fn connect(
    graph: &mut Graph,
    index: usize,
    settings: &SourceSettings,
    format: &SourceFormat,
    is_first: bool,
) -> Result<(), AvError> {
    let name = format!("mt_source_{index}");
    let mut links = Vec::new();
    let args = if settings.kind == MediaKind::Video {
        links.extend(settings.crop.map(cut));
        let matrix = format.matrix.or(settings.matrix);
        // Frames on a device would need filters of its kind.
        let turns = settings.autorotate && !av::is_hardware_format(format.format);
        if let Some(matrix) = matrix.filter(|_| turns) {
            links.extend(upright(&matrix));
        }
        let size = (format.width, format.height);
        av::video_source_args(
            size,
            format.format,
            settings.time_base,
            format.aspect,
            settings.frame_rate,
            format.colors,
        )
    } else {
        links = settings.audio.links(is_first);
        let sample_format = av::sample_format_name(format.format).ok_or(AvError::INVALID)?;
        av::audio_source_args(format.sample_rate, &sample_format, format.layout.as_deref(), format.channels)
    };
    links.extend(trim(settings.kind, settings.trim_start_us, settings.trim_duration_us, "in"));
    graph.connect_source(settings.kind, &name, &args, format.pool.as_deref(), &links)
}
