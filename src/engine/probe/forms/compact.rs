//! compact and csv: a section in a line, with separators between its fields.

use super::page::LEVELS;
use super::{Page, Writer};
use crate::av::probe::SectionInfo;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    None,
    C,
    /// RFC 4180.
    Csv,
}

pub struct Compact {
    separator: u8,
    has_no_keys: bool,
    has_section_names: bool,
    escape: Escape,
    /// Levels on which a section stood inside one with fields: from then on none of that level ends its line, as in ffprobe.
    is_nested: [bool; LEVELS],
    has_nested: [bool; LEVELS],
    ends_line: [bool; LEVELS],
}

impl Compact {
    pub fn new(separator: u8, escape: Escape, has_no_keys: bool, has_section_names: bool) -> Compact {
        Compact {
            separator,
            has_no_keys,
            has_section_names,
            escape,
            is_nested: [false; LEVELS],
            has_nested: [false; LEVELS],
            ends_line: [true; LEVELS],
        }
    }

    fn key(&self, page: &mut Page, key: &[u8]) {
        if page.items() > 0 {
            page.put(&[self.separator]);
        }
        if !self.has_no_keys {
            page.put_prefix();
            page.put(key);
            page.put(b"=");
        }
    }

    fn escaped(&self, out: &mut Vec<u8>, value: &[u8]) {
        match self.escape {
            Escape::None => out.extend_from_slice(value),
            Escape::C => c_escaped(out, value, self.separator),
            Escape::Csv => csv_escaped(out, value, self.separator),
        }
    }
}

fn c_escaped(out: &mut Vec<u8>, value: &[u8], separator: u8) {
    for byte in value {
        match byte {
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte if *byte == separator => out.extend_from_slice(&[b'\\', *byte]),
            byte => out.push(*byte),
        }
    }
}

fn csv_escaped(out: &mut Vec<u8>, value: &[u8], separator: u8) {
    let needs_quotes = value.iter().any(|byte| [separator, b'"', b'\n', b'\r'].contains(byte));
    out.extend(needs_quotes.then_some(b'"'));
    for byte in value {
        out.extend((*byte == b'"').then_some(b'"'));
        out.push(*byte);
    }
    out.extend(needs_quotes.then_some(b'"'));
}

impl Writer for Compact {
    fn begin(&mut self, page: &mut Page) {
        let (section, level) = (page.section(), page.level());
        self.ends_line[level] = true;
        self.has_nested[level] = false;
        let is_in_fields = page.parent().is_some_and(|parent| !SectionInfo::is_container(parent));
        if is_in_fields && !section.is_array() {
            self.is_nested[level] = true;
            self.has_nested[level - 1] = true;
            page.extend_prefix(|prefix| {
                prefix.extend_from_slice(section.element.unwrap_or(section.name).as_bytes());
                prefix.push(b':');
            });
            return page.inherit_items();
        }
        if level > 0 && self.has_nested[level - 1] && section.is_array() {
            self.ends_line[level - 1] = false;
        }
        if is_in_fields && page.parent_items() > 0 {
            page.put(&[self.separator]);
        }
        if self.has_section_names && !section.is_container() {
            page.put(section.name.as_bytes());
            page.put(&[self.separator]);
        }
    }

    fn end(&mut self, page: &mut Page) {
        let level = page.level();
        if !self.is_nested[level] && self.ends_line[level] && !page.section().is_container() {
            page.put(b"\n");
        }
    }

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64) {
        self.key(page, key);
        page.put_integer(value);
    }

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]) {
        self.key(page, key);
        self.escaped(&mut page.out, value);
    }
}
