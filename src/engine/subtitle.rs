//! One subtitle stream on its thread: decoded, and encoded for each output that wants it. Rule 28; source: `transcode_subtitles`,
//! `do_subtitle_out` and `init_output_stream` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::context::JobContext;
use super::counters::add;
use super::decode::{Flushed, FrameItem, FrameTarget, PacketItem};
use super::errors::failed;
use super::inbox::{CloseOnDrop, Inbox, Refused};
use super::mux::StreamReady;
use super::mux_thread::MuxItem;
use super::observer::LEVEL_ERROR;
use super::pipeline::EncodedStream;
use super::plan::EncodePlan;
use super::sub2video::draw;
use crate::av::{
    self, AvError, Decoder, Encoder, InputStream, Packet, Rational, Subtitle, SubtitleSettings, TIME_BASE,
};
use crate::error::{Code, Error};
use std::sync::Arc;

/// An encoder, and the output stream that it feeds.
pub struct SubtitleTarget {
    encoder: Encoder,
    plan: Arc<EncodePlan>,
    mux: Arc<Inbox<MuxItem>>,
    index: usize,
    start_us: Option<i64>,
    duration_us: Option<i64>,
}

pub struct SubtitleStage {
    pub context: Arc<JobContext>,
    pub inbox: Arc<Inbox<PacketItem>>,
    pub decoder: Decoder,
    pub input: usize,
    pub stream: usize,
    pub exits_on_error: bool,
    /// -fix_sub_duration: each subtitle ends where the next one begins.
    pub fixes_duration: bool,
    pub targets: Vec<SubtitleTarget>,
    /// Graphs that lay the pictures over video.
    pub graphs: Vec<FrameTarget>,
    pub canvas_size: (i32, i32),
    pub time_base: Rational,
}

/// Opens the encoder of one output stream. Also returns what its muxer must know.
pub fn open_target(
    context: &JobContext,
    stream: &EncodedStream,
    info: &InputStream,
    decoder: &Decoder,
    mux: &Arc<Inbox<MuxItem>>,
) -> Result<(SubtitleTarget, StreamReady), Error> {
    let plan = &stream.plan;
    check_kinds(plan, info)?;
    let own_size = (info.parameters.width(), info.parameters.height());
    let settings = SubtitleSettings {
        size: plan.video.size.unwrap_or(own_size),
        header: decoder.subtitle_header(),
        is_bitexact: plan.is_bitexact,
        wants_global_header: plan.wants_global_header,
        codec_tag: plan.codec_tag,
        log_slot: context.log_slot,
    };
    let name = plan.codec.name();
    let mut options = plan.options.clone();
    let encoder = Encoder::open_subtitle(plan.codec, &settings, &mut options)
        .map_err(|e| failed(e, "encode", Code::ENCODE, &format!("cannot open the encoder {name}")))?;
    if let Some((key, _)) = options.entries().first() {
        return Err(Error::option(format!("option {key} is not one of the encoder {name}")).at("encode"));
    }
    let parameters = encoder.parameters();
    let ready = StreamReady {
        parameters: parameters.map_err(|e| failed(e, "encode", Code::ENCODE, "cannot describe the subtitles"))?,
        time_base: TIME_BASE,
        side_data: info.side_data.clone(),
        sample_aspect_ratio: None,
        frame_rate: None,
        is_constant_rate: false,
        duration: (info.duration > 0).then_some((info.duration, info.time_base)),
        encoder_tag: Some(plan.encoder_tag(stream.header_flags.as_deref())),
        measured_pixels: None,
    };
    let target = SubtitleTarget {
        encoder,
        plan: Arc::clone(plan),
        mux: Arc::clone(mux),
        index: stream.index,
        start_us: stream.start_us,
        duration_us: stream.duration_us,
    };
    Ok((target, ready))
}

/// Text becomes text and pictures become pictures; nothing makes one of the other.
fn check_kinds(plan: &EncodePlan, info: &InputStream) -> Result<(), Error> {
    let (from, to) = (av::subtitle_kinds(info.parameters.codec_id()), av::subtitle_kinds(plan.codec.id()));
    let is_known = |kinds: (bool, bool)| kinds.0 || kinds.1;
    if is_known(from) && is_known(to) && from != to {
        let words = |kinds: (bool, bool)| if kinds.0 { "text" } else { "pictures" };
        let text = format!("these subtitles are {}, and {} makes {}", words(from), plan.codec.name(), words(to));
        return Err(Error::new(Code::UNSUPPORTED, text).at("encode").with_hint(
            "Text can be written as text and pictures as pictures. Pictures can be drawn on video with -filter_complex overlay.",
        ));
    }
    Ok(())
}

/// What goes on behind a key frame of a subtitle that began before it (ffmpeg_dec.c: fix_sub_duration_heartbeat).
fn split(held: Option<&(Subtitle, i64)>, at_us: i64) -> Option<(Subtitle, i64)> {
    let (subtitle, now_us) = held?;
    if subtitle.is_empty() || subtitle.pts_us().is_none_or(|pts_us| at_us <= pts_us) {
        return None;
    }
    let mut rest = subtitle.clone();
    rest.set_pts_us(at_us);
    Some((rest, *now_us))
}

impl SubtitleStage {
    pub fn run(mut self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner();
        // Also after an error: the muxers must not wait for more.
        self.targets.iter().for_each(|target| target.mux.send_last(target.index, MuxItem::End));
        self.graphs.iter().for_each(|(inbox, queue)| inbox.send_last(*queue, FrameItem::End(i64::MAX)));
        result
    }

    fn run_inner(&mut self) -> Result<(), Error> {
        // With -fix_sub_duration: the one whose end is not known yet.
        let mut held: Option<(Subtitle, i64)> = None;
        while !self.targets.is_empty() || !self.graphs.is_empty() {
            let Some((_, item)) = self.inbox.receive(None) else { return Ok(()) };
            let decoded = match item {
                PacketItem::Packet { packet, now_us, .. } => {
                    self.decode(Some(&packet))?.map(|subtitle| (subtitle, now_us))
                }
                PacketItem::Heartbeat(pts) => {
                    self.send_graphs(|| Ok(FrameItem::Heartbeat(pts)))?;
                    None
                }
                PacketItem::Slate { .. } => None, // of pictures and sound only
                PacketItem::Split(at_us) => split(held.as_ref(), at_us),
                PacketItem::Flush { answer, .. } => {
                    let rest = self.decode(None)?;
                    self.decoder.flush();
                    let _ = answer.send(Flushed::default());
                    rest.map(|subtitle| (subtitle, i64::MAX))
                }
                PacketItem::End { .. } => {
                    let last = self.decode(None)?.map(|subtitle| (subtitle, i64::MAX));
                    for (subtitle, now_us) in self.fixed(&mut held, last).into_iter().chain(held.take()) {
                        self.encode(subtitle, now_us)?;
                    }
                    return Ok(());
                }
            };
            if let Some((subtitle, now_us)) = self.fixed(&mut held, decoded) {
                self.encode(subtitle, now_us)?;
            }
        }
        Ok(())
    }

    fn decode(&mut self, packet: Option<&Packet>) -> Result<Option<Subtitle>, Error> {
        match self.decoder.decode_subtitle(packet) {
            Ok(Some(subtitle)) => {
                add(&self.context.counters.frames_decoded, 1);
                Ok(Some(subtitle))
            }
            Ok(None) | Err(AvError::EOF) => Ok(None),
            Err(error) => {
                add(&self.context.counters.decode_errors, 1);
                let text = format!("error while decoding stream {}:{}: {}", self.input, self.stream, error.words());
                self.context.observer.log(LEVEL_ERROR, "decode", Some(self.stream), &text);
                match self.exits_on_error {
                    true => Err(failed(error, "decode", Code::DECODE, &text).on_stream(self.stream)),
                    false => Ok(None),
                }
            }
        }
    }

    /// -fix_sub_duration: keeps a subtitle until the next one says when it ends at the latest.
    fn fixed(&self, held: &mut Option<(Subtitle, i64)>, new: Option<(Subtitle, i64)>) -> Option<(Subtitle, i64)> {
        if !self.fixes_duration {
            return new;
        }
        let new = new?;
        let (next_us, before) = (new.0.pts_us(), held.replace(new));
        let (mut subtitle, now_us) = before?;
        if let (Some(next_us), Some(pts_us)) = (next_us, subtitle.pts_us()) {
            let length_ms = next_us.saturating_sub(pts_us) / 1000;
            if length_ms <= 0 {
                return None;
            }
            if length_ms < i64::from(subtitle.display_ms().1) {
                subtitle.set_end_ms(length_ms as u32);
            }
        }
        Some((subtitle, now_us))
    }

    fn draw(&mut self, subtitle: &Subtitle) -> Result<(), Error> {
        let no_memory = |e| failed(e, "decode", Code::ENOMEM, "no memory for a picture of subtitles");
        let drawn = draw(subtitle, self.canvas_size, self.time_base).map_err(no_memory)?;
        if drawn.is_partial {
            self.context.warn(
                "decode",
                Some(self.stream),
                "a subtitle is no picture, or lies outside of the canvas; it is not shown",
            );
        }
        self.send_graphs(|| {
            let canvas = drawn.canvas.reference().map_err(no_memory)?;
            Ok(FrameItem::Shown { canvas, end_pts: drawn.end_pts })
        })
    }

    fn send_graphs(&mut self, item: impl Fn() -> Result<FrameItem, Error>) -> Result<(), Error> {
        let mut index = 0;
        while index < self.graphs.len() {
            let (inbox, queue) = &self.graphs[index];
            match inbox.send(*queue, item()?) {
                Ok(()) => index += 1,
                Err(Refused::Closed) => drop(self.graphs.remove(index)),
                Err(Refused::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn encode(&mut self, mut subtitle: Subtitle, now_us: i64) -> Result<(), Error> {
        let Some(pts_us) = subtitle.pts_us() else {
            self.context.warn("encode", Some(self.stream), "a subtitle without a time is left out");
            return Ok(());
        };
        if !self.graphs.is_empty() {
            self.draw(&subtitle)?;
        }
        if subtitle.is_empty() {
            return Ok(());
        }
        subtitle.appear_at_pts();
        let appears_us = subtitle.pts_us().unwrap_or(pts_us);
        let mut index = 0;
        while index < self.targets.len() {
            let target = &mut self.targets[index];
            let is_before = target.start_us.is_some_and(|start| now_us < start);
            if is_before || target.write(&mut subtitle, pts_us, appears_us)? {
                index += 1;
            } else {
                let target = self.targets.remove(index);
                target.mux.send_last(target.index, MuxItem::End);
            }
        }
        Ok(())
    }
}

impl SubtitleTarget {
    /// False where no more is wanted.
    fn write(&mut self, subtitle: &mut Subtitle, pts_us: i64, appears_us: i64) -> Result<bool, Error> {
        let start_us = self.start_us.unwrap_or(0);
        if self.duration_us.is_some_and(|duration| pts_us.saturating_sub(start_us) >= duration) {
            return Ok(false);
        }
        let begin_us = appears_us.saturating_sub(start_us);
        subtitle.set_pts_us(begin_us);
        let length_us = i64::from(subtitle.display_ms().1) * 1000;
        // DVB needs one packet to draw and another one to clear.
        let packets = if self.plan.codec.id() == av::CODEC_DVB_SUBTITLE { 2 } else { 1 };
        for number in 0..packets {
            let packet = self.encoder.encode_subtitle(subtitle, number == 1);
            let mut packet = packet.map_err(|e| {
                let what = format!("the encoder {} failed", self.plan.codec.name());
                failed(e, "encode", Code::ENCODE, &what).on_stream(self.index)
            })?;
            let time_us = begin_us + if number == 1 { length_us } else { 0 };
            packet.set_pts(time_us);
            packet.set_dts(time_us);
            packet.set_duration(length_us);
            match self.mux.send(self.index, MuxItem::Packet(packet)) {
                Ok(()) => {}
                Err(Refused::Closed) => return Ok(false),
                Err(Refused::Error(error)) => return Err(error),
            }
        }
        Ok(true)
    }
}
