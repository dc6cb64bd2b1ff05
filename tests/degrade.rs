//! Streams that cannot be made any more (-mt_degrade), and packets that a muxer refuses: what becomes of them, what is told, and that the others are whole.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::{Choice, Degraded, Engine, EventKind, JobStats};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a job ended, and what it told.
struct Ended {
    error: Option<Error>,
    events: Vec<Degraded>,
    stats: JobStats,
}

fn ended(engine: &Arc<Engine>, folder: &Path, line: &str) -> Ended {
    let job = start(engine, &words(&line.replace("{}", &folder.display().to_string()))).unwrap();
    assert!(job.wait(Some(LONG)).unwrap().is_some(), "the job hangs: {line}");
    let mut events = Vec::new();
    while let Ok(Some(event)) = job.next_event(Some(Duration::ZERO)) {
        if let EventKind::Degraded(degraded) = event.kind {
            events.push(degraded);
        }
    }
    let ended = Ended { error: job.error(), events, stats: job.stats() };
    job.close();
    ended
}

/// Codec and packets of each stream of a file.
fn streams(engine: &Arc<Engine>, path: &Path) -> Vec<(String, usize)> {
    let spec = vec![("mt_show".to_owned(), "streams,packets".to_owned())];
    let text = engine.probe(&path.display().to_string(), &spec, Some(LONG)).expect("a media file");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let packets = all("packets");
    let count = |index: usize| packets.iter().filter(|packet| packet["stream_index"] == index).count();
    let name = |stream: &serde_json::Value| stream["codec_name"].as_str().unwrap_or_default().to_owned();
    all("streams").iter().enumerate().map(|(index, stream)| (name(stream), count(index))).collect()
}

/// Four seconds: 100 pictures of H.264 with a key frame each second, and AAC.
fn good(engine: &Arc<Engine>, folder: &Path) {
    let line = "-f lavfi -i testsrc2=s=160x120:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 \
                -c:a aac {}/good.mkv";
    run_in(engine, folder, line).expect("a clip");
}

/// As that, with the pictures of some numbers made noise, by an expression.
fn noisy(engine: &Arc<Engine>, folder: &Path, which: &str) {
    good(engine, folder);
    let line = format!("-i {{}}/good.mkv -c copy -bsf:v noise=amount='if({which},1,0)' {{}}/noisy.mkv");
    run_in(engine, folder, &line).expect("a noisy clip");
}

const DECODED: &str = "-threads 1 -i {}/noisy.mkv -c:v mpeg2video -c:a mp2";
/// Not a number from the first second to the second one: AAC refuses that.
const REFUSED: &str = "-i {}/good.mkv -c:v copy -c:a aac -af aeval=if(between(t\\,1\\,2)\\,NAN\\,val(0)):c=same";
/// A channel layout that AAC refuses when it is opened.
const UNOPENED: &str = "-i {}/good.mkv -c:v copy -c:a aac -af aeval=val(0)";

#[test]
fn without_the_option_it_is_as_ffmpeg_has_it() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    noisy(&engine, folder.path(), "gte(n\\,50)");
    let decoded = ended(&engine, folder.path(), &format!("{DECODED} {{}}/out.mkv"));
    assert!(decoded.error.is_none() && decoded.events.is_empty(), "{:?}", decoded.error);
    assert_eq!(decoded.stats.decode_errors, 50);
    assert_eq!(streams(&engine, &folder.path().join("out.mkv"))[0], ("mpeg2video".into(), 50));
    let refused = ended(&engine, folder.path(), &format!("{REFUSED} {{}}/out.mkv"));
    assert_eq!(refused.error.map(|error| error.code()), Some(Code::ENCODE));
    assert!(refused.events.is_empty() && refused.stats.encode_errors == 0);
}

#[test]
fn a_stream_whose_decoder_fails_is_dropped_and_the_other_is_whole() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // Given pictures that are broken from the middle on
    noisy(&engine, folder.path(), "gte(n\\,50)");
    let whole = ended(&engine, folder.path(), &format!("{DECODED} {{}}/whole.mkv"));
    assert!(whole.error.is_none());
    let job =
        ended(&engine, folder.path(), &format!("{DECODED} -mt_degrade:v drop -mt_degrade_after:v 7 {{}}/out.mkv"));
    // then after so many failures the pictures end, and that is told once
    assert!(job.error.is_none(), "{:?}", job.error);
    let [event] = &job.events[..] else { panic!("{:?}", job.events) };
    assert_eq!((event.output, event.stream, event.choice), (0, 0, Choice::Drop));
    assert_eq!((event.stage.as_str(), event.failures, event.code), ("decode", 7, Code::DECODE.to_c()));
    assert!(event.text.contains("the stream ends here"), "{}", event.text);
    assert_eq!(job.stats.decode_errors, 7);
    let (out, whole) = (streams(&engine, &folder.path().join("out.mkv")), folder.path().join("whole.mkv"));
    assert_eq!(out[0], ("mpeg2video".into(), 50));
    assert_eq!(out[1], streams(&engine, &whole)[1], "the sound is whole");
    is_quiet(&engine);
}

#[test]
fn failures_that_are_not_in_a_row_do_not_count() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    noisy(&engine, folder.path(), "gte(mod(n\\,25)\\,20)");
    let job =
        ended(&engine, folder.path(), &format!("{DECODED} -mt_degrade:v drop -mt_degrade_after:v 6 {{}}/out.mkv"));
    assert!(job.error.is_none() && job.events.is_empty(), "{:?}", job.events);
    assert_eq!(job.stats.decode_errors, 20);
}

#[test]
fn a_stream_whose_decoder_fails_fails_the_job_where_that_is_wanted() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    noisy(&engine, folder.path(), "gte(n\\,50)");
    let job = ended(&engine, folder.path(), &format!("{DECODED} -mt_degrade:v fail {{}}/out.mkv"));
    let error = job.error.unwrap();
    assert_eq!(error.code(), Code::DECODE);
    assert!(error.message().contains("25 in a row (-mt_degrade fail)"), "{error}");
    assert_eq!(job.events.iter().map(|event| event.choice).collect::<Vec<_>>(), [Choice::Fail]);
}

#[test]
fn a_stream_whose_decoder_fails_is_copied_from_the_next_key_frame_on() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // Given a second of noise behind the first one
    noisy(&engine, folder.path(), "between(n\\,25\\,49)");
    let line = "-threads 1 -i {}/noisy.mkv -c:v libx264 -preset ultrafast -bf 0 -threads 1 -c:a copy -mt_degrade:v copy -mt_degrade_after:v 5 {}/out.mkv";
    let job = ended(&engine, folder.path(), line);
    assert!(job.error.is_none(), "{:?}", job.error);
    assert_eq!(job.events.iter().map(|event| (event.choice, event.failures)).collect::<Vec<_>>(), [(Choice::Copy, 5)]);
    let out = folder.path().join("out.mkv");
    // then the first second is encoded, and the last two are the source's
    assert_eq!(streams(&engine, &out)[0], ("h264".into(), 75));
    let decoded = ended(&engine, folder.path(), "-xerror -i {}/out.mkv -map 0:v -fps_mode passthrough -f null -");
    assert!(decoded.error.is_none() && decoded.stats.decode_errors == 0, "{:?}", decoded.error);
    assert_eq!(decoded.stats.progress.frames, 75);
    is_quiet(&engine);
}

#[test]
fn where_it_cannot_be_copied_it_is_dropped_and_that_is_said() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    noisy(&engine, folder.path(), "gte(n\\,50)");
    let job = ended(&engine, folder.path(), &format!("{DECODED} -mt_degrade:v copy {{}}/out.mkv"));
    assert!(job.error.is_none(), "{:?}", job.error);
    assert_eq!(job.events[0].choice, Choice::Drop);
    assert!(job.events[0].text.contains("its source is h264 and not mpeg2video"), "{}", job.events[0].text);
}

#[test]
fn frames_that_an_encoder_refuses_are_counted_and_left_out() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    good(&engine, folder.path());
    let job =
        ended(&engine, folder.path(), &format!("{REFUSED} -mt_degrade:a drop -mt_degrade_after:a 1000 {{}}/out.mkv"));
    assert!(job.error.is_none() && job.events.is_empty(), "{:?}", job.error);
    // A second of sound is 43 frames, and those at its borders
    assert!((43..=46).contains(&job.stats.encode_errors), "{}", job.stats.encode_errors);
}

#[test]
fn a_stream_whose_encoder_fails_is_dropped_copied_or_fails_the_job() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    good(&engine, folder.path());
    let sound = streams(&engine, &folder.path().join("good.mkv"))[1].1;
    let packets = |choice: &str| {
        let job = ended(&engine, folder.path(), &format!("{REFUSED} -mt_degrade:a {choice} {{}}/out.mkv"));
        let [event] = &job.events[..] else { panic!("{:?}", job.events) };
        assert_eq!((event.choice.word(), event.stage.as_str(), event.stream), (choice, "encode", 1));
        assert_eq!((event.failures, event.code), (25, Code::ENCODE.to_c()));
        assert_eq!(job.error.map(|error| error.code()), (choice == "fail").then_some(Code::ENCODE));
        streams(&engine, &folder.path().join("out.mkv"))
    };
    let dropped = packets("drop");
    assert_eq!(dropped[0].1, 100, "the pictures are whole");
    assert!(dropped[1].1 < sound / 2, "{dropped:?}");
    let copied = packets("copy");
    assert!(copied[0].1 == 100 && copied[1].1 > dropped[1].1 + 30, "{copied:?} of {sound}"); // some were on their way to the encoder
    packets("fail");
    is_quiet(&engine);
}

#[test]
fn a_stream_whose_encoder_cannot_be_opened_is_left_out_or_copied_whole() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    good(&engine, folder.path());
    for (file, maps) in
        [("out.mkv", "-map 0:a -map 0:v"), ("out.mp4", "-map 0:v -map 0:a"), ("out.ts", "-map 0:a -map 0:v")]
    {
        let line = UNOPENED.replace("-c:v", &format!("{maps} -c:v"));
        let job = ended(&engine, folder.path(), &format!("{line} -mt_degrade:a drop {{}}/{file}"));
        assert!(job.error.is_none(), "{file}: {:?}", job.error);
        assert_eq!(job.events.iter().map(|event| event.choice).collect::<Vec<_>>(), [Choice::Drop]);
        assert_eq!(streams(&engine, &folder.path().join(file)), [("h264".into(), 100)], "{file}");
    }
    let job = ended(&engine, folder.path(), &format!("{UNOPENED} -mt_degrade:a copy {{}}/out.mkv"));
    assert!(job.error.is_none() && job.events[0].choice == Choice::Copy, "{:?}", job.error);
    assert_eq!(streams(&engine, &folder.path().join("out.mkv"))[1].0, "aac");
    // The only stream that there is cannot be left out
    let alone = UNOPENED.replace("-c:v copy", "-vn");
    let job = ended(&engine, folder.path(), &format!("{alone} -mt_degrade:a drop {{}}/alone.mkv"));
    assert!(job.error.unwrap().message().contains("nothing was written"));
    is_quiet(&engine);
}

/// MPEG-TS whose AAC lost the first byte of some packets: those have no ADTS header any more.
fn lossy(engine: &Arc<Engine>, folder: &Path) {
    good(engine, folder);
    run_in(engine, folder, "-i {}/good.mkv -c copy {}/good.ts").expect("a stream");
    let mut bytes = read(&folder.join("good.ts"));
    let is_sound = |packet: &[u8]| packet[1] & 0x5f == 0x41 && packet[2] == 1; // PID 0x101, where a packet begins
    let begins = bytes.chunks_mut(188).filter(|packet| is_sound(packet));
    for packet in begins.skip(2).step_by(3) {
        let header = packet.windows(2).position(|pair| pair == [0xff, 0xf1]).unwrap();
        packet[header] = 0;
    }
    std::fs::write(folder.join("lossy.ts"), bytes).unwrap();
}

#[test]
fn one_broken_packet_does_not_end_a_live_output() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    lossy(&engine, folder.path());
    for file in ["out.mkv", "out.mp4", "out.flv"] {
        // As ffmpeg's, a muxer that refuses a packet fails the job,
        let job = ended(&engine, folder.path(), &format!("-i {{}}/lossy.ts -c copy {{}}/{file}"));
        assert_eq!(job.error.map(|error| error.code()), Some(Code::MUX), "{file}");
        assert_eq!(job.stats.packets_skipped, 0);
        // but not one that is live, or has a choice for the stream
        for option in ["-mt_live 1", "-mt_degrade drop"] {
            let job = ended(&engine, folder.path(), &format!("-i {{}}/lossy.ts -c copy {option} {{}}/{file}"));
            assert!(job.error.is_none() && job.events.is_empty(), "{file}: {:?}", job.error);
            let out = streams(&engine, &folder.path().join(file));
            assert_eq!(out[0].1, 100, "{file}");
            assert!(out[1].1 > 100 && job.stats.packets_skipped > 0, "{file}: {out:?}");
            assert_eq!(job.stats.packets_written, (out[0].1 + out[1].1) as u64, "{file}");
        }
    }
}

#[test]
fn a_stream_that_the_muxer_refuses_time_after_time_ends() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    lossy(&engine, folder.path());
    let line = "-i {}/lossy.ts -c copy -mt_degrade:a drop -mt_degrade_after:a 1 {}/out.mkv";
    let job = ended(&engine, folder.path(), line);
    assert!(job.error.is_none(), "{:?}", job.error);
    let [event] = &job.events[..] else { panic!("{:?}", job.events) };
    assert_eq!((event.stage.as_str(), event.stream, event.choice, event.failures), ("mux", 1, Choice::Drop, 1));
    let out = streams(&engine, &folder.path().join("out.mkv"));
    assert!(out[0].1 == 100 && out[1].1 < 100, "{out:?}");
    let job = ended(&engine, folder.path(), &line.replace("drop", "fail"));
    assert_eq!(job.error.map(|error| (error.code(), error.output())), Some((Code::MUX, Some(0))));
}

#[test]
fn what_the_options_do_not_take_is_said() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    good(&engine, folder.path());
    for (options, text) in [
        ("-mt_degrade shed", "option mt_degrade has the unknown value 'shed'; it takes fail, drop or copy"),
        ("-mt_degrade_after 3", "option mt_degrade_after needs -mt_degrade"),
    ] {
        let error = run_in(&engine, folder.path(), &format!("-i {{}}/good.mkv {options} {{}}/out.mkv")).unwrap_err();
        assert!(error.message().contains(text) && error.code() == Code::OPTION, "{error}");
    }
}
