//! Telling the host that it can go on: descriptors, and the engine's list.

use super::state::{READABLE, State, WRITABLE};
use super::{Pipe, Side};
use crate::av::os::EventFd;
use crate::error::{Code, Error};
use std::os::fd::RawFd;

impl Pipe {
    pub(super) fn tell_host(&self, state: &mut State) {
        let (can_read, can_write) = (state.can_read(), state.can_write(&self.config));
        for (fd, is_ready) in [(&state.readable_fd, can_read), (&state.writable_fd, can_write)] {
            match fd {
                Some(fd) if is_ready => fd.raise(),
                Some(fd) => fd.lower(),
                None => {}
            }
        }
        let ready = if can_read { READABLE } else { 0 } | if can_write { WRITABLE } else { 0 };
        let told = state.watched & ready;
        if told != 0 {
            state.watched &= !told;
            self.listener.ready(told);
        }
    }

    /// Asks to be told once, through the engine's list, when reading or writing would not have to wait.
    pub fn watch(&self, bits: u32) -> Result<(), Error> {
        if bits == 0 || bits & !(READABLE | WRITABLE) != 0 {
            return Err(Error::invalid(format!("bits {bits:#x} are not MT_TRANSCODE_READY_READABLE or _WRITABLE")));
        }
        let mut state = self.state.lock();
        if state.is_freed {
            return Err(Error::new(Code::EBADF, "the pipe was freed".into()));
        }
        state.watched |= bits;
        self.show_in_time(&mut state);
        self.tell_host(&mut state);
        Ok(())
    }

    /// The descriptor of a side, made at the first call.
    pub fn fd(&self, side: Side) -> Result<RawFd, Error> {
        let mut state = self.state.lock();
        if state.is_freed {
            return Err(Error::new(Code::EBADF, "the pipe was freed".into()));
        }
        let place = match side {
            Side::Read => &mut state.readable_fd,
            Side::Write => &mut state.writable_fd,
        };
        if let Some(fd) = place {
            return Ok(fd.raw());
        }
        let fd = EventFd::new()?;
        let raw = fd.raw();
        *place = Some(fd);
        self.listener.descriptors(1);
        self.show_in_time(&mut state);
        self.tell_host(&mut state);
        Ok(raw)
    }

    /// Who listens is told of held bytes when their time comes. One plan at a time: where it comes for bytes that were shown meanwhile, the next is
    /// made then.
    pub(super) fn show_in_time(&self, state: &mut State) {
        if let (Some(since), Some(interval), true, None) =
            (state.held_since, self.config.flush_interval(), state.is_listened(), state.show_planned)
        {
            let time = since + interval;
            state.show_planned = Some(time);
            self.listener.show_at(time);
        }
    }

    pub(super) fn close_fds(&self, state: &mut State) {
        let closed = [state.readable_fd.take(), state.writable_fd.take()].into_iter().flatten().count();
        if closed > 0 {
            self.listener.descriptors(-(closed as i64));
        }
    }
}
