//! What the host has bound to a job, by name.

use super::memory::{Buffer, BufferStream};
use super::recording::Tapes;
use super::shared::{Positioned, Shared};
use super::stream::HostStore;
use crate::av::{ByteStream, Interrupt};
use crate::engine::context::JobContext;
use crate::engine::pipe::{Pipe, PipeReader, PipeWriter, Side};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

const SCHEME: &str = "mt:";
const NAME_BYTES: usize = 64;

pub enum Bind {
    Pipe(Arc<Pipe>, Side),
    /// One that was opened.
    Opened(Arc<Pipe>, Side),
    /// Taken when it is opened.
    Io(Option<Box<dyn ByteStream>>),
    /// An io that was opened, and can be opened again for reading.
    Again(Weak<Mutex<Positioned>>),
    /// An output in memory, and whether it was opened: then it can be opened again for reading.
    Buffer(Arc<Buffer>, bool),
    Store(Arc<dyn HostStore>),
}

impl Bind {
    fn kind(&self) -> &'static str {
        match self {
            Bind::Pipe(_, Side::Read) | Bind::Opened(_, Side::Read) => "input",
            Bind::Io(Some(io)) if io.can_read() && !io.can_write() => "input",
            Bind::Store(_) => "store",
            _ => "either",
        }
    }

    /// Whether an output can write it.
    pub fn can_be_output(&self) -> bool {
        match self {
            Bind::Pipe(_, side) => *side == Side::Write,
            Bind::Io(Some(io)) => io.can_write(),
            Bind::Store(_) => true,
            _ => false,
        }
    }

    fn abilities(&self) -> Value {
        match self {
            Bind::Pipe(pipe, side) | Bind::Opened(pipe, side) => {
                let config = pipe.config();
                json!({
                    "seek": false, "read": *side == Side::Read, "write": *side == Side::Write, "chunk": config.chunk_bytes,
                    "flush": *side == Side::Write && config.flush_interval_ms >= 0,
                })
            }
            Bind::Io(Some(io)) => json!({
                "seek": io.can_seek(), "read": io.can_read(), "write": io.can_write(), "chunk": io.chunk_bytes(),
                "flush": io.flushes_packets(),
            }),
            Bind::Buffer(..) => json!({"seek": true, "read": true, "write": true, "chunk": 64 << 10, "flush": false}),
            _ => Value::Null,
        }
    }
    /// The pipe, which is opened from now on.
    fn take_pipe(&mut self) -> Option<Arc<Pipe>> {
        let Bind::Pipe(pipe, side) = self else { return None };
        let (pipe, side) = (Arc::clone(pipe), *side);
        *self = Bind::Opened(Arc::clone(&pipe), side);
        Some(pipe)
    }

    /// The io, to be written. One that can be read back stays open to be opened again.
    fn take_output(&mut self) -> Option<Box<dyn ByteStream>> {
        let Bind::Io(io) = self else { return None };
        let io = io.take()?;
        if !io.can_seek() || !io.can_read() {
            return Some(io);
        }
        let shared = Shared::new(io);
        *self = Bind::Again(shared.again());
        Some(Box::new(shared))
    }
}

/// Name, kind, and what a stream can do.
pub type Fact = (String, &'static str, Value);

/// What is bound, and what is kept of inputs that are read.
#[derive(Default)]
pub struct Binds(pub(super) Mutex<BTreeMap<String, Bind>>, pub(super) Tapes);

/// The name and the rest of `mt:NAME/rest`; None for another URL.
pub fn name_of(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix(SCHEME)?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

impl Binds {
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }

    /// What a process that reaches them through us must know: name, kind ("input", "output", "store"), and what a stream can do.
    pub fn facts(&self) -> Vec<Fact> {
        if let Some(facts) = self.1.facts() {
            return facts;
        }
        self.facts_now()
    }

    /// As [`Self::facts`], of what is bound at this moment, also while the job runs.
    pub fn facts_now(&self) -> Vec<Fact> {
        let binds = self.0.lock();
        binds.iter().map(|(name, bind)| (name.clone(), bind.kind(), bind.abilities())).collect()
    }

    /// The bind comes back where it is refused: it stays the host's.
    pub fn add(&self, name: &str, bind: Bind) -> Result<(), (Error, Bind)> {
        let mut binds = self.0.lock();
        if !is_name(name) {
            let text =
                format!("'{name}' cannot be bound: a name has 1 to {NAME_BYTES} letters, digits, '.', '_' or '-'");
            return Err((Error::invalid(text), bind));
        }
        if binds.contains_key(name) {
            return Err((Error::new(Code::EEXIST, format!("mt:{name} is bound already")), bind));
        }
        if let Bind::Pipe(pipe, side) = &bind
            && let Err(error) = pipe.claim(*side)
        {
            return Err((error, bind));
        }
        binds.insert(name.to_owned(), bind);
        Ok(())
    }

    /// Whether an input, or an output, can be what the URL says.
    pub fn check(&self, url: &str, side: Side) -> Result<(), Error> {
        let Some((name, rest)) = name_of(url) else { return check_nested(url) };
        let binds = self.0.lock();
        let refuse = |text: String| Err(Error::option(text));
        match (binds.get(name), side) {
            (None, _) => refuse(format!("mt:{name} is not bound to anything")),
            (Some(Bind::Pipe(_, bound)), _) if *bound != side => refuse(format!(
                "the pipe mt:{name} is bound for {}, but the job uses it for {}",
                bound.word(),
                side.word()
            )),
            (Some(Bind::Store(_)), Side::Read) => refuse(format!("mt:{name} is a store, which takes outputs only")),
            (Some(Bind::Buffer(..)), Side::Read) => {
                refuse(format!("mt:{name} is a buffer, which takes an output only"))
            }
            (Some(Bind::Store(_)), _) if relative(rest).is_none() => {
                refuse(format!("'{url}' names no file of the store: mt:{name}/NAME, without '..'"))
            }
            (Some(Bind::Io(Some(io))), Side::Read) if !io.can_read() => {
                refuse(format!("mt:{name} cannot be read: what is bound there only takes what is written"))
            }
            (Some(Bind::Io(Some(io))), Side::Write) if !io.can_write() => {
                refuse(format!("mt:{name} cannot be written: what is bound there is only read"))
            }
            (Some(Bind::Pipe(..) | Bind::Io(_) | Bind::Buffer(..)), _) if !rest.is_empty() => {
                refuse(format!("'{url}': mt:{name} is one stream, it has no files"))
            }
            _ => Ok(()),
        }
    }

    /// What an input reads. An io can be taken once.
    pub fn reader(
        &self,
        name: &str,
        context: &JobContext,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Box<dyn ByteStream>, Error> {
        if let Some(again) = self.read_again(name, context, interrupt) {
            return Ok(again);
        }
        let stream: Box<dyn ByteStream> = match self.0.lock().get_mut(name) {
            Some(bind @ Bind::Pipe(_, Side::Read)) => {
                let pipe = bind.take_pipe().ok_or_else(|| opened_before(name))?;
                context.wake_with(&pipe);
                Box::new(PipeReader::new(pipe, Arc::clone(interrupt)).kept(self.1.keeps_streams()))
            }
            Some(Bind::Opened(..) | Bind::Again(_)) => return Err(opened_before(name)),
            Some(Bind::Io(io)) => io.take().ok_or_else(|| opened_before(name))?,
            _ => return Err(Error::option(format!("mt:{name} cannot be read"))),
        };
        Ok(self.1.tape(name, stream))
    }

    /// What an output writes: `rest` is the name in a store.
    pub fn writer(
        &self,
        name: &str,
        rest: &str,
        context: &JobContext,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Box<dyn ByteStream>, Error> {
        let mut binds = self.0.lock();
        match binds.get_mut(name) {
            Some(bind @ Bind::Pipe(_, Side::Write)) => {
                let pipe = bind.take_pipe().ok_or_else(|| opened_before(name))?;
                context.wake_with(&pipe);
                Ok(Box::new(PipeWriter::new(pipe, Arc::clone(interrupt), context.failing())))
            }
            Some(bind @ Bind::Io(_)) => bind.take_output().ok_or_else(|| opened_before(name)),
            Some(Bind::Buffer(buffer, is_open @ false)) => {
                *is_open = true;
                Ok(Box::new(BufferStream::new(buffer)))
            }
            Some(Bind::Opened(..) | Bind::Again(_) | Bind::Buffer(..)) => Err(opened_before(name)),
            Some(Bind::Store(store)) => {
                let store = Arc::clone(store);
                drop(binds); // the host's code runs without our lock
                let file = relative(rest).ok_or_else(|| Error::option(format!("'{rest}' is no name for a store")))?;
                store.open(&file).map_err(|error| Error::new(Code::from_c(error.code), error.text))
            }
            _ => Err(Error::option(format!("mt:{name} cannot be written"))),
        }
    }

    /// What an output has written, to be read back by its muxer.
    pub fn reopen(&self, name: &str) -> Option<Box<dyn ByteStream>> {
        match self.0.lock().get(name) {
            Some(Bind::Again(again)) => Shared::second(again).map(|shared| Box::new(shared) as Box<dyn ByteStream>),
            Some(Bind::Buffer(buffer, true)) => Some(Box::new(BufferStream::new(buffer))),
            _ => None,
        }
    }

    /// The pipe of that name, also when it was opened.
    pub fn pipe(&self, name: &str) -> Option<Arc<Pipe>> {
        match self.0.lock().get(name) {
            Some(Bind::Pipe(pipe, _) | Bind::Opened(pipe, _)) => Some(Arc::clone(pipe)),
            _ => None,
        }
    }

    /// The pipes that are bound, by name, and the job's side of each. None where that cannot be told now.
    pub fn pipes(&self) -> Option<Vec<(String, Arc<Pipe>, Side)>> {
        let binds = self.0.try_lock_for(std::time::Duration::from_millis(100))?;
        let pipe = |(name, bind): (&String, &Bind)| match bind {
            Bind::Pipe(pipe, side) | Bind::Opened(pipe, side) => Some((name.clone(), Arc::clone(pipe), *side)),
            _ => None,
        };
        Some(binds.iter().filter_map(pipe).collect())
    }

    pub fn store(&self, name: &str) -> Option<Arc<dyn HostStore>> {
        match self.0.lock().get(name) {
            Some(Bind::Store(store)) => Some(Arc::clone(store)),
            _ => None,
        }
    }

    /// The output that had a stream is final, though its job goes on: the stream ends, and the name is free.
    pub fn finish_one(&self, name: &str, result: Code) {
        let mut binds = self.0.lock();
        if matches!(binds.get(name), None | Some(Bind::Store(_))) {
            return;
        }
        let bind = binds.remove(name);
        drop(binds); // what is dropped may call the host
        if let Some(Bind::Pipe(pipe, side) | Bind::Opened(pipe, side)) = &bind {
            pipe.leave(*side, if result == Code::OK { Code::EPIPE } else { result });
        }
    }

    /// What was bound for an output that never joined is the host's again, and the name free.
    pub fn give_back(&self, name: &str) {
        let mut binds = self.0.lock();
        if !matches!(binds.get(name), Some(Bind::Pipe(..) | Bind::Io(Some(_)))) {
            return;
        }
        let bind = binds.remove(name);
        drop(binds); // what is dropped may call the host
        if let Some(Bind::Pipe(pipe, side)) = bind {
            pipe.unclaim(side);
        }
    }

    /// The job is final: its sides of pipes end with its result, and what is left is the host's again.
    pub fn finish(&self, result: Code) {
        self.1.clear();
        let binds = std::mem::take(&mut *self.0.lock());
        for bind in binds.values() {
            let (Bind::Pipe(pipe, side) | Bind::Opened(pipe, side)) = bind else { continue };
            // A writer that ended well has said so itself: to one that has not, success of the others is no end.
            let code = if result == Code::OK { Code::EPIPE } else { result };
            pipe.leave(*side, code);
        }
    }

    /// The job was never started: its pipes can be bound again.
    pub fn release(&self) {
        for bind in std::mem::take(&mut *self.0.lock()).into_values() {
            if let Bind::Pipe(pipe, side) = bind {
                pipe.unclaim(side);
            }
        }
    }
}

fn opened_before(name: &str) -> Error {
    Error::new(Code::EBUSY, format!("mt:{name} was opened before: each stream can be opened once"))
}

/// `mt:` inside another protocol: FFmpeg would look for a protocol of that name.
fn check_nested(url: &str) -> Result<(), Error> {
    let is_nested = [":", "|", ",", "]"].iter().any(|before| url.contains(&format!("{before}{SCHEME}")));
    // A tee output opens its parts through us.
    if !is_nested || url.starts_with('[') || !url.contains(':') || url.split('|').all(|part| name_of(part).is_some()) {
        return Ok(());
    }
    let text = format!("'{url}': mt: stands only at the beginning of a URL, not inside another protocol");
    Err(Error::new(Code::UNSUPPORTED, text).at("options"))
}

/// A name in a store: relative, no part of it "." or "..", nothing empty.
pub(super) fn relative(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('/').filter(|part| *part != ".").collect();
    let is_good = parts.iter().all(|part| !part.is_empty() && *part != ".." && !part.contains('\0'));
    (is_good && !parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_store_stay_inside_it() {
        assert_eq!(relative("a/./b.ts").as_deref(), Some("a/b.ts"));
        for bad in ["", ".", "/etc/passwd", "../x", "a/../../x", "a//b", "a/"] {
            assert_eq!(relative(bad), None, "{bad}");
        }
    }

    #[test]
    fn mt_stands_at_the_beginning_only() {
        let binds = Binds::default();
        for bad in ["concat:mt:a", "concat:x|mt:a", "subfile,,start,0,end,9,,:mt:a", "crypto:mt:a"] {
            let error = binds.check(bad, Side::Read).unwrap_err();
            assert_eq!(error.code(), Code::UNSUPPORTED, "{bad}: {error}");
        }
        for good in ["rtmp://a/b", "file.mt", "format:x", "[f=mpegts]mt:a|[f=flv]mt:b", "C:/amt:x/y"] {
            assert!(binds.check(good, Side::Write).is_ok(), "{good}");
        }
        assert!(binds.check("mt:a", Side::Read).unwrap_err().message().contains("mt:a"));
    }
}
