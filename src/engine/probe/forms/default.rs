//! `[STREAM]`, `key=value` in lines, `[/STREAM]`.

use super::page::LEVELS;
use super::{Page, Writer};
use crate::av::probe::SectionInfo;

pub struct Default {
    has_no_keys: bool,
    has_no_wrappers: bool,
    /// Levels on which a section stood inside one with fields: from then on no section of that level has brackets, as in
    /// ffprobe.
    is_nested: [bool; LEVELS],
}

impl Default {
    pub fn new(has_no_keys: bool, has_no_wrappers: bool) -> Default {
        Default { has_no_keys, has_no_wrappers, is_nested: [false; LEVELS] }
    }

    fn bracket(&self, page: &mut Page, begin: &[u8]) {
        let section = page.section();
        if self.has_no_wrappers || self.is_nested[page.level()] || section.is_container() {
            return;
        }
        page.put(begin);
        page.out.extend(section.name.bytes().map(|b| b.to_ascii_uppercase()));
        page.put(b"]\n");
    }

    fn key(&self, page: &mut Page, key: &[u8]) {
        if !self.has_no_keys {
            page.put_prefix();
            page.put(key);
            page.put(b"=");
        }
    }
}

impl Writer for Default {
    fn begin(&mut self, page: &mut Page) {
        let section = page.section();
        if page.parent().is_some_and(|parent| !SectionInfo::is_container(parent)) {
            self.is_nested[page.level()] = true;
            page.extend_prefix(|prefix| {
                prefix.extend(section.element.unwrap_or(section.name).bytes().map(|b| b.to_ascii_uppercase()));
                prefix.push(b':');
            });
        }
        self.bracket(page, b"[");
    }

    fn end(&mut self, page: &mut Page) {
        self.bracket(page, b"[/");
    }

    fn integer(&mut self, page: &mut Page, key: &[u8], value: i64) {
        self.key(page, key);
        page.put_integer(value);
        page.put(b"\n");
    }

    fn text(&mut self, page: &mut Page, key: &[u8], value: &[u8]) {
        self.key(page, key);
        page.put(value);
        page.put(b"\n");
    }
}
