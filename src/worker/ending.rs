//! How a worker ended, and what that is to its host.

use crate::error::{Code, Error};
use serde_json::{Value, json};

/// Why the forkserver killed a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cause {
    #[default]
    None,
    /// More resident memory than allowed.
    Memory,
    /// The host wanted it.
    Host,
}

/// What the forkserver knows of a worker's end.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// 0 where it left by itself, then with `status`.
    pub signal: i32,
    pub status: i32,
    pub cause: Cause,
    /// The kernel killed something of this cgroup for want of memory meanwhile.
    pub was_out_of_memory: bool,
    /// It used the CPU time that it had.
    pub was_out_of_time: bool,
    pub peak_kib: u64,
}

impl Ending {
    pub fn to_json(&self) -> Value {
        json!({
            "signal": self.signal, "status": self.status, "memory": self.cause == Cause::Memory, "host": self.cause == Cause::Host,
            "oom": self.was_out_of_memory, "time": self.was_out_of_time, "peak_kib": self.peak_kib,
        })
    }

    pub fn of_json(value: &Value) -> Ending {
        let is = |key: &str| value[key].as_bool().unwrap_or(false);
        Ending {
            signal: value["signal"].as_i64().unwrap_or(0) as i32,
            status: value["status"].as_i64().unwrap_or(0) as i32,
            cause: if is("memory") {
                Cause::Memory
            } else if is("host") {
                Cause::Host
            } else {
                Cause::None
            },
            was_out_of_memory: is("oom"),
            was_out_of_time: is("time"),
            peak_kib: value["peak_kib"].as_u64().unwrap_or(0),
        }
    }

    /// The end of a worker that said no result. `report` is its crash report, if it made one.
    pub fn error(&self, report: &str) -> Error {
        let peak = format!("its memory was {} MiB at most", self.peak_kib >> 10);
        let error = match (self.signal, self.cause) {
            (libc::SIGKILL, Cause::Memory) => {
                Error::new(Code::LIMIT, format!("the worker passed its memory limit: {peak}"))
                    .with_hint("Raise worker_memory_bytes if the input is good.")
            }
            (libc::SIGKILL, Cause::Host) => Error::new(Code::HUNG, "the worker did not answer and was killed".into()),
            (libc::SIGKILL, _) if self.was_out_of_memory => {
                Error::new(Code::OOM_KILLED, format!("the kernel killed the worker for want of memory: {peak}"))
                    .with_hint("Give the container more memory, run fewer jobs at once, or set worker_memory_bytes.")
            }
            (libc::SIGKILL, _) => Error::new(Code::KILLED, "somebody killed the worker (SIGKILL)".into()),
            (libc::SIGXCPU, _) if self.was_out_of_time => {
                Error::new(Code::LIMIT, "the worker used up its CPU time".into())
                    .with_hint("Raise worker_cpu_seconds if the input is good.")
            }
            (libc::SIGSYS, _) if !was_sent(report) => {
                let call = line(report, "system_call: ").map_or(String::new(), |call| format!(" {call}"));
                Error::new(Code::SANDBOX, format!("the worker made the system call{call}, which its sandbox forbids"))
                    .with_hint("No media needs it: keep the input, and report it with the detail text.")
            }
            (0, _) => {
                Error::new(Code::CRASHED, format!("the worker left with status {} before its job ended", self.status))
            }
            (signal, _) if FAULTS.contains(&signal) => {
                Error::new(Code::CRASHED, format!("the worker crashed by {}", said(signal, report)))
            }
            // No code faults by the others.
            (signal, _) => Error::new(Code::KILLED, format!("somebody ended the worker with signal {signal}")),
        };
        error.at(stage(report)).with_detail(report)
    }
}

/// What ends code that does wrong, or gives up.
const FAULTS: [i32; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// Whether the report says that a process sent the signal (si_code of sigaction(2)).
fn was_sent(report: &str) -> bool {
    let code = line(report, "code: ").and_then(|code| code.split(' ').next()?.parse().ok());
    code.is_some_and(|code: i32| code <= 0)
}

fn line<'a>(report: &'a str, key: &str) -> Option<&'a str> {
    report.lines().find_map(|line| line.strip_prefix(key))
}

fn said(signal: i32, report: &str) -> String {
    let mut text = format!("signal {signal}");
    if let Some(name) = line(report, "signal: ") {
        text = format!("signal {name}");
    }
    if let Some(code) = line(report, "code: ").and_then(|code| code.split_once(' ')) {
        text += &format!(", {}", code.1);
    }
    if let Some(frame) = line(report, "frame 0: ").and_then(|frame| frame.split(' ').nth(1)) {
        text += &format!(", at {frame}");
    }
    text
}

/// The stage that the report names.
fn stage(report: &str) -> &'static str {
    let stage = line(report, "stage: ").unwrap_or_default();
    crate::crash::STAGES.iter().find(|known| **known == stage).copied().unwrap_or("worker")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(signal: i32, report: &str) -> Code {
        Ending { signal, ..Ending::default() }.error(report).code()
    }

    #[test]
    fn who_ended_it_says_the_signal() {
        for fault in FAULTS {
            assert_eq!(code(fault, ""), Code::CRASHED, "{fault}");
        }
        for sent in [libc::SIGQUIT, libc::SIGUSR1, libc::SIGALRM, libc::SIGTRAP, libc::SIGXCPU, 34, 64] {
            assert_eq!(code(sent, ""), Code::KILLED, "{sent}");
        }
        let over = Ending { signal: libc::SIGXCPU, was_out_of_time: true, ..Ending::default() };
        assert_eq!(Ending::of_json(&over.to_json()).error("").code(), Code::LIMIT);
    }

    #[test]
    fn a_sigsys_that_somebody_sent_is_no_system_call() {
        assert_eq!(code(libc::SIGSYS, "code: 1 SYS_SECCOMP: ...\nsystem_call: 59 execve\n"), Code::SANDBOX);
        assert_eq!(code(libc::SIGSYS, ""), Code::SANDBOX);
        let error = Ending { signal: libc::SIGSYS, ..Ending::default() }.error("code: 0 SI_USER: kill\n");
        assert_eq!(error.code(), Code::KILLED);
        assert!(!error.message().contains("system call"), "{error}");
    }
}
