//! One stream of an input, and what the options say of it. Source: `add_input_streams` of FFmpeg's fftools/ffmpeg_opt.c.

use super::context::JobContext;
use super::errors::failed;
use super::hardware::Request;
use super::picture_options::{Cropping, display_matrix};
use crate::av::{self, Codec, Input, InputStream, Rational};
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, MediaKind, StreamFacts, parse_float, parse_integer};

/// A stream of an input, and what the options say of it.
pub struct StreamPlan {
    pub info: InputStream,
    pub decoder: Option<Codec>,
    pub hardware: Request,
    /// -r of the input.
    pub forced_frame_rate: Rational,
    pub scale: f64,
    pub autorotate: bool,
    pub reinit_filter: bool,
    pub drops_changed: bool,
    pub cropping: Cropping,
    /// The user says how the picture lies, whatever the codec says.
    pub forces_matrix: bool,
    /// -canvas_size of subtitles.
    pub canvas_size: Option<(i32, i32)>,
    /// -fix_sub_duration: subtitles end where the next one begins.
    pub fixes_sub_duration: bool,
    /// -top of the input.
    pub top_field_first: Option<bool>,
    /// What the user lets through: an AVDiscard.
    pub discard: i32,
    pub is_used: bool,
    pub is_decoded: bool,
}

pub fn decoder_named(name: &str) -> Result<Codec, Error> {
    av::find_decoder(name)
        .ok_or_else(|| Error::option(format!("decoder '{name}' (option c) is unknown")).at("open input"))
}

/// The decoder that the user names for a stream; of another kind with -recast_media only.
pub fn named_decoder(
    job: &JobSpec,
    spec: &FileSpec,
    facts: &[StreamFacts],
    index: usize,
) -> Result<Option<Codec>, Error> {
    let Some(codec) = spec.for_stream("c", facts, index).map(decoder_named).transpose()? else {
        return Ok(None);
    };
    if codec.kind() != facts[index].kind && !job.global_flag("recast_media") {
        let (name, kind) = (codec.name(), facts[index].kind.word());
        return Err(
            Error::option(format!("decoder '{name}' (option c) is not one for {kind} streams")).on_stream(index)
        );
    }
    Ok(Some(codec))
}

pub fn facts_of(stream: &InputStream) -> StreamFacts {
    let par = &stream.parameters;
    let is_usable = par.codec_id() != 0
        && match par.kind() {
            MediaKind::Video => par.width() > 0 && par.height() > 0 && par.format() != -1,
            MediaKind::Audio => par.sample_rate() > 0 && par.channels() > 0 && par.format() != -1,
            MediaKind::Unknown => false,
            _ => true,
        };
    StreamFacts {
        kind: par.kind(),
        id: stream.id,
        is_attached_picture: stream.is_attached_picture(),
        is_usable,
        metadata: stream.metadata.entries(),
        programs: stream.programs.clone(),
    }
}

pub fn plan_stream(
    context: &JobContext,
    input: &mut Input,
    job: &JobSpec,
    spec: &FileSpec,
    facts: &[StreamFacts],
    index: usize,
) -> Result<StreamPlan, Error> {
    let decoder = named_decoder(job, spec, facts, index)?;
    if let Some(codec) = decoder {
        input.set_codec_id(index, codec.id());
        input.recast(index, codec);
    }
    let value = |name| spec.for_stream(name, facts, index);
    if let Some(tag) = value("tag") {
        input.set_codec_tag(index, codec_tag(tag));
    }
    let bad = |e| failed(e, "open input", Code::DEMUX, "cannot read a stream");
    let matrix = display_matrix(value).filter(|_| facts[index].kind == MediaKind::Video);
    if let Some(matrix) = &matrix {
        input.set_side_data(index, matrix).map_err(bad)?;
    }
    let mut info = input.describe(index).map_err(bad)?;
    input.set_discard(index, av::DISCARD_ALL);
    let forced_frame_rate = match (info.kind(), value("r")) {
        (MediaKind::Video, Some(rate)) => Rational::parse_frame_rate(rate)
            .ok_or_else(|| Error::option(format!("option r has the value '{rate}', which is no frame rate")))?,
        _ => Rational::new(0, 0),
    };
    let hardware = match info.kind() {
        MediaKind::Video => Request::of(context, value)?,
        _ => Request::none(),
    };
    let max_channels = value("guess_layout_max").and_then(parse_integer).unwrap_or(i64::from(i32::MAX));
    if info.kind() == MediaKind::Audio
        && let Some(layout) = info.parameters.guess_layout(max_channels as i32)
    {
        context.warn("open input", Some(index), &format!("the channel layout is not known: {layout} is assumed"));
    }
    let is_disabled = match info.kind() {
        MediaKind::Video => spec.flag("vn"),
        MediaKind::Audio => spec.flag("an"),
        MediaKind::Subtitle => spec.flag("sn"),
        MediaKind::Data => spec.flag("dn"),
        _ => None,
    };
    let discard = match (is_disabled, value("discard")) {
        (_, Some(text)) => av::codec_flag_value("skip_frame", text)
            .ok_or_else(|| Error::option(format!("option discard has the unknown value '{text}'")))?,
        (Some(true), None) => av::DISCARD_ALL,
        _ => av::DISCARD_NONE,
    };
    let drops_changed = value("drop_changed").and_then(parse_integer).is_some_and(|drops| drops != 0);
    if drops_changed && value("reinit_filter").and_then(parse_integer).is_some_and(|reinit| reinit > 0) {
        return Err(Error::option("the options drop_changed and reinit_filter exclude each other".into()));
    }
    Ok(StreamPlan {
        decoder: decoder
            .or_else(|| hardware.decoder(info.parameters.codec_id()))
            .or_else(|| av::decoder_for(info.parameters.codec_id())),
        hardware,
        forced_frame_rate,
        scale: value("itsscale").and_then(parse_float).unwrap_or(1.0),
        autorotate: value("autorotate").is_none_or(|v| v != "0"),
        reinit_filter: value("reinit_filter").is_none_or(|v| v != "0"),
        drops_changed,
        cropping: Cropping::parse(value("apply_cropping"))?,
        forces_matrix: matrix.is_some(),
        canvas_size: value("canvas_size")
            .map(|text| {
                av::video_size(text).ok_or_else(|| {
                    Error::option(format!("option canvas_size has the value '{text}', which is no size"))
                })
            })
            .transpose()?,
        fixes_sub_duration: value("fix_sub_duration").is_some_and(|v| v != "0"),
        top_field_first: value("top").and_then(parse_integer).filter(|top| *top >= 0).map(|top| top != 0),
        discard,
        is_used: false,
        is_decoded: false,
        info,
    })
}

/// "avc1" or a number.
pub fn codec_tag(text: &str) -> u32 {
    if let Some(number) = parse_integer(text) {
        return number as u32;
    }
    let mut bytes = [0; 4];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    u32::from_le_bytes(bytes)
}
