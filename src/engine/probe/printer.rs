//! A sink that prints: chooses the fields that are shown, gives values their look, tags their validation, and the form the
//! rest. Source: the `writer_print_*` functions of FFmpeg's fftools/ffprobe.c.

use super::forms::{Form, Page, Validation};
use super::look::{Look, OptionalFields};
use super::selection::Selection;
use crate::av::probe::{SECTION_COUNT, Section, Sink, Value};
use crate::av::{AvError, utf8_step, write_log};
use crate::engine::observer::{LEVEL_ERROR, LEVEL_WARNING};
use std::io::{self, Write};

pub struct Printer<'a> {
    selection: &'a Selection,
    /// Sections of which anything is shown.
    wanted: [bool; SECTION_COUNT],
    look: Look,
    form: Form,
    page: Page,
    target: &'a mut dyn Write,
    /// A value on its way to the form.
    text: Vec<u8>,
}

impl<'a> Printer<'a> {
    pub fn new(selection: &'a Selection, look: Look, form: Form, target: &'a mut dyn Write) -> Printer<'a> {
        let mut wanted = [false; SECTION_COUNT];
        Section::all().for_each(|section| wanted[section as usize] = selection.wants(section));
        Printer { selection, wanted, look, form, page: Page::default(), target, text: Vec::new() }
    }

    fn shows(&self, key: &[u8]) -> bool {
        self.selection.shows(self.page.section().section, key)
    }

    /// Whether a field that is no number is left out altogether.
    fn leaves_out(&self, value: &Value) -> bool {
        let is_unknown = matches!(value, Value::Unknown(_));
        match self.look.optional_fields {
            OptionalFields::Never => true,
            OptionalFields::Always => false,
            OptionalFields::Auto => is_unknown && !self.form.writer.shows_unknown(),
        }
    }

    /// Writes what is on the page.
    fn write(&mut self) -> io::Result<()> {
        self.target.write_all(&self.page.out)?;
        self.page.out.clear();
        self.target.flush()
    }

    /// A copy of `text` in which what is not UTF-8 is dealt with; None where that fails.
    fn validated(&self, text: &[u8]) -> Option<Vec<u8>> {
        let (mut valid, mut rest, mut invalid) = (Vec::with_capacity(text.len()), text, 0);
        while !rest.is_empty() {
            let (length, is_valid) = utf8_step(rest, self.form.is_xml);
            let (sequence, after) = rest.split_at(length);
            rest = after;
            invalid += usize::from(!is_valid);
            match self.form.validation {
                Validation::Fail if !is_valid => {
                    let text = String::from_utf8_lossy(text);
                    write_log(LEVEL_ERROR, &format!("Invalid UTF-8 sequence found in string '{text}'"));
                    return None;
                }
                Validation::Replace if !is_valid => valid.extend_from_slice(self.form.replacement.as_bytes()),
                _ => valid.extend_from_slice(sequence),
            }
        }
        if invalid > 0 && self.form.validation == Validation::Replace {
            let (text, replacement) = (String::from_utf8_lossy(text), &self.form.replacement);
            let found = format!("{invalid} invalid UTF-8 sequence(s) found in string '{text}'");
            write_log(LEVEL_WARNING, &format!("{found}, replaced with '{replacement}'"));
        }
        Some(valid)
    }
}

impl Sink for Printer<'_> {
    fn wants(&self, section: Section) -> bool {
        self.wanted[section as usize]
    }

    fn begin(&mut self, section: Section) {
        self.page.enter(section);
        self.form.writer.begin(&mut self.page);
    }

    fn end(&mut self) {
        self.page.count_section();
        self.form.writer.end(&mut self.page);
        self.page.leave();
    }

    fn field(&mut self, key: &str, value: Value<'_>) {
        let key = key.as_bytes();
        if !self.shows(key) {
            return;
        }
        if let Value::Integer(value) = value {
            self.form.writer.integer(&mut self.page, key, value);
            return self.page.count_item();
        }
        if self.leaves_out(&value) {
            return;
        }
        self.text.clear();
        match value {
            Value::Integer(_) => {}
            Value::Text(text) => self.text.extend_from_slice(text),
            Value::Formatted(arguments) => drop(self.text.write_fmt(arguments)), // a Vec takes everything
            Value::Unknown(word) => self.text.extend_from_slice(word.as_bytes()),
            Value::Seconds(seconds) => self.look.seconds(seconds, &mut self.text),
            Value::Amount(amount, unit) => self.look.amount(amount, unit, &mut self.text),
        }
        self.form.writer.text(&mut self.page, key, &self.text);
        self.page.count_item();
    }

    fn tag(&mut self, key: &[u8], value: &[u8]) -> Result<(), AvError> {
        if self.look.optional_fields == OptionalFields::Never || !self.shows(key) {
            return Ok(());
        }
        let valid = self.validated(key).and_then(|key| Some((key, self.validated(value)?)));
        let result = match valid {
            Some((key, value)) => {
                self.form.writer.text(&mut self.page, &key, &value);
                Ok(())
            }
            None => {
                let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
                let section = self.page.section();
                let section = section.unique_name.unwrap_or(section.name);
                let text = format!("Invalid key=value string combination {key}={value} in section {section}");
                write_log(LEVEL_ERROR, &text);
                Err(AvError::INVALID_DATA)
            }
        };
        self.page.count_item();
        result
    }

    fn flush(&mut self) -> Result<(), AvError> {
        self.write().map_err(|error| AvError(-error.raw_os_error().unwrap_or(libc::EIO)))
    }

    fn joins_packets_and_frames(&self) -> bool {
        self.form.writer.joins_packets_and_frames()
    }
}
