//! What must hold of any bytes, for the parts that read what others wrote: command lines, options, calls on a pipe, a worker's frames, crash reports.
//! `make fuzz` lets libFuzzer look for bytes that break one; tests/fuzz.rs runs each over its seeds and what becomes of them, every time.

use mt_transcode::error::{Code, Error};
use mt_transcode::job::{Engine, EngineConfig, HostPipe, LogMode, PipeConfig, Wait};
use mt_transcode::options::{
    AvOptions, JobSpec, MediaKind, Release, Scope, Selector, StreamFacts, command_words, parse_args, parse_float,
    parse_integer, parse_time_us, setting,
};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// As if FFmpeg had every AVOption that begins with one of some letters; nothing is read from files.
struct Letters(Release);

impl AvOptions for Letters {
    fn knows(&self, key: &str) -> bool {
        key.starts_with(['b', 'c', 'g', 'm', 'p', 'q'])
    }

    fn release(&self) -> Release {
        self.0
    }

    fn read_file(&self, url: &str) -> Result<String, Error> {
        Err(Error::new(Code::ENOENT, format!("'{url}' is not read here")))
    }
}

fn words(data: &[u8]) -> Vec<String> {
    data.split(|byte| *byte == b'\n').map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Words, one a line. What is accepted prints as a command line that is accepted, and prints the same again.
pub fn arguments(data: &[u8]) {
    for release in [Release(5, 1), Release(7, 1)] {
        let parse = |words: &[String]| parse_args(words, &Letters(release));
        let Ok(spec) = parse(&words(data)) else { continue };
        let printed = printed(&spec);
        let again = parse(&printed).unwrap_or_else(|error| panic!("{printed:?} is refused: {error}"));
        assert_eq!(self::printed(&again), printed);
        let _ = command_words(&spec, true, true);
    }
}

fn printed(spec: &JobSpec) -> Vec<String> {
    command_words(spec, false, false)
}

/// A key and a value, one a line. What a key takes in one scope is no secret of the other, and nothing that reads values breaks.
pub fn option_values(data: &[u8]) {
    let words = words(data);
    let (key, value) = (words[0].as_str(), words.get(1).map(String::as_str));
    for scope in [Scope::GLOBAL, Scope::INPUT, Scope::OUTPUT] {
        let _ = setting(key, value, scope, &Letters(Release(6, 1)));
    }
    let value = value.unwrap_or(key);
    if let Some(number) = parse_float(value) {
        assert!(!number.is_nan() || value.to_lowercase().contains("nan"), "{value:?}");
    }
    let _ = parse_integer(value);
    let _ = parse_time_us(value);
    if let Some(selector) = Selector::parse(value) {
        let of = |kind| StreamFacts {
            kind,
            id: 1,
            is_attached_picture: false,
            is_usable: true,
            metadata: vec![("language".into(), "eng".into())],
            programs: vec![1],
        };
        let streams = [MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle].map(of);
        let _ = (0..streams.len()).filter(|index| selector.matches(&streams, *index)).count();
    }
}

fn engine() -> &'static Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::new(EngineConfig::new(1, None, false, LogMode::Leave, 0)).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Calls, two bytes each, on a pipe and on a model of it that is a queue of bytes: both give the same counts, bytes and ends.
pub fn pipe(data: &[u8]) {
    const CAPACITY: usize = 4096;
    let config = PipeConfig::new(CAPACITY as u64, 512, 0, 0).unwrap_or_else(|error| panic!("{error}"));
    let pipe = HostPipe::new(engine(), config).unwrap_or_else(|error| panic!("{error}"));
    let (mut model, mut written, mut buffer) = (VecDeque::new(), 0u8, [0; CAPACITY]);
    let (mut ended, mut reader_left) = (None, false);
    for call in data.as_chunks::<2>().0.iter().take(512) {
        let size = usize::from(call[1]) * 17 % (CAPACITY + 1);
        match call[0] % 8 {
            0..3 => {
                let bytes: Vec<u8> = (0..size).map(|at| written.wrapping_add(at as u8)).collect();
                match pipe.pipe.write(&bytes, Wait::Never) {
                    Ok(count) => {
                        assert!(ended.is_none() && !reader_left && count <= size, "{count} of {size}");
                        assert!(model.len() + count <= CAPACITY);
                        model.extend(&bytes[..count]);
                        written = written.wrapping_add(count as u8);
                    }
                    Err(error) if reader_left || ended.is_some() => assert_eq!(error.code(), Code::EPIPE),
                    Err(error) => {
                        assert!(error.code() == Code::EAGAIN && model.len() == CAPACITY || size == 0, "{error}");
                    }
                }
            }
            3..6 => match pipe.pipe.read(&mut buffer[..size], Wait::Never) {
                Ok(0) if size > 0 => assert_eq!((ended, model.len()), (Some(0), 0)),
                Ok(count) => {
                    let expected: Vec<u8> = model.drain(..count).collect();
                    assert!(buffer[..count] == expected[..]);
                }
                Err(error) if reader_left => assert_eq!(error.code(), Code::EPIPE),
                Err(error) if size == 0 => drop(error),
                Err(error) => {
                    let code = ended.filter(|code| *code != 0).unwrap_or(Code::EAGAIN.to_c());
                    assert_eq!((error.code().to_c(), model.len()), (code, 0));
                }
            },
            6 if call[1] > 200 => {
                let code = if call[1] % 2 == 0 { 0 } else { Code::EIO.to_c() };
                if pipe.pipe.close_write(code).is_ok() {
                    ended.get_or_insert(code);
                }
            }
            7 if call[1] > 240 => reader_left |= pipe.pipe.close_read().is_ok(),
            _ if reader_left => {} // what nobody will read lies there until the pipe is freed
            _ => assert_eq!(pipe.pipe.stats().fill_bytes as usize, model.len()),
        }
    }
    pipe.free();
}

/// What a worker sends, good or broken: the host hears it, and answers what is asked of its streams, without harm.
pub fn worker(data: &[u8]) {
    mt_transcode::worker::hear_anything(data);
}

/// A file that may be a crash report: its frames are found or not.
pub fn crash_report(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        if let Some(frame) = mt_transcode::report_frame(line) {
            assert!(line.contains(frame.module) && line.ends_with(frame.build_id) | line.contains(' '), "{line:?}");
        }
    }
}
