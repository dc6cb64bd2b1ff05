//! The stacks of threads that live: each is asked by a signal, and walks its own stack in the handler.
//!
//! The signal is SIGTRAP, with a value that nobody else sends: like all faults it is open in every thread of a job, FFmpeg's own included,
//! and no host waits for it with sigwait or a signalfd. The handler is installed when stacks are asked for the first time, never before, and goes on to
//! what was there where the signal is not ours. It allocates nothing and takes no lock, and system calls go on after it (SA_RESTART;
//! those that never do, poll and nanosleep, FFmpeg and we begin again).
//!
//! One thread is asked at a time: [`STATE`] says which, and who answers takes it before it writes, so that one that answers too late
//! finds that nobody asks any more.

use super::handler;
use super::modules;
use super::record::frame_line;
use super::tasks::{Task, thread_id};
use super::unwind::{Frame, MOST_FRAMES, walk};
use super::writer::Writer;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

const SIGNAL: i32 = libc::SIGTRAP;
/// The upper half of the signal's value; the lower one is the question's number.
const MAGIC: u64 = 0x6d74_7374_0000_0000;
/// A thread that can answer does so within this, on a machine that is busy too.
const ANSWER_LIMIT: Duration = Duration::from_millis(100);
/// Who began to answer is on its way.
const WALK_LIMIT: Duration = Duration::from_secs(1);

const IDLE: u64 = 0;
const ASKED: u64 = 1;
const ANSWERING: u64 = 2;
const DONE: u64 = 3;

/// The question's number, and how far it is.
static STATE: AtomicU64 = AtomicU64::new(IDLE);
static ASKED_THREAD: AtomicI32 = AtomicI32::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Frames(UnsafeCell<[Frame; MOST_FRAMES]>);

// SAFETY: only who moved STATE to ANSWERING writes, and only who asked reads, after DONE.
unsafe impl Sync for Frames {}

static FRAMES: Frames = Frames(UnsafeCell::new([Frame::NONE; MOST_FRAMES]));

struct Before(UnsafeCell<libc::sigaction>);

// SAFETY: written once, before our handler is installed.
unsafe impl Sync for Before {}

static BEFORE: Before =
    // SAFETY: all zero is SIG_DFL without flags.
    Before(UnsafeCell::new(unsafe { std::mem::zeroed() }));

/// Who asks; one at a time.
static ASKER: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);

/// Asks threads for their stacks; the only one of the process while it lives.
pub struct Stacks(parking_lot::MutexGuard<'static, u64>);

impl Stacks {
    /// Installs the handler at the first call. `spawn` runs something on another thread. None while somebody else asks for longer than `limit`.
    pub fn begin(limit: Duration, spawn: impl FnOnce(Box<dyn FnOnce() + Send>)) -> Option<Stacks> {
        let guard = ASKER.try_lock_for(limit)?;
        install();
        refresh_in_time(spawn);
        Some(Stacks(guard))
    }

    /// The stack of a thread of this process as lines of a report ("frame 0: ..."), or one line that says why there is none.
    /// Blocks until it answered, 100 ms at most where it does not.
    pub fn of(&mut self, task: &Task) -> String {
        let number = (*self.0 + 1) & 0xffff_ffff;
        *self.0 = number;
        if !is_installed() {
            return "stack: none: the host took SIGTRAP\n".into();
        }
        if task.blocks(SIGNAL) {
            return format!("stack: none: the thread blocks SIGTRAP; {}\n", task.kernel_side());
        }
        let question = number << 2;
        if STATE.compare_exchange(IDLE, question | ASKED, SeqCst, SeqCst).is_err() {
            return "stack: none: another thread never ended its answer\n".into();
        }
        ASKED_THREAD.store(task.id, SeqCst);
        if let Err(error) = send(task.id, number) {
            STATE.store(IDLE, SeqCst);
            return match error.raw_os_error() {
                Some(libc::ESRCH) => "stack: none: the thread ended\n".into(),
                _ => format!("stack: none: it cannot be asked: {error}\n"),
            };
        }
        if wait(question | DONE, ANSWER_LIMIT) || !withdraw(question) && wait(question | DONE, WALK_LIMIT) {
            let text = lines();
            STATE.store(IDLE, SeqCst);
            return text;
        }
        format!("stack: none: the thread did not answer; {}\n", task.kernel_side())
    }
}

/// Nobody asks any more. False where it is being answered.
fn withdraw(question: u64) -> bool {
    STATE.compare_exchange(question | ASKED, IDLE, SeqCst, SeqCst).is_ok()
}

fn wait(wanted: u64, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    loop {
        if STATE.load(SeqCst) == wanted {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// The loader may be held by the very thread that hangs: then the table is as it was, or there is none.
fn refresh_in_time(spawn: impl FnOnce(Box<dyn FnOnce() + Send>)) {
    super::memory::prepare();
    let (sender, done) = crossbeam_channel::bounded(1);
    spawn(Box::new(move || {
        modules::refresh();
        let _ = sender.send(());
    }));
    let _ = done.recv_timeout(Duration::from_millis(300));
}

/// The answer, as text.
fn lines() -> String {
    let count = COUNT.load(SeqCst);
    // SAFETY: DONE was read, so nobody writes.
    let frames = unsafe { &(&*FRAMES.0.get())[..count.min(MOST_FRAMES)] };
    let mut room = vec![0; 64 << 10];
    let mut out = Writer::new(&mut room, -1);
    modules::with_table(|table| {
        for (index, frame) in frames.iter().enumerate() {
            frame_line(index, frame, table, &mut out);
        }
    });
    match out.gathered() {
        [] => "stack: none: stacks of this processor are not read\n".into(),
        text => String::from_utf8_lossy(text).into_owned(),
    }
}

fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: what was there is kept before ours may run.
        unsafe {
            libc::sigaction(SIGNAL, std::ptr::null(), BEFORE.0.get());
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_question as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            libc::sigaction(SIGNAL, &raw const action, std::ptr::null_mut());
        }
    });
}

/// Whether ours is the handler still: without it the signal would end the process.
fn is_installed() -> bool {
    // SAFETY: all zero is a valid value, which the call overwrites.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(SIGNAL, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == on_question as *const () as usize
    }
}

/// The kernel's siginfo_t of a queued signal (sigaction(2)): process, user and value stand behind the first 16 bytes.
#[repr(C)]
struct Question {
    signal: i32,
    errno: i32,
    code: i32,
    padding: i32,
    process: i32,
    user: u32,
    value: u64,
    rest: [u64; 12],
}

const _: () = assert!(size_of::<Question>() == size_of::<libc::siginfo_t>());

fn send(thread: i32, number: u64) -> std::io::Result<()> {
    // SAFETY: no arguments, all of them; the kernel reads a whole siginfo_t.
    let sent = unsafe {
        let (process, user) = (libc::getpid(), libc::getuid());
        let value = MAGIC | number;
        let code = libc::SI_QUEUE;
        let question = Question { signal: SIGNAL, errno: 0, code, padding: 0, process, user, value, rest: [0; 12] };
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, SIGNAL, &raw const question)
    };
    if sent == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

unsafe extern "C" fn on_question(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives both, and errno is the thread's.
    unsafe {
        let question = &*info.cast::<Question>();
        let is_ours = question.code == libc::SI_QUEUE && question.value & !0xffff_ffff == MAGIC;
        if is_ours && question.process == libc::getpid() {
            let errno = *libc::__errno_location();
            answer((question.value & 0xffff_ffff) << 2, &*context.cast::<libc::ucontext_t>());
            *libc::__errno_location() = errno;
        } else if question.code == libc::SI_USER && question.process == 0 && is_asked() {
            // The kernel was out of room for what comes with a signal (RLIMIT_SIGPENDING), and sent it bare.
            answer(STATE.load(SeqCst) & !3, &*context.cast::<libc::ucontext_t>());
        } else {
            handler::pass_on_to(&*BEFORE.0.get(), signal, info, context);
        }
    }
}

/// The calling thread is the one that is asked now.
fn is_asked() -> bool {
    STATE.load(SeqCst) & 3 == ASKED && ASKED_THREAD.load(SeqCst) == thread_id()
}

fn answer(question: u64, context: &libc::ucontext_t) {
    if STATE.compare_exchange(question | ASKED, question | ANSWERING, SeqCst, SeqCst).is_err() {
        return;
    }
    let registers = handler::registers_of(context);
    // SAFETY: STATE is ours.
    let frames = unsafe { &mut *FRAMES.0.get() };
    let count =
        modules::with_table(|table| table.map_or(0, |table| walk(table, &table.live_cache, &registers, frames)));
    COUNT.store(count, SeqCst);
    STATE.store(question | DONE, SeqCst);
}
