//! Sources that come back in another container: H.264, HEVC and AAC are laid out otherwise there, and outputs do not notice.

mod common;

use common::camera::*;
use common::live::times;
use common::memory::*;
use common::*;
use mt_transcode::job::Engine;
use std::path::Path;
use std::sync::Arc;

const H264: &str = "-c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1";
const HEVC: &str =
    "-c:v libx265 -preset ultrafast -x265-params bframes=0:keyint=25:pools=none:frame-threads=1:log-level=error";
/// MP4 that needs no end: a fragment with each key frame.
const MP4: &str = "mp4 -movflags +frag_keyframe+empty_moov+default_base_moof";

/// A second of 25 pictures and of sound, as MPEG-TS, FLV, Matroska or MP4.
fn second(engine: &Arc<Engine>, folder: &Path, video: &str, format: &str) -> Vec<u8> {
    let line = format!(
        "-f lavfi -i sine=d=1 -f lavfi -i testsrc2=s=160x120:r=25:d=1 -map 1:v -map 0:a {video} -c:a aac -f {format} {{}}/second"
    );
    run_in(engine, folder, &line).expect("a second");
    read(&folder.join("second"))
}

/// Reads two whole seconds in the first form, and then some in the second one.
fn changing(engine: &Arc<Engine>, folder: &Path, video: &str, forms: (&str, &str), codecs: &str, out: &Path) {
    let (first, second) = (second(engine, folder, video, forms.0), second(engine, folder, video, forms.1));
    let camera = Camera::new(Does::Gives(first));
    let line = format!(
        "-analyzeduration 200000 -fpsprobesize 2 -mt_source 1 -mt_retry_ms 5 -i {} {codecs} -y {}",
        camera.url(),
        out.display()
    );
    let job = start(engine, &words(&line)).unwrap();
    let connections = || job.source_status(0).map_or(0, |status| status.connections);
    eventually("the first form was read", || job.state().is_final() || connections() >= 3);
    camera.now(Does::Gives(second));
    // One that was connecting meanwhile may still be of the first form
    let (then, read) = (connections(), || job.stats().packets_read);
    eventually("the other form was read", || job.state().is_final() || connections() >= then + 3 && read() > 0);
    job.stop().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{forms:?} {out:?}: {:?}", job.error());
    assert_eq!(job.stats().packets_skipped, 0, "{forms:?} {out:?}");
    assert_eq!(job.stats().decode_errors, 0, "{forms:?} {out:?}");
    job.close();
}

/// Four seconds at least, without a jump, all of which can be decoded.
fn is_whole(engine: &Arc<Engine>, out: &Path, what: &str) {
    for (kind, least) in [("video", 100), ("audio", 150)] {
        let times = times(engine, out, kind, "dts_time");
        assert!(times.len() >= least, "{what}: {} of {kind}", times.len());
        let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (0.0005..0.3).contains(step)), "{what}: {kind} {steps:?}");
    }
    let line = format!("-i {} -map 0 -fps_mode passthrough -f null -", out.display());
    let job = start(engine, &words(&line)).unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0));
    let (stats, pictures) = (job.stats(), times(engine, out, "video", "dts_time").len() as u64);
    assert_eq!((stats.decode_errors, stats.progress.frames), (0, pictures), "{what}");
    job.close();
}

fn copies(video: &str, forms: (&str, &str), files: &[&str]) {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for file in files {
        let out = folder.path().join(file);
        changing(&engine, folder.path(), video, forms, "-map 0 -c copy", &out);
        is_whole(&engine, &out, &format!("{forms:?} to {file}"));
    }
    is_quiet(&engine);
}

fn decodes(video: &str, changes: &[(&str, &str)]) {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for forms in changes {
        let out = folder.path().join("out.mkv");
        changing(&engine, folder.path(), video, *forms, "-map 0 -c:v mpeg2video -c:a mp2", &out);
        is_whole(&engine, &out, &format!("{forms:?} decoded"));
    }
    is_quiet(&engine);
}

#[test]
fn one_that_was_transport_stream_comes_back_as_flv() {
    copies(H264, ("mpegts", "flv"), &["out.ts", "out.mkv", "out.flv"]);
}

#[test]
fn one_that_was_flv_comes_back_as_transport_stream() {
    copies(H264, ("flv", "mpegts"), &["out.ts", "out.mkv", "out.flv"]);
}

#[test]
fn one_that_comes_back_in_the_other_form_is_decoded() {
    decodes(H264, &[("flv", "mpegts"), ("mpegts", "flv"), ("matroska", "mpegts"), ("mpegts", "matroska")]);
}

#[test]
fn hevc_that_was_transport_stream_comes_back_as_matroska_or_mp4() {
    for other in ["matroska", MP4] {
        copies(HEVC, ("mpegts", other), &["out.ts", "out.mkv", "out.mp4"]);
    }
}

#[test]
fn hevc_that_was_matroska_or_mp4_comes_back_as_transport_stream() {
    for other in ["matroska", MP4] {
        copies(HEVC, (other, "mpegts"), &["out.ts", "out.mkv", "out.mp4"]);
    }
}

#[test]
fn hevc_that_comes_back_in_the_other_form_is_decoded() {
    let changes = [("mpegts", MP4), (MP4, "mpegts"), ("matroska", "mpegts"), ("mpegts", "matroska"), (MP4, "matroska")];
    decodes(HEVC, &changes);
}
