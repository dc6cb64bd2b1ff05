//! When sources are opened, and in whose place: alternates, sources on demand, circuits, until they are removed; and openings that cannot be interrupted.

mod common;

use common::camera::*;
use common::memory::*;
use common::sources::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, Job, Side};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
