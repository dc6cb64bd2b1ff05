//! What FFmpeg asks while it waits: whether to give up.

use super::ffi;
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Asked by FFmpeg's network code about ten times a second, and by our own loops between packets.
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

    /// For contexts that read. The pointer is `self`: the caller keeps the Arc as long as the context lives.
    pub(super) fn callback_for_input(self: &Arc<Self>) -> ffi::AVIOInterruptCB {
        ffi::AVIOInterruptCB { callback: Some(input_callback), opaque: Arc::as_ptr(self) as *mut c_void }
    }

    /// For contexts that write: a stop lets them finish.
    pub(super) fn callback_for_output(self: &Arc<Self>) -> ffi::AVIOInterruptCB {
        ffi::AVIOInterruptCB { callback: Some(output_callback), opaque: Arc::as_ptr(self) as *mut c_void }
    }
}

unsafe extern "C" fn input_callback(opaque: *mut c_void) -> c_int {
    // SAFETY: `opaque` is the Interrupt that the context's owner keeps alive; only atomics are read.
    let interrupt = unsafe { &*opaque.cast::<Interrupt>() };
    c_int::from(interrupt.is_cancelled() || interrupt.is_reading_stopped())
}

unsafe extern "C" fn output_callback(opaque: *mut c_void) -> c_int {
    // SAFETY: as above.
    let interrupt = unsafe { &*opaque.cast::<Interrupt>() };
    c_int::from(interrupt.is_cancelled())
}
