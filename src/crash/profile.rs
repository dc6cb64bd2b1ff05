//! Stacks for a profiler of the host's: its signal interrupts a thread of a job, and its handler asks here what led there.
//!
//! Several threads ask at once, so each takes one of a few caches; nobody waits for one.

use super::unwind::{Frame, How, MOST_FRAMES, walk};
use super::{handler, memory, modules};
use framehop::CacheNative;
use std::cell::UnsafeCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// Threads that may walk their stacks at the same moment; a further one gets only where it is.
const CACHES: usize = 8;

struct Pooled {
    is_taken: AtomicBool,
    cache: modules::Cache,
}

// SAFETY: only who set `is_taken` uses the cache.
unsafe impl Sync for Pooled {}

/// Some 35 KiB each, made when profiling is switched on for the first time.
static POOL: OnceLock<Vec<Pooled>> = OnceLock::new();
static IS_ON: AtomicBool = AtomicBool::new(false);

/// From here on the host has a profiler, or none any more: threads of jobs that start later leave SIGPROF open.
pub fn set(is_on: bool) {
    if is_on {
        memory::prepare();
        modules::refresh();
        POOL.get_or_init(|| {
            let cache = || UnsafeCell::new(CacheNative::new_in());
            (0..CACHES).map(|_| Pooled { is_taken: AtomicBool::new(false), cache: cache() }).collect()
        });
    }
    IS_ON.store(is_on, SeqCst);
}

pub fn is_on() -> bool {
    IS_ON.load(SeqCst)
}

/// Called when a job starts: it may have loaded something.
pub fn prepare_job() {
    if is_on() {
        modules::refresh();
    }
}

/// Fills `out` with where a signal interrupted the calling thread, and with the calls that led there, innermost first. Gives how many there are.
/// Allocates nothing, takes no lock, keeps errno, and reads no memory that may be missing.
pub fn stack(context: &libc::ucontext_t, out: &mut [u64]) -> usize {
    // SAFETY: errno of the calling thread.
    let errno = unsafe { *libc::__errno_location() };
    let count = fill(context, out);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
    count
}

fn fill(context: &libc::ucontext_t, out: &mut [u64]) -> usize {
    let mut frames = [Frame::NONE; MOST_FRAMES];
    let count = match POOL.get() {
        Some(pool) if out.len() > 1 => {
            pool.iter().find(|pooled| !pooled.is_taken.swap(true, Acquire)).map_or(0, |pooled| {
                let most = out.len().min(MOST_FRAMES);
                let count = walk_with(&pooled.cache, context, &mut frames[..most]);
                pooled.is_taken.store(false, Release);
                count
            })
        }
        _ => 0,
    };
    if count == 0 && !out.is_empty() {
        out[0] = program_counter(context);
        return usize::from(out[0] != 0);
    }
    for (index, (place, frame)) in out.iter_mut().zip(&frames[..count]).enumerate() {
        let is_return_address = index > 0 && frame.how != How::Interrupted;
        *place = frame.address - u64::from(is_return_address);
    }
    count
}

fn walk_with(cache: &modules::Cache, context: &libc::ucontext_t, frames: &mut [Frame]) -> usize {
    let registers = handler::registers_of(context);
    modules::with_table(|table| table.map_or(0, |table| walk(table, cache, &registers, frames)))
}

#[cfg(target_arch = "x86_64")]
fn program_counter(context: &libc::ucontext_t) -> u64 {
    handler::registers_of(context)[super::unwind::RIP]
}

#[cfg(target_arch = "aarch64")]
fn program_counter(context: &libc::ucontext_t) -> u64 {
    context.uc_mcontext.pc
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn program_counter(_: &libc::ucontext_t) -> u64 {
    0
}
