//! What the program says of a job while it runs: packets, timestamps, PSNR, the SDP. Beside the ffmpeg program of the same libraries.

mod common;

use common::*;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 2] = ["ffmpeg", env!("CARGO_BIN_EXE_mt-transcode")];

/// What both programs print on standard output and error.
fn printed(folder: &Path, line: &str) -> [(String, String); 2] {
    PROGRAMS.map(|program| {
        let mut command = Command::new(program);
        command.args(words(line)).current_dir(folder).stdin(Stdio::null());
        let out = command.output().expect(program);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "\n");
        assert!(out.status.success(), "{program} {line}: {}", text(&out.stderr));
        (text(&out.stdout), text(&out.stderr))
    })
}

fn lines(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|line| wanted(line)).collect::<Vec<_>>().join("\n")
}

fn folder_with_clip() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    clip(&engine(), folder.path());
    folder
}

#[test]
fn packets_that_are_read_are_dumped() {
    // Given a file, when its packets are dumped with what is in them, then it is what ffmpeg dumps.
    let folder = folder_with_clip();
    let line = "-v info -nostats -nostdin -dump -hex -i clip.mp4 -map 0:v -c copy -f null -";
    let [theirs, ours] = printed(folder.path(), line).map(|(_, errors)| {
        lines(&errors, |line| line.starts_with("stream #") || line.starts_with("  ") && line.contains('='))
            + &lines(&errors, |line| line.starts_with("000"))
    });
    assert!(theirs.contains("keyframe=1") && theirs.contains("00000010"), "{theirs}");
    assert_eq!(ours, theirs);
}

#[test]
fn timestamps_are_logged_at_every_step() {
    // Given a file that is coded again, when its timestamps are logged, then encoder and muxer have those that ffmpeg's have.
    let folder = folder_with_clip();
    let line = "-v info -nostats -nostdin -debug_ts -i clip.mp4 -an -c:v mpeg4 -f null -";
    let [theirs, ours] = printed(folder.path(), line).map(|(_, errors)| {
        // A line of the end has no times. From FFmpeg 6.1 on a line names who logs it, and the muxer's how long the packet took.
        let bare = |line: &str| {
            let line = line.rsplit_once("] ").map_or(line, |(_, line)| line);
            line.split(" latency").next().unwrap_or_default().to_owned()
        };
        errors.lines().map(bare).filter(|line| !line.contains("NULL")).collect::<Vec<_>>()
    });
    // Packets of encoders have durations from FFmpeg 6.0 on, which ours get from the muxer.
    for step in ["demuxer+ffmpeg ->", "filter ->", "encoder <-"].into_iter().chain(is_5_1().then_some("muxer <-")) {
        let of = |all: &[String]| all.iter().filter(|line| line.starts_with(step)).cloned().collect::<Vec<_>>();
        assert!(of(&theirs).len() > 20, "{step}: {theirs:?}");
        assert_eq!(of(&ours), of(&theirs), "{step}");
    }
    for step in ["demuxer ->", "decoder ->", "encoder ->", "muxer <-"] {
        assert!(ours.iter().any(|line| line.starts_with(step)), "{step}: {ours:?}");
    }
}

#[test]
fn the_time_of_each_step_is_logged() {
    // Given -benchmark_all, when a file is coded again, then every step of decoder and encoder has its line, as ffmpeg's.
    let folder = folder_with_clip();
    let line = "-v info -nostats -nostdin -benchmark_all -i clip.mp4 -an -c:v mpeg4 -f null -";
    let [theirs, ours] = printed(folder.path(), line).map(|(_, errors)| {
        let steps = errors.lines().filter(|line| line.starts_with("bench: "));
        let mut steps: Vec<_> =
            steps.filter_map(|line| line.trim_end().split(" real ").nth(1)).map(str::to_owned).collect();
        steps.sort();
        steps.dedup();
        steps
    });
    for step in ["decode_video 0.0", "encode_video 0.0", "flush_video 0.0"] {
        assert!(ours.iter().any(|name| name == step), "{step}: ours {ours:?}, ffmpeg's {theirs:?}");
    }
}

#[test]
fn how_much_pictures_differ_is_shown_with_the_progress() {
    if !is_5_1() {
        return;
    }
    // Given -psnr and -qphist, when the job is done, then the last line and the last block have what ffmpeg's have.
    let folder = folder_with_clip();
    let line = "-v error -stats -nostdin -psnr -qphist -progress - -threads 1 -i clip.mp4 -an -c:v mpeg4 -f null -";
    let [theirs, ours] = printed(folder.path(), line).map(|(block, errors)| {
        let last = errors.lines().rfind(|line| line.contains("PSNR=")).unwrap_or_default();
        let values = lines(&block, |line| line.contains("_psnr_"));
        let values: Vec<String> = values.lines().rev().take(4).map(str::to_owned).collect();
        let psnr = last.split("PSNR=").nth(1).unwrap_or_default().split(" size").next().unwrap_or_default();
        let histogram = last.split(" L").nth(1).unwrap_or_default().split("PSNR").next().unwrap_or_default().len();
        (psnr.to_owned(), histogram, values)
    });
    assert!(theirs.0.starts_with("Y:") && theirs.1 == 32 && theirs.2.len() == 4, "{theirs:?}");
    assert_eq!(ours, theirs);
}

#[test]
fn diagnostics_say_which_live_media_can_be_pulled_and_pushed() {
    // Given the FFmpeg that is loaded, when it is asked for its protocols, then the diagnostics have the same ones.
    let found: serde_json::Value = serde_json::from_str(&mt_transcode::job::diagnostics()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [(theirs, _), _] = printed(folder.path(), "-v error -protocols");
    let (input, output) = theirs.split_once("Output:").expect("two lists");
    for (list, side) in [(input, "in"), (output, "out")] {
        let names: Vec<_> = found["ffmpeg"]["protocols"][side].as_array().unwrap().iter().collect();
        let missing: Vec<_> = names.iter().filter(|name| !list.contains(name.as_str().unwrap())).collect();
        assert!(names.len() > 10 && missing.is_empty(), "{side}: {missing:?}");
        // and what needs no library of others goes both ways
        for way in ["rtmp", "http-flv", "hls", "rtsp", "udp", "rtp", "rtp-ts", "http-ts"] {
            let can = &found["ffmpeg"]["live"][way][if side == "in" { "pull" } else { "push" }];
            assert_eq!(can, &serde_json::Value::Bool(true), "{way} {side}");
        }
        let has_srt = names.iter().any(|name| *name == "srt");
        assert_eq!(found["ffmpeg"]["live"]["srt"][if side == "in" { "pull" } else { "push" }], has_srt);
    }
}

#[test]
fn rtp_outputs_are_described_on_standard_output() {
    // Given a job whose outputs are all RTP, when they begin, then their session description is printed.
    let folder = folder_with_clip();
    let line = "-v error -nostdin -i clip.mp4 -an -c copy -f rtp rtp://127.0.0.1:45004 -vn -c copy -f rtp rtp://127.0.0.1:45006";
    let [theirs, ours] = printed(folder.path(), line).map(|(text, _)| text);
    assert!(theirs.starts_with("SDP:\nv=0\n") && theirs.matches("m=").count() == 2, "{theirs}");
    assert_eq!(ours, theirs);
}
