//! What is strange in a job's description, and is done all the same: the warnings of ffmpeg's option parser (fftools/ffmpeg_opt.c 5.1), in our
//! words. And warnings of frames that both an encoder and a user may wonder about.

use super::context::JobContext;
use super::plan::{EncodePlan, FrameRateMode, OpenOutput};
use crate::av::{self, Encoder};
use crate::options::{FileSpec, GROUPS, JobSpec, MediaKind, OptionDef, Selector, Setting, StreamFacts, find};
use std::collections::BTreeSet;

/// Says what is strange in the options of the whole job and of each file.
pub fn on_job(context: &JobContext, job: &JobSpec) {
    let warn = |text: &str| context.warn("options", None, text);
    if let Some(setting) = job.global_all("vsync").last() {
        warn("option vsync is deprecated: use fps_mode");
        if setting.value.parse::<i32>().is_ok() {
            warn("a number for option vsync is deprecated: use a name (passthrough, cfr, vfr, drop, auto)");
        }
    }
    for (index, input) in job.inputs.iter().enumerate() {
        on_file(context, input, &format!("input {index}"));
        let both = |a, b| input.value(a).is_some() && input.value(b).is_some();
        if both("ss", "sseof") {
            warn(&format!("input {index} has both options ss and sseof: ss is used"));
        }
        if input.flag("re") == Some(true) && input.value("readrate").is_some() {
            warn(&format!("input {index} has both options re and readrate: readrate is used"));
        }
    }
    for (index, output) in job.outputs.iter().enumerate() {
        on_file(context, output, &format!("output {index}"));
        if output.value("timestamp").is_some() {
            warn("option timestamp is deprecated: set the metadata creation_time instead");
        }
    }
}

fn on_file(context: &JobContext, file: &FileSpec, place: &str) {
    let warn = |text: String| context.warn("options", None, &text);
    if file.value("t").is_some() && file.value("to").is_some() {
        warn(format!("{place}: options t and to cannot be used together; t is used"));
    }
    for name in ["b", "qscale", "profile"] {
        if file.settings.iter().any(|setting| setting.given == name) {
            let short = if name == "qscale" { "q" } else { name };
            warn(format!("{place}: option {name} is ambiguous: use {short}:v or {short}:a"));
        }
    }
}

/// Options that several settings of one file make for the same stream.
pub fn on_streams(context: &JobContext, file: &FileSpec, streams: &[StreamFacts]) {
    let names: BTreeSet<&str> = file.settings.iter().filter_map(|s| s.definition).map(|d| d.canonical.0).collect();
    for (index, stream) in streams.iter().enumerate() {
        for name in &names {
            let of_stream: Vec<&Setting> =
                file.settings.iter().filter(|setting| is_for(setting, name, streams, index)).collect();
            if let [.., last] = of_stream[..]
                && of_stream.len() > 1
            {
                let given = &last.given;
                let text = format!(
                    "option {name} is set {} times for stream {index}; only the last one, -{given} {}, is used",
                    of_stream.len(),
                    last.value
                );
                context.warn("options", Some(index), &text);
            }
        }
        let is_unspecific = |setting: &Setting| setting.name == "frames" && setting.specifier.is_empty();
        if stream.kind != MediaKind::Video && file.settings.iter().any(is_unspecific) {
            let text = "option frames without a stream holds for what is no video too: perhaps frames:v is meant";
            context.warn("options", Some(index), text);
        }
    }
}

fn is_for(setting: &Setting, name: &str, streams: &[StreamFacts], index: usize) -> bool {
    /// Each of them is a thing by itself.
    const SEVERAL: [&str; 4] = ["metadata", "map_metadata", "dump_attachment", "streamid"];
    let fits_kind = |definition: &OptionDef| match kind_of(definition) {
        Some(kind) => kind == streams[index].kind,
        None => true,
    };
    // "vcodec" takes no specifier, but means "c:v".
    let definition = setting.definition.and_then(|definition| find(definition.canonical.0));
    setting.name == name
        && definition.is_some_and(|d| d.per_stream && !SEVERAL.contains(&d.name) && fits_kind(d))
        && Selector::parse(&setting.specifier).is_some_and(|selector| selector.matches(streams, index))
}

/// Options of one kind of stream only.
fn kind_of(definition: &OptionDef) -> Option<MediaKind> {
    let is_in = |title: &str| {
        let group = GROUPS.iter().find(|group| group.title == title);
        group.is_some_and(|group| group.options.iter().any(|option| option.name == definition.canonical.0))
    };
    match () {
        () if is_in("Video") => Some(MediaKind::Video),
        () if is_in("Audio") => Some(MediaKind::Audio),
        () if is_in("Subtitles") => Some(MediaKind::Subtitle),
        () => None,
    }
}

/// Of an output whose streams are known.
pub fn on_output(context: &JobContext, file: &FileSpec, open: &OpenOutput) {
    let facts = open.facts();
    on_streams(context, file, &facts);
    for (index, stream) in open.streams.iter().enumerate() {
        let is_copied_video = stream.work.is_copy() && stream.kind == MediaKind::Video;
        if is_copied_video && file.for_stream("aspect", &facts, index).is_some() {
            let text = "another aspect ratio for a stream that is copied may make the file invalid";
            context.warn("options", Some(index), text);
        }
    }
}

/// ffmpeg says so at 1000, 10000 and so on.
pub fn on_duplicates(context: &JobContext, before: u64, now: u64) {
    let steps = std::iter::successors(Some(1000u64), |step| step.checked_mul(10));
    for step in steps.take_while(|step| *step < now).filter(|step| before <= *step) {
        context.warn("encode", None, &format!("more than {step} frames were repeated to keep the frame rate"));
    }
}

/// Of an encoder that has been opened for a stream; `has_rate`: the frame rate of what it encodes is known.
pub fn on_encoder(context: &JobContext, plan: &EncodePlan, encoder: &Encoder, kind: MediaKind, has_rate: bool) {
    let warn = |text: &str| context.warn("encode", None, text);
    // 700 bits a second are right for that one.
    if (1..1000).contains(&encoder.bit_rate()) && plan.codec.name() != "libcodec2" {
        warn("the bit rate is very low: it is in bits a second, not in thousands of them");
    }
    if kind != MediaKind::Video {
        return;
    }
    if !has_rate && plan.video.frame_rate.is_none() && plan.video.max_frame_rate.is_none() {
        warn("nothing says what the frame rate is: 25 a second are assumed; option r sets another one");
    }
    let is_constant = matches!(plan.video.mode, Some(FrameRateMode::Cfr | FrameRateMode::Vscfr));
    if encoder.time_base().to_f64() < 0.001 && is_constant {
        warn("the frame rate is very high for this format: set a lower one, take another format, or -fps_mode vfr");
    }
    if let Some(asked) = plan.video.pixel_format.filter(|_| !plan.video.keeps_pixel_format) {
        let supported = plan.codec.pixel_formats();
        let best = av::best_pixel_format(&supported, asked);
        if best != asked {
            let name = |format| av::pixel_format_name(format).unwrap_or_default();
            let (codec, asked, best) = (plan.codec.name(), name(asked), name(best));
            warn(&format!("pixel format {asked} is not one of the encoder {codec}: {best} is used"));
        }
    }
}
