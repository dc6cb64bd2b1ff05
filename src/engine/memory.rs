//! How much memory this process may have.

use std::fs;
use std::path::Path;

const ROOT: &str = "/sys/fs/cgroup";

/// The lowest limit of the process's cgroups, or else the machine's memory; None where neither is known.
pub fn memory_limit_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| cgroup_limit(&text, Path::new(ROOT)));
    [machine, group].into_iter().flatten().min()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Both kinds of cgroups: `0::/path` with memory.max on the way up (cgroups(7)), `N:memory:/path` with memory.limit_in_bytes.
/// Inside a container the path of outside may not be there: then the root is the container's own.
fn cgroup_limit(membership: &str, root: &Path) -> Option<u64> {
    let mut limits = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (folder, file) = match (number, controllers) {
            ("0", "") => (root.to_owned(), "memory.max"),
            (_, list) if list.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => continue,
        };
        let mut place = Some(folder.join(path.trim_start_matches('/')));
        while let Some(at) = place.filter(|at| at.starts_with(&folder)) {
            limits.extend(fs::read_to_string(at.join(file)).ok().and_then(|text| text.trim().parse::<u64>().ok()));
            place = at.parent().map(Path::to_owned);
        }
    }
    limits.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_on_the_way_up_counts() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/memory.max"), "1000\n").unwrap();
        fs::write(root.path().join("a/b/memory.max"), "max\n").unwrap();
        assert_eq!(cgroup_limit("0::/a/b\n", root.path()), Some(1000));
        assert_eq!(cgroup_limit("0::/gone\n", root.path()), None);
        fs::create_dir_all(root.path().join("memory")).unwrap();
        fs::write(root.path().join("memory/memory.limit_in_bytes"), "77").unwrap();
        assert_eq!(cgroup_limit("3:cpu,memory:/docker/1\n", root.path()), Some(77));
        assert_eq!(total_of("MemTotal:       16 kB\n"), Some(16384));
    }
}
