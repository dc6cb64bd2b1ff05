//! Media through memory: pipes, streams that seek, stores.

mod common;

use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::{
    ByteStream, Engine, EngineConfig, HostPipe, HostStore, Job, LogMode, PipeConfig, Side, StreamError, Wait,
};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WAIT: Wait = Wait::For(LONG);

fn pipe(engine: &Arc<Engine>, capacity: u64) -> Arc<HostPipe> {
    HostPipe::new(engine, PipeConfig::new(capacity, 0, 40, 0).unwrap()).unwrap()
}

/// Writes all of `data` and ends, on a thread of its own.
fn feed(pipe: &Arc<HostPipe>, data: Vec<u8>) -> std::thread::JoinHandle<Result<usize, Error>> {
    let pipe = Arc::clone(pipe);
    std::thread::spawn(move || {
        let written = pipe.pipe.write(&data, WAIT)?;
        pipe.pipe.close_write(0)?;
        Ok(written)
    })
}

/// Everything that comes, and how it ended.
fn drain(pipe: &Arc<HostPipe>) -> (Vec<u8>, Result<(), Code>) {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 100_000]);
    loop {
        match pipe.pipe.read(&mut buffer, WAIT) {
            Ok(0) => return (all, Ok(())),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => return (all, Err(error.code())),
        }
    }
}

struct Piped {
    result: i32,
    error: Option<Error>,
    bytes: Vec<u8>,
    end: Result<(), Code>,
}

/// Runs a job whose input mt:in and output mt:out are pipes.
fn through_pipes(engine: &Arc<Engine>, line: &str, data: Vec<u8>, capacity: u64) -> Piped {
    let (input, output) = (pipe(engine, capacity), pipe(engine, capacity));
    let job = Job::new(engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words(line)).unwrap();
    job.start().unwrap();
    let feeder = feed(&input, data);
    let (bytes, end) = drain(&output);
    let result = job.wait(Some(LONG)).unwrap().expect("a result");
    let _ = feeder.join().unwrap();
    let error = job.error();
    job.close();
    input.free();
    output.free();
    Piped { result, error, bytes, end }
}

fn is_quiet(engine: &Arc<Engine>) {
    eventually("an engine at rest", || {
        let s = engine.stats();
        [s.jobs, s.pipes, s.threads, s.descriptors, s.queued_bytes, s.detached, s.memory_reserved_bytes] == [0; 7]
    });
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Bytes in memory that can seek, as a host would have them.
#[derive(Clone, Default)]
struct Bytes {
    data: Arc<Mutex<Vec<u8>>>,
    at: usize,
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
fn through_memory(engine: &Arc<Engine>, line: &str, data: Vec<u8>) -> Result<Vec<u8>, Error> {
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
struct MemoryStore {
    files: Mutex<BTreeMap<String, Bytes>>,
    removed: Mutex<Vec<String>>,
    broken: Mutex<Vec<String>>,
}

struct StoreFile {
    store: Arc<MemoryStore>,
    name: String,
    bytes: Bytes,
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

fn to_store(engine: &Arc<Engine>, line: &str) -> (Arc<MemoryStore>, Option<Error>) {
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
fn what_cannot_be_read_back_is_refused_by_name() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let clip = clip(&engine, folder.path());
    let line = format!("-i {} -c copy -movflags +faststart mt:store/out.mp4", clip.display());
    let (store, error) = to_store(&engine, &line);
    let error = error.unwrap();
    assert!(error.code() == Code::UNSUPPORTED && error.hint().contains("frag_keyframe"), "a store of streams: {error}");
    assert_eq!(store.broken.lock().unwrap().len(), 1, "the file was opened, and given up");
    is_quiet(&engine);
}

#[test]
fn muxers_that_would_go_past_a_store_are_refused() {
    let engine = engine();
    let source = "-f lavfi -i testsrc2=s=64x64:r=10:d=2 -c:v libx264 -preset ultrafast";
    for line in [
        "-f hls -hls_enc 1 -hls_enc_key 0123456789abcdef mt:store/a.m3u8",
        "-f hls -hls_flags single_file mt:store/a.m3u8",
        "-f hls -hls_key_info_file nowhere mt:store/a.m3u8",
        "-f dash -single_file 1 mt:store/a.mpd",
        "-f dash -single_file_name x.mp4 mt:store/a.mpd",
        "-f dash -http_persistent 1 mt:store/a.mpd",
        "-f smoothstreaming mt:store/a",
        "-map 0 -f tee [f=hls:hls_enc=1:hls_enc_key=0123456789abcdef]mt:store/a.m3u8",
    ] {
        let (store, error) = to_store(&engine, &format!("{source} {line}"));
        let error = error.unwrap_or_else(|| panic!("{line}"));
        assert_eq!(error.code(), Code::UNSUPPORTED, "{line}: {error}");
        assert!(store.files.lock().unwrap().is_empty(), "{line}");
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
fn hls_in_a_store_loses_its_old_segments_there() {
    let (engine, cwd) = (engine(), entries("."));
    let line = "-f lavfi -i testsrc2=s=64x64:r=10:d=8 -c:v libx264 -preset ultrafast -g 10 -f hls -hls_time 1 \
                -hls_list_size 2 -hls_delete_threshold 1 -hls_flags delete_segments mt:store/live/index.m3u8";
    let (store, error) = to_store(&engine, line);
    assert!(error.is_none(), "{error:?}");
    let (files, removed) = (store.files.lock().unwrap(), store.removed.lock().unwrap());
    assert!(removed.contains(&"live/index0.ts".to_owned()), "{removed:?}");
    assert!(!files.contains_key("live/index0.ts") && files.contains_key("live/index7.ts"), "{:?}", files.keys());
    let list = String::from_utf8(files["live/index.m3u8"].data.lock().unwrap().clone()).unwrap();
    assert!(list.contains("index7.ts") && list.contains("#EXT-X-ENDLIST") && !list.contains("mt:"), "{list}");
    assert_eq!(entries("."), cwd, "nothing was written beside the store");
    assert!(store.broken.lock().unwrap().is_empty());
    is_quiet(&engine);
}

#[test]
fn dash_in_a_store_loses_its_old_segments_there() {
    let (engine, cwd) = (engine(), entries("."));
    let line = "-f lavfi -i testsrc2=s=64x64:r=10:d=8 -c:v libx264 -preset ultrafast -g 10 -f dash -seg_duration 1 \
                -window_size 2 -extra_window_size 1 mt:store/manifest.mpd";
    let (store, error) = to_store(&engine, line);
    assert!(error.is_none(), "{error:?}");
    let (files, removed) = (store.files.lock().unwrap(), store.removed.lock().unwrap());
    assert!(removed.contains(&"chunk-stream0-00001.m4s".to_owned()), "{removed:?}");
    assert!(files.contains_key("manifest.mpd") && files.contains_key("init-stream0.m4s"), "{:?}", files.keys());
    let manifest = String::from_utf8(files["manifest.mpd"].data.lock().unwrap().clone()).unwrap();
    assert!(!manifest.contains("mt.invalid"), "{manifest}");
    assert_eq!(entries("."), cwd, "nothing was written beside the store");
    is_quiet(&engine);
}

#[test]
fn segments_and_images_go_to_a_store() {
    let engine = engine();
    let source = "-f lavfi -i testsrc2=s=64x64:r=10:d=4";
    let line = format!(
        "{source} -c:v libx264 -preset ultrafast -g 10 -f segment -segment_time 1 -segment_list mt:store/list.csv mt:store/part%d.ts"
    );
    let (store, error) = to_store(&engine, &line);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        store.files.lock().unwrap().keys().collect::<Vec<_>>(),
        ["list.csv", "part0.ts", "part1.ts", "part2.ts", "part3.ts"]
    );
    let (store, error) = to_store(&engine, &format!("{source} -r 1 mt:store/img%02d.png"));
    assert!(error.is_none(), "{error:?}");
    assert!(store.files.lock().unwrap().len() >= 4);
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
        let (input, output) = (pipe(&engine, 1 << 20), pipe(&engine, 1 << 20));
        let job = Job::new(&engine).unwrap();
        job.bind_pipe("in", &input, Side::Read).unwrap();
        job.bind_pipe("out", &output, Side::Write).unwrap();
        job.set_args(&words("-i mt:in -c copy -f mpegts mt:out")).unwrap();
        job.start().unwrap();
        input.pipe.write(&data[..data.len() / 2], WAIT).unwrap();
        input.pipe.close_write(code.to_c()).unwrap();
        let (bytes, end) = drain(&output);
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(code.to_c()));
        assert_eq!(end, Err(code), "what was read is there, and the end says that it is not all");
        assert!(bytes.len() > 1000);
        let error = job.error().unwrap();
        assert!(error.message().contains("mt:in"), "{error}");
        job.close();
        input.free();
        output.free();
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
        let (input, output) = (pipe(&engine, 1 << 20), pipe(&engine, 4096));
        let job = Job::new(&engine).unwrap();
        job.bind_pipe("in", &input, Side::Read).unwrap();
        job.bind_pipe("out", &output, Side::Write).unwrap();
        job.set_args(&words(&format!("-i mt:in -c:v {codec} -f mpegts mt:out"))).unwrap();
        job.start().unwrap();
        input.pipe.write(&data, WAIT).unwrap();
        eventually("output", || output.pipe.stats().written_bytes > 0);
        output.pipe.close_read().unwrap();
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(Code::EPIPE.to_c()), "{codec}: {:?}", job.error());
        job.close();
        input.free();
        output.free();
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
    let (input, output) = (pipe(&engine, 1 << 20), pipe(&engine, 1 << 20));
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words("-i mt:in -c copy -f mpegts mt:out")).unwrap();
    job.start().unwrap();
    input.pipe.write(&read(&folder.path().join("clip.mkv")), WAIT).unwrap();
    eventually("output", || output.pipe.stats().written_bytes > 0);
    job.stop().unwrap();
    let (bytes, end) = drain(&output);
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())), "{:?}", job.error());
    assert!(bytes.len() > 5_000);
    job.close();
    input.free();
    output.free();
    is_quiet(&engine);
}

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
    job.close();
    input.free();
    output.free();
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
    let (input, output) = (pipe(&engine, 4096), pipe(&engine, 4096));
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words("-i mt:in -c copy -f mpegts mt:out")).unwrap();
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
    job.close();
    input.free();
    output.free();
    is_quiet(&engine);
}

#[test]
fn one_byte_at_a_time_is_enough() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    run_in(&engine, folder.path(), "-i {}/clip.mp4 -t 0.2 -c copy -f mpegts {}/short.ts").unwrap();
    let data = read(&folder.path().join("short.ts"));
    let (input, output) = (pipe(&engine, 4096), pipe(&engine, 1 << 20));
    let job = Job::new(&engine).unwrap();
    job.bind_pipe("in", &input, Side::Read).unwrap();
    job.bind_pipe("out", &output, Side::Write).unwrap();
    job.set_args(&words("-i mt:in -c copy -f mpegts mt:out")).unwrap();
    job.start().unwrap();
    for byte in &data {
        assert_eq!(input.pipe.write(std::slice::from_ref(byte), WAIT).unwrap(), 1);
    }
    input.pipe.close_write(0).unwrap();
    let (bytes, end) = drain(&output);
    assert_eq!((job.wait(Some(LONG)).unwrap(), end), (Some(0), Ok(())), "{:?}", job.error());
    let whole = through_pipes(&engine, "-i mt:in -c copy -f mpegts mt:out", data, 1 << 20);
    assert!(bytes == whole.bytes);
    job.close();
    input.free();
    output.free();
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
        assert!(grown < 256 << 10, "{format}: {grown} KiB more after {written} bytes");
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

/// Given real media, when they go from memory to memory, then the bytes are those of file to file.
#[test]
fn the_corpus_goes_through_memory_as_it_goes_through_files() {
    let Some(root) = corpus() else { return };
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let mut equal = 0;
    for line in manifest.lines().skip(1).step_by(every) {
        let source = root.join(line.split('\t').next().unwrap());
        if !source.is_file() {
            continue;
        }
        let target = folder.path().join("out");
        let args = "-c copy -bitexact -f matroska";
        let filed = run(&engine, &words(&format!("-i {} {args} {}", source.display(), target.display())));
        let piped = through_memory(&engine, &format!("-i mt:in {args} mt:out"), read(&source));
        match (filed, piped) {
            (Ok(()), Ok(bytes)) => {
                assert!(bytes == read(&target), "{line}");
                equal += 1;
            }
            (Err(_), Err(_)) => {}
            // A playlist, or a file that its name explains: from memory there is neither.
            (filed, piped) => assert!(
                piped.as_ref().is_err_and(|e| e.code() == Code::UNSUPPORTED),
                "{line}: {filed:?} {:?}",
                piped.map(|bytes| bytes.len())
            ),
        }
    }
    assert!(equal > 10, "{equal}");
    is_quiet(&engine);
}

/// The ffmpeg program between two pipes of the system.
fn ffmpeg_between_pipes(args: &[String], data: Vec<u8>) -> Option<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the ffmpeg program");
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&data)));
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    feeder.join().unwrap();
    child.wait().unwrap().success().then_some(bytes)
}

/// Given real media, when they go through our pipes, then the bytes are those that ffmpeg gives through the system's.
#[test]
fn the_corpus_goes_through_pipes_as_it_goes_through_ffmpegs() {
    let Some(root) = corpus() else { return };
    let engine = engine();
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let mut equal = 0;
    for line in manifest.lines().skip(1).step_by(every) {
        let Ok(data) = std::fs::read(root.join(line.split('\t').next().unwrap())) else { continue };
        let place = |name: &[u8]| data.windows(4).position(|window| window == name);
        if data.get(4..8) == Some(b"ftyp") && place(b"mdat") < place(b"moov") {
            continue; // ffmpeg writes a header and nothing more, and calls it a success
        }
        let args = |input: &str, output: &str| words(&format!("-i {input} -c copy -bitexact -f matroska {output}"));
        let expected = ffmpeg_between_pipes(&args("pipe:0", "pipe:1"), data.clone());
        let piped = through_pipes(&engine, &args("mt:in", "mt:out").join(" "), data, 256 << 10);
        match (expected, piped.result) {
            (Some(expected), 0) => {
                assert!(expected == piped.bytes, "{line}: {} and {} bytes", expected.len(), piped.bytes.len());
                equal += 1;
            }
            (None, _) => {} // what ffmpeg refuses; an MP4 with its index behind it goes through here
            (Some(_), _) => {
                let code = piped.error.as_ref().map(Error::code);
                assert!([Some(Code::UNSUPPORTED), Some(Code::DEMUX)].contains(&code), "{line}: {:?}", piped.error);
            }
        }
    }
    assert!(equal > 10, "{equal}");
    is_quiet(&engine);
}
