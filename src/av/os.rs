//! The few things of the operating system that the standard library lacks: event descriptors, names and signal masks of
//! threads, and whether this process is a fork.

use crate::error::{Code, Error};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// An eventfd: readable while it is raised. CLOEXEC and non-blocking.
pub struct EventFd {
    fd: OwnedFd,
    /// The other end, where the kernel, or a filter around this process, has no eventfd and it is a pipe.
    writer: Option<OwnedFd>,
    raised: AtomicBool,
}

impl EventFd {
    pub fn new() -> Result<EventFd, Error> {
        // SAFETY: makes a descriptor or returns -1.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            if is_unknown_call()
                && let Ok((reader, writer)) = pipe()
            {
                return Ok(EventFd { fd: reader, writer: Some(writer), raised: AtomicBool::new(false) });
            }
            let errno = std::io::Error::last_os_error();
            let code = errno.raw_os_error().and_then(Code::from_errno).unwrap_or(Code::EMFILE);
            return Err(Error::new(
                code,
                format!("cannot make an eventfd: {errno}{}", super::resources::descriptors(code)),
            ));
        }
        // SAFETY: a new descriptor that nobody else owns.
        Ok(EventFd { fd: unsafe { OwnedFd::from_raw_fd(fd) }, writer: None, raised: AtomicBool::new(false) })
    }

    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Callers hold the lock of what the descriptor stands for, so that raising and lowering are in order.
    pub fn raise(&self) {
        if !self.raised.swap(true, Relaxed) {
            let one = 1u64;
            let writer = self.writer.as_ref().unwrap_or(&self.fd);
            // SAFETY: writes eight bytes to our descriptor; it cannot block below 2^64 - 1.
            unsafe { libc::write(writer.as_raw_fd(), (&raw const one).cast(), 8) };
        }
    }

    pub fn lower(&self) {
        if self.raised.swap(false, Relaxed) {
            let mut count = 0u64;
            // SAFETY: reads eight bytes from our non-blocking descriptor.
            unsafe { libc::read(self.raw(), (&raw mut count).cast(), 8) };
        }
    }
}

/// Whether the call that just failed is one that the kernel does not know, or that a filter around this process (a container's) forbids: both ENOSYS and EPERM
/// are given for that.
pub fn is_unknown_call() -> bool {
    matches!(std::io::Error::last_os_error().raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}

/// Both ends of a pipe, CLOEXEC and non-blocking: the reader first.
pub fn pipe() -> std::io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: two descriptors are written, or none.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: new descriptors of ours.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Names the calling thread; Linux keeps 15 bytes.
pub fn name_thread(name: &str) {
    let mut end = name.len().min(15);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    if let Ok(name) = crate::text::c_string(&name[..end]) {
        // SAFETY: a terminated string of at most 16 bytes.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    }
}

/// Runs `body` with every signal blocked that can be, so that a thread started in it inherits the mask: asynchronous
/// signals go to the host's threads, and a write to a closed pipe gives EPIPE instead of SIGPIPE.
pub fn with_signals_blocked<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: the sets are initialised by the calls; only this thread's mask changes, and it is put back. The faults of the
    // thread itself stay unblocked: blocked ones would kill the process without a handler.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        for fault in
            [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS]
        {
            libc::sigdelset(&mut all, fault);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = body();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}

/// Lets a profiler's signal through to the calling thread, and to threads that it starts, or blocks it as all the others.
pub fn open_to_profiler(is_open: bool) {
    // SAFETY: the set is initialised by the calls; only this thread's mask changes.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGPROF);
        let how = if is_open { libc::SIG_UNBLOCK } else { libc::SIG_BLOCK };
        libc::pthread_sigmask(how, &set, std::ptr::null_mut());
    }
}

/// Whether this process was forked from the one that first asked. A page that the kernel clears in the child
/// (madvise(2), MADV_WIPEONFORK) tells it without a system call; where the kernel lacks it, the process id does.
pub fn is_forked() -> bool {
    enum Mark {
        Page(usize),
        Process(u32),
    }
    static MARK: OnceLock<Mark> = OnceLock::new();
    let mark = MARK.get_or_init(|| {
        // SAFETY: maps one private page of our own; it is never unmapped.
        unsafe {
            let length = libc::sysconf(libc::_SC_PAGESIZE).max(4096) as usize;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let page = libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            if page == libc::MAP_FAILED || libc::madvise(page, length, libc::MADV_WIPEONFORK) != 0 {
                return Mark::Process(std::process::id());
            }
            page.cast::<u8>().write_volatile(1);
            Mark::Page(page.expose_provenance())
        }
    });
    match mark {
        // SAFETY: our page, mapped as long as the process lives.
        Mark::Page(page) => unsafe { std::ptr::with_exposed_provenance::<u8>(*page).read_volatile() == 0 },
        Mark::Process(id) => *id != std::process::id(),
    }
}

/// Gives memory that is free back to the system (glibc keeps what probing took: rule 45 of the engine's rules). When: `job::trim`.
pub fn trim_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: walks malloc's own arenas under its locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Lets glibc keep memory that a job has freed for the next one, up to 16 MiB an arena: by default it gives all beyond 128 KiB back at
/// once, and every small job would fault in some 560 pages anew, which is half of its time. A freed block of 8 MiB raises glibc's
/// own dynamic thresholds, as any freed picture of that size does (malloc(3), M_MMAP_THRESHOLD); a host that has set them by
/// itself keeps what it set. What lies idle is given back by [`trim_memory_now_and_then`].
///
/// And it leaves fastbins out (mallopt(3), M_MXFAST): each freed packet next to the end of an arena would have it merge all of them
/// (malloc.c: malloc_consolidate), which is 5 % of a copy's time. Small blocks still have their caches by thread; newer glibc has no fastbins.
pub fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: allocates and frees one block that nobody touches, and sets a number that malloc reads anew each time.
        ONCE.call_once(|| unsafe {
            libc::free(std::hint::black_box(libc::malloc(8 << 20)));
            libc::mallopt(libc::M_MXFAST, 0);
        });
    }
}

/// As [`trim_memory`], at most four times a second: it takes a millisecond or so.
pub fn trim_memory_now_and_then() {
    static LAST_MS: AtomicU64 = AtomicU64::new(0);
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    let now = START.get_or_init(std::time::Instant::now).elapsed().as_millis() as u64 + 1000;
    let last = LAST_MS.load(Relaxed);
    if now >= last + 250 && LAST_MS.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
        trim_memory();
    }
}

/// Name, release and machine of the kernel.
pub fn kernel() -> String {
    // SAFETY: fills a struct of terminated strings.
    unsafe {
        let mut names: libc::utsname = std::mem::zeroed();
        libc::uname(&mut names);
        let text = |field: &[std::ffi::c_char]| std::ffi::CStr::from_ptr(field.as_ptr()).to_string_lossy().into_owned();
        format!("{} {} {}", text(&names.sysname), text(&names.release), text(&names.machine))
    }
}

/// "glibc 2.36", "musl" (which tells no version), or what else the library was built for.
pub fn libc_name() -> String {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: a static terminated string.
        let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        format!("glibc {}", version.to_string_lossy())
    }
    #[cfg(not(target_env = "gnu"))]
    {
        if cfg!(target_env = "musl") { "musl" } else { "another libc" }.to_owned()
    }
}

/// Whether the program is dynamically linked: its first object has an interpreter.
pub fn is_program_dynamic() -> bool {
    unsafe extern "C" fn first(info: *mut libc::dl_phdr_info, _: usize, result: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the loader's own table of `dlpi_phnum` headers; `result` is the bool below.
        unsafe {
            let headers = std::slice::from_raw_parts((*info).dlpi_phdr, (*info).dlpi_phnum as usize);
            *result.cast::<bool>() = headers.iter().any(|header| header.p_type == libc::PT_INTERP);
        }
        1 // the first object is the program
    }
    let mut dynamic = false;
    // SAFETY: the callback runs during the call only.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut dynamic).cast()) };
    dynamic
}

/// Puts the floating-point state of the calling thread as a new thread has it. Some codec libraries leave it changed (flush to
/// zero, MMX registers in use): on a thread that is used again the next job would compute other numbers.
pub fn reset_float_state() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: loads the default control words of the System V ABI; no memory but ours is touched.
    unsafe {
        let mxcsr: u32 = 0x1f80;
        std::arch::asm!("fninit", "ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: writes the control register of this thread.
    unsafe {
        std::arch::asm!("msr fpcr, xzr", options(nomem, nostack));
    }
}

/// The signals that ask a program to end: a library leaves them alone.
pub struct Termination(libc::sigset_t);

/// Signals that end some programs only.
#[derive(Clone, Copy, Debug)]
pub struct AlsoEnds {
    /// SIGQUIT
    pub quit: bool,
    /// SIGHUP, unless the program was started to ignore it (nohup).
    pub hangup: bool,
}

impl Termination {
    /// Blocks SIGINT, SIGTERM, SIGXCPU and those of `also` in the calling thread, which must be the program's first: threads
    /// that are started later inherit it. A shell may have told the program to ignore them (`command &` in a script); as
    /// ffmpeg, it does not.
    pub fn block(also: AlsoEnds) -> Termination {
        // SAFETY: the set is initialised by the calls; this thread's mask changes, and what is done with the signals when they
        // are not blocked.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            let mut hangup: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGHUP, std::ptr::null(), &mut hangup);
            let hangup = (also.hangup && hangup.sa_sigaction != libc::SIG_IGN).then_some(libc::SIGHUP);
            let quit = also.quit.then_some(libc::SIGQUIT);
            let all = || [libc::SIGINT, libc::SIGTERM, libc::SIGXCPU].into_iter().chain(quit).chain(hangup);
            for signal in all() {
                libc::sigaddset(&mut set, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            for signal in all() {
                libc::signal(signal, libc::SIG_DFL);
            }
            Termination(set)
        }
    }

    /// Waits for the next one of them and returns its number.
    pub fn wait(&self) -> i32 {
        let mut signal = 0;
        // SAFETY: an initialised set and a place for the number.
        while unsafe { libc::sigwait(&self.0, &mut signal) } != 0 {}
        signal
    }
}

/// Microseconds of a monotonic clock that is some milliseconds coarse (CLOCK_MONOTONIC_COARSE), for what is asked once a packet.
pub fn coarse_clock_us() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut time) };
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}
