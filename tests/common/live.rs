//! Jobs that others join: a stream through a pipe into a job, and viewers.
#![allow(dead_code)] // each test file uses its own part

use super::memory::*;
use super::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, HostPipe, Job, Side};
use std::path::{Path, PathBuf};

/// Four seconds of MPEG-TS with a key frame each second, as a camera would give it.
pub fn stream(engine: &Arc<Engine>, folder: &Path) -> Vec<u8> {
    let line = "-f lavfi -i testsrc2=s=320x240:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 \
                -c:a aac -f mpegts {}/stream.ts";
    run_in(engine, folder, line).expect("the stream");
    read(&folder.join("stream.ts"))
}

/// A job that reads the pipe "in", with `line` behind it.
pub fn hub(engine: &Arc<Engine>, line: &str) -> (Arc<Job>, Arc<HostPipe>) {
    hub_with(engine, "", line)
}

/// One that keeps the last group of pictures, of its input and of its output.
pub fn keeping_hub(engine: &Arc<Engine>) -> (Arc<Job>, Arc<HostPipe>) {
    hub_with(engine, "-mt_gop_bytes 4M", "-map 0 -c copy -mt_gop_bytes 4M -f null -")
}

fn hub_with(engine: &Arc<Engine>, options: &str, line: &str) -> (Arc<Job>, Arc<HostPipe>) {
    let input = pipe(engine, 4 << 20);
    let job = Job::new(engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    let probe = "-f mpegts -analyzeduration 200000 -fpsprobesize 2";
    job.set_args(&words(&format!("{options} {probe} -i mt:in {line}"))).unwrap();
    job.start().unwrap();
    (job, input)
}

/// Gives the job bytes, and waits until it has passed on what it can make of them.
pub fn give(job: &Arc<Job>, input: &Arc<HostPipe>, bytes: &[u8], packets: u64) {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[input.pipe.write(rest, WAIT).expect("the job reads")..];
    }
    eventually("the packets have passed", || job.stats().packets_read >= packets);
}

/// Adds an output to a running job.
pub fn join(job: &Arc<Job>, url: &str, options: &[(&str, &str)]) -> usize {
    let output = job.add_file(Direction::Output, url).expect("the job takes outputs");
    for (key, value) in options {
        job.set_file_option(Direction::Output, output, key, Some(value)).expect("an option of outputs");
    }
    job.commit_file(Direction::Output, output).expect("it joins");
    output
}

/// A viewer who reads all that comes.
pub fn viewer(engine: &Arc<Engine>, job: &Arc<Job>, name: &str, options: &[(&str, &str)]) -> (usize, Viewer) {
    let out = pipe(engine, 4 << 20);
    job.bind_pipe(name, &out, Side::Write).unwrap();
    let output = join(job, &format!("mt:{name}"), options);
    let reader = std::thread::spawn({
        let out = Arc::clone(&out);
        move || {
            let drained = drain(&out);
            out.free();
            drained
        }
    });
    (output, reader)
}

pub type Viewer = std::thread::JoinHandle<(Vec<u8>, Result<(), Code>)>;

/// Of each packet: its stream, whether it is a key frame, its time in seconds.
pub fn packets(engine: &Arc<Engine>, folder: &Path, bytes: &[u8], name: &str) -> Vec<(u64, bool, f64)> {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let shown = probe_packets(engine, &path);
    let of = |packet: &serde_json::Value| {
        let is_key = packet["flags"].as_str().is_some_and(|flags| flags.contains('K'));
        let time = packet["dts_time"].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
        (packet["stream_index"].as_u64().unwrap_or(99), is_key, time)
    };
    shown.iter().map(of).collect()
}

pub fn probe_packets(engine: &Arc<Engine>, path: &Path) -> Vec<serde_json::Value> {
    let spec = vec![("mt_show".to_owned(), "packets".to_owned())];
    let text = engine.probe(&path.display().to_string(), &spec, Some(LONG)).expect("a media file");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["packets"].as_array().cloned().unwrap_or_default()
}

/// Times of the packets of a kind ("video"), in seconds; `which`: "pts_time" or "dts_time".
pub fn times(engine: &Arc<Engine>, path: &Path, kind: &str, which: &str) -> Vec<f64> {
    let packets = probe_packets(engine, path);
    let is_it = |packet: &&serde_json::Value| packet["codec_type"] == kind;
    packets.iter().filter(is_it).filter_map(|packet| packet[which].as_str()?.parse().ok()).collect()
}
