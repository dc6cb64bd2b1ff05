//! Decoding on a device, beside the ffmpeg program, on a driver of our own that needs no hardware (tests/hardware/fake_va.c). Where FFmpeg
//! has no VA-API, or its headers are missing, the test says so.

mod common;

use common::*;
use std::path::Path;
use std::process::{Command, Stdio};

const OURS: &str = env!("CARGO_BIN_EXE_mt-transcode");

/// Builds the driver.
fn has_driver(folder: &Path) -> bool {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hardware/fake_va.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o", "fake_drv_video.so", source, "-lpthread"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    built.is_ok_and(|status| status.success())
}

/// Runs a program on the driver in a folder of its own: whether it succeeded, and the files that it left.
fn output(program: &str, driver: &Path, line: &str) -> (bool, Vec<(String, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let out = Command::new("timeout")
        .args(["120", program, "-v", "error", "-nostdin", "-y"])
        .args(words(&line.replace('@', &format!("{}/", driver.display())).replace("BX", "-bitexact -threads 1")))
        .env("LIBVA_DRIVER_NAME", "fake")
        .env("LIBVA_DRIVERS_PATH", driver)
        .env("LD_PRELOAD", driver.join("fake_drv_video.so"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let entries = std::fs::read_dir(folder.path()).unwrap().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    (out.status.success(), files)
}

const LINES: [&str; 14] = [
    // Downloaded after decoding, however the device is named.
    "-hwaccel vaapi -hwaccel_device /dev/null -i @clip.mp4 -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -hwaccel vaapi -i @clip.mp4 -c:v mpeg4 -an BX out.avi",
    "-init_hw_device vaapi=va:/dev/null -hwaccel vaapi -hwaccel_device va -i @clip.mp4 -an -f framemd5 BX out.md5",
    "-init_hw_device vaapi=va:/dev/null -hwaccel auto -i @clip.mp4 -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format nv12 -i @clip.mp4 -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -hwaccel vaapi -ss 0.5 -i @clip.mp4 -t 0.5 -c:v mpeg4 -an BX out.avi",
    // Left on the device, for a graph to fetch.
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format vaapi -i @clip.mp4 -vf hwdownload,format=nv12 -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format vaapi -extra_hw_frames 2 -i @clip.mp4 \
     -filter_complex [0:v]split[a][b];[a]hwdownload,format=nv12[c];[b]hwdownload,format=nv12,vflip[d] \
     -map [c] -c:v mpeg4 BX a.avi -map [d] -c:v mpeg4 BX b.avi",
    "-vaapi_device /dev/null -i @clip.mp4 -vf format=nv12,hwupload,hwdownload,format=nv12 -c:v mpeg4 -an BX out.avi",
    // A picture that is turned: in memory it is set upright, on the device it is not.
    "-vaapi_device /dev/null -hwaccel vaapi -i @rotated.mp4 -c:v mpeg4 -an BX out.mov",
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format vaapi -i @rotated.mp4 -vf hwdownload,format=nv12 -c:v mpeg4 -an BX out.mov",
    // Streams and codecs that are not decoded on it.
    "-vaapi_device /dev/null -hwaccel:v:1 vaapi -i @clip.mp4 -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -hwaccel vaapi -i @mpeg4.avi -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -i @clip.mp4 -an -f framemd5 BX out.md5",
];

/// What fails in both: a format that the device cannot give, an encoder in memory, an encoder that the driver has not.
const FAILURES: [&str; 3] = [
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format yuv420p -i @clip.mp4 -an -f framemd5 BX out.md5",
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format vaapi -i @clip.mp4 -c:v mpeg4 -an BX out.avi",
    "-vaapi_device /dev/null -hwaccel vaapi -hwaccel_output_format vaapi -i @clip.mp4 -c:v h264_vaapi -an BX out.mp4",
];

#[test]
fn decoding_on_a_device_gives_what_ffmpeg_gives() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let at = folder.path();
    clip(&engine, at);
    run_in(&engine, at, "-i {}/clip.mp4 -c copy -metadata:s:v rotate=90 {}/rotated.mp4").unwrap();
    run_in(&engine, at, "-i {}/clip.mp4 -c:v mpeg4 -an {}/mpeg4.avi").unwrap();
    if !has_driver(at) || !output("ffmpeg", at, "-vaapi_device /dev/null -i @clip.mp4 -c copy -f null -").0 {
        println!("skipped: no VA-API in FFmpeg, or no headers of it (libva-dev)");
        return;
    }
    for line in LINES {
        let (theirs, ours) = (output("ffmpeg", at, line), output(OURS, at, line));
        assert!(theirs.0 && ours.0, "{line}: ffmpeg succeeded: {}, we: {}", theirs.0, ours.0);
        assert!(theirs.1 == ours.1, "{line}: the files differ");
    }
    for line in FAILURES {
        assert!(!output("ffmpeg", at, line).0 && !output(OURS, at, line).0, "{line}");
    }
    // The driver's pictures are none that the processor decodes: they came from the device.
    let (on_device, in_memory) = (output(OURS, at, LINES[0]), output(OURS, at, LINES[11]));
    assert!(on_device.1 != in_memory.1);
}
