//! What the program prints about FFmpeg is what the ffmpeg program of the same libraries prints.

use std::process::Command;

/// Standard output and exit code of a command line.
fn printed(program: &str, line: &str) -> (String, Option<i32>) {
    let out = Command::new(program).arg("-hide_banner").args(line.split_whitespace()).output().expect(program);
    (String::from_utf8_lossy(&out.stdout).into_owned(), out.status.code())
}

#[track_caller]
fn same(line: &str) {
    let (theirs, their_code) = printed("ffmpeg", line);
    let (ours, code) = printed(env!("CARGO_BIN_EXE_mt-transcode"), line);
    for (number, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "{line}, line {number}");
    }
    assert!(ours == theirs && code == their_code, "{line}: {code:?} and {their_code:?}, {} bytes", ours.len());
}

/// The second words of a list, behind its head.
fn names(list: &str, rule: &str) -> Vec<String> {
    let (text, _) = printed("ffmpeg", list);
    let body = text.split_once(rule).map_or(text.as_str(), |(_, body)| body).to_owned();
    body.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

#[test]
fn lists_are_ffmpegs() {
    for list in [
        "formats",
        "muxers",
        "demuxers",
        "devices",
        "codecs",
        "decoders",
        "encoders",
        "bsfs",
        "protocols",
        "filters",
        "pix_fmts",
        "layouts",
        "sample_fmts",
        "dispositions",
        "colors",
        "hwaccels",
        "buildconf",
    ] {
        same(&format!("-{list}"));
    }
    same("-init_hw_device list");
}

#[test]
fn help_on_one_thing_is_ffmpegs() {
    for topic in [
        "encoder",
        "encoder=",
        "decoder=nosuch",
        "muxer",
        "demuxer=",
        "filter=",
        "bsf",
        "protocol=",
        "encoder=libx264",
        "encoder=aac",
        "encoder=h264",
        "decoder=h264",
        "demuxer=mov",
        "demuxer=matroska",
        "muxer=mp4",
        "muxer=hls",
        "muxer=null",
        "filter=scale",
        "filter=overlay",
        "filter=amix",
        "filter=testsrc2",
        "filter=nullsink",
        "bsf=h264_mp4toannexb",
        "bsf=null",
        "protocol=http",
        "protocol=file",
    ] {
        same(&format!("-h {topic}"));
    }
    for nonsense in
        ["encoder=nope", "decoder", "demuxer=nope", "muxer=nope", "filter=nope", "bsf=nope", "protocol=nope"]
    {
        same(&format!("-h {nonsense}"));
    }
}

#[test]
fn help_on_some_of_everything_is_ffmpegs() {
    for (list, rule, kind) in
        [("-encoders", "------", "encoder"), ("-decoders", "------", "decoder"), ("-filters", "filter\n", "filter")]
    {
        let names = names(list, rule);
        assert!(names.len() > 50, "{list}: {names:?}");
        names.iter().step_by(17).for_each(|name| same(&format!("-h {kind}={name}")));
    }
}

#[test]
fn sources_and_sinks_of_a_device_are_ffmpegs() {
    same("-sources lavfi");
    same("-sinks nosuchdevice");
}

#[test]
fn our_own_pages_say_what_they_are() {
    let ours = |line: &str| printed(env!("CARGO_BIN_EXE_mt-transcode"), line).0;
    let (short, long, full) = (ours("-h"), ours("-h long"), ours("-h full"));
    assert!(short.contains("-c codec") && !short.contains("muxdelay"), "{short}");
    assert!(long.contains("-muxdelay seconds") && long.contains("mt_memory"), "{long}");
    assert!(
        full.starts_with(&long) && full.contains("libx264 AVOptions:") && full.contains("mov,mp4"),
        "{}",
        full.len()
    );
    assert!(ours("-version").contains("libavcodec") && ours("-L").contains("MIT"));
    // The options of FFmpeg's classes in full, as ffmpeg shows them.
    let theirs = printed("ffmpeg", "-h full").0;
    let classes = |text: &str| text.find("AVCodecContext AVOptions:").map(|at| text[at..].to_owned());
    assert!(classes(&full).is_some() && classes(&full) == classes(&theirs));
}
