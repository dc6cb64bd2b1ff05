//! Stream specifiers: "v", "a:1", "#0x101", "p:1:v", "m:language:eng", "u".
//! The rules are those of `check_stream_specifier` (FFmpeg's fftools/cmdutils.c and `avformat_match_stream_specifier`).

/// The kinds of streams that a specifier can name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum MediaKind {
    Video,
    Audio,
    Subtitle,
    Data,
    Attachment,
    Unknown,
}

impl MediaKind {
    pub fn letter(self) -> &'static str {
        match self {
            MediaKind::Video => "v",
            MediaKind::Audio => "a",
            MediaKind::Subtitle => "s",
            MediaKind::Data => "d",
            MediaKind::Attachment => "t",
            MediaKind::Unknown => "",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            MediaKind::Video => "video",
            MediaKind::Audio => "audio",
            MediaKind::Subtitle => "subtitle",
            MediaKind::Data => "data",
            MediaKind::Attachment => "attachment",
            MediaKind::Unknown => "unknown",
        }
    }
}

/// What a specifier asks of a stream.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    pub kind: MediaKind,
    pub id: i32,
    /// A cover picture, which "V" leaves out.
    pub is_attached_picture: bool,
    /// The parameters are complete enough to be used ("u").
    pub is_usable: bool,
    pub metadata: Vec<(String, String)>,
    /// Ids of the programs that it belongs to.
    pub programs: Vec<i32>,
}

/// A parsed specifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Kind(MediaKind),
    VideoNoPictures,
    Program(i32),
    Id(i32),
    Metadata(String, Option<String>),
    Usable,
    /// The n-th of those that the parts before it let through.
    Nth(usize),
}

impl Selector {
    /// Parses what stands behind the option's name and colon; "" matches every stream. None where it makes no sense.
    pub fn parse(text: &str) -> Option<Selector> {
        let mut parts = Vec::new();
        let mut words = text.split(':').filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            parts.push(match word {
                "v" => Part::Kind(MediaKind::Video),
                "V" => Part::VideoNoPictures,
                "a" => Part::Kind(MediaKind::Audio),
                "s" => Part::Kind(MediaKind::Subtitle),
                "d" => Part::Kind(MediaKind::Data),
                "t" => Part::Kind(MediaKind::Attachment),
                "u" => Part::Usable,
                "p" => Part::Program(integer(words.next()?)?),
                "i" => Part::Id(integer(words.next()?)?),
                "m" => Part::Metadata(words.next()?.to_owned(), words.next().map(str::to_owned)),
                id if id.starts_with('#') => Part::Id(integer(&id[1..])?),
                number => Part::Nth(number.parse().ok()?),
            });
        }
        Some(Selector(parts))
    }

    /// Whether stream `index` of `streams` is meant.
    pub fn matches(&self, streams: &[StreamFacts], index: usize) -> bool {
        let nth = self.0.iter().find_map(|part| match part {
            Part::Nth(nth) => Some(*nth),
            _ => None,
        });
        let fits = |i: &usize| streams.get(*i).is_some_and(|stream| self.0.iter().all(|part| part.allows(stream)));
        match nth {
            Some(nth) => (0..streams.len()).filter(fits).nth(nth) == Some(index),
            None => fits(&index),
        }
    }
}

impl Part {
    fn allows(&self, stream: &StreamFacts) -> bool {
        match self {
            Part::Kind(kind) => stream.kind == *kind,
            Part::VideoNoPictures => stream.kind == MediaKind::Video && !stream.is_attached_picture,
            Part::Program(id) => stream.programs.contains(id),
            Part::Id(id) => stream.id == *id,
            Part::Metadata(key, value) => stream
                .metadata
                .iter()
                .any(|(k, v)| k.eq_ignore_ascii_case(key) && value.as_ref().is_none_or(|value| v == value)),
            Part::Usable => stream.is_usable,
            Part::Nth(_) => true,
        }
    }
}

fn integer(text: &str) -> Option<i32> {
    match text.strip_prefix("0x") {
        Some(hex) => i32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(kind: MediaKind, id: i32) -> StreamFacts {
        StreamFacts {
            kind,
            id,
            is_attached_picture: false,
            is_usable: true,
            metadata: vec![("language".into(), if id % 2 == 0 { "eng" } else { "fra" }.into())],
            programs: vec![id / 0x100],
        }
    }

    fn chosen(spec: &str) -> Vec<usize> {
        let streams = [
            stream(MediaKind::Video, 0x100),
            stream(MediaKind::Audio, 0x101),
            stream(MediaKind::Audio, 0x102),
            stream(MediaKind::Video, 0x200),
            stream(MediaKind::Subtitle, 0x201),
        ];
        let selector = Selector::parse(spec).expect(spec);
        (0..streams.len()).filter(|i| selector.matches(&streams, *i)).collect()
    }

    #[test]
    fn every_form_of_a_specifier() {
        assert_eq!(chosen(""), [0, 1, 2, 3, 4]);
        assert_eq!(chosen("3"), [3]);
        assert_eq!(chosen("v"), [0, 3]);
        assert_eq!(chosen("a:1"), [2]);
        assert_eq!(chosen("#0x101"), [1]);
        assert_eq!(chosen("i:257"), [1]);
        assert_eq!(chosen("p:2"), [3, 4]);
        assert_eq!(chosen("p:1:a:0"), [1]);
        assert_eq!(chosen("m:language:fra"), [1, 4]);
        assert_eq!(chosen("s:5"), [] as [usize; 0]);
    }

    #[test]
    fn nonsense_is_no_specifier() {
        for text in ["x", "p", "p:x", "#", "v:-1", "m"] {
            assert_eq!(Selector::parse(text), None, "{text}");
        }
    }
}
