//! The threads of this process, as /proc tells them: whose they are, and what the kernel does for them.

use super::slots;
use std::io;

/// A thread.
#[derive(Clone, Debug)]
pub struct Task {
    pub id: i32,
    pub name: String,
    /// The signals that it blocks, by bit.
    mask: u64,
}

/// The calling thread's.
pub fn thread_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

fn read(id: i32, file: &str) -> Option<String> {
    try_read(id, file).ok()
}

fn try_read(id: i32, file: &str) -> io::Result<String> {
    std::fs::read_to_string(format!("/proc/self/task/{id}/{file}"))
}

/// Where a thread is in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asleep {
    /// It waits for bytes or for room: of a file, a peer, a device.
    InIo,
    /// It waits for another thread.
    OnThread,
    /// Neither: it runs, or sleeps for a time.
    No,
    /// The kernel does not say.
    Unknown,
}

impl Task {
    /// All threads, by id.
    pub fn all() -> Vec<Task> {
        let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let mut ids: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(Task::find).collect()
    }

    /// None for one that ended. Where /proc cannot be read, only its id is known.
    pub fn find(id: i32) -> Option<Task> {
        let status = match try_read(id, "status") {
            Ok(status) => status,
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH) => {
                return None;
            }
            Err(_) => return Some(Task { id, name: String::new(), mask: 0 }),
        };
        let line = |key: &str| status.lines().find_map(|line| line.strip_prefix(key));
        let mask = u64::from_str_radix(line("SigBlk:")?.trim(), 16).ok()?;
        Some(Task { id, name: line("Name:").unwrap_or_default().trim().to_owned(), mask })
    }

    pub fn blocks(&self, signal: i32) -> bool {
        self.mask >> (signal - 1) & 1 == 1
    }

    /// The job's slot, where the thread is marked with one.
    pub fn slot(&self) -> Option<u8> {
        slots::of_bits(|signal| self.blocks(signal)).map(|(slot, _)| slot)
    }

    /// Made by us, or by a thread of ours: all that can be blocked is, but what carries a slot.
    pub fn is_of_pool(&self) -> bool {
        [
            libc::SIGHUP,
            libc::SIGINT,
            libc::SIGQUIT,
            libc::SIGPIPE,
            libc::SIGALRM,
            libc::SIGTERM,
            libc::SIGCHLD,
            libc::SIGWINCH,
        ]
        .iter()
        .all(|signal| self.blocks(*signal))
            && !self.blocks(libc::SIGTRAP)
    }

    /// What the kernel says of it: its state (proc(5)), the system call that it is in, and where it waits.
    pub fn kernel_side(&self) -> String {
        let state = read(self.id, "stat").and_then(|stat| stat.rsplit_once(") ").map(|(_, rest)| rest[..1].to_owned()));
        let call = read(self.id, "syscall").and_then(|text| text.split(' ').next().map(|call| call.trim().to_owned()));
        let wchan = read(self.id, "wchan").filter(|wchan| !wchan.is_empty() && wchan != "0");
        let or = |text: Option<String>| text.unwrap_or_else(|| "?".into());
        format!("state {}, system call {}, kernel function {}", or(state), or(call), or(wchan))
    }

    /// Where it is in the kernel, by its system call.
    pub fn asleep(&self) -> Asleep {
        let Some(text) = read(self.id, "syscall") else { return Asleep::Unknown };
        match text.split_whitespace().next().map(str::parse::<i64>) {
            Some(Ok(libc::SYS_futex)) => Asleep::OnThread,
            Some(Ok(call)) if IO_CALLS.contains(&call) => Asleep::InIo,
            _ => Asleep::No,
        }
    }
}

/// System calls that wait for somebody outside. Not futex, nanosleep: those are this process's own affair.
static IO_CALLS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_pwait,
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_ioctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
];
