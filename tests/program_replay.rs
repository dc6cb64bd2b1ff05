//! `mt-transcode replay`, ended by signals.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mt-transcode");
const CAPTURE: &str = r#"{"capture": 1, "error": {"code": -1, "stage": "mux", "name": "EPERM"},
    "args": ["-y", "-re", "-f", "lavfi", "-i", "testsrc2", "-f", "null", "-"]}"#;

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().expect("a folder").next().is_none()
}

#[test]
fn a_signal_leaves_no_folder_behind() {
    let capture = tempfile::tempdir().expect("a folder");
    std::fs::write(capture.path().join("command.json"), CAPTURE).expect("a capture");
    for signal in ["INT", "TERM", "HUP"] {
        // Given the replay of a job without end, which has made its folder.
        let temporary = tempfile::tempdir().expect("a folder");
        let mut replay = Command::new(PROGRAM)
            .args(["replay", "--isolation", "thread"])
            .arg(capture.path())
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        while is_empty(temporary.path()) {
            assert_eq!(replay.try_wait().expect("a child"), None, "it goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
        // When it is told to end, then it does, and the folder is gone.
        let sent = Command::new("bash").args(["-c", &format!("kill -{signal} {}", replay.id())]).status();
        assert!(sent.expect("a shell").success());
        assert_eq!(replay.wait().expect("it ends").code(), Some(2), "{signal}");
        assert!(is_empty(temporary.path()), "{signal}");
    }
}
