//! Which sections and fields are shown: -show_format and its like, -show_entries. Source: `mark_section_show_entries`,
//! `match_section`, `opt_show_entries`, `check_section_show_entries` of FFmpeg's fftools/ffprobe.c.

use super::token::token;
use crate::av::probe::{SECTION_COUNT, Section, SectionKind};

#[derive(Clone, Default)]
struct Shown {
    all: bool,
    /// Fields that are shown by name.
    keys: Vec<String>,
}

/// A choice of sections and of their fields; none at first.
#[derive(Clone)]
pub struct Selection(Vec<Shown>);

impl Default for Selection {
    fn default() -> Self {
        Selection(vec![Shown::default(); SECTION_COUNT])
    }
}

impl Selection {
    /// Shows a section with all that is in it.
    pub fn show(&mut self, section: Section) {
        self.0[section as usize].all = true;
        section.info().children.iter().for_each(|child| self.show(*child));
    }

    /// Shows these fields of a section, and none of what is in it.
    fn show_keys(&mut self, section: Section, keys: &[String]) {
        let shown = &mut self.0[section as usize];
        shown.all = false;
        shown.keys.extend_from_slice(keys);
    }

    /// "stream=codec_name,width:format_tags": sections by their names, with all or some of their fields. An error's text
    /// where there is no section of a name.
    pub fn show_entries(&mut self, mut text: &str) -> Result<(), String> {
        while !text.is_empty() {
            let (name, rest) = token(text, "=:");
            text = rest;
            let keys = text.strip_prefix('=').map(|rest| {
                let (keys, rest) = keys(rest);
                text = rest;
                keys
            });
            let sections: Vec<Section> = Section::all().filter(|section| section.info().is_called(&name)).collect();
            if sections.is_empty() {
                return Err(format!("No match for section '{name}'"));
            }
            for section in sections {
                match &keys {
                    Some(keys) => self.show_keys(section, keys),
                    None => self.show(section),
                }
            }
            text = text.strip_prefix(':').unwrap_or(text);
        }
        Ok(())
    }

    /// Whether anything of a section, or of one inside it, is shown.
    pub fn wants(&self, section: Section) -> bool {
        let shown = &self.0[section as usize];
        shown.all || !shown.keys.is_empty() || section.info().children.iter().any(|child| self.wants(*child))
    }

    /// Whether a field of a section is shown.
    pub fn shows(&self, section: Section, key: &[u8]) -> bool {
        let shown = &self.0[section as usize];
        shown.all || shown.keys.iter().any(|shown| shown.as_bytes().eq_ignore_ascii_case(key))
    }
}

/// The tree of sections, as -sections prints it.
pub fn show_sections() -> String {
    let mut text = "Sections:\nW.. = Section is a wrapper (contains other sections, no local entries)\n\
                    .A. = Section contains an array of elements of the same type\n\
                    ..V = Section may contain a variable number of fields with variable keys\n\
                    FLAGS NAME/UNIQUE_NAME\n---\n"
        .to_owned();
    show_tree(Section::Root, 0, &mut text);
    text
}

fn show_tree(section: Section, level: usize, text: &mut String) {
    let info = section.info();
    text.push_str(match info.kind {
        SectionKind::Fields => "...",
        SectionKind::Wrapper => "W..",
        SectionKind::Array => ".A.",
        SectionKind::Tags => "..V",
    });
    text.extend(std::iter::repeat_n(' ', (level * 4).max(1) + 2));
    text.push_str(info.name);
    if let Some(unique_name) = info.unique_name {
        text.push('/');
        text.push_str(unique_name);
    }
    text.push('\n');
    info.children.iter().for_each(|child| show_tree(*child, level + 1, text));
}

/// "codec_name,width" up to a colon or the end, and the rest.
fn keys(mut text: &str) -> (Vec<String>, &str) {
    let mut keys = Vec::new();
    while !text.is_empty() && !text.starts_with(':') {
        let (key, rest) = token(text, ",:");
        keys.push(key);
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    (keys, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(entries: &str) -> Selection {
        let mut selection = Selection::default();
        selection.show_entries(entries).unwrap();
        selection
    }

    #[test]
    fn a_section_brings_what_is_in_it() {
        let chosen = selection("streams");
        assert!(chosen.shows(Section::StreamTags, b"title") && chosen.wants(Section::StreamDisposition));
        // "streams" is also the name of a program's.
        assert!(chosen.wants(Section::Programs) && !chosen.wants(Section::Format));
    }

    #[test]
    fn fields_by_name_without_regard_to_case() {
        let chosen = selection("format=duration,Size:stream_tags");
        assert!(chosen.shows(Section::Format, b"size") && !chosen.shows(Section::Format, b"bit_rate"));
        assert!(!chosen.wants(Section::FormatTags));
        assert!(chosen.wants(Section::Streams) && !chosen.shows(Section::Stream, b"index"));
        assert!(Selection::default().show_entries("nonsense").is_err());
    }
}
