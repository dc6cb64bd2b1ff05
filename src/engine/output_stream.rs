//! One stream of an output: what its options say, and whether it is copied or encoded. Source: `new_output_stream` and
//! `choose_encoder` of FFmpeg's fftools/ffmpeg_opt.c.

use super::degrade::Degrade;
use super::encode_plan::ratio;
use super::errors::failed;
use super::input_stream::codec_tag;
use super::outputs::Builder;
use super::plan::{OpenOutput, OutStream, Work, out_facts};
use super::stream_statistics::Place;
use super::video_statistics::VideoStatisticsPlan;
use crate::av::{self, BitstreamFilters, Codec};
use crate::error::{Code, Error};
use crate::options::{MediaKind, StreamFacts, parse_integer};

fn bitstream_filters(chain: &str) -> Result<BitstreamFilters, Error> {
    BitstreamFilters::parse(chain)
        .map_err(|e| failed(e, "options", Code::OPTION, &format!("option bsf: cannot use '{chain}'")))
}

impl Builder<'_> {
    pub(super) fn add_stream(
        &self,
        open: &mut OpenOutput,
        kind: MediaKind,
        source: Option<(usize, usize)>,
    ) -> Result<usize, Error> {
        let index =
            open.output.add_stream(kind).map_err(|e| failed(e, "open output", Code::ENOMEM, "cannot add a stream"))?;
        let mut facts = open.facts();
        facts.push(out_facts(kind));
        let value = |name| self.spec.for_stream(name, &facts, index);
        let number = |name| value(name).and_then(parse_integer);
        self.set_id(open, index)?;
        let filters = value("bsf").filter(|chain| !chain.is_empty()).map(bitstream_filters).transpose()?;
        if let Some(time_base) = value("time_base").map(|text| ratio("time_base", text, true)).transpose()? {
            open.output.set_time_base(index, time_base);
        }
        let work = self.work(open, kind, &facts, index)?;
        let mux_statistics = match work.is_encoded() {
            true => self.statistics("stats_mux_pre", Place::Packets, kind, &facts, index)?,
            false => None,
        };
        let degrade = Degrade::of(self.context, self.spec, &facts, self.index, index)?;
        let is_video_encoder = kind == MediaKind::Video && work.is_encoded();
        open.streams.push(OutStream {
            max_frames: number("frames").unwrap_or(i64::MAX),
            kind,
            source,
            work,
            filters,
            max_queue_packets: number("max_muxing_queue_size").unwrap_or(128) as usize,
            queue_bytes_threshold: number("muxing_queue_data_threshold").unwrap_or(50 << 20) as usize,
            tag: value("tag").map(codec_tag),
            disposition: value("disposition").map(str::to_owned),
            rotate: None,
            video_statistics: VideoStatisticsPlan::of(self.job).filter(|_| is_video_encoder),
            mux_statistics,
            splits_subtitles: value("fix_sub_duration_heartbeat").is_some_and(|v| v != "0"),
            degrade,
            drops_times: kind == MediaKind::Audio && self.counts_samples(),
        });
        Ok(index)
    }

    /// -streamid.
    fn set_id(&self, open: &mut OpenOutput, index: usize) -> Result<(), Error> {
        for setting in self.spec.all("streamid") {
            let (which, id) = setting.value.split_once(':').ok_or_else(|| {
                Error::option(format!("option streamid has the value '{}'; it needs index:value", setting.value))
            })?;
            if which.parse() == Ok(index) {
                open.output.set_stream_id(index, parse_integer(id).unwrap_or(0) as i32);
            }
        }
        Ok(())
    }

    fn work(&self, open: &OpenOutput, kind: MediaKind, facts: &[StreamFacts], index: usize) -> Result<Work, Error> {
        let value = |name| self.spec.for_stream(name, facts, index);
        if let Some(codec) = self.encoder(open, kind, facts, index)? {
            return Ok(Work::Encode(Box::new(self.encode_plan(open, codec, kind, facts, index)?)));
        }
        // Mark the codec options of a copied stream as used, as ffmpeg does.
        open.options.for_codec(None, kind, facts, index);
        Ok(Work::Copy {
            copies_non_key_start: value("copyinkf").is_some_and(|v| v != "0"),
            copies_before_start: value("copypriorss").is_none_or(|v| v != "0"),
        })
    }

    /// The encoder, or None to copy.
    fn encoder(
        &self,
        open: &OpenOutput,
        kind: MediaKind,
        facts: &[StreamFacts],
        index: usize,
    ) -> Result<Option<Codec>, Error> {
        if !matches!(kind, MediaKind::Video | MediaKind::Audio | MediaKind::Subtitle) {
            return Ok(None);
        }
        let codec = match self.spec.for_stream("c", facts, index) {
            Some("copy") => return Ok(None),
            Some(name) => av::find_encoder(name)
                .ok_or_else(|| Error::option(format!("encoder '{name}' (option c) is unknown")).at("open output"))?,
            None => {
                let id = open.output.default_codec(kind);
                id.and_then(Codec::encoder_for).ok_or_else(|| {
                    let (format, name) = (open.output.format_name(), id.map(av::codec_name).unwrap_or_default());
                    Error::option(format!(
                        "format {format} has no default encoder for {} ({name}); choose one with -c",
                        kind.word()
                    ))
                })?
            }
        };
        if codec.kind() != kind {
            return Err(Error::option(format!(
                "encoder '{}' (option c) is not one for {} streams",
                codec.name(),
                kind.word()
            )));
        }
        Ok(Some(codec))
    }
}
