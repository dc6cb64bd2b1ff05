//! What host and worker say to each other: kinds of frames, and their JSON.

use crate::error::{Code, Error};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// From the host: the job; stop; cancel; what do you do.
pub(super) const RUN: u8 = b'R';
pub(super) const STOP: u8 = b'S';
pub(super) const CANCEL: u8 = b'X';
pub(super) const ASK: u8 = b'?';
/// An output joins; one leaves; an input ends; what was asked about a circuit.
pub(super) const JOIN: u8 = b'j';
pub(super) const LEAVE_OUTPUT: u8 = b'v';
pub(super) const STOP_INPUT: u8 = b'i';
pub(super) const CIRCUIT_ANSWER: u8 = b'c';
/// From the worker: an event; numbers; a stream that it opens, with its socket; a piece of what it probed; the end; it lives; its job hangs, and why; what it
/// does.
pub(super) const EVENT: u8 = b'E';
pub(super) const NUMBERS: u8 = b'N';
pub(super) const OPEN: u8 = b'O';
pub(super) const PROBED: u8 = b'J';
pub(super) const DONE: u8 = b'D';
pub(super) const ALIVE: u8 = b'L';
pub(super) const HANGS: u8 = b'H';
pub(super) const ANSWER: u8 = b'A';
/// And what outputs that take part are at; a question about a circuit, or what came of a try.
pub(super) const VIEWERS: u8 = b'V';
pub(super) const CIRCUIT: u8 = b'C';
/// To the forkserver: a worker, with its sockets; from it: the worker's process, or why there is none; how it ended. To its status socket: kill it.
pub(super) const FORK: u8 = b'F';
pub(super) const FORKED: u8 = b'P';
pub(super) const REFUSED: u8 = b'!';
pub(super) const ENDED: u8 = b'Z';
pub(super) const KILL: u8 = b'K';

pub fn error_to_json(error: &Error) -> Value {
    json!({
        "code": error.code().to_c(), "ffmpeg_code": error.ffmpeg_code(), "ffmpeg_text": error.ffmpeg_text(), "stage": error.stage(),
        "input": error.input(), "output": error.output(), "stream": error.stream(), "url": error.url(), "message": error.message(),
        "hint": error.hint(), "detail": error.detail(),
    })
}

pub fn error_of_json(value: &Value) -> Error {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let index = |key: &str| value[key].as_u64().map(|index| index as usize);
    let mut error = Error::new(Code::from_c(value["code"].as_i64().unwrap_or(0) as i32), text("message").to_owned())
        .at(interned(text("stage")))
        .with_hint(text("hint"))
        .with_detail(text("detail"));
    let ffmpeg_code = value["ffmpeg_code"].as_i64().unwrap_or(0) as i32;
    if ffmpeg_code != 0 || !text("ffmpeg_text").is_empty() {
        error = error.with_ffmpeg(ffmpeg_code, text("ffmpeg_text").to_owned());
    }
    if let Some(input) = index("input") {
        error = error.on_input(input, text("url"));
    }
    if let Some(output) = index("output") {
        error = error.on_output(output, text("url"));
    }
    if let Some(stream) = index("stream") {
        error = error.on_stream(stream);
    }
    error
}

/// Stages are few words of ours; a worker that invents them is cut short.
fn interned(stage: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let Ok(mut known) = KNOWN.lock() else { return "" };
    if let Some(stage) = known.get(stage) {
        return stage;
    }
    if known.len() >= 64 || stage.len() > 64 {
        return "";
    }
    let stage: &'static str = Box::leak(stage.to_owned().into_boxed_str());
    known.insert(stage);
    stage
}
