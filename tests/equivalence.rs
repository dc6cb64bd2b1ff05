//! The same command line, run by the ffmpeg program of the same libraries and by this one: the same exit status, and the same bytes where
//! FFmpeg is told to leave out what differs between runs (-bitexact, one thread). The lines are in tests/equivalence/lines.txt.
//!
//! `make equivalence` runs all of them and copies every file of the corpus (where it is present) into every container; a run of the
//! tests takes every line, and every twelfth file (MT_CORPUS_EVERY=1 for all).

mod common;

use common::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const LINES: &str = include_str!("equivalence/lines.txt");

/// A program and what it is told first.
const PROGRAMS: [(&str, &[&str]); 2] = [
    ("ffmpeg", &["-v", "error", "-nostdin", "-y"]),
    (env!("CARGO_BIN_EXE_mt-transcode"), &["-v", "error", "-nostdin", "-y"]),
];

/// Words between spaces; quotes keep spaces together.
fn split(line: &str) -> Vec<String> {
    let (mut all, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => all.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    all.push(word);
    all.into_iter().filter(|word| !word.is_empty()).collect()
}

/// Runs the commands of a line in `folder`. True where all succeeded; the last words of an error otherwise.
fn run_line(program: usize, folder: &Path, inputs: &Path, line: &str) -> Result<(), String> {
    let (name, first) = PROGRAMS[program];
    for command in line.split(" && ") {
        let command = command.replace('@', &format!("{}/", inputs.display())).replace("BX", "-bitexact -threads 1");
        let out = Command::new("timeout")
            .args(["120", name])
            .args(first)
            .args(split(&command))
            .current_dir(folder)
            .env("AVCONV_DATADIR", inputs)
            .stdin(Stdio::null())
            .output()
            .expect("timeout and the programs are there");
        if !out.status.success() {
            let words = String::from_utf8_lossy(&out.stderr).into_owned();
            let end = words.lines().rev().take(3).collect::<Vec<_>>().join(" / ");
            return Err(format!("{:?} {end}", out.status.code()));
        }
    }
    Ok(())
}

fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let file = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        std::fs::read(entry.path()).ok().map(|bytes| (name, bytes))
    };
    entries.filter_map(file).collect()
}

/// MD5 and times of every packet, by the ffmpeg program.
fn packets(file: &Path) -> String {
    let args = ["-v", "error", "-i"].map(str::to_owned).into_iter().chain([file.display().to_string()]);
    let rest = "-map 0 -c copy -copyts -copy_unknown -f framemd5 -".split(' ').map(str::to_owned);
    let out = Command::new("ffmpeg").args(args.chain(rest)).stdin(Stdio::null()).output().expect("ffmpeg");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

/// What two runs that should be equal left behind.
#[derive(PartialEq)]
enum Verdict {
    Bytes,
    Packets,
    /// Both fail.
    Refused,
    Different(String),
}

fn compare(root: &Path, inputs: &Path, line: &str) -> Verdict {
    let folders = ["theirs", "ours"].map(|name| root.join(name));
    let results = [0, 1].map(|program| {
        let _ = std::fs::remove_dir_all(&folders[program]);
        std::fs::create_dir(&folders[program]).expect("a folder");
        run_line(program, &folders[program], inputs, line)
    });
    match results {
        [Err(_), Err(_)] => return Verdict::Refused,
        [Ok(()), Err(words)] => return Verdict::Different(format!("ffmpeg succeeds, we do not: {words}")),
        [Err(words), Ok(())] => return Verdict::Different(format!("we succeed, ffmpeg does not: {words}")),
        [Ok(()), Ok(())] => {}
    }
    let [theirs, ours] = folders.each_ref().map(|folder| files_of(folder));
    if theirs == ours {
        return Verdict::Bytes;
    }
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>().join(" ");
    if names(&theirs) != names(&ours) {
        return Verdict::Different(format!("ffmpeg leaves {}, we leave {}", names(&theirs), names(&ours)));
    }
    for name in theirs.keys().filter(|name| theirs[*name] != ours[*name]) {
        let [a, b] = folders.each_ref().map(|folder| packets(&folder.join(name)));
        if a != b || a.is_empty() {
            let first = a.lines().zip(b.lines()).find(|(a, b)| a != b);
            let first = first.map_or(String::new(), |(a, b)| format!(":\n      ffmpeg {a}\n      we     {b}"));
            let (a, b) = (a.lines().count(), b.lines().count());
            return Verdict::Different(format!("{name} differs, {a} and {b} packets{first}"));
        }
    }
    Verdict::Packets
}

/// Compares each line, on two threads. Returns the verdicts in order.
fn compare_all(lines: &[String], inputs: &Path) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts: Mutex<BTreeMap<usize, Verdict>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let root = tempfile::tempdir().expect("a folder");
                loop {
                    let index = next.fetch_add(1, Relaxed);
                    let Some(line) = lines.get(index) else { return };
                    let verdict = compare(root.path(), inputs, line);
                    verdicts.lock().expect("no panic").insert(index, verdict);
                }
            });
        }
    });
    verdicts.into_inner().expect("no panic").into_values().collect()
}

/// The inputs of the lines, made by the ffmpeg program.
fn make_inputs(folder: &Path) {
    let chapters = "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=2000\ntitle=two\n";
    let lines = "1\n00:00:00,200 --> 00:00:00,900\nhello <i>you</i>\n\n2\n00:00:00,800 --> 00:00:01,500\nworld\n\n3\n00:00:01,600 --> 00:00:01,900\nend\n";
    for (name, text) in [
        ("chapters.ffmetadata", &*format!(";FFMETADATA1\ntitle=film\n{chapters}")),
        ("lines.srt", lines),
        ("graph.txt", "[0:v]split[a][b];[a]hflip[c];[c][b]hstack"),
        ("simple.txt", "hue=s=0,scale=100:-2"),
        ("mpeg4-small.avpreset", "# of one encoder\nb=150000\ng=5\n"),
        ("small.ffpreset", "# a preset\nvcodec=mpeg4\nb:v=150000\ng=5\n"),
        ("list.ffconcat", "ffconcat version 1.0\nfile clip.mkv\nfile clip.mkv\n"),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let picture = "-f lavfi -i testsrc2=s=320x240:r=25:d=2";
    for line in [
        &*format!(
            "{picture} -f lavfi -i sine=d=2 -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -metadata title=clip BX clip.mp4"
        ),
        "-i clip.mp4 -map 0 -c copy BX clip.mkv",
        "-i clip.mp4 -map 0 -c copy BX clip.ts",
        "-i clip.mp4 -map 0:v -c copy -metadata:s:v rotate=90 BX rotated.mp4",
        "-i clip.mp4 -map 0 -c copy -bsf:v h264_metadata=crop_left=6:crop_right=10:crop_top=4:crop_bottom=8 BX cropped.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=0.5 -c:v v210 BX clap.mov",
        "-i clip.mp4 -i chapters.ffmetadata -i lines.srt -map 0 -map 2 -map_metadata 1 -c copy -c:s srt BX subs.mkv",
        "-i clip.mp4 -c:v mpeg4 -bf 2 -c:a mp2 BX frames.avi",
        "-f lavfi -i sine=f=600:d=2 BX tone.wav",
        "-f lavfi -i sine=f=300:d=1 -f lavfi -i sine=f=500:d=1 -filter_complex amerge=inputs=2 -ac 2 BX stereo.wav",
        "-f lavfi -i testsrc=s=64x48:d=0.04 -frames:v 1 BX logo.png",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=1 -pix_fmt yuv420p -f rawvideo BX raw.yuv",
        "-i clip.mp4 -i tone.wav -i lines.srt -map 0 -map 0:a -map 1 -map 2 -c copy -c:a:2 mp2 -metadata:s:a:0 language=eng \
         -metadata:s:a:1 language=fra -metadata:s:a:1 title=deux -disposition:a:1 default BX multi.mkv",
        "-i clip.mp4 -map 0 -map 0 -c copy -program program_num=1:st=0:st=1 -program program_num=2:st=2:st=3 BX programs.ts",
    ] {
        run_line(0, folder, folder, line).unwrap_or_else(|words| panic!("{line}: {words}"));
    }
    crop(&folder.join("clap.mov"), 48, 36);
}

/// Makes a QuickTime file say that only the middle of its pictures is shown. ("clap" has width, height and two offsets, as fractions.)
fn crop(file: &Path, width: u32, height: u32) {
    let mut bytes = std::fs::read(file).expect("the file");
    let at = bytes.windows(4).position(|word| word == b"clap").expect("a clap atom") + 4;
    bytes[at..at + 4].copy_from_slice(&width.to_be_bytes());
    bytes[at + 8..at + 12].copy_from_slice(&height.to_be_bytes());
    std::fs::write(file, bytes).expect("the file is writable");
}

#[test]
fn command_lines_give_what_ffmpeg_gives() {
    let inputs = tempfile::tempdir().expect("a folder");
    make_inputs(inputs.path());
    let lines = LINES.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
    let lines: Vec<String> = lines
        .filter_map(|line| line.strip_prefix("5.1> ").map_or(Some(line), |line| is_5_1().then_some(line)))
        .map(str::to_owned)
        .collect();
    let verdicts = compare_all(&lines, inputs.path());
    let equal = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Bytes | Verdict::Refused)).count();
    println!("{equal} of {} command lines give the files and the exit status of ffmpeg", lines.len());
    let failures = lines.iter().zip(&verdicts).filter_map(|(line, verdict)| match verdict {
        Verdict::Bytes | Verdict::Refused => None,
        Verdict::Packets => Some(format!("  {line}\n    the packets are equal, the bytes of the files are not")),
        Verdict::Different(words) => Some(format!("  {line}\n    {words}")),
    });
    let failures: Vec<String> = failures.collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Containers that the corpus is copied into.
const CONTAINERS: [&str; 7] = ["mp4", "mov", "mkv", "ts", "flv", "avi", "nut"];

fn corpus_files(every: usize) -> Vec<PathBuf> {
    let Some(root) = corpus() else { return Vec::new() };
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    let names = manifest.lines().skip(1).filter_map(|line| line.split('\t').next());
    names.step_by(every).map(|name| root.join(name)).collect()
}

#[test]
fn real_files_are_copied_as_ffmpeg_copies_them() {
    let every = std::env::var("MT_CORPUS_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(12);
    let mut lines = Vec::new();
    for file in corpus_files(every) {
        lines.extend(CONTAINERS.iter().map(|ending| format!("-i {} -map 0 -c copy BX out.{ending}", file.display())));
    }
    let verdicts = compare_all(&lines, Path::new("/"));
    let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count();
    let (bytes, packets) = (count(|v| *v == Verdict::Bytes), count(|v| *v == Verdict::Packets));
    let (refused, different) = (count(|v| *v == Verdict::Refused), count(|v| matches!(v, Verdict::Different(_))));
    println!(
        "{} copies: {bytes} with the same bytes, {packets} with the same packets, {refused} refused by both, {different} different",
        lines.len()
    );
    for (line, verdict) in lines.iter().zip(&verdicts) {
        match verdict {
            Verdict::Different(words) => println!("  {line}\n    {words}"),
            Verdict::Packets => println!("  {line}\n    the packets are equal, the bytes are not"),
            _ => {}
        }
    }
    let managed = bytes + packets + different;
    assert!(different * 100 <= managed, "{different} of {managed} copies are not what ffmpeg makes");
}

#[test]
fn one_decode_feeds_several_outputs() {
    // Given one input, when two outputs are encoded in one job, then each is what a job of its own would give.
    let engine = engine();
    let folder = tempfile::tempdir().expect("a folder");
    clip(&engine, folder.path());
    let at = folder.path();
    run_in(
        &engine,
        at,
        "-i {}/clip.mp4 -s 160x120 -bitexact -threads 1 {}/a.mp4 -c:v mpeg4 -an -bitexact -threads 1 {}/b.mkv",
    )
    .unwrap();
    run_in(&engine, at, "-i {}/clip.mp4 -s 160x120 -bitexact -threads 1 {}/c.mp4").unwrap();
    run_in(&engine, at, "-i {}/clip.mp4 -c:v mpeg4 -an -bitexact -threads 1 {}/d.mkv").unwrap();
    let bytes = |name: &str| std::fs::read(at.join(name)).expect(name);
    assert!(bytes("a.mp4") == bytes("c.mp4"));
    assert!(bytes("b.mkv") == bytes("d.mkv"));
}
