//! What is to be encoded, and how: the options of one output stream. Source: `new_video_stream` and `new_audio_stream` of
//! FFmpeg's fftools/ffmpeg_opt.c.

use super::force_key::ForceKey;
use super::input_stream::codec_tag;
use super::outputs::Builder;
use super::plan::{AudioPlan, EncodePlan, FrameRateMode, OpenOutput, VideoPlan};
use super::presets;
use super::rate_control;
use super::stream_statistics::{EncoderStatistics, Place, StreamStatistics};
use super::two_pass::{self, TwoPass};
use crate::av::{self, Codec, Output, QuantiserSettings, Rational};
use crate::error::Error;
use crate::options::{MediaKind, StreamFacts, parse_float, parse_integer};
use parking_lot::Mutex;

impl Builder<'_> {
    pub(super) fn encode_plan(
        &self,
        open: &OpenOutput,
        codec: Codec,
        kind: MediaKind,
        facts: &[StreamFacts],
        index: usize,
    ) -> Result<EncodePlan, Error> {
        let value = |name| self.spec.for_stream(name, facts, index);
        let number = |name| value(name).and_then(parse_integer);
        let mut options = open.options.for_codec(Some(codec), kind, facts, index);
        if let Some(name) = value("pre") {
            presets::apply(name, codec, &mut options)?;
        }
        let two_pass = match kind {
            MediaKind::Video => {
                let prefix = value("passlogfile");
                two_pass::prepare(number("pass"), prefix, self.streams_before + index, codec, &mut options)?
            }
            _ => TwoPass::default(),
        };
        Ok(EncodePlan {
            codec,
            two_pass,
            statistics: EncoderStatistics {
                frames: self.statistics("stats_enc_pre", Place::Frames, kind, facts, index)?.map(Mutex::new),
                packets: self.statistics("stats_enc_post", Place::Packets, kind, facts, index)?.map(Mutex::new),
            },
            options,
            threads: self.context.codec_threads,
            is_bitexact: self.spec.flag("bitexact").unwrap_or(false),
            wants_global_header: open.output.flags().wants_global_header(),
            quality: value("q").and_then(parse_float).filter(|q| *q >= 0.0),
            codec_tag: value("tag").map_or(0, codec_tag),
            bits_per_raw_sample: number("bits_per_raw_sample").unwrap_or(0) as i32,
            encoder_time_base: value("enc_time_base").map(|text| ratio("enc_time_base", text, false)).transpose()?,
            max_frames: number("frames").unwrap_or(i64::MAX),
            is_closed: false,
            video: match kind {
                MediaKind::Video => self.video_plan(open, &value)?,
                MediaKind::Subtitle => VideoPlan { size: size(&value)?, ..VideoPlan::default() },
                _ => VideoPlan::default(),
            },
            audio: match kind {
                MediaKind::Audio => AudioPlan { counts_samples: self.counts_samples(), ..audio_plan(&value)? },
                _ => AudioPlan::default(),
            },
        })
    }

    /// What an option such as -stats_enc_pre asks for a stream that is encoded.
    pub(super) fn statistics(
        &self,
        option: &'static str,
        place: Place,
        kind: MediaKind,
        facts: &[StreamFacts],
        index: usize,
    ) -> Result<Option<StreamStatistics>, Error> {
        let form = match option {
            "stats_enc_pre" => "stats_enc_pre_fmt",
            "stats_enc_post" => "stats_enc_post_fmt",
            _ => "stats_mux_pre_fmt",
        };
        let value = |name| self.spec.for_stream(name, facts, index);
        let url = value(option).filter(|_| matches!(kind, MediaKind::Video | MediaKind::Audio));
        let open = |url| {
            StreamStatistics::open(self.context, option, place, (self.index, index), url, value(form))
                .map_err(|error| error.on_stream(index))
        };
        url.map(open).transpose()
    }

    /// A negative -async (FFmpeg 5.1).
    pub(super) fn counts_samples(&self) -> bool {
        self.job.global("async").and_then(parse_integer).is_some_and(|samples| samples < 0)
    }

    fn video_plan<'v>(
        &self,
        open: &OpenOutput,
        value: &impl Fn(&'static str) -> Option<&'v str>,
    ) -> Result<VideoPlan, Error> {
        let rate = |name| -> Result<Option<Rational>, Error> {
            let parse = |text| {
                Rational::parse_frame_rate(text).ok_or_else(|| {
                    Error::option(format!("option {name} has the value '{text}', which is no frame rate"))
                })
            };
            value(name).map(parse).transpose()
        };
        let (frame_rate, max_frame_rate) = (rate("r")?, rate("fpsmax")?);
        if frame_rate.is_some() && max_frame_rate.is_some() {
            return Err(Error::option("only one of the options r and fpsmax can be set for a stream".into()));
        }
        let size = size(value)?;
        let (keeps_pixel_format, name) = match value("pix_fmt") {
            Some(text) => (text.starts_with('+'), Some(text.trim_start_matches('+')).filter(|t| !t.is_empty())),
            None => (false, None),
        };
        let pixel_format = name
            .map(|n| {
                av::pixel_format(n).ok_or_else(|| Error::option(format!("option pix_fmt has the unknown value '{n}'")))
            })
            .transpose()?;
        let mode = match value("fps_mode").or(self.job.global("vsync")) {
            Some(text) => parse_mode(text)?,
            None => None,
        };
        let mode = mode.or_else(|| {
            // Only streams of complex graphs are decided here; others when their input is known.
            Some(muxers_mode(&open.output, self.job.global_flag("copyts"))).filter(|m| *m != FrameRateMode::Cfr)
        });
        Ok(VideoPlan {
            frame_rate,
            max_frame_rate,
            keeps_frame_rate: value("force_fps").is_some_and(|v| v != "0"),
            size,
            autoscale: value("autoscale").is_none_or(|v| v != "0"),
            pixel_format,
            keeps_pixel_format,
            aspect: value("aspect").map(|text| ratio("aspect", text, true)).transpose()?,
            mode,
            force_key_frames: value("force_key_frames")
                .map(|text| ForceKey::check(text).map(|()| text.to_owned()))
                .transpose()?,
            frame_drop_threshold: self.job.global("frame_drop_threshold").and_then(parse_float).unwrap_or(0.0),
            top_field_first: value("top").and_then(parse_integer).filter(|top| *top >= 0).map(|top| top != 0),
            quantisers: quantisers(value)?,
            measures_psnr: self.job.global_flag("psnr"),
            is_unfiltered: false,
        })
    }
}

fn size<'v>(value: &impl Fn(&'static str) -> Option<&'v str>) -> Result<Option<(i32, i32)>, Error> {
    let parse = |text| {
        av::video_size(text).ok_or_else(|| Error::option(format!("option s has the value '{text}', which is no size")))
    };
    value("s").map(parse).transpose()
}

fn quantisers<'v>(value: &impl Fn(&'static str) -> Option<&'v str>) -> Result<QuantiserSettings, Error> {
    let matrix = |name| value(name).map(|text| rate_control::matrix(name, text)).transpose();
    Ok(QuantiserSettings {
        intra: matrix("intra_matrix")?,
        inter: matrix("inter_matrix")?,
        chroma_intra: matrix("chroma_intra_matrix")?,
        overrides: value("rc_override").map(rate_control::overrides).transpose()?.unwrap_or_default(),
    })
}

pub(super) fn muxers_mode(output: &Output, copy_ts: bool) -> FrameRateMode {
    let flags = output.flags();
    let mode = match (output.format_name() == "avi", flags.allows_variable_frame_rate(), flags.has_no_timestamps()) {
        (true, ..) | (false, true, false) => FrameRateMode::Vfr,
        (false, true, true) => FrameRateMode::Passthrough,
        (false, false, _) => FrameRateMode::Cfr,
    };
    if mode == FrameRateMode::Cfr && copy_ts { FrameRateMode::Vscfr } else { mode }
}

fn parse_mode(text: &str) -> Result<Option<FrameRateMode>, Error> {
    Ok(match text {
        "auto" | "-1" => None,
        "cfr" | "1" => Some(FrameRateMode::Cfr),
        "vfr" | "2" => Some(FrameRateMode::Vfr),
        "passthrough" | "0" => Some(FrameRateMode::Passthrough),
        "drop" => Some(FrameRateMode::Drop),
        _ => return Err(Error::option(format!("option fps_mode has the unknown value '{text}'"))),
    })
}

pub(super) fn ratio(name: &str, text: &str, needs_positive: bool) -> Result<Rational, Error> {
    let max = if name == "aspect" { 255 } else { i32::MAX };
    Rational::parse_ratio(text, max)
        .filter(|q| q.den > 0 && (q.num > 0 || !needs_positive))
        .ok_or_else(|| Error::option(format!("option {name} has the value '{text}', which is no ratio")))
}

fn audio_plan<'v>(value: &impl Fn(&'static str) -> Option<&'v str>) -> Result<AudioPlan, Error> {
    let number = |name| value(name).and_then(parse_integer).map(|n| n as i32).filter(|n| *n > 0);
    let layout = value("ch_layout");
    if let Some(name) = layout.filter(|name| av::ChannelLayout::parse(name).is_none()) {
        return Err(Error::option(format!("option ch_layout has the unknown value '{name}'")));
    }
    let sample_format = value("sample_fmt")
        .map(|n| {
            av::sample_format(n).ok_or_else(|| Error::option(format!("option sample_fmt has the unknown value '{n}'")))
        })
        .transpose()?;
    Ok(AudioPlan {
        sample_rate: number("ar"),
        channels: number("ac"),
        layout: layout.map(str::to_owned),
        sample_format,
        apad: value("apad").map(str::to_owned),
        counts_samples: false,
        pan: None,
    })
}
