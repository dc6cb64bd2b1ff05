//! Levels of the log by name, as `-loglevel` takes them (FFmpeg's fftools/opt_common.c: opt_loglevel).

use crate::error::Error;

const NAMES: [(&str, i32); 9] = [
    ("quiet", -8),
    ("panic", 0),
    ("fatal", 8),
    ("error", 16),
    ("warning", 24),
    ("info", 32),
    ("verbose", 40),
    ("debug", 48),
    ("trace", 56),
];

/// What a job's log events are limited to where nothing is said.
pub(super) const DEFAULT: i32 = 24;

/// "warning", "32", "repeat+level+verbose" (the flags in front concern a terminal).
pub fn parse(text: &str) -> Result<i32, Error> {
    let name = text.rsplit('+').next().unwrap_or(text);
    if matches!(name, "repeat" | "level" | "datetime" | "time") {
        return Ok(DEFAULT);
    }
    let by_name = NAMES.iter().find(|(known, _)| *known == name).map(|(_, level)| *level);
    by_name
        .or_else(|| name.parse().ok())
        .ok_or_else(|| Error::option(format!("option loglevel has the unknown value '{text}'")))
}
