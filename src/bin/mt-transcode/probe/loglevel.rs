//! -loglevel: "error", "repeat+level+verbose", "32". Source: `opt_loglevel` of FFmpeg's fftools/opt_common.c.

/// A level, and flags of libavutil's log.h.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogLevel {
    pub level: i32,
    pub flags: i32,
}

const SKIP_REPEATED: i32 = 1;
const PRINT_LEVEL: i32 = 2;
const LEVELS: [(&str, i32); 9] = [
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

impl Default for LogLevel {
    fn default() -> Self {
        LogLevel { level: 32, flags: SKIP_REPEATED }
    }
}

impl LogLevel {
    /// An error's text where it is no level.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (flags, rest) = self.flags(text);
        let rest = match rest.strip_prefix('+') {
            Some(level) => level,
            None => rest,
        };
        if rest.is_empty() {
            self.flags = flags;
            return Ok(());
        }
        let known = LEVELS.iter().find(|(name, _)| *name == rest).map(|(_, level)| *level);
        self.level = known.or_else(|| rest.parse().ok()).ok_or_else(|| {
            let names: Vec<String> = LEVELS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            format!("Invalid loglevel \"{rest}\". Possible levels are numbers or:\n{}", names.join("\n"))
        })?;
        self.flags = flags;
        Ok(())
    }

    /// The flags after the words before the level, and the level. Words without a sign in front set flags anew.
    fn flags<'a>(&self, text: &'a str) -> (i32, &'a str) {
        let (mut flags, mut rest, mut is_first) = (self.flags, text, true);
        loop {
            let word = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            let is_off = rest.starts_with('-');
            let begins_anew = is_first && word.len() == rest.len();
            let (bit, is_set, after) = if let Some(after) = word.strip_prefix("repeat") {
                (SKIP_REPEATED, is_off, after)
            } else if let Some(after) = word.strip_prefix("level") {
                (PRINT_LEVEL, !is_off, after)
            } else {
                return (flags, rest);
            };
            if begins_anew {
                flags = 0;
            }
            flags = if is_set { flags | bit } else { flags & !bit };
            (rest, is_first) = (after, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_flags() {
        for (text, level, flags) in [
            ("error", 16, SKIP_REPEATED),
            ("-8", -8, SKIP_REPEATED),
            ("40", 40, SKIP_REPEATED),
            ("level+debug", 48, PRINT_LEVEL),
            ("+level", 32, SKIP_REPEATED | PRINT_LEVEL),
            ("repeat+verbose", 40, 0),
            ("-repeat+level+quiet", -8, SKIP_REPEATED | PRINT_LEVEL),
        ] {
            let mut found = LogLevel::default();
            found.set(text).unwrap();
            assert_eq!(found, LogLevel { level, flags }, "{text}");
        }
        assert!(LogLevel::default().set("loud").is_err());
    }
}
