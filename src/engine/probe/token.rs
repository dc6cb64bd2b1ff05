//! Words with quotes and escapes, as FFmpeg reads them: `av_get_token` and `av_dict_parse_string` of libavutil.

const BLANKS: [char; 4] = [' ', '\n', '\t', '\r'];

/// The word before one of `ends`, without blanks around it, and the rest of the text from there. A backslash takes the next
/// character as it is, and so do single quotes with all that is between them.
pub fn token<'a>(text: &'a str, ends: &str) -> (String, &'a str) {
    let mut word = String::new();
    // What came from quotes and escapes keeps its blanks.
    let mut kept = 0;
    let mut rest = text.trim_start_matches(BLANKS);
    while let Some(c) = rest.chars().next().filter(|c| !ends.contains(*c)) {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' if !rest.is_empty() => {
                word.extend(rest.chars().next());
                rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
                kept = word.len();
            }
            '\'' => {
                let (inside, after) = rest.split_once('\'').map_or((rest, None), |(i, a)| (i, Some(a)));
                word.push_str(inside);
                kept = if after.is_some() { word.len() } else { kept };
                rest = after.unwrap_or("");
            }
            _ => word.push(c),
        }
    }
    let length = word.trim_end_matches(BLANKS).len().max(kept);
    word.truncate(length);
    (word, rest)
}

/// "key=value:key=value". None where a key or a value is empty.
pub fn pairs(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    while !text.is_empty() {
        let (key, rest) = token(text, "=");
        let (value, rest) = token(rest.strip_prefix('=')?, ":");
        if key.is_empty() || value.is_empty() {
            return None;
        }
        pairs.push((key, value));
        text = rest.strip_prefix(':').unwrap_or(rest);
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_blanks() {
        for (text, word, rest) in [
            ("a=b", "a", "=b"),
            ("  a b  :c", "a b", ":c"),
            (r"a\=b=c", "a=b", "=c"),
            ("'a=b'=c", "a=b", "=c"),
            (r"a\ =", "a ", "="),
            ("' a '  =", " a ", "="),
            ("'open", "open", ""),
            (r"a\", r"a\", ""),
        ] {
            assert_eq!(token(text, "=:"), (word.to_owned(), rest), "{text}");
        }
    }

    #[test]
    fn keys_and_values() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs("nk=1:s=\\:"), Some(vec![pair("nk", "1"), pair("s", ":")]));
        assert_eq!(pairs(""), Some(vec![]));
        assert_eq!(pairs("p"), None);
        assert_eq!(pairs("p=:nk=1"), None);
    }
}
