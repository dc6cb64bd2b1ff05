//! Jobs in numbers: many one after the other, many at once, freed and cancelled at any moment; nothing is left behind.

mod common;

use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{Engine, EngineConfig, Job, LogMode, State};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Threads and descriptors are the process's: tests that count them run one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn is_at_rest(engine: &Engine) -> bool {
    let s = engine.stats();
    (s.jobs, s.jobs_running, s.jobs_queued, s.threads, s.queued_bytes, s.detached) == (0, 0, 0, 0, 0, 0)
}

const ENDLESS: &str = "-re -f lavfi -i testsrc2=s=64x48 -f null -";
const ENDLESS_FAST: &str = "-f lavfi -i testsrc2=s=64x48 -c:v mpeg4 -f null -";

#[test]
fn ten_thousand_jobs_leave_nothing() {
    let _alone = alone();
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    run_in(&engine, at, "-f lavfi -i testsrc2=s=64x48:d=0.2 -c:v mpeg4 {}/tiny.mp4").unwrap();
    let line = words(&format!("-i {0}/tiny.mp4 -c copy -f null -", at.display()));
    // A fork each takes its time; what is left behind shows after fewer, too.
    let (first, many) = if is_isolated() { (50, 500) } else { (500, 10_000) };
    (0..first).for_each(|_| run(&engine, &line).unwrap());
    let before = (entries("/proc/self/fd"), entries("/proc/self/task"), resident_kib());
    (0..many).for_each(|_| run(&engine, &line).unwrap());
    let after = (entries("/proc/self/fd"), entries("/proc/self/task"), resident_kib());
    assert_eq!(after.0, before.0, "descriptors");
    assert!(after.1 <= before.1 + 1, "threads: {} before, {} after", before.1, after.1);
    assert!(after.2 < before.2 + 8 * 1024, "resident memory: {} KiB before, {} KiB after", before.2, after.2);
    assert!(is_at_rest(&engine));
    assert_eq!(engine.stats().results.get(&0), Some(&(1 + first + many)));
}

#[test]
fn sixty_four_at_once_and_all_succeed() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(EngineConfig::new(64, None, false, LogMode::Take, 0)).unwrap();
    clip(&engine, folder.path());
    let line =
        |i: usize| words(&format!("-i {0}/clip.mp4 -s 64x48 -c:v mpeg4 -c:a mp2 {0}/{i}.mkv", folder.path().display()));
    let jobs: Vec<Arc<Job>> = (0..64).map(|i| start(&engine, &line(i)).unwrap()).collect();
    for job in &jobs {
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
        job.close();
    }
    eventually("the engine at rest", || is_at_rest(&engine));
}

#[test]
fn cancel_at_any_moment() {
    let _alone = alone();
    let engine = engine();
    for (round, line) in [ENDLESS, ENDLESS_FAST].iter().cycle().take(60).enumerate() {
        let job = start(&engine, &words(line)).unwrap();
        std::thread::sleep(Duration::from_millis(round as u64 * 7 % 60));
        job.cancel();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()), "{:?}", job.error());
        assert_eq!(job.state(), State::Cancelled);
        job.close();
    }
    eventually("the engine at rest", || is_at_rest(&engine));
}

#[test]
fn jobs_freed_while_they_run() {
    let _alone = alone();
    let engine = engine();
    for round in 0..30 {
        let job = start(&engine, &words(ENDLESS_FAST)).unwrap();
        let waiter = std::thread::spawn({
            let job = Arc::clone(&job);
            move || job.wait(Some(LONG)).map_err(|e| e.code())
        });
        std::thread::sleep(Duration::from_millis(round % 20));
        job.close();
        let told = waiter.join().unwrap();
        assert!(
            matches!(told, Ok(Some(code)) if code == Code::ECANCELED.to_c()) || told == Err(Code::EBADF),
            "{told:?}"
        );
    }
    eventually("the engine at rest", || is_at_rest(&engine));
    engine.close();
    eventually("all threads gone", || engine.stats().threads_idle == 0);
}

#[test]
fn a_stop_leaves_a_playable_file() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for codec in ["-c:v mpeg4", "-c:v libx264 -preset ultrafast"] {
        let line = format!("-f lavfi -i testsrc2=s=64x48 -f lavfi -i sine {codec} {}/o.mp4", folder.path().display());
        let job = start(&engine, &words(&line)).unwrap();
        eventually("something written", || job.stats().progress.position_us > 500_000);
        job.stop().unwrap();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
        job.close();
        let json = probe(&engine, &folder.path().join("o.mp4"));
        assert_eq!(json["streams"].as_array().map(Vec::len), Some(2), "{json}");
    }
}

#[test]
fn a_full_queue_refuses_and_an_empty_place_runs_the_next() {
    let engine = Engine::new(EngineConfig::new(1, Some(1), false, LogMode::Leave, 0)).unwrap();
    let first = start(&engine, &words(ENDLESS)).unwrap();
    let second = start(&engine, &words(ENDLESS)).unwrap();
    assert_eq!(second.state(), State::Queued);
    let third = Job::new(&engine).unwrap();
    third.set_args(&words(ENDLESS)).unwrap();
    assert_eq!(third.start().unwrap_err().code(), Code::EAGAIN);
    assert_eq!(third.state(), State::New, "it can be started again");
    engine.set_limits(2, Some(1));
    eventually("the second runs", || second.state() >= State::Opening);
    third.start().unwrap();
    [&first, &second, &third].into_iter().for_each(Job::cancel);
    for job in [first, second, third] {
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
        job.close();
    }
    assert_eq!(engine.stats().jobs_refused, 1);
}

#[test]
fn every_call_in_every_state() {
    let engine = engine();
    let job = Job::new(&engine).unwrap();
    assert_eq!(job.wait(Some(Duration::ZERO)).unwrap_err().code(), Code::EINVAL);
    assert_eq!(job.stop().unwrap_err().code(), Code::EINVAL);
    job.set_args(&words(ENDLESS)).unwrap();
    job.start().unwrap();
    assert_eq!(job.start().unwrap_err().code(), Code::EALREADY);
    assert_eq!(job.set_args(&words(ENDLESS)).unwrap_err().code(), Code::EBUSY);
    assert_eq!(job.set_label("late").unwrap_err().code(), Code::EBUSY);
    job.cancel();
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()));
    job.cancel();
    job.stop().unwrap();
    assert!(job.command(true, true).starts_with("ffmpeg"));
    job.close();
    assert_eq!(job.next_event(None).unwrap_err().code(), Code::EBADF);
    let never = Job::new(&engine).unwrap();
    never.cancel();
    assert_eq!(never.state(), State::Cancelled);
    never.close();
}

#[test]
fn a_cancel_at_the_moment_of_the_start_is_never_lost() {
    // Given jobs that one thread starts while another cancels or frees them, then none goes on running unseen.
    let _alone = alone();
    let engine = Engine::new(EngineConfig::new(4, None, false, LogMode::Take, 0)).unwrap();
    for round in 0..400 {
        let job = Job::new(&engine).unwrap();
        job.set_args(&words(ENDLESS_FAST)).unwrap();
        let other = std::thread::spawn({
            let job = Arc::clone(&job);
            move || {
                (0..round % 40).for_each(|_| std::thread::yield_now());
                if round % 2 == 0 { job.close() } else { job.cancel() }
            }
        });
        let _ = job.start();
        other.join().unwrap();
        job.close();
    }
    eventually("the engine at rest", || is_at_rest(&engine));
}

#[test]
fn the_place_of_a_job_is_free_when_it_was_freed() {
    // Given an engine with one place, when its job is freed, before its thread has begun or later, then the next one is not refused.
    let _alone = alone();
    let engine = Engine::new(EngineConfig::new(1, Some(0), false, LogMode::Take, 0)).unwrap();
    for round in 0..400 {
        let job = Job::new(&engine).unwrap();
        job.set_args(&words(ENDLESS_FAST)).unwrap();
        job.start().unwrap_or_else(|error| panic!("round {round}: {error}"));
        (0..round % 40).for_each(|_| std::thread::yield_now());
        job.close();
    }
    eventually("the engine at rest", || is_at_rest(&engine));
}

/// FFmpeg's fifo muxer has a thread, which only its trailer ends: a cancel must not free what it works with.
#[test]
fn a_cancel_waits_for_the_threads_of_a_muxer() {
    let _alone = alone();
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path().display();
    let source = "-re -f lavfi -i testsrc2=s=64x48 -c:v mpeg4";
    let before = entries("/proc/self/task");
    for line in [
        format!("{source} -map 0 -f fifo -fifo_format mpegts {at}/fifo.ts"),
        format!("{source} -map 0 -f tee -use_fifo 1 [f=mpegts]{at}/one.ts|[f=matroska]{at}/two.mkv"),
    ] {
        for _ in 0..10 {
            let job = start(&engine, &words(&line)).unwrap();
            eventually("a packet", || job.stats().packets_written > 0 || job.state().is_final());
            job.cancel();
            assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::ECANCELED.to_c()), "{:?}", job.error());
            job.close();
        }
    }
    eventually("the engine at rest", || is_at_rest(&engine));
    eventually("the muxers' threads gone", || entries("/proc/self/task") <= before + 8);
}
