//! The same command line, run by the ffmpeg program of the same libraries and by us: the same bytes where FFmpeg is told to leave
//! out what differs between runs (-bitexact, one thread).

mod common;

use common::*;
use mt_transcode::job::Engine;
use std::path::Path;
use std::sync::Arc;

/// Runs `line` both ways; OUT becomes the output, IN the clip.
fn compare(engine: &Arc<Engine>, folder: &Path, line: &str, ending: &str) -> Result<(), String> {
    let both = ["theirs", "ours"].map(|name| folder.join(format!("{name}.{ending}")));
    let args = both.each_ref().map(|out| {
        let line = line
            .replace("OUT", &out.display().to_string())
            .replace("IN", &folder.join("clip.mp4").display().to_string())
            .replace("SUBS", &folder.join("subs.mkv").display().to_string());
        words(&line)
    });
    let theirs = ffmpeg(&args[0]);
    let ours = run(engine, &args[1]);
    if theirs != ours.is_ok() {
        return Err(format!("ffmpeg {}, we {ours:?}", if theirs { "succeeds" } else { "fails" }));
    }
    if !theirs {
        return Ok(());
    }
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    if read(&both[0])? == read(&both[1])? {
        return Ok(());
    }
    let (a, b) = (frame_md5(engine, &both[0]), frame_md5(engine, &both[1]));
    let difference = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    Err(match difference {
        Some((a, b)) => format!("packets differ:\n  ffmpeg {a}\n  we     {b}"),
        None if a.lines().count() != b.lines().count() => {
            format!("{} packets by ffmpeg, {} by us", a.lines().count(), b.lines().count())
        }
        None => "the packets are equal, the container's bytes are not".into(),
    })
}

/// The clip with two chapters and a subtitle stream, by the ffmpeg program (we copy subtitles, we do not encode them).
fn subtitled(folder: &Path) {
    let chapters = "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=2000\ntitle=two\n";
    std::fs::write(folder.join("chapters"), format!(";FFMETADATA1\ntitle=film\n{chapters}")).expect("a file");
    let lines = "1\n00:00:00,200 --> 00:00:00,900\nhello\n\n2\n00:00:01,000 --> 00:00:01,500\nworld\n";
    std::fs::write(folder.join("lines.srt"), lines).expect("a file");
    let at = folder.display();
    let line = format!(
        "-i {at}/clip.mp4 -i {at}/chapters -i {at}/lines.srt -map 0 -map 2 -map_metadata 1 -c copy -c:s srt {at}/subs.mkv"
    );
    assert!(ffmpeg(&words(&line)));
}

/// What FFmpeg does otherwise since 6.0, where we still do as 5.1 does: which frames a changed rate keeps, and the frame rate and
/// durations that Matroska notes.
const AS_IN_5_1: [&str; 9] = [
    "-ss 0.89 -t 0.83 -i IN -c:v mpeg4 -c:a pcm_s16le",
    "-i SUBS -map 0 -c:v mpeg4 -c:a copy -c:s copy -map_chapters -1",
    "-i IN -r 10",
    "-i IN -r 60 -fps_mode cfr",
    "-i IN -r 5 -vf scale=80:-1",
    "-i IN -c:v mpeg4 -q:v 5 -c:a libmp3lame",
    "-i IN -fps_mode passthrough",
    "-i IN -c:v libvpx -b:v 200k -c:a libopus",
    "-f lavfi -i testsrc=d=1:r=30 -i IN -map 0:v -map 1:a -c:a copy -t 1",
];

fn is_as_in_5_1() -> bool {
    mt_transcode::engine::libraries().iter().any(|library| library.name == "libavcodec" && library.loaded.0 == 59)
}

fn compare_all(lines: &[(&str, &str)]) {
    let lines: Vec<_> = lines.iter().filter(|(_, line)| is_as_in_5_1() || !AS_IN_5_1.contains(line)).collect();
    let engine = engine();
    let folder = tempfile::tempdir().expect("a folder");
    clip(&engine, folder.path());
    subtitled(folder.path());
    let failures: Vec<String> = lines
        .iter()
        .filter_map(|(ending, line)| {
            let line = format!("{line} -bitexact -threads 1 OUT");
            compare(&engine, folder.path(), &line, ending).err().map(|error| format!("{line} ({ending}): {error}"))
        })
        .collect();
    println!("{} of {} command lines give the bytes of ffmpeg", lines.len() - failures.len(), lines.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn copies_are_equal() {
    compare_all(&[
        ("mp4", "-i IN -c copy"),
        ("mkv", "-i IN -c copy"),
        ("ts", "-i IN -c copy"),
        ("flv", "-i IN -c copy"),
        ("mov", "-i IN -map 0 -c copy -movflags +faststart"),
        ("mkv", "-ss 0.7 -i IN -c copy"),
        ("mkv", "-i IN -ss 0.7 -t 1 -c copy"),
        ("mp4", "-i IN -c copy -t 1.2"),
        ("mkv", "-i IN -c copy -copyts -ss 0.5"),
        ("ts", "-i IN -c copy -muxdelay 0 -muxpreload 0.5"),
        ("mp4", "-i IN -i IN -map 0:v -map 1:a -c copy"),
        ("mp4", "-itsoffset 0.5 -i IN -i IN -map 0:v -map 1:a -c copy"),
        ("aac", "-i IN -vn -c copy"),
        ("h264", "-i IN -an -c copy -bsf:v h264_mp4toannexb"),
        ("mkv", "-i IN -c copy -metadata title=other -metadata:s:a language=fra -disposition:a 0"),
        ("mkv", "-i IN -c copy -map_metadata -1"),
        ("mp4", "-i IN -c copy -map 0 -map -0:a"),
        ("mp4", "-i IN -c copy -tag:v avc3"),
        ("mp4", "-i IN -c copy -frames:v 10 -an"),
    ]);
}

#[test]
fn chapters_metadata_and_subtitles_are_equal() {
    compare_all(&[
        ("mkv", "-i SUBS -map 0 -c copy"),
        ("mkv", "-ss 0.5 -i SUBS -t 1 -map 0 -c copy"),
        ("mkv", "-i SUBS -map 0 -c:v mpeg4 -c:a copy -c:s copy -map_chapters -1"),
        ("mp4", "-i SUBS -map 0:v -map 0:a -c copy -metadata:c:0 title=first"),
        ("mkv", "-i SUBS -i IN -map 1 -map_metadata 0 -map_chapters 0 -c copy"),
        ("mkv", "-i SUBS -map 0 -c copy -metadata:s:s language=deu -disposition:s forced"),
    ]);
}

#[test]
fn encodes_are_equal() {
    compare_all(&[
        ("mp4", "-i IN"),
        ("ts", "-i IN"),
        ("avi", "-i IN"),
        ("mkv", "-i IN -c:v mpeg4 -q:v 5 -c:a libmp3lame"),
        ("mp4", "-i IN -vf scale=160:120 -c:v libx264 -preset ultrafast -b:v 300k -c:a aac -b:a 64k"),
        ("mp4", "-ss 0.7 -i IN -t 1"),
        ("mp4", "-i IN -ss 0.7 -t 1"),
        ("mkv", "-ss 0.89 -t 0.83 -i IN -c:v mpeg4 -c:a pcm_s16le"),
        ("mp4", "-i IN -map 0:s?"),
        ("mp4", "-ss 0.3 -noaccurate_seek -i IN -to 1.4"),
        ("mp4", "-ss 0.5 -copyts -i IN"),
        ("mp4", "-i IN -r 10"),
        ("mp4", "-r 10 -i IN"),
        ("mkv", "-i IN -r 60 -fps_mode cfr"),
        ("mkv", "-i IN -fps_mode passthrough"),
        ("mp4", "-i IN -s 160x120 -aspect 4:3 -pix_fmt yuv444p"),
        ("mp4", "-i IN -force_key_frames 0.5,1.7"),
        ("mp4", "-i IN -force_key_frames expr:gte(t,n_forced*0.4)"),
        ("wav", "-i IN -ar 48000 -ac 1"),
        ("flac", "-i IN -sample_fmt s16 -af volume=0.5"),
        ("png", "-i IN -frames:v 1"),
        ("mp4", "-i IN -an -frames:v 7"),
        ("mp4", "-i IN -c:v copy -af atempo=1.5"),
        ("mp4", "-i IN -map 0:a -c:a aac -b:a 96k -profile:a aac_low"),
        ("mjpeg", "-i IN -frames:v 3 -q:v 2"),
        ("webm", "-i IN -c:v libvpx -b:v 200k -c:a libopus"),
        ("gif", "-i IN -r 5 -vf scale=80:-1"),
    ]);
}

#[test]
fn graphs_are_equal() {
    compare_all(&[
        (
            "mp4",
            "-i IN -filter_complex [0:v]split[a][b];[a]scale=160:120[c];[b]hflip,scale=160:120[d];[c][d]hstack[v] -map [v] -map 0:a",
        ),
        ("mp4", "-i IN -filter_complex [0:v][0:a][0:v][0:a]concat=n=2:v=1:a=1[v][a] -map [v] -map [a]"),
        ("mp4", "-i IN -i IN -filter_complex [0:v][1:v]overlay=10:10 -map 0:a"),
        ("mp4", "-i IN -filter_complex [0:a]asplit[a][b];[a][b]amerge=inputs=2 -map 0:v -ac 2"),
        ("mp4", "-f lavfi -i testsrc2=d=1 -f lavfi -i anullsrc=d=1"),
        ("mkv", "-f lavfi -i testsrc=d=1:r=30 -i IN -map 0:v -map 1:a -c:a copy -t 1"),
        ("mp4", "-filter_complex testsrc2=d=1[v] -map [v]"),
        ("mp4", "-i IN -ss 1 -filter_complex [0:v]fps=5[v] -map [v] -map 0:a"),
    ]);
}

#[test]
fn what_ffmpeg_refuses_we_refuse() {
    compare_all(&[
        ("mp4", "-i IN -map 0:9"),
        ("mp4", "-i IN -c:v nosuchencoder"),
        ("mp4", "-i IN -vf nosuchfilter"),
        ("mp4", "-i IN -c:v copy -vf null"),
        ("mp4", "-i IN -filter_complex [0:v]null[x]"),
        ("nosuchformat", "-i IN"),
        ("mp4", "-i IN -ss 2 -to 1"),
        ("mp3", "-i IN -an -vn"),
    ]);
}

#[test]
fn one_decode_feeds_several_outputs() {
    // Given one input, when two outputs are encoded in one job, then each is what a job of its own would give.
    let engine = engine();
    let folder = tempfile::tempdir().expect("a folder");
    clip(&engine, folder.path());
    let at = folder.path();
    run_in(
        &engine,
        at,
        "-i {}/clip.mp4 -s 160x120 -bitexact -threads 1 {}/a.mp4 -c:v mpeg4 -an -bitexact -threads 1 {}/b.mkv",
    )
    .unwrap();
    run_in(&engine, at, "-i {}/clip.mp4 -s 160x120 -bitexact -threads 1 {}/c.mp4").unwrap();
    run_in(&engine, at, "-i {}/clip.mp4 -c:v mpeg4 -an -bitexact -threads 1 {}/d.mkv").unwrap();
    let bytes = |name: &str| std::fs::read(at.join(name)).expect(name);
    assert!(bytes("a.mp4") == bytes("c.mp4"));
    assert!(bytes("b.mkv") == bytes("d.mkv"));
}
