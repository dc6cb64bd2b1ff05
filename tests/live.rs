//! Outputs that join a running job and leave it: one source, many viewers, nobody holds up anybody.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, HostPipe, Job, Side, State};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Four seconds of MPEG-TS with a key frame each second, as a camera would give it.
fn stream(engine: &Arc<Engine>, folder: &Path) -> Vec<u8> {
    let line = "-f lavfi -i testsrc2=s=320x240:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 \
                -c:a aac -f mpegts {}/stream.ts";
    run_in(engine, folder, line).expect("the stream");
    read(&folder.join("stream.ts"))
}

/// A job that reads the pipe "in", with `line` behind it.
fn hub(engine: &Arc<Engine>, line: &str) -> (Arc<Job>, Arc<HostPipe>) {
    let input = pipe(engine, 4 << 20);
    let job = Job::new(engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.set_args(&words(&format!("-f mpegts -analyzeduration 200000 -fpsprobesize 2 -i mt:in {line}"))).unwrap();
    job.start().unwrap();
    (job, input)
}

/// Gives the job bytes, and waits until it has passed on what it can make of them.
fn give(job: &Arc<Job>, input: &Arc<HostPipe>, bytes: &[u8], packets: u64) {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[input.pipe.write(rest, WAIT).expect("the job reads")..];
    }
    eventually("the packets have passed", || job.stats().packets_read >= packets);
}

/// Adds an output to a running job.
fn join(job: &Arc<Job>, url: &str, options: &[(&str, &str)]) -> usize {
    let output = job.add_file(Direction::Output, url).expect("the job takes outputs");
    for (key, value) in options {
        job.set_file_option(Direction::Output, output, key, Some(value)).expect("an option of outputs");
    }
    job.commit_file(Direction::Output, output).expect("it joins");
    output
}

/// A viewer who reads all that comes.
fn viewer(engine: &Arc<Engine>, job: &Arc<Job>, name: &str, options: &[(&str, &str)]) -> (usize, Viewer) {
    let out = pipe(engine, 4 << 20);
    job.bind_pipe(name, &out, Side::Write).unwrap();
    let output = join(job, &format!("mt:{name}"), options);
    let reader = std::thread::spawn({
        let out = Arc::clone(&out);
        move || {
            let drained = drain(&out);
            out.free();
            drained
        }
    });
    (output, reader)
}

type Viewer = std::thread::JoinHandle<(Vec<u8>, Result<(), Code>)>;

/// Of each packet: its stream, whether it is a key frame, its time in seconds.
fn packets(engine: &Arc<Engine>, folder: &Path, bytes: &[u8], name: &str) -> Vec<(u64, bool, f64)> {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let shown = probe_packets(engine, &path);
    let of = |packet: &serde_json::Value| {
        let is_key = packet["flags"].as_str().is_some_and(|flags| flags.contains('K'));
        let time = packet["dts_time"].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
        (packet["stream_index"].as_u64().unwrap_or(99), is_key, time)
    };
    shown.iter().map(of).collect()
}

fn probe_packets(engine: &Arc<Engine>, path: &Path) -> Vec<serde_json::Value> {
    let spec = vec![("mt_show".to_owned(), "packets".to_owned())];
    let text = engine.probe(&path.display().to_string(), &spec, Some(LONG)).expect("a media file");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["packets"].as_array().cloned().unwrap_or_default()
}

#[test]
fn who_joins_begins_with_the_last_key_frame_and_gets_all_from_there() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    // Given a job that keeps the last group of pictures, and has read something over half of the stream
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() * 5 / 8], 150);
    assert_eq!(job.state(), State::Running);
    // when one joins, and the rest comes
    let (output, reader) = viewer(&engine, &job, "a", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    eventually("it has its first packets without any more input", || {
        job.output_status(output).unwrap().stats.packets_written > 0
    });
    give(&job, &input, &bytes[bytes.len() * 5 / 8..], 0);
    input.pipe.close_write(0).unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    // then it has everything from a key frame on, up to the end, in a whole file of its own
    let (own, end) = reader.join().unwrap();
    assert_eq!(end, Ok(()));
    let own = packets(&engine, folder.path(), &own, "a.ts");
    let video: Vec<_> = own.iter().filter(|packet| packet.0 == 0).collect();
    assert!(video[0].1, "a key frame first: {:?}", &own[..3]);
    assert!(video.len() % 25 == 0 && (50..=75).contains(&video.len()), "whole groups up to the end: {}", video.len());
    assert!(own.iter().filter(|packet| packet.0 == 1).count() > 80, "and its sound");
    job.close();
    input.free();
    is_quiet(&engine);
}

/// Given a job that runs, with a viewer whose queue is small and who reads nothing, all of the stream passes.
fn with_one_who_never_reads(slow: &str, from: Option<&str>) -> (Arc<Engine>, Arc<Job>, usize, Arc<HostPipe>, Vec<u8>) {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -f null -");
    give(&job, &input, &bytes[..bytes.len() / 8], 10);
    let stuck = pipe(&engine, 4096);
    job.bind_pipe("stuck", &stuck, Side::Write).unwrap();
    let mut options =
        vec![("c", "copy"), ("f", "mpegts"), ("mt_slow", slow), ("mt_queue_bytes", "20000"), ("mt_queue_ms", "500")];
    options.extend(from.map(|from| ("mt_from", from)));
    let output = join(&job, "mt:stuck", &options);
    let (_, reader) = viewer(&engine, &job, "good", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    give(&job, &input, &bytes[bytes.len() / 8..], 0);
    input.pipe.close_write(0).unwrap();
    let (good, end) = reader.join().unwrap();
    assert_eq!(end, Ok(()), "nobody else is held up");
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    input.free();
    (engine, job, output, stuck, good)
}

#[test]
fn one_who_never_reads_is_dropped_from_and_holds_up_nobody() {
    for from in [None, Some("0")] {
        let (engine, job, output, stuck, good) = with_one_who_never_reads("skip", from);
        assert!(good.len() > 50_000, "the other one has the whole stream: {}", good.len());
        let status = job.output_status(output).unwrap();
        let feed = status.stats.feed;
        assert!(feed.skips > 0 && feed.packets_dropped > 20 && feed.bytes_peak < 40_000, "{feed:?}");
        // It never got the end of its stream, unless all that was left for it fits into the pipe.
        assert!(status.code != 0 || status.stats.size_bytes <= 4096, "{} bytes", status.stats.size_bytes);
        job.close();
        stuck.free();
        is_quiet(&engine);
    }
}

#[test]
fn one_who_never_reads_is_ended_where_that_was_asked_for() {
    let (engine, job, output, stuck, good) = with_one_who_never_reads("end", None);
    assert!(good.len() > 50_000);
    let status = job.output_status(output).unwrap();
    assert_eq!(status.code, Code::LIMIT.to_c(), "{:?}", status.error);
    let words = status.error.expect("a text");
    assert!(words.message().contains("too slow") && words.output() == Some(output), "{words}");
    job.close();
    stuck.free();
    is_quiet(&engine);
}

#[test]
fn one_that_is_waited_for_misses_nothing() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    // Given outputs that join before anything is read, one by one that takes its time
    let (job, input) = hub(&engine, "-c copy -f null -");
    let slow = pipe(&engine, 4096);
    job.bind_pipe("slow", &slow, Side::Write).unwrap();
    let options = [("c", "copy"), ("f", "mpegts"), ("mt_slow", "wait"), ("mt_queue_bytes", "4096")];
    let output = join(&job, "mt:slow", &options);
    // when the stream is given by a thread that has to wait
    let feeder = feed(&input, bytes);
    eventually("its queue is full", || job.output_status(output).unwrap().stats.feed.bytes_queued > 0);
    let (own, end) = drain(&slow);
    feeder.join().unwrap().unwrap();
    // then nothing was dropped
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())));
    let own = packets(&engine, folder.path(), &own, "slow.ts");
    assert_eq!(own.iter().filter(|packet| packet.0 == 0).count(), 100);
    assert_eq!(job.output_status(output).unwrap().stats.feed.packets_dropped, 0);
    job.close();
    [&slow, &input].iter().for_each(|pipe| pipe.free());
    is_quiet(&engine);
}

#[test]
fn one_may_encode_and_others_take_what_it_encodes() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -f null -");
    // Given one that joins and encodes, and one that joins that
    let small =
        [("c:v", "mpeg2video"), ("s", "160x120"), ("g", "5"), ("c:a", "mp2"), ("f", "mpegts"), ("mt_slow", "wait")];
    let (first, reader) = viewer(&engine, &job, "small", &small);
    let number = first.to_string();
    let (_, copy) =
        viewer(&engine, &job, "copy", &[("c", "copy"), ("f", "mpegts"), ("mt_from", &number), ("mt_slow", "wait")]);
    give(&job, &input, &bytes, 0);
    input.pipe.close_write(0).unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    let (encoded, end) = reader.join().unwrap();
    let (copied, other) = copy.join().unwrap();
    assert_eq!((end, other), (Ok(()), Ok(())));
    for (bytes, name) in [(&encoded, "small.ts"), (&copied, "copy.ts")] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let shown = probe(&engine, &folder.path().join(name));
        assert_eq!(
            (&shown["streams"][0]["codec_name"], &shown["streams"][0]["width"]),
            (&"mpeg2video".into(), &160.into())
        );
        assert_eq!(shown["streams"][1]["codec_name"], "mp2");
    }
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn a_recording_can_be_ended_and_is_a_whole_file() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    let file = folder.path().join("recording.mp4");
    let recording = join(&job, &file.display().to_string(), &[("c", "copy"), ("mt_from", "0"), ("mt_slow", "wait")]);
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    eventually("it records", || job.output_status(recording).unwrap().stats.packets_written > 50);
    // When it is ended
    job.stop_output(recording, true).unwrap();
    eventually("it is final", || job.output_status(recording).unwrap().state.to_c() == 4);
    // then it plays, and the job goes on
    let shown = probe(&engine, &file);
    assert!(shown["format"]["duration"].as_str().unwrap().parse::<f64>().unwrap() > 1.0, "{shown}");
    assert_eq!(job.state(), State::Running);
    let (_, reader) = viewer(&engine, &job, "next", &[("c", "copy"), ("f", "mpegts")]);
    give(&job, &input, &bytes[bytes.len() / 2..], 0);
    input.pipe.close_write(0).unwrap();
    assert!(reader.join().unwrap().0.len() > 10_000, "others join later");
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0));
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn a_viewer_that_leaves_or_cannot_be_opened_is_nobody_elses_affair() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    // Given one whose reader leaves, one whose file cannot be made, one whose encoder is unknown
    let left = pipe(&engine, 1 << 20);
    job.bind_pipe("left", &left, Side::Write).unwrap();
    let leaves = join(&job, "mt:left", &[("c", "copy"), ("f", "mpegts")]);
    left.pipe.close_read().unwrap();
    let nowhere = join(&job, "/nowhere/at/all.ts", &[("c", "copy")]);
    let wrong = join(&job, &folder.path().join("a.ts").display().to_string(), &[("c:v", "no_such_encoder")]);
    give(&job, &input, &bytes[bytes.len() / 2..bytes.len() * 3 / 4], 0);
    let is_final = |output| job.output_status(output).unwrap().state.to_c() >= 4;
    for output in [leaves, nowhere, wrong] {
        eventually(&format!("output {output} is final"), || is_final(output));
    }
    let code = |output| job.output_status(output).unwrap().code;
    assert_eq!((code(leaves), code(nowhere)), (Code::EPIPE.to_c(), Code::ENOENT.to_c()));
    assert_eq!(code(wrong), Code::OPTION.to_c());
    // then the name is free again, and the job goes on
    left.free();
    let (_, reader) = viewer(&engine, &job, "left", &[("c", "copy"), ("f", "mpegts")]);
    give(&job, &input, &bytes[bytes.len() * 3 / 4..], 0);
    input.pipe.close_write(0).unwrap();
    assert_eq!(reader.join().unwrap().1, Ok(()));
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn one_whose_handle_is_freed_while_it_runs_is_forgotten_at_its_end() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    let (output, reader) = viewer(&engine, &job, "v", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    eventually("it runs", || job.output_status(output).is_ok_and(|status| status.stats.packets_written > 0));
    // When its handle is freed, then it goes on
    job.forget_output(output);
    assert_eq!(job.output_status(output).unwrap().state.to_c(), 2);
    // and nothing is kept of it after its end
    job.stop_output(output, true).unwrap();
    assert_eq!(reader.join().unwrap().1, Ok(()));
    eventually("it is forgotten", || job.output_status(output).is_err());
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn a_stream_of_the_host_has_one_writer() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    let options = [("c", "copy"), ("f", "mpegts"), ("mt_slow", "wait")];
    let (first, reader) = viewer(&engine, &job, "one", &options);
    // When another output names the stream of the first
    let second = job.add_file(Direction::Output, "mt:one").unwrap();
    job.set_file_option(Direction::Output, second, "f", Some("mpegts")).unwrap();
    let error = job.commit_file(Direction::Output, second).unwrap_err();
    // Then it is refused, and the first goes on
    assert!(error.code() == Code::EBUSY && error.to_string().contains(&format!("output {first}")), "{error}");
    give(&job, &input, &bytes, 0);
    input.pipe.close_write(0).unwrap();
    let (got, end) = reader.join().unwrap();
    assert_eq!((end, job.wait(Some(LONG)).unwrap()), (Ok(()), Some(0)), "{:?}", job.error());
    assert!(got.len() > bytes.len() / 2, "{} of {} bytes", got.len(), bytes.len());
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn headers_that_are_in_key_frames_only_reach_who_takes_part() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // Given an encoder whose own output wants no headers, and others that do
    let line = "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264 -preset ultrafast -c:a aac -f null - \
                -mt_from 0 -mt_slow wait -c copy -f flv {}/a.flv -mt_from 0 -mt_slow wait -c copy {}/a.mkv";
    run_in(&engine, folder.path(), line).expect("both");
    // Then FLV begins with an AVCDecoderConfigurationRecord, without which players show nothing
    let flv = read(&folder.path().join("a.flv"));
    assert!(flv.windows(6).any(|bytes| bytes == [0x17, 0, 0, 0, 0, 1]));
    assert!(!probe_packets(&engine, &folder.path().join("a.mkv")).is_empty());
    is_quiet(&engine);
}

#[test]
fn a_stop_of_one_that_nobody_reads_ends_in_its_time() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    let stuck = pipe(&engine, 4096);
    job.bind_pipe("stuck", &stuck, Side::Write).unwrap();
    let options = [("c", "copy"), ("f", "mpegts"), ("mt_from", "0"), ("mt_queue_ms", "1000")];
    let output = join(&job, "mt:stuck", &options);
    eventually("it is blocked", || stuck.pipe.stats().fill_bytes >= 4096);
    job.stop_output(output, true).unwrap();
    eventually("it is final", || job.output_status(output).unwrap().state.to_c() >= 4);
    assert_eq!(job.state(), State::Running, "the job goes on");
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.close();
    [&stuck, &input].iter().for_each(|pipe| pipe.free());
    is_quiet(&engine);
}

#[test]
fn one_that_is_ended_as_soon_as_it_was_committed_ends() {
    let engine = engine();
    // Many times, as it hangs on how far the job is: queued, opening, running
    for round in 0..40 {
        let job = start(&engine, &words("-re -f lavfi -i testsrc2=s=64x48 -c:v mpeg2video -f null -")).unwrap();
        let output = join(&job, "-", &[("f", "null")]);
        job.stop_output(output, round % 2 == 0).unwrap();
        eventually("it is final", || job.output_status(output).unwrap().state.to_c() >= 4);
        job.cancel();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
        job.close();
    }
    is_quiet(&engine);
}

#[test]
fn a_cancel_ends_the_job_and_all_that_joined() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -f null -");
    let stuck = pipe(&engine, 4096);
    job.bind_pipe("stuck", &stuck, Side::Write).unwrap();
    let output = join(&job, "mt:stuck", &[("c", "copy"), ("f", "mpegts"), ("mt_slow", "wait")]);
    give(&job, &input, &bytes[..bytes.len() / 2], 100);
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    assert_eq!(job.output_status(output).unwrap().state.to_c(), 6, "cancelled too");
    assert!(job.add_file(Direction::Output, "x.ts").is_err(), "nobody joins any more");
    job.close();
    [&stuck, &input].iter().for_each(|pipe| pipe.free());
    is_quiet(&engine);
}

#[test]
fn one_command_line_encodes_once_for_many() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let line = "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v mpeg2video {}/a.ts -c copy -mt_from 0 -mt_slow wait {}/b.ts \
                -c copy -mt_from 0 -mt_slow wait {}/c.mkv";
    run_in(&engine, folder.path(), line).unwrap();
    let frames = |name: &str| frame_md5(&engine, &folder.path().join(name)).lines().count();
    assert_eq!((frames("a.ts"), frames("b.ts"), frames("c.mkv")), (frames("a.ts"), frames("a.ts"), frames("a.ts")));
    // One that stands behind, or takes part in what is not there, is refused by name
    for (line, word) in [
        ("-f lavfi -i testsrc2=d=1 -c:v mpeg2video {}/d.ts -mt_from 0 -c copy {}/e.ts {}/f.ts", "behind all others"),
        ("-f lavfi -i testsrc2=d=1 -c:v mpeg2video {}/d.ts -mt_from 1 -c copy {}/e.ts", "mt_from"),
        ("-f lavfi -i testsrc2=d=1 -c:v mpeg2video {}/d.ts -mt_slow fast -c copy {}/e.ts", "wait, skip or end"),
        ("-f lavfi -i testsrc2=d=1 -mt_from 0 -c copy {}/e.ts", "takes part in another"),
    ] {
        let error = run_in(&engine, folder.path(), line).unwrap_err();
        assert!(error.code() == Code::OPTION && error.to_string().contains(word), "{line}: {error}");
    }
    is_quiet(&engine);
}

#[test]
fn hundreds_that_come_and_go_leave_nothing() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    let descriptors = entries("/proc/self/fd");
    let turn = |round: usize| {
        let out = pipe(&engine, 1 << 20);
        let name = format!("v{round}");
        job.bind_pipe(&name, &out, Side::Write).unwrap();
        let output = join(&job, &format!("mt:{name}"), &[("c", "copy"), ("f", "flv"), ("mt_from", "0")]);
        let mut some = [0; 1000];
        assert!(out.pipe.read(&mut some, WAIT).unwrap() > 0);
        match round % 3 {
            0 => job.stop_output(output, true).unwrap(),
            1 => job.stop_output(output, false).unwrap(),
            _ => out.pipe.close_read().unwrap(),
        }
        if round % 3 == 2 {
            job.stop_output(output, false).unwrap();
        }
        let _ = drain(&out);
        eventually("it is final", || job.output_status(output).unwrap().state.to_c() >= 4);
        job.forget_output(output);
        eventually("nothing is kept of it", || job.output_status(output).is_err());
        out.free();
    };
    (0..100).for_each(turn);
    // Other tests run beside this one and grow too: what leaks grows each time.
    let grown = |begin: usize| {
        let before = resident_kib();
        (begin..begin + 100).for_each(turn);
        resident_kib().saturating_sub(before)
    };
    let grown: Vec<_> = [100, 200, 300, 400].map(grown).into();
    assert!(grown.iter().any(|kib| *kib < 1024), "each hundred leaves something: {grown:?} KiB");
    assert!(entries("/proc/self/fd") <= descriptors + 2);
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.close();
    input.free();
    is_quiet(&engine);
}
