//! Checks of `mt-transcode doctor`: limits, and how much of them is used.

use crate::doctor::{Finding, finding, good, warn};
use crate::doctor_about::{Target, share, text};
use std::path::Path;

pub fn core_dumps(target: &Target) -> Finding {
    let pattern = text(Path::new("/proc/sys/kernel/core_pattern"));
    let pattern = pattern.trim();
    match target.limit("Max core file size") {
        Some(0) => warn(format!("none is written: the limit is 0 (core_pattern is '{pattern}')")),
        None => good(format!("of any size, to '{pattern}'")),
        Some(bytes) => good(format!("up to {bytes} bytes, to '{pattern}'")),
    }
}

pub fn descriptors(target: &Target) -> Finding {
    let Ok(entries) = std::fs::read_dir(target.proc.join("fd")) else { return warn("cannot be counted") };
    let (text, is_much) = share(entries.count() as u64, target.limit("Max open files"), 80);
    finding(!is_much, text)
}

pub fn system_descriptors(_: &Target) -> Finding {
    let numbers = text(Path::new("/proc/sys/fs/file-nr"));
    let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [used, _, most] = numbers[..] else { return good("the system does not say") };
    let (text, is_much) = share(used, Some(most), 80);
    finding(!is_much, text)
}

pub fn pids(target: &Target) -> Finding {
    let number = |name: &str| target.cgroup(name).and_then(|text| text.parse().ok());
    match number("pids.current") {
        None => good("no limit of a cgroup is seen"),
        Some(used) => {
            let (text, is_much) = share(used, number("pids.max"), 80);
            finding(!is_much, text)
        }
    }
}

pub fn threads(target: &Target) -> Finding {
    let threads = target.status("Threads").and_then(|text| text.parse().ok()).unwrap_or(0);
    // The limit counts those of all processes of the user.
    let (text, is_much) = share(threads, target.limit("Max processes"), 50);
    finding(!is_much, text)
}

pub fn stack(target: &Target) -> Finding {
    const FEW: u64 = 512 << 10;
    const MANY: u64 = 64 << 20;
    match target.limit("Max stack size") {
        None => good("no limit: threads of FFmpeg's have the C library's own size"),
        Some(bytes) => finding((FEW..=MANY).contains(&bytes), format!("{} KiB", bytes >> 10)),
    }
}

pub fn memory(target: &Target) -> Finding {
    let number = |name: &str| target.cgroup(name).and_then(|text| text.parse::<u64>().ok()).map(|bytes| bytes >> 20);
    match number("memory.current") {
        None => good("no limit of a cgroup is seen"),
        Some(used) => {
            let (text, is_much) = share(used, number("memory.max"), 90);
            finding(!is_much, format!("MiB: {text}"))
        }
    }
}

pub fn oom_kills(target: &Target) -> Finding {
    let events = target.cgroup("memory.events").unwrap_or_default();
    let kills =
        events.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|text| text.trim().parse().ok());
    match kills {
        None => good("the cgroup does not count them"),
        Some(0_u64) => good("none"),
        Some(kills) => warn(format!("{kills} in this cgroup since it was made")),
    }
}

pub fn huge_pages(_: &Target) -> Finding {
    let modes = text(Path::new("/sys/kernel/mm/transparent_hugepage/enabled"));
    match modes.split_once('[').and_then(|(_, rest)| rest.split_once(']')) {
        None => good("the system does not say"),
        Some((mode, _)) => finding(mode != "always", mode),
    }
}
