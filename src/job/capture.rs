//! Captures: what is needed to repeat a job that failed, written to a folder before the job is final.

use super::capture_folder::{Folder, prepare, remove_oldest, time_name};
use super::diagnostics::diagnostics;
use super::handle::Job;
use super::recent::masked;
use crate::engine::{Observer, Tape, Taped, libraries};
use crate::error::{Code, Error};
use crate::options::{JobSpec, command_line, command_words};
use crate::secrets::mask_text;
use crate::text::{from_bytes, shown};
use crate::worker::error_to_json;
use crossbeam_channel::bounded;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Where captures go, and how much.
#[derive(Clone, Debug)]
pub struct Captures {
    pub folder: PathBuf,
    /// How many are kept there: the oldest go.
    pub most: u32,
}

pub(super) const DEFAULT_CAPTURE_BYTES: u64 = 1 << 20;
pub(super) const DEFAULT_CAPTURES: u32 = 100;
/// A disk that takes longer does not hold up the end of the job: the capture is written behind its back.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
const LEVEL_WARNING: i32 = 24;

impl Captures {
    /// A relative path is one of the working folder that the process has now: hosts change it.
    pub fn new(folder: PathBuf, most: u32) -> Captures {
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Captures { folder, most: if most == 0 { DEFAULT_CAPTURES } else { most } }
    }

    /// Makes the folder.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        prepare(&self.folder).map_err(|error| {
            let code = error.raw_os_error().and_then(Code::from_errno).unwrap_or(Code::EINVAL);
            let text = format!("captures cannot go to '{}': {error}", self.folder.display());
            Error::new(code, text).at("capture").with_hint("Name a folder that this process may make, or write to.")
        })
    }
}

/// Whether a job that ended so is captured: not one that the host ended, or that never ran; nor one whose input was captured when it was
/// quarantined.
fn is_captured(error: &Error) -> bool {
    let waited_in_vain = error.code() == Code::ETIMEDOUT && error.stage() == "queue";
    ![Code::ECANCELED, Code::DETACHED, Code::ESHUTDOWN, Code::QUARANTINED].contains(&error.code()) && !waited_in_vain
}

/// What is written, collected before.
struct Capture {
    captures: Captures,
    name: String,
    command: Value,
    events: String,
    report: String,
    inputs: Vec<(String, Arc<Tape>)>,
}

impl Job {
    /// Writes a capture, where the engine wants it and the error is one for it. The error says where it is; one that could not be
    /// written is a line of the job's log, and changes nothing else.
    pub(super) fn captured(&self, error: Error, state: &str) -> Error {
        let Some(captures) = self.engine.config.captures.clone() else { return error };
        if !is_captured(&error) || self.began().is_none() {
            return error;
        }
        let capture = self.collect(captures, &error, state);
        let (sender, written) = bounded(1);
        let write = move || drop(sender.send(capture.write(SystemTime::now())));
        let said = match self.engine.threads().spawn_aside("mt-capture", write) {
            Ok(()) => written.recv_timeout(WRITTEN_WITHIN),
            Err(why) => Ok(Err(io::Error::other(why.message().to_owned()))),
        };
        let (text, error) = match said {
            Ok(Ok(place)) => {
                let line = format!("capture: {}", place.display());
                (line.clone(), error.adding_detail(&line))
            }
            Ok(Err(why)) => (format!("no capture could be written: {why}"), error),
            Err(_) => ("the capture takes long and may come later".to_owned(), error),
        };
        self.log(LEVEL_WARNING, "capture", None, &text);
        error
    }

    fn collect(&self, captures: Captures, error: &Error, state: &str) -> Capture {
        let inner = self.inner.lock();
        let inputs = inner.binds.tapes();
        let (open, words) = (command_words(&inner.spec, false, false), command_words(&inner.spec, false, true));
        let limits = &self.engine.config.isolation.limits;
        let folder = std::env::current_dir().ok().map(|folder| from_bytes(folder.as_os_str().as_bytes()));
        let command = json!({
            "capture": 1,
            "job": self.id,
            "label": mask_text(&inner.label),
            "host_call": mask_text(&inner.call_site),
            "state": state,
            "error": failure(error),
            "args": words,
            "masked": masked_words(&inner.spec, &open, &words),
            "command": shown(command_line(&inner.spec, true, true)),
            "folder": folder,
            "mt_transcode": env!("CARGO_PKG_VERSION"),
            "ffmpeg": versions(),
            "isolation": if self.engine.workers.are_wanted() { "process" } else { "thread" },
            "limits": {
                "worker_memory_bytes": limits.memory_bytes, "worker_cpu_seconds": limits.cpu_seconds,
                "worker_descriptors": limits.descriptors,
            },
            "binds": inner.facts,
        });
        Capture {
            name: format!("{}-{}", self.id, error.code().name().to_string_lossy()),
            captures,
            command,
            events: self.recent.as_ref().map_or(String::new(), |recent| recent.lines()),
            report: if is_report(error.detail()) { error.detail().to_owned() } else { String::new() },
            inputs,
        }
    }
}

/// The error as workers tell it, with its name.
fn failure(error: &Error) -> Value {
    let mut failure = error_to_json(error);
    failure["name"] = json!(error.code().name().to_string_lossy());
    if is_report(error.detail()) {
        failure["detail"] = json!("in report.txt");
    }
    masked(failure)
}

fn versions() -> serde_json::Map<String, Value> {
    let version = |v: (u32, u32, u32)| json!(format!("{}.{}.{}", v.0, v.1, v.2));
    libraries().iter().map(|library| (library.name.to_owned(), version(library.loaded))).collect()
}

/// The words that masking changed, with the names by which a replay asks for them.
fn masked_words(spec: &JobSpec, open: &[String], shown: &[String]) -> Value {
    let mut inputs = 0;
    let mut found = Vec::new();
    for (index, (word, shown)) in open.iter().zip(shown).enumerate() {
        let is_input = index > 0 && open[index - 1] == "-i";
        let name = if is_input { format!("input{inputs}") } else { format!("word{index}") };
        inputs += usize::from(is_input);
        if word != shown {
            let is_output = !is_input && spec.outputs.iter().any(|output| output.url == *word);
            found.push(json!({"name": name, "word": index, "output": is_output}));
        }
    }
    Value::Array(found)
}

impl Capture {
    fn write(self, now: SystemTime) -> io::Result<PathBuf> {
        let folder = Folder::new(&self.captures.folder, now, &self.name)?;
        let mut command = self.command;
        command["time"] = json!(time_name(now));
        let written = (|| {
            let mut inputs = Vec::new();
            for (name, tape) in &self.inputs {
                inputs.push(write_input(&folder, name, &tape.taped())?);
            }
            command["inputs"] = inputs.into();
            folder.write("events.jsonl", self.events.as_bytes())?;
            folder.write("diagnostics.json", format!("{}\n", diagnostics()).as_bytes())?;
            if !self.report.is_empty() {
                folder.write("report.txt", self.report.as_bytes())?;
            }
            folder.write("command.json", format!("{command:#}\n").as_bytes())
        })();
        if let Err(error) = written {
            folder.give_up();
            return Err(error);
        }
        let place = folder.finish()?;
        remove_oldest(&self.captures.folder, self.captures.most as usize);
        Ok(place)
    }
}

/// The regions one behind the other, and what says where they were. A name of a bind is one of a file too: letters, digits, '.', '_', '-'.
fn write_input(folder: &Folder, name: &str, taped: &Taped) -> io::Result<Value> {
    let file_name = format!("input-{name}.bin");
    let mut file = folder.file(&file_name)?;
    for region in &taped.regions {
        file.write_all(&region.bytes)?;
    }
    let regions: Vec<Value> = taped.regions.iter().map(|region| json!([region.at, region.bytes.len()])).collect();
    Ok(
        json!({"name": name, "file": file_name, "regions": regions, "is_cut": taped.is_cut, "end": taped.end, "size": taped.size}),
    )
}

/// Whether the detail of an error is a crash report.
fn is_report(detail: &str) -> bool {
    detail.starts_with("mt-transcode crash report")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_is_that_of_the_moment_when_it_was_named() {
        let captures = Captures::new("captures".into(), 0);
        assert_eq!(captures.folder, std::env::current_dir().unwrap().join("captures"));
        assert_eq!((Captures::new("/a".into(), 1).folder, captures.most), ("/a".into(), DEFAULT_CAPTURES));
    }
}
