//! What memory refuses and bounds: headers, formats, budgets, waits, endless input.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Engine, EngineConfig, HostPipe, Job, LogMode, PipeConfig, Side};
use std::time::Duration;

#[test]
fn an_mp4_whose_index_is_too_far_behind_is_refused_with_what_helps() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let piped = through_pipes(&engine, "-mt_seek_buffer 1000 -i mt:in -c copy -f mpegts mt:out", read(&clip), 1 << 20);
    let error = piped.error.unwrap();
    assert_eq!((error.code(), piped.end), (Code::LIMIT, Err(Code::LIMIT)));
    assert!(error.hint().contains("faststart") && error.hint().contains("mt_seek_buffer"), "{error}");
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -movflags +faststart {}/fast.mp4").unwrap();
    let fast = read(&folder.path().join("fast.mp4"));
    let piped = through_pipes(&engine, "-mt_seek_buffer 1000 -i mt:in -c copy -f mpegts mt:out", fast, 1 << 20);
    assert_eq!(piped.result, 0, "{:?}", piped.error);
    is_quiet(&engine);
}

#[test]
fn an_mp4_goes_to_a_stream_in_fragments_or_not_at_all() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let piped = through_pipes(&engine, "-i mt:in -c copy -f mp4 mt:out", read(&clip), 1 << 20);
    let error = piped.error.unwrap();
    assert_eq!(error.code(), Code::UNSUPPORTED);
    assert!(error.hint().contains("frag_keyframe+empty_moov"), "{error}");
    assert!(piped.bytes.is_empty());
    let line = "-i mt:in -c copy -f mp4 -movflags +frag_keyframe+empty_moov mt:out";
    let piped = through_pipes(&engine, line, read(&clip), 1 << 20);
    assert_eq!((piped.result, piped.end), (0, Ok(())), "{:?}", piped.error);
    is_quiet(&engine);
}

#[test]
fn a_header_check_loses_nothing() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -c copy -f mpegts {}/clip.ts").unwrap();
    run_in(&engine, folder.path(), "-i {}/clip.ts -c copy -f matroska -bitexact {}/direct.mkv").unwrap();
    let (input, output) = (pipe(&engine, 64 << 10), pipe(&engine, 1 << 20));
    let feeder = feed(&input, read(&folder.path().join("clip.ts")));
    for _ in 0..2 {
        let json = input.probe(&[], 0, Some(LONG)).unwrap();
        assert!(json.contains("\"format_name\":\"mpegts\"") && json.contains("h264") && json.contains("aac"), "{json}");
    }
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words("-i mt:in -c copy -f mpegts mt:out")).unwrap();
    job.start().unwrap();
    let (bytes, end) = drain(&output);
    feeder.join().unwrap().unwrap();
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())));
    let again =
        through_pipes(&engine, "-i mt:in -c copy -f mpegts mt:out", read(&folder.path().join("clip.ts")), 1 << 20);
    assert!(bytes == again.bytes);
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}

#[test]
fn a_header_check_refuses_what_is_no_media_and_what_is_too_short() {
    let engine = engine();
    for (data, expected) in
        [(vec![0x41; 200_000], Code::DEMUX), (b"abc".to_vec(), Code::DEMUX), (Vec::new(), Code::DEMUX)]
    {
        let input = pipe(&engine, 1 << 20);
        input.pipe.write(&data, WAIT).unwrap();
        input.pipe.close_write(0).unwrap();
        let error = input.probe(&[], 0, Some(LONG)).unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
        assert!(drain(&input).0 == data, "nothing is lost");
        input.free();
    }
    let input = pipe(&engine, 1 << 20);
    input.pipe.write(&[0; 4096], WAIT).unwrap();
    let error = input.probe(&[], 4096, Some(LONG)).unwrap_err();
    assert_eq!(error.code(), Code::LIMIT, "the writer is not waited for: {error}");
    input.free();
    let input = pipe(&engine, 1 << 20);
    let error = input.probe(&[], 0, Some(Duration::from_millis(50))).unwrap_err();
    assert_eq!(error.code(), Code::ETIMEDOUT, "nobody writes");
    input.free();
    is_quiet(&engine);
}

#[test]
fn formats_that_open_other_files_are_refused_from_memory() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let list = format!("ffconcat version 1.0\nfile '{}'\n", clip.display()).into_bytes();
    let error = through_pipes(&engine, "-i mt:in -c copy -f mpegts mt:out", list.clone(), 1 << 20).error.unwrap();
    assert!(error.code() == Code::UNSUPPORTED && error.message().contains("concat"), "{error}");
    let error =
        through_pipes(&engine, "-f concat -safe 0 -i mt:in -c copy -f mpegts mt:out", list, 1 << 20).error.unwrap();
    assert_eq!(error.code(), Code::UNSUPPORTED, "{error}");
    let playlist =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{}\n#EXT-X-ENDLIST\n", clip.display());
    let error = through_pipes(&engine, "-f hls -i mt:in -c copy -f mpegts mt:out", playlist.into_bytes(), 1 << 20)
        .error
        .unwrap();
    assert!(error.code() == Code::UNSUPPORTED && error.message().contains("hls"), "{error}");
    is_quiet(&engine);
}

#[test]
fn endless_nonsense_ends_in_bounded_memory() {
    let engine = engine();
    for (what, format) in [(0u8, None), (0, Some("mp3")), (1, None), (1, Some("mpegts"))] {
        let input = pipe(&engine, 64 << 10);
        let job = Job::new(&engine).unwrap();
        job.bind_pipe("in", &input, Side::Read).unwrap();
        let format = format.map_or(String::new(), |f| format!("-f {f} "));
        job.set_args(&words(&format!("{format}-i mt:in -c copy -f null -"))).unwrap();
        job.start().unwrap();
        let (mut seed, mut written, before) = (what as u64 * 88_172_645_463_325_252, 0, resident_kib());
        // 64 MiB stand for endless; the job may end earlier.
        while written < 64 << 20 {
            let data: Vec<u8> = (0..64 << 10)
                .map(|_| {
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    seed as u8
                })
                .collect();
            match input.pipe.write(&data, WAIT) {
                Ok(count) => written += count,
                Err(error) => {
                    assert_eq!(error.code(), Code::EPIPE);
                    break;
                }
            }
        }
        let _ = input.pipe.close_write(0);
        let result = job.wait(Some(LONG)).unwrap().expect("an end");
        assert!(result < 0, "{format}: nonsense succeeded");
        let grown = resident_kib().saturating_sub(before);
        assert!(grown < 96 << 10, "{format}: {grown} KiB more after {written} bytes");
        job.close();
        input.free();
    }
    is_quiet(&engine);
}

#[test]
fn a_budget_holds_jobs_back_and_refuses_what_never_fits() {
    let config = EngineConfig::new(8, None, false, LogMode::Take, 0).with_memory_budget_bytes(20 << 20);
    let engine = Engine::new(config).unwrap();
    let too_large = HostPipe::new(&engine, PipeConfig::new(32 << 20, 0, 0, 0).unwrap());
    assert_eq!(too_large.err().map(|e| e.code()), Some(Code::LIMIT));
    let endless = words("-re -f lavfi -i anullsrc -c copy -f null -");
    let jobs: Vec<_> = (0..3).map(|_| start(&engine, &endless).unwrap()).collect();
    eventually("two that run and one that waits", || {
        let s = engine.stats();
        (s.jobs_running, s.jobs_queued, s.memory_reserved_bytes) == (2, 1, 16 << 20)
    });
    let pipe = HostPipe::new(&engine, PipeConfig::new(8 << 20, 0, 0, 0).unwrap());
    assert_eq!(pipe.err().map(|e| e.code()), Some(Code::EAGAIN), "16 of 20 MiB are promised");
    let coding = Job::new(&engine).unwrap();
    coding.set_args(&words("-f lavfi -i anullsrc -f null -")).unwrap();
    let refused = coding.start().unwrap_err();
    coding.close();
    assert_eq!(refused.code(), Code::LIMIT, "64 MiB for coding never fit: {refused}");
    // Also while no place is free: in the queue it would hold up all behind it for ever.
    engine.set_limits(2, None);
    let coding = Job::new(&engine).unwrap();
    coding.set_args(&words("-f lavfi -i anullsrc -f null -")).unwrap();
    assert_eq!(coding.start().unwrap_err().code(), Code::LIMIT);
    coding.close();
    let asks_less = words("-mt_memory 1000 -f lavfi -i anullsrc=d=1 -f null -");
    let last = start(&engine, &asks_less).unwrap();
    jobs.iter().for_each(Job::close);
    assert_eq!(last.wait(Some(LONG)).unwrap(), Some(0), "the queue goes on");
    last.close();
    is_quiet(&engine);
}

#[test]
fn a_job_waits_in_the_queue_only_so_long() {
    let config = EngineConfig::new(1, None, false, LogMode::Take, 0).with_queue_timeout_ms(30);
    let engine = Engine::new(config).unwrap();
    let endless = words("-re -f lavfi -i anullsrc -c copy -f null -");
    let first = start(&engine, &endless).unwrap();
    let second = start(&engine, &endless).unwrap();
    assert_eq!(second.wait(Some(LONG)).unwrap(), Some(Code::ETIMEDOUT.to_c()));
    assert!(second.error().unwrap().message().contains("30 ms"));
    assert_eq!(first.wait(Some(Duration::ZERO)).unwrap(), None, "the one that runs is unharmed");
    [first, second].iter().for_each(Job::close);
    is_quiet(&engine);
}
