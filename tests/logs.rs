//! The log: a job has its own lines only, also those of FFmpeg's threads; at its level; repeated ones counted; secrets masked.

mod common;

use common::*;
use mt_transcode::job::{Engine, EventKind, Job};
use std::sync::Arc;

/// Runs a job and returns the lines of its log.
fn lines_of(job: &Arc<Job>) -> Vec<(i32, String, String, u32)> {
    let mut lines = Vec::new();
    while let Ok(Some(event)) = job.next_event(Some(LONG)) {
        assert_eq!(event.label, format!("job-{}", job.id()));
        match event.kind {
            EventKind::Log { level, stage, text, repeated, .. } => lines.push((level, stage, text, repeated)),
            EventKind::Done { .. } => break,
            _ => {}
        }
    }
    lines
}

fn labelled(engine: &Arc<Engine>, line: &str) -> Arc<Job> {
    let job = Job::new(engine).unwrap();
    job.set_args(&words(line)).unwrap();
    job.set_label(&format!("job-{}", job.id())).unwrap();
    job.start().unwrap();
    job
}

#[test]
fn each_job_has_its_own_lines() {
    // Given two jobs at once whose encoders and filters tell who they are, then neither has a line of the other.
    let engine = engine();
    let x264 = labelled(&engine, "-v info -f lavfi -i testsrc2=s=64x48:d=1 -c:v libx264 -threads 2 -f null -");
    let flac = labelled(&engine, "-v info -f lavfi -i sine=d=1 -af astats -c:a flac -f null -");
    let (a, b) = (lines_of(&x264), lines_of(&flac));
    assert!(a.iter().any(|(_, stage, ..)| stage == "libx264"), "{a:?}");
    assert!(b.iter().any(|(_, stage, ..)| stage.contains("astats")), "{b:?}");
    assert!(
        !a.iter().any(|(_, stage, ..)| stage.contains("astats")) && !b.iter().any(|(_, stage, ..)| stage == "libx264")
    );
    [x264, flac].iter().for_each(Job::close);
}

#[test]
fn the_level_is_the_jobs_own() {
    let engine = engine();
    let line = |level: &str| format!("{level} -f lavfi -i testsrc2=s=64x48:d=1 -c:v libx264 -f null -");
    let quiet = labelled(&engine, &line(""));
    assert!(lines_of(&quiet).iter().all(|(level, ..)| *level <= 24), "warnings at most where nothing is said");
    let chatty = labelled(&engine, &line("-loglevel verbose"));
    assert!(lines_of(&chatty).iter().any(|(level, ..)| *level >= 32));
    let silent = labelled(&engine, "-v quiet -i /no/such/file -f null -");
    assert!(lines_of(&silent).is_empty());
    [quiet, chatty, silent].iter().for_each(Job::close);
}

#[test]
fn damage_is_told_counted_and_kept_with_the_error() {
    // Given a stream of noise, when it is decoded, then the job fails with what the decoder said in its detail.
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    let mut bytes = std::fs::read(folder.path().join("clip.mp4")).unwrap();
    // The pictures begin behind the header; their lengths stay, their content becomes noise.
    let media = bytes.windows(4).position(|w| w == b"mdat").unwrap() + 64;
    let end = bytes.windows(4).position(|w| w == b"moov").unwrap() - 8;
    for (i, byte) in bytes[media..end].iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
        *byte = (i * 7) as u8;
    }
    std::fs::write(folder.path().join("noise.mp4"), bytes).unwrap();
    let job = labelled(&engine, &format!("-i {}/noise.mp4 -f null -", folder.path().display()));
    let lines = lines_of(&job);
    assert!(!lines.is_empty(), "the decoders complain");
    assert!(job.stats().decode_errors > 0);
    if let Some(error) = job.error() {
        assert!(!error.detail().is_empty(), "{error:?}");
    }
    job.close();
}

#[test]
fn secrets_never_reach_a_line() {
    let engine = engine();
    let job = labelled(&engine, "-v debug -i http://user:hunter2@127.0.0.1:1/live?token=hunter2 -f null -");
    let lines = lines_of(&job);
    let error = job.error().expect("nobody listens there");
    let all = format!("{lines:?} {error:?} {} {}", job.command(false, true), engine.jobs_json());
    assert!(!all.contains("hunter2"), "{all}");
    job.close();
}

#[test]
fn what_is_strange_in_a_description_is_said() {
    // Given options that are done, but may not be meant, when a job has them, then its log says so (ffmpeg_opt.c warns of the same).
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path().display();
    clip(&engine, folder.path());
    let input = format!("-i {at}/clip.mp4");
    for (options, words) in [
        ("INPUT -c copy -c:v mpeg4", "option c is set 2 times for stream 0; only the last one, -c:v mpeg4"),
        ("INPUT -c:v mpeg4 -vcodec mpeg2video -an", "only the last one, -vcodec mpeg2video"),
        ("INPUT -c copy -t 1 -to 2", "t and to cannot be used together"),
        ("-ss 1 -sseof -1 INPUT -c copy", "both options ss and sseof"),
        ("-re -readrate 100 INPUT -c copy", "both options re and readrate"),
        ("INPUT -c:v mpeg4 -b 500k", "option b is ambiguous"),
        ("-vsync 1 INPUT -c:v mpeg4", "option vsync is deprecated"),
        ("INPUT -c copy -frames 3", "perhaps frames:v is meant"),
        ("INPUT -c copy -aspect 4:3", "another aspect ratio"),
        ("INPUT -an -c:v mpeg4 -b:v 500", "bits a second, not in thousands"),
        ("INPUT -an -c:v mpeg4 -r 2000 -fps_mode cfr", "the frame rate is very high"),
        ("INPUT -an -c:v mpeg4 -r 2000 -fps_mode cfr", "more than 1000 frames were repeated"),
        ("INPUT -an -c:v mpeg4 -pix_fmt rgb24", "pixel format rgb24 is not one of the encoder mpeg4: yuv420p"),
    ] {
        let job = labelled(&engine, &format!("{} -f null -", options.replace("INPUT", &input)));
        let lines = lines_of(&job);
        assert!(lines.iter().any(|(_, _, text, _)| text.contains(words)), "{options}: {words}: {lines:?}");
        job.close();
    }
    // And nothing of it where nothing is strange.
    let job = labelled(&engine, &format!("{input} -c:v mpeg4 -c:a aac -b:v 500k -t 1 -f null -"));
    let lines = lines_of(&job);
    assert!(lines.iter().all(|(_, stage, ..)| !["options", "encode"].contains(&stage.as_str())), "{lines:?}");
    job.close();
}
