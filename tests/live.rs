//! Outputs that join a running job and leave it: one source, many viewers, nobody holds up anybody.

mod common;

use common::live::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, HostPipe, Job, Side, State};
use std::sync::Arc;

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
    let (job, input) = keeping_hub(&engine);
    let (begin, rest) = bytes.split_at(bytes.len() * 5 / 8);
    give(&job, &input, begin, 150);
    let stuck = pipe(&engine, 4096);
    job.bind_pipe("stuck", &stuck, Side::Write).unwrap();
    let mut options =
        vec![("c", "copy"), ("f", "mpegts"), ("mt_slow", slow), ("mt_queue_bytes", "20000"), ("mt_queue_ms", "500")];
    options.extend(from.map(|from| ("mt_from", from)));
    let output = join(&job, "mt:stuck", &options);
    let (_, reader) = viewer(&engine, &job, "good", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    // It has written of the last group until nobody took more, and sits there: whatever comes, it never gets to its end.
    eventually("it cannot write", || stuck.pipe.stats().fill_bytes == 4096);
    give(&job, &input, rest, 0);
    input.pipe.close_write(0).unwrap();
    let (good, end) = reader.join().unwrap();
    assert_eq!(end, Ok(()), "nobody else is held up");
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    input.free();
    (engine, job, output, stuck, good)
}

#[test]
fn how_much_it_has_sent_is_known_while_it_sends_and_who_is_thrown_out_is_told_so() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() / 2], 60);
    // When one joins, and has been sent the last group of pictures, which are fewer packets than 64,
    let out = pipe(&engine, 4 << 20);
    job.bind_pipe("out", &out, Side::Write).unwrap();
    let output =
        join(&job, "mt:out", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0"), ("mt_live", "1"), ("map", "0:v")]);
    // then that is counted before it ends.
    assert!(out.pipe.read(&mut [0; 4096], WAIT).unwrap() > 0);
    eventually("what was sent is counted", || job.output_status(output).unwrap().stats.size_bytes >= 4096);
    job.stop_output(output, false).unwrap();
    eventually("it is out", || job.output_error(output).is_some());
    let error = job.output_error(output).unwrap();
    assert_eq!((error.code(), error.message()), (Code::ECANCELED, "the output was cancelled"));
    out.free();
    job.cancel();
    job.wait(Some(LONG)).unwrap();
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn one_who_never_reads_is_dropped_from_and_holds_up_nobody() {
    for from in [None, Some("0")] {
        let (engine, job, output, stuck, good) = with_one_who_never_reads("skip", from);
        assert!(good.len() > 50_000, "the other one has all from the last group on: {}", good.len());
        let status = job.output_status(output).unwrap();
        let feed = status.stats.feed;
        assert!(feed.skips > 0 && feed.packets_dropped > 20, "{feed:?}");
        assert!(feed.bytes_peak < 100_000, "no more than the last group, with which it began: {feed:?}");
        assert_ne!(status.code, 0, "it never got the end of its stream");
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
    // Of a worker that makes files later the folder must be known before.
    let line = format!("-c copy -mt_gop_bytes 4M -mt_allow_write {} -f null -", folder.path().display());
    let (job, input) = hub(&engine, &line);
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
    let (next, reader) = viewer(&engine, &job, "next", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    eventually("the next one has joined", || job.output_status(next).unwrap().stats.packets_written > 0);
    give(&job, &input, &bytes[bytes.len() / 2..], 0);
    input.pipe.close_write(0).unwrap();
    let (own, end) = reader.join().unwrap();
    assert!(
        own.len() > 10_000 && end == Ok(()),
        "others join later: {} bytes, {end:?}, {:?}",
        own.len(),
        job.output_error(next)
    );
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0));
    job.close();
    input.free();
    is_quiet(&engine);
}

#[test]
fn a_viewer_that_leaves_or_cannot_be_opened_is_nobody_elses_affair() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let line = format!("-c copy -mt_gop_bytes 4M -mt_allow_write {} -f null -", folder.path().display());
    let (job, input) = hub(&engine, &line);
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    // Given one whose reader leaves (of the last pictures: a worker hears of it when it likes, and media that comes meanwhile has passed), one whose file cannot be made, one whose encoder is unknown
    let left = pipe(&engine, 1 << 20);
    job.bind_pipe("left", &left, Side::Write).unwrap();
    let leaves = join(&job, "mt:left", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    left.pipe.close_read().unwrap();
    let nowhere = join(&job, "/nowhere/at/all.ts", &[("c", "copy")]);
    let wrong =
        join(&job, &folder.path().join("a.ts").display().to_string(), &[("c:v", "no_such_encoder"), ("mt_from", "0")]);
    give(&job, &input, &bytes[bytes.len() / 2..bytes.len() * 3 / 4], 0);
    let is_final = |output| job.output_status(output).unwrap().state.to_c() >= 4;
    for output in [leaves, nowhere, wrong] {
        eventually(&format!("output {output} is final"), || is_final(output));
    }
    let code = |output| job.output_status(output).unwrap().code;
    // What a worker may write was settled when its job began.
    let refused = if is_isolated() { Code::SANDBOX } else { Code::ENOENT };
    assert_eq!((code(leaves), code(nowhere)), (Code::EPIPE.to_c(), refused.to_c()));
    assert_eq!(code(wrong), Code::OPTION.to_c());
    // then the name is free again, and the job goes on
    left.free();
    let (next, reader) = viewer(&engine, &job, "left", &[("c", "copy"), ("f", "mpegts"), ("mt_from", "0")]);
    eventually("the next one has joined", || job.output_status(next).unwrap().stats.packets_written > 0);
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
        ("-f lavfi -i testsrc2=d=1 -mt_queue_ms 9 -c:v mpeg2video {}/e.ts", "mt_queue_ms is for outputs with a queue"),
    ] {
        let error = run_in(&engine, folder.path(), line).unwrap_err();
        assert!(error.code() == Code::OPTION && error.to_string().contains(word), "{line}: {error}");
    }
    is_quiet(&engine);
}
