//! What is kept of the inputs of a job, and whether the job can begin anew.

use super::binds::{Bind, Binds, Fact};
use super::tape::Tape;
use super::taped::{Look, TapedStream};
use crate::av::ByteStream;
use crate::av::Interrupt;
use crate::engine::context::JobContext;
use crate::engine::pipe::{PipeReader, Side};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How inputs are kept.
#[derive(Clone)]
pub struct Recording {
    /// Of each input.
    pub limit_bytes: u64,
    /// Streams stay when who read them is gone without a word.
    pub keeps_streams: bool,
    pub look: Option<Look>,
}

#[derive(Default)]
pub struct Tapes(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    recording: Option<Recording>,
    tapes: BTreeMap<String, Arc<Tape>>,
    /// As it was bound: what is opened forgets it.
    facts: Option<Vec<Fact>>,
}

impl Tapes {
    pub fn keeps_streams(&self) -> bool {
        self.0.lock().recording.as_ref().is_some_and(|recording| recording.keeps_streams)
    }

    /// The stream, taped where that is wanted.
    pub fn tape(&self, name: &str, stream: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        let mut inner = self.0.lock();
        let Some(recording) = inner.recording.clone() else { return stream };
        let tape = Tape::new(recording.limit_bytes, recording.keeps_streams);
        inner.tapes.insert(name.to_owned(), Arc::clone(&tape));
        Box::new(TapedStream::new(stream, &tape, name, recording.look))
    }

    pub fn facts(&self) -> Option<Vec<Fact>> {
        self.0.lock().facts.clone()
    }

    fn get(&self, name: &str) -> Option<Arc<Tape>> {
        self.0.lock().tapes.get(name).cloned()
    }

    /// The streams that were kept go, outside of the lock: that may call the host.
    pub fn clear(&self) {
        let tapes = std::mem::take(&mut self.0.lock().tapes);
        drop(tapes);
    }
}

impl Binds {
    /// Inputs that are opened from now on are kept.
    pub fn record(&self, recording: Recording) {
        let facts = self.facts();
        let mut inner = self.1.0.lock();
        inner.facts = Some(facts);
        inner.recording = Some(recording);
    }

    /// What is kept, by name.
    pub fn tapes(&self) -> Vec<(String, Arc<Tape>)> {
        self.1.0.lock().tapes.iter().map(|(name, tape)| (name.clone(), Arc::clone(tape))).collect()
    }

    /// Prepares that all streams are opened once more, from their beginnings; why not, where one cannot be.
    pub fn rewind(&self) -> Result<(), String> {
        let binds = &mut *self.0.lock();
        for (name, bind) in &*binds {
            let again = match (bind, self.1.get(name)) {
                (Bind::Opened(_, Side::Read) | Bind::Io(None), Some(tape)) => tape.rewind(),
                (Bind::Opened(..) | Bind::Io(None) | Bind::Again(_), _) => {
                    Err("something had been written to it".into())
                }
                _ => Ok(()),
            };
            again.map_err(|why| format!("mt:{name}: {why}"))?;
        }
        for bind in binds.values_mut() {
            if let Bind::Buffer(buffer, is_open) = bind {
                buffer.clear();
                *is_open = false;
            }
        }
        Ok(())
    }

    /// The input, where it is to be read from its beginning once more.
    pub(super) fn read_again(
        &self,
        name: &str,
        context: &JobContext,
        interrupt: &Arc<Interrupt>,
    ) -> Option<Box<dyn ByteStream>> {
        let tape = self.1.get(name).filter(|tape| tape.take_again())?;
        let look = self.1.0.lock().recording.as_ref().and_then(|recording| recording.look.clone());
        let kept = tape.take_kept();
        let inner = match self.0.lock().get(name) {
            // The one that was kept hears the cancel of the run before.
            Some(Bind::Opened(pipe, Side::Read)) if kept.is_some() => {
                context.wake_with(pipe);
                let reader = PipeReader::new(Arc::clone(pipe), Arc::clone(interrupt)).kept(true);
                Some(Box::new(reader) as Box<dyn ByteStream>)
            }
            _ => kept,
        };
        Some(Box::new(TapedStream::again(inner, &tape, name, look)))
    }
}
