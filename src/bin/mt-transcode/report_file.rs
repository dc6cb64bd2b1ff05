//! The file of -report, or of the variable FFREPORT (fftools/opt_common.c: init_report).

use crate::messages::{self, say};
use crate::{ERROR, INFO};
use mt_transcode::job::{process, program_log};
use mt_transcode::text::to_bytes;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// What goes into it where nothing is said: FFmpeg's "debug".
const DEFAULT_LEVEL: i32 = 48;

/// What came of it.
#[derive(PartialEq)]
pub enum Begun {
    Yes,
    /// The file cannot be written.
    No,
    /// The variable makes no sense, which ends the program, as ffmpeg.
    WrongLevel,
}

pub struct ReportFile {
    pub level: i32,
    file: File,
}

impl ReportFile {
    pub fn write(&self, piece: &str) {
        // A full disk does not end the job.
        let _ = (&self.file).write_all(&to_bytes(piece));
    }
}

/// Begins the report, once. `variable` is what FFREPORT says: "file=NAME:level=N", where %p is the program's name and %t the time.
pub fn begin(variable: &str, program: &str) -> Begun {
    if messages::report_file().is_some() {
        return Begun::Yes;
    }
    let mut name = "%p-%t.log".to_owned();
    let mut level = None;
    for (key, value) in process::key_values(variable) {
        match key.as_str() {
            "file" => name = value,
            "level" => match value.parse() {
                Ok(number) => level = Some(number),
                Err(_) => {
                    say(ERROR, "Invalid report file level\n");
                    return Begun::WrongLevel;
                }
            },
            other => say(ERROR, &format!("Unknown key '{other}' in FFREPORT\n")),
        }
    }
    let level = level.unwrap_or_else(|| program_log::level().max(DEFAULT_LEVEL));
    let [year, month, day, hour, minute, second] = process::local_time();
    let path = expanded(&name, program, &format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}"));
    let file = match File::create(&path) {
        Ok(file) => file,
        Err(error) => {
            say(ERROR, &format!("Failed to open report \"{}\": {error}\n", path.display()));
            return Begun::No;
        }
    };
    messages::also_to(ReportFile { level, file });
    say(INFO, &format!("{program} started on {year:04}-{month:02}-{day:02} at {hour:02}:{minute:02}:{second:02}\n"));
    say(INFO, &format!("Report written to \"{}\"\nLog level: {level}\n", path.display()));
    Begun::Yes
}

fn expanded(name: &str, program: &str, time: &str) -> PathBuf {
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some('p')) => out.push_str(program),
            ('%', Some('t')) => out.push_str(time),
            ('%', Some('%')) => out.push('%'),
            ('%', _) => {}
            (other, _) => out.push(other),
        }
    }
    out.into()
}
