//! Outputs that join a running job and leave it, many times. A program of its own: other tests beside it would grow too.

mod common;

use common::live::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::Side;

#[test]
fn hundreds_that_come_and_go_leave_nothing() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let bytes = stream(&engine, folder.path());
    let (job, input) = hub(&engine, "-c copy -mt_gop_bytes 4M -f null -");
    give(&job, &input, &bytes[..bytes.len() / 2], 120);
    let descriptors = entries("/proc/self/fd");
    let turn = |round: usize| {
        let out = pipe(&engine, 1 << 20);
        let name = format!("v{round}");
        job.bind_pipe(&name, &out, Side::Write).unwrap();
        let output = join(&job, &format!("mt:{name}"), &[("c", "copy"), ("f", "flv"), ("mt_from", "0")]);
        let mut some = [0; 1000];
        assert!(out.pipe.read(&mut some, WAIT).unwrap() > 0);
        match round % 3 {
            0 => job.stop_output(output, true).unwrap(),
            1 => job.stop_output(output, false).unwrap(),
            _ => out.pipe.close_read().unwrap(),
        }
        if round % 3 == 2 {
            job.stop_output(output, false).unwrap();
        }
        let _ = drain(&out);
        eventually("it is final", || job.output_status(output).unwrap().state.to_c() >= 4);
        job.forget_output(output);
        eventually("nothing is kept of it", || job.output_status(output).is_err());
        out.free();
    };
    (0..100).for_each(turn);
    let before = allocated_kib();
    (100..400).for_each(turn);
    let grown = allocated_kib().saturating_sub(before);
    assert!(grown < 1024, "three hundred left {grown} KiB");
    assert!(entries("/proc/self/fd") <= descriptors + 2);
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.close();
    input.free();
    is_quiet(&engine);
}
