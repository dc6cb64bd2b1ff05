//! What decoders and graphs need to know of the streams that they work on.

use super::audio_source::AudioSource;
use super::context::JobContext;
use super::decode::{DecodeStage, FrameTarget, PacketItem};
use super::decode_clock::DecodeClock;
use super::decode_failures::DecodeFailures;
use super::decode_slate::SlateMaker;
use super::demux::Demuxer;
use super::encoder_open::SourceFacts;
use super::errors::open_failed;
use super::files::OpenInput;
use super::filter_build::SourceSettings;
use super::hardware::DecoderHardware;
use super::inbox::Inbox;
use super::input_stream::StreamPlan;
use crate::av::{Codec, Decoder, DecoderSettings, Dict, SideData};
use crate::error::{Code, Error};
use crate::options::{MediaKind, parse_integer};
use std::sync::Arc;

/// Pictures that lie in the links between a decoder and an encoder, which a pool of fixed size must have beside those that the decoder
/// needs itself (ffmpeg_dec.c of 7.1: dec_open).
const HELD_PICTURES: i64 = 10;
/// In front of a decoder.
const PACKETS: usize = 8;
const SOUND_PACKETS: usize = 32;

/// How -copyts changes where zero is, and what is done with the times of audio.
pub struct Times {
    pub copy_ts: bool,
    pub start_at_zero: bool,
    pub audio: AudioSource,
}

impl Times {
    /// Where the wanted part of an input begins, in the timestamps that decoders see.
    pub fn offset_us(&self, file: &OpenInput) -> i64 {
        if !self.copy_ts {
            return 0;
        }
        let zero = if self.start_at_zero { 0 } else { file.input.start_time_us().unwrap_or(0) };
        file.start_us.unwrap_or(0) + zero
    }
}

pub fn source_settings(demuxer: &Demuxer, stream: usize, kind: MediaKind, times: &Times) -> SourceSettings {
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
        drops_changed: plan.drops_changed,
        matrix: plan.info.side_data.iter().find_map(SideData::matrix),
        crop: plan.cropping.of_stream(&plan.info.side_data),
        trim_start_us: file.start_us.filter(|_| file.is_seek_accurate).map(|_| times.offset_us(file)),
        trim_duration_us: file.duration_us,
        fallback: super::filter_build::SourceFormat::of_parameters(&plan.info.parameters),
        audio: times.audio.clone(),
    }
}

pub fn source_facts(demuxer: &Demuxer, stream: usize) -> SourceFacts {
    let plan = &demuxer.file.streams[stream];
    SourceFacts {
        time_base: plan.info.time_base,
        duration: plan.info.duration,
        side_data: plan.info.side_data.clone(),
        autorotate: plan.autorotate,
    }
}

/// The queue in front of a decoder.
pub fn packet_inbox(context: &Arc<JobContext>, demuxer: &Demuxer, stream: usize) -> Arc<Inbox<PacketItem>> {
    let file = &demuxer.file;
    // As of frames (pipeline): a wake for each few packets of sound costs more than to decode them.
    let usual = if file.streams[stream].info.kind() == MediaKind::Audio { SOUND_PACKETS } else { PACKETS };
    Inbox::new(context, vec![(format!("decoder {}:{stream}", file.index), file.queue_packets.unwrap_or(usual))])
}

/// Opens the decoder of a stream.
pub fn open_codec(
    context: &JobContext,
    demuxer: &Demuxer,
    stream: usize,
) -> Result<(Decoder, Option<DecoderHardware>), Error> {
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
    file.policy.check_decoder(codec).map_err(on_stream)?;
    file.policy.bound_decoder(&mut options);
    if info.kind() == MediaKind::Video && cfg!(ffmpeg7_1) {
        options.set("apply_cropping", "0"); // done behind the decoder, to the line
    }
    if plan.forces_matrix && cfg!(ffmpeg7_0) {
        let others = options.get("side_data_prefer_packet").map_or(String::new(), |others| format!("{others},"));
        options.set("side_data_prefer_packet", &format!("{others}displaymatrix"));
    }
    context.codec_threads.add_to_decoder(codec, info.parameters.height(), &mut options);
    if info.is_attached_picture() {
        options.set("threads", "1"); // its only frame must not wait for more
    }
    context.mark_thread("decode"); // the threads that a device and a decoder start keep it
    let opened = open_on_device(context, file, plan, codec, &mut options);
    context.mark_thread("job");
    let (decoder, hardware) = opened.map_err(on_stream)?;
    if let Some((key, _)) = options.entries().first() {
        return Err(on_stream(Error::option(format!("option {key} is not one of the decoder {}", codec.name()))));
    }
    Ok((decoder, hardware))
}

/// Opens a decoder with the device that its stream asks for. What of `options` was not used stays in it. Blocks for as long as drivers like.
fn open_on_device(
    context: &JobContext,
    file: &OpenInput,
    plan: &StreamPlan,
    codec: Codec,
    options: &mut Dict,
) -> Result<(Decoder, Option<DecoderHardware>), Error> {
    let info = &plan.info;
    let hardware = context.devices.for_decoder(context, file.policy.trust, &plan.hardware, codec)?;
    if hardware.as_ref().is_some_and(|hardware| hardware.keeps_frames()) {
        let asked = options.get("extra_hw_frames").and_then(|text| parse_integer(&text)).unwrap_or(0);
        options.set("extra_hw_frames", &asked.max(0).saturating_add(HELD_PICTURES).to_string());
    }
    let settings = DecoderSettings {
        parameters: &info.parameters,
        time_base: info.time_base,
        frame_rate: info.avg_frame_rate,
        is_bitexact: file.is_bitexact,
        log_slot: context.log_slot,
        device: hardware.as_ref().map(|hardware| &hardware.decoder),
    };
    let decoder = Decoder::open(codec, &settings, options).map_err(|e| {
        let text = format!("cannot open the decoder {} for stream {}:{}", codec.name(), file.index, info.index);
        open_failed(e, "decode", Code::DECODE, &text)
    })?;
    Ok((decoder, hardware))
}

/// Opens the decoder of a stream of video or audio, ready to run on its thread.
pub fn open_decoder(
    context: &Arc<JobContext>,
    demuxer: &Demuxer,
    stream: usize,
    targets: Vec<FrameTarget>,
    exits_on_error: bool,
    times: &Times,
) -> Result<DecodeStage, Error> {
    let file = &demuxer.file;
    let plan = &file.streams[stream];
    let info = &plan.info;
    let (decoder, hardware) = open_codec(context, demuxer, stream)?;
    Ok(DecodeStage {
        context: Arc::clone(context),
        inbox: packet_inbox(context, demuxer, stream),
        decoder,
        hardware,
        input: file.index,
        stream,
        is_video: info.kind() == MediaKind::Video,
        time_base: info.time_base,
        forced_frame_rate: plan.forced_frame_rate,
        top_field_first: plan.top_field_first,
        average_frame_rate: info.avg_frame_rate,
        crops: cfg!(ffmpeg7_1) && plan.cropping.of_codec,
        sample_aspect_ratio: info.sample_aspect_ratio,
        duration_us: file.duration_us,
        start_us: times.offset_us(file),
        exits_on_error,
        targets,
        failures: DecodeFailures::default(),
        slate: demuxer.source.as_ref().and_then(|source| source.slate()).map(|(slate, _)| SlateMaker::new(slate)),
        clock: DecodeClock::new(),
        place: Arc::default(),
        guides_copies: false,
    })
}
