//! What an output shows while its source is away (-mt_slate): black or the last picture, and silence.

mod common;

use common::camera::*;
use common::live::times;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::Engine;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const AWAY: Duration = Duration::from_secs(2);
const SOURCE: &str =
    "-analyzeduration 200000 -fpsprobesize 2 -f mpegts -mt_source 1 -mt_retry_ms 5 -mt_retry_most_ms 50";

/// A second of 25 pictures and of sound.
fn second(engine: &Arc<Engine>, folder: &Path) -> Vec<u8> {
    let line = "-f lavfi -i sine=d=1 -f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v libx264 -preset ultrafast -bf 2 -g 25 -threads 1 -c:a aac \
                -f mpegts {}/second.ts";
    run_in(engine, folder, line).expect("a second");
    read(&folder.join("second.ts"))
}

/// Reads a camera that is away for two seconds in the middle.
fn interrupted(engine: &Arc<Engine>, folder: &Path, options: &str, codecs: &str) {
    let camera = Camera::new(Does::Gives(second(engine, folder)));
    let line = format!("{SOURCE} {options} -i {} {codecs} -y {}/out.mkv", camera.url(), folder.display());
    let job = start(engine, &words(&line)).unwrap();
    let status = || job.source_status(0).unwrap();
    eventually("it was live", || job.state().is_final() || status().connections >= 1);
    camera.now(Does::HangsUp);
    eventually("it is away", || job.state().is_final() || status().failures >= 2);
    std::thread::sleep(AWAY);
    assert_ne!(status().state.word(), "live", "a slate is no source");
    let before = status().connections;
    camera.now(Does::Gives(read(&folder.join("second.ts"))));
    eventually("it is back, and was read", || job.state().is_final() || status().connections >= before + 2);
    job.stop().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
}

/// Raw media of the file between 2 s and 2.4 s, which is in the slate whatever came before (a second or two) and behind it.
fn raw(folder: &Path, options: &str) -> Vec<u8> {
    let out = folder.join("raw");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(folder.join("out.mkv")).args(["-ss", "2.2", "-t", "0.4"]);
    assert!(command.args(words(options)).arg(&out).status().expect("ffmpeg").success());
    read(&out)
}

#[test]
fn an_output_goes_on_without_a_gap_while_its_source_is_away() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for slate in ["black", "last"] {
        let options = format!("-mt_slate {slate} -mt_slate_after_ms 100");
        interrupted(&engine, folder.path(), &options, "-c:v mpeg2video -c:a mp2");
        let out = folder.path().join("out.mkv");
        // Two seconds that were away, and two of the camera at least; each picture, and each frame of sound, behind the one before
        for (kind, least, most_step) in [("video", 90, 0.2), ("audio", 140, 0.2)] {
            let times = times(&engine, &out, kind, "pts_time");
            assert!((least..1000).contains(&times.len()), "{slate}: {} of {kind}", times.len());
            let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(steps.iter().all(|step| (0.0005..most_step).contains(step)), "{slate}: {kind} {steps:?}");
        }
        let pictures = raw(folder.path(), "-map 0:v -f rawvideo -pix_fmt gray");
        assert!(pictures.len() >= 5 * 160 * 120, "{}", pictures.len());
        let is_dark = pictures.iter().all(|pixel| *pixel <= 20);
        assert_eq!(is_dark, slate == "black");
        let samples = raw(folder.path(), "-map 0:a -f s16le");
        let loudest = samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]).unsigned_abs()).max();
        assert!(samples.len() > 1000 && loudest.is_some_and(|loudest| loudest <= 4), "{slate}: {loudest:?}");
    }
    is_quiet(&engine);
}

#[test]
fn without_it_the_time_is_left_out() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    interrupted(&engine, folder.path(), "-mt_slate none", "-c:v mpeg2video -an");
    let times = times(&engine, &folder.path().join("out.mkv"), "video", "pts_time");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 0.5), "{times:?}");
}

#[test]
fn what_has_nothing_to_show_is_refused_by_name() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Gives(second(&engine, folder.path())));
    let source = format!("{SOURCE} -mt_slate last");
    for (input, output, text) in [
        (source.clone(), "-c:v mpeg2video -c:a copy", "stream 0:1 is copied, and a copy has nothing to show"),
        (format!("{SOURCE} -mt_slate blue"), "-c:v mpeg2video", "option mt_slate has the unknown value 'blue'"),
        (format!("{source} -mt_on_demand 1"), "-c:v mpeg2video", "mt_slate and mt_on_demand exclude each other"),
        ("-mt_slate black".to_owned(), "-c copy", "option mt_slate is for sources: it needs -mt_source 1"),
    ] {
        let line = format!("{input} -i {} {output} -f null -", camera.url());
        let error = run(&engine, &words(&line)).unwrap_err();
        assert!(error.message().contains(text) && error.code() == Code::OPTION, "{error}");
    }
    is_quiet(&engine);
}
