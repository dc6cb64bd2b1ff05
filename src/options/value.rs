//! Values as ffmpeg reads them: numbers with SI suffixes, times.

/// A number as `av_strtod` reads it (libavutil/eval.c): decimal or 0x hexadecimal, an SI prefix, "i" for powers of 1024,
/// "B" for bytes, "dB".
pub fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_start();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok().map(|n| n as f64);
    }
    let end = number_end(text);
    let number: f64 = text[..end].parse().ok()?;
    suffix_factor(number, &text[end..])
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

fn suffix_factor(number: f64, suffix: &str) -> Option<f64> {
    if suffix == "dB" {
        return Some(10f64.powf(number / 20.0));
    }
    let suffix = suffix.strip_suffix('B').unwrap_or(suffix);
    let (prefix, binary) = match suffix.strip_suffix('i') {
        Some(prefix) => (prefix, true),
        None => (suffix, false),
    };
    let power = match (prefix, binary) {
        ("", false) => return Some(number),
        ("k" | "K", _) => 1,
        ("M", _) => 2,
        ("G", _) => 3,
        ("T", _) => 4,
        ("P", _) => 5,
        ("m", false) => return Some(number / 1e3),
        ("u", false) => return Some(number / 1e6),
        ("n", false) => return Some(number / 1e9),
        _ => return None,
    };
    Some(number * if binary { 1024f64.powi(power) } else { 1000f64.powi(power) })
}

/// A duration in microseconds, as `av_parse_time` reads it (libavutil/parseutils.c): `[-][HH:]MM:SS[.m]` or
/// `[-]S[.m][s|ms|us]`.
pub fn parse_time_us(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let us = match text.contains(':') {
        true => parse_clock(text)?,
        false => parse_seconds(text)?,
    };
    Some(if negative { -us } else { us })
}

fn parse_clock(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [h, m, s] => (h.parse::<i64>().ok()?, m, s),
        [m, s] => (0, m, s),
        _ => return None,
    };
    let minutes = minutes.parse::<i64>().ok().filter(|m| (0..60).contains(m))?;
    let seconds_us = decimal_us(seconds)?;
    if hours < 0 || seconds_us >= 60_000_000 {
        return None;
    }
    hours.checked_mul(3_600_000_000)?.checked_add(minutes * 60_000_000)?.checked_add(seconds_us)
}

fn parse_seconds(text: &str) -> Option<i64> {
    for (suffix, divisor) in [("ms", 1_000), ("us", 1_000_000), ("s", 1)] {
        if let Some(number) = text.strip_suffix(suffix) {
            return Some(decimal_us(number)? / divisor);
        }
    }
    decimal_us(text)
}

/// "12.345678" in microseconds; digits past the sixth are dropped, as FFmpeg does.
fn decimal_us(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let micros =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    whole.checked_mul(1_000_000)?.checked_add(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_form() {
        for (text, us) in [
            ("10", 10_000_000),
            ("1.5", 1_500_000),
            (".25", 250_000),
            ("-3", -3_000_000),
            ("01:02:03.5", 3_723_500_000),
            ("2:30", 150_000_000),
            ("1500ms", 1_500_000),
            ("7us", 7),
            ("3s", 3_000_000),
        ] {
            assert_eq!(parse_time_us(text), Some(us), "{text}");
        }
        for bad in ["", "x", "1:60:00", "1:2:3:4", "10 s", "1e3", "--1", "9999999999999999999"] {
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
        for bad in ["", "k", "1x", "abc", "1 2"] {
            assert_eq!(parse_float(bad), None, "{bad}");
        }
    }
}
