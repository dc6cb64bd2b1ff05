//! Jobs that read sources.

use super::live::times;
use super::memory::*;
use super::*;
use mt_transcode::job::{Engine, EventKind, Job};
use std::path::Path;
use std::time::Duration;

/// A second of MPEG-TS: 25 pictures, and sound where `sound` says so.
pub fn second(engine: &Arc<Engine>, folder: &Path, picture: bool, sound: bool) -> Vec<u8> {
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

pub const PROBE: &str = "-f mpegts -analyzeduration 200000 -fpsprobesize 2";

/// Runs until `is_enough`, then stops in good order. Returns the result, and every state that the first source was in.
pub fn until(
    engine: &Arc<Engine>,
    line: &str,
    is_enough: impl Fn(&Arc<Job>) -> bool,
) -> (Option<i32>, Vec<&'static str>) {
    let job = start(engine, &words(line)).unwrap();
    eventually("enough has happened", || job.state().is_final() || is_enough(&job));
    job.stop().unwrap();
    let result = job.wait(Some(LONG)).unwrap();
    let states = states(&job);
    job.close();
    (result, states)
}

/// The states that were told, each of which may follow the one before.
pub fn states(job: &Arc<Job>) -> Vec<&'static str> {
    let mut states = Vec::new();
    while let Ok(Some(event)) = job.next_event(Some(Duration::ZERO)) {
        if let EventKind::Source { input: 0, status } = event.kind {
            states.push(status.state.word());
        }
    }
    states
}

/// Times of the pictures of a file, in seconds.
pub fn pictures(engine: &Arc<Engine>, path: &Path) -> Vec<f64> {
    times(engine, path, "video", "dts_time")
}

pub fn connections(job: &Arc<Job>) -> u64 {
    job.source_status(0).unwrap().connections
}
