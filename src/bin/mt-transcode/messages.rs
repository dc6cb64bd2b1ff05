//! The log on standard error, as FFmpeg's own default callback writes it (libavutil/log.c): equal lines are counted, and on a terminal
//! important ones are coloured. And into the file of -report.

use crate::report_file::ReportFile;
use mt_transcode::job::{LogPrinter, install_printer, program_log};
use mt_transcode::text::to_bytes;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, OnceLock};

static REPORT: OnceLock<ReportFile> = OnceLock::new();

/// Text of the program's own, at one of FFmpeg's levels. A line ends with a newline.
pub fn say(level: i32, text: &str) {
    program_log::message(level, text);
}

/// Takes FFmpeg's log over.
pub fn install() {
    let is_terminal = std::io::stderr().is_terminal();
    install_printer(Box::new(Printer { is_terminal, has_colours: has_colours(is_terminal), last: Mutex::default() }));
}

/// Everything goes into this file as well, from here on.
pub fn also_to(file: ReportFile) {
    drop(REPORT.set(file));
}

/// The file of -report, if there is one.
pub fn report_file() -> Option<&'static ReportFile> {
    REPORT.get()
}

/// The least important lines that go anywhere.
pub fn wanted_level() -> i32 {
    report_file().map_or(program_log::level(), |file| file.level.max(program_log::level()))
}

fn has_colours(is_terminal: bool) -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    !is_set("AV_LOG_FORCE_NOCOLOR") && (is_set("AV_LOG_FORCE_COLOR") || is_set("TERM") && is_terminal)
}

struct Printer {
    is_terminal: bool,
    has_colours: bool,
    last: Mutex<Last>,
}

/// The piece before this one, and how often it came again.
#[derive(Default)]
struct Last {
    piece: String,
    repeated: u32,
}

impl LogPrinter for Printer {
    fn wants(&self, level: i32) -> bool {
        level <= wanted_level()
    }

    fn print(&self, level: i32, piece: &str) {
        if let Some(file) = report_file().filter(|file| level <= file.level) {
            file.write(piece);
        }
        if level > program_log::level() || piece.is_empty() {
            return;
        }
        let Ok(mut last) = self.last.lock() else { return };
        // Standard error may be closed; there is nowhere to say so.
        let mut out = std::io::stderr();
        if program_log::skips_repeated() && piece == last.piece && piece.ends_with('\n') {
            last.repeated += 1;
            if self.is_terminal {
                let _ = write!(out, "    Last message repeated {} times\r", last.repeated);
            }
            return;
        }
        if last.repeated > 0 {
            let _ = writeln!(out, "    Last message repeated {} times", last.repeated);
            last.repeated = 0;
        }
        piece.clone_into(&mut last.piece);
        let _ = match colour(level).filter(|_| self.has_colours) {
            Some(code) => out.write_all(&to_bytes(&format!("\x1b[{code}m{}\x1b[0m", cleaned(piece)))),
            None => out.write_all(&to_bytes(&cleaned(piece))),
        };
    }
}

/// Control characters out of files do not reach the terminal.
fn cleaned(piece: &str) -> String {
    piece.replace(|c: char| c < '\u{8}' || ('\u{e}'..'\u{20}').contains(&c), "?")
}

fn colour(level: i32) -> Option<&'static str> {
    match level {
        ..=7 => Some("4;31"),
        8..=15 => Some("4;31"),
        16..=23 => Some("1;31"),
        24..=31 => Some("0;33"),
        32..=39 => None,
        _ => Some("0;32"),
    }
}
