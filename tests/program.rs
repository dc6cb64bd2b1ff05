//! The program mt-transcode, as a supervisor and a script see it.

mod common;

use common::*;
use std::process::{Command, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mt-transcode"))
}

#[test]
fn a_signal_ends_the_file_in_good_order() {
    // Given an endless job, when SIGTERM comes, then the program ends with 255, as ffmpeg, and the file plays.
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let out = folder.path().join("o.mp4");
    let mut child = program()
        .args(words("-y -re -f lavfi -i testsrc2=s=64x48 -c:v mpeg4"))
        .args(["-movflags", "frag_keyframe", "-g", "5"])
        .arg(&out)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("something is written", || std::fs::metadata(&out).is_ok_and(|file| file.len() > 2000));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(255));
    assert_eq!(probe(&engine, &out)["streams"][0]["codec_name"], "mpeg4");
}

#[test]
fn exit_codes_and_messages() {
    let run = |line: &str| program().args(words(line)).output().unwrap();
    assert!(run("-f lavfi -i testsrc2=s=64x48:d=0.2 -f null -").status.success());
    let failed = run("-i /no/such/file -f null -");
    assert_eq!(failed.status.code(), Some(1));
    let words = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(words.contains("/no/such/file") && words.contains("hint:"), "{words}");
    assert!(String::from_utf8_lossy(&run("diagnostics").stdout).contains("libavcodec"));
}
