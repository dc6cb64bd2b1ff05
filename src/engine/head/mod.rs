//! What the head of an MP4 says of H.264 and AAC is all that a copy needs: avformat_find_stream_info would open two decoders and decode
//! a key frame to find the same, which is over half of the work of copying a small file. In an MPEG-TS that is all there the parameter sets of
//! H.264 say what its decoder would; the rest is FFmpeg's to find.

mod aac;
mod access_unit;
mod bits;
mod h264;
#[cfg(test)]
mod tests;
mod transport;

use self::transport::Ahead;
use super::stream_setup::FileOptions;
use super::trust::Policy;
use crate::av::{Input, Muxer, StreamHead, VideoFacts};
use crate::options::{FileSpec, JobSpec, MediaKind};

/// Sets the streams of an input from its head. False where that is not sure to give what reading and decoding gives: then nothing was
/// changed. `FileSpec` is the input's.
pub fn settle(input: &mut Input, job: &JobSpec, spec: &FileSpec, options: &FileOptions) -> bool {
    if options.has_codec_options()
        || looks_closer(spec)
        || input.limits_decoders()
        || !input.format_name().starts_with("mov,")
        || !only_copies(job)
    {
        return false;
    }
    let heads: Option<Vec<StreamHead>> = (0..input.stream_count()).map(|index| head(input, index)).collect();
    let Some(heads) = heads else { return false };
    // Of several of a kind FFmpeg prefers those that it met a packet of.
    let is_alone = |video: bool| heads.iter().filter(|head| matches!(head, StreamHead::Video(_)) == video).count() <= 1;
    is_alone(true) && is_alone(false) && input.settle(&heads)
}

/// The one H.264 stream of an MPEG-TS in memory, or of a short one that ends while FFmpeg would look at it anyway, and what its pictures are, where the parameter sets say that and every picture has its
/// times, so that no decoder has a say. None where decoding might tell more.
pub fn known_picture(
    input: &mut Input,
    job: &JobSpec,
    spec: &FileSpec,
    options: &FileOptions,
    policy: &Policy,
) -> Option<(usize, VideoFacts)> {
    /// Longer ones have other work, and the probing ends before their end.
    const MOST_BYTES: usize = 16 << 20;
    let is_tried = cfg!(not(ffmpeg6)); // what newer releases do was not compared
    let is_plain = !options.has_codec_options() && !looks_closer(spec) && !input.limits_decoders();
    if !is_tried || !is_plain || input.format_name() != "mpegts" || !only_copies(job) {
        return None;
    }
    let mut of_h264 = (0..input.stream_count()).filter(|index| input.is_plain_h264(*index));
    let index = of_h264.next().filter(|_| of_h264.next().is_none())?;
    let (place, tables) = input.places(index);
    let (is_read_far, mut ahead) = (input.is_read_far(), Ahead::default());
    let mut reads_on = |bytes: &[u8]| is_read_far && ahead.is_read_on(bytes);
    let bytes = input.whole_ahead(&mut reads_on).filter(|bytes| bytes.len() <= MOST_BYTES)?;
    let facts = transport::facts(bytes, place, &tables)?;
    policy.allows_pixels(facts.width, facts.height).then_some((index, facts))
}

/// Whether the user asks for more than the head, or says how to look.
fn looks_closer(spec: &FileSpec) -> bool {
    const WAYS: [&str; 7] = [
        "probesize",
        "analyzeduration",
        "fpsprobesize",
        "max_ts_probe",
        "fflags",
        "codec_whitelist",
        "skip_estimate_duration_from_pts",
    ];
    spec.flag("mt_full_probe").unwrap_or(false)
        || spec.all("c").next().is_some()
        || spec.av_options().any(|setting| WAYS.contains(&setting.name.as_str()))
}

fn head(input: &Input, index: usize) -> Option<StreamHead> {
    let stream = input.describe(index).ok()?;
    let extradata = stream.parameters.extradata();
    match stream.parameters.kind() {
        MediaKind::Video if !stream.is_attached_picture() => h264::facts(extradata).map(StreamHead::Video),
        MediaKind::Audio => aac::facts(extradata).map(StreamHead::Audio),
        _ => None,
    }
}

/// Whether nothing is decoded, and no output takes its time base from what a decoder said.
fn only_copies(job: &JobSpec) -> bool {
    let has_graph =
        ["filter_complex", "filter_complex_script"].iter().any(|name| job.global_all(name).next().is_some());
    let keeps_decoders_rate = job.global("copytb").is_some();
    !has_graph && !keeps_decoders_rate && !job.outputs.is_empty() && job.outputs.iter().all(copies)
}

fn copies(output: &FileSpec) -> bool {
    let names_all = output.all("c").any(|setting| setting.specifier.is_empty());
    let names_each = ["v", "a"].iter().all(|kind| output.all("c").any(|setting| setting.specifier == *kind));
    output.is_copied()
        && (names_all || names_each)
        && Muxer::find(output.value("f"), &output.url).is_some_and(|muxer| !muxer.asks_for_decoders_rate())
}
