//! Sources: inputs that come and go, and outputs that do not notice.

mod common;

use common::camera::*;
use common::live::times;
use common::memory::*;
use common::sources::*;
use common::*;
use mt_transcode::error::Code;
use std::time::Duration;

#[test]
fn a_source_that_breaks_off_is_opened_again_and_times_go_on() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Gives(second(&engine, folder.path(), true, true)));
    let out = folder.path().join("out.mkv");
    let line = format!("{PROBE} -mt_source 1 -mt_retry_ms 5 -i {} -c copy {}", camera.url(), out.display());
    let (result, states) = until(&engine, &line, |job| connections(job) >= 4);
    assert_eq!(result, Some(0));
    assert_eq!(states[..4], ["connecting", "live", "connecting", "live"], "{states:?}");
    assert_eq!(states.last(), Some(&"ended"));
    // Three whole seconds at least, without a jump between them
    let times = pictures(&engine, &out);
    assert!(times.len() >= 75, "{}", times.len());
    let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| (0.001..0.2).contains(step)), "{steps:?}");
    is_quiet(&engine);
}

#[test]
fn a_source_that_falls_silent_is_opened_again() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Falls(second(&engine, folder.path(), true, true)));
    let out = folder.path().join("out.mkv");
    // Given a deadline, when the camera says nothing more, each time after a second of media
    let options = "-mt_source 1 -mt_retry_ms 5 -mt_read_timeout_ms 100";
    let line = format!("{PROBE} {options} -i {} -c copy {}", camera.url(), out.display());
    let (result, states) = until(&engine, &line, |job| connections(job) >= 4);
    // then each silence is the end of a connection and not of the job
    assert_eq!(result, Some(0));
    assert_eq!(states[..4], ["connecting", "live", "connecting", "live"], "{states:?}");
    assert!(pictures(&engine, &out).len() >= 70);
    is_quiet(&engine);
}

#[test]
fn what_encodes_goes_on_too() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Gives(second(&engine, folder.path(), true, true)));
    let out = folder.path().join("out.mkv");
    let line =
        format!("{PROBE} -mt_source 1 -mt_retry_ms 5 -i {} -c:v mpeg2video -c:a mp2 {}", camera.url(), out.display());
    assert_eq!(until(&engine, &line, |job| connections(job) >= 4).0, Some(0));
    let times = pictures(&engine, &out);
    assert!(times.len() >= 70 && times.windows(2).all(|pair| pair[1] > pair[0]), "{times:?}");
    is_quiet(&engine);
}

#[test]
fn one_that_cannot_be_opened_is_an_error_after_its_attempts() {
    let engine = engine();
    let camera = Camera::new(Does::HangsUp);
    let line =
        format!("{PROBE} -mt_source 1 -mt_retry_ms 1 -mt_retry_attempts 3 -i {} -c copy -f null -", camera.url());
    let error = run(&engine, &words(&line)).unwrap_err();
    assert!(error.to_string().contains("tried 3 times") && error.input() == Some(0), "{error}");
    assert_eq!(camera.connections(), 3);
    is_quiet(&engine);
}

#[test]
fn a_silent_source_holds_up_no_other_in_the_beginning() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    // Given a camera that says nothing at first, and one that is well
    let silent = Camera::new(Does::Falls(Vec::new()));
    let well = Camera::new(Does::Falls(second(&engine, folder.path(), true, false)));
    let source = format!("{PROBE} -mt_source 1 -mt_retry_ms 5");
    let line = format!(
        "-mt_open_timeout_ms 1000 {source} -i {} {source} -i {} -map 0 -map 1 -c copy -mt_live 1 {}",
        silent.url(),
        well.url(),
        folder.path().join("out.ts").display()
    );
    let job = start(&engine, &words(&line)).unwrap();
    // then the other is opened while the first is waited for,
    let state = |input| job.source_status(input).unwrap().state.word();
    eventually("the second is live", || state(1) == "live");
    assert_eq!((job.source_status(0).unwrap().connections, job.stats().packets_written), (0, 0));
    // and all is well when it comes, at its next try.
    silent.now(Does::Falls(second(&engine, folder.path(), false, true)));
    eventually("media flows", || job.stats().packets_written > 10);
    assert_eq!(well.connections(), 1);
    job.stop().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
    is_quiet(&engine);
}

#[test]
fn a_source_that_comes_back_fits_what_another_gave_meanwhile() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let (picture, sound) = (second(&engine, folder.path(), true, false), second(&engine, folder.path(), false, true));
    // Given picture and sound of two cameras, of which that of the sound falls silent after a second of it
    let (video, audio) = (Camera::new(Does::Falls(picture)), Camera::new(Does::HangsUp));
    let source = format!("{PROBE} -mt_source 1 -mt_retry_ms 5 -mt_retry_most_ms 20");
    let line = |gap: &str| {
        format!(
            "{source} -i {} {source} -mt_read_timeout_ms 300 {gap} -i {} -map 0 -map 1 -c copy -mt_live 1 -y {}",
            video.url(),
            audio.url(),
            folder.path().join("out.mkv").display()
        )
    };
    for (gap, has_gap) in [("", true), ("-mt_gap keep", true), ("-mt_gap close", false)] {
        audio.now(Does::Falls(sound.clone()));
        let job = start(&engine, &words(&line(gap))).unwrap();
        let status = || job.source_status(1).unwrap();
        eventually("the sound was there", || status().connections > 0 && job.stats().packets_written > 0);
        audio.now(Does::HangsUp);
        eventually("it is gone", || status().state.word() != "live");
        // when it is away for two seconds
        let before = status().connections;
        std::thread::sleep(Duration::from_millis(2_000));
        audio.now(Does::Falls(sound.clone()));
        eventually("it is back", || status().connections > before);
        eventually("it has given something", || job.stats().packets_read >= 25 + 43 * 3 / 2);
        job.stop().unwrap();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
        job.close();
        // then its next second stands where the picture of that time would, and not behind its first one.
        let times = times(&engine, &folder.path().join("out.mkv"), "audio", "pts_time");
        let widest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(if has_gap { widest >= 1.0 } else { widest < 0.1 }, "{gap}: a gap of {widest} s in {times:?}");
    }
    is_quiet(&engine);
}

#[test]
fn what_fails_beside_a_silent_source_fails_at_once() {
    let engine = engine();
    let (silent, refusing) = (Camera::new(Does::Falls(Vec::new())), Camera::new(Does::HangsUp));
    let line = format!(
        "{PROBE} -mt_source 1 -mt_retry_ms 1 -i {} {PROBE} -mt_source 1 -mt_retry_ms 1 -mt_retry_attempts 2 -i {} -map 0 \
         -map 1 -c copy -f null -",
        silent.url(),
        refusing.url()
    );
    let error = run(&engine, &words(&line)).unwrap_err();
    assert!(error.to_string().contains("tried 2 times") && error.input() == Some(1), "{error}");
    is_quiet(&engine);
}

#[test]
fn that_it_broke_off_is_none_of_its_attempts() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Gives(second(&engine, folder.path(), true, true)));
    let options = "-mt_source 1 -mt_retry_ms 300 -mt_retry_most_ms 300 -mt_retry_attempts 2";
    let line = format!("{PROBE} {options} -i {} -c copy -f null -", camera.url());
    let job = start(&engine, &words(&line)).unwrap();
    eventually("it was live", || connections(&job) >= 1);
    let before = camera.connections();
    camera.now(Does::HangsUp);
    assert_ne!(job.wait(Some(LONG)).unwrap(), Some(0));
    assert!(job.error().unwrap().message().contains("tried 2 times"), "{:?}", job.error());
    // One that was live meanwhile had begun before it was told to hang up
    assert!(camera.connections() >= before + 2, "{before}, then {}", camera.connections());
    job.close();
    is_quiet(&engine);
}

#[test]
fn silence_ends_the_outputs_with_their_trailers() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Gives(second(&engine, folder.path(), true, true)));
    let out = folder.path().join("out.mp4");
    let options = "-mt_source 1 -mt_retry_ms 5 -mt_retry_most_ms 20 -mt_silence_ms 400";
    let line = format!("{PROBE} {options} -i {} -c copy {}", camera.url(), out.display());
    let job = start(&engine, &words(&line)).unwrap();
    eventually("it was live", || connections(&job) >= 1);
    camera.now(Does::HangsUp);
    let result = job.wait(Some(LONG)).unwrap();
    assert_eq!(result, Some(Code::ETIMEDOUT.to_c()), "{:?}", job.error());
    assert!(job.error().unwrap().message().contains("mt_silence_ms"));
    assert_eq!(job.source_status(0).unwrap().state.word(), "ended");
    job.close();
    assert!(pictures(&engine, &out).len() >= 25, "the file is whole");
    is_quiet(&engine);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let engine = engine();
    for (options, word) in
        [("-mt_gap wide", "close or keep"), ("-mt_breaker x=1", "handshakes="), ("-mt_alternate mt:a", "opened once")]
    {
        let error = run(&engine, &words(&format!("-mt_source 1 {options} -i nothing.ts -f null -"))).unwrap_err();
        assert!(error.code() == Code::OPTION && error.to_string().contains(word), "{error}");
    }
    let error = run(&engine, &words("-mt_alternate other.ts -i nothing.ts -f null -")).unwrap_err();
    assert!(error.code() == Code::OPTION && error.to_string().contains("mt_source"), "{error}");
    is_quiet(&engine);
}
