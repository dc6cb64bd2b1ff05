//! What the system is asked about workers: their limits, what they use, their end.

use crate::engine::resources::{Limited, page_bytes};

/// Nothing where `value` is none or 0.
pub fn limit(what: Limited, value: Option<u64>) {
    if let Some(value) = value.filter(|value| *value > 0) {
        let limit = libc::rlimit { rlim_cur: value, rlim_max: value.saturating_add(1) };
        // SAFETY: a valid limit for this process.
        unsafe { libc::setrlimit(what, &raw const limit) };
    }
}

/// What this process may use, and what it forks too.
pub fn cpu_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a place of ours.
    unsafe { libc::getrlimit(libc::RLIMIT_CPU, &raw mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// The kernel's clocks of a process differ by ticks: rounded to the nearest second.
pub fn used_seconds(usage: &libc::rusage) -> u64 {
    let micros = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec + 500_000;
    (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + micros / 1_000_000).unsigned_abs()
}

/// The worker and what it started.
pub fn kill(pid: libc::pid_t) {
    // SAFETY: a child of ours that was not waited for, so the number is still its own.
    unsafe {
        libc::kill(-pid, libc::SIGKILL);
        libc::kill(pid, libc::SIGKILL);
    }
}

pub fn resident_kib(pid: libc::pid_t) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * (page_bytes() >> 10)
}

/// Ends a worker without what libraries do at exit: another thread may be in the middle of it.
pub fn leave(status: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}
