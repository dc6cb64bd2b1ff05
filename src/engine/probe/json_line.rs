//! A sink for the library: everything as JSON in one line, in ffprobe's form. It is made for every input that a job opens, so it
//! writes straight into the text.

use super::forms::escape_json;
use super::look::Look;
use super::shown::Shown;
use crate::av::AvError;
use crate::av::probe::{Section, SectionInfo, Sink, Value};
use std::io::Write;

/// The longest text that is made; the packets and frames of a film would fill any memory.
pub(crate) const MAX_JSON_BYTES: usize = 64 << 20;

pub struct JsonLine {
    out: Vec<u8>,
    shown: Shown,
    /// The sections that are open, and whether something stands in them.
    open: Vec<(&'static SectionInfo, bool)>,
    /// A value on its way.
    text: Vec<u8>,
}

impl JsonLine {
    pub fn new(shown: Shown) -> JsonLine {
        JsonLine { out: Vec::with_capacity(4096), shown, open: Vec::with_capacity(8), text: Vec::new() }
    }

    /// The text, when the root has ended.
    pub fn into_text(self) -> String {
        // Names that FFmpeg knows by itself are UTF-8, and tags were made it; what values of decoders are, nobody says.
        String::from_utf8(self.out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    pub fn is_full(&self) -> bool {
        self.out.len() > MAX_JSON_BYTES
    }

    /// The comma before an item of the open section, if it is not the first.
    fn item(&mut self) {
        if let Some((_, has_items)) = self.open.last_mut()
            && std::mem::replace(has_items, true)
        {
            self.out.push(b',');
        }
    }

    fn key(&mut self, key: &[u8]) {
        self.item();
        self.out.push(b'"');
        escape_json(&mut self.out, key);
        self.out.extend_from_slice(b"\":");
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        escape_json(&mut self.out, text);
        self.out.push(b'"');
    }

    /// A value in its plain look, as a string.
    fn made(&mut self, make: impl FnOnce(&mut Vec<u8>)) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        make(&mut text);
        self.string(&text);
        self.text = text;
    }
}

impl Sink for JsonLine {
    fn wants(&self, section: Section) -> bool {
        self.shown.wants(section)
    }

    fn begin(&mut self, section: Section) {
        let info = section.info();
        let parent = self.open.last().map(|(parent, _)| parent.section);
        match self.open.last() {
            Some((parent, _)) if !parent.is_array() => self.key(info.name.as_bytes()),
            _ => self.item(),
        }
        self.out.push(if info.is_array() { b'[' } else { b'{' });
        self.open.push((info, false));
        // So that packets and frames can be told apart.
        if parent == Some(Section::PacketsAndFrames) {
            self.key(b"type");
            self.string(info.name.as_bytes());
        }
    }

    fn end(&mut self) {
        if let Some((info, _)) = self.open.pop() {
            self.out.push(if info.is_array() { b']' } else { b'}' });
        }
    }

    fn field(&mut self, key: &str, value: Value<'_>) {
        if matches!(value, Value::Unknown(_)) {
            return;
        }
        self.key(key.as_bytes());
        let look = Look::default();
        match value {
            Value::Integer(value) => drop(write!(self.out, "{value}")), // a Vec takes everything
            Value::Text(text) => self.string(text),
            Value::Formatted(arguments) => self.made(|text| drop(text.write_fmt(arguments))),
            Value::Seconds(seconds) => self.made(|text| look.seconds(seconds, text)),
            Value::Amount(amount, unit) => self.made(|text| look.amount(amount, unit, text)),
            Value::Unknown(_) => {}
        }
    }

    fn tag(&mut self, key: &[u8], value: &[u8]) -> Result<(), AvError> {
        self.key(String::from_utf8_lossy(key).as_bytes());
        self.string(String::from_utf8_lossy(value).as_bytes());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), AvError> {
        if self.is_full() { Err(AvError::NO_MEMORY) } else { Ok(()) }
    }

    fn joins_packets_and_frames(&self) -> bool {
        true
    }
}
