//! -mt_show: what the library's JSON has in it.

use crate::av::probe::Section;
use crate::error::Error;

/// Sections of the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown(Vec<Section>);

const SECTIONS: [Section; 6] =
    [Section::Format, Section::Streams, Section::Chapters, Section::Programs, Section::Packets, Section::Frames];

impl Default for Shown {
    fn default() -> Self {
        Shown(vec![Section::Format, Section::Streams])
    }
}

impl Shown {
    /// "format,streams,chapters", in any order.
    pub fn parse(text: &str) -> Result<Shown, Error> {
        let section = |word: &str| SECTIONS.into_iter().find(|section| section.info().name == word);
        let unknown = |word: &str| {
            let words: Vec<&str> = SECTIONS.iter().map(|section| section.info().name).collect();
            Error::option(format!("option mt_show has the unknown word '{word}'; it takes {}", words.join(",")))
        };
        let sections = text.split(',').map(|word| section(word.trim()).ok_or_else(|| unknown(word)));
        sections.collect::<Result<_, _>>().map(Shown)
    }

    /// Of a section of the root whether it is chosen; what is in one comes with it.
    pub fn wants(&self, section: Section) -> bool {
        !SECTIONS.contains(&section) || self.0.contains(&section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_choose_sections() {
        let shown = Shown::parse("packets, streams").unwrap();
        assert!(shown.wants(Section::Packets) && shown.wants(Section::StreamTags) && !shown.wants(Section::Format));
        assert!(Shown::default().wants(Section::Streams) && !Shown::default().wants(Section::Chapters));
        for text in ["", "stream", "format,", "format frames"] {
            assert!(Shown::parse(text).is_err(), "{text}");
        }
    }
}
