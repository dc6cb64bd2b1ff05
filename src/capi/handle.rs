//! Handles are tokens. The pointer that C holds is no address: it is the number of a slot, its generation and its kind.
//! So a NULL, foreign, freed or mistaken handle is told from a good one without touching memory (`-EINVAL`, `-EBADF`), a
//! double free does nothing, and after fork(2) the child's calls give `-EPERM` before any lock is tried.

use crate::error::{Code, Error};
use crate::job::{Engine, HostPipe, Job, after_fork};
use parking_lot::RwLock;
use std::sync::{Arc, Weak};

/// An engine: owns limits and threads, and runs jobs. See `mt_transcode_engine_new`.
pub struct mt_transcode_engine {
    _opaque: [u8; 0],
}

/// A job: what one ffmpeg command line says, inputs to outputs. See `mt_transcode_job_new`.
pub struct mt_transcode_job {
    _opaque: [u8; 0],
}

/// An input of a job, while it is being described. See `mt_transcode_job_input_new`.
pub struct mt_transcode_input {
    _opaque: [u8; 0],
}

/// An output of a job, while it is being described. See `mt_transcode_job_output_new`.
pub struct mt_transcode_output {
    _opaque: [u8; 0],
}

/// A pipe: bounded memory between the host and a job. See `mt_transcode_pipe_new`.
pub struct mt_transcode_pipe {
    _opaque: [u8; 0],
}

/// The kinds of handles: odd numbers, so that a token is never an aligned address.
pub(crate) trait Kind {
    const KIND: usize;
}

impl Kind for mt_transcode_engine {
    const KIND: usize = 1;
}
impl Kind for mt_transcode_job {
    const KIND: usize = 3;
}
impl Kind for mt_transcode_input {
    const KIND: usize = 5;
}
impl Kind for mt_transcode_output {
    const KIND: usize = 7;
}
impl Kind for mt_transcode_pipe {
    const KIND: usize = 9;
}

/// What a token stands for.
#[derive(Clone)]
pub(crate) enum Target {
    Engine(Arc<Engine>),
    Job(Arc<Job>),
    /// Weak: a forgotten input handle does not keep its job's memory.
    Input(Weak<Job>, usize),
    Output(Weak<Job>, usize),
    Pipe(Arc<HostPipe>),
}

impl Target {
    fn kind(&self) -> usize {
        match self {
            Target::Engine(_) => mt_transcode_engine::KIND,
            Target::Job(_) => mt_transcode_job::KIND,
            Target::Input(..) => mt_transcode_input::KIND,
            Target::Output(..) => mt_transcode_output::KIND,
            Target::Pipe(_) => mt_transcode_pipe::KIND,
        }
    }
}

#[derive(Default)]
struct Slots {
    slots: Vec<(u32, Option<Target>)>,
    free: Vec<usize>,
}

static SLOTS: RwLock<Slots> = RwLock::new(Slots { slots: Vec::new(), free: Vec::new() });

/// Bits of a token: 4 of kind, 28 of slot, 32 of generation. Slot 0 is never given away, so no token is small.
const SLOT_BITS: u32 = 28;
const KIND_BITS: u32 = 4;
const KIND_MASK: usize = (1 << KIND_BITS) - 1;
const _: () = assert!(usize::BITS == 64, "tokens need 64-bit pointers");

fn pack(slot: usize, generation: u32, kind: usize) -> usize {
    (generation as usize) << (SLOT_BITS + KIND_BITS) | slot << KIND_BITS | kind
}

/// Makes a token for `target`.
pub(crate) fn insert<T>(target: Target) -> Result<*mut T, Error> {
    if after_fork() {
        // A lock may have been held by a thread that this process does not have.
        return Err(Error::new(
            Code::EPERM,
            "this process was forked from one that uses the library; it can only exec".into(),
        ));
    }
    let kind = target.kind();
    let mut slots = SLOTS.write();
    if slots.slots.is_empty() {
        slots.slots.push((0, None));
    }
    let slot = match slots.free.pop() {
        Some(slot) => slot,
        None => {
            slots.slots.push((1, None));
            slots.slots.len() - 1
        }
    };
    if slot >> SLOT_BITS != 0 {
        return Err(Error::new(Code::ENOMEM, "more than 268 million handles are open".into()));
    }
    let (generation, place) = &mut slots.slots[slot];
    *place = Some(target);
    Ok(std::ptr::without_provenance_mut(pack(slot, *generation, kind)))
}

fn checked(bits: usize) -> Result<(usize, u32, usize), Error> {
    if after_fork() {
        return Err(Error::new(Code::EPERM, "this process was forked from the one that owns the handle".into()));
    }
    if bits == 0 {
        return Err(Error::invalid("the handle is NULL".into()));
    }
    Ok((bits >> KIND_BITS & ((1 << SLOT_BITS) - 1), (bits >> (SLOT_BITS + KIND_BITS)) as u32, bits & KIND_MASK))
}

fn stale() -> Error {
    Error::new(Code::EBADF, "the handle was freed, or is not one of this kind".into())
}

/// What `token` stands for.
fn lookup<T: Kind>(token: *const T) -> Result<Target, Error> {
    let (slot, generation, kind) = checked(token.addr())?;
    if kind != T::KIND {
        return Err(stale());
    }
    match SLOTS.read().slots.get(slot) {
        Some((current, Some(target))) if *current == generation && target.kind() == kind => Ok(target.clone()),
        _ => Err(stale()),
    }
}

/// Takes `token` out of use: every later call with it gives `-EBADF`. None where it was not in use, or is of another kind.
pub(crate) fn remove<T: Kind>(token: *const T) -> Option<Target> {
    if token.addr() & KIND_MASK == T::KIND { remove_any(token.addr()) } else { None }
}

/// As [`remove`], for a token of any kind.
pub(crate) fn remove_any(token: usize) -> Option<Target> {
    let (slot, generation, kind) = checked(token).ok()?;
    let mut slots = SLOTS.write();
    let (current, place) = slots.slots.get_mut(slot)?;
    if *current != generation || place.as_ref()?.kind() != kind {
        return None;
    }
    let target = place.take();
    *current = current.wrapping_add(1);
    slots.free.push(slot);
    target
}

pub(crate) fn engine(token: *const mt_transcode_engine) -> Result<Arc<Engine>, Error> {
    match lookup(token)? {
        Target::Engine(engine) => Ok(engine),
        _ => Err(stale()),
    }
}

pub(crate) fn job(token: *const mt_transcode_job) -> Result<Arc<Job>, Error> {
    match lookup(token)? {
        Target::Job(job) => Ok(job),
        _ => Err(stale()),
    }
}

pub(crate) fn pipe(token: *const mt_transcode_pipe) -> Result<Arc<HostPipe>, Error> {
    match lookup(token)? {
        Target::Pipe(pipe) => Ok(pipe),
        _ => Err(stale()),
    }
}

pub(crate) fn input(token: *const mt_transcode_input) -> Result<(Arc<Job>, usize), Error> {
    match lookup(token)? {
        Target::Input(job, index) => Ok((job.upgrade().ok_or_else(stale)?, index)),
        _ => Err(stale()),
    }
}

pub(crate) fn output(token: *const mt_transcode_output) -> Result<(Arc<Job>, usize), Error> {
    match lookup(token)? {
        Target::Output(job, index) => Ok((job.upgrade().ok_or_else(stale)?, index)),
        _ => Err(stale()),
    }
}
