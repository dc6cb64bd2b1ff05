//! Which streams of subtitles are decoded, for what, and their threads.

use super::decode::FrameTarget;
use super::demux::Demuxer;
use super::mux::Muxer;
use super::pipeline::{Builder, EncodedStream};
use super::plan::GraphPlan;
use super::source_setup::{open_codec, packet_inbox};
use super::sub2video::canvas_size;
use super::subtitle::{SubtitleStage, open_target};
use crate::av::Decoder;
use crate::error::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A stream of subtitles that is decoded, and the graphs that show it.
pub struct OpenSubtitle {
    decoder: Decoder,
    pub canvas_size: (i32, i32),
    pub graphs: Vec<FrameTarget>,
}

/// By input and stream.
pub type OpenSubtitles = BTreeMap<(usize, usize), OpenSubtitle>;

impl Builder {
    /// Opens the decoders of subtitles that are encoded or shown by graphs.
    pub(super) fn open_subtitles(
        &self,
        subtitles: &[EncodedStream],
        graphs: &[GraphPlan],
        demuxers: &[Demuxer],
    ) -> Result<OpenSubtitles, Error> {
        let encoded = subtitles.iter().filter_map(|stream| stream.source);
        let shown = graphs.iter().flat_map(|graph| &graph.sources).filter(|source| source.is_subtitle);
        let sources: BTreeSet<_> = encoded.chain(shown.map(|source| (source.input, source.stream))).collect();
        let open = |(input, stream): (usize, usize)| {
            let (decoder, _) = open_codec(&self.context, &demuxers[input], stream)?;
            let canvas_size = canvas_size(&demuxers[input].file, stream, &decoder);
            Ok(((input, stream), OpenSubtitle { decoder, canvas_size, graphs: Vec::new() }))
        };
        sources.into_iter().map(open).collect()
    }

    /// What runs for each input stream of subtitles. Their muxers are told of the encoders.
    pub(super) fn subtitles(
        &self,
        subtitles: &[EncodedStream],
        open: OpenSubtitles,
        demuxers: &[Demuxer],
        muxers: &mut [Muxer],
        exits_on_error: bool,
    ) -> Result<Vec<SubtitleStage>, Error> {
        let mut stages = Vec::new();
        for ((input, stream), OpenSubtitle { decoder, canvas_size, graphs }) in open {
            let plan = &demuxers[input].file.streams[stream];
            let inbox = packet_inbox(&self.context, &demuxers[input], stream);
            let mut targets = Vec::new();
            for s in subtitles.iter().filter(|s| s.source == Some((input, stream))) {
                let (target, ready) = open_target(&self.context, s, &plan.info, &decoder, &self.mux[s.output])
                    .map_err(|error| error.on_stream(s.index))?;
                // Its stream is known before anything runs: where the others are too, the header is written now.
                muxers[s.output].stream_ready(s.index, ready)?;
                if plan.fixes_sub_duration {
                    muxers[s.output].split_at_key_frames(s.index, &inbox);
                }
                targets.push(target);
            }
            stages.push(SubtitleStage {
                context: Arc::clone(&self.context),
                inbox,
                decoder,
                input,
                stream,
                exits_on_error,
                fixes_duration: plan.fixes_sub_duration,
                targets,
                graphs,
                canvas_size,
                time_base: plan.info.time_base,
            });
        }
        Ok(stages)
    }
}
