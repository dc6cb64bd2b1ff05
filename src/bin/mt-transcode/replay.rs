//! `mt-transcode replay`: a captured job, once more, and whether it ends as it did.

use crate::replay_outputs::{Outputs, redirect};
use crate::replay_streams::{Captured, Kept, KeptStore};
use crate::replay_wishes::{USAGE, Wishes, wishes};
use mt_transcode::error::Error;
use mt_transcode::job::{
    AlsoEnds, Engine, EngineConfig, EventKind, Isolation, Job, LogMode, parse_program_args, program_setting,
};
use mt_transcode::options::{JobSpec, command_line};
use mt_transcode::text::{from_bytes, to_path};
use mt_transcode::worker::Limits;
use serde_json::Value;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const SAME: u8 = 0;
const OTHER: u8 = 1;
const UNUSABLE: u8 = 2;

pub fn run(args: &[String]) -> u8 {
    if args.iter().any(|arg| arg == "-h" || arg == "--help") {
        super::print(USAGE);
        return SAME;
    }
    match wishes(args).and_then(|wishes| replay(&wishes)) {
        Ok(status) => status,
        Err(why) => {
            eprintln!("mt-transcode replay: {why}");
            UNUSABLE
        }
    }
}

fn replay(wishes: &Wishes) -> Result<u8, String> {
    let path = wishes.folder.join("command.json");
    let text = std::fs::read(&path).map_err(|e| format!("'{}': {e}", path.display()))?;
    let capture: Value = serde_json::from_slice(&text).map_err(|e| format!("'{}': {e}", path.display()))?;
    if capture["capture"] != 1 {
        return Err(format!("'{}' is no capture that this release knows", path.display()));
    }
    let mut words = list(&capture["args"]);
    let missing = fill_in(&capture, &wishes.set, &mut words)?;
    if wishes.prints {
        print_command(wishes, &capture, &words);
        return Ok(SAME);
    }
    if !missing.is_empty() {
        let text = format!("secrets were masked, so say what stood there: --set {}=...", missing.join("=... --set "));
        return Err(text);
    }
    if let Some(folder) = capture["folder"].as_str()
        && let Err(error) = std::env::set_current_dir(to_path(folder))
    {
        eprintln!("the job's working folder '{folder}': {error}; names are taken from here");
    }
    let spec = parse_program_args(&words).map_err(|error| error.to_string())?;
    let engine = engine(wishes, &capture)?;
    let job = Job::new(&engine).map_err(|error| error.to_string())?;
    let ending = Ending::of(&engine, &job)?;
    let outputs = Outputs::new(wishes.output.as_deref())?;
    if wishes.output.is_none() {
        let _ = ending.thrown_away.set(outputs.folder.clone());
    }
    let error = transcode(wishes, &capture, spec, &job, &outputs.folder)?;
    engine.close();
    if let Some(signal) = ending.signal.get() {
        return Err(format!("ended by signal {signal}"));
    }
    super::print(&format!("written: {} bytes in {}\n", outputs.size_bytes(), outputs.words()));
    Ok(compare(&capture, error.as_ref()))
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Puts what was set in the places of what was masked. Returns the names of what is missing.
fn fill_in(capture: &Value, set: &[(String, String)], words: &mut [String]) -> Result<Vec<String>, String> {
    let masked = capture["masked"].as_array().map_or(&[][..], Vec::as_slice);
    let mut missing = Vec::new();
    let mut used = 0;
    for about in masked {
        let name = about["name"].as_str().unwrap_or_default();
        let place = about["word"].as_u64().and_then(|index| words.get_mut(index as usize));
        let Some(place) = place else { return Err("its command.json is broken".into()) };
        match set.iter().rev().find(|(given, _)| given == name) {
            Some((_, value)) => {
                place.clone_from(value);
                used += 1;
            }
            // Nothing is sent there anyway.
            None if about["output"] == true => {}
            None => missing.push(name.to_owned()),
        }
    }
    match set.len() > used {
        true => Err("--set names something that was not masked".into()),
        false => Ok(missing),
    }
}

fn print_command(wishes: &Wishes, capture: &Value, words: &[String]) {
    let Ok(mut spec) = parse_program_args(words) else {
        super::print(&format!("{}\n", capture["command"].as_str().unwrap_or_default()));
        return;
    };
    for input in &mut spec.inputs {
        let Some(about) = input.url.strip_prefix("mt:").and_then(|name| about_input(capture, name)) else { continue };
        if about["is_cut"] == true || about["regions"].as_array().is_some_and(|regions| regions.len() > 1) {
            super::print(&format!("# {} was not captured as a whole\n", input.url));
        }
        let file = wishes.folder.join(about["file"].as_str().unwrap_or_default());
        input.url = from_bytes(file.as_os_str().as_bytes());
    }
    for output in &mut spec.outputs {
        if let Some(name) = output.url.strip_prefix("mt:") {
            output.url = name.to_owned();
        }
    }
    super::print(&format!("{}\n", command_line(&spec, true, true)));
}

fn about_input<'a>(capture: &'a Value, name: &str) -> Option<&'a Value> {
    capture["inputs"].as_array()?.iter().find(|about| about["name"] == name)
}

/// What a signal does that asks for the end.
struct Ending {
    signal: OnceLock<i32>,
    /// A folder that is not to be left behind.
    thrown_away: OnceLock<PathBuf>,
}

impl Ending {
    /// The first signal cancels the job; the next ends the program, as a job may hang.
    fn of(engine: &Engine, job: &Arc<Job>) -> Result<Arc<Ending>, String> {
        let ending = Arc::new(Ending { signal: OnceLock::new(), thrown_away: OnceLock::new() });
        let (asked, told) = (Arc::clone(job), Arc::clone(&ending));
        let on_signal = move |signal| match told.signal.set(signal) {
            Ok(()) => asked.cancel(),
            Err(_) => {
                if let Some(folder) = told.thrown_away.get() {
                    let _ = std::fs::remove_dir_all(folder);
                }
                std::process::exit(UNUSABLE.into());
            }
        };
        engine.on_termination(AlsoEnds { quit: true, hangup: true }, on_signal).map_err(|error| error.to_string())?;
        Ok(ending)
    }
}

fn engine(wishes: &Wishes, capture: &Value) -> Result<Arc<Engine>, String> {
    let number = |key: &str| capture["limits"][key].as_u64().unwrap_or(0);
    let limits = Limits {
        memory_bytes: number("worker_memory_bytes"),
        cpu_seconds: number("worker_cpu_seconds") as u32,
        descriptors: number("worker_descriptors") as u32,
    };
    let isolation =
        Isolation { in_processes: !wishes.on_threads, limits, stays_here: wishes.on_threads, ..Isolation::default() };
    Engine::new(EngineConfig::new(1, None, false, LogMode::Take, 0).with_isolation(isolation))
        .map_err(|error| error.to_string())
}

fn transcode(
    wishes: &Wishes,
    capture: &Value,
    mut spec: JobSpec,
    job: &Arc<Job>,
    outputs: &Path,
) -> Result<Option<Error>, String> {
    let said = |error: Error| error.to_string();
    redirect(&mut spec, outputs);
    if spec.global("loglevel").is_none() {
        spec.global.push(program_setting("loglevel", "warning").map_err(said)?);
    }
    let label = capture["label"].as_str().unwrap_or_default();
    job.set_label(label).map_err(said)?;
    bind(job, wishes, capture, &spec, outputs)?;
    job.set_spec(spec).map_err(said)?;
    job.start().map_err(said)?;
    Ok(follow(job, wishes.timeout))
}

fn bind(job: &Job, wishes: &Wishes, capture: &Value, spec: &JobSpec, outputs: &Path) -> Result<(), String> {
    let said = |error: Error| error.to_string();
    for about in capture["binds"].as_array().map_or(&[][..], Vec::as_slice) {
        let name = about["name"].as_str().unwrap_or_default();
        let can_seek = about["abilities"]["seek"] == true;
        if about["kind"] == "store" {
            job.bind_store(name, Arc::new(KeptStore(outputs.join(name)))).map_err(said)?;
        } else if spec.inputs.iter().any(|input| input.url == format!("mt:{name}")) {
            let stream = match about_input(capture, name) {
                Some(about) => {
                    if about["is_cut"] == true {
                        eprintln!(
                            "mt:{name} was cut off: more was read of it than was captured, so the job may end otherwise"
                        );
                    }
                    Captured::open(&wishes.folder, about, can_seek)?
                }
                None => Captured::empty(),
            };
            job.bind_io(name, Box::new(stream)).map_err(|(error, _)| said(error))?;
        } else {
            let kept = Kept::create(&outputs.join(name), can_seek).map_err(|e| e.to_string())?;
            job.bind_io(name, Box::new(kept)).map_err(|(error, _)| said(error))?;
        }
    }
    Ok(())
}

/// Shows what the job says, until it ends.
fn follow(job: &Arc<Job>, timeout: Option<Duration>) -> Option<Error> {
    let until = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        match job.next_event(Some(Duration::from_millis(200))) {
            Ok(Some(event)) => match event.kind {
                EventKind::Log { stage, text, .. } => eprintln!("[{stage}] {text}"),
                EventKind::Done { error } => return error,
                _ => {}
            },
            Ok(None) => {}
            Err(error) => return Some(error),
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            job.cancel();
        }
    }
}

fn compare(capture: &Value, error: Option<&Error>) -> u8 {
    let (was, stage) = (capture["error"]["code"].as_i64(), capture["error"]["stage"].as_str().unwrap_or_default());
    let text = capture["error"]["message"].as_str().unwrap_or_default();
    super::print(&format!(
        "captured: {} at '{stage}': {text}\n",
        capture["error"]["name"].as_str().unwrap_or_default()
    ));
    let is_same = match error {
        Some(error) => {
            super::print(&format!("replayed: {:?} at '{}': {error}\n", error.code(), error.stage()));
            was == Some(error.code().to_c().into()) && stage == error.stage()
        }
        None => {
            super::print("replayed: it succeeded\n");
            false
        }
    };
    super::print(&format!("{}\n", if is_same { "the same" } else { "not the same" }));
    if is_same { SAME } else { OTHER }
}
