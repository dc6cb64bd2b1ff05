//! -mt_gather_ms: a job takes what comes by a pipe of the host's once in a while, which costs much less than to wake up for each picture.

mod common;

use common::live::stream;
use common::memory::*;
use common::*;
use mt_transcode::job::{Engine, HostPipe, Job, Side, Wait};
use std::path::Path;
use std::sync::Arc;

const PIECE_BYTES: usize = 1000;
/// Than the minute.
const LESS: Wait = Wait::For(std::time::Duration::from_secs(30));

/// A job that copies the pipe "in" to a file.
fn copy(engine: &Arc<Engine>, folder: &Path, options: &str, name: &str) -> (Arc<Job>, Arc<HostPipe>) {
    let input = pipe(engine, 4 << 20);
    let job = Job::new(engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    let line = format!(
        "{options} -f mpegts -analyzeduration 200000 -fpsprobesize 2 -i mt:in -map 0 -c copy -f mpegts {}/{name}",
        folder.display()
    );
    job.set_args(&words(&line)).unwrap();
    job.start().unwrap();
    (job, input)
}

fn end(job: &Arc<Job>, input: &Arc<HostPipe>) {
    input.pipe.close_write(0).unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
    input.free();
}

#[test]
fn what_comes_is_read_once_in_a_while_and_nothing_is_lost() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (begin, rest) = bytes.split_at(bytes.len() / 2);
    // Given a job that has found its streams, and lets a minute's bytes gather
    let (job, input) = copy(&engine, folder.path(), "-mt_gather_ms 60000", "gathered.ts");
    input.pipe.write(begin, WAIT).unwrap();
    eventually("it found its streams", || job.stats().packets_read > 0);
    // when a stream goes on that is less in that time than half of the pipe
    let reads = input.pipe.stats().reads;
    for piece in rest.chunks(PIECE_BYTES) {
        assert_eq!(input.pipe.write(piece, WAIT).unwrap(), piece.len());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // then it is read until the job came to wait for more, but not a piece at a time; and its end brings all of it.
    let (reads, pieces) = (input.pipe.stats().reads - reads, rest.len() / PIECE_BYTES);
    assert!(pieces >= 100 && reads <= 10, "{reads} reads of {pieces} pieces");
    end(&job, &input);
    let (job, input) = copy(&engine, folder.path(), "", "plain.ts");
    assert_eq!(input.pipe.write(&bytes, WAIT).unwrap(), bytes.len());
    end(&job, &input);
    assert!(read(&folder.path().join("gathered.ts")) == read(&folder.path().join("plain.ts")));
    is_quiet(&engine);
}

#[test]
fn more_than_half_of_the_pipe_is_read_at_once() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    // Given a job that lets a minute's bytes gather, when many times what its pipe holds is written as fast as it goes
    let (job, input) = copy(&engine, folder.path(), "-mt_gather_ms 60000", "many.ts");
    for _ in 0..40 {
        let mut left = &bytes[..];
        while !left.is_empty() {
            left = &left[input.pipe.write(left, LESS).expect("the job reads")..];
        }
    }
    end(&job, &input);
    // then no write had to wait for the end of that minute.
    assert!(read(&folder.path().join("many.ts")).len() > 30 * bytes.len());
    is_quiet(&engine);
}

#[test]
fn a_stream_that_flows_is_not_late_because_it_gathers() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (begin, rest) = bytes.split_at(bytes.len() / 2);
    // Given an input that has six seconds for a packet, and would let a minute's bytes gather
    let (job, input) = copy(&engine, folder.path(), "-mt_gather_ms 60000 -mt_read_timeout_ms 6000", "timely.ts");
    input.pipe.write(begin, WAIT).unwrap();
    // when it goes on for longer than these six seconds
    for piece in rest.chunks(rest.len() / 75 + 1) {
        assert_eq!(input.pipe.write(piece, WAIT).unwrap(), piece.len());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // then it is read in time.
    end(&job, &input);
    is_quiet(&engine);
}

#[test]
fn a_cancel_and_a_stop_are_heard_while_bytes_gather() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    for is_stop in [true, false] {
        let (job, input) = copy(&engine, folder.path(), "-mt_gather_ms 60000", "ended.ts");
        input.pipe.write(&bytes, WAIT).unwrap();
        eventually("it runs", || job.stats().packets_read > 0);
        match is_stop {
            true => job.stop().unwrap(),
            false => job.cancel(),
        }
        let result = job.wait(Some(LONG)).unwrap();
        assert_eq!(result == Some(0), is_stop, "{result:?}");
        job.close();
        input.free();
    }
    is_quiet(&engine);
}
