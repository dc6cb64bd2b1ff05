//! Media through memory: pipes, and streams that seek.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Job, Side, Wait};
use std::sync::Arc;

#[test]
fn a_clip_goes_through_pipes_as_it_goes_through_files() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -f mpegts {}/clip.ts").unwrap();
    for (line, capacity) in
        [("-i mt:in -c copy -f mpegts mt:out", 1 << 20), ("-i mt:in -c copy -f mpegts mt:out", 4096)]
    {
        let piped = through_pipes(&engine, line, read(&clip), capacity);
        assert_eq!((piped.result, piped.end), (0, Ok(())), "{:?}", piped.error);
        assert!(piped.bytes == read(&folder.path().join("clip.ts")), "{capacity}: the index of the MP4 is at its end");
    }
    is_quiet(&engine);
}

#[test]
fn memory_that_seeks_gives_the_same_file() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let formats = [
        "mp4",
        "mp4 -movflags +faststart",
        "matroska",
        "mpegts",
        "flv",
        "flv -flvflags add_keyframe_index",
        "avi",
        "mov",
    ];
    for format in formats {
        let line = format!("-i {{}}/clip.mp4 -c copy -bitexact -f {format} {{}}/file");
        run_in(&engine, folder.path(), &line).unwrap();
        let line = format!("-i mt:in -c copy -bitexact -f {format} mt:out");
        let bytes = through_memory(&engine, &line, read(&clip)).unwrap();
        assert!(bytes == read(&folder.path().join("file")), "{format}");
    }
    is_quiet(&engine);
}

#[test]
fn a_tee_writes_to_two_pipes() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let (a, b) = (pipe(&engine, 1 << 20), pipe(&engine, 1 << 20));
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("a", &a, Side::Write).unwrap();
    job.bind_pipe("b", &b, Side::Write).unwrap();
    let line = format!("-i {} -c copy -map 0 -f tee [f=mpegts]mt:a|[f=mpegts]mt:b", clip.display());
    job.set_args(&words(&line)).unwrap();
    job.start().unwrap();
    let first = std::thread::spawn({
        let a = Arc::clone(&a);
        move || drain(&a)
    });
    let second = drain(&b);
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    assert!(second.1.is_ok() && second.0.len() > 10_000);
    assert!(first.join().unwrap() == second);
    job.close();
    a.free();
    b.free();
    is_quiet(&engine);
}

#[test]
fn an_end_with_a_code_is_the_jobs_result_and_the_readers() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -f mpegts {}/clip.ts").unwrap();
    let data = read(&folder.path().join("clip.ts"));
    drop(clip);
    for code in [Code::EIO, Code::LIMIT, Code::from_c(-7)] {
        let (job, input, output) = piped(&engine, "-i mt:in -c copy -f mpegts mt:out", 1 << 20, 1 << 20);
        job.start().unwrap();
        input.pipe.write(&data[..data.len() / 2], WAIT).unwrap();
        input.pipe.close_write(code.to_c()).unwrap();
        let (bytes, end) = drain(&output);
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(code.to_c()));
        assert_eq!(end, Err(code), "what was read is there, and the end says that it is not all");
        assert!(bytes.len() > 1000);
        let error = job.error().unwrap();
        assert!(error.message().contains("mt:in"), "{error}");
        finish(&job, &[&input, &output]);
    }
    is_quiet(&engine);
}

#[test]
fn a_consumer_that_vanishes_ends_the_job() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    let output = pipe(&engine, 4096);
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words(&format!("-i {}/clip.mp4 -c copy -f mpegts mt:out", folder.path().display()))).unwrap();
    job.start().unwrap();
    assert!(output.pipe.read(&mut [0; 10], WAIT).unwrap() > 0);
    output.pipe.close_read().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::EPIPE.to_c()), "{:?}", job.error());
    job.close();
    output.free();
    is_quiet(&engine);
}

/// Given an input that is silent, when the only reader leaves, then the job ends all the same, copying or encoding.
#[test]
fn a_consumer_that_vanishes_ends_a_job_whose_input_is_silent() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -map 0:v {}/clip.mkv").unwrap();
    let data = read(&folder.path().join("clip.mkv"));
    for codec in ["copy", "mpeg2video"] {
        let (job, input, output) = piped(&engine, &format!("-i mt:in -c:v {codec} -f mpegts mt:out"), 1 << 20, 4096);
        job.start().unwrap();
        input.pipe.write(&data, WAIT).unwrap();
        eventually("output", || output.pipe.stats().written_bytes > 0);
        output.pipe.close_read().unwrap();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::EPIPE.to_c()), "{codec}: {:?}", job.error());
        finish(&job, &[&input, &output]);
    }
    is_quiet(&engine);
}

#[test]
fn a_cancel_frees_a_job_that_waits_for_the_host() {
    let engine = engine();
    for (capacity, line) in
        [(4096, "-f lavfi -i testsrc2=s=320x240 -c:v mpeg2video -f mpegts mt:p"), (4096, "-i mt:p -f null -")]
    {
        let is_input = line.contains("-i mt:p");
        let pipe = pipe(&engine, capacity);
        let job = Job::new(&engine).unwrap();
        job.bind_pipe("p", &pipe, if is_input { Side::Read } else { Side::Write }).unwrap();
        job.set_args(&words(line)).unwrap();
        job.start().unwrap();
        eventually("a job that waits", || {
            is_input && job.stats().state.to_c() >= 2 || pipe.pipe.stats().fill_bytes == 4096
        });
        job.cancel();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
        job.close();
        pipe.free();
    }
    assert_eq!(engine.stats().detached, 0);
    is_quiet(&engine);
}

#[test]
fn a_stop_ends_a_job_that_waits_for_input_in_good_order() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -map 0:v {}/clip.mkv").unwrap();
    let (job, input, output) = piped(&engine, "-i mt:in -c copy -f mpegts mt:out", 1 << 20, 1 << 20);
    job.start().unwrap();
    input.pipe.write(&read(&folder.path().join("clip.mkv")), WAIT).unwrap();
    eventually("output", || output.pipe.stats().written_bytes > 0);
    job.stop().unwrap();
    let (bytes, end) = drain(&output);
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())), "{:?}", job.error());
    assert!(bytes.len() > 5_000);
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}

#[test]
fn a_bind_that_does_not_fit_the_job_is_refused_at_the_start() {
    let engine = engine();
    let pipe = pipe(&engine, 4096);
    let attempt = |line: &str, name: &str, side: Side| {
        let job = Job::new(&engine).unwrap();
        job.set_args(&words(line)).unwrap();
        let bound = job.bind_pipe(name, &pipe, side);
        let result = bound.and_then(|()| job.start());
        job.close();
        result.map_err(|error| (error.code(), error.message().to_owned()))
    };
    let unused = attempt("-i x.ts -f null -", "in", Side::Read).unwrap_err();
    assert!(unused.0 == Code::OPTION && unused.1.contains("mt:in is bound"), "{unused:?}");
    let unbound = attempt("-i mt:other -f null -", "in", Side::Read).unwrap_err();
    assert!(unbound.0 == Code::OPTION && unbound.1.contains("mt:other"), "{unbound:?}");
    let wrong = attempt("-i mt:in -f null -", "in", Side::Write).unwrap_err();
    assert!(wrong.1.contains("bound for writing") && wrong.1.contains("for reading"), "{wrong:?}");
    let name = attempt("-i mt:in -f null -", "a b", Side::Read).unwrap_err();
    assert_eq!(name.0, Code::EINVAL, "{name:?}");
    // A job that never ran gives the side back: the pipe can be bound again, but only once at a time.
    let (one, two) = (Job::new(&engine).unwrap(), Job::new(&engine).unwrap());
    one.bind_pipe("in", &pipe, Side::Read).unwrap();
    assert_eq!(one.bind_pipe("in", &pipe, Side::Write).unwrap_err().code(), Code::EEXIST);
    assert_eq!(two.bind_pipe("in", &pipe, Side::Read).unwrap_err().code(), Code::EBUSY);
    assert_eq!(pipe.pipe.read(&mut [0; 1], Wait::Never).unwrap_err().code(), Code::EBUSY, "the side is the job's");
    [one, two].iter().for_each(Job::close);
    assert_eq!(pipe.pipe.read(&mut [0; 1], Wait::Never).unwrap_err().code(), Code::EAGAIN, "and the host's again");
    pipe.free();
    is_quiet(&engine);
}

#[test]
fn a_pipe_connects_two_jobs() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    let at = folder.path().display();
    let between = pipe(&engine, 8192);
    let (first, second) = (Job::new(&engine).unwrap(), Job::new(&engine).unwrap());
    first.bind_pipe("p", &between, Side::Write).unwrap();
    second.bind_pipe("p", &between, Side::Read).unwrap();
    first.set_args(&words(&format!("-i {at}/clip.mp4 -c copy -f mpegts mt:p"))).unwrap();
    second.set_args(&words(&format!("-i mt:p -c copy -f mpegts {at}/second.ts"))).unwrap();
    [&first, &second].iter().for_each(|job| job.start().unwrap());
    for job in [first, second] {
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
        job.close();
    }
    between.free();
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -f mpegts {}/one.ts").unwrap();
    run_in(&engine, folder.path(), "-i {}/one.ts -c copy -f mpegts {}/two.ts").unwrap();
    let (piped, filed) =
        (frame_md5(&engine, &folder.path().join("second.ts")), frame_md5(&engine, &folder.path().join("two.ts")));
    assert_eq!(piped, filed);
    is_quiet(&engine);
}

#[test]
fn a_slow_consumer_bounds_the_memory_and_loses_nothing() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -f mpegts {}/clip.ts").unwrap();
    let (job, input, output) = piped(&engine, "-i mt:in -c copy -f mpegts mt:out", 4096, 4096);
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -movflags +faststart {}/fast.mp4").unwrap();
    drop(clip);
    job.start().unwrap();
    let feeder = feed(&input, read(&folder.path().join("fast.mp4")));
    let (mut all, mut buffer) = (Vec::new(), [0; 997]);
    eventually("a full pipe", || output.pipe.stats().fill_bytes == 4096);
    assert!(engine.stats().queued_bytes <= 2 * 4096, "{}", engine.stats().queued_bytes);
    loop {
        match output.pipe.read(&mut buffer, WAIT).unwrap() {
            0 => break,
            count => all.extend_from_slice(&buffer[..count]),
        }
        assert!(output.pipe.stats().high_water_bytes <= 4096);
    }
    feeder.join().unwrap().unwrap();
    assert!(all == read(&folder.path().join("clip.ts")));
    assert!(output.pipe.stats().full_us > 0);
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}

#[test]
fn one_byte_at_a_time_is_enough() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -t 0.2 -c copy -f mpegts {}/short.ts").unwrap();
    let data = read(&folder.path().join("short.ts"));
    let (job, input, output) = piped(&engine, "-i mt:in -c copy -f mpegts mt:out", 4096, 1 << 20);
    job.start().unwrap();
    for byte in &data {
        assert_eq!(input.pipe.write(std::slice::from_ref(byte), WAIT).unwrap(), 1);
    }
    input.pipe.close_write(0).unwrap();
    let (bytes, end) = drain(&output);
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())), "{:?}", job.error());
    let whole = through_pipes(&engine, "-i mt:in -c copy -f mpegts mt:out", data, 1 << 20);
    assert!(bytes == whole.bytes);
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}
