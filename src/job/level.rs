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

/// FFmpeg's AV_LOG_SKIP_REPEATED: equal lines are counted.
const SKIP_REPEATED: i32 = 1;
/// Words in front of the level, and the bits of FFmpeg's that they stand for. Those for times came with FFmpeg 8.0.
const FLAGS: &[(&str, i32)] = match cfg!(ffmpeg8_0) {
    true => &[("repeat", SKIP_REPEATED), ("level", 2), ("time", 4), ("datetime", 8)],
    false => &[("repeat", SKIP_REPEATED), ("level", 2)],
};

/// What of the log is shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// FFmpeg's number of the least important lines that are shown.
    pub level: i32,
    /// Flags of `av_log_set_flags`; they concern a terminal.
    pub flags: i32,
}

impl LogSettings {
    /// What the ffmpeg program begins with: "info", and equal lines are counted.
    pub fn of_program() -> LogSettings {
        LogSettings { level: 32, flags: SKIP_REPEATED }
    }
}

/// "warning", "32", "repeat+level+verbose", "+level": what is not said stays as it is `before`.
pub fn parse(text: &str, before: LogSettings) -> Result<LogSettings, Error> {
    let mut settings = before;
    let (mut rest, mut count) = (text, 0);
    loop {
        let sign = rest.chars().next().filter(|sign| matches!(sign, '+' | '-'));
        let word = if sign.is_some() { &rest[1..] } else { rest };
        // The longest word first: "datetime" is not "date".
        let found = FLAGS.iter().rev().find_map(|(name, bit)| Some((*bit, word.strip_prefix(name)?)));
        if count == 0 && sign.is_none() {
            settings.flags = 0; // without a sign the flags are said anew
        }
        let Some((bit, behind)) = found else { break };
        // "repeat" takes the skipping of repeated lines away.
        let is_set = (sign != Some('-')) != (bit == SKIP_REPEATED);
        settings.flags = if is_set { settings.flags | bit } else { settings.flags & !bit };
        (rest, count) = (behind, count + 1);
    }
    if rest.is_empty() {
        return Ok(settings);
    }
    let name = match rest.strip_prefix('+') {
        Some(name) => name,
        None => {
            if count == 0 {
                settings.flags = before.flags; // a level alone leaves them
            }
            rest
        }
    };
    let by_name = NAMES.iter().find(|(known, _)| *known == name).map(|(_, level)| *level);
    settings.level = by_name.or_else(|| name.parse().ok()).ok_or_else(|| {
        let names = NAMES.map(|(name, _)| name).join(", ");
        Error::option(format!("option loglevel has the unknown value '{text}'; it takes a number or one of {names}"))
    })?;
    Ok(settings)
}

/// The level of a job, without what concerns a terminal.
pub(super) fn of_job(text: &str) -> Result<i32, Error> {
    parse(text, LogSettings { level: DEFAULT, flags: 0 }).map(|settings| settings.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_flags_are_those_of_ffmpeg() {
        let before = LogSettings { level: 32, flags: SKIP_REPEATED };
        let parsed = |text: &str| parse(text, before).map(|settings| (settings.level, settings.flags)).ok();
        for (text, wanted) in [
            ("error", Some((16, 1))),
            ("-8", Some((-8, 1))),
            ("repeat", Some((32, 0))),
            ("level", Some((32, 2))),
            ("+level", Some((32, 3))),
            ("repeat+level+debug", Some((48, 2))),
            ("level+warning", Some((24, 2))),
            ("-repeat+error", Some((16, 1))),
            ("loud", None),
            ("levels", None),
        ] {
            assert_eq!(parsed(text), wanted, "{text}");
        }
    }
}
