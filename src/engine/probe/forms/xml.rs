//! XML, as doc/ffprobe.xsd of FFmpeg describes it.

use super::{Circumstances, Page, Writer};
use crate::av::probe::{SectionInfo, SectionKind};

pub struct Xml {
    is_qualified: bool,
    is_in_tag: bool,
    indentation: usize,
}

fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            byte => out.push(*byte),
        }
    }
}

impl Xml {
    pub fn new(is_qualified: bool) -> Xml {
        Xml { is_qualified, is_in_tag: false, indentation: 0 }
    }

    /// Output that is valid by the schema. An error's text where something is asked for that it does not know.
    pub fn strict(circumstances: &Circumstances) -> Result<Xml, String> {
        let Circumstances { look, shows_private } = circumstances;
        let wrong = [(*shows_private, "private"), (look.shows_units, "unit"), (look.has_prefixes, "prefix")];
        match wrong.iter().find(|(is_set, _)| *is_set) {
            None => Ok(Xml::new(true)),
            Some((_, name)) => Err(format!(
                "XSD-compliant output selected but option '{name}' was selected, XML output may be non-compliant.\n\
                 You need to disable such option with '-no{name}'"
            )),
        }
    }

    fn root(&self, page: &mut Page) {
        page.put(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        page.put(if self.is_qualified {
            b"<ffprobe:ffprobe xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
              xmlns:ffprobe=\"http://www.ffmpeg.org/schema/ffprobe\" \
              xsi:schemaLocation=\"http://www.ffmpeg.org/schema/ffprobe ffprobe.xsd\">\n"
        } else {
            b"<ffprobe>\n"
        });
    }

    fn attribute(&self, page: &mut Page, key: &[u8]) {
        if page.items() > 0 {
            page.put(b" ");
        }
        page.put(key);
        page.put(b"=\"");
    }
}

impl Writer for Xml {
    fn begin(&mut self, page: &mut Page) {
        let section = page.section();
        let Some(parent) = page.parent() else { return self.root(page) };
        if std::mem::take(&mut self.is_in_tag) {
            page.put(b">\n");
        }
        self.indentation += 1;
        if section.kind == SectionKind::Tags {
            return;
        }
        if SectionInfo::is_container(parent) && !SectionInfo::is_array(parent) && page.parent_items() > 0 {
            page.put(b"\n");
        }
        page.indent(self.indentation);
        page.put(b"<");
        page.put(section.name.as_bytes());
        if section.is_array() {
            return page.put(b">\n");
        }
        page.put(b" ");
        self.is_in_tag = true;
    }

    fn end(&mut self, page: &mut Page) {
        let section = page.section();
        if page.level() == 0 {
            return page.put(if self.is_qualified { b"</ffprobe:ffprobe>\n" } else { b"</ffprobe>\n" });
        }
        if std::mem::take(&mut self.is_in_tag) {
            page.put(b"/>\n");
        } else if section.kind != SectionKind::Tags {
            page.indent(self.indentation);
            page.put(b"</");
            page.put(section.name.as_bytes());
            page.put(b">\n");
        }
        self.indentation -= 1;
    }

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64) {
        self.attribute(page, key);
        page.put_integer(value);
        page.put(b"\"");
    }

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]) {
        if page.section().kind != SectionKind::Tags {
            self.attribute(page, key);
            escaped(&mut page.out, value);
            return page.put(b"\"");
        }
        page.indent(self.indentation);
        page.put(b"<");
        page.put(page.section().element.unwrap_or("tag").as_bytes());
        page.put(b" key=\"");
        escaped(&mut page.out, key);
        page.put(b"\" value=\"");
        escaped(&mut page.out, value);
        page.put(b"\"/>\n");
    }

    fn shows_unknown(&self) -> bool {
        false
    }

    fn joins_packets_and_frames(&self) -> bool {
        true
    }
}
