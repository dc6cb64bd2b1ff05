//! How values look: -unit, -prefix, -byte_binary_prefix, -sexagesimal, -show_optional_fields. Source: `value_string` of
//! FFmpeg's fftools/ffprobe.c.

use crate::av::probe::Unit;
use std::io::Write;

/// Which fields are shown whose value is not known.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum OptionalFields {
    /// As the form is used to do.
    #[default]
    Auto,
    Always,
    /// ffprobe leaves out every text then, known or not.
    Never,
}

#[derive(Clone, Copy, Default)]
pub struct Look {
    pub shows_units: bool,
    /// K, M, G.
    pub has_prefixes: bool,
    /// Ki, Mi, Gi for bytes.
    pub has_binary_prefixes: bool,
    /// Hours, minutes and seconds.
    pub is_sexagesimal: bool,
    pub optional_fields: OptionalFields,
}

const PREFIXES: [(&str, &str); 6] = [("", ""), ("Ki", "K"), ("Mi", "M"), ("Gi", "G"), ("Ti", "T"), ("Pi", "P")];

impl Look {
    /// -pretty.
    pub fn prettify(&mut self) {
        self.shows_units = true;
        self.has_prefixes = true;
        self.has_binary_prefixes = true;
        self.is_sexagesimal = true;
    }

    pub fn seconds(&self, seconds: f64, text: &mut Vec<u8>) {
        if self.is_sexagesimal {
            return sexagesimal(seconds, text);
        }
        let (number, prefix) = self.scaled(seconds, false);
        float(number, text);
        self.suffix(prefix, "s", text);
    }

    pub fn amount(&self, amount: i64, unit: Unit, text: &mut Vec<u8>) {
        let (number, prefix) = self.scaled(amount as f64, unit == Unit::Byte && self.has_binary_prefixes);
        let is_scaled = self.has_prefixes && amount as f64 > 1.0;
        match (is_scaled, self.has_prefixes && number != number.trunc()) {
            (_, true) => float(number, text),
            (true, _) => drop(write!(text, "{}", number as i64)), // a Vec takes everything
            _ => drop(write!(text, "{amount}")),
        }
        let name = match unit {
            Unit::Hertz => "Hz",
            Unit::Byte => "byte",
            Unit::BitPerSecond => "bit/s",
        };
        self.suffix(prefix, name, text);
    }

    /// The number in the largest unit that it fills, and the unit's prefix.
    fn scaled(&self, number: f64, is_binary: bool) -> (f64, &'static str) {
        if !self.has_prefixes || number.is_nan() || number <= 1.0 {
            return (number, "");
        }
        let power = if is_binary { number.log2() as i64 / 10 } else { number.log10() as i64 / 3 };
        let power = power.clamp(0, PREFIXES.len() as i64 - 1) as usize;
        let (binary, decimal) = PREFIXES[power];
        match is_binary {
            true => (number / 1024f64.powi(power as i32), binary),
            false => (number / 1000f64.powi(power as i32), decimal),
        }
    }

    fn suffix(&self, prefix: &str, unit: &str, text: &mut Vec<u8>) {
        if !prefix.is_empty() || self.shows_units {
            text.push(b' ');
        }
        text.extend_from_slice(prefix.as_bytes());
        if self.shows_units {
            text.extend_from_slice(unit.as_bytes());
        }
    }
}

/// C's "%f".
fn float(number: f64, text: &mut Vec<u8>) {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    // A Vec takes everything.
    let _ = match (number.is_nan(), number.is_infinite()) {
        (true, _) => write!(text, "{sign}nan"),
        (_, true) => write!(text, "{sign}inf"),
        _ => write!(text, "{number:.6}"),
    };
}

fn sexagesimal(seconds: f64, text: &mut Vec<u8>) {
    let minutes = (seconds as i32) / 60;
    let rest = seconds - f64::from(minutes) * 60.0;
    let _ = write!(text, "{}:{:02}:{rest:09.6}", minutes / 60, minutes % 60); // a Vec takes everything
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn plain_and_pretty() {
        let (plain, mut pretty) = (Look::default(), Look::default());
        pretty.prettify();
        assert_eq!(written(|t| plain.amount(1_234_567, Unit::Byte, t)), "1234567");
        assert_eq!(written(|t| pretty.amount(1_234_567, Unit::Byte, t)), "1.177375 Mibyte");
        assert_eq!(written(|t| pretty.amount(48_000, Unit::Hertz, t)), "48 KHz");
        assert_eq!(written(|t| pretty.amount(1, Unit::BitPerSecond, t)), "1 bit/s");
        assert_eq!(written(|t| plain.seconds(61.5, t)), "61.500000");
        assert_eq!(written(|t| pretty.seconds(3661.5, t)), "1:01:01.500000");
        assert_eq!(written(|t| pretty.seconds(-0.04, t)), "0:00:-0.040000");
    }
}
