//! Wakes a thread that waits at descriptors.

use crate::engine::{EventFd, Wake};
use crate::error::Error;
use parking_lot::Mutex;
use std::os::fd::RawFd;

/// Rung from any thread.
pub(super) struct Bell(Mutex<EventFd>);

impl Bell {
    pub fn new() -> Result<Bell, Error> {
        Ok(Bell(Mutex::new(EventFd::new()?)))
    }

    /// Readable when it was rung.
    pub fn raw(&self) -> RawFd {
        self.0.lock().raw()
    }

    pub fn ring(&self) {
        self.0.lock().raise();
    }

    /// It was heard. What rings from here on is heard again.
    pub fn hush(&self) {
        self.0.lock().lower();
    }
}

impl Wake for Bell {
    fn wake(&self) {
        self.ring();
    }
}
