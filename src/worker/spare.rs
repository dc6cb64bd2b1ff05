//! Processes that the forkserver forks: workers, and a spare, which is forked before a worker is asked for, so that nobody waits for the fork: it copies a thousand
//! mappings. A spare knows nothing of the job that it will have. What that may use and its descriptors come over a socket, and with them it is a worker.

use super::message::FORK;
use super::process;
use super::usage::{kill, leave, limit};
use super::wire::{receive_with_fds, send_with_fds};
use serde_json::Value;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long a spare waits for a job: an engine at rest holds no more than its forkserver.
const KEEP: Duration = Duration::from_secs(30);

/// Of a thread, terminated.
struct Name([u8; 16]);

impl Name {
    /// What tells spares from workers, in lists of processes.
    const SPARE: Name = Name(*b"mt-spare\0\0\0\0\0\0\0\0");

    fn own() -> Name {
        let mut name = [0u8; 16];
        // SAFETY: 16 bytes are written, the last of them a zero.
        unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
        Name(name)
    }

    fn take(&self) {
        // SAFETY: a terminated name.
        unsafe { libc::prctl(libc::PR_SET_NAME, self.0.as_ptr()) };
    }
}

pub struct Spare {
    pid: libc::pid_t,
    socket: UnixStream,
    since: Instant,
}

impl Spare {
    /// For a process with one thread. `theirs`: its descriptors that a child must not hold.
    pub fn fork(theirs: &[RawFd]) -> io::Result<Spare> {
        let (ours, its) = UnixStream::pair()?;
        let own_name = Name::own();
        Name::SPARE.take(); // it is born with that, and nobody takes it for a worker
        // SAFETY: this process has one thread, so the child may do what any process may.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            drop(ours);
            part(theirs);
            wait_for_job(its, &own_name)
        }
        let error = io::Error::last_os_error();
        own_name.take();
        if forked < 0 { Err(error) } else { Ok(Spare { pid: forked, socket: ours, since: Instant::now() }) }
    }

    pub fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Readable when the process is gone: it says nothing.
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// How long it may wait on; 0: it waited for long enough.
    pub fn time_left_ms(&self) -> i32 {
        KEEP.saturating_sub(self.since.elapsed()).as_millis() as i32
    }

    /// From here on it is a worker, and has this number. None where somebody ended it.
    pub fn hand_over(self, wanted: &[u8], control: &OwnedFd, report: &OwnedFd) -> Option<libc::pid_t> {
        match send_with_fds(&self.socket, FORK, wanted, &[control.as_raw_fd(), report.as_raw_fd()]) {
            Ok(()) => Some(self.pid),
            Err(_) => {
                self.end();
                None
            }
        }
    }

    /// Blocks until it is gone and waited for.
    pub fn end(self) {
        kill(self.pid);
        // SAFETY: a child of ours, which is dying.
        unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), 0) };
    }
}

/// The life of a spare; `name`: what a worker is called. When the forkserver is gone, so is the other end of the socket.
fn wait_for_job(socket: UnixStream, name: &Name) -> ! {
    let mut payload = Vec::new();
    let Ok(Some((FORK, fds))) = receive_with_fds(&socket, &mut payload) else { leave(0) };
    let Ok([control, report]) = <[OwnedFd; 2]>::try_from(fds) else { leave(0) };
    drop(socket);
    name.take();
    become_worker(control, report, &serde_json::from_slice(&payload).unwrap_or_default())
}

/// For a process that was just forked: a group of its own, nothing of the forkserver's, and its end is this one's too.
pub fn part(theirs: &[RawFd]) {
    // SAFETY: calls of a process with one thread about itself; the descriptors are not ours any more.
    unsafe {
        libc::setpgid(0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        libc::dup2(null, 0);
        libc::close(null);
        for fd in theirs {
            libc::close(*fd);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

pub fn become_worker(control: OwnedFd, report: OwnedFd, wanted: &Value) -> ! {
    limit(libc::RLIMIT_CPU, wanted["cpu_seconds"].as_u64());
    process::run(UnixStream::from(control), report, wanted["descriptors"].as_u64().unwrap_or(0));
    leave(0)
}
