//! Outputs that join a job which is looked at whether it hangs: who waits for somebody outside does not, and neither does who waits for that one.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::job::{Job, Side};
use std::time::Duration;

const HANG_MS: u64 = 400;

#[test]
fn a_job_that_waits_for_a_slow_output_does_not_hang() {
    let engine = engine();
    // Given an output with a queue of its own that is waited for, and whose reader rests for longer than the timeout
    let job = Job::new(&engine).unwrap();
    let slow = pipe(&engine, 4096);
    job.bind_pipe("slow", &slow, Side::Write).unwrap();
    let line = "-f lavfi -i testsrc2=s=64x48:r=25:d=8 -c:v mpeg2video -f null - \
                -mt_from 0 -c copy -mt_slow wait -mt_queue_bytes 4096 -f mpegts mt:slow";
    job.set_args(&words(&format!("-mt_hang_timeout_ms {HANG_MS} {line}"))).unwrap();
    job.start().unwrap();
    let output = 1;
    eventually("its queue is full", || job.output_status(output).unwrap().stats.feed.bytes_queued > 0);
    std::thread::sleep(Duration::from_millis(4 * HANG_MS));
    // then a dump names it and what waits for it, and the job is well
    let told = engine.dump();
    assert!(told.contains("output 1 joined: running, "), "{told}");
    assert!(told.contains("waits for room in the full pipe mt:slow"), "{told}");
    assert!(!job.state().is_final(), "{:?}", job.error());
    let (bytes, end) = drain(&slow);
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())));
    assert!(bytes.len() > 4096);
    job.close();
    slow.free();
    is_quiet(&engine);
}
