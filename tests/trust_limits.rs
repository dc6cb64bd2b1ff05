//! Attacks on the trust profiles: inputs that ask for too much.

mod common;

use common::attacks::*;
use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::ffmpeg_release;
use mt_transcode::options::Release;
use std::time::{Duration, Instant};

#[test]
fn two_frames_hours_apart_make_no_million() {
    let (engine, folder) = prepared();
    let line =
        "-f lavfi -i testsrc2=s=64x64:r=1:d=2 -vf setpts=N*36000/TB -fps_mode passthrough -c:v libx264 {}/far.mkv";
    run_in(&engine, folder.path(), line).unwrap();
    assert!(std::fs::metadata(folder.path().join("far.mkv")).unwrap().len() < 8 << 10);
    for rate in ["-r 30 -fps_mode cfr", "-vf fps=30"] {
        let line = format!("-i {{}}/far.mkv {rate} -c:v libx264 -preset ultrafast -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{rate}: {error}");
        assert!(error.message().contains("7200") && error.message().contains("-mt_max_repeat"), "{error}");
    }
    is_quiet(&engine);
}

#[test]
fn giant_pictures_are_not_decoded() {
    let (engine, folder) = prepared();
    std::fs::write(folder.path().join("giant.avi"), giant_avi(40_000, 40_000)).unwrap();
    for trust in ["standard", "untrusted"] {
        let line = format!("-mt_trust {trust} -i {{}}/giant.avi -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{error}");
        assert!(error.message().contains("40000x40000") && error.message().contains("-mt_max_pixels"), "{error}");
    }
    std::fs::write(folder.path().join("giant.png"), giant_png(40_000, 40_000)).unwrap();
    // A picture by itself: its container does not say how large it is.
    for line in
        ["-i {}/giant.png -f null -", "-f png_pipe -i {}/giant.png -f null -", "-i {}/giant.png -c copy -f null -"]
    {
        let error = bounded(|| run_in(&engine, folder.path(), line)).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{line}: {error}");
        assert!(error.message().contains("40000x40000"), "{error}");
    }
    let line = "-mt_max_pixels 1000 -i {}/clip.mp4 -c copy -f null -";
    assert_eq!(run_in(&engine, folder.path(), line).unwrap_err().code(), Code::LIMIT);
    is_quiet(&engine);
}

#[test]
fn hundreds_of_streams_are_refused() {
    let (engine, folder) = prepared();
    let maps = "-map 0:a ".repeat(300);
    let line = format!("-f lavfi -i anullsrc=d=0.1 {maps} -c:a pcm_u8 -ar 8000 {{}}/many.mkv");
    run_in(&engine, folder.path(), &line).unwrap();
    let error = bounded(|| run_in(&engine, folder.path(), "-i {}/many.mkv -map 0 -c copy -f null -")).unwrap_err();
    assert!(error.code() == Code::LIMIT && error.message().contains("32"), "{error}");
    assert!(error.message().contains("-max_streams"), "{error}");
    run_in(&engine, folder.path(), "-max_streams 400 -i {}/many.mkv -map 0 -c copy -f null -").expect("raised by hand");
    is_quiet(&engine);
}

#[test]
fn endless_input_from_a_url_ends() {
    let engine = engine();
    for (fill, format) in [(Fill::Zeros, ""), (Fill::Zeros, "-f mp3"), (Fill::Random, ""), (Fill::Random, "-f mpegts")]
    {
        let server = Listener::endless(fill);
        let line = format!("{format} -i {} -c copy -f null -", server.url("a"));
        let error = bounded(|| run(&engine, &words(&line))).unwrap_err();
        assert!([Code::LIMIT, Code::DEMUX].contains(&error.code()), "{line}: {error}");
    }
    is_quiet(&engine);
}

#[test]
fn a_job_ends_when_its_time_is_over_or_nothing_moves() {
    let engine = engine();
    let over = |line: &str| {
        let began = Instant::now();
        let error = bounded(|| run(&engine, &words(line))).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{error}");
        assert!(began.elapsed() < Duration::from_secs(60));
        error
    };
    let error = over("-mt_max_time 0.3 -re -f lavfi -i anullsrc -f null -");
    assert!(error.message().contains("-mt_max_time"), "{error}");
    // One byte now and then is no progress.
    let drips = Listener::dripping();
    let error = over(&format!("-mt_idle_timeout 0.5 -i {} -c copy -f null -", drips.url("a.ts")));
    assert!(error.message().contains("-mt_idle_timeout"), "{error}");
    // Waiting for a host is not idle: it ends when the host says so.
    let (job, input, output) =
        piped(&engine, "-mt_idle_timeout 0.2 -f mpegts -i mt:in -c copy -f mpegts mt:out", 4096, 4096);
    job.start().unwrap();
    assert_eq!(job.wait(Some(Duration::from_millis(900))).unwrap(), None, "it waits for its pipe");
    job.cancel();
    finish(&job, &[&input, &output]);
    is_quiet(&engine);
}

#[test]
fn outputs_have_a_limit_of_bytes() {
    let (engine, folder) = prepared();
    let error = bounded(|| {
        run_in(&engine, folder.path(), "-mt_max_output_bytes 20000 -stream_loop -1 -i {}/clip.mp4 -c copy {}/out.ts")
    })
    .unwrap_err();
    assert!(error.code() == Code::LIMIT && error.message().contains("-mt_max_output_bytes"), "{error}");
    assert!(std::fs::metadata(folder.path().join("out.ts")).unwrap().len() < 100_000);
    is_quiet(&engine);
}

#[test]
fn a_gap_of_a_day_becomes_no_silence() {
    // Given two pieces of sound a day apart, when a resampler fills what is missing, then the job ends with LIMIT before it does.
    let (engine, folder) = prepared();
    let line = "-f lavfi -i sine=d=2 -af asetnsamples=1024,asetpts=N/SR/TB+gt(N\\,40000)*90000/TB -c:a flac {}/far.mkv";
    run_in(&engine, folder.path(), line).unwrap();
    let mut fillers = vec![
        "-af aresample=async=1",
        "-af aresample=async=1:first_pts=0",
        "-af aresample=min_hard_comp=0.1:async=1000",
    ];
    if ffmpeg_release() < Release(6, 0) {
        fillers.push("-async 1");
    }
    for filler in fillers {
        let line = format!("-i {{}}/far.mkv {filler} -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert!(error.code() == Code::LIMIT && error.message().contains("-mt_max_repeat"), "{filler}: {error}");
    }
    run_in(&engine, folder.path(), "-i {}/far.mkv -af aresample=8000 -f null -").expect("nothing is filled");
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -af aresample=async=1 -f null -").expect("no gap");
    is_quiet(&engine);
}

#[test]
fn what_a_demuxer_opens_counts_as_read() {
    // Given a "picture" that is a large file, when a pattern or a playlist opens it, then the limit of what is read holds for it too.
    let (engine, folder) = prepared();
    std::fs::write(folder.path().join("big1.png"), vec![0u8; 4 << 20]).unwrap();
    let null_packet = [[0x47, 0x1f, 0xff, 0x10].as_slice(), &[0xff; 184]].concat();
    std::fs::write(folder.path().join("big.ts"), null_packet.repeat(20_000)).unwrap();
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nbig.ts\n#EXT-X-ENDLIST\n";
    std::fs::write(folder.path().join("big.m3u8"), playlist).unwrap();
    for input in ["-f image2 -i {}/big%d.png", "-i {}/big.m3u8"] {
        let line = format!("-mt_max_open_bytes 1000000 {input} -c copy -f null -");
        let error = bounded(|| run_in(&engine, folder.path(), &line)).unwrap_err();
        assert!(error.code() == Code::LIMIT && error.message().contains("-mt_max_open_bytes"), "{input}: {error}");
    }
    is_quiet(&engine);
}
