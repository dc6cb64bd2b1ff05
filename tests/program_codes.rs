//! Exit codes of the program, beside those of the ffmpeg program (FFmpeg 5.1's rules) for the same command lines.

mod common;

use common::*;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is there: in.mp4, cut.mp4 (the beginning of it), junk.bin, empty.mkv, old.mkv.
const LINES: &str = "
-i in.mp4
-i nothere.mp4
-hide_banner
-t 5
-i
-i in.mp4 -c copy out.mkv
-i in.mp4 -c copy old.mkv
-n -i in.mp4 -c copy old.mkv
-y -i in.mp4 -c copy old.mkv
-i in.mp4 -c copy out.mkv -t 5
-i in.mp4 -c copy -- -dash.mkv
-i in.mp4 -nonsense 5 out.mkv
-i in.mp4 -t five out.mkv
-i in.mp4 -t .5 out.mkv
-i in.mp4 -t
-y -i in.mp4 -c copy in.mp4
-i cut.mp4 -f null -
-i junk.bin -f null -
-i empty.mkv -f null -
-i in.mp4 -map 5 out.mkv
-i in.mp4 -map 0:s out.mkv
-i in.mp4 -map 0:s? out.mkv
-i in.mp4 -map 0:v -map 0:s? out.mkv
-i in.mp4 -map [nolabel] out.mkv
-i in.mp4 -map x out.mkv
-i in.mp4 -c:v nosuch out.mkv
-i in.mp4 -vf nosuch out.mkv
-i in.mp4 -vf scale=-5:x out.mkv
-i in.mp4 -filter_complex [0:v]null[a];[0:v]null[b] -map [a] out.mkv
-i in.mp4 -f nosuch out.mkv
-i in.mp4 out.nosuch
-i in.mp4 /no/such/dir/out.mkv
-i in.mp4 -c copy out.mkv -c copy /no/such/dir/b.mkv
-i in.mp4 -ss 100 -c copy out.mkv
-ss 100 -i in.mp4 out.mp4
-i in.mp4 -t 0 out.mp4
-i in.mp4 -frames:v 0 out.mp4
-i in.mp4 -c:a pcm_s16le out.mp4
-i in.mp4 -c copy out.wav
-sseof -1 -i in.mp4 -c copy out.mp4
-map 0 -i in.mp4 out.mp4
-i in.mp4 -sseof -1 out.mp4
-i in.mp4 -v nosuch out.mp4
-v quiet -i in.mp4 -f null -
-i in.mp4 -an -vn out.mp4
-i in.mp4 -crf 900 -c:v libx264 out.mp4
-i in.mp4 -preset nosuch -c:v libx264 out.mp4
-i in.mp4 -pix_fmt nosuch out.mp4
-i in.mp4 -r 0 out.mp4
-i in.mp4 -s 0x0 out.mp4
-i in.mp4 -ac 99 out.mp4
-i in.mp4 -srcw 5 out.mp4
-h nosuch
-version -nonsense
-i in.mp4 -formats
-progress /no/such/dir/x -i in.mp4 -f null -
-cpuflags nonsense -i in.mp4 -f null -
-cpuflags 0 -i in.mp4 -f null -
-cpucount x -i in.mp4 -f null -
-max_alloc 10 -i in.mp4 -f null -
-stats_period 0 -i in.mp4 -f null -
-max_error_rate 0 -i damaged.mp4 -f null -
-max_error_rate 1 -i damaged.mp4 -f null -
-xerror -i damaged.mp4 -f null -
-i in.mp4 -c copy -bsf:v nosuch out.mkv
-i in.mp4 -c:v copy -vf null out.mkv
-i in.mp4 -metadata nonsense out.mkv
-i in.mp4 -disposition nonsense out.mkv
-i in.mp4 img%d.png
-i in.mp4 img.png
-f lavfi -i nosuchsource -f null -
-i in.mp4 -c copy -f mp4 pipe:1
-i in.mp4 -c copy -movflags frag_keyframe -f mp4 pipe:1
-i pipe:0 -f null -
-protocol_whitelist nosuch -i in.mp4 -f null -
-i in.mp4 -fflags nosuch out.mp4
-c:v aac -i in.mp4 -f null -
-i in.mp4 -vsync nosuch out.mkv
-i in.mp4 -fps_mode nosuch out.mkv
-i in.mp4 -timecode 01:00:00:00 -c copy out.mov
-i in.mp4 -timestamp now -c copy out.mov
-i in.mp4 -timestamp nonsense -c copy out.mov
-i in.mp4 -copytb 7 -c copy out.mov
-i in.mp4 -fs -5 -c copy out.mkv
-i in.mp4 -fs 1MB -c copy out.mkv
-i in.mp4 -map_metadata 7 -c copy out.mkv
-i in.mp4 -muxdelay -5 -c copy out.ts
-itsscale x -i in.mp4 -c copy out.mkv
-thread_queue_size 0 -i in.mp4 -c copy out.mkv
-autorotate 0 -i in.mp4 -c copy out.mkv
-noautorotate -i in.mp4 -c copy out.mkv
-i in.mp4 -map_channel 0.1.0 out.wav
";

fn prepare(folder: &Path) {
    let clip = std::fs::read(clip(&engine(), folder)).unwrap();
    let mut damaged = clip.clone();
    (damaged.len() / 4..damaged.len() / 2).for_each(|at| damaged[at] = damaged[at].wrapping_mul(31).wrapping_add(7));
    for (name, bytes) in [
        ("in.mp4", &clip[..]),
        ("cut.mp4", &clip[..clip.len() / 4]),
        ("damaged.mp4", &damaged[..]),
        ("junk.bin", &[0x5a; 5000][..]),
        ("empty.mkv", &[][..]),
        ("old.mkv", &b"old"[..]),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The exit code of a line, run in a folder of its own.
fn code(program: &str, files: &Path, line: &str) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["in.mp4", "cut.mp4", "damaged.mp4", "junk.bin", "empty.mkv", "old.mkv"] {
        std::fs::copy(files.join(name), folder.path().join(name)).unwrap();
    }
    let mut command = Command::new(program);
    command.args(words(line)).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect(program).code()
}

#[test]
fn exit_codes_are_ffmpegs() {
    let files = tempfile::tempdir().unwrap();
    prepare(files.path());
    if !is_5_1() {
        println!("skipped: exit codes of another FFmpeg than 5.1 (other numbers stand for the same failures)");
    }
    let mut wrong = Vec::new();
    for line in LINES.lines().filter(|line| !line.is_empty()) {
        let ours = code(env!("CARGO_BIN_EXE_mt-transcode"), files.path(), line);
        if is_5_1() {
            let theirs = code("ffmpeg", files.path(), line);
            if ours != theirs {
                wrong.push(format!("{line}: {ours:?}, ffmpeg {theirs:?}"));
            }
        } else {
            assert!(ours.is_some(), "{line} ended by a signal");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
