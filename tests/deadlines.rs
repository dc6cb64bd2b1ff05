//! Deadlines of inputs and outputs (-mt_..._timeout_ms): whatever a peer does, the job ends in time and says which time was over.

mod common;

use common::memory::{drain, finish, is_quiet, pipe, read};
use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::{Job, Side};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A peer on a port of its own that talks to one caller.
fn server(talk: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || talk(listener.accept().unwrap().0)))
}

/// Says nothing until the caller is gone.
fn silent(mut caller: TcpStream) {
    let _ = caller.read_to_end(&mut Vec::new());
}

/// Sends some bytes, then one at a time as long as the caller stays.
fn drip(caller: TcpStream, first: &[u8], rest: &[u8]) {
    send_slowly(caller, first, rest.chunks(1));
}

fn send_slowly<'a>(mut caller: TcpStream, first: &[u8], rest: impl Iterator<Item = &'a [u8]>) {
    let _ = caller.write_all(first);
    for piece in rest {
        std::thread::sleep(Duration::from_millis(20));
        if caller.write_all(piece).is_err() {
            return;
        }
    }
}

/// Finds the streams in less than what comes at once.
const SHORT: &str = "-f mpegts -analyzeduration 500000";

fn is_late(error: &Error, option: &str, stage: &str) {
    assert_eq!((error.code(), error.stage()), (Code::ETIMEDOUT, stage), "{error:?}");
    assert!(error.message().contains(&format!("(-{option})")), "{error}");
    assert!(error.hint().contains(option), "{}", error.hint());
}

fn ts(folder: &Path) -> Vec<u8> {
    let engine = engine();
    run_in(
        &engine,
        folder,
        "-f lavfi -i testsrc2=s=320x240:d=3 -f lavfi -i sine=d=3 -c:v mpeg2video -g 12 -b:v 1M -c:a mp2 {}/in.ts",
    )
    .unwrap();
    read(&folder.join("in.ts"))
}

#[test]
fn a_peer_that_says_nothing_is_given_up_while_it_is_opened() {
    let engine = engine();
    for protocol in ["tcp", "http", "rtmp", "rtsp", "tls"] {
        let (port, peer) = server(silent);
        let line = format!("-mt_open_timeout_ms 300 -i {protocol}://127.0.0.1:{port}/live/streamkey -c copy -f null -");
        let error = run(&engine, &words(&line)).unwrap_err();
        is_late(&error, "mt_open_timeout_ms", "open input");
        assert_eq!(error.input(), Some(0));
        assert!(!error.message().contains("streamkey") || protocol != "rtmp", "{error}");
        peer.join().unwrap();
    }
    is_quiet(&engine);
}

#[test]
fn single_bytes_do_not_make_a_packet_and_what_was_read_is_a_file() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = ts(folder.path());
    let (port, peer) = server(move |caller| {
        let (first, rest) = bytes.split_at(bytes.len() * 3 / 4);
        drip(caller, first, rest);
    });
    let line = format!("-mt_read_timeout_ms 700 {SHORT} -i tcp://127.0.0.1:{port} -c copy {{}}/out.mkv");
    let error = run_in(&engine, folder.path(), &line).unwrap_err();
    is_late(&error, "mt_read_timeout_ms", "demux");
    peer.join().unwrap();
    assert_eq!(probe(&engine, &folder.path().join("out.mkv"))["streams"].as_array().map(Vec::len), Some(2));
    is_quiet(&engine);
}

#[test]
fn single_bytes_do_not_keep_an_opening_going() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = ts(folder.path());
    let (port, peer) = server(move |caller| drip(caller, &[], &bytes));
    let line = format!("-mt_open_timeout_ms 500 -f mpegts -i tcp://127.0.0.1:{port} -c copy -f null -");
    is_late(&run(&engine, &words(&line)).unwrap_err(), "mt_open_timeout_ms", "open input");
    peer.join().unwrap();
}

#[test]
fn a_listening_peer_waits_no_longer_than_it_should() {
    let engine = engine();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for input in [format!("udp://127.0.0.1:{}", free()), format!("tcp://127.0.0.1:{}?listen", free())] {
        let line = format!("-mt_wait_timeout_ms 300 -f mpegts -i {input} -c copy -f null -");
        is_late(&run(&engine, &words(&line)).unwrap_err(), "mt_wait_timeout_ms", "open input");
    }
    let output = format!("-mt_wait_timeout_ms 300 -f mpegts tcp://127.0.0.1:{}?listen", free());
    let error = run(&engine, &words(&format!("-f lavfi -i testsrc2=s=64x48:d=1 {output}"))).unwrap_err();
    is_late(&error, "mt_wait_timeout_ms", "open output");
    assert_eq!(error.output(), Some(0));
    is_quiet(&engine);
}

/// A job with mt:in or mt:out bound to a pipe.
fn with_pipe(
    engine: &Arc<mt_transcode::job::Engine>,
    line: &str,
    side: Side,
) -> (Arc<Job>, Arc<mt_transcode::job::HostPipe>) {
    let (job, stream) = (Job::new(engine).unwrap(), pipe(engine, 65_536));
    job.bind_pipe(if side == Side::Read { "in" } else { "out" }, &stream, side).unwrap();
    job.set_args(&words(line)).unwrap();
    (job, stream)
}

#[test]
fn a_host_that_writes_nothing_counts_as_a_peer() {
    let engine = engine();
    let (job, input) =
        with_pipe(&engine, "-mt_read_timeout_ms 200 -mt_open_timeout_ms 200 -f mpegts -i mt:in -f null -", Side::Read);
    job.start().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ETIMEDOUT.to_c()));
    is_late(&job.error().unwrap(), "mt_open_timeout_ms", "open input");
    finish(&job, &[&input]);
    is_quiet(&engine);
}

#[test]
fn an_output_that_nobody_reads_ends_alone() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for codec in ["mpeg2video", "copy"] {
        run_in(&engine, folder.path(), "-f lavfi -i testsrc2=s=640x480:d=2 -c:v mpeg2video -b:v 4M {}/in.mkv").unwrap();
        let line = format!(
            "-i {0}/in.mkv -c:v {codec} {0}/{codec}.mkv -c:v {codec} -mt_write_timeout_ms 300 -f mpegts mt:out",
            folder.path().display()
        );
        let (job, output) = with_pipe(&engine, &line, Side::Write);
        job.start().unwrap();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ETIMEDOUT.to_c()), "{:?}", job.error());
        let error = job.error().unwrap();
        is_late(&error, "mt_write_timeout_ms", "mux");
        assert_eq!(error.output(), Some(1));
        let _ = drain(&output);
        finish(&job, &[&output]);
        let whole = folder.path().join(format!("{codec}.mkv"));
        let duration = probe(&engine, &whole)["format"]["duration"].as_str().unwrap().parse::<f64>().unwrap();
        assert!((1.9..2.1).contains(&duration), "the other one is whole: {duration}");
    }
    is_quiet(&engine);
}

#[test]
fn a_fifo_without_a_writer_is_left_behind_and_counted() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = format!("-mt_open_timeout_ms 200 -i {} -f null -", fifo.display());
    let job = start(&engine, &words(&line)).unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ETIMEDOUT.to_c()), "{:?}", job.error());
    is_late(&job.error().unwrap(), "mt_open_timeout_ms", "open input");
    if !is_isolated() {
        assert_eq!(engine.stats().detached, 1, "what nobody can interrupt is counted");
    }
    // A writer comes and goes: the call ends.
    std::thread::spawn(move || drop(std::fs::OpenOptions::new().write(true).open(fifo)));
    job.close();
    is_quiet(&engine);
}

#[test]
fn an_input_one_of_whose_streams_dries_up_is_idle() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let line = "-f lavfi -i testsrc2=s=64x48:d=60 -f lavfi -i sine=d=1 -c:v mpeg4 -c:a mp2 -f matroska {}/in.mkv";
    run_in(&engine, folder.path(), line).unwrap();
    let bytes = read(&folder.path().join("in.mkv"));
    let (port, peer) = server(move |caller| send_slowly(caller, &[], bytes.chunks(600)));
    let line = format!(
        "-mt_idle_timeout_ms 400 -mt_read_timeout_ms 60000 -i tcp://127.0.0.1:{port} -map 0 -c copy {{}}/out.mkv"
    );
    is_late(&run_in(&engine, folder.path(), &line).unwrap_err(), "mt_idle_timeout_ms", "demux");
    peer.join().unwrap();
    is_quiet(&engine);
}

#[test]
fn an_output_for_which_nothing_comes_is_idle_and_a_file_all_the_same() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = ts(folder.path());
    let line = format!("{SHORT} -i mt:in -c copy -mt_idle_timeout_ms 2000 {}/out.mkv", folder.path().display());
    let (job, input) = with_pipe(&engine, &line, Side::Read);
    job.start().unwrap();
    input.pipe.write(&bytes, common::memory::WAIT).unwrap();
    let out = folder.path().join("out.mkv");
    // It was the only one: the job need not wait for its input to go on.
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ETIMEDOUT.to_c()), "{:?}", job.error());
    is_late(&job.error().unwrap(), "mt_idle_timeout_ms", "mux");
    finish(&job, &[&input]);
    assert_eq!(probe(&engine, &out)["streams"].as_array().map(Vec::len), Some(2));
    is_quiet(&engine);
}

#[test]
fn an_output_that_takes_long_to_open_is_idle_in_time_too() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = ts(folder.path());
    // Given an output whose opening, which takes as long as a reader does to come, takes longer than it may be idle,
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = format!("{SHORT} -i mt:in -c copy -mt_idle_timeout_ms 1000 -f mpegts -y {}", fifo.display());
    let (job, input) = with_pipe(&engine, &line, Side::Read);
    job.start().unwrap();
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1500));
        read(&fifo)
    });
    input.pipe.write(&bytes, common::memory::WAIT).unwrap();
    // when nothing more comes for it, then it is idle.
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ETIMEDOUT.to_c()), "{:?}", job.error());
    is_late(&job.error().unwrap(), "mt_idle_timeout_ms", "mux");
    finish(&job, &[&input]);
    assert!(!reader.join().unwrap().is_empty(), "opening was not idle time");
    is_quiet(&engine);
}

/// Its time is over while it writes, as it does nothing else.
#[test]
fn a_busy_file_whose_time_is_over_is_whole() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for _ in 0..3 {
        let line = "-f lavfi -i color=s=160x120 -c:v rawvideo -mt_total_timeout_ms 1000 {}/cut.mkv";
        is_late(&run_in(&engine, folder.path(), line).unwrap_err(), "mt_total_timeout_ms", "mux");
        let shown = probe(&engine, &folder.path().join("cut.mkv"));
        assert!(shown["format"]["duration"].is_string(), "it has its end: {shown}");
    }
    is_quiet(&engine);
}

#[test]
fn the_whole_time_of_an_input_and_of_an_output() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let endless = "-f lavfi -i testsrc2=s=64x48";
    let line = format!("-re -mt_total_timeout_ms 4000 {endless} -c:v mpeg4 {{}}/input.mkv");
    is_late(&run_in(&engine, folder.path(), &line).unwrap_err(), "mt_total_timeout_ms", "demux");
    let line =
        format!("-re {endless} -t 14 -c:v mpeg4 {{}}/whole.mkv -mt_total_timeout_ms 8000 -c:v mpeg4 {{}}/cut.mkv");
    let error = run_in(&engine, folder.path(), &line).unwrap_err();
    is_late(&error, "mt_total_timeout_ms", "mux");
    assert_eq!(error.output(), Some(1));
    for file in ["input.mkv", "whole.mkv", "cut.mkv"] {
        assert!(probe(&engine, &folder.path().join(file))["format"]["duration"].is_string(), "{file} has its end");
    }
    is_quiet(&engine);
}
