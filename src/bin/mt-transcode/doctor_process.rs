//! Checks of `mt-transcode doctor`: signals, filters of system calls, what debuggers may.

use crate::doctor::{Finding, finding, good, warn};
use crate::doctor_about::{Target, text};
use object::{Object, ObjectSection};
use std::path::Path;

/// Those that crash reports are made for, by their numbers on Linux.
const FAULTS: [(u32, &str); 5] = [(11, "SIGSEGV"), (7, "SIGBUS"), (4, "SIGILL"), (8, "SIGFPE"), (6, "SIGABRT")];
/// Those that end a service in good order, or tell it of its children.
const ASKED: [(u32, &str); 3] = [(15, "SIGTERM"), (2, "SIGINT"), (17, "SIGCHLD")];

/// Names of the signals in a mask of /proc, as that prints it.
fn named(mask: &str, signals: &[(u32, &'static str)]) -> Vec<&'static str> {
    let mask = u64::from_str_radix(mask, 16).unwrap_or(0);
    signals.iter().filter(|(number, _)| mask & (1 << (number - 1)) != 0).map(|(_, name)| *name).collect()
}

pub fn crash_handlers(target: &Target) -> Finding {
    if !target.is_other {
        return good("name a process to see whether it has any");
    }
    let caught = named(&target.status("SigCgt").unwrap_or_default(), &FAULTS);
    let missing: Vec<&str> = FAULTS.iter().map(|(_, name)| *name).filter(|name| !caught.contains(name)).collect();
    match missing.is_empty() {
        true => good("there is one for each fault"),
        false => warn(format!("none for {}: there will be no crash report of those", missing.join(", "))),
    }
}

pub fn blocked_signals(target: &Target) -> Finding {
    let mask = target.status("SigBlk").unwrap_or_default();
    let (faults, asked) = (named(&mask, &FAULTS), named(&mask, &ASKED));
    match [faults, asked].concat() {
        none if none.is_empty() => good("none that matter, in the first thread"),
        some => warn(format!("{}, in the first thread", some.join(", "))),
    }
}

pub fn go_traceback(target: &Target) -> Finding {
    let program = std::fs::read(target.proc.join("exe")).unwrap_or_default();
    let is_go = object::File::parse(&*program)
        .is_ok_and(|file| file.sections().any(|section| section.name() == Ok(".go.buildinfo")));
    match target.variable("GOTRACEBACK").as_deref() {
        _ if !is_go => good("it is no Go program"),
        Some("crash") => good("GOTRACEBACK=crash"),
        Some(other) => warn(format!("GOTRACEBACK={other}: a fault of Go code leaves no core dump")),
        None => warn("GOTRACEBACK is not set: a fault of Go code leaves no core dump"),
    }
}

pub fn ptrace(_: &Target) -> Finding {
    let scope = text(Path::new("/proc/sys/kernel/yama/ptrace_scope"));
    match scope.trim() {
        "" => good("ptrace_scope is not there: debuggers may attach"),
        "0" => good("ptrace_scope is 0: debuggers may attach"),
        other => finding(other == "1", format!("ptrace_scope is {other}: attaching needs CAP_SYS_PTRACE")),
    }
}

pub fn seccomp(target: &Target) -> Finding {
    match target.status("Seccomp").as_deref() {
        Some("0") => good("no filter of system calls"),
        Some("2") => good("a filter of system calls is on, as containers have it"),
        Some(other) => warn(format!("mode {other}: hardly any system call is allowed")),
        None => good("the kernel does not say"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(status: &str) -> (tempfile::TempDir, Target) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("status"), status).unwrap();
        let proc = folder.path().to_owned();
        (folder, Target { proc, is_other: true })
    }

    #[test]
    fn handlers_that_are_missing_are_named() {
        // SIGILL, SIGABRT, SIGBUS, SIGFPE are caught; SIGSEGV is not.
        let (_folder, some) = target("SigCgt:\t00000000000000e8\n");
        let found = crash_handlers(&some);
        assert!(!found.is_good && found.text.contains("SIGSEGV") && !found.text.contains("SIGBUS"), "{}", found.text);
        let (_folder, all) = target("SigCgt:\t00000000000004e8\n");
        assert!(crash_handlers(&all).is_good);
    }

    #[test]
    fn signals_that_never_come_are_named() {
        let (_folder, some) = target("SigBlk:\t0000000000004000\n");
        assert_eq!(blocked_signals(&some).text, "SIGTERM, in the first thread");
        let (_folder, none) = target("SigBlk:\t0000000000000000\n");
        assert!(blocked_signals(&none).is_good);
    }
}
