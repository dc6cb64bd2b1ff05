//! The grammar, without FFmpeg: which words belong to which file, and what is refused.

use super::*;
use crate::error::{Code, Error};

/// As if FFmpeg had these AVOptions only.
struct Few;

impl AvOptions for Few {
    fn knows(&self, name: &str) -> bool {
        ["b", "crf", "preset", "movflags", "analyzeduration", "vprofile"].contains(&name)
    }
}

fn parsed(line: &str) -> Result<JobSpec, Error> {
    parse_args(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), &Few)
}

fn refused(line: &str) -> Error {
    parsed(line).err().unwrap_or_else(|| panic!("'{line}' was accepted"))
}

fn streams() -> Vec<StreamFacts> {
    [MediaKind::Video, MediaKind::Audio, MediaKind::Audio]
        .into_iter()
        .map(|kind| StreamFacts {
            kind,
            id: 0,
            is_attached_picture: false,
            is_usable: true,
            metadata: vec![],
            programs: vec![],
        })
        .collect()
}

#[test]
fn options_belong_to_the_file_behind_them() {
    let spec =
        parsed("-y -ss 5 -i a.mp4 -t 3 -i b.mp4 -map 0:v -c copy out.mkv -vn -c:a:1 aac -crf 20 out2.mp4").unwrap();
    assert!(spec.global_flag("y"));
    assert_eq!(spec.inputs.len(), 2);
    assert_eq!(spec.inputs[0].value("ss"), Some("5"));
    assert_eq!(spec.inputs[1].value("ss"), None);
    assert_eq!(spec.outputs[0].for_stream("c", &streams(), 2), Some("copy"));
    assert_eq!(spec.outputs[1].for_stream("c", &streams(), 1), None);
    assert_eq!(spec.outputs[1].for_stream("c", &streams(), 2), Some("aac"));
    assert_eq!(spec.outputs[1].flag("vn"), Some(true));
    assert_eq!(spec.outputs[1].av_options().map(Setting::key).collect::<Vec<_>>(), ["crf"]);
}

#[test]
fn short_names_mean_the_long_ones() {
    let spec = parsed("-i a -vcodec h264 -acodec copy -vf null -vframes 3 -b 1M -ab 64k -noautoscale out.mp4").unwrap();
    let output = &spec.outputs[0];
    assert_eq!(output.for_stream("c", &streams(), 0), Some("h264"));
    assert_eq!(output.for_stream("c", &streams(), 1), Some("copy"));
    assert_eq!(output.for_stream("filter", &streams(), 0), Some("null"));
    assert_eq!(output.for_stream("frames", &streams(), 1), None);
    assert_eq!(output.for_stream("autoscale", &streams(), 0), Some("0"));
    assert_eq!(output.av_options().map(Setting::key).collect::<Vec<_>>(), ["b:v", "b:a"]);
}

#[test]
fn the_last_one_set_holds() {
    let spec = parsed("-i a -c copy -c:v h264 -t 1 -t 2 out.mp4").unwrap();
    assert_eq!(spec.outputs[0].value("t"), Some("2"));
    assert_eq!(spec.outputs[0].for_stream("c", &streams(), 0), Some("h264"));
    assert_eq!(spec.outputs[0].for_stream("c", &streams(), 1), Some("copy"));
}

#[test]
fn what_is_wrong_is_named() {
    for (line, name) in [
        ("-i a -nonsense 1 out.mp4", "nonsense"),
        ("-i a out.mp4 -t 3", "-t"),
        ("-i", "-i"),
        ("-i a -t ten out.mp4", "ten"),
        ("-i a -muxdelay -5 out.mp4", "muxdelay"),
        ("-sseof -3 out.mp4", "sseof"),
        ("-map 0 -i a out.mp4", "map"),
        ("-i a -c", "-c"),
    ] {
        let error = refused(line);
        assert_eq!(error.code(), Code::OPTION, "{line}");
        assert!(error.message().contains(name), "{line}: {error}");
    }
    let unsupported = refused("-hwaccel cuda -i a out.mp4");
    assert_eq!(unsupported.code(), Code::UNSUPPORTED);
    assert!(unsupported.message().contains("hwaccel"));
    assert_eq!(
        refused("-i a -map 0 -i b out.mp4").input(),
        Some(1),
        "an output's option before an input names that input"
    );
}

#[test]
fn a_double_dash_and_a_single_one_are_files() {
    let spec = parsed("-i - -f null - -- -strange.mkv").unwrap();
    assert_eq!(spec.inputs[0].url, "-");
    assert_eq!(spec.outputs.iter().map(|o| o.url.as_str()).collect::<Vec<_>>(), ["-", "-strange.mkv"]);
}

#[test]
fn a_job_prints_back_as_it_was_given() {
    let spec = parsed("-y -ss 5 -i a.mp4 -c:v h264 -crf 20 -movflags +faststart -an out.mp4").unwrap();
    let line = command_line(&spec, true, false);
    assert_eq!(line, "ffmpeg -y -ss 5 -i a.mp4 -c:v h264 -crf 20 -movflags +faststart -an out.mp4");
    let mut spec = parsed("-i http://u:p@h/a?k=v out.mp4").unwrap();
    spec.outputs[0].url = "it's.mp4".into();
    assert_eq!(command_line(&spec, true, true), r"ffmpeg -y -i 'http://***@h/a?k=***' 'it'\''s.mp4'");
    let again = parsed(&command_line(&spec, false, false).replace("ffmpeg ", "").replace('\'', "")).unwrap();
    assert_eq!(again.inputs[0].url, "http://u:p@h/a?k=v");
}
