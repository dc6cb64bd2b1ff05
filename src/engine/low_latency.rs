//! What -mt_live 1 sets, as options of ffmpeg's, where the user set none: so a job prints with them, and the ffmpeg program does the same with them.

use super::trust::scheme_of;
use crate::av::{self, Input, Muxer};
use crate::options::{FileSpec, JobSpec, Setting, find, is_live};
use std::borrow::Cow;

/// Names and values.
type Settings = &'static [(&'static str, &'static str)];

/// Of all inputs: a few pictures tell the rate, and half a second of media must have all streams in it. What was probed is not thrown away
/// (-fflags nobuffer would): the first key frame is in it.
const INPUT: Settings = &[("fpsprobesize", "2"), ("analyzeduration", "500000")];

/// Of inputs that are decoded: with threads that each decode a whole picture, a picture waits for as many as there are processors (pthread_frame.c). A
/// stream whose pictures have slices is decoded by several threads all the same.
const DECODED: Settings = &[("thread_type", "slice")];

/// FLV says which streams there will be: that is waited for, should one come late.
const FLV: Settings = &[("analyzeduration", "2000000")];

/// A program map is enough; FFmpeg waits for none that may come later (mpegts.c: pmt_cb).
const MPEG_TS: Settings = &[("scan_all_pmts", "0")];

/// Of all outputs: what is muxed goes out, and a stream that says nothing holds up the others no longer than a second. Less would break FLV
/// where the streams of an input lie apart: it takes no packet from before its first one (flvenc.c: flv_write_packet).
const OUTPUT: Settings =
    &[("flush_packets", "1"), ("max_interleave_delta", "1000000"), ("muxdelay", "0"), ("muxpreload", "0")];

/// By a URL's scheme, of inputs and outputs.
const BY_SCHEME: &[(&[&str], Settings)] = &[
    (&["rtsp", "rtsps"], &[("rtsp_transport", "tcp")]),
    (&["rtmp", "rtmps", "rtmpt", "rtmpts", "rtmpe", "rtmpte"], &[("rtmp_live", "live"), ("tcp_nodelay", "1")]),
    (&["tcp", "tls", "http", "https"], &[("tcp_nodelay", "1")]),
];

/// By the muxer's name.
const BY_MUXER: &[(&str, Settings)] = &[
    ("mpegts", &[("max_interleave_delta", "300000"), ("pes_payload_size", "0")]), // each audio packet goes out by itself
    ("flv", &[("flvflags", "no_duration_filesize")]),
    ("rtsp", &[("rtsp_transport", "tcp")]),
];

/// The job with what its live inputs and outputs are given.
pub fn expand(job: &JobSpec) -> Cow<'_, JobSpec> {
    if !job.inputs.iter().chain(&job.outputs).any(|file| is_live(job, file)) {
        return Cow::Borrowed(job);
    }
    let mut expanded = job.clone();
    let is_decoded = !job.outputs.iter().all(copies_pictures);
    for (input, given) in expanded.inputs.iter_mut().zip(&job.inputs).filter(|(_, given)| is_live(job, given)) {
        let path = given.url.split(['?', '#']).next().unwrap_or_default();
        let is_it = |format, ending| given.value("f").map_or_else(|| path.ends_with(ending), |named| named == format);
        if is_it("flv", ".flv") || given.value("f").is_none() && path.starts_with("rtmp") {
            add(input, FLV);
        } else if is_it("mpegts", ".ts") {
            add(input, MPEG_TS);
        }
        add(input, &[("mt_live", "1")]); // where the format is only known when it is open
        add(input, INPUT);
        if is_decoded {
            add(input, DECODED);
        }
        add(input, of_scheme(&given.url));
        if path.starts_with("http") && path.ends_with(".m3u8") {
            add(input, &[("live_start_index", "-1")]);
        }
    }
    for (output, given) in expanded.outputs.iter_mut().zip(&job.outputs).filter(|(_, given)| is_live(job, given)) {
        let muxer = Muxer::find(given.value("f"), &given.url).map_or("", Muxer::name);
        add(output, BY_MUXER.iter().find(|(name, _)| *name == muxer).map_or(&[][..], |(_, settings)| settings));
        add(output, OUTPUT);
        add(output, of_scheme(&given.url));
    }
    Cow::Owned(expanded)
}

/// Whether packets of an input are to be given out as soon as they are whole: it is live, or they are written one by one.
pub fn is_prompt(job: &JobSpec, input: &FileSpec) -> bool {
    let flushes = |setting: &Setting| setting.name == "flush_packets" && setting.value == "1";
    let is_flushed = |output: &FileSpec| output.av_options().any(flushes);
    input.flag("mt_live") == Some(true) || job.outputs.iter().any(is_flushed)
}

/// How long an FLV is looked at, which may only be known to be one now that it is open. One that announces a single stream is not looked at for another:
/// avformat_find_stream_info would, as one may come at any time. What an RTMP connection announces may be what came first (rtmpproto.c: rtmp_open), so it is
/// given half a second.
pub fn fit_analysis(input: &mut Input, spec: &FileSpec) {
    let is_implied = |name: &str, value: &str| [FLV[0], INPUT[1]].contains(&(name, value));
    let is_ours = spec.av_options().any(|setting| is_implied(&setting.name, &setting.value));
    let Some(streams) = input.missing_streams().filter(|_| is_ours && spec.flag("mt_live") == Some(true)) else {
        return;
    };
    input.set_analysis_us(match streams {
        1 if scheme_of(&spec.url).starts_with("rtmp") => 500_000,
        1 => 100_000,
        _ => 2_000_000,
    });
}

fn copies_pictures(output: &FileSpec) -> bool {
    output.is_copied() && output.all("c").any(|setting| ["", "v"].contains(&setting.specifier.as_str()))
}

fn of_scheme(url: &str) -> Settings {
    let scheme = scheme_of(url);
    let is_it = |(schemes, _): &&(&[&str], Settings)| schemes.contains(&scheme.as_str());
    BY_SCHEME.iter().find(is_it).map_or(&[][..], |(_, settings)| settings)
}

/// What the user set, and what the linked FFmpeg has not, is left out.
fn add(file: &mut FileSpec, settings: Settings) {
    for (name, value) in settings {
        let definition = find(name);
        let owner = av::option_owner(name);
        let is_there = definition.is_some() || owner.format || owner.codec.is_some();
        if !is_there || file.settings.iter().any(|setting| setting.name == *name) {
            continue;
        }
        file.settings.push(Setting {
            name: (*name).to_owned(),
            specifier: String::new(),
            value: (*value).to_owned(),
            definition,
            given: (*name).to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::{command_line, parse_args};

    fn expanded(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        command_line(&expand(&parse_args(&words, &Classes).unwrap()), true, false)
    }

    #[test]
    fn a_live_job_prints_what_it_is_given() {
        assert_eq!(
            expanded("-mt_live 1 -i rtsp://host/a -c copy -f mpegts udp://host:1"),
            "ffmpeg -y -fpsprobesize 2 -analyzeduration 500000 -rtsp_transport tcp -i rtsp://host/a -c copy -f mpegts \
             -max_interleave_delta 300000 -pes_payload_size 0 -flush_packets 1 -muxdelay 0 -muxpreload 0 udp://host:1"
        );
        assert_eq!(
            expanded("-i a.flv -c copy -mt_output_live 1 -f flv rtmp://host/a/b"),
            "ffmpeg -y -i a.flv -c copy -f flv -flvflags no_duration_filesize -flush_packets 1 -max_interleave_delta 1000000 \
             -muxdelay 0 -muxpreload 0 -rtmp_live live -tcp_nodelay 1 rtmp://host/a/b"
        );
    }

    #[test]
    fn what_the_user_set_stays() {
        let line = expanded("-mt_live 1 -analyzeduration 5M -i a.ts -c copy -muxdelay 0.7 -f mpegts b.ts");
        assert!(line.contains("-analyzeduration 5M") && line.contains("-muxdelay 0.7"), "{line}");
        assert!(!line.contains("-analyzeduration 500000") && !line.contains("-muxdelay 0 "), "{line}");
        let line = expanded("-mt_live 1 -i a.ts -thread_type frame -i b.ts -c:a copy -f null -");
        assert!(line.contains("-thread_type slice -i a.ts") && line.contains("-thread_type frame"), "{line}");
        assert_eq!(line.matches("thread_type").count(), 2, "{line}");
        let line = "-mt_live 1 -mt_input_live 0 -i a.ts -c copy -mt_output_live 0 b.ts";
        assert_eq!(expanded(line), "ffmpeg -y -i a.ts -c copy b.ts");
    }

    #[test]
    fn a_job_that_was_expanded_stays_as_it_is() {
        let words =
            ["-mt_live", "1", "-i", "http://host/a.m3u8", "-c", "copy", "-f", "flv", "mt:out"].map(str::to_owned);
        let once = expand(&parse_args(&words, &Classes).unwrap()).into_owned();
        let printed = crate::options::command_words(&once, false, false);
        let again = parse_args(&printed, &Classes).unwrap();
        assert_eq!(command_line(&expand(&again), false, false), command_line(&once, false, false));
    }
}
