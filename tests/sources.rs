//! Sources: inputs that come and go, and outputs that do not notice.

mod common;

use common::camera::*;
use common::live::times;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, EventKind, Job, Side};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A second of MPEG-TS: 25 pictures, and sound where `sound` says so.
fn second(engine: &Arc<Engine>, folder: &Path, picture: bool, sound: bool) -> Vec<u8> {
    let video = if picture {
        "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1"
    } else {
        ""
    };
    let line = match (picture, sound) {
        (true, true) => format!("-f lavfi -i sine=d=1 {video} -c:a aac -f mpegts {{}}/second.ts"),
        (true, false) => format!("{video} -f mpegts {{}}/second.ts"),
        _ => "-f lavfi -i sine=d=1 -c:a aac -f mpegts {}/second.ts".to_owned(),
    };
    run_in(engine, folder, &line).expect("a second");
    read(&folder.join("second.ts"))
}

const PROBE: &str = "-f mpegts -analyzeduration 200000 -fpsprobesize 2";

/// Runs until `is_enough`, then stops in good order. Returns the result, and every state that the first source was in.
fn until(engine: &Arc<Engine>, line: &str, is_enough: impl Fn(&Arc<Job>) -> bool) -> (Option<i32>, Vec<&'static str>) {
    let job = start(engine, &words(line)).unwrap();
    eventually("enough has happened", || job.state().is_final() || is_enough(&job));
    job.stop().unwrap();
    let result = job.wait(Some(LONG)).unwrap();
    let states = states(&job);
    job.close();
    (result, states)
}

/// The states that were told, each of which may follow the one before.
fn states(job: &Arc<Job>) -> Vec<&'static str> {
    let mut states = Vec::new();
    while let Ok(Some(event)) = job.next_event(Some(Duration::ZERO)) {
        if let EventKind::Source { input: 0, status } = event.kind {
            states.push(status.state.word());
        }
    }
    states
}

/// Times of the pictures of a file, in seconds.
fn pictures(engine: &Arc<Engine>, path: &Path) -> Vec<f64> {
    times(engine, path, "video", "dts_time")
}

fn connections(job: &Arc<Job>) -> u64 {
    job.source_status(0).unwrap().connections
}

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

/// A FIFO that nobody writes to: open(2) of it cannot be interrupted.
fn fifo(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// How many calls were left behind, that the host is told of: those of a worker end with it.
fn is_left_behind(engine: &Arc<Engine>, count: u64) -> bool {
    engine.stats().detached == if is_isolated() { 0 } else { count }
}

#[test]
fn a_source_whose_opening_cannot_be_interrupted_is_left_behind_and_its_alternate_is_read() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Falls(second(&engine, folder.path(), true, true)));
    let stuck = fifo(folder.path());
    let options = format!("-mt_source 1 -mt_open_timeout_ms 200 -mt_return_ms 600000 -mt_alternate {}", camera.url());
    let line = format!("{PROBE} {options} -i {} -c copy -f null -", stuck.display());
    let job = start(&engine, &words(&line)).unwrap();
    eventually("the alternate is read", || job.stats().packets_read > 20);
    let status = job.source_status(0).unwrap();
    assert_eq!((status.state.word(), status.url), ("live", camera.url()));
    assert!(is_left_behind(&engine, 1), "{:?}", engine.stats().detached);
    // When somebody writes, the call comes back, and is closed
    drop(std::fs::OpenOptions::new().write(true).open(&stuck).unwrap());
    eventually("it has come back", || engine.stats().detached == 0);
    assert_eq!(job.source_status(0).unwrap().state.word(), "live");
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.close();
    is_quiet(&engine);
}

#[test]
fn attempts_that_cannot_be_interrupted_are_spent_one_by_one() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let stuck = fifo(folder.path());
    let options = "-mt_source 1 -mt_open_timeout_ms 100 -mt_retry_ms 1 -mt_retry_attempts 2";
    let error = run(&engine, &words(&format!("{options} -i {} -c copy -f null -", stuck.display()))).unwrap_err();
    assert_eq!((error.code(), error.input()), (Code::ETIMEDOUT, Some(0)), "{error}");
    assert!(error.message().contains("tried 2 times") && error.message().contains("mt_open_timeout_ms"), "{error}");
    assert!(is_left_behind(&engine, 2), "{:?}", engine.stats().detached);
    // In a worker nobody is left who waits for it
    if !is_isolated() {
        drop(std::fs::OpenOptions::new().write(true).open(&stuck).unwrap());
    }
    is_quiet(&engine);
}

#[test]
fn an_alternate_is_read_until_the_first_is_back() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = second(&engine, folder.path(), true, true);
    let (first, other) = (Camera::new(Does::HangsUp), Camera::new(Does::Falls(bytes.clone())));
    let options = format!("-mt_source 1 -mt_retry_ms 5 -mt_return_ms 20 -mt_alternate {}", other.url());
    let line = format!("{PROBE} {options} -i {} -c copy -f null -", first.url());
    let job = start(&engine, &words(&line)).unwrap();
    let url = |job: &Arc<Job>| job.source_status(0).unwrap().url;
    let is_live = |job: &Arc<Job>| job.source_status(0).unwrap().state.word() == "live";
    eventually("the alternate is read", || is_live(&job) && url(&job) == other.url());
    // When the first is back, and the other gives something more, which is when it is looked at
    first.now(Does::Falls(bytes.clone()));
    other.now(Does::Falls(bytes));
    eventually("the first was opened aside", || first.connections() > 1);
    drop(other);
    eventually("the first is read", || is_live(&job) && url(&job) == first.url());
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.close();
    is_quiet(&engine);
}

#[test]
fn a_removed_source_never_comes_back_and_the_others_stay() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let (video, audio) = (
        Camera::new(Does::Falls(second(&engine, folder.path(), true, false))),
        Camera::new(Does::Falls(second(&engine, folder.path(), false, true))),
    );
    let source = "-mt_source 1 -mt_retry_ms 5";
    let out = folder.path().join("out.ts");
    let line = format!(
        "{PROBE} {source} -i {} {PROBE} {source} -i {} -map 0 -map 1 -c copy -mt_live 1 {}",
        video.url(),
        audio.url(),
        out.display()
    );
    let job = start(&engine, &words(&line)).unwrap();
    let state = |input| job.source_status(input).unwrap().state.word();
    eventually("both are live", || state(0) == "live" && state(1) == "live" && job.stats().packets_written > 10);
    // When the sound is removed, which hangs
    job.stop_input(1).unwrap();
    eventually("it has ended", || state(1) == "ended");
    let before = audio.connections();
    // and the picture breaks off and comes back
    video.now(Does::Gives(second(&engine, folder.path(), true, false)));
    drop(audio);
    assert_eq!(state(0), "live");
    let written = job.stats().packets_written;
    drop(video);
    // then only the picture is tried again
    eventually("the picture is tried again", || ["waiting", "connecting"].contains(&state(0)));
    assert_eq!((state(1), before), ("ended", 1));
    assert!(job.stats().packets_written >= written);
    job.stop_input(0).unwrap();
    eventually("the picture has ended", || state(0) == "ended");
    assert_eq!(job.source_status(0).unwrap().code, 0, "though its last try failed: it was asked for");
    assert_eq!(
        job.wait(Some(LONG)).unwrap(),
        Some(0),
        "the end of the last one is the job's, in good order: {:?}",
        job.error()
    );
    job.close();
    is_quiet(&engine);
}

#[test]
fn on_demand_it_is_opened_for_its_viewers_and_whole_each_time() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let camera = Camera::new(Does::Gives(second(&engine, folder.path(), true, true)));
    let options = "-mt_source 1 -mt_on_demand 1 -mt_linger_ms 1 -mt_retry_ms 1 -mt_retry_most_ms 2";
    let line = format!("{PROBE} {options} -i {} -map 0 -c copy -f null -", camera.url());
    let job = start(&engine, &words(&line)).unwrap();
    let state = || job.source_status(0).unwrap().state.word();
    eventually("nobody is there yet", || state() == "idle");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(camera.connections(), 0, "nobody wanted it");
    for round in 0..10 {
        let out = pipe(&engine, 1 << 20);
        let name = format!("v{round}");
        job.bind_pipe(&name, &out, Side::Write).unwrap();
        let output = job.add_file(Direction::Output, &format!("mt:{name}")).unwrap();
        for (key, value) in [("c", "copy"), ("f", "mpegts"), ("map", "0")] {
            job.set_file_option(Direction::Output, output, key, Some(value)).unwrap();
        }
        job.commit_file(Direction::Output, output).unwrap();
        eventually("it gets picture and sound", || job.output_status(output).unwrap().stats.packets_written > 100);
        job.stop_output(output, true).unwrap();
        let (bytes, end) = drain(&out);
        assert_eq!(end, Ok(()));
        std::fs::write(folder.path().join("own.ts"), &bytes).unwrap();
        let streams = probe(&engine, &folder.path().join("own.ts"))["streams"].as_array().unwrap().len();
        assert_eq!(streams, 2, "round {round}");
        out.free();
        eventually("it is closed after the last", || state() == "idle");
        job.forget_output(output);
    }
    job.stop().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
    is_quiet(&engine);
}

#[test]
fn failed_handshakes_open_the_circuit_for_every_job_of_the_engine() {
    let engine = engine();
    let camera = Camera::new(Does::HangsUp);
    let url = format!("tls://127.0.0.1:{}", camera.port);
    let breaker = "-mt_breaker handshakes=3:open_ms=600000";
    let line = format!("{PROBE} -mt_source 1 -mt_retry_ms 1 -mt_retry_most_ms 2 {breaker} -i {url} -c copy -f null -");
    let job = start(&engine, &words(&line)).unwrap();
    let is_blocked = |job: &Arc<Job>| job.source_status(0).unwrap().state.word() == "blocked";
    eventually("the circuit is open", || is_blocked(&job));
    assert_eq!(job.source_status(0).unwrap().failures, 3);
    // What is wrong with a handshake may be asked by a second connection.
    let before = camera.connections();
    assert!((3..=6).contains(&before), "{before}");
    // Another job of this engine does not try it either
    let second = start(&engine, &words(&line)).unwrap();
    eventually("the circuit is open there too", || is_blocked(&second));
    assert_eq!(camera.connections(), before);
    for job in [job, second] {
        job.cancel();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
        job.close();
    }
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
