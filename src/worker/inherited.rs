//! What a forkserver has from its host without wanting it: ignored signals, descriptors; and the host itself, whose end is the forkserver's.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Resets what an exec keeps. Returns what is readable when a child ended, None where there is no signalfd. For a process with one thread.
pub fn leave_behind() -> Option<OwnedFd> {
    reset_signals();
    close_descriptors();
    children_fd()
}

/// Ignored signals stay ignored over an exec. With SIGCHLD ignored, children end without a word.
fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: asks for and sets the action of a signal; numbers that are none, or the C library's own, are refused. All zero is a valid value.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let known = libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0;
            if known && action.sa_sigaction == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
    // SAFETY: actions that run no code of ours. Writers get EPIPE and EFBIG, which are errors of a job; Rust's handlers for overflows of stacks take a signal
    // that somebody sent for a fault, which would come again, and return: the worker would go on, and without our handler.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        libc::signal(libc::SIGBUS, libc::SIG_DFL);
    }
}

/// Where /proc cannot be read, descriptors up to here are looked at.
const MOST_DESCRIPTORS: RawFd = 1 << 16;

/// Closes the host's descriptors: a file or socket of the host's would live, and be locked, as long as we do. An inherited one has no FD_CLOEXEC, or it
/// would not be here; what libraries opened while they were loaded has it, and stays theirs.
fn close_descriptors() {
    let listed: Option<Vec<RawFd>> = std::fs::read_dir("/proc/self/fd").ok().map(|entries| {
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect() // the folder's own is closed by now
    });
    let close = |fd: RawFd| {
        // SAFETY: numbers only; nothing in this process knows of a descriptor that it did not open.
        unsafe {
            let flags = libc::fcntl(fd, libc::F_GETFD);
            if flags >= 0 && flags & libc::FD_CLOEXEC == 0 {
                libc::close(fd);
            }
        }
    };
    match listed {
        Some(listed) => listed.into_iter().filter(|fd| *fd > 2).for_each(close),
        None => (3..MOST_DESCRIPTORS).for_each(close),
    }
}

/// Readable when a child ended.
fn children_fd() -> Option<OwnedFd> {
    // SAFETY: a set that is initialised by the call; this process has one thread. No other signal stays blocked.
    let fd = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    // SAFETY: a new descriptor of ours.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The host's process. Its socket is not enough: a child that it forked holds that too, and may outlive it.
pub struct Host {
    pid: libc::pid_t,
    /// None where the kernel has none for us: then it is asked for from time to time.
    fd: Option<OwnedFd>,
}

impl Host {
    /// `pid`: what the host says that its number is. None where that is not our parent: another namespace of processes, a program between us. Then its socket
    /// alone says when it is gone.
    pub fn find(pid: Option<u32>) -> Option<Host> {
        let pid = libc::pid_t::try_from(pid?).ok()?;
        if parent() != pid {
            return None;
        }
        // SAFETY: numbers only; a new descriptor or an error.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        // SAFETY: a new descriptor of ours, which nobody else closes.
        let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        Some(Host { pid, fd }) // gone in this moment: is_gone() says so
    }

    /// Readable when it is gone.
    pub fn fd(&self) -> RawFd {
        self.fd.as_ref().map_or(-1, OwnedFd::as_raw_fd)
    }

    /// Whether is_gone() is to be asked from time to time.
    pub fn is_asked(&self) -> bool {
        self.fd.is_none()
    }

    pub fn is_gone(&self) -> bool {
        parent() != self.pid
    }
}

fn parent() -> libc::pid_t {
    // SAFETY: no arguments, no errors.
    unsafe { libc::getppid() }
}
