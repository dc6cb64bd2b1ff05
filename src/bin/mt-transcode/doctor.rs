//! `mt-transcode doctor`: looks at what makes services with FFmpeg fail or hard to debug, in this machine and in a process. What each finding means stands in
//! docs/troubleshooting.md, by the same name.

use crate::doctor_about::Target;
use crate::{doctor_files, doctor_limits, doctor_process};

const USAGE: &str = "usage: mt-transcode doctor [PID]

Looks at limits, signals, libraries and files that jobs depend on: of the process PID, or of this one, which has what the shell gives to programs.
What a finding means, and what to do, stands in docs/troubleshooting.md, in the row of its name.

The status is 0 where all is well, 1 where there is a warning, 2 where the process, or something of it, cannot be looked at.
";

/// What a check found.
pub struct Finding {
    pub is_good: bool,
    pub text: String,
}

pub fn good(text: impl Into<String>) -> Finding {
    Finding { is_good: true, text: text.into() }
}

pub fn warn(text: impl Into<String>) -> Finding {
    Finding { is_good: false, text: text.into() }
}

/// Good where `is_good`.
pub fn finding(is_good: bool, text: impl Into<String>) -> Finding {
    Finding { is_good, text: text.into() }
}

/// With the files in /proc/PID that it looks at.
type Check = (&'static str, fn(&Target) -> Finding, &'static [&'static str]);

/// By the names of the rows in docs/troubleshooting.md, in their order.
const CHECKS: [Check; 22] = [
    ("core-dumps", doctor_limits::core_dumps, &["limits"]),
    ("crash-handlers", doctor_process::crash_handlers, &["status"]),
    ("blocked-signals", doctor_process::blocked_signals, &["status"]),
    ("go-traceback", doctor_process::go_traceback, &["exe", "environ"]),
    ("ptrace", doctor_process::ptrace, &[]),
    ("descriptors", doctor_limits::descriptors, &["fd", "limits"]),
    ("system-descriptors", doctor_limits::system_descriptors, &[]),
    ("pids", doctor_limits::pids, &["cgroup"]),
    ("threads", doctor_limits::threads, &["status", "limits"]),
    ("stack", doctor_limits::stack, &["limits"]),
    ("memory", doctor_limits::memory, &["cgroup"]),
    ("oom-kills", doctor_limits::oom_kills, &["cgroup"]),
    ("huge-pages", doctor_limits::huge_pages, &[]),
    ("seccomp", doctor_process::seccomp, &["status"]),
    ("worker-program", doctor_files::worker_program, &[]),
    ("ffmpeg", doctor_files::ffmpeg, &["maps"]),
    ("deleted-libraries", doctor_files::deleted_libraries, &["maps"]),
    ("static-glibc", doctor_files::static_glibc, &["exe"]),
    ("musl", doctor_files::musl, &["maps"]),
    ("ca-bundle", doctor_files::ca_bundle, &["environ", "root"]),
    ("shared-memory", doctor_files::shared_memory, &["root"]),
    ("temporary-folder", doctor_files::temporary_folder, &["environ", "root"]),
];

pub fn run(args: &[String]) -> u8 {
    let target = match args {
        [word] if word == "-h" || word == "--help" => {
            super::print(USAGE);
            return 0;
        }
        [] => Target::own(),
        [pid] => Target::of(pid),
        _ => Err(USAGE.to_owned()),
    };
    let target = match target {
        Ok(target) => target,
        Err(why) => {
            eprintln!("mt-transcode doctor: {why}");
            return 2;
        }
    };
    let mut status = 0;
    for (name, check, files) in CHECKS {
        let (word, text, worth) = match target.unseen(files) {
            Some(why) => ("?   ", format!("cannot be looked at: {why}"), 2),
            None => match check(&target) {
                Finding { is_good: true, text } => ("ok  ", text, 0),
                Finding { text, .. } => ("warn", text, 1),
            },
        };
        status = worth.max(status);
        super::print(&format!("{word} {name}: {text}\n"));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the rows: "| `name` | ...".
    fn rows() -> Vec<String> {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/troubleshooting.md");
        let text = std::fs::read_to_string(page).unwrap();
        let name = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
        text.lines().filter_map(name).collect()
    }

    #[test]
    fn every_check_has_its_row_and_every_row_its_check() {
        let names: Vec<&str> = CHECKS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(rows(), names);
    }

    #[test]
    fn every_check_says_something_of_this_process() {
        for target in [Target::own().unwrap(), Target::of(&std::process::id().to_string()).unwrap()] {
            for (name, check, files) in CHECKS {
                assert_eq!(target.unseen(files), None, "{name}");
                assert!(!check(&target).text.is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_process_is_refused() {
        for word in ["", "0", "x", "../1", "99999999999"] {
            assert!(Target::of(word).is_err(), "{word}");
        }
    }
}
