//! Jobs over memory in one line: pipes that are fed and drained, bytes that seek, a store.
#![allow(dead_code)] // each test file uses its own part

use super::*;
use mt_transcode::error::Code;
use mt_transcode::job::{ByteStream, HostPipe, HostStore, PipeConfig, Side, StreamError, Wait};
use std::collections::BTreeMap;
use std::sync::Mutex;

pub const WAIT: Wait = Wait::For(LONG);

pub fn pipe(engine: &Arc<Engine>, capacity: u64) -> Arc<HostPipe> {
    HostPipe::new(engine, PipeConfig::new(capacity, 0, 40, 0).unwrap()).unwrap()
}

/// Writes all of `data` and ends, on a thread of its own.
pub fn feed(pipe: &Arc<HostPipe>, data: Vec<u8>) -> std::thread::JoinHandle<Result<usize, Error>> {
    let pipe = Arc::clone(pipe);
    std::thread::spawn(move || {
        let written = pipe.pipe.write(&data, WAIT)?;
        pipe.pipe.close_write(0)?;
        Ok(written)
    })
}

/// Everything that comes, and how it ended.
pub fn drain(pipe: &Arc<HostPipe>) -> (Vec<u8>, Result<(), Code>) {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 100_000]);
    loop {
        match pipe.pipe.read(&mut buffer, WAIT) {
            Ok(0) => return (all, Ok(())),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => return (all, Err(error.code())),
        }
    }
}

pub struct Piped {
    pub result: i32,
    pub error: Option<Error>,
    pub bytes: Vec<u8>,
    pub end: Result<(), Code>,
}

/// Runs a job whose input mt:in and output mt:out are pipes.
pub fn through_pipes(engine: &Arc<Engine>, line: &str, data: Vec<u8>, capacity: u64) -> Piped {
    let (job, input, output) = piped(engine, line, capacity, capacity);
    job.start().unwrap();
    let feeder = feed(&input, data);
    let (bytes, end) = drain(&output);
    let result = job.wait(Some(LONG)).unwrap().expect("a result");
    let _ = feeder.join().unwrap();
    let error = job.error();
    finish(&job, &[&input, &output]);
    Piped { result, error, bytes, end }
}

pub fn is_quiet(engine: &Arc<Engine>) {
    eventually("an engine at rest", || {
        let s = engine.stats();
        [s.jobs, s.pipes, s.threads, s.descriptors, s.queued_bytes, s.detached, s.memory_reserved_bytes] == [0; 7]
    });
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Bytes in memory that can seek, as a host would have them.
#[derive(Clone, Default)]
pub struct Bytes {
    pub data: Arc<Mutex<Vec<u8>>>,
    pub at: usize,
}

impl ByteStream for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let data = self.data.lock().unwrap();
        let left = data.get(self.at..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        let mut data = self.data.lock().unwrap();
        let end = self.at + bytes.len();
        if data.len() < end {
            data.resize(end, 0);
        }
        data[self.at..end].copy_from_slice(bytes);
        self.at = end;
        Ok(bytes.len())
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.at = position as usize;
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        Some(self.data.lock().unwrap().len() as u64)
    }

    fn can_seek(&self) -> bool {
        true
    }
}

/// Runs a job from and to memory that seeks.
pub fn through_memory(engine: &Arc<Engine>, line: &str, data: Vec<u8>) -> Result<Vec<u8>, Error> {
    let output = Bytes::default();
    let job = Job::new(engine)?;
    job.bind_io("in", Box::new(Bytes { data: Arc::new(Mutex::new(data)), at: 0 })).map_err(|(e, _)| e)?;
    job.bind_io("out", Box::new(output.clone())).map_err(|(e, _)| e)?;
    job.set_args(&words(line))?;
    job.start()?;
    job.wait(Some(LONG))?.expect("a result");
    let error = job.error();
    job.close();
    match error {
        Some(error) => Err(error),
        None => Ok(std::mem::take(&mut output.data.lock().unwrap())),
    }
}

#[derive(Default)]
pub struct MemoryStore {
    pub files: Mutex<BTreeMap<String, Bytes>>,
    pub removed: Mutex<Vec<String>>,
    pub broken: Mutex<Vec<String>>,
}

pub struct StoreFile {
    pub store: Arc<MemoryStore>,
    pub name: String,
    pub bytes: Bytes,
}

impl HostStore for MemoryStore {
    fn open(self: Arc<Self>, name: &str) -> Result<Box<dyn ByteStream>, StreamError> {
        let bytes = Bytes::default();
        self.files.lock().unwrap().insert(name.to_owned(), bytes.clone());
        Ok(Box::new(StoreFile { store: self, name: name.to_owned(), bytes }))
    }

    fn remove(&self, name: &str) -> Result<(), StreamError> {
        self.removed.lock().unwrap().push(name.to_owned());
        match self.files.lock().unwrap().remove(name) {
            Some(_) => Ok(()),
            None => Err(StreamError { code: Code::ENOENT.to_c(), text: "not there".into() }),
        }
    }
}

impl ByteStream for StoreFile {
    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        self.bytes.write(data)
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        if code != 0 {
            self.store.broken.lock().unwrap().push(self.name.clone());
        }
        Ok(())
    }
}

pub fn to_store(engine: &Arc<Engine>, line: &str) -> (Arc<MemoryStore>, Option<Error>) {
    let store = Arc::new(MemoryStore::default());
    let job = Job::new(engine).unwrap();
    job.bind_store("store", store.clone()).unwrap();
    job.set_args(&words(line)).unwrap();
    job.start().unwrap();
    job.wait(Some(LONG)).unwrap().expect("a result");
    let error = job.error();
    job.close();
    (store, error)
}

/// A job between two pipes, described and not started.
pub fn piped(
    engine: &Arc<Engine>,
    line: &str,
    input_bytes: u64,
    output_bytes: u64,
) -> (Arc<Job>, Arc<HostPipe>, Arc<HostPipe>) {
    let (input, output) = (pipe(engine, input_bytes), pipe(engine, output_bytes));
    let job = Job::new(engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words(line)).unwrap();
    (job, input, output)
}

pub fn finish(job: &Arc<Job>, pipes: &[&Arc<HostPipe>]) {
    job.close();
    pipes.iter().for_each(|pipe| pipe.free());
}
