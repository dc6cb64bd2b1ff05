//! `[streams.stream.0]` and `key=value` in lines.

use super::{Page, Writer};
use crate::av::probe::SectionInfo;
use std::io::Write;

pub struct Ini {
    pub is_hierarchical: bool,
}

fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\\' | b'#' | b'=' | b':' => out.extend_from_slice(&[b'\\', *byte]),
            0..32 => drop(write!(out, "\\x00{byte:02x}")), // a Vec takes everything
            _ => out.push(*byte),
        }
    }
}

impl Writer for Ini {
    fn begin(&mut self, page: &mut Page) {
        let Some(parent) = page.parent() else { return page.put(b"# ffprobe output\n\n") };
        if page.parent_items() > 0 {
            page.put(b"\n");
        }
        let (section, number) = (page.section(), page.element_number());
        page.extend_prefix(|prefix| {
            if !self.is_hierarchical && section.is_container() {
                return;
            }
            if !prefix.is_empty() {
                prefix.push(b'.');
            }
            prefix.extend_from_slice(section.name.as_bytes());
            if SectionInfo::is_array(parent) {
                let _ = write!(prefix, ".{number}"); // a Vec takes everything
            }
        });
        if !section.is_container() {
            page.put(b"[");
            page.put_prefix();
            page.put(b"]\n");
        }
    }

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64) {
        page.put(key);
        page.put(b"=");
        page.put_integer(value);
        page.put(b"\n");
    }

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]) {
        escaped(&mut page.out, key);
        page.put(b"=");
        escaped(&mut page.out, value);
        page.put(b"\n");
    }

    fn joins_packets_and_frames(&self) -> bool {
        true
    }
}
