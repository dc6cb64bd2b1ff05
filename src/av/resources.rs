//! What of the system is used up, and how much there is of it, for the texts of errors.

use super::cgroup;
use crate::error::Code;
use std::fs;

/// The type of RLIMIT_NOFILE and the others: libcs do not agree.
#[cfg(target_env = "gnu")]
pub type Limited = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
pub type Limited = libc::c_int;

fn limit(resource: Limited) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a known resource and a place for the answer.
    unsafe { libc::getrlimit(resource, &raw mut limit) };
    limit.rlim_cur
}

fn shown(limit: u64) -> String {
    if limit == libc::RLIM_INFINITY { "unlimited".into() } else { limit.to_string() }
}

/// Descriptors of this process that are open. Without one that is free the folder in /proc cannot be read: then each is asked.
fn open_descriptors(limit: u64) -> u64 {
    if let Ok(folder) = fs::read_dir("/proc/self/fd") {
        return folder.count() as u64 - 1;
    }
    let last = limit.min(1 << 20) as i32;
    // SAFETY: asks, and changes nothing.
    (0..last).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0).count() as u64
}

/// "; descriptors: 1024 of 1024 in use (ulimit -n)" for EMFILE, the system's for ENFILE, else nothing.
pub fn descriptors(code: Code) -> String {
    match code {
        Code::EMFILE => {
            let limit = limit(libc::RLIMIT_NOFILE);
            format!("; descriptors: {} of {} in use (ulimit -n)", open_descriptors(limit), shown(limit))
        }
        Code::ENFILE => {
            // Who may not pass the limit cannot read it either, while it is reached.
            let text = fs::read_to_string("/proc/sys/fs/file-nr").unwrap_or_default();
            let numbers: Vec<&str> = text.split_whitespace().collect();
            match numbers[..] {
                [used, _, most] => format!("; open files of the system: {used} of {most} in use (fs.file-max)"),
                _ => "; open files of the system: all in use (fs.file-max)".into(),
            }
        }
        _ => String::new(),
    }
}

/// "; processes and threads: ..." with every limit there is and how much of it is used, for a thread or a process that could not be made.
pub fn processes() -> String {
    let mut parts = Vec::new();
    if let Some((used, most)) = cgroup::processes() {
        parts.push(format!("{used} of {most} of the container (pids.max)"));
    }
    let own = limit(libc::RLIMIT_NPROC);
    if own != libc::RLIM_INFINITY {
        parts.push(format!("{} of {own} of this user (ulimit -u)", threads_of_user()));
    }
    if let (Some(used), Some(most)) = (threads_of_system(), read_number("/proc/sys/kernel/threads-max")) {
        parts.push(format!("{used} of {most} of the system (kernel.threads-max)"));
    }
    if parts.is_empty() { String::new() } else { format!("; processes and threads: {}", parts.join(", ")) }
}

fn read_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// "0.20 0.18 0.12 1/80 11206": the fourth is what runs, and all.
fn threads_of_system() -> Option<u64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// Threads of processes that this user has, as far as they can be seen from here.
fn threads_of_user() -> u64 {
    // SAFETY: no arguments.
    let own = unsafe { libc::getuid() }.to_string();
    let threads_of = |status: String| {
        let field = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        match field("Uid:").split_whitespace().next() == Some(&own) {
            true => field("Threads:").trim().parse().unwrap_or(0),
            false => 0,
        }
    };
    let Ok(folder) = fs::read_dir("/proc") else { return 0 };
    folder.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok()).map(threads_of).sum()
}

/// Bytes of a page.
pub fn page_bytes() -> u64 {
    // SAFETY: no memory is touched.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_and_what_there_is_are_said() {
        let text = descriptors(Code::EMFILE);
        assert!(text.contains(" in use (ulimit -n)") && !text.contains(": 0 of"), "{text}");
        assert!(descriptors(Code::ENFILE).contains("fs.file-max"));
        assert_eq!(descriptors(Code::ENOENT), "");
        assert!(processes().contains("kernel.threads-max"), "{}", processes());
        assert!(threads_of_user() > 0);
    }
}
