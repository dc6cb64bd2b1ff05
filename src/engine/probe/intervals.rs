//! -read_intervals: `[START][%[END]]`, with commas between several. Source: `parse_read_interval` of FFmpeg's
//! fftools/ffprobe.c.

use crate::options::parse_time_us;
use std::fmt;

/// A time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    At(i64),
    /// From where the last interval ended.
    After(i64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    At(i64),
    /// From where the interval begins.
    After(i64),
    Packets(i64),
}

/// A part of the input that is read; all of it where nothing is given.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ReadInterval {
    pub start: Option<Start>,
    pub end: Option<End>,
}

impl ReadInterval {
    /// "10%+20,01:30%01:45", "%+#42". An error's text where it makes no sense.
    pub fn parse_list(text: &str) -> Result<Vec<ReadInterval>, String> {
        let number = |(id, text): (usize, &str)| {
            ReadInterval::parse(text).map_err(|why| format!("{why}\nError parsing read interval #{id} '{text}'"))
        };
        text.split(',').enumerate().map(number).collect()
    }

    fn parse(text: &str) -> Result<ReadInterval, String> {
        if text.is_empty() {
            return Err("Invalid empty interval specification".into());
        }
        let (start, end) = text.split_once('%').unwrap_or((text, ""));
        let start = match (start, start.strip_prefix('+')) {
            ("", _) => None,
            (_, Some(offset)) => Some(Start::After(start_time(offset)?)),
            _ => Some(Start::At(start_time(start)?)),
        };
        let end = match (end, end.strip_prefix('+')) {
            ("", _) => None,
            (_, Some(offset)) => Some(match offset.strip_prefix('#') {
                Some(count) => End::Packets(packets(count)?),
                None => End::After(end_time(offset)?),
            }),
            _ => Some(End::At(end_time(end)?)),
        };
        Ok(ReadInterval { start, end })
    }
}

fn start_time(text: &str) -> Result<i64, String> {
    parse_time_us(text).ok_or_else(|| format!("Invalid interval start specification '{text}'"))
}

fn end_time(text: &str) -> Result<i64, String> {
    parse_time_us(text).ok_or_else(|| format!("Invalid interval end/duration specification '{text}'"))
}

fn packets(text: &str) -> Result<i64, String> {
    let wrong = || format!("Invalid or negative value '{text}' for duration number of frames");
    text.trim_start().parse().ok().filter(|count| *count >= 0).ok_or_else(wrong)
}

/// As it is logged.
impl fmt::Display for ReadInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |us: i64| us as f64 / 1e6;
        match self.start {
            Some(Start::At(us)) => write!(f, "start:{}", seconds(us))?,
            Some(Start::After(us)) => write!(f, "start:+{}", seconds(us))?,
            None => write!(f, "start:N/A")?,
        }
        match self.end {
            Some(End::At(us)) => write!(f, " end:{}", seconds(us)),
            Some(End::After(us)) => write!(f, " end:+{}", seconds(us)),
            Some(End::Packets(count)) => write!(f, " end:+#{count}"),
            None => write!(f, " end:N/A"),
        }
    }
}

/// Where an interval ends.
pub(super) struct Limit {
    end: Option<End>,
    /// In microseconds, once it is known.
    until_us: Option<i64>,
    packets: i64,
}

impl Limit {
    pub fn new(end: Option<End>) -> Limit {
        Limit { end, until_us: None, packets: 0 }
    }

    /// Whether a packet, at the position that the input has now, lies behind the end; if not it is counted.
    pub fn is_reached(&mut self, position_us: Option<i64>) -> bool {
        let is_reached = match self.end {
            Some(End::Packets(count)) => self.packets >= count,
            Some(End::At(us)) => position_us.is_some_and(|position| position >= us),
            Some(End::After(us)) => {
                self.until_us = self.until_us.or(position_us.map(|begin| begin + us));
                self.until_us.zip(position_us).is_some_and(|(until, position)| position >= until)
            }
            None => false,
        };
        self.packets += i64::from(!is_reached);
        is_reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let one = |text| ReadInterval::parse(text).unwrap();
        assert_eq!(one("10"), ReadInterval { start: Some(Start::At(10_000_000)), end: None });
        assert_eq!(one("%"), ReadInterval::default());
        assert_eq!(one("%+#42"), ReadInterval { start: None, end: Some(End::Packets(42)) });
        assert_eq!(
            one("+1%+00:01"),
            ReadInterval { start: Some(Start::After(1_000_000)), end: Some(End::After(1_000_000)) }
        );
        assert_eq!(ReadInterval::parse_list("1%2,3%4").unwrap().len(), 2);
        for text in ["", "x", "1%x", "%+#x", "%+#-1", "1,,2"] {
            assert!(ReadInterval::parse_list(text).is_err(), "{text}");
        }
    }
}
