//! Which input streams go where, as the ffmpeg program says it before it begins (fftools/ffmpeg.c: transcode_init).

use super::files::OpenInput;
use super::observer::LEVEL_INFO;
use super::plan::{GraphPlan, OpenOutput, Work};
use crate::av::{self, Codec};
use std::fmt::Write;

/// Writes it to FFmpeg's log, on a thread of the job.
pub fn log(text: &str) {
    text.split_inclusive('\n').for_each(|line| av::program_log::message(LEVEL_INFO, line));
}

pub fn text(inputs: &[OpenInput], graphs: &[GraphPlan], outputs: &[OpenOutput]) -> String {
    let mut text = "Stream mapping:\n".to_owned();
    let complex = || graphs.iter().filter(|graph| !graph.is_simple);
    for (index, graph) in complex().enumerate() {
        for source in &graph.sources {
            let decoder = inputs[source.input].streams[source.stream].decoder.map_or("?", Codec::name);
            let _ = writeln!(text, "  Stream #{}:{} ({decoder}) -> graph {index}", source.input, source.stream);
        }
    }
    for output in outputs {
        for (index, stream) in output.streams.iter().enumerate() {
            let (file, target) = (output.index, Some((output.index, index)));
            let coded = match &stream.work {
                Work::Encode(plan) => Some(plan.codec),
                _ => None,
            };
            let sink = complex().flat_map(|graph| &graph.sinks).find(|sink| sink.target == target);
            let _ = match (stream.source, sink) {
                (_, Some(sink)) => {
                    writeln!(text, "  {} -> Stream #{file}:{index} ({})", sink.filter, coded.map_or("?", Codec::name))
                }
                (Some((from, from_index)), None) => {
                    let how = match coded {
                        None => "copy".to_owned(),
                        Some(encoder) => coding(&inputs[from], from_index, encoder),
                    };
                    writeln!(text, "  Stream #{from}:{from_index} -> #{file}:{index} ({how})")
                }
                (None, None) => Ok(()),
            };
        }
    }
    text
}

/// "h264 (native) -> mpeg4 (native)".
fn coding(input: &OpenInput, stream: usize, encoder: Codec) -> String {
    let one = |codec: Codec| {
        let (what, by) = (av::codec_name(codec.id()), codec.name());
        if what == by { format!("{what} (native)") } else { format!("{what} ({by})") }
    };
    let decoder = input.streams[stream].decoder.map_or_else(|| "? (?)".to_owned(), one);
    format!("{decoder} -> {}", one(encoder))
}
