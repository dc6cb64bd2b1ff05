//! `mt-transcode probe` and ffprobe side by side, and media that they look at.

use super::*;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const FORMS: [&str; 7] = ["default", "compact", "csv", "flat", "ini", "json", "xml"];
pub const SECTIONS: &str = "-show_format -show_streams -show_chapters -show_programs";

/// What a program writes, and how it ends; neither hangs.
pub fn answer(program: &[&str], args: &[String]) -> (Vec<u8>, Vec<u8>, Option<i32>) {
    let output = Command::new("timeout").arg("60").args(program).args(args).output().expect("timeout(1)");
    assert_ne!(output.status.code(), Some(124), "{program:?} hangs: {args:?}");
    (output.stdout, output.stderr, output.status.code())
}

pub fn ours(args: &[String]) -> (Vec<u8>, Vec<u8>, Option<i32>) {
    answer(&[env!("CARGO_BIN_EXE_mt-transcode"), "probe"], args)
}

pub fn line_by_line(a: &[u8], b: &[u8]) -> String {
    let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
    let pair = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    format!("{pair:?} ({} and {} lines)", a.lines().count(), b.lines().count())
}

/// Later releases have a section more, of stream groups: where it is empty, three lines of JSON, or an empty line of ini. And they name a
/// section of side data otherwise where none of its fields is asked for.
fn without_sections_that_changed(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).replace("    \"stream_groups\": [\n\n    ],\n", "");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.trim_end_matches(['|', ',']).trim_end_matches("side_data").trim_end_matches(['|', ',']))
        .collect::<Vec<_>>()
        .join("\n")
        .into_bytes()
}

/// Both say the same of `args`, which are words, and `file`.
pub fn same(args: &str, file: Option<&Path>) {
    let mut args = [words("-v error"), words(args)].concat();
    args.extend(file.map(|file| file.display().to_string()));
    let (mut theirs, mut ours) = (answer(&["ffprobe"], &args), ours(&args));
    if !is_ffprobe_5_1() {
        theirs.0 = without_sections_that_changed(&theirs.0);
        ours.0 = without_sections_that_changed(&ours.0);
    }
    assert!(theirs.0 == ours.0, "{args:?}: {}", line_by_line(&theirs.0, &ours.0));
    assert_eq!(theirs.2, ours.2, "{args:?}");
}

pub fn same_in_every_form(args: &str, file: &Path) {
    FORMS.iter().for_each(|form| same(&format!("-of {form} {args}"), Some(file)));
}

/// Runs ffmpeg's words, with `{}` standing for the folder.
pub fn make(folder: &Path, name: &str, line: &str) -> PathBuf {
    let args: Vec<String> = words(line).iter().map(|word| word.replace("{}", &folder.display().to_string())).collect();
    let file = folder.join(name);
    assert!(ffmpeg(&[args, vec![file.display().to_string()]].concat()), "{name}");
    file
}

pub const PICTURES: &str = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.4";
pub const SOUND: &str = "-f lavfi -i sine=d=0.4";

/// Tags with everything that a form escapes; chapters.
pub fn metadata(folder: &Path) {
    let text = ";FFMETADATA1\ntitle=a \"b\" 'c' <d> & e\\=f:g,h|i\\;j\\\\k \\#l $m `n` é\\\nsecond line\ttab\n\
                [CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=one, \"quoted\"\n\
                [CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\n";
    std::fs::write(folder.join("metadata"), text).expect("the folder is writable");
}
