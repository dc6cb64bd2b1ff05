//! Streams of the host's that fail, or never return: the job ends with what they said, in a worker too, and asks them no more.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::error::Code;
use mt_transcode::job::{ByteStream, Engine, EngineConfig, Isolation, Job, LogMode, Side, StreamError};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};

/// Gives bytes up to a place where it fails, once.
struct Fails {
    data: Vec<u8>,
    at: usize,
    fails_at: usize,
    code: i32,
    /// How often it was asked since.
    asked: Arc<AtomicUsize>,
    size: Option<u64>,
}

impl ByteStream for Fails {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        if self.at >= self.fails_at {
            self.asked.fetch_add(1, SeqCst);
            return Err(StreamError { code: self.code, text: "it failed".into() });
        }
        let count = buffer.len().min(4096).min(self.fails_at - self.at);
        buffer[..count].copy_from_slice(&self.data[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.at = position as usize;
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        self.size
    }

    fn can_seek(&self) -> bool {
        true
    }
}

fn media(engine: &Arc<Engine>, line: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    run_in(engine, folder.path(), &format!("-f lavfi -i sine=d=3 {line} {{}}/sound")).expect("a sound");
    read(&folder.path().join("sound"))
}

#[test]
fn whatever_code_a_host_gives_ends_the_job_and_is_its_own() {
    let engine = engine();
    for line in ["-c:a mp2 -f mpegts", "-f wav", "-f flac", "-c:a mp2 -f mp2", "-f avi"] {
        let data = media(&engine, line);
        for code in [-libc::EAGAIN, -libc::EINTR, -libc::ETIMEDOUT] {
            for size in [None, Some(data.len() as u64)] {
                let asked = Arc::new(AtomicUsize::new(0));
                let fails_at = data.len() / 2;
                let stream = Fails { data: data.clone(), at: 0, fails_at, code, asked: Arc::clone(&asked), size };
                let job = Job::new(&engine).unwrap();
                assert!(job.bind_io("in", Box::new(stream)).is_ok());
                job.set_args(&words("-i mt:in -c copy -f null -")).unwrap();
                job.start().unwrap();
                assert_eq!(job.wait(Some(LONG)).unwrap(), Some(code), "{line}, {size:?}: {:?}", job.error());
                assert!(size.is_none() || asked.load(SeqCst) == 1, "{line}: small, and read once");
                job.close();
            }
        }
    }
    is_quiet(&engine);
}

#[test]
fn what_would_have_to_seek_in_a_pipe_says_not_that_somebody_is_gone() {
    let engine = engine();
    // Given an MP4 whose index says that it is far larger than the file
    let mut data = media(&engine, "-c:a aac -movflags +faststart -f mp4");
    let at = data.windows(4).position(|word| word == b"moov").expect("an index") - 4;
    data[at..at + 4].copy_from_slice(&(100u32 << 20).to_be_bytes());
    // when it comes by a pipe
    let pipe = pipe(&engine, 1 << 20);
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("in", &pipe, Side::Read).unwrap();
    job.set_args(&words("-i mt:in -c copy -f null -")).unwrap();
    job.start().unwrap();
    let feeding = feed(&pipe, data);
    // then the file is to blame.
    assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::DEMUX.to_c()), "{:?}", job.error());
    job.close();
    let _ = feeding.join().unwrap();
    pipe.free();
    is_quiet(&engine);
}

/// Never returns from a read until it is let go.
struct Blocks(Arc<(Mutex<bool>, Condvar)>);

impl ByteStream for Blocks {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, StreamError> {
        let (is_free, changed) = &*self.0;
        let mut is_free = is_free.lock().unwrap();
        while !*is_free {
            is_free = changed.wait(is_free).unwrap();
        }
        Ok(0)
    }
}

/// Given a job in a worker whose callback does not return, when its time is over, then it ends, and its thread is counted until the host lets it go.
#[test]
fn a_callback_that_never_returns_leaves_no_job_in_a_worker_without_an_end() {
    let worker = Isolation {
        in_processes: true,
        worker_path: Some(env!("CARGO_BIN_EXE_mt-transcode").into()),
        ..Isolation::default()
    };
    let engine = Engine::new(EngineConfig::new(0, None, false, LogMode::Take, 0).with_isolation(worker)).unwrap();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let job = Job::new(&engine).unwrap();
    assert!(job.bind_io("in", Box::new(Blocks(Arc::clone(&gate)))).is_ok());
    job.set_args(&words("-mt_open_timeout_ms 500 -f mpegts -i mt:in -c copy -f null -")).unwrap();
    job.start().unwrap();
    let result = job.wait(Some(LONG)).unwrap();
    assert!([Code::ETIMEDOUT, Code::DETACHED].map(|code| Some(code.to_c())).contains(&result), "{result:?}");
    let words = job.error().expect("why").to_string();
    assert!(words.contains("mt_open_timeout_ms"), "{words}");
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    job.close();
    is_quiet(&engine);
}
