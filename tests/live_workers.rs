//! Outputs that join a job in a worker process: what only a process can do wrong, and what only a process is refused.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Direction, Engine, EngineConfig, EventKind, HostPipe, Isolation, Job, LogMode, Side};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn isolated() -> Arc<Engine> {
    let isolation = Isolation {
        in_processes: true,
        worker_path: Some(PathBuf::from(env!("CARGO_BIN_EXE_mt-transcode"))),
        ..Isolation::default()
    };
    Engine::new(EngineConfig::new(0, None, false, LogMode::Take, 0).with_isolation(isolation)).unwrap()
}

/// A job that makes pictures in real time until it is told to end, and the process that it runs in.
fn hub(engine: &Arc<Engine>, options: &str) -> (Arc<Job>, u32) {
    let job = Job::new(engine).unwrap();
    job.set_level(48);
    let line =
        format!("-re -f lavfi -i testsrc2=s=160x120:r=25 -c:v mpeg2video -g 5 {options} -mt_gop_bytes 1M -f null -");
    job.set_args(&words(&line)).unwrap();
    job.start().unwrap();
    loop {
        let event = job.next_event(Some(LONG)).unwrap().expect("a worker");
        if let EventKind::Log { text, .. } = event.kind
            && let Some(rest) = text.strip_prefix("worker ")
        {
            let pid = rest.split(' ').next().and_then(|pid| pid.parse().ok());
            return (job, pid.expect("its number"));
        }
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

struct Watcher {
    output: usize,
    out: Arc<HostPipe>,
}

fn watcher(engine: &Arc<Engine>, job: &Arc<Job>, name: &str) -> Watcher {
    let out = pipe(engine, 4 << 20);
    job.bind_pipe(name, &out, Side::Write).unwrap();
    Watcher { output: join(job, &format!("mt:{name}")), out }
}

fn join(job: &Arc<Job>, url: &str) -> usize {
    let output = job.add_file(Direction::Output, url).unwrap();
    let format = if url == "-" { "null" } else { "mpegts" };
    for (key, value) in [("c", "copy"), ("f", format), ("mt_from", "0")] {
        job.set_file_option(Direction::Output, output, key, Some(value)).unwrap();
    }
    job.commit_file(Direction::Output, output).unwrap();
    output
}

fn is_final(job: &Arc<Job>, output: usize) -> bool {
    job.output_status(output).unwrap().state.to_c() >= 4
}

#[test]
fn a_crash_of_the_worker_ends_all_that_joined_with_it() {
    for (name, code) in [("-SEGV", Code::CRASHED), ("-KILL", Code::KILLED)] {
        let engine = isolated();
        let (job, pid) = hub(&engine, "");
        // Given viewers, one of whom reads nothing
        let watchers: Vec<_> = ["a", "b", "c"].map(|name| watcher(&engine, &job, name)).into();
        for watcher in &watchers {
            eventually("it sees something", || job.output_status(watcher.output).unwrap().stats.packets_written > 5);
        }
        // When the worker ends
        signal(pid, name);
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(code.to_c()), "{:?}", job.error());
        // then each output ended with the job's code, and so did what its viewer reads
        for watcher in &watchers {
            let status = job.output_status(watcher.output).unwrap();
            assert_eq!((status.code, status.state.to_c()), (code.to_c(), 5), "{:?}", status.error);
            assert!(status.stats.packets_written > 5, "what was told of it stays: {:?}", status.stats);
            let error = job.output_error(watcher.output).expect("a text");
            assert_eq!((error.code(), error.output()), (code, Some(watcher.output)), "{error}");
            let (seen, end) = drain(&watcher.out);
            assert!(!seen.is_empty() && end == Err(code), "{end:?} after {} bytes", seen.len());
        }
        let mut ends = Vec::new();
        while let Ok(Some(event)) = job.next_event(Some(Duration::ZERO)) {
            if let EventKind::OutputFinished { output, error, .. } = event.kind {
                ends.push((output, error.map(|error| error.code())));
            }
        }
        ends.sort_unstable_by_key(|(output, _)| *output);
        assert_eq!(ends, [1, 2, 3].map(|output| (output, Some(code))));
        assert!(job.add_file(Direction::Output, "mt:x").is_err(), "nobody joins any more");
        job.close();
        watchers.iter().for_each(|watcher| watcher.out.free());
        is_quiet(&engine);
    }
}

#[test]
fn crashes_with_viewers_leave_nothing_in_the_host() {
    let engine = isolated();
    let round = || {
        let (job, pid) = hub(&engine, "");
        let watchers: Vec<_> = ["a", "b"].map(|name| watcher(&engine, &job, name)).into();
        eventually("it sees something", || job.output_status(watchers[0].output).unwrap().stats.packets_written > 0);
        signal(pid, "-KILL");
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::KILLED.to_c()));
        job.close();
        watchers.iter().for_each(|watcher| watcher.out.free());
        is_quiet(&engine);
    };
    (0..3).for_each(|_| round());
    let before = entries("/proc/self/fd");
    (0..10).for_each(|_| round());
    // Other tests run beside this one.
    eventually("descriptors are back", || entries("/proc/self/fd") <= before + 8);
}

#[test]
fn who_waits_for_nobody_is_not_held_up_by_a_worker_that_stands_still() {
    let engine = isolated();
    let (job, pid) = hub(&engine, "");
    let first = watcher(&engine, &job, "a");
    eventually("it sees something", || job.output_status(first.output).unwrap().stats.packets_written > 0);
    // Given a worker that is stopped
    signal(pid, "-STOP");
    // when outputs join, are asked, and are ended, many of them
    let began = Instant::now();
    let joined: Vec<_> = (0..500).map(|_| join(&job, "-")).collect();
    joined.iter().for_each(|output| job.stop_output(*output, false).unwrap());
    job.stop_output(first.output, true).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // then they end when it goes on
    signal(pid, "-CONT");
    for output in joined.iter().chain([&first.output]) {
        eventually("it is final", || is_final(&job, *output));
    }
    assert!(!job.state().is_final(), "{:?}", job.error());
    // and a job whose worker stands still is ended within bounds, with all that joined
    let second = watcher(&engine, &job, "b");
    eventually("it sees something", || job.output_status(second.output).unwrap().stats.packets_written > 0);
    signal(pid, "-STOP");
    let began = Instant::now();
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(job.output_status(second.output).unwrap().state.to_c(), 6);
    assert_eq!(drain(&second.out).1, Err(Code::ECANCELED));
    job.close();
    [first, second].iter().for_each(|watcher| watcher.out.free());
    is_quiet(&engine);
}

#[test]
fn what_the_sandbox_forbids_is_refused_by_name_and_nobody_elses_affair() {
    let (engine, folder) = (isolated(), tempfile::tempdir().unwrap());
    let (allowed, other) = (folder.path().join("allowed"), folder.path().join("other"));
    [&allowed, &other].iter().for_each(|path| std::fs::create_dir(path).unwrap());
    let (job, _) = hub(&engine, &format!("-mt_allow_write {}", allowed.display()));
    let at = |path: &PathBuf| path.join("a.ts").display().to_string();
    let good = join(&job, &at(&allowed));
    let refused = [join(&job, &at(&other)), join(&job, "tcp://127.0.0.1:9")];
    for output in refused {
        eventually("it is final", || is_final(&job, output));
    }
    // A kernel without Landlock or seccomp forbids nothing, and it fails otherwise, or not at all.
    let diagnostics: serde_json::Value = serde_json::from_str(&mt_transcode::job::diagnostics()).unwrap();
    for (output, what) in refused.into_iter().zip(["landlock", "seccomp"]) {
        if !diagnostics["sandbox"][what]["missing"].is_null() {
            println!("skipped: {what} is not there");
            continue;
        }
        let error = job.output_status(output).unwrap().error.expect("a text");
        assert_eq!((error.code(), error.output()), (Code::SANDBOX, Some(output)), "{error}");
        assert!(error.hint().contains("mt:NAME") && error.hint().contains("mt_allow_write"), "{}", error.hint());
    }
    eventually("the other one is written", || job.output_status(good).unwrap().stats.size_bytes > 1000);
    // Standard streams are not the worker's
    let output = job.add_file(Direction::Output, "-").unwrap();
    job.set_file_option(Direction::Output, output, "f", Some("mpegts")).unwrap();
    assert_eq!(job.commit_file(Direction::Output, output).unwrap_err().code(), Code::UNSUPPORTED);
    job.stop().unwrap();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
    job.close();
    is_quiet(&engine);
}
