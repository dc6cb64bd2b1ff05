//! The library's own probe, through the program and by its function: its JSON, sections by `mt_show`, and its bounds.

mod common;

use common::probes::*;
use common::*;
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn with_input_options_only_it_is_the_librarys_json() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let clip = clip(&engine, folder.path());
    let file = clip.display().to_string();
    let json = engine.probe(&file, &[], Some(LONG)).expect("it is media");
    for args in [file.clone(), format!("-v quiet -hide_banner -i {file}"), format!("-probesize 5000000 {file}")] {
        let (out, _, code) = ours(&words(&args));
        assert_eq!((String::from_utf8_lossy(&out).trim_end(), code), (json.as_str(), Some(0)), "{args}");
    }
    let (out, error, code) = ours(&words("/no/such/file"));
    assert!(out.is_empty() && code == Some(1) && String::from_utf8_lossy(&error).contains("hint:"));
    assert_eq!(ours(&[]).2, Some(1));
}

#[test]
fn the_library_shows_what_ffprobe_shows() {
    // Given mt_show, then each section is ffprobe's, value by value.
    if !is_ffprobe_5_1() {
        return;
    }
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    metadata(folder.path());
    let line = format!("{PICTURES} {SOUND} -i {{}}/metadata -map 0 -map 1 -map_metadata 2 -c:v mpeg2video -c:a mp2");
    let file = make(folder.path(), "f.ts", &line).display().to_string();
    let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    for shown in ["packets", "frames", "packets,frames", "programs,chapters,streams", "streams,format"] {
        let options = [option("mt_show", shown), option("mt_read_intervals", "%+#20")];
        let ours = engine.probe(&file, &options, Some(LONG)).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let flags: String = shown.split(',').map(|section| format!("-show_{section} ")).collect();
        let args = words(&format!("-v error {flags} -read_intervals %+#20 -of json {file}"));
        let theirs: Value = serde_json::from_slice(&answer(&["ffprobe"], &args).0).expect("JSON");
        assert_eq!(serde_json::from_str::<Value>(&ours).expect("JSON"), theirs, "{shown}");
    }
}

#[test]
fn a_probe_of_endless_media_is_bounded() {
    // Given media without end, then the timeout ends the probe, and without one the size of its answer does.
    let engine = engine();
    let options = |shown: &str| ["f", "lavfi", "mt_show", shown].map(str::to_owned);
    let ask = |shown: &str, timeout| {
        let [f, lavfi, key, shown] = options(shown);
        engine.probe("anullsrc=r=48000:n=16", &[(f, lavfi), (key, shown)], timeout).expect_err("it has no end")
    };
    let began = Instant::now();
    assert_eq!(ask("frames", Some(Duration::from_millis(50))).code().name(), c"ETIMEDOUT");
    assert!(began.elapsed() < LONG);
    let error = ask("packets", None);
    assert_eq!(error.code().name(), c"LIMIT");
    assert!(error.hint().contains("mt_read_intervals"), "{}", error.hint());
    let stats = engine.stats();
    assert_eq!((stats.threads, stats.detached), (0, 0));
}

#[test]
fn options_of_probes_are_refused_in_jobs() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    for option in ["-mt_show streams", "-mt_read_intervals %+#1"] {
        let line = format!("{option} -f lavfi -i testsrc2=s=64x48:d=0.2 -f null -");
        let error = run_in(&engine, folder.path(), &line).expect_err(option);
        assert_eq!(error.code().name(), c"OPTION", "{error}");
    }
}
