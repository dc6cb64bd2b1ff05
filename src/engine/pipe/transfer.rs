//! Reading and writing: for the host, and for a job's ends.

use super::gather::look;
use super::state::State;
use super::{Pipe, Side};
use crate::error::{Code, Error};
use parking_lot::{Condvar, MutexGuard};
use std::time::{Duration, Instant};

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Never,
    For(Duration),
    Forever,
}

impl Wait {
    pub(super) fn until(self) -> Option<Instant> {
        match self {
            Wait::For(time) => Instant::now().checked_add(time),
            _ => None,
        }
    }
}

/// Who calls: the host, or a job that has the side, with the reason why it gives up.
#[derive(Clone, Copy)]
pub(super) enum Caller<'a> {
    Host,
    Job(&'a dyn Fn() -> Option<Error>),
}

impl Caller<'_> {
    /// Whether it still wants to go on.
    fn check(self, state: &State) -> Result<(), Error> {
        let given_up = match self {
            Caller::Host => state.is_freed.then(freed),
            Caller::Job(reason) => reason(),
        };
        given_up.map_or(Ok(()), Err)
    }
}

pub(super) fn freed() -> Error {
    Error::new(Code::EBADF, "the pipe was freed".into())
}

fn broken(text: &str) -> Error {
    Error::new(Code::EPIPE, text.into())
}

pub(super) fn busy(side: Side) -> Error {
    let text =
        format!("the {} side of the pipe belongs to a job, to another call, or to a region that is out", side.word());
    Error::new(Code::EBUSY, text)
}

/// What a reader gets behind the last byte.
pub(super) fn end_of(code: i32) -> Result<usize, Error> {
    if code == 0 {
        return Ok(0);
    }
    let code = Code::from_c(code);
    let name = code.name().to_string_lossy();
    Err(Error::new(code, format!("the writer of the pipe ended it with {} ({name})", code.to_c())))
}

impl Pipe {
    /// Writes all of `data`, or what fits in the time: at least one byte, or an error.
    pub fn write(&self, data: &[u8], wait: Wait) -> Result<usize, Error> {
        self.write_as(Caller::Host, data, wait)
    }

    /// Reads at least one byte; 0 at the end.
    pub fn read(&self, buffer: &mut [u8], wait: Wait) -> Result<usize, Error> {
        self.read_as(Caller::Host, buffer, wait)
    }

    /// Takes a side for one call.
    pub(super) fn enter(&self, state: &mut State, side: Side, caller: Caller) -> Result<(), Error> {
        let is_host = matches!(caller, Caller::Host);
        if is_host && state.is_freed {
            return Err(freed());
        }
        let part = state.side(side);
        if is_host && part.is_bound || part.is_busy || part.is_out {
            return Err(busy(side));
        }
        part.is_busy = true;
        Ok(())
    }

    pub(super) fn write_as(&self, caller: Caller, data: &[u8], wait: Wait) -> Result<usize, Error> {
        let mut state = self.state.lock();
        self.enter(&mut state, Side::Write, caller)?;
        let mut written = 0;
        let result = self.write_all(&mut state, caller, data, wait, &mut written);
        state.writer.is_busy = false;
        // What was written is told; the error comes with the next call.
        if written > 0 { Ok(written) } else { result.map(|()| 0) }
    }

    fn write_all(
        &self,
        state: &mut MutexGuard<State>,
        caller: Caller,
        data: &[u8],
        wait: Wait,
        written: &mut usize,
    ) -> Result<(), Error> {
        let until = wait.until();
        loop {
            self.check_writer(state, caller)?;
            if *written == data.len() {
                return Ok(());
            }
            match self.ring.reserve(data.len() - *written) {
                Some(mut region) => {
                    let count = region.length();
                    let source = &data[*written..*written + count];
                    MutexGuard::unlocked(state, || region.as_mut_slice().copy_from_slice(source));
                    region.commit(count);
                    *written += count;
                    self.wrote(state, count);
                }
                None => self.wait(&self.writable, state, wait, until, None)?,
            }
        }
    }

    pub(super) fn check_writer(&self, state: &State, caller: Caller) -> Result<(), Error> {
        caller.check(state)?;
        match (state.is_read_closed, state.write_end) {
            (true, _) => Err(broken("the reader of the pipe is gone")),
            (_, Some(_)) => Err(broken("the writing side of the pipe was closed")),
            _ => Ok(()),
        }
    }

    pub(super) fn read_as(&self, caller: Caller, buffer: &mut [u8], wait: Wait) -> Result<usize, Error> {
        let mut state = self.state.lock();
        self.enter(&mut state, Side::Read, caller)?;
        let result = self.read_some(&mut state, caller, buffer, wait);
        state.reader.is_busy = false;
        result
    }

    fn read_some(
        &self,
        state: &mut MutexGuard<State>,
        caller: Caller,
        buffer: &mut [u8],
        wait: Wait,
    ) -> Result<usize, Error> {
        let until = wait.until();
        let mut look_at = None;
        loop {
            self.check_reader(state, caller)?;
            if buffer.is_empty() {
                return Ok(0);
            }
            let count = self.take(state, buffer);
            if count > 0 {
                state.is_starved = false;
                state.reads += 1;
                self.settle(state);
                return Ok(count);
            }
            if let Some(code) = state.write_end {
                return end_of(code);
            }
            self.wait_to_read(state, wait, until, &mut look_at)?;
        }
    }

    pub(super) fn check_reader(&self, state: &State, caller: Caller) -> Result<(), Error> {
        caller.check(state)?;
        match state.is_read_closed {
            true => Err(broken("the reading side of the pipe was closed")),
            false => Ok(()),
        }
    }

    /// Shows held bytes whose time has come, or waits for bytes. `look_at` is the reader's, None at first.
    pub(super) fn wait_to_read(
        &self,
        state: &mut MutexGuard<State>,
        wait: Wait,
        until: Option<Instant>,
        look_at: &mut Option<Instant>,
    ) -> Result<(), Error> {
        let next_shown = self.show_or_look_at(state, until, look_at);
        if state.shown_bytes() > 0 {
            return Ok(());
        }
        let result = self.wait(&self.readable, state, wait, until, next_shown);
        state.is_looked_at = false;
        result
    }

    /// Shows held bytes whose time has come; else the moment when it comes. Where a job has yet to write, a reader looks again after the interval, once,
    /// so that it need not be woken by each first byte to learn when that is due: a busy job would wake it twice for each chunk.
    fn show_or_look_at(
        &self,
        state: &mut State,
        until: Option<Instant>,
        look_at: &mut Option<Instant>,
    ) -> Option<Instant> {
        if let Some(interval) = state.gathers.filter(|_| !state.writer.is_bound) {
            return look(state, interval, until, look_at);
        }
        let interval = self.config.flush_interval()?;
        let now = Instant::now();
        if let Some(since) = state.held_since {
            state.show_due(now, interval);
            return state.held_since.map(|_| since + interval);
        }
        let time = *look_at.get_or_insert(now + interval);
        state.is_looked_at = state.writer.is_bound && now < time;
        state.is_looked_at.then_some(time)
    }

    /// Copies what is there: first what a probe gave back, then the ring in at most two pieces.
    fn take(&self, state: &mut MutexGuard<State>, buffer: &mut [u8]) -> usize {
        let returned = &state.returned[state.returned_at..];
        if !returned.is_empty() {
            let count = returned.len().min(buffer.len());
            buffer[..count].copy_from_slice(&returned[..count]);
            state.took_returned(count);
            return count;
        }
        let mut count = 0;
        while count < buffer.len() {
            let limit = state.shown_bytes().min(buffer.len() - count);
            let Some(region) = self.ring.peek(limit) else { break };
            let target = &mut buffer[count..count + region.as_slice().len()];
            MutexGuard::unlocked(state, || target.copy_from_slice(region.as_slice()));
            count += target.len();
            state.read += target.len() as u64;
            region.consume(target.len());
        }
        count
    }

    /// Waits for a change, for `until`, or for `also_until`, whichever comes first.
    pub(super) fn wait(
        &self,
        changed: &Condvar,
        state: &mut MutexGuard<State>,
        wait: Wait,
        until: Option<Instant>,
        also_until: Option<Instant>,
    ) -> Result<(), Error> {
        if wait == Wait::Never {
            return Err(Error::new(Code::EAGAIN, "the pipe is not ready".into()));
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Err(Error::new(Code::ETIMEDOUT, "the time was over first".into()));
        }
        match [until, also_until].into_iter().flatten().min() {
            Some(first) => drop(changed.wait_until(state, first)),
            None => changed.wait(state),
        }
        Ok(())
    }
}
