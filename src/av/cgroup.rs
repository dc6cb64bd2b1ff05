//! The control groups of this process, of both kinds (cgroups(7)): the one place that reads them.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// What is asked of a group: the controller, and the file's name with cgroup 2 and with cgroup 1.
#[derive(Clone, Copy)]
pub struct Question {
    pub controller: &'static str,
    pub unified: &'static str,
    pub legacy: &'static str,
}

const MEMORY_LIMIT: Question =
    Question { controller: "memory", unified: "memory.max", legacy: "memory.limit_in_bytes" };
/// Both have a line `oom_kill N`.
const MEMORY_EVENTS: Question =
    Question { controller: "memory", unified: "memory.events", legacy: "memory.oom_control" };
const PIDS_LIMIT: Question = Question { controller: "pids", unified: "pids.max", legacy: "pids.max" };
const PIDS_USED: Question = Question { controller: "pids", unified: "pids.current", legacy: "pids.current" };

/// Version 2 has both in one file: "50000 100000", or "max 100000". Version 1 has -1 where there is no quota.
const CPU_QUOTA: Question = Question { controller: "cpu", unified: "cpu.max", legacy: "cpu.cfs_quota_us" };
const CPU_PERIOD: Question = Question { controller: "cpu", unified: "cpu.max", legacy: "cpu.cfs_period_us" };

/// The files that answer, of the process's own group and then of those above it.
fn places(question: Question, membership: &str, root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (folders, file) = match (number, controllers) {
            // The second is where systemd puts cgroup 2 beside cgroup 1.
            ("0", "") => (vec![root.to_owned(), root.join("unified")], question.unified),
            (_, list) if list.split(',').any(|name| name == question.controller) => {
                (vec![root.join(question.controller)], question.legacy)
            }
            _ => continue,
        };
        for folder in folders {
            // Inside a container the path of outside may not be there: then the root is the container's own.
            let own = folder.join(path.trim_start_matches('/'));
            files.extend(own.ancestors().take_while(|at| at.starts_with(&folder)).map(|at| at.join(file)));
        }
    }
    files
}

fn answers(question: Question) -> impl Iterator<Item = String> {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    places(question, &membership, Path::new(ROOT)).into_iter().filter_map(|file| fs::read_to_string(file).ok())
}

/// The lowest memory limit on the way up, in bytes.
pub fn memory_limit_bytes() -> Option<u64> {
    answers(MEMORY_LIMIT).filter_map(|text| text.trim().parse().ok()).min()
}

/// How often the kernel killed something of the nearest group for want of memory.
pub fn out_of_memory_kills() -> u64 {
    let count = |text: String| {
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.trim().parse().ok())
    };
    answers(MEMORY_EVENTS).find_map(count).unwrap_or(0)
}

/// Processes and threads that the nearest group with a limit has, and may have.
pub fn processes() -> Option<(u64, u64)> {
    let limits = answers(PIDS_LIMIT).map(|text| text.trim().parse().ok());
    answers(PIDS_USED).zip(limits).find_map(|(used, limit)| Some((used.trim().parse().ok()?, limit?)))
}

/// How many processors' time the group, or one above it, may use; None where nothing limits it.
pub fn cpu_quota() -> Option<f64> {
    answers(CPU_QUOTA).zip(answers(CPU_PERIOD)).filter_map(|(quota, period)| share(&quota, &period)).reduce(f64::min)
}

fn share(quota: &str, period: &str) -> Option<f64> {
    let quota: f64 = quota.split_whitespace().next()?.parse().ok()?;
    let period: f64 = period.split_whitespace().last()?.parse().ok()?;
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_both_kinds_are_found_from_the_own_group_upwards() {
        let at = |membership: &str| places(MEMORY_LIMIT, membership, Path::new("/c"));
        let is = |membership: &str, files: &[&str]| {
            assert_eq!(at(membership), files.iter().map(PathBuf::from).collect::<Vec<_>>())
        };
        is(
            "3:cpu,memory:/docker/1\n",
            &[
                "/c/memory/docker/1/memory.limit_in_bytes",
                "/c/memory/docker/memory.limit_in_bytes",
                "/c/memory/memory.limit_in_bytes",
            ],
        );
        is("0::/a\n", &["/c/a/memory.max", "/c/memory.max", "/c/unified/a/memory.max", "/c/unified/memory.max"]);
        is("1:name=systemd:/x\nnonsense\n", &[]);
    }

    #[test]
    fn a_quota_is_a_number_of_processors() {
        assert_eq!(share("50000 100000\n", "50000 100000\n"), Some(0.5));
        assert_eq!(share("250000\n", "100000\n"), Some(2.5));
        for (quota, period) in [("max 100000\n", "max 100000\n"), ("-1\n", "100000\n"), ("", ""), ("100000\n", "0\n")] {
            assert_eq!(share(quota, period), None, "{quota:?} {period:?}");
        }
    }
}
