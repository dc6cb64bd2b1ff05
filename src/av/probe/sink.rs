//! Where the collector puts what it finds.

use super::Section;
use crate::av::{AvError, NOPTS, Rational};
use std::ffi::{CStr, c_char};
use std::fmt;

/// What a number measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Hertz,
    Byte,
    BitPerSecond,
}

/// The value of a field.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Integer(i64),
    /// Bytes as FFmpeg has them.
    Text(&'a [u8]),
    /// A text that is made only when somebody wants it.
    Formatted(fmt::Arguments<'a>),
    /// It is not known; what some forms write in its place ("N/A", "unknown").
    Unknown(&'static str),
    Seconds(f64),
    /// Written as text, with its unit where that is asked for.
    Amount(i64, Unit),
}

/// Takes sections and their fields, in ffprobe's order.
pub trait Sink {
    /// Whether anything of a section, or of one inside it, is asked for.
    fn wants(&self, section: Section) -> bool;

    fn begin(&mut self, section: Section);

    /// Ends the section that was begun last.
    fn end(&mut self);

    fn field(&mut self, key: &str, value: Value<'_>);

    /// A field whose key and value come from the media. An error where they are not UTF-8 and that is to fail.
    fn tag(&mut self, key: &[u8], value: &[u8]) -> Result<(), AvError>;

    /// A packet, frame or other element is complete. An error where nothing more can be taken.
    fn flush(&mut self) -> Result<(), AvError>;

    /// Packets and frames stand in one section, in the order in which they came.
    fn joins_packets_and_frames(&self) -> bool;
}

/// The fields that the collector writes, by what they are.
impl dyn Sink + '_ {
    pub fn int(&mut self, key: &str, value: impl Into<i64>) {
        self.field(key, Value::Integer(value.into()));
    }

    /// 1 or 0.
    pub fn flag(&mut self, key: &str, value: bool) {
        self.field(key, Value::Integer(value.into()));
    }

    pub fn text(&mut self, key: &str, value: &[u8]) {
        self.field(key, Value::Text(value));
    }

    pub fn format(&mut self, key: &str, value: fmt::Arguments<'_>) {
        self.field(key, Value::Formatted(value));
    }

    pub fn unknown(&mut self, key: &str, word: &'static str) {
        self.field(key, Value::Unknown(word));
    }

    /// A text that may be unknown: then `word`.
    pub fn text_or(&mut self, key: &str, value: Option<&[u8]>, word: &'static str) {
        self.field(key, value.map_or(Value::Unknown(word), Value::Text));
    }

    /// A number that is written as text, and not available where `is_known` is false.
    pub fn digits(&mut self, key: &str, value: impl fmt::Display, is_known: bool) {
        match is_known {
            true => self.format(key, format_args!("{value}")),
            false => self.unknown(key, "N/A"),
        }
    }

    /// A number with a unit, not available where it is below `least`.
    pub fn amount(&mut self, key: &str, value: i64, unit: Unit, least: i64) {
        self.field(key, if value >= least { Value::Amount(value, unit) } else { Value::Unknown("N/A") });
    }

    pub fn ratio(&mut self, key: &str, q: impl Into<Rational>, separator: char) {
        let q = q.into();
        self.format(key, format_args!("{}{separator}{}", q.num, q.den));
    }

    /// A timestamp, and the same in seconds.
    pub fn times(&mut self, key: &str, seconds_key: &str, value: i64, time_base: impl Into<Rational>) {
        self.known_times(key, seconds_key, value, time_base.into(), value != NOPTS);
    }

    /// A duration, of which 0 means unknown, and the same in seconds.
    pub fn durations(&mut self, key: &str, seconds_key: &str, value: i64, time_base: impl Into<Rational>) {
        self.known_times(key, seconds_key, value, time_base.into(), value != 0);
    }

    fn known_times(&mut self, key: &str, seconds_key: &str, value: i64, time_base: Rational, is_known: bool) {
        self.field(key, if is_known { Value::Integer(value) } else { Value::Unknown("N/A") });
        self.known_seconds(seconds_key, value, time_base, is_known);
    }

    pub fn seconds(&mut self, key: &str, value: i64, time_base: impl Into<Rational>) {
        self.known_seconds(key, value, time_base.into(), value != NOPTS);
    }

    fn known_seconds(&mut self, key: &str, value: i64, time_base: Rational, is_known: bool) {
        let seconds = Value::Seconds(value as f64 * time_base.to_f64());
        self.field(key, if is_known { seconds } else { Value::Unknown("N/A") });
    }
}

/// The bytes of a string of FFmpeg's; None for NULL.
///
/// # Safety
/// `pointer` is NULL or a terminated string that lives and stays as it is for `'a`.
pub(super) unsafe fn bytes<'a>(pointer: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: by contract.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_bytes())
}
