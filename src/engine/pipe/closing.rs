//! The host's ways to end a side, or all of a pipe.

use super::transfer::{busy, freed};
use super::{Pipe, Side};
use crate::error::{Code, Error};

impl Pipe {
    /// The host ends writing: 0, or a negative code for the reader.
    pub fn close_write(&self, code: i32) -> Result<(), Error> {
        if code > 0 {
            return Err(Error::invalid(format!("the code {code} is positive; codes are 0 or negative")));
        }
        self.check_closing(Side::Write)?;
        match self.end_writing(code) {
            true => Ok(()),
            false => Err(Error::new(Code::EALREADY, "the writing side was closed before".into())),
        }
    }

    /// The host ends reading: the writer gets `-EPIPE`.
    pub fn close_read(&self) -> Result<(), Error> {
        self.check_closing(Side::Read)?;
        match self.end_reading() {
            true => Ok(()),
            false => Err(Error::new(Code::EALREADY, "the reading side was closed before".into())),
        }
    }

    fn check_closing(&self, side: Side) -> Result<(), Error> {
        let mut state = self.state.lock();
        let is_ended = match side {
            Side::Write => state.write_end.is_some(),
            Side::Read => state.is_read_closed,
        };
        match (state.is_freed, is_ended, state.side(side).is_bound) {
            (true, ..) => Err(freed()),
            (_, true, _) => Err(Error::new(Code::EALREADY, format!("the {} side was closed before", side.word()))),
            (.., true) => Err(busy(side)),
            _ => Ok(()),
        }
    }

    /// The host gives the pipe up: sides of its own that are open count as broken off. Calls that wait return `-EBADF`.
    /// False where it was freed before.
    pub fn free(&self) -> bool {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_freed, true) {
            return false;
        }
        let (writes, reads) = (!state.writer.is_bound, !state.reader.is_bound);
        self.close_fds(&mut state);
        state.watched = 0;
        drop(state);
        if writes {
            self.end_writing(Code::EPIPE.to_c());
        }
        if reads {
            self.end_reading();
        }
        true
    }

    pub fn is_freed(&self) -> bool {
        self.state.lock().is_freed
    }
}
