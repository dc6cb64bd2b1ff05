//! What a job has read of the host's inputs, kept up to a limit: for captures of jobs that failed, and for running a job once more.

use crate::av::ByteStream;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// More pieces than that are not kept: an input that is read byte by byte, here and there, would cost more than its bytes.
pub(super) const MOST_REGIONS: usize = 4096;

/// Bytes of an input, where they stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub at: u64,
    pub bytes: Vec<u8>,
}

impl Region {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

/// What is kept of one input.
pub struct Tape {
    limit_bytes: usize,
    /// The stream itself stays here when who read it is gone without a word, so that it can be read again.
    keeps_stream: bool,
    state: Mutex<State>,
    /// Nothing more will be kept.
    is_full: AtomicBool,
}

#[derive(Default)]
struct State {
    /// In order, without overlaps, and without gaps where two meet.
    regions: Vec<Region>,
    held_bytes: usize,
    /// Something was read that is not held.
    is_cut: bool,
    /// Where the input ended.
    end: Option<u64>,
    /// What its stream said, where it can.
    size: Option<u64>,
    /// The job has let go of it.
    is_left: bool,
    /// The next reader begins anew.
    is_again: bool,
    kept: Option<Box<dyn ByteStream>>,
}

/// What is known of an input that was read.
#[derive(Clone, Debug)]
pub struct Taped {
    pub regions: Vec<Region>,
    pub is_cut: bool,
    pub end: Option<u64>,
    pub size: Option<u64>,
}

impl Tape {
    pub fn new(limit_bytes: u64, keeps_stream: bool) -> Arc<Tape> {
        Arc::new(Tape {
            limit_bytes: usize::try_from(limit_bytes).unwrap_or(usize::MAX),
            keeps_stream,
            state: Mutex::default(),
            is_full: AtomicBool::new(false),
        })
    }

    /// The stream is nobody's any more.
    pub(super) fn keep_stream(&self, stream: Option<Box<dyn ByteStream>>) {
        if self.keeps_stream {
            self.state.lock().kept = stream;
        }
    }

    pub(super) fn set_size(&self, size: u64) {
        self.state.lock().size = Some(size);
    }

    pub(super) fn set_left(&self) {
        self.state.lock().is_left = true;
    }

    /// A copy of what there is.
    pub fn taped(&self) -> Taped {
        let state = self.state.lock();
        Taped { regions: state.regions.clone(), is_cut: state.is_cut, end: state.end, size: state.size }
    }

    /// Runs `look` on what is held in one piece from the beginning, and whether that is the whole input.
    pub fn beginning<T>(&self, look: impl FnOnce(&[u8], bool) -> T) -> T {
        let state = self.state.lock();
        let bytes = state.regions.first().filter(|first| first.at == 0).map_or(&[][..], |first| &first.bytes);
        look(bytes, state.end == Some(bytes.len() as u64))
    }

    /// Prepares that the input is read from its beginning by the next reader; why not, where it cannot be.
    pub fn rewind(&self) -> Result<(), String> {
        let mut state = self.state.lock();
        let is_whole = !state.is_cut && state.end.is_some();
        match &state.kept {
            _ if is_whole => {}
            None if state.is_left => return Err("the job had let go of it before its end".into()),
            None => return Err("its stream is gone".into()),
            Some(stream) if state.is_cut && !stream.can_seek() => {
                return Err(format!("more than the {} bytes that are kept of it had been read", self.limit_bytes));
            }
            Some(_) => {}
        }
        state.is_again = true;
        Ok(())
    }

    /// Whether a reader begins anew, once.
    pub fn take_again(&self) -> bool {
        std::mem::take(&mut self.state.lock().is_again)
    }

    pub fn is_left(&self) -> bool {
        self.state.lock().is_left
    }

    pub fn take_kept(&self) -> Option<Box<dyn ByteStream>> {
        self.state.lock().kept.take()
    }

    /// How many bytes can be given in one piece from the beginning.
    pub(super) fn beginning_bytes(&self) -> u64 {
        self.beginning(|bytes, _| bytes.len() as u64)
    }

    pub(super) fn give(&self, at: u64, buffer: &mut [u8]) -> usize {
        self.beginning(|bytes, _| {
            let left = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            let count = left.len().min(buffer.len());
            buffer[..count].copy_from_slice(&left[..count]);
            count
        })
    }

    pub(super) fn record(&self, at: u64, bytes: &[u8]) {
        if self.is_full.load(Relaxed) {
            return;
        }
        let mut state = self.state.lock();
        match bytes.is_empty() {
            true => state.end = Some(at),
            false => state.keep(at, bytes, self.limit_bytes),
        }
        if state.is_cut {
            self.is_full.store(true, Relaxed);
        }
    }
}

impl State {
    fn keep(&mut self, mut at: u64, mut bytes: &[u8], limit_bytes: usize) {
        while !bytes.is_empty() {
            let next = self.regions.partition_point(|region| region.at <= at);
            let before = next.checked_sub(1).map(|index| self.regions[index].end());
            let mut count = bytes.len();
            if let Some(end) = before.filter(|end| *end > at) {
                count = count.min((end - at) as usize); // it is there already
            } else {
                count = self.regions.get(next).map_or(count, |after| count.min((after.at - at) as usize));
                let room = count.min(limit_bytes - self.held_bytes);
                if room > 0 && before == Some(at) {
                    self.regions[next - 1].bytes.extend_from_slice(&bytes[..room]);
                    self.held_bytes += room;
                } else if room > 0 && self.regions.len() < MOST_REGIONS {
                    self.regions.insert(next, Region { at, bytes: bytes[..room].to_vec() });
                    self.held_bytes += room;
                } else {
                    self.is_cut = true;
                    return;
                }
                self.join(next.saturating_sub(1));
                self.is_cut |= room < count;
                if self.is_cut {
                    return;
                }
            }
            at += count as u64;
            bytes = &bytes[count..];
        }
    }

    /// Joins a region with the one or two behind it, where they meet.
    fn join(&mut self, index: usize) {
        for index in (index..index + 2).rev() {
            if self.regions.get(index).zip(self.regions.get(index + 1)).is_some_and(|(a, b)| a.end() == b.at) {
                let behind = self.regions.remove(index + 1);
                self.regions[index].bytes.extend_from_slice(&behind.bytes);
            }
        }
    }
}
