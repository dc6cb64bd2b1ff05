//! Stacks for a profiler of the host's: its signal interrupts a thread of a job, and its handler asks here what led there.
//!
//! Several threads ask at once, so each takes one of a few caches, with a stack to work on; nobody waits for one.

use super::altstack::Stack;
use super::unwind::{Frame, How, MOST_FRAMES, walk};
use super::{handler, memory, modules};
use framehop::CacheNative;
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// Threads that may walk their stacks at the same moment; a further one gets only where it is.
const CACHES: usize = 8;
const STACK_BYTES: usize = 64 << 10;

struct Pooled {
    is_taken: AtomicBool,
    cache: modules::Cache,
    /// Unwinding takes 24 KiB, and the stacks of Go's handlers have 32.
    stack: Option<Stack>,
}

// SAFETY: only who set `is_taken` uses cache and stack.
unsafe impl Sync for Pooled {}

/// Some 100 KiB each, of which less is touched, made when profiling is switched on for the first time.
static POOL: OnceLock<Vec<Pooled>> = OnceLock::new();
static IS_ON: AtomicBool = AtomicBool::new(false);

/// From here on the host has a profiler, or none any more: threads of jobs that start later leave SIGPROF open.
pub fn set(is_on: bool) {
    if is_on {
        memory::prepare();
        modules::refresh();
        POOL.get_or_init(|| {
            let pooled = || Pooled {
                is_taken: AtomicBool::new(false),
                cache: UnsafeCell::new(CacheNative::new_in()),
                stack: Stack::new(STACK_BYTES),
            };
            (0..CACHES).map(|_| pooled()).collect()
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
    let free = |pooled: &&Pooled| pooled.stack.is_some() && !pooled.is_taken.swap(true, Acquire);
    let count = match POOL.get() {
        Some(pool) if out.len() > 1 => pool.iter().find(free).map_or(0, |pooled| {
            let count = pooled.walk(context, out);
            pooled.is_taken.store(false, Release);
            count
        }),
        _ => 0,
    };
    if count == 0 && !out.is_empty() {
        out[0] = program_counter(context);
        return usize::from(out[0] != 0);
    }
    count
}

/// What one walk is about.
struct Question<'a> {
    context: &'a libc::ucontext_t,
    cache: &'a modules::Cache,
    out: &'a mut [u64],
    count: usize,
}

impl Pooled {
    /// The caller has taken it.
    fn walk(&self, context: &libc::ucontext_t, out: &mut [u64]) -> usize {
        let Some(stack) = &self.stack else { return 0 };
        let mut question = Question { context, cache: &self.cache, out, count: 0 };
        // The kernel, for another signal, would take the alternate stack to be free: the handler that asks may stand there.
        with_signals_blocked(|| {
            // SAFETY: a stack of our own, and what `answer` takes.
            unsafe { call_on(stack.top(), answer, (&raw mut question).cast()) }
        });
        question.count
    }
}

/// # Safety
/// `question` is a [`Question`] that nobody else uses.
unsafe extern "C" fn answer(question: *mut c_void) {
    // SAFETY: by contract.
    let question = unsafe { &mut *question.cast::<Question>() };
    let mut frames = [Frame::NONE; MOST_FRAMES];
    let most = question.out.len().min(MOST_FRAMES);
    let registers = handler::registers_of(question.context);
    question.count = modules::with_table(|table| {
        table.map_or(0, |table| walk(table, question.cache, &registers, &mut frames[..most]))
    });
    for (index, (place, frame)) in question.out.iter_mut().zip(&frames[..question.count]).enumerate() {
        let is_return_address = index > 0 && frame.how != How::Interrupted;
        *place = frame.address - u64::from(is_return_address);
    }
}

/// Calls `body` with another stack, which grows down from `top`.
///
/// # Safety
/// `top` is the aligned end of some 32 KiB that nobody else uses; `body` may be called with `data`, and does not unwind.
#[cfg(target_arch = "x86_64")]
unsafe fn call_on(top: *mut c_void, body: unsafe extern "C" fn(*mut c_void), data: *mut c_void) {
    // SAFETY: by contract; the callee keeps r12, where our own stack's place is meanwhile.
    unsafe {
        std::arch::asm!(
            "xchg rsp, r12",
            "call r13",
            "mov rsp, r12",
            inout("r12") top => _,
            in("r13") body,
            in("rdi") data,
            clobber_abi("C"),
        );
    }
}

/// There is no walk on other processors, and what stands for it needs little.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn call_on(_: *mut c_void, body: unsafe extern "C" fn(*mut c_void), data: *mut c_void) {
    // SAFETY: by contract.
    unsafe { body(data) }
}

/// Blocks every signal but the faults of the thread itself meanwhile.
fn with_signals_blocked(body: impl FnOnce()) {
    // SAFETY: sets that the calls initialise; the calling thread's mask is put back.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
            libc::sigdelset(&raw mut all, fault);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        body();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
    }
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
