//! -mt_live 1: what comes in goes out, though nothing more comes. No time is measured: an input that stays open and silent tells whether the job
//! waits for more than it was given.

mod common;

use common::memory::{finish, is_quiet, piped, read};
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::Wait;
use std::time::Duration;

/// H.264 without B-frames and AAC, as cameras and publishers send it.
fn clip_of(folder: &std::path::Path, seconds: &str, name: &str) -> Vec<u8> {
    let line = format!(
        "-f lavfi -i testsrc2=s=320x240:r=25:d={seconds} -f lavfi -i sine=r=44100:d={seconds} -c:v libx264 -preset ultrafast \
         -tune zerolatency -g 25 -threads 1 -c:a aac {{}}/{name}"
    );
    run_in(&engine(), folder, &line).unwrap();
    read(&folder.join(name))
}

/// Feeds what is given and no more; returns what comes out until `enough`.
fn comes_out(line: &str, given: &[u8], enough: usize) -> Vec<u8> {
    let engine = engine();
    let (job, input, output) = piped(&engine, line, 1 << 20, 1 << 20);
    job.start().unwrap();
    input.pipe.write(given, common::memory::WAIT).unwrap();
    let (mut out, mut buffer) = (Vec::new(), vec![0; 65_536]);
    while out.len() < enough {
        match output.pipe.read(&mut buffer, Wait::For(Duration::from_secs(60))) {
            Ok(count) if count > 0 => out.extend_from_slice(&buffer[..count]),
            other => panic!("{} bytes came, then {other:?}: {:?}", out.len(), job.error()),
        }
    }
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
    out
}

#[test]
fn flv_comes_out_after_four_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let given = clip_of(folder.path(), "0.16", "in.flv");
    // Most of it is out: what is held back is less than a picture and its sound.
    let out = comes_out("-mt_live 1 -f flv -i mt:in -c copy -f flv mt:out", &given, given.len() / 2);
    assert_eq!(&out[..3], b"FLV");
}

#[test]
fn flv_with_pictures_only_does_not_wait_for_sound() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=320x240:r=25:d=0.3 -c:v libx264 -preset ultrafast -tune zerolatency -threads 1 {}/in.flv";
    run_in(&engine(), folder.path(), line).unwrap();
    let given = read(&folder.path().join("in.flv"));
    comes_out("-mt_live 1 -f flv -i mt:in -c copy -f flv mt:out", &given, given.len() / 2);
}

#[test]
fn mpeg_ts_comes_out_after_half_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let given = clip_of(folder.path(), "0.6", "in.ts");
    for (input, output) in [("-f mpegts", "mpegts"), ("-f mpegts", "flv"), ("", "mpegts")] {
        let line = format!("-mt_live 1 {input} -i mt:in -c copy -f {output} mt:out");
        comes_out(&line, &given, given.len() / 2);
    }
}

#[test]
fn sound_that_comes_later_is_found() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let line = "-f lavfi -i testsrc2=s=320x240:r=25:d=2 -itsoffset 0.8 -f lavfi -i sine=d=1 -c:v libx264 -preset ultrafast \
                -tune zerolatency -c:a aac {}/in.flv";
    run_in(&engine, folder.path(), line).unwrap();
    run_in(&engine, folder.path(), "-mt_live 1 -i {}/in.flv -c copy -f mpegts {}/out.ts").unwrap();
    assert_eq!(probe(&engine, &folder.path().join("out.ts"))["streams"].as_array().map(Vec::len), Some(2));
    // The name need not say what it is.
    std::fs::rename(folder.path().join("in.flv"), folder.path().join("in")).unwrap();
    run_in(&engine, folder.path(), "-mt_live 1 -i {}/in -c copy -y -f mpegts {}/out.ts").unwrap();
    assert_eq!(probe(&engine, &folder.path().join("out.ts"))["streams"].as_array().map(Vec::len), Some(2));
}

#[test]
fn every_picture_that_came_is_decoded_and_none_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let given = clip_of(folder.path(), "0.8", "in.flv");
    let pictures = 20 * 320 * 240;
    // The encoder of raw pictures would hold one back for each of its threads.
    let shown = "-map 0:v -threads 1 -c:v rawvideo -pix_fmt gray -fps_mode passthrough -f rawvideo mt:out";
    let out = comes_out(&format!("-mt_live 1 -f flv -i mt:in {shown}"), &given, pictures);
    assert_eq!(out.len(), pictures);
}

#[test]
fn who_has_all_pictures_that_it_wants_waits_for_none_more() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let given = clip_of(folder.path(), "0.4", "in.flv");
    // Given a camera that falls silent after ten pictures, of which five are wanted
    for (codec, code) in [("mpeg4 -f mpegts", Code::OK), ("copy -f mpegts", Code::OK), ("mpeg4 -f flv", Code::MUX)] {
        let line =
            format!("-mt_read_timeout_ms 100000 -mt_live 1 -f flv -i mt:in -map 0:v -frames:v 5 -c:v {codec} mt:out");
        let (job, input, output) = piped(&engine, &line, 1 << 20, 1 << 20);
        job.start().unwrap();
        input.pipe.write(&given, common::memory::WAIT).unwrap();
        // then the job ends, and so it does with an output that cannot be written: before anything is late
        let began = std::time::Instant::now();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(code.to_c()), "{codec}: {:?}", job.error());
        assert!(began.elapsed() < Duration::from_secs(90), "{codec}");
        finish(&job, &[&input, &output]);
    }
    is_quiet(&engine);
}

#[test]
fn a_stream_that_says_nothing_holds_up_no_other() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // The second input stays silent behind its first moment.
    let given = clip_of(folder.path(), "2", "in.ts");
    let line =
        "-f lavfi -i sine=d=0.2 -mt_live 1 -f mpegts -i mt:in -map 1:v -map 0:a -c:v copy -c:a aac -f mpegts mt:out";
    comes_out(line, &given, given.len() / 4);
    run_in(&engine, folder.path(), "-i {}/in.ts -c copy -f null -").unwrap();
}

#[test]
fn a_job_says_what_live_means() {
    let engine = engine();
    let job = mt_transcode::job::Job::new(&engine).unwrap();
    job.set_args(&words("-mt_live 1 -i rtmp://host/live/key -c copy -f mpegts out.ts")).unwrap();
    let line = job.command(true, true);
    for setting in ["-analyzeduration 2000000", "-flush_packets 1", "-muxdelay 0", "-rtmp_live live"] {
        assert!(line.contains(setting), "{setting} in {line}");
    }
    assert!(!line.contains("mt_live"), "{line}");
    job.close();
}
