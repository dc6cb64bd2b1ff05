//! `mt-transcode doctor`, of a process that lives.

use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mt-transcode");

#[test]
fn a_process_is_looked_at() {
    // Given a process without handlers and with few descriptors left, when the doctor looks at it, then it warns of these two by name.
    let script = "for n in 3 4 5 6 7 8 9; do eval \"exec $n</dev/null\"; done; ulimit -n 11; echo on; read -r end";
    let mut patient = Command::new("bash")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut ready = [0; 3];
    std::io::Read::read_exact(patient.stdout.as_mut().expect("piped"), &mut ready).expect("it is on");
    let seen = Command::new(PROGRAM).args(["doctor", &patient.id().to_string()]).output().expect("the doctor");
    drop(patient.stdin.take());
    patient.wait().expect("the shell ends");
    let text = String::from_utf8_lossy(&seen.stdout);
    assert_eq!(seen.status.code(), Some(1), "{text}");
    for wanted in ["warn crash-handlers: none for SIGSEGV", "warn descriptors: ", "ok   static-glibc:"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn a_process_that_is_not_there_is_said() {
    let seen = Command::new(PROGRAM).args(["doctor", "4194305"]).output().expect("the doctor");
    assert_eq!(seen.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&seen.stderr).contains("4194305"));
}

/// The doctor's status and what it says of `pid`, as the user who runs this or as another one; None where it cannot be run so.
fn looked_at(pid: u32, user: Option<u32>) -> Option<(Option<i32>, String)> {
    let mut doctor = Command::new(PROGRAM);
    doctor.args(["doctor", &pid.to_string()]);
    if let Some(user) = user {
        std::os::unix::process::CommandExt::uid(&mut doctor, user);
    }
    let seen = doctor.output().ok()?;
    Some((seen.status.code(), String::from_utf8_lossy(&seen.stdout).into_owned()))
}

fn nothing_is_said_of_it(text: &str, checks: &[&str]) {
    for check in checks {
        assert!(text.contains(&format!("?    {check}: cannot be looked at: ")), "{check}: {text}");
    }
}

#[test]
fn what_cannot_be_seen_of_a_process_is_said() {
    // Given a process that has ended, but that nobody waited for.
    let mut ended = Command::new("true").spawn().expect("a program");
    let stat = format!("/proc/{}/stat", ended.id());
    while !std::fs::read_to_string(&stat).expect("it is there").contains(") Z ") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let (status, text) = looked_at(ended.id(), None).expect("the doctor");
    ended.wait().expect("it has ended");
    // Then no check that needs something of it says anything, and what is the machine's is told.
    assert_eq!(status, Some(2), "{text}");
    nothing_is_said_of_it(&text, &["core-dumps", "crash-handlers", "static-glibc", "ffmpeg", "musl", "ca-bundle"]);
    assert!(text.contains(" system-descriptors: ") && !text.contains("?    ptrace"), "{text}");
    // And of a process of another user only what everybody sees. Only root can be another user.
    let Some((status, text)) = looked_at(std::process::id(), Some(65534)) else { return };
    assert_eq!(status, Some(2), "{text}");
    nothing_is_said_of_it(&text, &["go-traceback", "descriptors", "static-glibc", "ca-bundle", "shared-memory"]);
    assert!(!text.contains("?    stack"), "{text}");
}

#[test]
fn a_full_standard_output_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report");
    std::fs::write(&report, "mt-transcode crash report 1\n").expect("a report");
    let report = report.to_str().expect("text");
    for (args, status) in [(&["symbolize", report][..], 1), (&["version"], 1), (&["doctor"], 2)] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let done = Command::new(PROGRAM).args(args).stdout(full).output().expect("the program");
        assert_eq!(done.status.code(), Some(status), "{args:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("standard output"), "{args:?}");
    }
}
