//! Handlers for faults: a report where the fault is ours, then the host's own handler as if we were not there.

use super::record::Record;
use super::tasks::thread_id;
use super::unwind::{Frame, MOST_FRAMES, RIP, RSP, Registers, walk};
use super::writer::Writer;
use super::{forbidden, maps, modules, slots, targets};
use std::cell::UnsafeCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

const SIGNALS: [i32; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];
/// How long a second crash waits for the report of the first.
const WAIT_MS: u32 = 5000;

struct Before(UnsafeCell<libc::sigaction>);

// SAFETY: written once before our handler is installed, then only read.
unsafe impl Sync for Before {}

/// What handled the signals before us.
static BEFORE: [Before; SIGNALS.len()] =
    // SAFETY: all zero is SIG_DFL without flags.
    [const { Before(UnsafeCell::new(unsafe { std::mem::zeroed() })) }; SIGNALS.len()];
static VERSIONS: OnceLock<String> = OnceLock::new();
/// The thread that writes a report.
static WRITER: AtomicI32 = AtomicI32::new(0);

struct Memory(UnsafeCell<[u8; 8192]>);

// SAFETY: only the thread in WRITER uses it.
unsafe impl Sync for Memory {}

static BUFFER: Memory = Memory(UnsafeCell::new([0; 8192]));

/// Installs the handlers, once for the life of the process: another handler may lead to ours, so they are never taken away.
pub fn install(versions: String) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    super::memory::prepare();
    modules::refresh();
    let _ = VERSIONS.set(versions);
    ONCE.call_once(|| {
        for (signal, before) in SIGNALS.iter().zip(&BEFORE) {
            // SAFETY: the old action is read before the new one may run, then ours is installed.
            unsafe {
                libc::sigaction(*signal, std::ptr::null(), before.0.get());
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_fault as *const () as usize;
                // NODEFER: a fault in the report itself must come here, and not end the process without a word.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigaction(*signal, &raw const action, std::ptr::null_mut());
            }
        }
    });
}

unsafe extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives both, and errno is the thread's.
    unsafe {
        let errno = *libc::__errno_location();
        let is_writer = report(signal, &*info, &*context.cast::<libc::ucontext_t>());
        *libc::__errno_location() = errno;
        let goes_on = pass_on(signal, info, context);
        // Another crash waits until here: it would end the process under the host's handler, or in the middle of a report.
        if is_writer && goes_on {
            WRITER.store(0, SeqCst);
        }
    }
}

/// Writes a report where there is something to say. True: this thread has the turn, and gives it back.
pub(super) fn report(signal: i32, info: &libc::siginfo_t, context: &libc::ucontext_t) -> bool {
    let registers = registers_of(context);
    let of_job = slots::of_mask(&context.uc_sigmask);
    let slot = of_job.and_then(|(slot, _)| slots::find(slot));
    let target = targets::fd(slot.map(|slot| slot.target.load(SeqCst)));
    let Some(fd) = target else { return false };
    let is_ours =
        of_job.is_some() || modules::with_table(|table| table.is_some_and(|table| leads_to_us(table, &registers)));
    if !is_ours {
        return false;
    }
    let thread = thread_id();
    if WRITER.load(SeqCst) == thread {
        // A fault while the report is written: what was flushed stands.
        Writer::new(&mut [0; 64], fd).text("report: broken off by a fault of its own\n").flush();
        return false;
    }
    if !take_turn(thread) {
        return false;
    }
    write_report(signal, info, &registers, of_job.map_or("host", |(_, stage)| stage), slot, fd);
    true
}

#[cfg(target_arch = "x86_64")]
pub(super) fn registers_of(context: &libc::ucontext_t) -> Registers {
    let mut registers: Registers = [0; 17];
    for (to, from) in registers.iter_mut().zip(&context.uc_mcontext.gregs) {
        *to = *from as u64;
    }
    registers
}

/// Other CPUs have other registers, which nobody has written down here yet.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn registers_of(_: &libc::ucontext_t) -> Registers {
    [0; 17]
}

/// A fault of the host's own thread is ours where code of FFmpeg or of this library is below it.
fn leads_to_us(table: &modules::Table, registers: &Registers) -> bool {
    let is_ours = |address: u64| table.find(address).is_some_and(|module| module.is_ours);
    if is_ours(registers[RIP]) {
        return true;
    }
    // The C library on behalf of FFmpeg: the nearest words of the stack tell, without the cost of unwinding Go's own faults.
    let is_c_library = table.find(registers[RIP]).is_some_and(|module| {
        let file = module.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        file.starts_with(b"libc.so") || file.starts_with(b"libm.so") || file.starts_with(b"ld-")
    });
    is_c_library && (0..64).filter_map(|index| super::memory::word(registers[RSP] + 8 * index)).any(is_ours)
}

fn take_turn(thread: i32) -> bool {
    for _ in 0..WAIT_MS {
        if WRITER.compare_exchange(0, thread, SeqCst, SeqCst).is_ok() {
            return true;
        }
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        // SAFETY: a valid time.
        unsafe { libc::nanosleep(&raw const pause, std::ptr::null_mut()) };
    }
    false
}

fn write_report(
    signal: i32,
    info: &libc::siginfo_t,
    registers: &Registers,
    stage: &str,
    slot: Option<&slots::Slot>,
    fd: i32,
) {
    // SAFETY: the kernel's union holds an address for faults; for others it is not shown.
    let address = unsafe { info.si_addr() } as u64;
    let (mut mapping, mut name) = ([0u8; 512], [0u8; 16]);
    let mapped = maps::line_of(address, &mut mapping);
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both write into memory of ours: a time, and 16 bytes.
    unsafe {
        libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now);
        libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr());
    }
    let mut frames = [Frame::default(); MOST_FRAMES];
    let mut record = Record {
        time_ms: now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000,
        signal,
        code: info.si_code,
        address,
        call: (signal == libc::SIGSYS && info.si_code > 0).then(|| forbidden::call_of(info)),
        mapping: &mapping[..mapped],
        // SAFETY: no arguments.
        process: unsafe { libc::getpid() },
        thread: thread_id(),
        thread_name: name.split(|byte| *byte == 0).next().unwrap_or_default(),
        stage,
        job: slot,
        versions: VERSIONS.get().map_or("", String::as_str),
        registers,
        frames: &[],
    };
    // SAFETY: only the thread in WRITER is here.
    let mut out = Writer::new(unsafe { &mut *BUFFER.0.get() }, fd);
    record.head(&mut out);
    out.flush();
    modules::with_table(|table| {
        let count = table.map_or(0, |table| walk(table, &table.cache, registers, &mut frames));
        record.frames = &frames[..count];
        record.frames(table, &mut out);
        out.flush();
        record.json(table, &mut out);
        out.text("end of report\n").flush();
    });
}

/// Calls what handled the signal before us, with its arguments; its mask and one-shot flags are not imitated. False: the process ends when we return.
///
/// # Safety
/// Called in our handler, with its arguments.
unsafe fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) -> bool {
    let Some(index) = SIGNALS.iter().position(|s| *s == signal) else { return true };
    // SAFETY: written once before the handler was installed; by contract.
    unsafe { pass_on_to(&*BEFORE[index].0.get(), signal, info, context) }
}

/// As [`pass_on`], to `before`.
///
/// # Safety
/// Called in our handler, with its arguments; `before` was the handler of that signal.
pub(super) unsafe fn pass_on_to(
    before: &libc::sigaction,
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) -> bool {
    // SAFETY: as the function's contract; the handler is the one that the host had installed.
    unsafe {
        match before.sa_sigaction {
            libc::SIG_IGN if (*info).si_code <= 0 => {}
            libc::SIG_DFL | libc::SIG_IGN => {
                die(signal, (*info).si_code <= 0);
                return false;
            }
            handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
                let handler: unsafe extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute::<usize, _>(handler);
                handler(signal, info, context);
            }
            handler => {
                let handler: unsafe extern "C" fn(i32) = std::mem::transmute::<usize, _>(handler);
                handler(signal);
            }
        }
    }
    true
}

/// The default action: the process ends with this signal, and a core dump where the system makes one.
///
/// A fault happens again when the handler returns; what was sent, or stopped a call, `is_sent` again.
///
/// # Safety
/// Called in our handler.
pub(super) unsafe fn die(signal: i32, is_sent: bool) {
    // SAFETY: there was no handler that would be lost.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const default, std::ptr::null_mut());
        if is_sent {
            libc::syscall(libc::SYS_tgkill, libc::getpid(), thread_id(), signal);
        }
    }
}
