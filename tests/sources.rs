//! Sources: inputs that come and go, and outputs that do not notice.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, EventKind, Job, Side};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a camera does with who connects.
#[derive(Clone)]
enum Does {
    /// Gives these bytes, and hangs up.
    Gives(Vec<u8>),
    /// Gives these bytes, and nothing more.
    Falls(Vec<u8>),
    HangsUp,
}

/// A server on loopback, whose peers are treated as it is told.
struct Camera {
    port: u16,
    does: Arc<Mutex<Does>>,
    connections: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Camera {
    fn new(does: Does) -> Camera {
        Camera::on(TcpListener::bind("127.0.0.1:0").unwrap(), does)
    }

    fn on(listener: TcpListener, does: Does) -> Camera {
        let camera = Camera {
            port: listener.local_addr().unwrap().port(),
            does: Arc::new(Mutex::new(does)),
            connections: Arc::default(),
            is_over: Arc::default(),
        };
        let (does, connections, is_over) =
            (Arc::clone(&camera.does), Arc::clone(&camera.connections), Arc::clone(&camera.is_over));
        std::thread::spawn(move || {
            for peer in listener.incoming().flatten() {
                if is_over.load(SeqCst) {
                    return;
                }
                connections.fetch_add(1, SeqCst);
                let (does, is_over) = (does.lock().unwrap().clone(), Arc::clone(&is_over));
                std::thread::spawn(move || serve(peer, does, &is_over));
            }
        });
        camera
    }

    fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }
}

fn serve(mut peer: TcpStream, does: Does, is_over: &AtomicBool) {
    match does {
        Does::Gives(bytes) => drop(peer.write_all(&bytes)),
        Does::Falls(bytes) => {
            let _ = peer.write_all(&bytes);
            while !is_over.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Does::HangsUp => {}
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.is_over.store(true, SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

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
    let spec = vec![("mt_show".to_owned(), "packets".to_owned())];
    let text = engine.probe(&path.display().to_string(), &spec, Some(LONG)).expect("a media file");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let packets = value["packets"].as_array().cloned().unwrap_or_default();
    let is_picture = |packet: &&serde_json::Value| packet["codec_type"] == "video";
    packets.iter().filter(is_picture).filter_map(|packet| packet["dts_time"].as_str()?.parse().ok()).collect()
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
