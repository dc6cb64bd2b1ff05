//! Hardware devices: a job's own, opened as ffmpeg opens them, refused where inputs are not trusted. What needs a device runs on Mesa's
//! Vulkan driver for processors (lavapipe, of mesa-vulkan-drivers), and says so where there is none.

mod common;

use common::memory::is_quiet;
use common::*;
use mt_transcode::error::{Code, Error};
use mt_transcode::job::{Engine, EventKind, Job, diagnostics};
use std::path::Path;
use std::sync::Arc;

const BLUR: &str = "format=yuv420p,hwupload,avgblur_vulkan,hwdownload,format=yuv420p";
/// One picture again and again, as it was: FFmpeg uploads to Vulkan in the background, out of memory that others may write to meanwhile,
/// and its filters for Vulkan do not always give the same here, in the ffmpeg program neither.
const STILL: &str = "smptebars=d=0.2,format=yuv420p,hwupload,hwdownload,format=yuv420p";

/// Whether the ffmpeg program beside us finds a Vulkan device.
fn has_vulkan() -> bool {
    let line = format!("-init_hw_device vulkan -f lavfi -i testsrc2=d=0.04 -vf {BLUR} -f null -");
    let found = ffmpeg(&words(&line));
    if !found {
        println!("skipped: ffmpeg finds no Vulkan device here (mesa-vulkan-drivers has one that needs no hardware)");
    }
    found
}

fn fails(engine: &Arc<Engine>, folder: &Path, line: &str) -> Error {
    run_in(engine, folder, line).expect_err(line)
}

/// The lines of a job's log, and its result.
fn log_of(engine: &Arc<Engine>, line: &str) -> (Vec<String>, Option<Error>) {
    let job = Job::new(engine).unwrap();
    job.set_args(&words(line)).unwrap();
    job.start().unwrap();
    let mut lines = Vec::new();
    loop {
        match job.next_event(Some(LONG)).unwrap().expect("the job hangs").kind {
            EventKind::Log { text, .. } => lines.push(text),
            EventKind::Done { error } => {
                job.close();
                return (lines, error);
            }
            _ => {}
        }
    }
}

#[test]
fn a_way_over_a_device_gives_what_ffmpeg_gives() {
    if !has_vulkan() {
        return;
    }
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    for options in [
        "-init_hw_device vulkan",
        "-init_hw_device vulkan=vk:0 -filter_hw_device vk",
        "-init_hw_device vulkan=a -init_hw_device vulkan=b@a",
        "-init_hw_device vulkan=a -init_hw_device vulkan=b:,debug=0 -filter_hw_device a",
    ] {
        let args = |name: &str| {
            let graph = format!("-filter_complex {STILL}");
            let line = format!("{options} {graph} -c:v mpeg4 -bitexact -threads 1 {{}}/{name}.avi");
            words(&line.replace("{}", &at.display().to_string()))
        };
        assert!(ffmpeg(&args("theirs")), "{options}");
        run(&engine, &[words("-mt_trust trusted"), args("ours")].concat()).expect(options);
        let bytes = |name: &str| std::fs::read(at.join(name)).unwrap();
        assert!(bytes("theirs.avi") == bytes("ours.avi"), "{options}");
    }
    is_quiet(&engine);
}

#[test]
fn devices_belong_to_one_job() {
    // Given two jobs at once with a device of the same name, then each has its own; a third one knows of neither.
    if !has_vulkan() {
        return;
    }
    let engine = engine();
    let line = format!(
        "-mt_trust trusted -v verbose -init_hw_device vulkan=same -f lavfi -i testsrc2=d=0.2 -vf {BLUR} -f null -"
    );
    let results: Vec<_> = std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..2).map(|_| scope.spawn(|| log_of(&engine, &line))).collect();
        jobs.into_iter().map(|job| job.join().unwrap()).collect()
    });
    for (lines, error) in results {
        assert!(error.is_none(), "{error:?}");
        let told = lines.iter().filter(|line| *line == "device same of kind vulkan is open").count();
        assert_eq!(told, 1, "{lines:?}");
    }
    let (_, error) = log_of(&engine, "-mt_trust trusted -filter_hw_device same -f lavfi -i testsrc2=d=0.2 -f null -");
    assert_eq!(error.map(|error| error.code()), Some(Code::OPTION));
}

#[test]
fn devices_are_opened_for_trusted_jobs_only() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    for (options, option) in [
        ("-init_hw_device vulkan", "init_hw_device"),
        ("-vaapi_device /dev/null", "vaapi_device"),
        ("-qsv_device /dev/null", "qsv_device"),
        ("-hwaccel vaapi", "hwaccel"),
        ("-mt_trust untrusted -hwaccel vulkan", "hwaccel"),
    ] {
        let error = fails(&engine, folder.path(), &format!("{options} -i {{}}/clip.mp4 -c:v mpeg4 {{}}/o.avi"));
        assert_eq!((error.code(), error.stage()), (Code::EACCES, "open device"), "{options}: {error}");
        assert!(error.message().contains(option) && error.hint().contains("-mt_trust trusted"), "{options}: {error}");
    }
    let at = folder.path().display();
    let line = format!("-v info -hwaccel auto -i {at}/clip.mp4 -c:v mpeg4 {at}/auto.avi");
    let (lines, error) = log_of(&engine, &line);
    assert!(error.is_none(), "auto works in memory instead: {error:?}");
    assert!(lines.iter().any(|line| line.contains("opens no device for standard inputs")), "{lines:?}");
}

#[test]
fn what_is_wrong_with_a_device_is_said() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    for (options, word, code) in [
        ("-init_hw_device nosuch", "nosuch", Code::OPTION),
        ("-init_hw_device vulkan=a@b", "behind @", Code::OPTION),
        ("-init_hw_device vulkan=a,x", "key=value", Code::OPTION),
        ("-init_hw_device list", "prints", Code::UNSUPPORTED),
        ("-filter_hw_device nosuch", "nosuch", Code::OPTION),
        ("-vaapi_device /no/such/device", "vaapi", Code::UNSUPPORTED),
        ("-hwaccel vaapi -hwaccel_device /no/such/device", "/no/such/device", Code::UNSUPPORTED),
        ("-hwaccel nosuch", "nosuch", Code::OPTION),
    ] {
        let line = format!("-mt_trust trusted {options} -i {{}}/clip.mp4 -c:v mpeg4 {{}}/o.avi");
        let error = fails(&engine, folder.path(), &line);
        assert_eq!(error.code(), code, "{options}: {error}");
        assert!(error.message().contains(word), "{options}: {error}");
    }
    let error = fails(
        &engine,
        folder.path(),
        "-mt_trust trusted -hwaccel vaapi -hwaccel_device /no/such/device -i {}/clip.mp4 -c:v mpeg4 {}/o.avi",
    );
    assert_eq!((error.input(), error.stage()), (Some(0), "open device"), "{error}");
    is_quiet(&engine);
}

#[test]
fn streams_that_are_copied_need_no_device() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    let line = "-mt_trust trusted -hwaccel vaapi -hwaccel_device /no/such/device -i {}/clip.mp4 -c copy {}/o.mkv";
    run_in(&engine, folder.path(), line).unwrap();
}

#[test]
fn a_device_without_decoders_leaves_decoding_to_the_processor() {
    // Given a device that decodes nothing, when it is asked to, then the pictures are those of the processor, as ffmpeg's are.
    if !has_vulkan() {
        return;
    }
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    clip(&engine, folder.path());
    let at = folder.path();
    let line = |options: &str, name: &str| {
        format!("-mt_trust trusted {options} -i {{}}/clip.mp4 -an -f framemd5 -bitexact {{}}/{name}")
    };
    run_in(&engine, at, &line("", "plain")).unwrap();
    for options in [
        "-hwaccel auto",
        "-hwaccel auto -hwaccel_output_format nosuch",
        "-init_hw_device vulkan=vk -hwaccel auto -hwaccel_device vk",
        "-init_hw_device vulkan=vk -hwaccel vulkan -extra_hw_frames 2",
    ] {
        run_in(&engine, at, &line(options, "device")).expect(options);
        let text = |name: &str| std::fs::read_to_string(at.join(name)).unwrap();
        assert_eq!(text("plain"), text("device"), "{options}");
    }
    let error = fails(&engine, at, &line("-init_hw_device vulkan=vk -hwaccel vaapi -hwaccel_device vk", "no"));
    assert!(error.message().contains("vk of kind vulkan"), "{error}");
}

#[test]
fn diagnostics_name_the_kinds_of_devices() {
    let json: serde_json::Value = serde_json::from_str(&diagnostics()).unwrap();
    let kinds = json["ffmpeg"]["hardware"].as_array().expect("a list");
    assert!(kinds.iter().all(|kind| kind.as_str().is_some_and(|name| !name.is_empty())), "{kinds:?}");
}
