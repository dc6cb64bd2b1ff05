//! Reports as text, read again: for `mt-transcode symbolize`.

/// A frame's line: "frame 3: 0x7f00 /lib/libx.so+0x1f00 BUILD-ID".
#[derive(Debug, PartialEq)]
pub struct ReportFrame<'a> {
    pub module: &'a str,
    /// In the module's file, as it is loaded.
    pub offset: u64,
    /// "-" where the module has none.
    pub build_id: &'a str,
    /// The address is behind a call, which may be the last instruction of its function.
    pub is_call: bool,
}

/// The frame that a line of a report tells of; None for another line, and for a frame outside of any file.
pub fn report_frame(line: &str) -> Option<ReportFrame<'_>> {
    let (number, rest) = line.strip_prefix("frame ")?.split_once(": ")?;
    let (_, rest) = rest.split_once(' ')?;
    let (module, rest) = rest.rsplit_once("+0x")?;
    let mut words = rest.split(' ');
    let offset = u64::from_str_radix(words.next()?, 16).ok()?;
    let build_id = words.next().unwrap_or("-");
    let is_call = number != "0" && !line.ends_with(" interrupted");
    Some(ReportFrame { module, offset, build_id, is_call })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_with_what_can_stand_in_names_of_files() {
        let frame = |line| report_frame(line).map(|f| (f.module, f.offset, f.build_id, f.is_call));
        assert_eq!(frame("frame 0: 0x7f /lib/a.so+0x1f a1b2"), Some(("/lib/a.so", 0x1f, "a1b2", false)));
        assert_eq!(frame("frame 3: 0x7f /a b+0x1/c+0xff -"), Some(("/a b+0x1/c", 0xff, "-", true)));
        assert_eq!(frame("frame 3: 0x7f /a+0x10 a1 interrupted"), Some(("/a", 16, "a1", false)));
        for line in ["frame 1: 0x7f", "frame 1: 0x7f ?", "frames: 3", "", "frame 1: 0x7f /a+0xzz a1"] {
            assert_eq!(frame(line), None, "{line}");
        }
    }
}
