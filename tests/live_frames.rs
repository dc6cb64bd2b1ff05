//! `-frames` and `-shortest` of an output that joins a running job: they count from where it begins, its file is what ffmpeg makes of a stream that begins there, and
//! the job goes on.

mod common;

use common::live::*;
use common::memory::*;
use common::*;
use mt_transcode::job::{Engine, HostPipe, Job, State};
use std::path::Path;
use std::sync::Arc;

const RUNNING: u32 = 2;
const FINISHED: u32 = 4;

/// How many pictures, and how many milliseconds after the last of them the sound ends.
fn extent(engine: &Arc<Engine>, folder: &Path, bytes: &[u8]) -> (usize, i64) {
    let own = packets(engine, folder, bytes, "extent.ts");
    let times = |stream: u64| own.iter().filter(move |packet| packet.0 == stream).map(|packet| packet.2);
    let last = |stream: u64| times(stream).fold(f64::NEG_INFINITY, f64::max);
    (times(0).count(), (1000.0 * (last(1) - last(0))).round() as i64)
}

/// Has one join in the middle of the stream, and waits until its file is whole.
fn joined(options: &[(&str, &str)]) -> (usize, i64) {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    // Given a job that has read more than the half, and keeps the last group of pictures
    let (job, input) = keeping_hub(&engine);
    give(&job, &input, &bytes[..bytes.len() * 5 / 8], 150);
    // when one joins, and the rest comes, but not its end
    let options = [&[("f", "mpegts"), ("mt_slow", "wait")], options].concat();
    let (output, reader) = viewer(&engine, &job, "a", &options);
    eventually("it has joined", || job.output_status(output).unwrap().state.to_c() >= RUNNING);
    give(&job, &input, &bytes[bytes.len() * 5 / 8..], 0);
    // then it ends by itself, in good order
    eventually("it is whole", || job.output_status(output).unwrap().state.to_c() >= FINISHED);
    let status = job.output_status(output).unwrap();
    assert_eq!((status.state.to_c(), status.code), (FINISHED, 0), "{:?}", job.output_error(output));
    let (own, end) = reader.join().unwrap();
    assert_eq!(end, Ok(()));
    // and nobody else does
    assert_eq!(job.state(), State::Running);
    end_of(&job, &input);
    input.free();
    let extent = extent(&engine, folder.path(), &own);
    is_quiet(&engine);
    extent
}

fn end_of(job: &Arc<Job>, input: &HostPipe) {
    input.pipe.close_write(0).unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
}

/// What a job of its own makes of the stream from its beginning, which is like any of its seconds.
fn from_the_beginning(options: &str) -> (usize, i64) {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    stream(&engine, folder.path());
    run_in(&engine, folder.path(), &format!("-i {{}}/stream.ts {options} -f mpegts {{}}/own.ts")).unwrap();
    let bytes = read(&folder.path().join("own.ts"));
    extent(&engine, folder.path(), &bytes)
}

/// Exactly as many pictures, and sound that ends with them, within two of its packets: it does not begin at the same place in them.
fn is_alike(late: (usize, i64), whole: (usize, i64), what: &str) {
    assert_eq!(late.0, whole.0, "{what}: pictures");
    assert!(
        (late.1 - whole.1).abs() <= 2 * 24,
        "{what}: sound ends {} ms later, and from the beginning {} ms",
        late.1,
        whole.1
    );
}

#[test]
fn frames_count_from_where_it_begins_and_shortest_ends_the_sound_with_them() {
    let late = joined(&[("mt_from", "0"), ("c", "copy"), ("frames:v", "25"), ("shortest", "1")]);
    is_alike(late, from_the_beginning("-c copy -frames:v 25 -shortest"), "copied");
    let late = joined(&[("c:v", "mpeg2video"), ("c:a", "mp2"), ("frames:v", "25"), ("shortest", "1")]);
    is_alike(late, from_the_beginning("-c:v mpeg2video -c:a mp2 -frames:v 25 -shortest"), "encoded");
}

#[test]
fn the_time_that_it_is_given_counts_from_where_it_begins() {
    let late = joined(&[("mt_from", "0"), ("c", "copy"), ("t", "1")]);
    is_alike(late, from_the_beginning("-c copy -t 1"), "copied");
}
