//! Both ways to run are one: given the same media, options and jobs on threads and in workers, then probes say the same bytes, errors the same words,
//! and jobs have the same numbers, but for times. MT_CORPUS_EVERY=1 probes every file of the corpus (where it is present); without it, a part.

mod common;

use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::{Engine, EngineConfig, Isolation, Job, JobStats, LogMode, OutputReport};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// An engine whose jobs run on threads, whatever the environment says, and one whose jobs run in workers.
fn both() -> [Arc<Engine>; 2] {
    let worker_path = Some(PathBuf::from(env!("CARGO_BIN_EXE_mt-transcode")));
    let isolated = |in_processes| Isolation {
        in_processes,
        stays_here: !in_processes,
        worker_path: worker_path.clone(),
        ..Isolation::default()
    };
    let config = EngineConfig::new(0, None, false, LogMode::Take, 0);
    [false, true].map(|in_processes| Engine::new(config.clone().with_isolation(isolated(in_processes))).unwrap())
}

type Options<'a> = &'a [(&'a str, &'a str)];

fn probed(engine: &Arc<Engine>, url: &str, options: Options) -> Result<String, Error> {
    let owned: Vec<_> = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    engine.probe(url, &owned, Some(LONG))
}

/// What a host can see of an error.
fn shown(error: &Error) -> String {
    // Of the context of a codec or format there is the address, which is no two times the same.
    let detail = error.detail().split(" @ 0x").map(|part| part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    format!(
        "{error} {:?} {} {:?} {:?} '{}' '{}' {}",
        error.code(),
        error.stage(),
        error.input(),
        error.stream(),
        error.url(),
        error.hint(),
        detail.collect::<String>()
    )
}

fn same(engines: &[Arc<Engine>; 2], url: &str, options: Options) -> Result<String, Error> {
    let [thread, process] = [0, 1].map(|which| probed(&engines[which], url, options));
    match (&thread, &process) {
        (Ok(thread), Ok(process)) => assert!(thread == process, "{url} {options:?}:\n{thread}\n{process}"),
        (Err(thread), Err(process)) => assert_eq!(shown(thread), shown(process), "{url} {options:?}"),
        _ => panic!("{url} {options:?}: {thread:?} on a thread, {process:?} in a worker"),
    }
    process
}

#[test]
fn probes_say_the_same() {
    let (engines, folder) = (both(), tempfile::tempdir().unwrap());
    let file = clip(&engines[0], folder.path()).display().to_string();
    for options in [
        &[][..],
        &[("mt_show", "format,streams,chapters,programs,packets,frames")],
        &[("mt_show", "packets"), ("mt_read_intervals", "%+#10")],
        &[("mt_show", "frames"), ("-mt_read_intervals", "1%+0.2")],
        &[("mt_trust", "untrusted"), ("mt_full_probe", "1")],
        &[("probesize", "100000"), ("ignore_editlist", "1")],
    ] {
        same(&engines, &file, options).unwrap_or_else(|error| panic!("{options:?}: {error}"));
    }
    // A text of some megabytes comes in pieces.
    let long = same(&engines, "testsrc2=s=16x16:d=400", &[("f", "lavfi"), ("mt_show", "packets,frames")]).unwrap();
    assert!(long.len() > 3 << 20, "{} bytes", long.len());
}

#[test]
fn errors_of_probes_say_the_same() {
    let (engines, folder) = (both(), tempfile::tempdir().unwrap());
    let file = clip(&engines[0], folder.path());
    let text = folder.path().join("text");
    std::fs::write(&text, "no media at all\n".repeat(1000)).unwrap();
    let cut = folder.path().join("cut.mp4");
    std::fs::write(&cut, &std::fs::read(&file).unwrap()[..2000]).unwrap();
    let name = |path: &Path| path.display().to_string();
    for (url, options) in [
        (name(&text), &[][..]),
        (name(&cut), &[]),
        (name(folder.path()), &[]),
        ("/nowhere/in.mp4".into(), &[]),
        ("http://user:secret@127.0.0.1:9/a".into(), &[]),
        ("mt:in".into(), &[]),
        (name(&file), &[("mt_show", "everything")]),
        (name(&file), &[("mt_read_intervals", "x")]),
        (name(&file), &[("no_such_option", "1")]),
        (name(&file), &[("mt_max_pixels", "100")]),
        (name(&file), &[("f", "nonsense")]),
        (name(&text), &[("mt_trust", "untrusted"), ("f", "concat")]),
    ] {
        same(&engines, &url, options).expect_err(&url);
    }
    let endless = [("f", "lavfi"), ("mt_show", "frames")];
    same(&engines, "testsrc2=s=16x16:r=1000", &endless).expect_err("too much JSON");
    let timed = [("f", "lavfi"), ("mt_show", "frames"), ("mt_max_time", "1")];
    same(&engines, "testsrc2=s=16x16,realtime", &timed).expect_err("too much time");
}

#[test]
fn a_pipe_has_all_its_bytes_after_a_probe() {
    let (engines, folder) = (both(), tempfile::tempdir().unwrap());
    let media = std::fs::read(clip(&engines[0], folder.path())).unwrap();
    for (bytes, limit) in [(&media[..], 0), (&media[..500], 0), (&media[..], 4096)] {
        let said = [0, 1].map(|which| {
            let pipe = memory::pipe(&engines[which], 1 << 20);
            memory::feed(&pipe, bytes.to_vec()).join().unwrap().unwrap();
            let said = pipe.probe(&[], limit, Some(LONG)).map_err(|error| shown(&error));
            let (rest, end) = memory::drain(&pipe);
            assert_eq!(end, Ok(()));
            pipe.free();
            assert!(rest == bytes, "{} of {} bytes", rest.len(), bytes.len());
            said
        });
        assert_eq!(said[0], said[1], "{} bytes, {limit}", bytes.len());
    }
}

/// Numbers of a job that ended, but for times and threads' timing.
fn numbers(job: &Job) -> (String, Vec<OutputReport>) {
    let JobStats { state, progress, frames_duplicated, frames_dropped, packets_read, packets_written, .. } =
        job.stats();
    let stats = job.stats();
    let text = format!(
        "{state:?} {} {:?} {} {} {frames_duplicated} {frames_dropped} {packets_read} {packets_written} {} {} {} {} {}",
        progress.position_us,
        progress.duration_us,
        progress.frames,
        progress.size_bytes,
        stats.packets_corrupt,
        stats.decode_errors,
        stats.timestamps_repaired,
        stats.link_bytes,
        stats.threads,
    );
    (text, job.report().outputs)
}

#[test]
fn a_job_has_the_same_numbers() {
    let (engines, folder) = (both(), tempfile::tempdir().unwrap());
    let at = folder.path().display().to_string();
    clip(&engines[0], folder.path());
    let broken: Vec<u8> = std::fs::read(folder.path().join("clip.mp4")).unwrap();
    let middle = broken.len() / 2;
    let noise: Vec<u8> =
        broken.iter().enumerate().map(|(i, b)| if i.abs_diff(middle) < 300 { !b } else { *b }).collect();
    std::fs::write(folder.path().join("broken.mp4"), noise).unwrap();
    for line in [
        "-y -i {}/clip.mp4 -c copy {}/out.mkv",
        "-y -i {}/clip.mp4 -threads 1 -c:v mpeg4 -flags +psnr -c:a mp2 -map 0 {}/out.mkv -map 0:a -c copy {}/out.aac",
        "-y -i {}/clip.mp4 -map 0:v -r 50 -c:v mpeg4 {}/out.avi",
        "-y -i {}/clip.mp4 -c copy -f hls -hls_time 1 {}/out.m3u8",
        "-y -threads 1 -i {}/broken.mp4 -c:v mpeg4 -threads 1 -c:a mp2 {}/out.mkv",
    ] {
        let args = words(&line.replace("{}", &at));
        let [thread, process] = [0, 1].map(|which| {
            let job = Job::new(&engines[which]).unwrap();
            job.set_args(&args).unwrap();
            job.watch();
            job.start().unwrap();
            assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{line}: {:?}", job.error());
            assert!(job.first_report().is_some_and(|report| report.outputs.len() == job.report().outputs.len()));
            let numbers = numbers(&job);
            job.close();
            numbers
        });
        assert_eq!(thread.0, process.0, "{line}");
        assert_eq!(format!("{:?}", thread.1), format!("{:?}", process.1), "{line}");
    }
}

#[test]
fn real_media_are_probed_the_same() {
    let Some(root) = corpus() else { return println!("skipped: the corpus is not here") };
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(9);
    let text = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let engines = both();
    let files = text.lines().skip(1).filter_map(|line| line.split('\t').next()).step_by(every);
    let good = files.filter(|file| same(&engines, &root.join(file).display().to_string(), &[]).is_ok()).count();
    assert!(good > 0, "none is media");
    println!("{good} files are probed the same");
}

/// Given a time limit, when it is over, then the job ends in good order soon, and not when its worker is killed for it.
#[test]
fn a_time_limit_ends_the_outputs_in_good_order() {
    let (engines, folder) = (both(), tempfile::tempdir().unwrap());
    for engine in &engines {
        let line = "-y -mt_max_time 1 -re -f lavfi -i testsrc2=s=64x48 -c:v mpeg4 {}/out.mp4";
        let error = run_in(engine, folder.path(), line).unwrap_err();
        assert_eq!(error.code(), Code::LIMIT, "{error}");
        assert_eq!(probe(engine, &folder.path().join("out.mp4"))["streams"][0]["codec_name"], "mpeg4");
    }
}

/// Given an idle limit, when a job waits for its host for longer, then that is no idle time, before the first packet and after it.
#[test]
fn waiting_for_the_host_is_not_idle() {
    let (engines, folder) = (both(), tempfile::tempdir().unwrap());
    clip(&engines[0], folder.path());
    run_in(&engines[0], folder.path(), "-i {}/clip.mp4 -c copy {}/clip.ts").unwrap();
    let data = std::fs::read(folder.path().join("clip.ts")).unwrap();
    for engine in &engines {
        let line = "-mt_idle_timeout 0.5 -i mt:in -c copy -f mpegts mt:out";
        let (job, input, output) = memory::piped(engine, line, 1 << 20, 1 << 20);
        job.start().unwrap();
        for half in [&data[..data.len() / 2], &data[data.len() / 2..]] {
            std::thread::sleep(Duration::from_millis(1200));
            assert!(!job.state().is_final(), "{:?}", job.error());
            input.pipe.write(half, memory::WAIT).unwrap();
        }
        input.pipe.close_write(0).unwrap();
        assert_eq!(memory::drain(&output).1, Ok(()));
        assert_eq!(job.wait(Some(LONG)).unwrap(), Some(0), "{:?}", job.error());
        memory::finish(&job, &[&input, &output]);
    }
}
