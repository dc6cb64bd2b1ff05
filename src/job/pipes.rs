//! The pipes of an engine: making them, being told of them, binding them to jobs.

use super::budget::Reserved;
use super::engine::Engine;
use super::events::EventKind;
use super::handle::{Job, State, next_id};
use super::ready;
use crate::engine::{Bind, ByteStream, HostStore, Pipe, PipeConfig, PipeListener, Side};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// A pipe as the host has it.
pub struct HostPipe {
    pub pipe: Arc<Pipe>,
    id: u64,
    engine: Arc<Engine>,
    told: Arc<Told>,
}

/// Who is told what of a pipe.
struct Told {
    id: u64,
    token: AtomicUsize,
    engine: Weak<Engine>,
    pipe: OnceLock<Weak<Pipe>>,
    /// Jobs that have a side, and the name it has there.
    jobs: Mutex<Vec<(Weak<Job>, String)>>,
}

struct Listener(Arc<Told>);

impl PipeListener for Listener {
    fn ready(&self, bits: u32) {
        if let Some(engine) = self.0.engine.upgrade() {
            engine.add_ready(self.0.id, self.0.token.load(Relaxed), bits);
        }
    }

    fn descriptors(&self, change: i64) {
        if let Some(engine) = self.0.engine.upgrade() {
            engine.count_descriptor(change);
        }
    }

    fn show_at(&self, time: Instant) {
        let (Some(engine), Some(pipe)) = (self.0.engine.upgrade(), self.0.pipe.get().cloned()) else { return };
        engine.at(time, move || {
            if let Some(pipe) = pipe.upgrade() {
                pipe.show_held();
            }
        });
    }

    fn high_water(&self, fill_bytes: u64) {
        let Some(engine) = self.0.engine.upgrade() else { return };
        let told = Arc::clone(&self.0);
        // Telling a job takes its lock, which may be held by who waits for the pipe's.
        engine.at(Instant::now(), move || {
            let jobs: Vec<_> = told.jobs.lock().clone();
            for (job, name) in jobs {
                if let Some(job) = job.upgrade() {
                    job.tell(EventKind::PipeHighWater { name, fill_bytes });
                }
            }
        });
    }
}

impl HostPipe {
    pub fn new(engine: &Arc<Engine>, config: PipeConfig) -> Result<Arc<HostPipe>, Error> {
        engine.check_open()?;
        let bytes = config.capacity_bytes;
        engine.budget.check(bytes)?;
        if engine.budget.reserve(bytes, true) == Reserved::NotNow {
            let text = format!("a pipe of {bytes} bytes does not fit into the engine's memory budget now");
            return Err(Error::new(Code::EAGAIN, text).at("queue"));
        }
        let id = next_id();
        let told = Arc::new(Told {
            id,
            token: AtomicUsize::new(0),
            engine: Arc::downgrade(engine),
            pipe: OnceLock::new(),
            jobs: Mutex::default(),
        });
        let made = Pipe::new(config, &engine.rings, Box::new(Listener(Arc::clone(&told))));
        let pipe = made.inspect_err(|_| engine.budget.release(bytes))?;
        let _ = told.pipe.set(Arc::downgrade(&pipe));
        engine.add_pipe(id, &pipe);
        Ok(Arc::new(HostPipe { pipe, id, engine: Arc::clone(engine), told }))
    }

    pub fn set_token(&self, token: usize) {
        self.told.token.store(token, Relaxed);
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The host gives it up. Once, also where two threads do it at the same time.
    pub fn free(&self) {
        if !self.pipe.free() {
            return;
        }
        self.engine.forget_pipe(self.id);
        self.engine.budget.release(self.pipe.config().capacity_bytes);
        self.engine.run_queued();
    }
}

impl Job {
    pub fn bind_pipe(self: &Arc<Self>, name: &str, pipe: &HostPipe, side: Side) -> Result<(), Error> {
        self.bind(name, Bind::Pipe(Arc::clone(&pipe.pipe), side)).map_err(|(error, _)| error)?;
        let mut jobs = pipe.told.jobs.lock();
        jobs.retain(|(job, _)| job.strong_count() > 0);
        jobs.push((self.weak(), name.to_owned()));
        Ok(())
    }

    /// Where it fails the stream comes back.
    pub fn bind_io(&self, name: &str, io: Box<dyn ByteStream>) -> Result<(), (Error, Option<Box<dyn ByteStream>>)> {
        self.bind(name, Bind::Io(Some(io))).map_err(|(error, bind)| match bind {
            Bind::Io(io) => (error, io),
            _ => (error, None),
        })
    }

    /// Where it fails the caller has the only reference again.
    pub fn bind_store(&self, name: &str, store: Arc<dyn HostStore>) -> Result<(), Error> {
        self.bind(name, Bind::Store(store)).map_err(|(error, _)| error)
    }

    fn bind(&self, name: &str, bind: Bind) -> Result<(), (Error, Bind)> {
        // Under the lock: the end of the job, which takes them all, comes before or after it.
        let inner = self.inner.lock();
        match inner.state {
            State::New => inner.binds.add(name, bind),
            // For outputs that join it.
            State::Queued | State::Opening | State::Running if bind.can_be_output() => inner.binds.add(name, bind),
            state => {
                let text = format!("the job is {}: nothing can be bound to it any more", state.word());
                Err((Error::new(Code::EBUSY, text), bind))
            }
        }
    }
}

impl Engine {
    /// Something is ready: a job or a pipe.
    pub(super) fn add_ready(&self, id: u64, token: usize, bits: u32) {
        self.ready.lock().add(id, token, bits);
    }

    pub(super) fn at(&self, time: Instant, task: impl FnOnce() + Send + 'static) {
        let _ = self.timer.at(time, self.threads(), task);
    }

    fn add_pipe(&self, id: u64, pipe: &Arc<Pipe>) {
        self.pipes.lock().insert(id, Arc::downgrade(pipe));
    }

    fn forget_pipe(&self, id: u64) {
        self.pipes.lock().remove(&id);
        self.ready.lock().forget(id);
    }

    /// How many are open, and the bytes in them.
    pub(super) fn count_pipes(&self) -> (u64, u64) {
        let pipes: Vec<Arc<Pipe>> = self.pipes.lock().values().filter_map(Weak::upgrade).collect();
        (pipes.len() as u64, pipes.iter().map(|pipe| pipe.fill_bytes()).sum())
    }
}

const _: () = assert!(crate::engine::READABLE & (ready::READY_EVENT | ready::READY_DONE) == 0);
