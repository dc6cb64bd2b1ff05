//! What the host has bound, for the worker (`remote`): each stream that is open has a socket of its own, and a thread of the host's that serves it.

use super::wire::{read_frame, write_frame};
use crate::engine::{ByteStream, Doing, JobContext, StreamError};
use crate::error::{Code, Error};
use serde_json::{Value, json};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub(super) const READ: u8 = b'r';
pub(super) const WRITE: u8 = b'w';
pub(super) const SEEK: u8 = b's';
pub(super) const SIZE: u8 = b'z';
/// Not asked but told: an input's bytes gather for so many milliseconds.
pub(super) const GATHER: u8 = b'g';
pub(super) const CLOSE: u8 = b'c';
/// Not asked but told: an input is let go of. Without it who read it has crashed.
pub(super) const LEAVE: u8 = b'l';
/// Answers.
pub(super) const GOOD: u8 = b'k';
pub(super) const BAD: u8 = b'e';

/// What a stream can do, as the host says it.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    pub can_seek: bool,
    pub can_read: bool,
    pub can_write: bool,
    pub flushes_packets: bool,
    pub chunk_bytes: usize,
}

impl Abilities {
    pub fn of(stream: &dyn ByteStream) -> Abilities {
        Abilities {
            can_seek: stream.can_seek(),
            can_read: stream.can_read(),
            can_write: stream.can_write(),
            flushes_packets: stream.flushes_packets(),
            chunk_bytes: stream.chunk_bytes(),
        }
    }

    pub fn to_json(self) -> Value {
        json!({
            "seek": self.can_seek, "read": self.can_read, "write": self.can_write, "flush": self.flushes_packets,
            "chunk": self.chunk_bytes,
        })
    }

    pub fn of_json(value: &Value) -> Abilities {
        let is = |key: &str| value[key].as_bool().unwrap_or(false);
        Abilities {
            can_seek: is("seek"),
            can_read: is("read"),
            can_write: is("write"),
            flushes_packets: is("flush"),
            chunk_bytes: value["chunk"].as_u64().unwrap_or(64 << 10) as usize,
        }
    }
}

/// The host's side: does what the worker asks of one stream, until that is closed or the worker is gone.
pub fn serve(socket: OwnedFd, request: &Value, context: &JobContext) {
    let socket = UnixStream::from(socket);
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    let (name, rest) = (text("name"), text("rest"));
    let store_of = || context.binds.store(name).ok_or_else(|| Error::option(format!("mt:{name} is no store")));
    let opened = match text("as") {
        "input" => context.binds.reader(name, context, &context.interrupt),
        "remove" => {
            let removed = store_of().map_err(|error| of_error(&error)).and_then(|store| store.remove(rest));
            let _ = answer(&socket, removed.map(|()| Vec::new()));
            return;
        }
        _ => context.binds.writer(name, rest, context, &context.interrupt),
    };
    let is_pipe = context.binds.pipe(name).is_some();
    let name = context.activity.name(&format!("mt:{name}"));
    let says_abilities = text("as") == "file";
    match opened {
        Ok(mut stream) => {
            let abilities = Abilities::of(&*stream).to_json().to_string().into_bytes();
            if says_abilities && answer(&socket, Ok(abilities)).is_err() {
                let _ = stream.close(Code::EPIPE.to_c());
                return;
            }
            serve_stream(&socket, &mut *stream, context, (is_pipe, name));
        }
        Err(error) if says_abilities => drop(answer(&socket, Err(of_error(&error)))),
        Err(error) => {
            // The first question gets the answer.
            let mut question = Vec::new();
            while let Ok(Some(_)) = read_frame(&socket, &mut question) {
                if answer(&socket, Err(of_error(&error))).is_err() {
                    return;
                }
            }
        }
    }
}

fn of_error(error: &Error) -> StreamError {
    StreamError { code: error.code().to_c(), text: error.message().to_owned() }
}

fn serve_stream(socket: &UnixStream, stream: &mut dyn ByteStream, context: &JobContext, (is_pipe, name): (bool, u32)) {
    let doing = |kind: u8| match (is_pipe, kind) {
        (true, READ) => Doing::EmptyPipe,
        (true, WRITE) => Doing::FullPipe,
        _ => Doing::Callback,
    };
    let (mut question, mut buffer) = (Vec::new(), Vec::new());
    let mut is_written = false;
    loop {
        let waiting = Doing::Worker.begin(0);
        let Ok(Some(kind)) = read_frame(socket, &mut question) else { break };
        drop(waiting);
        let _waiting = doing(kind).begin(name);
        let number = || question.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let short = || question.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let result = match kind {
            READ => {
                buffer.resize((short() as usize).clamp(1, 1 << 20), 0);
                // Told to stop, the job ends in good order: to the worker, which may hear of it later, its input ends.
                let is_stopped = |error: &StreamError| {
                    error.code == Code::ECANCELED.to_c() && context.is_stopped() && !context.is_cancelled()
                };
                let read =
                    stream.read(&mut buffer).or_else(|error| if is_stopped(&error) { Ok(0) } else { Err(error) });
                read.map(|count| [&(count as u64).to_le_bytes()[..], &buffer[..count.min(buffer.len())]].concat())
            }
            WRITE => {
                is_written = true;
                context.note_writing();
                stream.write(&question).map(|count| (count as u64).to_le_bytes().to_vec())
            }
            SEEK => stream.seek(number()).map(|()| Vec::new()),
            GATHER => {
                stream.gather(Duration::from_millis(number().min(60_000)));
                continue;
            }
            LEAVE => {
                stream.leave();
                return;
            }
            SIZE => Ok(stream.size().map_or(Vec::new(), |size| size.to_le_bytes().to_vec())),
            _ => {
                if question.get(4) == Some(&1) {
                    context.set_failing();
                }
                let closed = stream.close(short() as i32).map(|()| Vec::new());
                let _ = answer(socket, closed);
                return;
            }
        };
        if answer(socket, result).is_err() {
            break;
        }
    }
    // The worker ended without a word: what was written is broken off.
    if is_written {
        let _ = stream.close(Code::EPIPE.to_c());
    }
}

fn answer(socket: &UnixStream, result: Result<Vec<u8>, StreamError>) -> io::Result<()> {
    match result {
        Ok(payload) => write_frame(socket, GOOD, &payload),
        Err(error) => write_frame(socket, BAD, &[&error.code.to_le_bytes()[..], error.text.as_bytes()].concat()),
    }
}
