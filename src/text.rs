//! Words of a command line, names of files: bytes, which are mostly UTF-8 and need not be. Inside they are Strings, in which a byte that is
//! not UTF-8 stands as a character of its own from a range that Unicode leaves to private use; a character of that range stands as its bytes
//! do. So nothing is lost, whatever comes. Where text is shown (errors, events, logs), such a byte is U+FFFD.

use std::borrow::Cow;
use std::ffi::{CString, NulError, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Stands for byte 0x80; the 127 behind it for the others.
const FIRST: char = '\u{10ff00}';
const LAST: char = '\u{10ff7f}';
/// How every character of the range begins in UTF-8, and few others.
const LEAD: u8 = 0xf4;

fn is_byte(c: char) -> bool {
    (FIRST..=LAST).contains(&c)
}

/// Whether bytes stand in a text that are not UTF-8.
pub fn has_bytes(text: &str) -> bool {
    text.as_bytes().contains(&LEAD) && text.contains(is_byte)
}

fn push_byte(text: &mut String, byte: u8) {
    text.extend(char::from_u32(u32::from(FIRST) + u32::from(byte & 0x7f)));
}

/// The text of any bytes. [`to_bytes`] gives them back.
pub fn from_bytes(bytes: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(bytes)
        && !has_bytes(text)
    {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match is_byte(c) {
                true => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(&mut text, byte)),
                false => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| push_byte(&mut text, *byte));
    }
    text
}

/// The bytes that [`from_bytes`] made a text of.
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    if !has_bytes(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match is_byte(c) {
            true => bytes.push(0x80 | (u32::from(c) - u32::from(FIRST)) as u8),
            false => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// As people and JSON can read it.
pub fn shown(text: String) -> String {
    if has_bytes(&text) { String::from_utf8_lossy(&to_bytes(&text)).into_owned() } else { text }
}

/// For FFmpeg and C.
pub fn c_string(text: &str) -> Result<CString, NulError> {
    CString::new(to_bytes(text))
}

/// For the file system.
pub fn to_path(text: &str) -> PathBuf {
    OsString::from_vec(to_bytes(text).into_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_of_bytes_comes_back() {
        let own = "a\u{10ff05}b".as_bytes();
        for bytes in
            [b"".as_slice(), b"a.mp4", "\u{e4}\u{1f600}".as_bytes(), b"bad\xff.mkv", b"\xc3", b"\xed\xa0\x80", own]
        {
            let text = from_bytes(bytes);
            assert_eq!(&*to_bytes(&text), bytes, "{text:?}");
        }
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(&*to_bytes(&from_bytes(&all)), all);
        assert_eq!(c_string(&from_bytes(b"\xff")).unwrap().as_bytes(), b"\xff");
    }

    #[test]
    fn what_is_utf8_is_left_as_it_is() {
        for text in ["a.mp4", "\u{e4}\u{65e5}", "\u{10fffd}"] {
            assert_eq!(from_bytes(text.as_bytes()), text);
            assert!(matches!(to_bytes(text), Cow::Borrowed(_)));
        }
        assert_eq!(shown(from_bytes(b"a\xffb")), "a\u{fffd}b");
    }
}
