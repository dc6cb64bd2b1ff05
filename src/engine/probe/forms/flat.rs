//! `streams.stream.0.codec_name="h264"`: lines that a shell can read.

use super::{Page, Writer};
use crate::av::probe::SectionInfo;
use std::io::Write;

pub struct Flat {
    pub separator: u8,
    pub is_hierarchical: bool,
}

/// What a key of a tag may have stays; anything else becomes an underscore.
fn escaped_key(out: &mut Vec<u8>, key: &[u8]) {
    out.extend(key.iter().map(|byte| if byte.is_ascii_alphanumeric() { *byte } else { b'_' }));
}

fn escaped_value(out: &mut Vec<u8>, value: &[u8]) {
    for byte in value {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' | b'"' | b'`' | b'$' => out.extend_from_slice(&[b'\\', *byte]),
            byte => out.push(*byte),
        }
    }
}

impl Writer for Flat {
    fn begin(&mut self, page: &mut Page) {
        let Some(parent) = page.parent() else { return };
        let (section, number, separator) = (page.section(), page.element_number(), self.separator);
        page.extend_prefix(|prefix| {
            if !self.is_hierarchical && section.is_container() {
                return;
            }
            prefix.extend_from_slice(section.name.as_bytes());
            prefix.push(separator);
            if SectionInfo::is_array(parent) {
                let _ = write!(prefix, "{number}"); // a Vec takes everything
                prefix.push(separator);
            }
        });
    }

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64) {
        page.put_prefix();
        page.put(key);
        page.put(b"=");
        page.put_integer(value);
        page.put(b"\n");
    }

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]) {
        page.put_prefix();
        escaped_key(&mut page.out, key);
        page.put(b"=\"");
        escaped_value(&mut page.out, value);
        page.put(b"\"\n");
    }

    fn joins_packets_and_frames(&self) -> bool {
        true
    }
}
