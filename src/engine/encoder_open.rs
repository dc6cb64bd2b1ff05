//! Opening an encoder for what a filter graph gives. Rules 20 and 21; source: `init_output_stream_encode` and
//! `init_output_stream` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::errors::{failed, open_failed};
use super::mux::StreamReady;
use super::plan::{EncodePlan, FrameRateMode};
use crate::av::{
    self, AudioSettings, AvError, CommonSettings, Encoder, EncoderHardware, Frame, MediaSettings, Parameters, Rational,
    SideData, SinkFormat, VideoSettings,
};
use crate::error::{Code, Error};
use crate::options::MediaKind;

/// What is known of the input stream that is encoded; none for a complex graph.
#[derive(Clone)]
pub struct SourceFacts {
    pub time_base: Rational,
    pub duration: i64,
    pub side_data: Vec<SideData>,
    pub autorotate: bool,
}

/// An encoder that is ready for frames, and what the muxer must know.
pub struct OpenEncoder {
    pub encoder: Encoder,
    /// Of the frames that come.
    pub frame_time_base: Rational,
    pub frame_rate: Rational,
    pub sink_frame_rate: Rational,
    pub ready: StreamReady,
}

pub struct Opener<'a> {
    pub plan: &'a EncodePlan,
    pub kind: MediaKind,
    pub source: Option<&'a SourceFacts>,
    pub is_graph_meta: bool,
    pub decoder_bits: i32,
    pub log_slot: usize,
    pub header_flags: Option<String>,
}

impl Opener<'_> {
    /// `first`: the first frame, None where none came.
    pub fn open(
        &self,
        sink: SinkFormat,
        first: Option<&Frame>,
        hardware: Option<EncoderHardware>,
    ) -> Result<OpenEncoder, Error> {
        let frame_rate = if self.kind == MediaKind::Video { self.frame_rate(&sink) } else { Rational::new(0, 0) };
        let aspect = self.aspect(&sink);
        let natural = match self.kind {
            MediaKind::Video => frame_rate.inverse(),
            _ => Rational::new(1, sink.sample_rate.max(1)),
        };
        let mut time_base = match self.plan.encoder_time_base {
            Some(asked) if asked.num > 0 => asked,
            Some(asked) if asked.num < 0 => self.source.map_or(natural, |source| source.time_base),
            _ => natural,
        };
        if !time_base.is_positive() {
            time_base = sink.time_base;
        }
        let common = CommonSettings {
            time_base,
            is_bitexact: self.plan.is_bitexact,
            wants_global_header: self.plan.wants_global_header,
            quality: self.plan.quality,
            codec_tag: self.plan.codec_tag,
            bits_per_raw_sample: self.raw_bits(&sink),
            passes_origins: self.plan.statistics.packets.is_some(),
            log_slot: self.log_slot,
            hardware,
        };
        let (frame_time_base, sink_frame_rate) = (sink.time_base, sink.frame_rate);
        let media = match self.kind {
            MediaKind::Video => MediaSettings::Video(Box::new(VideoSettings {
                width: sink.width,
                height: sink.height,
                pixel_format: sink.format,
                sample_aspect_ratio: aspect,
                frame_rate,
                picture: first.map(Frame::picture),
                top_field_first: self.plan.video.top_field_first,
                quantisers: self.plan.video.quantisers.clone(),
                measures_psnr: self.plan.video.measures_psnr,
            })),
            _ => MediaSettings::Audio(AudioSettings {
                sample_format: sink.format,
                sample_rate: sink.sample_rate,
                layout: sink.layout,
            }),
        };
        let encoder = self.open_with(&common, &media)?;
        let ready = self.describe(&encoder, time_base, frame_rate, aspect)?;
        Ok(OpenEncoder { encoder, frame_time_base, frame_rate, sink_frame_rate, ready })
    }

    fn open_with(&self, common: &CommonSettings, media: &MediaSettings) -> Result<Encoder, Error> {
        let mut options = self.plan.options.clone();
        let height = if let MediaSettings::Video(video) = media { video.height } else { 0 };
        self.plan.threads.add_to_encoder(self.plan.codec, height, self.plan.quality.is_some(), &mut options);
        let name = self.plan.codec.name();
        let statistics = self.plan.two_pass.statistics.as_deref();
        let encoder = Encoder::open(self.plan.codec, common, media, statistics, &mut options).map_err(|e| {
            let error = open_failed(e, "encode", Code::ENCODE, &format!("cannot open the encoder {name}"));
            match e {
                AvError::AGAIN => error,
                AvError::EXPERIMENTAL => {
                    error.with_hint("The encoder is experimental: add -strict experimental, or choose another.")
                }
                _ => error.with_hint(
                    "Check its options, and whether it takes this size, pixel format, frame rate or sample rate.",
                ),
            }
        })?;
        match options.entries().first() {
            Some((key, _)) => Err(Error::option(format!("option {key} is not one of the encoder {name}")).at("encode")),
            None => Ok(encoder),
        }
    }

    fn frame_rate(&self, sink: &SinkFormat) -> Rational {
        let video = &self.plan.video;
        let mut rate = video.frame_rate.unwrap_or(sink.frame_rate);
        if self.source.is_some() && rate.num == 0 && video.max_frame_rate.is_none() {
            rate = Rational::new(25, 1); // ffmpeg's default where nothing is known
        }
        if let Some(max) = video.max_frame_rate.filter(|max| rate.den == 0 || rate.to_f64() > max.to_f64()) {
            rate = max;
        }
        let supported = self.plan.codec.frame_rates();
        if !supported.is_empty() && !video.keeps_frame_rate {
            rate = av::nearest_frame_rate(rate, &supported);
        }
        // MPEG-4 part 2 has 16 bits for it.
        if self.plan.codec.id() == av::CODEC_MPEG4 { rate.limited(65_535) } else { rate }
    }

    fn aspect(&self, sink: &SinkFormat) -> Rational {
        match self.plan.video.aspect {
            Some(asked) => asked.times(Rational::new(sink.height, sink.width.max(1))),
            None => sink.sample_aspect_ratio,
        }
    }

    fn raw_bits(&self, sink: &SinkFormat) -> i32 {
        if self.plan.bits_per_raw_sample > 0 || !self.is_graph_meta || self.source.is_none() {
            return self.plan.bits_per_raw_sample;
        }
        let most = match self.kind {
            MediaKind::Video => av::pixel_depth(sink.format),
            _ => av::bytes_per_sample(sink.format) * 8,
        };
        self.decoder_bits.min(most)
    }

    fn describe(
        &self,
        encoder: &Encoder,
        time_base: Rational,
        frame_rate: Rational,
        aspect: Rational,
    ) -> Result<StreamReady, Error> {
        let bad = |e| failed(e, "encode", Code::ENCODE, "cannot describe the encoded stream");
        let parameters: Parameters = encoder.parameters().map_err(bad)?;
        let is_video = self.kind == MediaKind::Video;
        let mut side_data = encoder.side_data();
        for side in self.source.iter().flat_map(|source| &source.side_data) {
            // A container's cropping was carried out, or is not wanted.
            if side.kind == SideData::CPB_PROPERTIES || side.crop().is_some() {
                continue;
            }
            let is_turned =
                side.kind == SideData::DISPLAY_MATRIX && self.source.is_some_and(|source| source.autorotate);
            side_data.push(if is_turned { SideData::upright() } else { side.clone() });
        }
        let mode = self.plan.video.mode.unwrap_or(FrameRateMode::Cfr);
        Ok(StreamReady {
            parameters,
            time_base,
            side_data,
            sample_aspect_ratio: is_video.then_some(aspect),
            frame_rate: is_video.then_some(frame_rate),
            is_constant_rate: is_video && matches!(mode, FrameRateMode::Cfr | FrameRateMode::Vscfr),
            duration: self
                .source
                .filter(|source| source.duration > 0)
                .map(|source| (source.duration, source.time_base)),
            encoder_tag: Some(self.plan.encoder_tag(self.header_flags.as_deref())),
            measured_pixels: encoder.measured_pixels(),
        })
    }
}
