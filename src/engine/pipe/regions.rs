//! The memory of the ring itself, lent to the host.

use super::state::{Peeked, State};
use super::transfer::{Caller, Wait, end_of};
use super::{Pipe, Side};
use crate::error::Error;
use parking_lot::MutexGuard;

impl Pipe {
    /// Free bytes in one piece for the host to fill. They stay valid until the commit, also when the pipe is freed.
    pub fn acquire(&self, wait: Wait) -> Result<(*mut u8, usize), Error> {
        let mut state = self.state.lock();
        self.enter(&mut state, Side::Write, Caller::Host)?;
        let until = wait.until();
        let result = loop {
            if let Err(error) = self.check_writer(&state, Caller::Host) {
                break Err(error);
            }
            if let Some(mut region) = self.ring.reserve(usize::MAX) {
                let slice = region.as_mut_slice();
                let place = (slice.as_mut_ptr(), slice.len());
                state.region_out = Some(region);
                state.writer.is_out = true;
                break Ok(place);
            }
            if let Err(error) = self.wait(&self.writable, &mut state, wait, until, None) {
                break Err(error);
            }
        };
        state.writer.is_busy = false;
        result
    }

    /// The first `count` bytes of what was acquired are written.
    pub fn commit(&self, count: u64) -> Result<(), Error> {
        let mut state = self.state.lock();
        let length = state.region_out.as_ref().map(|region| region.length() as u64);
        let Some(length) = length else { return Err(Error::invalid("no region was acquired".into())) };
        if count > length {
            return Err(Error::invalid(format!("{count} bytes were committed, {length} were acquired")));
        }
        let region = state.region_out.take();
        state.writer.is_out = false;
        self.check_writer(&state, Caller::Host)?;
        if let Some(region) = region.filter(|_| count > 0) {
            region.commit(count as usize);
            self.wrote(&mut state, count as usize);
        }
        Ok(())
    }

    /// Written bytes in one piece; none at the end. They stay valid until they are consumed, also when the pipe is freed.
    pub fn peek(&self, wait: Wait) -> Result<(*const u8, usize), Error> {
        let mut state = self.state.lock();
        self.enter(&mut state, Side::Read, Caller::Host)?;
        let result = self.peek_some(&mut state, wait);
        state.reader.is_busy = false;
        state.reader.is_out = !matches!(state.peeked, Peeked::Nothing);
        result
    }

    fn peek_some(&self, state: &mut MutexGuard<State>, wait: Wait) -> Result<(*const u8, usize), Error> {
        let until = wait.until();
        let mut look_at = None;
        loop {
            self.check_reader(state, Caller::Host)?;
            if state.returned_bytes() > 0 {
                let slice = &state.returned[state.returned_at..];
                let place = (slice.as_ptr(), slice.len());
                state.peeked = Peeked::Returned(place.1);
                return Ok(place);
            }
            if let Some(region) = self.ring.peek(state.shown_bytes()) {
                let place = (region.as_slice().as_ptr(), region.as_slice().len());
                state.peeked = Peeked::Region(region);
                return Ok(place);
            }
            if let Some(code) = state.write_end {
                return end_of(code).map(|_| (std::ptr::null(), 0));
            }
            self.wait_to_read(state, wait, until, &mut look_at)?;
        }
    }

    /// The first `count` bytes of what was peeked at were read.
    pub fn consume(&self, count: u64) -> Result<(), Error> {
        let mut state = self.state.lock();
        let length = match &state.peeked {
            Peeked::Nothing => return Err(Error::invalid("nothing was peeked at".into())),
            Peeked::Region(region) => region.as_slice().len(),
            Peeked::Returned(length) => *length,
        };
        if count > length as u64 {
            return Err(Error::invalid(format!("{count} bytes were consumed, {length} were peeked at")));
        }
        state.reader.is_out = false;
        match std::mem::replace(&mut state.peeked, Peeked::Nothing) {
            Peeked::Region(region) => {
                region.consume(count as usize);
                state.read += count;
            }
            _ => state.took_returned(count as usize),
        }
        state.reads += 1;
        self.settle(&mut state);
        Ok(())
    }

    /// Freed, with a region still out: its memory is kept until it comes back.
    pub fn has_region_out(&self) -> bool {
        let state = self.state.lock();
        state.region_out.is_some() || !matches!(state.peeked, Peeked::Nothing)
    }
}
