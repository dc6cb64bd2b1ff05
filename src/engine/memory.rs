//! How much memory this process may have.

use crate::av::cgroup;

/// The lowest limit of the process's cgroups, or else the machine's memory; None where neither is known.
pub fn memory_limit_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    [machine, cgroup::memory_limit_bytes()].into_iter().flatten().min()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_in_kibibytes() {
        assert_eq!(total_of("MemTotal:       16 kB\n"), Some(16384));
        assert!(memory_limit_bytes() > Some(1 << 20));
    }
}
