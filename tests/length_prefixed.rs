//! H.264 with start codes, as MPEG-TS and encoders have it, gets lengths before MP4, FLV and Matroska muxers see it, and faster than by them. Given any such
//! stream, when this program and the ffmpeg program copy it into these containers, then both write the same bytes.

mod common;

use common::memory::{is_quiet, read};
use common::*;
use std::path::Path;
use std::process::{Command, Stdio};

const CONTAINERS: [&str; 5] = ["mp4", "mov", "flv", "matroska", "3gp"];
/// Those that take packets without times.
const UNTIMED: [&str; 3] = ["mp4", "mov", "3gp"];
const EXACT: &str = "-fflags +bitexact -flags +bitexact";

fn made(folder: &Path, name: &str, line: &str) -> Vec<u8> {
    let file = folder.join(name);
    let video = "-f lavfi -i testsrc2=s=160x120:r=25:d=1.2 -f lavfi -i sine=d=1.2 -c:a aac -c:v libx264 -preset ultrafast -threads 1 -g 10";
    assert!(ffmpeg(&[words(&format!("{video} {line}")), vec![file.display().to_string()]].concat()), "{line}");
    read(&file)
}

/// What a program writes by a line with {in} and {out}; None where it fails.
fn written(program: &str, folder: &Path, line: &str, input: &Path) -> Option<Vec<u8>> {
    let out = folder.join("out");
    let _ = std::fs::remove_file(&out);
    let place = |word: String| match word.as_str() {
        "{in}" => input.display().to_string(),
        "{out}" => out.display().to_string(),
        _ => word,
    };
    let ended = Command::new("timeout")
        .args(["120", program, "-v", "error", "-nostdin", "-y"])
        .args(words(line).into_iter().map(place))
        .stdin(Stdio::null())
        .output()
        .expect("timeout(1)");
    ended.status.success().then(|| read(&out))
}

/// Bytes of both; of neither where both fail. How many.
fn same_by_both(folder: &Path, line: &str, input: &Path) -> usize {
    let theirs = written("ffmpeg", folder, line, input);
    let ours = written(env!("CARGO_BIN_EXE_mt-transcode"), folder, line, input);
    let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
    assert!(ours == theirs, "{line} of {}: {:?} and {:?} bytes", input.display(), size(&ours), size(&theirs));
    ours.map_or(0, |bytes| bytes.len())
}

fn same_in_containers(all: &[&str], folder: &Path, name: &str, bytes: &[u8], options: &str) {
    let input = folder.join(name);
    std::fs::write(&input, bytes).unwrap();
    for container in all {
        let line = format!("{options} -i {{in}} -map 0 -c copy {EXACT} -f {container} {{out}}");
        assert!(same_by_both(folder, &line, &input) > 2000, "{container}");
    }
}

/// The units of a stream: none of those that x264 makes has a start code, or ends in a zero.
fn units(stream: &[u8]) -> Vec<&[u8]> {
    let begins: Vec<usize> = (0..stream.len() - 3).filter(|at| stream[*at..*at + 3] == [0, 0, 1]).collect();
    let ends = begins.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(begin, end): (&usize, usize)| {
        let unit = &stream[begin + 3..end];
        unit.strip_suffix(&[0]).unwrap_or(unit)
    };
    begins.iter().zip(ends).map(unit).collect()
}

#[test]
fn a_transport_stream_gives_what_ffmpeg_makes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for options in
        ["-bf 2", "-bf 0 -slices 4", "-profile:v baseline", "-pix_fmt yuv422p", "-pix_fmt yuv420p10le", "-aud 1"]
    {
        let bytes = made(folder.path(), "made.ts", &format!("{options} -f mpegts"));
        same_in_containers(&CONTAINERS, folder.path(), "in.ts", &bytes, "");
    }
}

#[test]
fn start_codes_of_any_form_give_what_ffmpeg_makes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let stream = made(folder.path(), "in.h264", "-bf 2 -slices 2 -f h264");
    let joined = |before: &[u8], behind: &[u8]| {
        let whole = |unit: &&[u8]| [before, unit, behind].concat();
        units(&stream).iter().flat_map(whole).collect::<Vec<u8>>()
    };
    for (before, behind) in [
        (&[0, 0, 0, 1][..], &[][..]), // lengths take their places
        (&[0, 0, 1], &[]),
        (&[0, 0, 0, 1], &[0, 0]), // zeros behind
        (&[0, 0, 0, 0, 0, 1], &[]),
        (&[0, 0, 0, 1, 0, 0, 1], &[]), // units without bytes
    ] {
        same_in_containers(&UNTIMED, folder.path(), "in.h264", &joined(before, behind), "-f h264");
    }
    // and where what is before the first one is of none.
    same_in_containers(&UNTIMED, folder.path(), "in.h264", &[&[7; 300], &stream[..]].concat(), "-f h264");
}

#[test]
fn options_by_which_muxers_look_at_packets_themselves_give_what_ffmpeg_gives() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.ts");
    std::fs::write(&input, made(folder.path(), "made.ts", "-bf 2 -f mpegts")).unwrap();
    let key = "00112233445566778899aabbccddeeff";
    for options in [
        format!("-f mp4 -encryption_scheme cenc-aes-ctr -encryption_key {key} -encryption_kid {key}"),
        "-f mp4 -movflags rtphint".to_owned(),
        "-f mp4 -movflags frag_keyframe+empty_moov -frag_size 3000".to_owned(),
        "-f mp4 -movflags frag_keyframe+empty_moov+default_base_moof".to_owned(),
        "-f mp4 -movflags faststart".to_owned(),
        "-f mp4 -tag:v avc3".to_owned(),
        "-f mp4 -bsf:v h264_metadata=aud=insert".to_owned(),
        "-f flv -bsf:v dump_extra".to_owned(),
        "-f matroska -cluster_size_limit 2000".to_owned(),
        "-f hls -hls_segment_type fmp4".to_owned(),
    ] {
        let line = format!("-i {{in}} -map 0:v -c copy {EXACT} {options} {{out}}");
        assert!(same_by_both(folder.path(), &line, &input) > 0, "{options}");
    }
}

#[test]
fn another_output_of_the_same_packets_has_its_start_codes() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let stream = made(folder.path(), "made.h264", "-bf 0 -f h264");
    let four: Vec<u8> = units(&stream).iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect();
    std::fs::write(folder.path().join("in.h264"), &four).unwrap();
    // Given packets whose start codes could become lengths in place, when two outputs copy them
    let line = "-f h264 -i {}/in.h264 -map 0 -c copy -f mp4 {}/a.mp4 -map 0 -c copy -f h264 {}/b.h264";
    run_in(&engine, folder.path(), line).unwrap();
    // then the one that wants start codes has them.
    assert!(read(&folder.path().join("b.h264")) == four);
    assert_eq!(frame_md5(&engine, &folder.path().join("a.mp4")).lines().count(), {
        frame_md5(&engine, &folder.path().join("b.h264")).lines().count()
    });
    is_quiet(&engine);
}

#[test]
fn who_joins_an_output_gets_what_its_encoder_gave() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // Given outputs whose muxers are told of other headers than their encoder's, when others join them
    for (container, name) in [("flv", "a.flv"), ("mp4", "a.mp4")] {
        let line = format!(
            "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v libx264 -preset ultrafast -threads 1 -g 10 -f {container} {{}}/{name} \
             -c copy -mt_from 0 -mt_slow wait {{}}/b.ts -c copy -mt_from 0 -mt_slow wait {{}}/c.mkv"
        );
        run_in(&engine, folder.path(), &line).unwrap();
        // then all show the same pictures.
        let pictures = |name: &str| {
            let line = format!("-i {{}}/{name} -map 0:v -fps_mode passthrough -f framemd5 {{}}/list");
            run_in(&engine, folder.path(), &line).unwrap();
            let list = String::from_utf8(read(&folder.path().join("list"))).expect("text");
            let sum = |line: &str| line.rsplit(',').next().map(|sum| sum.trim().to_owned());
            list.lines().filter(|line| !line.starts_with('#')).filter_map(sum).collect::<Vec<_>>()
        };
        let expected = pictures(name);
        assert_eq!(expected.len(), 25);
        for other in ["b.ts", "c.mkv"] {
            assert!(pictures(other) == expected, "{other} of {container}");
        }
    }
    is_quiet(&engine);
}

#[test]
fn every_transport_stream_of_the_corpus_gives_what_ffmpeg_makes_of_it() {
    let Some(root) = corpus() else { return println!("skipped: there is no corpus here") };
    let folder = tempfile::tempdir().unwrap();
    let files = corpus_files(&root, "mpegts");
    let mut written = 0;
    for file in &files {
        for container in ["mp4", "flv"] {
            let line = format!("-i {{in}} -map 0:v:0 -c copy {EXACT} -t 20 -f {container} {{out}}");
            written += usize::from(same_by_both(folder.path(), &line, &root.join(file)) > 0);
        }
    }
    println!("{written} copies of {} transport streams", files.len());
    assert!(written > files.len(), "most can be copied");
}
