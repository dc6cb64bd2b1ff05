//! Values as ffmpeg reads them: numbers with SI suffixes, times; and whether an option can have one.

use super::table::{Argument, OptionDef};
use crate::error::Error;

/// A number as `av_strtod` reads it (libavutil/eval.c): decimal or 0x hexadecimal, an SI prefix, "i" behind it for powers of
/// 1024, "B" for eight bits, or "dB".
pub fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (number, rest) = match hexadecimal {
        Some(digits) => {
            let end = digits.bytes().position(|b| !b.is_ascii_hexdigit()).unwrap_or(digits.len());
            (u64::from_str_radix(&digits[..end], 16).ok()? as f64, &digits[end..])
        }
        None => {
            let end = number_end(text);
            (text[..end].parse().ok()?, &text[end..])
        }
    };
    suffix_factor(number, rest)
}

/// A whole number, as ffmpeg's integer options take it: "1.5k" is 1500, "1.5" is refused.
pub fn parse_integer(text: &str) -> Option<i64> {
    if let Ok(exact) = text.parse::<i64>() {
        return Some(exact);
    }
    let number = parse_float(text)?;
    (number.fract() == 0.0 && number.abs() < 9.2e18).then_some(number as i64)
}

/// Where the decimal number at the beginning of `text` ends.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let word = text[at..].to_ascii_lowercase();
    if let Some(word) = ["infinity", "inf", "nan"].into_iter().find(|name| word.starts_with(name)) {
        return at + word.len();
    }
    while bytes.get(at).is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        at += 1;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let mut exponent = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
            while bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
                exponent += 1;
            }
            at = exponent;
        }
    }
    at
}

/// SI prefixes with their decimal exponents (eval.c: si_prefixes).
const PREFIXES: [(char, i32); 20] = [
    ('y', -24),
    ('z', -21),
    ('a', -18),
    ('f', -15),
    ('p', -12),
    ('n', -9),
    ('u', -6),
    ('m', -3),
    ('c', -2),
    ('d', -1),
    ('h', 2),
    ('k', 3),
    ('K', 3),
    ('M', 6),
    ('G', 9),
    ('T', 12),
    ('P', 15),
    ('E', 18),
    ('Z', 21),
    ('Y', 24),
];

fn suffix_factor(number: f64, suffix: &str) -> Option<f64> {
    let (number, suffix) = match suffix.strip_prefix("dB") {
        Some(rest) => (10f64.powf(number / 20.0), rest),
        None => prefix_factor(number, suffix),
    };
    match suffix {
        "" => Some(number),
        "B" => Some(number * 8.0),
        _ => None,
    }
}

fn prefix_factor(number: f64, suffix: &str) -> (f64, &str) {
    let first = suffix.chars().next().unwrap_or('\0');
    let Some((_, exponent)) = PREFIXES.iter().find(|(prefix, _)| *prefix == first) else {
        return (number, suffix);
    };
    let rest = &suffix[1..];
    match rest.strip_prefix('i') {
        // 1024 for each three digits.
        Some(rest) => (number * 2f64.powf(f64::from(*exponent) * 10.0 / 3.0), rest),
        None => (number * 10f64.powi(*exponent), rest),
    }
}

/// A duration in microseconds, as `av_parse_time` reads it (libavutil/parseutils.c): `[-][HH:]MM:SS[.m]` or `[-]S[.m]`, each
/// with s, ms or us behind it.
pub fn parse_time_us(text: &str) -> Option<i64> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (seconds, rest) = clock(text).or_else(|| whole_seconds(text))?;
    let (mut micros, rest) = fraction(rest);
    let unit = match rest {
        "" | "s" => 1_000_000,
        "ms" => 1_000,
        "us" => 1,
        _ => return None,
    };
    micros /= 1_000_000 / unit;
    let us = seconds.checked_mul(unit)?.checked_add(micros)?;
    Some(if is_negative { us.checked_neg()? } else { us })
}

/// `HH:MM:SS` or `MM:SS` in seconds, and what stands behind it.
fn clock(text: &str) -> Option<(i64, &str)> {
    let with_hours = || {
        let (hours, rest) = digits(text, 4, i64::MAX)?;
        let (minutes, rest) = digits(rest.strip_prefix(':')?, 2, 59)?;
        let (seconds, rest) = digits(rest.strip_prefix(':')?, 2, 59)?;
        Some((hours * 3600 + minutes * 60 + seconds, rest))
    };
    let without = || {
        let (minutes, rest) = digits(text, 2, 59)?;
        let (seconds, rest) = digits(rest.strip_prefix(':')?, 2, 59)?;
        Some((minutes * 60 + seconds, rest))
    };
    with_hours().or_else(without)
}

/// Up to `count` digits whose number is at most `largest`.
fn digits(text: &str, count: usize, largest: i64) -> Option<(i64, &str)> {
    let end = text.bytes().take(count).position(|b| !b.is_ascii_digit()).unwrap_or(count.min(text.len()));
    let number = text[..end].parse().ok().filter(|number| *number <= largest)?;
    Some((number, &text[end..]))
}

/// As strtoll: spaces, a sign, digits.
fn whole_seconds(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['+', '-']));
    let end = text[sign..].bytes().position(|b| !b.is_ascii_digit()).map_or(text.len(), |at| at + sign);
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// ".345678" in microseconds; digits past the sixth are dropped.
fn fraction(text: &str) -> (i64, &str) {
    let Some(text) = text.strip_prefix('.') else { return (0, text) };
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let micros =
        text[..end].bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    (micros, &text[end..])
}

/// "1" or "0" of a flag that takes a number, as ffmpeg 5.1 and 6 have some.
pub(super) fn flag_value<'a>(definition: &OptionDef, value: &'a str) -> &'a str {
    match (definition.argument, parse_integer(value)) {
        (Argument::Flag, Some(number)) => {
            if number == 0 {
                "0"
            } else {
                "1"
            }
        }
        _ => value,
    }
}

/// Refuses a value that the option cannot have (cmdutils.c: parse_number_or_die, parse_time_or_die).
pub(super) fn check_value(definition: &OptionDef, key: &str, value: &str) -> Result<(), Error> {
    const SMALL: (f64, f64) = (i32::MIN as f64, i32::MAX as f64);
    let number = match definition.argument {
        Argument::Time => parse_time_us(value).map(|us| us as f64 / 1e6),
        Argument::Integer | Argument::Long => parse_integer(value).map(|number| number as f64),
        _ => parse_float(value),
    };
    let (fits, wanted) = match definition.argument {
        Argument::Flag => (matches!(value, "0" | "1"), "1 or 0"),
        Argument::Text => (true, ""),
        Argument::Integer | Argument::Long => (number.is_some(), "a whole number"),
        Argument::Number => (number.is_some(), "a number"),
        Argument::Time => (number.is_some(), "a time such as 10, 1.5, 1500ms or 00:01:30.5"),
    };
    if !fits {
        return Err(Error::option(format!("option {key} has the value '{value}'; it needs {wanted}")));
    }
    let range = definition.range.or((definition.argument == Argument::Integer).then_some(SMALL));
    match (range, number) {
        // A number that is none (nan) is in no range.
        (Some((low, high)), Some(number)) if !(low..=high).contains(&number) => Err(Error::option(format!(
            "option {key} has the value '{value}', which is out of the range from {low} to {high}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_form() {
        for (text, us) in [
            ("10", 10_000_000),
            ("1.5", 1_500_000),
            ("-3", -3_000_000),
            ("01:02:03.5", 3_723_500_000),
            ("2:30", 150_000_000),
            ("1500ms", 1_500_000),
            ("7us", 7),
            ("3s", 3_000_000),
            ("1.5ms", 1_500),
            ("0:59:59.9999999", 3_599_999_999),
            ("+2", 2_000_000),
            ("--1", 1_000_000),
        ] {
            assert_eq!(parse_time_us(text), Some(us), "{text}");
        }
        for bad in ["", "x", ".5", "1:60:00", "1:2:3:4", "10 s", "1e3", "90:00", "9999999999999999999"] {
            assert_eq!(parse_time_us(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_with_suffixes() {
        assert_eq!(parse_integer("64k"), Some(64_000));
        assert_eq!(parse_integer("1.5M"), Some(1_500_000));
        assert_eq!(parse_integer("4Ki"), Some(4096));
        assert_eq!(parse_integer("0x10"), Some(16));
        assert_eq!(parse_integer("1.5"), None);
        assert_eq!(parse_float("1e3"), Some(1000.0));
        assert_eq!(parse_float("-2.5"), Some(-2.5));
        assert_eq!(parse_float("1MB"), Some(8e6));
        assert_eq!(parse_float("20dB"), Some(10.0));
        assert_eq!(parse_float("1E"), Some(1e18));
        assert_eq!(parse_float("2Mi"), Some(2_097_152.0));
        assert_eq!(parse_float("-inf"), Some(f64::NEG_INFINITY));
        for bad in ["", "k", "1x", "abc", "1 2"] {
            assert_eq!(parse_float(bad), None, "{bad}");
        }
    }
}
