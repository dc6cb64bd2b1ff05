//! A host that keeps FFmpeg's log to itself hears there what FFmpeg has to say, and nothing that we made it say.

mod common;

use common::memory::*;
use common::*;
use mt_transcode::job::{Engine, EngineConfig, Isolation, LogMode};
use std::process::Command;

const ALONE: &str = "MT_TEST_ALONE";

/// The log is the process's: so it is another one that copies an MPEG-TS in memory.
#[test]
fn a_copy_from_memory_says_nothing_on_standard_error() {
    if std::env::var_os(ALONE).is_some() {
        let here = Isolation { stays_here: true, ..Isolation::default() };
        let engine = Engine::new(EngineConfig::new(0, None, false, LogMode::Leave, 0).with_isolation(here)).unwrap();
        let path = std::env::var(ALONE).unwrap();
        through_memory(&engine, "-i mt:in -map 0 -c copy -f matroska mt:out", read(path.as_ref())).expect("a copy");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.ts").display().to_string();
    let line = "-f lavfi -i testsrc2=s=64x64:d=1 -f lavfi -i sine=d=1 -c:v libx264 -pix_fmt yuv420p -c:a aac";
    assert!(ffmpeg(&[words(line), vec![path.clone()]].concat()));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_copy_from_memory_says_nothing_on_standard_error", "--nocapture"])
        .env(ALONE, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("whitelist") && !said.contains("Failed to open"), "{said}");
}
