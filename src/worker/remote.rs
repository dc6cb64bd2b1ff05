//! What the host has bound, from the worker: `stream` serves it.

use super::message::OPEN;
use super::stream::{Abilities, CLOSE, GATHER, GOOD, LEAVE, READ, SEEK, SIZE, WRITE};
use super::wire::{read_frame, send_with_fds, wait_readable, write_frame};
use crate::engine::{Bind, ByteStream, HostStore, Interrupt, StreamError};
use crate::error::Code;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

fn broken(error: &io::Error) -> StreamError {
    StreamError { code: Code::EPIPE.to_c(), text: format!("the host does not answer: {error}") }
}

/// Whether the job will fail though its outputs go on to their ends; set when its context is there.
pub type Failing = Arc<OnceLock<Arc<dyn Fn() -> bool + Send + Sync>>>;

/// The worker's end of a stream, connected at its first use.
pub struct RemoteStream {
    failing: Failing,
    control: Arc<Mutex<UnixStream>>,
    request: Value,
    abilities: Abilities,
    socket: Option<UnixStream>,
    answer: Vec<u8>,
    interrupt: Option<Arc<Interrupt>>,
    /// An answer was not waited for: there is no asking any more.
    is_given_up: bool,
    /// Of an input, which is asked for again and again.
    size: Option<Option<u64>>,
}

impl RemoteStream {
    /// `is_input`: what the job does with it first.
    pub fn new(
        control: &Arc<Mutex<UnixStream>>,
        failing: &Failing,
        name: &str,
        is_input: bool,
        abilities: Abilities,
    ) -> RemoteStream {
        let failing = Arc::clone(failing);
        let request = json!({"name": name, "rest": "", "as": if is_input { "input" } else { "output" }});
        RemoteStream {
            failing,
            control: Arc::clone(control),
            request,
            abilities,
            socket: None,
            answer: Vec::new(),
            interrupt: None,
            is_given_up: false,
            size: None,
        }
    }

    fn connect(control: &Mutex<UnixStream>, request: &Value) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        send_with_fds(&control.lock(), OPEN, request.to_string().as_bytes(), &[theirs.as_raw_fd()])?;
        Ok(ours)
    }

    fn ask(&mut self, kind: u8, payload: &[u8]) -> Result<&[u8], StreamError> {
        if self.is_given_up {
            return Err(broken(&io::ErrorKind::TimedOut.into()));
        }
        let mut ask = || -> io::Result<Option<u8>> {
            if self.socket.is_none() {
                self.socket = Some(RemoteStream::connect(&self.control, &self.request)?);
            }
            let Some(socket) = &self.socket else { return Ok(None) };
            write_frame(socket, kind, payload)?;
            if self.interrupt.as_ref().is_some_and(|interrupt| !is_answered(socket, interrupt, kind == READ)) {
                self.is_given_up = true;
                return Err(io::ErrorKind::TimedOut.into());
            }
            read_frame(socket, &mut self.answer)
        };
        match ask() {
            Ok(Some(GOOD)) => Ok(&self.answer),
            Ok(Some(_)) => Err(refusal(&self.answer)),
            Ok(None) => Err(broken(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(broken(&error)),
        }
    }
}

/// The worker's end of something that is bound, and its name.
pub(super) fn bind_of<'a>(bind: &'a Value, control: &Arc<Mutex<UnixStream>>, failing: &Failing) -> (&'a str, Bind) {
    let name = bind["name"].as_str().unwrap_or_default();
    let made = match bind["kind"].as_str() {
        Some("store") => {
            let (failing, control) = (Arc::clone(failing), Arc::clone(control));
            Bind::Store(Arc::new(RemoteStore { failing, control, name: name.to_owned() }))
        }
        kind => {
            let abilities = Abilities::of_json(&bind["abilities"]);
            Bind::Io(Some(Box::new(RemoteStream::new(control, failing, name, kind == Some("input"), abilities))))
        }
    };
    (name, made)
}

/// Waits for the host's answer; false where it is given up first: the time of the input or output is over, or the job needs no more of it.
fn is_answered(socket: &UnixStream, interrupt: &Interrupt, reads: bool) -> bool {
    /// Between two looks whether it is still wanted.
    const STEP: Duration = Duration::from_millis(100);
    loop {
        // A millisecond more, so that it is over then.
        let step = interrupt.time_left().map_or(STEP, |left| left.min(STEP)) + Duration::from_millis(1);
        if wait_readable([socket.as_raw_fd()], step.as_millis() as i32)[0] {
            return true;
        }
        if interrupt.is_cancelled() || reads && interrupt.is_reading_stopped() {
            return false;
        }
    }
}

/// How many bytes the host said, which may be nonsense (`HostStream` says so), and those that came.
fn counted(answer: &[u8]) -> (usize, &[u8]) {
    answer.split_first_chunk::<8>().map_or((0, &[]), |(count, bytes)| (u64::from_le_bytes(*count) as usize, bytes))
}

fn refusal(answer: &[u8]) -> StreamError {
    let (code, text) =
        answer.split_first_chunk::<4>().map_or((-libc::EIO, &[][..]), |(c, t)| (i32::from_le_bytes(*c), t));
    StreamError { code, text: String::from_utf8_lossy(text).into_owned() }
}

impl ByteStream for RemoteStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let wanted = (buffer.len().min(1 << 20) as u32).to_le_bytes();
        let (count, got) = counted(self.ask(READ, &wanted)?);
        let there = got.len().min(buffer.len());
        buffer[..there].copy_from_slice(&got[..there]);
        Ok(count)
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        let data = &data[..data.len().min(1 << 20)];
        Ok(counted(self.ask(WRITE, data)?).0)
    }

    fn gather(&mut self, interval: Duration) {
        if let Some(socket) = &self.socket {
            // Unheard, the next question finds it out.
            let _ = write_frame(socket, GATHER, &(interval.as_millis() as u64).to_le_bytes());
        }
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.ask(SEEK, &position.to_le_bytes()).map(drop)
    }

    fn size(&mut self) -> Option<u64> {
        if let Some(size) = self.size {
            return size;
        }
        let size = self.ask(SIZE, &[]).ok()?.first_chunk::<8>().map(|size| u64::from_le_bytes(*size));
        if !self.abilities.can_write {
            self.size = Some(size);
        }
        size
    }

    fn can_seek(&self) -> bool {
        self.abilities.can_seek
    }

    fn can_read(&self) -> bool {
        self.abilities.can_read
    }

    fn can_write(&self) -> bool {
        self.abilities.can_write
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        let is_failing = self.failing.get().is_some_and(|is_failing| is_failing());
        let mut end = [0, 0, 0, 0, u8::from(is_failing)];
        end[..4].copy_from_slice(&code.to_le_bytes());
        let result = self.ask(CLOSE, &end).map(drop);
        self.socket = None;
        result
    }

    fn obey(&mut self, interrupt: &Arc<Interrupt>) {
        self.interrupt = Some(Arc::clone(interrupt));
    }

    fn chunk_bytes(&self) -> usize {
        self.abilities.chunk_bytes
    }

    fn flushes_packets(&self) -> bool {
        self.abilities.flushes_packets
    }
}

impl Drop for RemoteStream {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take().filter(|_| self.request["as"] == "input") {
            let _ = write_frame(&socket, LEAVE, &[]);
        }
    }
}

/// The worker's view of a store.
pub struct RemoteStore {
    pub failing: Failing,
    pub control: Arc<Mutex<UnixStream>>,
    pub name: String,
}

impl RemoteStore {
    fn call(&self, rest: &str, what: &str) -> Result<(UnixStream, Value, Vec<u8>), StreamError> {
        let request = json!({"name": self.name, "rest": rest, "as": what});
        let socket = RemoteStream::connect(&self.control, &request).map_err(|error| broken(&error))?;
        let mut answer = Vec::new();
        match read_frame(&socket, &mut answer) {
            Ok(Some(GOOD)) => Ok((socket, request, answer)),
            Ok(Some(_)) => Err(refusal(&answer)),
            Ok(None) => Err(broken(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(broken(&error)),
        }
    }
}

impl HostStore for RemoteStore {
    fn open(self: Arc<Self>, name: &str) -> Result<Box<dyn ByteStream>, StreamError> {
        let (socket, request, answer) = self.call(name, "file")?;
        let abilities = Abilities::of_json(&serde_json::from_slice(&answer).unwrap_or_default());
        let control = Arc::clone(&self.control);
        let failing = Arc::clone(&self.failing);
        Ok(Box::new(RemoteStream {
            failing,
            control,
            request,
            abilities,
            socket: Some(socket),
            answer: Vec::new(),
            interrupt: None,
            is_given_up: false,
            size: None,
        }))
    }

    fn remove(&self, name: &str) -> Result<(), StreamError> {
        self.call(name, "remove").map(drop)
    }
}
