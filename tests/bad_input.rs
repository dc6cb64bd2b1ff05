//! Bad input: a clear error that names what is wrong, and nothing left behind.

mod common;

use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::Engine;
use std::path::Path;
use std::sync::Arc;

/// Runs a job that must fail, and returns its error.
fn fails(engine: &Arc<Engine>, folder: &Path, line: &str) -> Error {
    let error = run_in(engine, folder, line).err().unwrap_or_else(|| panic!("'{line}' succeeded"));
    assert!(!error.message().is_empty() && !error.hint().is_empty(), "{line}: {error:?}");
    error
}

fn fails_with(engine: &Arc<Engine>, folder: &Path, line: &str, code: Code) -> Error {
    let error = fails(engine, folder, line);
    assert_eq!(error.code(), code, "{line}: {error:?}");
    error
}

#[test]
fn inputs_that_are_not_there_or_not_media() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    std::fs::write(at.join("empty.mp4"), b"").unwrap();
    std::fs::write(at.join("text.mp4"), "no media at all\n".repeat(500)).unwrap();
    std::fs::create_dir(at.join("folder")).unwrap();
    let missing = fails_with(&engine, at, "-i {}/missing.mp4 -c copy {}/o.mkv", Code::ENOENT);
    assert_eq!((missing.stage(), missing.input()), ("open input", Some(0)));
    assert!(missing.url().ends_with("missing.mp4"));
    fails_with(&engine, at, "-i {}/folder -c copy {}/o.mkv", Code::EISDIR);
    fails_with(&engine, at, "-i {}/empty.mp4 -c copy {}/o.mkv", Code::DEMUX);
    let text = fails_with(&engine, at, "-i {}/text.mp4 -c copy {}/o.mkv", Code::DEMUX);
    assert!(text.url().ends_with("text.mp4") && text.ffmpeg_code() < 0 && !text.ffmpeg_text().is_empty());
    let second = fails_with(&engine, at, "-f lavfi -i testsrc2=d=1 -i {}/missing.mp4 {}/o.mkv", Code::ENOENT);
    assert_eq!(second.input(), Some(1));
    fails_with(&engine, at, "-i nosuchprotocol://x -c copy {}/o.mkv", Code::UNSUPPORTED);
}

#[test]
fn a_file_that_was_cut() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    clip(&engine, at);
    run_in(&engine, at, "-i {}/clip.mp4 -c copy -movflags +faststart {}/fast.mp4").unwrap();
    let cut = |name: &str, share: f64| {
        let bytes = std::fs::read(at.join(name)).unwrap();
        std::fs::write(at.join("cut.mp4"), &bytes[..(bytes.len() as f64 * share) as usize]).unwrap();
    };
    // Given an index at the end, when the end is gone, then nothing can be read.
    cut("clip.mp4", 0.6);
    fails_with(&engine, at, "-i {}/cut.mp4 -c copy {}/o.mkv", Code::DEMUX);
    // Given an index at the beginning, when the end is gone, then what is there is written to a complete file.
    cut("fast.mp4", 0.6);
    let result = run_in(&engine, at, "-i {}/cut.mp4 -c copy {}/o.mkv");
    if let Err(error) = &result {
        assert_eq!((error.code(), error.stage(), error.input()), (Code::DEMUX, "demux", Some(0)));
        assert!(error.hint().contains("complete files"), "{}", error.hint());
    }
    let seconds: f64 = probe(&engine, &at.join("o.mkv"))["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!(seconds > 0.5 && seconds < 1.9, "{seconds}");
}

#[test]
fn unknown_names_are_named() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    for (line, name, code) in [
        ("-f lavfi -i testsrc2=d=1 -c:v nosuchencoder {}/o.mp4", "nosuchencoder", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -f nosuchformat {}/o.mp4", "nosuchformat", Code::OPTION),
        ("-f nosuchformat -i x {}/o.mp4", "nosuchformat", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -vf nosuchfilter {}/o.mp4", "nosuchfilter", Code::FILTER),
        ("-f lavfi -i testsrc2=d=1 -pix_fmt nosuchpixels {}/o.mp4", "nosuchpixels", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -bsf:v nosuchbsf {}/o.mp4", "nosuchbsf", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -nosuchoption 3 {}/o.mp4", "nosuchoption", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 {}/o.nosuchending", "nosuchending", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -map 0:7 {}/o.mp4", "0:7", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -map [nolabel] {}/o.mp4", "nolabel", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -movflags nosuchflag {}/o.mp4", "o.mp4", Code::MUX),
        ("-f lavfi -i testsrc2=d=1 -c:v libx264 -preset nosuchpreset {}/o.mp4", "libx264", Code::ENCODE),
        ("-f lavfi -i testsrc2=d=1 -qmin 9999 -c:v mpeg4 {}/o.mp4", "mpeg4", Code::ENCODE),
        ("-hwaccel nosuchdevice -f lavfi -i testsrc2=d=1 {}/o.mp4", "nosuchdevice", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -t -5 {}/o.mp4", "t", Code::OPTION),
        ("-f lavfi -i testsrc2=d=1 -r 0x {}/o.mp4", "0x", Code::OPTION),
    ] {
        let error = fails(&engine, at, line);
        assert!(error.message().contains(name), "{line}: {error:?}");
        assert!([code, Code::OPTION].contains(&error.code()), "{line}: {error:?}");
    }
}

#[test]
fn a_decoder_that_does_not_open_is_the_jobs_error() {
    // Given an option that the decoder refuses, when other components run already, then the error is the decoder's and no cancel.
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    for _ in 0..5 {
        let error = fails(&engine, folder.path(), "-skip_frame:v nonsense -i {}/clip.mp4 -c:v mpeg4 -f null -");
        assert_ne!(error.code(), Code::ECANCELED, "{error}");
        assert!(error.message().contains("h264"), "{error}");
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    clip(&engine, at);
    let nowhere = fails_with(&engine, at, "-i {}/clip.mp4 -c copy {}/no/such/folder/o.mkv", Code::ENOENT);
    assert_eq!((nowhere.stage(), nowhere.output()), ("open output", Some(0)));
    let full = fails_with(&engine, at, "-i {}/clip.mp4 -c copy -f matroska /dev/full", Code::ENOSPC);
    assert_eq!(full.output(), Some(0));
    fails_with(&engine, at, "-i {}/clip.mp4 -f matroska /dev/full", Code::ENOSPC);
    fails_with(&engine, at, "-i {}/clip.mp4 -c copy {}", Code::OPTION);
    fails_with(&engine, at, "-i {}/clip.mp4 -c copy {}/clip.mp4", Code::EINVAL);
    fails_with(&engine, at, "-n -i {}/clip.mp4 -f matroska -c copy {}/clip.mp4", Code::EINVAL);
    std::fs::write(at.join("there.mkv"), b"keep").unwrap();
    fails_with(&engine, at, "-n -i {}/clip.mp4 -c copy {}/there.mkv", Code::EEXIST);
    assert_eq!(std::fs::read(at.join("there.mkv")).unwrap(), b"keep");
    fails_with(&engine, at, "-i {}/clip.mp4 -c copy -f mp3 {}/o.mp3", Code::MUX);
}

#[test]
fn a_failing_output_ends_only_itself() {
    // Given two outputs, when one runs into a full disk, then the other is complete and the job names the one that failed.
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    clip(&engine, at);
    for codec in ["-c copy", "-c:v mpeg4 -c:a mp2"] {
        let line = format!("-i {{}}/clip.mp4 {codec} {{}}/good.mkv {codec} -f matroska /dev/full");
        let error = fails_with(&engine, at, &line, Code::ENOSPC);
        assert_eq!(error.output(), Some(1), "{codec}: {error:?}");
        let seconds: f64 =
            probe(&engine, &at.join("good.mkv"))["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!(seconds > 1.9, "{codec}: {seconds}");
    }
}

#[test]
fn streams_too_far_apart_end_with_a_limit() {
    // Given a graph that wants all of one stream before the other, when more waits than may, then the job fails and names both.
    use mt_transcode::job::{EngineConfig, LogMode};
    let folder = tempfile::tempdir().unwrap();
    let small = Engine::new(EngineConfig::new(0, None, false, LogMode::Take, 300_000)).unwrap();
    clip(&small, folder.path());
    let graph = "[0:v][0:a][0:v][0:a]concat=n=2:v=1:a=1[v][a]";
    let line = format!("-i {{}}/clip.mp4 -filter_complex {graph} -map [v] -map [a] {{}}/o.mp4");
    let error = fails_with(&small, folder.path(), &line, Code::LIMIT);
    let names: Vec<&str> = error.message().split('\'').filter(|part| part.starts_with("source")).collect();
    assert!(names.len() == 2 && names[0] != names[1] && names.iter().all(|name| name.contains("input 0:")), "{error}");
    // With the usual budget the same job runs.
    run_in(&engine(), folder.path(), &line).unwrap();
}

#[test]
fn bad_descriptions_of_a_job() {
    let engine = engine();
    let job = mt_transcode::job::Job::new(&engine).unwrap();
    assert_eq!(job.start().unwrap_err().code(), Code::OPTION, "no output");
    for args in [vec!["-i"], vec!["-i", "a", "b.mp4", "-y", "-t"], vec!["-t", "five", "o.mp4"]] {
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        assert_eq!(job.set_args(&args).unwrap_err().code(), Code::OPTION, "{args:?}");
    }
    job.close();
}

#[test]
fn what_a_graph_throws_away_does_not_pile_up() {
    // Given a graph that has had enough of the pictures long before the sound ends, when the rest of the pictures is more than may
    // wait, then the job still succeeds, as they go into the graph, which drops them.
    use mt_transcode::job::{EngineConfig, LogMode};
    let folder = tempfile::tempdir().unwrap();
    let small = Engine::new(EngineConfig::new(0, None, false, LogMode::Take, 8 << 20)).unwrap();
    let at = folder.path();
    run_in(&small, at, "-f lavfi -i testsrc2=s=320x240:d=8 -f lavfi -i sine=d=8 -c:v mpeg4 -c:a mp2 {}/long.mkv")
        .unwrap();
    let graph = "[0:v]trim=0:0.2[v];[0:a]anull[a]";
    let line = format!("-i {{}}/long.mkv -filter_complex {graph} -map [v] -map [a] -c:v mpeg4 -c:a mp2 {{}}/o.mkv");
    run_in(&small, at, &line).unwrap();
    let seconds: f64 = probe(&small, &at.join("o.mkv"))["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!(seconds > 7.9, "{seconds}");
}
