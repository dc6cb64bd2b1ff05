//! Describing copied streams to their muxers, and what of them is copied. Rules 9, 12 and 13; source: `init_output_stream_streamcopy`
//! of FFmpeg's fftools/ffmpeg.c (5.1).

use super::copy::CopySettings;
use super::errors::failed;
use super::files::OpenInput;
use super::plan::{OpenOutput, Work};
use crate::av::{self, Rational, SideData};
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind, parse_float};

/// Describes every copied stream to its muxer. Returns the time base of the packets of each.
pub fn describe_copies(
    inputs: &[OpenInput],
    job: &JobSpec,
    open: &mut OpenOutput,
) -> Result<Vec<Option<Rational>>, Error> {
    let mut time_bases = Vec::new();
    for index in 0..open.streams.len() {
        let is_copy = open.streams[index].work.is_copy();
        time_bases.push(match open.streams[index].source.filter(|_| is_copy) {
            Some((input, stream)) => {
                let described = describe_copy(&inputs[input], stream, job, open, index);
                described.map_err(|e| {
                    failed(e, "open output", Code::MUX, &format!("cannot copy stream {input}:{stream}"))
                        .on_output(open.index, &open.url)
                        .on_stream(index)
                })?;
                Some(inputs[input].streams[stream].info.time_base)
            }
            None => None,
        });
    }
    Ok(time_bases)
}

/// Rules 12 and 13; source: init_output_stream_streamcopy of fftools/ffmpeg.c.
fn describe_copy(
    input: &OpenInput,
    stream: usize,
    job: &JobSpec,
    open: &mut OpenOutput,
    index: usize,
) -> Result<(), av::AvError> {
    let info = &input.streams[stream].info;
    let parameters = copied_parameters(info, job, open, index)?;
    let asked = copied_frame_rate(input, stream, job, open, index);
    let output = &mut open.output;
    output.set_frame_rates(index, asked.unwrap_or(info.avg_frame_rate), None);
    output.set_parameters(index, &parameters)?;
    let copy_tb = job.global("copytb").and_then(parse_float).unwrap_or(-1.0) as i32;
    output.transfer_timing(index, &input.input, stream, copy_tb, asked.map(Rational::inverse))?;
    output.hint_duration(index, info.duration, info.time_base);
    for side in &info.side_data {
        output.add_side_data(index, side)?;
    }
    if let Some(degrees) = open.streams[index].rotate {
        output.add_side_data(index, &SideData::rotated(-degrees))?;
    }
    if info.kind() == MediaKind::Video {
        let output = &mut open.output;
        output.set_sample_aspect_ratio(index, parameters.sample_aspect_ratio());
        output.set_frame_rates(index, info.avg_frame_rate, Some(info.r_frame_rate));
    }
    Ok(())
}

/// What the muxer is told of a copied stream.
pub fn copied_parameters(
    info: &av::InputStream,
    job: &JobSpec,
    open: &OpenOutput,
    index: usize,
) -> Result<av::Parameters, av::AvError> {
    let mut options = open.options.for_codec(None, info.kind(), &open.facts(), index);
    let reference = info.parameters.through_context(&mut options)?;
    let mut parameters = reference.duplicate()?;
    parameters.set_codec_tag(match open.streams[index].tag {
        Some(tag) if tag != 0 => tag,
        _ => open.output.copied_tag(&reference),
    });
    if info.kind() == MediaKind::Audio {
        let is_mp3_block = parameters.codec_id() == av::CODEC_MP3 && [1, 576, 1152].contains(&parameters.block_align());
        if is_mp3_block || parameters.codec_id() == av::CODEC_AC3 {
            parameters.clear_block_align();
        }
    }
    if info.kind() == MediaKind::Video {
        parameters.set_sample_aspect_ratio(copied_aspect(info, &reference, job, open, index));
    }
    Ok(parameters)
}

/// -r, of the output or else of the input: it only says how fine the times are.
fn copied_frame_rate(
    input: &OpenInput,
    stream: usize,
    job: &JobSpec,
    open: &OpenOutput,
    index: usize,
) -> Option<Rational> {
    if input.streams[stream].info.kind() != MediaKind::Video {
        return None;
    }
    let asked = job.outputs[open.index].for_stream("r", &open.facts(), index).and_then(Rational::parse_frame_rate);
    asked.or(Some(input.streams[stream].forced_frame_rate)).filter(|rate| rate.num != 0)
}

/// The shape of a pixel: -aspect, or the container's word, or the codec's.
fn copied_aspect(
    info: &av::InputStream,
    reference: &av::Parameters,
    job: &JobSpec,
    open: &OpenOutput,
    index: usize,
) -> Rational {
    let aspect = job.outputs[open.index].for_stream("aspect", &open.facts(), index);
    match aspect.and_then(|text| Rational::parse_ratio(text, 255)) {
        Some(aspect) => aspect.times(Rational::new(reference.height(), reference.width().max(1))),
        None if info.sample_aspect_ratio.num != 0 => info.sample_aspect_ratio,
        None => reference.sample_aspect_ratio(),
    }
}

pub fn copy_settings(input: &OpenInput, stream: usize, job: &JobSpec, open: &OpenOutput, index: usize) -> CopySettings {
    let info = &input.streams[stream].info;
    let (copies_non_key_start, copies_before_start) = match open.streams[index].work {
        Work::Copy { copies_non_key_start, copies_before_start, .. } => (copies_non_key_start, copies_before_start),
        _ => (false, true),
    };
    let copy_ts = job.global_flag("copyts");
    let zero_us = match copy_ts {
        true if job.global_flag("start_at_zero") => input.start_us.unwrap_or(0),
        true => input.start_us.unwrap_or(0) + input.input.start_time_us().unwrap_or(0),
        false => 0,
    };
    let first_us = open.start_us.unwrap_or(0);
    let with_offset = input.start_us.filter(|_| copy_ts).map(|start| start + input.offset_us);
    CopySettings {
        time_base: info.time_base,
        out_time_base: info.time_base,
        is_audio: info.kind() == MediaKind::Audio,
        sample_rate: info.parameters.sample_rate(),
        frame_size: info.parameters.frame_size(),
        copies_non_key_start,
        copies_before_start,
        start_us: open.start_us,
        first_us: with_offset.map_or(first_us, |other| other.max(first_us)),
        duration_us: open.duration_us,
        input_end_us: input.duration_us.map(|d| d.saturating_add(zero_us)),
    }
}
