//! What FFmpeg asks while it waits: whether to give up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Asked by FFmpeg's network code about ten times a second (through [`super::access`]), and by our own loops between packets.
pub struct Interrupt {
    cancelled: AtomicBool,
    /// Blocking reads of inputs end, as if the input had ended: a graceful stop.
    reading_stopped: AtomicBool,
}

impl Interrupt {
    pub fn new() -> Arc<Interrupt> {
        Arc::new(Interrupt { cancelled: AtomicBool::new(false), reading_stopped: AtomicBool::new(false) })
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    pub fn stop_reading(&self) {
        self.reading_stopped.store(true, Relaxed);
    }

    pub fn is_reading_stopped(&self) -> bool {
        self.reading_stopped.load(Relaxed)
    }
}
