//! Jobs whose result hangs on how far each component has come: -fs, or a copy with -t of a stream that is decoded too. ffmpeg 5.1 reads one
//! packet, takes it through decoders, filters, encoders and muxers, and only then looks again. So does this: an input is read when every
//! other thread of the job waits for something. Source: `transcode_step`, `choose_output` and `need_output` of fftools/ffmpeg.c.

use super::activity::Doing;
use super::context::{JobContext, Wake};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

#[derive(Default)]
pub struct Lockstep {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Components that do something.
    awake: usize,
    /// The input that is being read.
    turn: Option<usize>,
    /// Inputs that are at their end.
    ended: Vec<usize>,
    is_over: bool,
}

/// What is to be done when all components wait.
pub enum Next {
    Read(usize),
    /// No output needs more.
    Over,
}

/// A component at work; it is gone when this is dropped.
pub struct Component(Arc<Lockstep>);

impl Drop for Component {
    fn drop(&mut self) {
        self.0.sleep();
    }
}

impl Lockstep {
    pub fn new(context: &JobContext) -> Arc<Lockstep> {
        let lockstep = Arc::new(Lockstep::default());
        let weak = Arc::downgrade(&lockstep);
        context.on_cancel(weak);
        lockstep
    }

    /// A component begins.
    pub fn enter(self: &Arc<Self>) -> Component {
        self.wake_one();
        Component(Arc::clone(self))
    }

    /// A component has got something to do.
    pub fn wake_one(&self) {
        self.state.lock().awake += 1;
    }

    /// A component waits.
    pub fn sleep(&self) {
        let mut state = self.state.lock();
        state.awake -= 1;
        if state.awake == 0 {
            self.changed.notify_all();
        }
    }

    /// Input `input` may be read; before, it gives back the turn that it has. `next` is asked when all components wait. False: no more is
    /// wanted, or the job ends.
    pub fn wait_for_turn(&self, context: &JobContext, input: usize, next: impl Fn(&[usize]) -> Next) -> bool {
        let mut state = self.state.lock();
        if state.turn == Some(input) {
            state.turn = None;
        }
        let _waiting = Doing::Threads.begin(0);
        loop {
            if state.is_over || context.is_ending() {
                return false;
            }
            if state.turn.is_none() && state.awake == 0 {
                let ended = state.ended.clone();
                // Not under the lock: `next` looks at inboxes, whose owners tell this one that they wake.
                let chosen = MutexGuard::unlocked(&mut state, || next(&ended));
                if state.turn.is_some() || state.awake > 0 {
                    continue;
                }
                match chosen {
                    Next::Read(input) => state.turn = Some(input),
                    Next::Over => state.is_over = true,
                }
                self.changed.notify_all();
                continue;
            }
            if state.turn == Some(input) {
                return true;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Waits until all components wait, while this input has its turn.
    pub fn settle(&self, context: &JobContext) {
        let mut state = self.state.lock();
        let _waiting = Doing::Threads.begin(0);
        while state.awake > 0 && !context.is_cancelled() {
            self.changed.wait(&mut state);
        }
    }

    /// Input `input` is at its end.
    pub fn input_ended(&self, input: usize) {
        let mut state = self.state.lock();
        state.ended.push(input);
        if state.turn == Some(input) {
            state.turn = None;
        }
        self.changed.notify_all();
    }

    /// Reading was ended because no output needs more.
    pub fn is_over(&self) -> bool {
        self.state.lock().is_over
    }
}

impl Wake for Lockstep {
    fn wake(&self) {
        let _guard = self.state.lock();
        self.changed.notify_all();
    }
}

/// How far a decoder is, for copies of the same stream and for who reads the file.
#[derive(Default)]
pub struct DecoderPlace {
    /// Microseconds: InputStream.pts and .dts of ffmpeg.c.
    pts_us: AtomicI64,
    dts_us: AtomicI64,
    /// Nobody wants its frames; it goes on for the rate of errors alone.
    is_unwanted: AtomicBool,
}

impl DecoderPlace {
    pub fn set(&self, pts_us: i64, dts_us: i64) {
        self.pts_us.store(pts_us, Relaxed);
        self.dts_us.store(dts_us, Relaxed);
    }

    /// pts and dts.
    pub fn get(&self) -> (i64, i64) {
        (self.pts_us.load(Relaxed), self.dts_us.load(Relaxed))
    }

    pub fn set_unwanted(&self) {
        self.is_unwanted.store(true, Relaxed);
    }

    pub fn is_unwanted(&self) -> bool {
        self.is_unwanted.load(Relaxed)
    }
}
