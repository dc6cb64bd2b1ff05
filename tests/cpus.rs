//! How many processors count, and what follows from it: the queue, the threads of codecs and graphs; and the niceness of threads.
//! What needs a quota, or counts the threads of a process, runs in a process of its own: this program once more.

mod common;

use common::*;
use mt_transcode::job::{Engine, EngineConfig, Isolation, Job, LogMode, State};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread::available_parallelism;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mt-transcode");
/// Which of the ignored tests may run: they mean something only in a process of their own.
const ALONE: &str = "MT_TEST_ALONE";
const ENCODE: &str = "-y -f lavfi -i testsrc2=s=1280x720:r=25:d=0.2 -c:v libx264 -preset veryfast";

fn config() -> EngineConfig {
    let here = Isolation { stays_here: true, ..Isolation::default() };
    EngineConfig::new(0, None, false, LogMode::Take, 0).with_isolation(here)
}

/// A control group that may use so many per cent of one processor, removed at the end.
struct Quota {
    folder: PathBuf,
}

impl Quota {
    /// None, with a word why, where there is no more than one processor, or no group can be made.
    fn new(name: &str, percent: u32) -> Option<Quota> {
        if available_parallelism().map_or(1, usize::from) < 2 {
            println!("skipped: a quota shows only where there are two processors");
            return None;
        }
        let quota = Quota::of_first(name, percent).or_else(|| Quota::of_second(name, percent));
        if quota.is_none() {
            println!(
                "skipped: no control group with a quota can be made here (it takes root, and a cgroup that is writable)"
            );
        }
        quota
    }

    fn made(parent: &Path, name: &str, files: &[(&str, String)]) -> Option<Quota> {
        let folder = parent.join(format!("mt-{name}-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        let quota = Quota { folder };
        files.iter().all(|(file, text)| fs::write(quota.folder.join(file), text).is_ok()).then_some(quota)
    }

    /// Version 1.
    fn of_first(name: &str, percent: u32) -> Option<Quota> {
        let parent =
            Path::new("/sys/fs/cgroup/cpu").join(own_group(|line| line.contains(":cpu:") || line.contains("cpu,"))?);
        let files = [("cpu.cfs_period_us", "100000".to_owned()), ("cpu.cfs_quota_us", format!("{}", percent * 1000))];
        Quota::made(&parent, name, &files)
    }

    fn of_second(name: &str, percent: u32) -> Option<Quota> {
        let parent = Path::new("/sys/fs/cgroup").join(own_group(|line| line.starts_with("0::"))?);
        let _ = fs::write(parent.join("cgroup.subtree_control"), "+cpu");
        Quota::made(&parent, name, &[("cpu.max", format!("{} 100000", percent * 1000))])
    }

    /// The command of `words`, as a member of the group from its beginning on.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let members = self.folder.join("cgroup.procs");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$@\"", &members.display().to_string()]).args(words);
        command
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        eventually("the group is empty", || fs::remove_dir(&self.folder).is_ok());
    }
}

fn own_group(is_it: impl Fn(&str) -> bool) -> Option<String> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let line = membership.lines().find(|line| is_it(line))?;
    line.splitn(3, ':').nth(2).map(|path| path.trim_start_matches('/').to_owned())
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs an ignored test of this program in a process of its own, under a quota where there is one.
fn alone(test: &str, quota: Option<&Quota>) -> String {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let words = [program.as_str(), "--exact", test, "--ignored", "--nocapture", "--test-threads", "1"];
    let mut command = match quota {
        Some(quota) => quota.command(&words),
        None => {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]);
            command
        }
    };
    let said = said(&command.env(ALONE, test).output().expect("this program runs"));
    assert!(said.contains("1 passed"), "{said}");
    said
}

fn is_alone(test: &str) -> bool {
    std::env::var(ALONE).is_ok_and(|name| name == test)
}

/// How many threads x264 had for a file, as it writes itself into the stream.
fn x264_threads(file: &Path) -> u32 {
    let bytes = fs::read(file).expect("the output");
    let text = String::from_utf8_lossy(&bytes);
    let number = text.split(" threads=").nth(1).and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).expect("x264's settings stand in the stream")
}

fn encode_with(engine: &Arc<Engine>, options: &str) -> u32 {
    let folder = tempfile::tempdir().expect("a folder");
    run_in(engine, folder.path(), &format!("{ENCODE} {options} {{}}/out.mp4")).expect("an encode");
    x264_threads(&folder.path().join("out.mp4"))
}

#[test]
fn a_quota_counts_as_processors_do() {
    // Given quotas, when a process under them counts, then a part of a processor counts as one.
    for (percent, cpus) in [(100, 1), (50, 1), (150, 2)] {
        let Some(quota) = Quota::new(&format!("count{percent}"), percent) else { return };
        let text = said(&quota.command(&[PROGRAM, "diagnostics"]).output().expect("the program"));
        let about: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(about["cpus"], cpus, "{percent} %");
    }
}

#[test]
fn the_default_of_jobs_at_once_follows_a_quota() {
    for (percent, jobs) in [(100, 2), (150, 4)] {
        let Some(quota) = Quota::new(&format!("queue{percent}"), percent) else { return };
        let text = alone("jobs_at_once", Some(&quota));
        assert!(text.contains(&format!("0 of {jobs} jobs run")), "{percent} %: {text}");
    }
}

#[test]
#[ignore = "runs in a process of its own"]
fn jobs_at_once() {
    if is_alone("jobs_at_once") {
        println!("{}", Engine::new(config()).expect("an engine").dump());
    }
}

#[test]
fn an_encoder_gets_the_threads_of_a_quota_and_no_others_than_are_said() {
    // Given a quota of one processor, when the program encodes, then x264 has the threads that it has on a machine of one; what is said wins.
    let Some(quota) = Quota::new("encode", 100) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let threads = |program: &str, options: &str| {
        let out = folder.path().join("out.mp4").display().to_string();
        let line = format!("{program} -v error -nostdin {ENCODE} {options} {out}");
        said(&quota.command(&line.split_whitespace().collect::<Vec<_>>()).output().expect(program));
        x264_threads(Path::new(&out))
    };
    assert_eq!(threads(PROGRAM, ""), 1);
    assert_eq!(threads(PROGRAM, "-threads 3"), 3);
    assert_eq!(threads(PROGRAM, "-threads auto"), threads("ffmpeg", ""));
    // And a worker does as threads do.
    alone("encodes_in_a_worker", Some(&quota));
}

#[test]
#[ignore = "runs in a process of its own"]
fn encodes_in_a_worker() {
    if is_alone("encodes_in_a_worker") {
        let worker = Isolation { in_processes: true, worker_path: Some(PROGRAM.into()), ..Isolation::default() };
        let engine = Engine::new(config().with_isolation(worker)).expect("an engine");
        assert_eq!(encode_with(&engine, ""), 1);
    }
}

#[test]
fn without_a_quota_everything_is_as_ffmpeg_does_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("theirs.mp4");
    assert!(ffmpeg(&words(&format!("{ENCODE} {}", out.display()))));
    let text = said(&Command::new(PROGRAM).arg("diagnostics").output().expect("the program"));
    let about: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    // nproc(1) counts the affinity only.
    let affinity = said(
        &Command::new("nproc").env_remove("OMP_NUM_THREADS").env_remove("OMP_THREAD_LIMIT").output().expect("nproc"),
    );
    if about["cpus"].as_u64() != affinity.trim().parse().ok() {
        println!("skipped: these tests run under a quota themselves");
        return;
    }
    assert_eq!(encode_with(&Engine::new(config()).expect("an engine"), ""), x264_threads(&out));
}

#[test]
fn threads_per_job_hold_where_a_job_does_not_say_more() {
    let worker = Isolation { in_processes: true, worker_path: Some(PROGRAM.into()), ..Isolation::default() };
    for config in [config(), config().with_isolation(worker)] {
        let engine = Engine::new(config.with_threads_per_job(5)).expect("an engine");
        assert_eq!(encode_with(&engine, ""), 5);
        assert_eq!(encode_with(&engine, "-threads 2"), 2);
    }
    alone("codecs_and_graphs_have_their_threads", None);
}

/// A job that decodes, filters and encodes in real time, without an end, once it has made pictures.
fn endless(engine: &Arc<Engine>, folder: &Path, options: &str) -> Arc<Job> {
    let clip = clip(engine, folder);
    let line = format!(
        "-re -stream_loop -1 -i {} -vf scale=160:120 -an -c:v libx264 -preset ultrafast {options} -f null -",
        clip.display()
    );
    let job = start(engine, &words(&line)).expect("a job");
    eventually("pictures are made", || job.stats().progress.frames > 0);
    assert_eq!(job.state(), State::Running);
    job
}

#[test]
#[ignore = "runs in a process of its own"]
fn codecs_and_graphs_have_their_threads() {
    if !is_alone("codecs_and_graphs_have_their_threads") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let threads = |per_job| {
        let engine = Engine::new(config().with_threads_per_job(per_job)).expect("an engine");
        let job = endless(&engine, folder.path(), "");
        let count = niceness_by_thread(std::process::id()).len();
        job.cancel();
        assert_eq!(job.wait(Some(LONG)).expect("an end"), Some(-libc::ECANCELED));
        job.close();
        engine.close();
        count
    };
    let (one, six) = (threads(1), threads(6));
    // The decoder has five or six more, the graph five, x264 six; its lookahead may have some.
    assert!(six >= one + 16, "{one} threads with one each, {six} with six each");
}

/// Niceness by thread, of a process that may end meanwhile.
fn niceness_by_thread(pid: u32) -> BTreeMap<u32, i32> {
    let Ok(folder) = fs::read_dir(format!("/proc/{pid}/task")) else { return BTreeMap::new() };
    let of_thread = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        // After the name come the state and 15 numbers, then the niceness (proc(5)).
        let niceness = stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()?;
        Some((task.file_name().to_str()?.parse().ok()?, niceness))
    };
    folder.flatten().filter_map(of_thread).collect()
}

#[test]
fn threads_of_jobs_are_nicer_and_the_hosts_are_not() {
    alone("niceness_on_threads", None);
    alone("niceness_in_workers", None);
}

#[test]
#[ignore = "runs in a process of its own"]
fn niceness_on_threads() {
    if !is_alone("niceness_on_threads") {
        return;
    }
    // Given an engine with a niceness, when a job decodes and encodes, then each thread that came with it is nicer by it: none of codecs is left
    // out, and none that one of them started is twice as nice.
    let folder = tempfile::tempdir().expect("a folder");
    let before = niceness_by_thread(std::process::id());
    let base = *before.values().next().expect("a thread");
    let engine = Engine::new(config().with_niceness(5)).expect("an engine");
    let job = endless(&engine, folder.path(), "-threads 4");
    let now = niceness_by_thread(std::process::id());
    let (hosts, jobs): (Vec<_>, Vec<_>) = now.into_iter().partition(|(thread, _)| before.contains_key(thread));
    assert!(jobs.len() > 8 && !hosts.is_empty(), "{jobs:?} {hosts:?}");
    assert!(jobs.iter().all(|(_, niceness)| *niceness == (base + 5).min(19)), "{jobs:?}");
    assert!(hosts.iter().all(|(_, niceness)| *niceness == base), "{hosts:?}");
    job.cancel();
    job.close();
}

/// Processes that descend from this one.
fn descendants(of: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect();
    children.into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

#[test]
#[ignore = "runs in a process of its own"]
fn niceness_in_workers() {
    if !is_alone("niceness_in_workers") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let worker = Isolation { in_processes: true, worker_path: Some(PROGRAM.into()), ..Isolation::default() };
    let base = *niceness_by_thread(std::process::id()).values().next().expect("a thread");
    let engine = Engine::new(config().with_isolation(worker).with_niceness(5)).expect("an engine");
    let job = endless(&engine, folder.path(), "-threads 4");
    let all: Vec<_> = descendants(std::process::id()).into_iter().map(niceness_by_thread).collect();
    let busy = all.iter().find(|threads| threads.len() > 8).unwrap_or_else(|| panic!("a worker is busy: {all:?}"));
    assert!(busy.values().all(|niceness| *niceness == (base + 5).min(19)), "{all:?}");
    job.cancel();
    job.close();
}
