//! Inputs that crashed workers, by the SHA-256 of how they begin: later jobs with them are refused.

use super::capture_folder::time_name;
use crate::engine::{Look, StreamError, Tape, name_of, sha256};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use crate::text::{shown, to_path};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::SystemTime;

/// How much of an input is looked at. Less, in whole steps, where a worker crashed before it had read so much.
pub(super) const LOOKED_AT_BYTES: usize = 64 << 10;
const STEP_BYTES: usize = 1024;
/// The oldest entries go.
const MOST_ENTRIES: usize = 1024;

/// How an input begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    File {
        size_bytes: u64,
        sha256: String,
    },
    /// In memory. `is_whole`: it ends there.
    Memory {
        bytes: usize,
        is_whole: bool,
        sha256: String,
    },
}

impl Key {
    fn of_file(url: &str) -> Option<Key> {
        let path = url.strip_prefix("file:").unwrap_or(url);
        if name_of(url).is_some() || path.contains("://") && !url.starts_with("file:") {
            return None;
        }
        let path = to_path(path);
        let about = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let mut beginning = Vec::new();
        std::fs::File::open(&path).ok()?.take(LOOKED_AT_BYTES as u64).read_to_end(&mut beginning).ok()?;
        Some(Key::File { size_bytes: about.len(), sha256: sha256(&beginning)? })
    }

    fn of_tape(tape: &Tape) -> Option<Key> {
        let length = |bytes: &[u8], is_whole: bool| match bytes.len() {
            LOOKED_AT_BYTES.. => (LOOKED_AT_BYTES, false),
            few if is_whole => (few, true),
            few => (few / STEP_BYTES * STEP_BYTES, false),
        };
        let (bytes, is_whole) = tape.beginning(length);
        (bytes > 0).then(|| Key::of_beginning(tape, bytes, is_whole)).flatten()
    }

    /// None where the tape has not come so far.
    fn of_beginning(tape: &Tape, bytes: usize, wants_whole: bool) -> Option<Key> {
        tape.beginning(|held, is_whole| {
            let is_there = if wants_whole { is_whole && held.len() == bytes } else { held.len() >= bytes };
            let sha256 = sha256(held.get(..bytes).filter(|_| is_there)?)?;
            Some(Key::Memory { bytes, is_whole: wants_whole, sha256 })
        })
    }

    fn sha256(&self) -> &str {
        match self {
            Key::File { sha256, .. } | Key::Memory { sha256, .. } => sha256,
        }
    }
}

struct Entry {
    /// All of them: a job that has only some, such as the same logo beside another video, is none of it.
    keys: Vec<Key>,
    time: SystemTime,
    label: String,
    job: u64,
    error: Error,
}

#[derive(Default)]
pub struct Quarantine {
    entries: Mutex<VecDeque<Entry>>,
    count: AtomicUsize,
}

impl Quarantine {
    /// False where nothing is known of the inputs.
    pub fn add(&self, keys: Vec<Key>, job: u64, label: &str, error: &Error) -> bool {
        if keys.is_empty() {
            return false;
        }
        let mut entries = self.entries.lock();
        if entries.iter().any(|entry| entry.keys == keys) {
            return true;
        }
        if entries.len() >= MOST_ENTRIES {
            entries.pop_front();
        }
        entries.push_back(Entry { keys, time: SystemTime::now(), label: label.to_owned(), job, error: error.clone() });
        self.count.store(entries.len(), Relaxed);
        true
    }

    pub fn count(&self) -> u64 {
        self.count.load(Relaxed) as u64
    }

    /// Returns how many there were.
    pub fn clear(&self) -> u64 {
        let mut entries = self.entries.lock();
        let many = entries.len();
        entries.clear();
        self.count.store(0, Relaxed);
        many as u64
    }

    pub fn json(&self) -> String {
        let entry = |entry: &Entry| {
            json!({
                "time": time_name(entry.time), "job": entry.job, "label": entry.label, "code": entry.error.code().to_c(),
                "text": entry.error.message(), "stage": entry.error.stage(),
                "sha256": entry.keys.iter().map(Key::sha256).collect::<Vec<_>>(),
            })
        };
        Value::Array(self.entries.lock().iter().map(entry).collect()).to_string()
    }

    /// Why a job with these inputs is refused.
    fn refusal(&self, known: &[Key]) -> Option<Error> {
        let entries = self.entries.lock();
        let entry = entries.iter().find(|entry| entry.keys.iter().all(|key| known.contains(key)))?;
        let who = if entry.job == 0 { "a probe".to_owned() } else { format!("job {}", entry.job) };
        let text = format!(
            "the input is in quarantine since {}, when {who} failed on it: {}",
            time_name(entry.time),
            entry.error.message()
        );
        Some(Error::new(Code::QUARANTINED, shown(text)).at("quarantine"))
    }

    /// How many bytes of an input in memory must be looked at, and whether they must be all.
    fn lengths(&self) -> BTreeSet<(usize, bool)> {
        let entries = self.entries.lock();
        let length = |key: &Key| match key {
            Key::Memory { bytes, is_whole, .. } => Some((*bytes, *is_whole)),
            Key::File { .. } => None,
        };
        entries.iter().flat_map(|entry| &entry.keys).filter_map(length).collect()
    }
}

/// What is known of the inputs of one job.
#[derive(Default)]
pub struct Inputs {
    known: Mutex<Vec<Key>>,
    /// Streams and lengths that were looked at.
    seen: Mutex<BTreeSet<(String, usize, bool)>>,
    /// Streams that there is nothing more to see of.
    done: Mutex<BTreeSet<String>>,
}

impl Inputs {
    /// Looks at the files. An error where they are in quarantine.
    pub fn look_at_files(&self, quarantine: &Quarantine, spec: &JobSpec) -> Result<(), Error> {
        if quarantine.count() == 0 {
            return Ok(());
        }
        let mut known = self.known.lock();
        known.extend(spec.inputs.iter().filter_map(|input| Key::of_file(&input.url)));
        quarantine.refusal(&known).map_or(Ok(()), Err)
    }

    /// Looks at streams while they are read.
    pub fn looking(self: &Arc<Self>, quarantine: &Arc<Quarantine>) -> Look {
        let (inputs, quarantine) = (Arc::clone(self), Arc::clone(quarantine));
        Arc::new(move |name: &str, tape: &Tape| {
            let looked = inputs.look_at_stream(&quarantine, name, tape);
            looked.map_err(|error| StreamError { code: error.code().to_c(), text: error.message().to_owned() })
        })
    }

    /// Looks at what was read of a stream, whenever it has become more.
    pub fn look_at_stream(&self, quarantine: &Quarantine, name: &str, tape: &Tape) -> Result<(), Error> {
        if quarantine.count() == 0 || self.done.lock().contains(name) {
            return Ok(());
        }
        if tape.beginning(|bytes, is_whole| is_whole || bytes.len() >= LOOKED_AT_BYTES) {
            self.done.lock().insert(name.to_owned());
        }
        for (bytes, is_whole) in quarantine.lengths() {
            if self.seen.lock().contains(&(name.to_owned(), bytes, is_whole)) {
                continue;
            }
            let Some(key) = Key::of_beginning(tape, bytes, is_whole) else { continue };
            self.seen.lock().insert((name.to_owned(), bytes, is_whole));
            let mut known = self.known.lock();
            known.push(key);
            if let Some(error) = quarantine.refusal(&known) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The keys of all inputs of a job that can be known: of files and of what was read from memory.
pub fn keys_of(spec: &JobSpec, tapes: &[(String, Arc<Tape>)]) -> Vec<Key> {
    let files = spec.inputs.iter().filter_map(|input| Key::of_file(&input.url));
    files.chain(tapes.iter().filter_map(|(_, tape)| Key::of_tape(tape))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::parse_args;

    fn key(digest: &str) -> Key {
        Key::File { size_bytes: 1, sha256: digest.into() }
    }

    fn crash() -> Error {
        Error::new(Code::CRASHED, "the worker crashed by signal 11 SIGSEGV".into()).at("decode")
    }

    fn spec(file: &std::path::Path) -> JobSpec {
        let args = ["-i", file.to_str().unwrap(), "-f", "null", "-"].map(str::to_owned);
        parse_args(&args, &Classes).unwrap()
    }

    #[test]
    fn all_inputs_of_a_case_must_be_there() {
        let quarantine = Quarantine::default();
        assert!(!quarantine.add(Vec::new(), 1, "", &crash()), "nothing is known");
        assert!(quarantine.add(vec![key("logo"), key("film")], 7, "bad", &crash()));
        assert!(quarantine.add(vec![key("logo"), key("film")], 8, "again", &crash()));
        assert_eq!(quarantine.count(), 1);
        assert!(quarantine.refusal(&[key("logo"), key("other")]).is_none());
        let error = quarantine.refusal(&[key("film"), key("third"), key("logo")]).unwrap();
        assert_eq!((error.code(), error.stage()), (Code::QUARANTINED, "quarantine"));
        assert!(error.message().contains("job 7") && error.message().contains("SIGSEGV"), "{error}");
        assert!(quarantine.json().contains("\"label\":\"bad\""));
        assert_eq!((quarantine.clear(), quarantine.count()), (1, 0));
    }

    #[test]
    fn the_oldest_of_too_many_goes() {
        let quarantine = Quarantine::default();
        (0..=MOST_ENTRIES).for_each(|i| assert!(quarantine.add(vec![key(&i.to_string())], 1, "", &crash())));
        assert_eq!(quarantine.count(), MOST_ENTRIES as u64);
        assert!(quarantine.refusal(&[key("0")]).is_none() && quarantine.refusal(&[key("1")]).is_some());
    }

    #[test]
    fn a_file_is_known_by_beginning_and_size_and_a_url_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            keys_of(&spec(&folder.path().join(name)), &[])
        };
        let mut bytes = vec![7; 2 * LOOKED_AT_BYTES];
        let first = write("a", &bytes);
        bytes[LOOKED_AT_BYTES] = 8;
        assert_eq!(write("b", &bytes), first, "behind what is looked at");
        bytes.push(7);
        assert_ne!(write("c", &bytes), first, "another size");
        bytes.pop();
        bytes[0] = 8;
        assert_ne!(write("d", &bytes), first);
        assert_eq!(keys_of(&spec(std::path::Path::new("http://h/a")), &[]), []);
        assert_eq!(keys_of(&spec(folder.path()), &[]), [], "a folder");
    }

    #[test]
    fn a_file_in_quarantine_is_refused_before_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.ts");
        std::fs::write(&file, b"bad").unwrap();
        let (quarantine, spec) = (Quarantine::default(), spec(&file));
        let looked = |inputs: &Inputs| inputs.look_at_files(&quarantine, &spec);
        assert!(looked(&Inputs::default()).is_ok());
        quarantine.add(keys_of(&spec, &[]), 1, "", &crash());
        assert_eq!(looked(&Inputs::default()).map_err(|error| error.code()), Err(Code::QUARANTINED));
    }
}
