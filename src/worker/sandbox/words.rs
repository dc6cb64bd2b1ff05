//! The words of an option's value: what FFmpeg's lists, dictionaries, filter graphs and nested URLs take apart. Which of them names a file the values' meanings
//! would say, of hundreds of options; whether there is such a file says enough.

use std::collections::HashSet;

/// Quotes and escapes are taken off at each level: a graph's values have two, and a list in one of them a third.
const LEVELS: u32 = 3;
/// Of lists and graphs, of dictionaries, and of both at once: an escape is for one of them, and must not be taken off by another's.
const SEPARATORS: [&str; 3] = ["|,;[]\n", ":=", "|,;:=[]\n"];

/// A word, and what stood before its `=`: the option's name, or the filter's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Word {
    pub key: String,
    pub text: String,
}

/// Every word of `value`, itself first.
pub fn words(key: &str, value: &str) -> Vec<Word> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    take_apart(Word { key: key.to_owned(), text: value.trim().to_owned() }, LEVELS, &mut found, &mut seen);
    found
}

fn take_apart(word: Word, levels: u32, found: &mut Vec<Word>, seen: &mut HashSet<Word>) {
    if word.text.is_empty() || !seen.insert(word.clone()) {
        return;
    }
    let sets = if levels > 0 { &SEPARATORS[..] } else { &[] };
    let parts: Vec<Word> = sets.iter().flat_map(|separators| parts(&word, separators)).collect();
    found.push(word);
    for part in parts {
        take_apart(part, levels - 1, found, seen);
    }
}

fn parts(word: &Word, separators: &str) -> Vec<Word> {
    let (mut parts, mut text, mut key) = (Vec::new(), String::new(), word.key.clone());
    let mut is_quoted = false;
    let mut rest = word.text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => text.extend(rest.next()),
            _ if !is_quoted && separators.contains(character) => {
                let part = std::mem::take(&mut text).trim().to_owned();
                let next = if character == '=' { part.clone() } else { String::new() };
                parts.push(Word { key: std::mem::replace(&mut key, next), text: part });
            }
            _ => text.push(character),
        }
    }
    parts.push(Word { key, text: text.trim().to_owned() });
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(value: &str, key: &str, text: &str) {
        let found = words("vf", value);
        assert!(found.contains(&Word { key: key.into(), text: text.into() }), "{value}: {found:?}");
    }

    #[test]
    fn files_are_found_in_every_spelling() {
        is("/a/b.srt", "vf", "/a/b.srt");
        is("scale=2:2,subtitles=/a/b.srt", "subtitles", "/a/b.srt");
        is("subtitles=filename=/a/b.srt:fontsdir=/f", "fontsdir", "/f");
        is("movie='/a/x,y.png'[l];[in][l]overlay", "movie", "/a/x,y.png");
        is("subtitles=/a/c\\\\:d.srt", "subtitles", "/a/c:d.srt");
        is("[f=mp4]/a/x.mp4|[f=hls]/b/y.m3u8", "", "/b/y.m3u8");
        is("concat:/a/1.ts|/a/2.ts", "", "/a/2.ts");
        is("pass=1:stats=/s/log", "stats", "/s/log");
    }
}
