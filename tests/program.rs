//! The program mt-transcode, as a supervisor and a script see it: beside the ffmpeg program of the same libraries.

mod common;

use common::*;
use mt_transcode::text::from_bytes;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

const OURS: &str = env!("CARGO_BIN_EXE_mt-transcode");
/// An endless job that writes something playable at once.
const ENDLESS: &str =
    "-y -re -f lavfi -i testsrc2=s=320x240 -c:v mpeg4 -g 5 -movflags frag_keyframe -flush_packets 1 o.mp4";

fn command(program: &str, folder: &Path, line: &str) -> Command {
    let mut command = Command::new(program);
    command.args(words(line)).current_dir(folder).stdin(Stdio::null());
    command
}

fn output(program: &str, folder: &Path, line: &str) -> Output {
    command(program, folder, line).output().expect(program)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running endless job, whose file has begun.
fn endless(folder: &Path, options: &str) -> Child {
    // Who runs the tests in the background of a shell ignores SIGQUIT, and so would the program.
    let mut command = command("env", folder, &format!("--default-signal=QUIT {OURS} {options} {ENDLESS}"));
    let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    eventually("something is written", || std::fs::metadata(folder.join("o.mp4")).is_ok_and(|file| file.len() > 2000));
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn ended(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + LONG;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "the program does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_ends_the_file_in_good_order() {
    // Given an endless job, when a signal comes, then the program ends with 255, as ffmpeg, and the file plays.
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for name in ["-TERM", "-INT", "-QUIT", "-XCPU"] {
        let mut child = endless(folder.path(), "");
        signal(&child, name);
        assert_eq!(ended(&mut child).code(), Some(255), "{name}");
        assert_eq!(probe(&engine, &folder.path().join("o.mp4"))["streams"][0]["codec_name"], "mpeg4");
        std::fs::remove_file(folder.path().join("o.mp4")).unwrap();
    }
}

#[test]
fn a_signal_while_an_input_is_opened_ends_the_job_as_ffmpegs() {
    // Given an input that is probed for long, when a signal comes, then what was found of it is enough: both end with 255 and leave a file.
    let folder = tempfile::tempdir().unwrap();
    run_in(&engine(), folder.path(), "-f lavfi -i testsrc2=s=64x48:d=1 -c:v mpeg2video -f mpegts {}/in.ts").unwrap();
    let media = std::fs::read(folder.path().join("in.ts")).unwrap();
    let mut results = Vec::new();
    for program in ["ffmpeg", OURS] {
        let line = "-v error -y -analyzeduration 2G -probesize 2G -f mpegts -i pipe:0 -c copy o.nut";
        let mut child = command(program, folder.path(), line).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // More than a pipe holds: it has read some of it.
        (0..4 * 65_536 / media.len() + 1).for_each(|_| stdin.write_all(&media).unwrap());
        signal(&child, "-TERM");
        while stdin.write_all(&media).is_ok() && child.try_wait().unwrap().is_none() {}
        let size = std::fs::metadata(folder.path().join("o.nut")).map(|file| file.len());
        results.push((ended(&mut child).code(), size.is_ok_and(|size| size > 0)));
        let _ = std::fs::remove_file(folder.path().join("o.nut"));
    }
    assert_eq!(results, [(Some(255), true), (Some(255), true)]);
}

#[test]
fn without_a_terminal_to_read_sigquit_is_what_it_always_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = endless(folder.path(), "-nostdin");
    signal(&child, "-QUIT");
    assert_eq!(ended(&mut child).signal(), Some(3));
}

#[test]
fn the_fourth_signal_ends_the_program_at_once() {
    // Given a FIFO that nobody writes: opening it cannot be interrupted.
    let folder = tempfile::tempdir().unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap().success());
    let mut child = command(OURS, folder.path(), "-i fifo -f null -").stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + LONG;
    let code = loop {
        signal(&child, "-INT");
        std::thread::sleep(Duration::from_millis(50));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        assert!(Instant::now() < until);
    };
    // A signal may come before the program listens (then it dies of it), or the job may be given up first.
    assert!(matches!(code, Some(123 | 1) | None), "{code:?}");
}

#[test]
fn the_key_q_ends_the_file_in_good_order() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let mut child = endless(folder.path(), "");
    child.stdin.as_mut().unwrap().write_all(b"?+q").unwrap();
    assert_eq!(ended(&mut child).code(), Some(0));
    assert_eq!(probe(&engine, &folder.path().join("o.mp4"))["streams"][0]["codec_name"], "mpeg4");
}

#[test]
fn standard_input_is_left_alone_where_it_is_not_for_keys() {
    // With -nostdin, and where an input is read from it.
    let folder = tempfile::tempdir().unwrap();
    let mut child = endless(folder.path(), "-nostdin");
    child.stdin.take().unwrap().write_all(b"q").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it does not read keys");
    signal(&child, "-TERM");
    assert_eq!(ended(&mut child).code(), Some(255));

    run_in(&engine(), folder.path(), "-f lavfi -i testsrc2=s=64x48:d=1 -c:v mpeg4 -f mpegts {}/in.ts").unwrap();
    let mut piped = command(OURS, folder.path(), "-v error -y -f mpegts -i - -c copy copy.ts");
    piped.stdin(std::fs::File::open(folder.path().join("in.ts")).unwrap());
    assert!(piped.status().unwrap().success());
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(size("copy.ts") * 10 > size("in.ts") * 9);
}

#[test]
fn an_existing_file_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let line = "-v error -f lavfi -i testsrc2=s=64x48:d=0.2 -c:v mpeg4 o.mkv";
    for (options, answer, code) in [
        ("", "y\n", 0),
        ("", "n\n", 1),
        ("", "", 1),
        ("-nostdin", "y\n", 1),
        ("-n", "y\n", 1),
        ("-y", "", 0),
        ("-y -n", "y\n", 1),
    ] {
        let both = ["ffmpeg", OURS].map(|program| {
            std::fs::write(at.join("o.mkv"), "old").unwrap();
            let mut command = command(program, at, &format!("{options} {line}"));
            let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
            let output = child.wait_with_output().unwrap();
            let is_old = std::fs::read(at.join("o.mkv")).unwrap() == b"old";
            (output.status.code(), is_old, errors(&output).contains("Overwrite? [y/N]"))
        });
        let our_code = both[1].0;
        let what_is_the_same = |code: Option<i32>| code.filter(|_| is_5_1()); // 7.0 and newer end with 0 where the answer is no
        let [theirs, ours] = both.map(|(code, is_old, asks)| (what_is_the_same(code), is_old, asks));
        assert_eq!(theirs, ours, "{options} {answer:?}");
        assert_eq!(our_code, Some(code), "{options} {answer:?}");
    }
}

#[test]
fn outputs_that_share_a_stream_end_one_after_the_other() {
    // Given two outputs whose checksums go to the standard output, which thread is faster must not decide which comes first.
    let folder = tempfile::tempdir().unwrap();
    let line = "-v error -f lavfi -i anoisesrc=d=2:seed=1 -ac 1 -f s16le md5: -ac 2 -f s16le md5:";
    let expected = output("ffmpeg", folder.path(), line).stdout;
    for _ in 0..20 {
        let ours = output(OURS, folder.path(), line).stdout;
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&expected));
    }
}

#[test]
fn progress_is_written_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-v error -y -stats_period 0.05 -progress p.txt -re -f lavfi -i testsrc2=s=64x48:d=1.2 -c:v mpeg4 o.mkv";
    let blocks = ["ffmpeg", OURS].map(|program| {
        assert!(output(program, folder.path(), line).status.success());
        let text = std::fs::read_to_string(folder.path().join("p.txt")).unwrap();
        let keys = |block: &str| block.lines().map(|l| l.split('=').next().unwrap().to_owned()).collect::<Vec<_>>();
        let blocks: Vec<_> = text.split_inclusive("progress=continue\n").map(keys).collect();
        let last = text.rsplit("progress=continue\n").next().unwrap().to_owned();
        (blocks.len(), blocks.last().cloned(), last)
    });
    let [(_, their_keys, theirs), (count, keys, ours)] = blocks;
    assert!(count > 2, "several blocks: {count}");
    assert_eq!(keys, their_keys);
    // What does not depend on the machine's speed is equal.
    let steady = |block: &str| -> Vec<String> {
        // Later releases count to the end of the last packet, 5.1 to its beginning.
        let time = if is_5_1() { "speed=" } else { "out_time" };
        let is_steady = |line: &&str| !["fps=", "speed=", "bitrate=", time].iter().any(|key| line.starts_with(key));
        block.lines().filter(is_steady).map(str::to_owned).collect()
    };
    assert_eq!(steady(&ours), steady(&theirs));
    // However short a job is, there is a block before the last one (with later releases' program only where it was not too short).
    run_in(&engine(), folder.path(), "-f lavfi -i testsrc2=s=64x48:d=0.2 -c:v mpeg4 {}/short.mkv").unwrap();
    let short = ["ffmpeg", OURS].map(|program| {
        let line = "-v error -y -stats_period 1000 -progress short.txt -i short.mkv -c copy -f mpegts short.ts";
        assert!(output(program, folder.path(), line).status.success());
        let text = std::fs::read_to_string(folder.path().join("short.txt")).unwrap();
        text.split_inclusive("progress=continue\n").map(steady).collect::<Vec<_>>()
    });
    assert_eq!(short[1].len(), 2);
    assert_eq!(short[1].last(), short[0].last());
    assert!(!is_5_1() || short[1] == short[0], "{short:?}");
    let piped = output(OURS, folder.path(), "-v error -nostats -progress - -f lavfi -i testsrc2=d=0.2 -f null -");
    assert!(String::from_utf8_lossy(&piped.stdout).ends_with("progress=end\n"));
}

#[test]
fn the_log_is_ffmpegs() {
    // Files as they are opened and written, the mapping, the line of progress and the summary, by the same level.
    let folder = tempfile::tempdir().unwrap();
    clip(&engine(), folder.path());
    let lines =
        ["-hide_banner -y -v level+warning -i clip.mp4 -c copy o.mkv", "-hide_banner -y -i clip.mp4 -c copy o.mkv"];
    // Later releases write the mapping before the outputs, and other words.
    for line in &lines[..if is_5_1() { 2 } else { 1 }] {
        let both = ["ffmpeg", OURS].map(|program| {
            let text = errors(&output(program, folder.path(), line)).replace('\r', "\n");
            let is_steady = |line: &&str| !line.contains("speed=") && !line.starts_with("Press [q]");
            text.lines().filter(is_steady).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
        });
        assert_eq!(both[1], both[0], "{line}");
    }
    let shown = errors(&output(OURS, folder.path(), "-v error -stats -i clip.mp4 -f null -"));
    assert!(shown.starts_with("frame=") && shown.contains("Lsize=N/A time=00:00:0"), "{shown}");
    let lines =
        errors(&output(OURS, folder.path(), "-v error -i clip.mp4 -c:v libx264 -x264opts nonsense=1 -f null -"));
    assert!(lines.starts_with("[libx264 @ 0x"), "{lines}");
    assert_eq!(errors(&output(OURS, folder.path(), "-v quiet -i nothere -f null -")), "");
}

#[test]
fn a_report_holds_the_log_and_the_command_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-v error -y -f lavfi -i testsrc2=d=0.1 -metadata comment=http://user:geheim@host/ -f null -";
    let mut command = command(OURS, folder.path(), line);
    assert!(command.env("FFREPORT", "file=%p.log:level=32").status().unwrap().success());
    let text = std::fs::read_to_string(folder.path().join("mt-transcode.log")).unwrap();
    assert!(text.contains("Command line:\nmt-transcode -v error") && text.contains("Input #0, lavfi"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
    assert!(output(OURS, folder.path(), "-report -v error -f lavfi -i testsrc2=d=0.1 -f null -").status.success());
    let is_dated = |name: &str| name.starts_with("mt-transcode-20") && name.ends_with(".log");
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().any(|name| is_dated(&name.to_string_lossy())));
}

#[test]
fn what_failed_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let failed = errors(&output(OURS, folder.path(), "-v error -i /no/such/file -f null -"));
    assert!(failed.contains("/no/such/file") && failed.contains("hint:"), "{failed}");
    assert!(String::from_utf8_lossy(&output(OURS, folder.path(), "diagnostics").stdout).contains("libavcodec"));
    assert_eq!(output(OURS, folder.path(), "").status.code(), Some(1));
}

#[test]
fn time_and_memory_can_be_limited_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let shown = errors(&output(OURS, folder.path(), "-benchmark -cpucount 1 -f lavfi -i testsrc2=d=0.1 -f null -"));
    assert!(shown.contains("bench: utime=") && shown.contains("bench: maxrss="), "{shown}");
    let limited = output(OURS, folder.path(), "-v error -timelimit 1 -f lavfi -i testsrc2=s=1280x720 -f null -").status;
    assert!(limited.code() == Some(255) || limited.signal() == Some(9), "{limited:?}");
}

#[test]
fn names_need_not_be_utf8() {
    // Given names and metadata in bytes that are no UTF-8, when a file is copied, then it is what ffmpeg makes of it, by the same name.
    let folder = tempfile::tempdir().unwrap();
    clip(&engine(), folder.path());
    let word = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
    let (given, made) = (word(b"in\xff.mp4"), word(b"out\xe4\x80.mkv"));
    std::fs::rename(folder.path().join("clip.mp4"), folder.path().join(&given)).unwrap();
    let files = ["ffmpeg", OURS].map(|program| {
        let mut command = command(program, folder.path(), "-v error -y -i");
        command.arg(&given).args(words("-c copy -bitexact -metadata")).arg(word(b"title=\xfe")).arg(&made);
        assert!(command.status().unwrap().success(), "{program}");
        let bytes = std::fs::read(folder.path().join(&made)).unwrap();
        std::fs::remove_file(folder.path().join(&made)).unwrap();
        bytes
    });
    assert!(files[0] == files[1] && files[0].windows(2).any(|pair| pair[1] == 0xfe));
    // A host's job prints as a line that a shell understands; what it tells is text.
    let engine = engine();
    let job = mt_transcode::job::Job::new(&engine).unwrap();
    let args = ["-i", "INPUT", "-f", "null", "-"].map(|w| w.replace("INPUT", &from_bytes(b"nosuch\xff.mp4")));
    job.set_args(&args).unwrap();
    assert!(job.command(true, true).contains(r"$'nosuch\xff.mp4'"), "{}", job.command(true, true));
    job.start().unwrap();
    job.wait(Some(LONG)).unwrap();
    assert!(job.error().unwrap().message().contains("nosuch\u{fffd}.mp4"));
    job.close();
}
