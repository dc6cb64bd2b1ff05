//! The grammar, without FFmpeg: which words belong to which file, and what is refused.

use super::*;
use crate::error::{Code, Error};

/// As if FFmpeg had these AVOptions only.
struct Few(Release);

impl AvOptions for Few {
    fn knows(&self, key: &str) -> bool {
        let names = ["b", "crf", "preset", "movflags", "analyzeduration", "vprofile"];
        names.contains(&key.split(':').next().unwrap_or_default()) || key == "async" && self.0 >= Release(6, 0)
    }

    fn release(&self) -> Release {
        self.0
    }

    fn read_file(&self, url: &str) -> Result<String, Error> {
        match url {
            "graph.txt" => Ok("scale=64:48, hflip".into()),
            _ => Err(Error::option(format!("cannot read '{url}'"))),
        }
    }
}

fn parsed_by(release: Release, line: &str) -> Result<JobSpec, Error> {
    parse_args(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), &Few(release))
}

fn parsed(line: &str) -> Result<JobSpec, Error> {
    parsed_by(Release(5, 1), line)
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
        ("-i", "-i"),
        ("-i a -t ten out.mp4", "ten"),
        ("-i a -muxdelay -5000 out.mp4", "muxdelay"),
        ("-sseof -3 out.mp4", "sseof"),
        ("-map 0 -i a out.mp4", "map"),
        ("-i a -c", "-c"),
    ] {
        let error = refused(line);
        assert_eq!(error.code(), Code::OPTION, "{line}");
        assert!(error.message().contains(name), "{line}: {error}");
    }
    let unsupported = parsed_by(Release(7, 0), "-dec 0:0 -i a out.mp4").expect_err("there are no loopback decoders");
    assert_eq!(unsupported.code(), Code::UNSUPPORTED);
    assert!(unsupported.message().contains("dec"));
    assert_eq!(
        refused("-i a -map 0 -i b out.mp4").input(),
        Some(1),
        "an output's option before an input names that input"
    );
}

#[test]
fn only_the_word_behind_a_double_dash_is_a_file() {
    let spec = parsed("-i - -f null - -- -strange.mkv -an -- -other.mkv").unwrap();
    assert_eq!(spec.inputs[0].url, "-");
    assert_eq!(spec.outputs.iter().map(|o| o.url.as_str()).collect::<Vec<_>>(), ["-", "-strange.mkv", "-other.mkv"]);
    assert_eq!(spec.outputs[2].flag("an"), Some(true));
}

#[test]
fn what_stands_behind_the_last_file_is_warned_of() {
    let spec = parsed("-i a out.mp4 -t 3 -y").unwrap();
    assert_eq!(spec.outputs[0].value("t"), None);
    assert!(spec.warnings.len() == 1 && spec.warnings[0].contains("-t"), "{:?}", spec.warnings);
    assert!(spec.global_flag("y"), "an option of the whole job may stand anywhere");
}

#[test]
fn options_follow_the_release_that_is_linked() {
    // A later one, one that is gone, one that is gone but an AVOption since, one whose alias we keep.
    let later = refused("-readrate_initial_burst 1 -i a out.mp4");
    assert!(later.code() == Code::UNSUPPORTED && later.message().contains("6.1"), "{later}");
    let gone = parsed_by(Release(7, 1), "-i a -map_channel 0.0.0 out.wav").err().unwrap();
    assert!(gone.message().contains("7.0") && gone.message().contains("pan"), "{gone}");
    let spec = parsed_by(Release(6, 0), "-i a -async 1 out.wav").unwrap();
    assert_eq!(spec.outputs[0].av_options().map(Setting::key).collect::<Vec<_>>(), ["async"]);
    let spec = parsed_by(Release(8, 0), "-i a -vbsf null out.mp4").unwrap();
    assert_eq!(spec.outputs[0].for_stream("bsf", &streams(), 0), Some("null"));
}

#[test]
fn flags_take_a_value_where_ffmpeg_does() {
    let spec = parsed("-autorotate 0 -i a -noautoscale -an out.mp4").unwrap();
    assert_eq!(spec.inputs[0].for_stream("autorotate", &streams(), 0), Some("0"));
    assert_eq!(spec.outputs[0].for_stream("autoscale", &streams(), 0), Some("0"));
    let spec = parsed_by(Release(7, 0), "-autorotate -i a out.mp4").unwrap();
    assert_eq!(spec.inputs[0].for_stream("autorotate", &streams(), 0), Some("1"));
}

#[test]
fn a_value_can_stand_in_a_file() {
    let spec = parsed("-i a -/filter:v graph.txt out.mp4").unwrap();
    assert_eq!(spec.outputs[0].for_stream("filter", &streams(), 0), Some("scale=64:48, hflip"));
    assert!(refused("-i a -/filter nothing.txt out.mp4").message().contains("nothing.txt"));
    assert!(refused("-i a -/an graph.txt out.mp4").message().contains("an"));
    assert!(refused("-i a -/crf graph.txt out.mp4").message().contains("/crf"), "as ffmpeg: only of its own options");
}

#[test]
fn numbers_have_the_limits_of_their_kind() {
    let error = refused("-i a -map_chapters 3000000000 out.mp4");
    assert!(error.message().contains("range"), "{error}");
    assert!(refused("-i a -fs nan out.mp4").message().contains("fs"));
    assert!(refused("-stats_period 0 -i a out.mp4").message().contains("stats_period"));
    assert!(parsed("-i a -fs 3000000000 out.mp4").is_ok());
}

#[test]
fn what_only_a_program_does_is_refused_in_a_job() {
    let spec = parsed("-progress - -i a out.mp4").unwrap();
    assert_eq!(refuse_program_options(&spec).err().map(|e| e.code()), Some(Code::UNSUPPORTED));
    assert!(setting("max_alloc", Some("1"), Scope::GLOBAL, &Few(Release(5, 1))).is_err());
    assert!(refuse_program_options(&parsed("-hide_banner -nostdin -nostats -i a out.mp4").unwrap()).is_ok());
    let spec = parsed("-h encoder=aac -version").unwrap();
    assert_eq!((spec.global("h"), spec.global("version")), (Some("encoder=aac"), Some("")));
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
