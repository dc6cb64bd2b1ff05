//! An MP4 whose head says all that a copy needs is opened without decoding. Given such a file, when it is copied with and without
//! `-mt_full_probe`, then what is said of it and what is written are the same; and where a head leaves something open, decoding tells.

mod common;

use common::*;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the program says when a head was enough.
const SAID: &str = "the head says what the streams are";

struct Copy {
    knew_by_head: bool,
    /// The lines on the input: duration, start, rates, streams with all that is known of them.
    dump: String,
    bytes: Vec<u8>,
}

fn copy(file: &Path, probe: &str, muxer: &str, out: &Path) -> Copy {
    copy_from(&file.display().to_string(), Stdio::null(), probe, muxer, out)
}

/// The same from a stream, which cannot seek and has no size.
fn copy_stream(file: &Path, probe: &str, muxer: &str, out: &Path) -> Copy {
    copy_from("pipe:0", std::fs::File::open(file).expect("the file").into(), probe, muxer, out)
}

fn copy_from(input: &str, stdin: Stdio, probe: &str, muxer: &str, out: &Path) -> Copy {
    let line = format!("-v verbose -nostdin -y {probe} -bitexact -i {input} -map 0 -c copy -bitexact -f {muxer}");
    let output = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_mt-transcode")])
        .args(words(&line))
        .arg(out)
        .stdin(stdin)
        .output()
        .expect("timeout(1)");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let dump = log
        .lines()
        .skip_while(|l| !l.starts_with("Input #0"))
        .take_while(|l| !l.starts_with(['O', 'm']))
        .filter(|l| !l.starts_with('['));
    let dump = dump.map(without_coded_size).collect::<Vec<_>>();
    Copy { knew_by_head: log.contains(SAID), dump: dump.join("\n"), bytes: std::fs::read(out).unwrap_or_default() }
}

/// At this level FFmpeg shows also the size with what is cropped, which is the decoder's own: no muxer sees it.
fn without_coded_size(line: &str) -> String {
    let is_size = |word: &&str| word.starts_with('(') && word.contains('x');
    line.replace(',', "").split(' ').filter(|word| !is_size(word)).collect::<Vec<_>>().join(" ")
}

/// Whether the head was enough for every muxer; both ways give the same.
fn same_both_ways(file: &Path, folder: &Path) -> bool {
    same_both_ways_by(&copy, file, folder)
}

fn same_both_ways_by(copy: &dyn Fn(&Path, &str, &str, &Path) -> Copy, file: &Path, folder: &Path) -> bool {
    let knew = ["mp4", "mpegts", "flv", "matroska"].map(|muxer| {
        let quick = copy(file, "", muxer, &folder.join("quick"));
        let full = copy(file, "-mt_full_probe", muxer, &folder.join("full"));
        assert!(!full.knew_by_head, "-mt_full_probe looks at {}", file.display());
        assert_eq!(quick.dump, full.dump, "{}", file.display());
        assert!(quick.bytes == full.bytes, "{} to {muxer}: other bytes", file.display());
        quick.knew_by_head
    });
    assert!(knew.iter().all(|k| *k == knew[0]));
    knew[0]
}

fn made(folder: &Path, line: &str) -> std::path::PathBuf {
    let file = folder.join("made.mp4");
    assert!(ffmpeg(&[words(line), vec![file.display().to_string()]].concat()), "{line}");
    file
}

const PICTURE: &str = "-f lavfi -i testsrc2=s=322x242:r=25:d=1";
const TONE: &str = "-f lavfi -i sine=d=1";

#[test]
fn heads_that_say_all_are_believed_and_right() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [
        format!("{PICTURE} {TONE} -c:v libx264 -pix_fmt yuv420p -c:a aac"),
        format!("{PICTURE} {TONE} -c:v libx264 -pix_fmt yuv420p -c:a aac -movflags +faststart -ac 2 -ar 48000"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -bf 0 -profile:v baseline"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -bf 3 -b_strategy 0 -aspect 16:9 -r 30000/1001"),
        format!(
            "{PICTURE} -c:v libx264 -pix_fmt yuv420p -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"
        ),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -tune zerolatency -x264-params chromaloc=2"),
        format!("{PICTURE} -vf select='not(between(n\\,3\\,7))' -fps_mode vfr -c:v libx264 -pix_fmt yuv420p"),
        format!("{TONE} -c:a aac -ac 1 -ar 32000"),
    ] {
        assert!(same_both_ways(&made(folder.path(), &line), folder.path()), "not known by its head: {line}");
    }
}

/// Given clips with their index first, when they come as a stream, then their heads are believed, too (with FFmpeg 7 and later, whose
/// demuxer says how long a file is only at its end, they are not).
#[test]
fn heads_of_streams_are_believed_and_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let media = "-c:v libx264 -pix_fmt yuv420p -c:a aac -movflags +faststart";
    let says_duration = !cfg!(ffmpeg7_0);
    for line in [
        format!("{PICTURE} {TONE} {media}"),
        format!("{PICTURE} {media} -bf 3 -b_strategy 0 -r 30000/1001"),
        format!("{TONE} {media} -ac 1 -ar 32000"),
    ] {
        let is_known = same_both_ways_by(&copy_stream, &made(folder.path(), &line), folder.path());
        assert_eq!(is_known, says_duration, "{line}");
    }
    for line in [
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -movflags +frag_keyframe+empty_moov"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p10le -movflags +faststart"),
    ] {
        let file = made(folder.path(), &line);
        assert!(!same_both_ways_by(&copy_stream, &file, folder.path()), "believed: {line}");
    }
}

#[test]
fn what_a_head_leaves_open_is_decoded() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p10le"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv444p"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuvj420p -color_range pc"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -s 320x240 -x264-params interlaced=1"),
        format!(
            "{PICTURE} -c:v libx264 -pix_fmt yuv420p -x264-params pic-struct=1:nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900"
        ),
        format!("{PICTURE} -c:v mpeg4"),
        format!("{PICTURE} {TONE} {TONE} -map 0 -map 1 -map 2 -c:v libx264 -pix_fmt yuv420p -c:a aac"),
        format!("{TONE} -c:a aac -ar 22050"),
        format!("{TONE} -af aformat=channel_layouts=5.1 -c:a aac"),
        format!("{TONE} -c:a libmp3lame"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -movflags +frag_keyframe+empty_moov"),
        format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -g 5 -movflags +frag_keyframe"),
    ] {
        assert!(!same_both_ways(&made(folder.path(), &line), folder.path()), "believed: {line}");
    }
}

#[test]
fn a_head_without_its_media_is_not_believed() {
    // Given a clip with its index first, cut off behind it
    let folder = tempfile::tempdir().expect("a folder");
    let file = made(folder.path(), &format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p -movflags +faststart"));
    let whole = std::fs::read(&file).expect("the clip");
    let media = whole.windows(4).position(|w| w == b"mdat").expect("media");
    std::fs::write(&file, &whole[..media + 40]).expect("the cut clip");
    // When it is copied, then reading tells that there is nothing, as ever
    assert!(!same_both_ways(&file, folder.path()));
}

#[test]
fn a_list_of_decoders_holds_for_what_a_head_says() {
    // Given a clip whose head says all, when its decoders may not be used, then nothing is said that only they know
    let folder = tempfile::tempdir().expect("a folder");
    let file = made(folder.path(), &format!("{PICTURE} -c:v libx264 -pix_fmt yuv420p"));
    let out = folder.path().join("out");
    let [quick, full] =
        ["", "-mt_full_probe"].map(|probe| copy(&file, &format!("-mt_codecs aac {probe}"), "nut", &out));
    assert!(!quick.knew_by_head && quick.dump == full.dump && quick.bytes == full.bytes, "{}{}", quick.dump, full.dump);
}

#[test]
fn every_head_of_the_corpus_gives_what_decoding_gives() {
    let Some(root) = corpus() else { return println!("skipped: there is no corpus here") };
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    let of_mov = |line: &&str| line.split('\t').nth(2).is_some_and(|format| format.starts_with("mov,"));
    let files: Vec<&str> = manifest.lines().filter(of_mov).filter_map(|line| line.split('\t').next()).collect();
    let out = folder.path().join("quick");
    let way = |what: &str, copy: &dyn Fn(&Path, &str, &str, &Path) -> Copy| {
        let is_known = |file: &&&str| copy(&root.join(file), "", "mpegts", &out).knew_by_head;
        let is_same = |file: &&&str| same_both_ways_by(copy, &root.join(file), folder.path());
        let known = files.iter().filter(is_known).filter(is_same).count();
        println!("{known} of {} MP4 files are known by their heads as {what}", files.len());
        known
    };
    let known = way("files", &copy);
    way("streams", &copy_stream);
    assert!(known > 0);
}
