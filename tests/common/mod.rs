//! What the Rust tests share: temporary folders, jobs in one line, the ffmpeg program of the same libraries beside them.
#![allow(dead_code)] // each test file uses its own part

pub mod attacks;
pub mod camera;
pub mod live;
pub mod memory;
pub mod probes;
pub mod sources;

use mt_transcode::error::Error;
use mt_transcode::job::{Engine, EngineConfig, Job, LogMode, ffmpeg_release};
use mt_transcode::options::Release;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Bounds are generous: a test that takes this long hangs.
pub const LONG: Duration = Duration::from_secs(300);

pub fn engine() -> Arc<Engine> {
    Engine::new(EngineConfig::new(0, None, false, LogMode::Take, 0)).expect("an engine")
}

/// Whether jobs run in workers, by the operator's word: `make test-isolated`.
pub fn is_isolated() -> bool {
    std::env::var("MT_TRANSCODE_ISOLATION").is_ok_and(|mode| mode == "process")
}

pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A job of these arguments, started.
pub fn start(engine: &Arc<Engine>, args: &[String]) -> Result<Arc<Job>, Error> {
    let job = Job::new(engine)?;
    job.set_args(args)?;
    job.start()?;
    Ok(job)
}

/// Runs a job to its end.
pub fn run(engine: &Arc<Engine>, args: &[String]) -> Result<(), Error> {
    let job = start(engine, args)?;
    let result = job.wait(Some(LONG)).expect("a defined result");
    let error = job.error();
    job.close();
    match (result, error) {
        (None, _) => panic!("the job hangs: {args:?}"),
        (Some(0), _) => Ok(()),
        (Some(_), Some(error)) => Err(error),
        (Some(code), None) => panic!("result {code} without an error text"),
    }
}

/// Runs a job in words, with `{}` standing for the folder.
pub fn run_in(engine: &Arc<Engine>, folder: &Path, line: &str) -> Result<(), Error> {
    run(engine, &words(&line.replace("{}", &folder.display().to_string())))
}

/// A 320x240 clip of two seconds with a sine, made by the library: H.264 with B-frames and AAC.
pub fn clip(engine: &Arc<Engine>, folder: &Path) -> PathBuf {
    let path = folder.join("clip.mp4");
    let line = "-f lavfi -i testsrc2=s=320x240:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -preset ultrafast -bf 2 -g 25 \
                -threads 1 -c:a aac -metadata title=clip {}/clip.mp4";
    run_in(engine, folder, line).expect("the clip");
    path
}

/// Whether the libraries, and so the programs beside us, are FFmpeg 5.1: where releases differ, ours follows this one.
pub fn is_5_1() -> bool {
    ffmpeg_release() == Release(5, 1)
}

/// Whether ffprobe has the fields that ours has; says so where a test is skipped for it.
pub fn is_ffprobe_5_1() -> bool {
    if !is_5_1() {
        println!("skipped: comparisons with another ffprobe than 5.1 (it has other fields)");
    }
    is_5_1()
}

/// The ffmpeg program of the same libraries. True where it succeeded.
pub fn ffmpeg(args: &[String]) -> bool {
    let out = Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(args).output();
    out.expect("the ffmpeg program is there (scripts/setup.sh installs it)").status.success()
}

/// MD5 and times of every packet, by FFmpeg's framemd5 muxer.
pub fn frame_md5(engine: &Arc<Engine>, file: &Path) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    let args = [
        "-i",
        &file.display().to_string(),
        "-map",
        "0",
        "-c",
        "copy",
        "-copyts",
        "-f",
        "framemd5",
        &list.display().to_string(),
    ];
    run(engine, &args.map(str::to_owned)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(list).expect("the list");
    text.lines().filter(|line| !line.starts_with("#software")).collect::<Vec<_>>().join("\n")
}

pub fn probe(engine: &Arc<Engine>, file: &Path) -> serde_json::Value {
    let json = engine
        .probe(&file.display().to_string(), &[], Some(LONG))
        .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_str(&json).expect("JSON")
}

pub fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Resident memory of this process in KiB.
pub fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// What is allocated and not freed in this process, in KiB. Unlike resident memory it does not count what malloc keeps for later,
/// which differs by tens of MiB with how threads happened to share its arenas.
pub fn allocated_kib() -> u64 {
    // SAFETY: fills a structure of numbers that it returns; it takes the lock of each arena in turn (mallinfo(3)).
    let malloc = unsafe { libc::mallinfo2() };
    (malloc.uordblks + malloc.hblkhd) as u64 / 1024
}

/// Where the real media are, when they are.
pub fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("MT_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    root.join("MANIFEST.tsv").is_file().then_some(root)
}

/// Names of its files of a format.
pub fn corpus_files(root: &Path, format: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    let is_it = |line: &&str| line.split('\t').nth(2) == Some(format);
    manifest.lines().filter(is_it).filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
}

/// Asks until it is so, for a generous time.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + LONG;
    while !is_so() {
        assert!(std::time::Instant::now() < until, "{what} did not become true");
        std::thread::sleep(Duration::from_millis(10));
    }
}
