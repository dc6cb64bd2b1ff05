//! JSON, in lines or with a section in a line.

use super::{Page, Writer};
use crate::av::probe::{Section, SectionInfo, SectionKind};
use std::io::Write;

pub struct Json {
    is_compact: bool,
    indentation: usize,
}

/// The inside of a JSON string.
pub fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let mut plain = 0;
    for (at, byte) in text.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..32 => 0,
            _ => continue,
        };
        out.extend_from_slice(&text[plain..at]);
        match short {
            0 => drop(write!(out, "\\u00{byte:02x}")), // a Vec takes everything
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        plain = at + 1;
    }
    out.extend_from_slice(&text[plain..]);
}

impl Json {
    pub fn new(is_compact: bool) -> Json {
        Json { is_compact, indentation: 0 }
    }

    fn line_break(&self) -> &'static [u8] {
        if self.is_compact { b" " } else { b"\n" }
    }

    fn indent(&self, page: &mut Page) {
        if !self.is_compact {
            page.indent(self.indentation);
        }
    }

    fn key(&self, page: &mut Page, key: &[u8]) {
        if page.items() > 0 || page.parent_section() == Some(Section::PacketsAndFrames) {
            page.put(if self.is_compact { b", " } else { b",\n" });
        }
        self.indent(page);
        page.put(b"\"");
        escape(&mut page.out, key);
        page.put(b"\": ");
    }
}

impl Writer for Json {
    fn begin(&mut self, page: &mut Page) {
        if page.parent_items() > 0 {
            page.put(b",\n");
        }
        let (section, parent) = (page.section(), page.parent());
        if section.kind == SectionKind::Wrapper {
            page.put(b"{\n");
            self.indentation += 1;
            return;
        }
        page.indent(self.indentation);
        self.indentation += 1;
        let is_element = parent.is_none_or(SectionInfo::is_array);
        if section.is_array() || !is_element {
            page.put(b"\"");
            page.put(section.name.as_bytes());
            page.put(b"\": ");
        }
        if section.is_array() {
            return page.put(b"[\n");
        }
        page.put(b"{");
        page.put(self.line_break());
        // So that packets and frames can be told apart.
        if page.parent_section() == Some(Section::PacketsAndFrames) {
            self.indent(page);
            page.put(b"\"type\": \"");
            page.put(section.name.as_bytes());
            page.put(b"\"");
            page.count_item();
        }
    }

    fn end(&mut self, page: &mut Page) {
        self.indentation -= 1;
        if page.level() == 0 {
            page.put(b"\n}\n");
        } else if page.section().is_array() {
            page.put(b"\n");
            page.indent(self.indentation);
            page.put(b"]");
        } else {
            page.put(self.line_break());
            self.indent(page);
            page.put(b"}");
        }
    }

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64) {
        self.key(page, key);
        page.put_integer(value);
    }

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]) {
        self.key(page, key);
        page.put(b"\"");
        escape(&mut page.out, value);
        page.put(b"\"");
    }

    fn shows_unknown(&self) -> bool {
        false
    }

    fn joins_packets_and_frames(&self) -> bool {
        true
    }
}
