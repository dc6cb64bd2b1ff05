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
