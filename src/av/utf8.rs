//! UTF-8 as FFmpeg understands it.

use super::ffi;

/// How long the first sequence of `text`, which is not empty, is, and whether it is good (av_utf8_decode). `for_xml`: control
/// characters that XML does not have are not.
pub fn utf8_step(text: &[u8], for_xml: bool) -> (usize, bool) {
    let range = text.as_ptr_range();
    let (mut code, mut next) = (0, range.start);
    let flags = if for_xml { ffi::AV_UTF8_FLAG_EXCLUDE_XML_INVALID_CONTROL_CODES } else { 0 };
    // SAFETY: reads from `next` to the end of `text` at most, and moves `next` forward within it.
    let ret = unsafe { ffi::av_utf8_decode(&mut code, &mut next, range.end, flags) };
    let length = next as usize - range.start as usize;
    (length.clamp(1, text.len()), ret >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_and_what_is_none() {
        assert_eq!(utf8_step(b"ab", false), (1, true));
        assert_eq!(utf8_step("éa".as_bytes(), false), (2, true));
        assert_eq!(utf8_step(b"\xffa", false), (1, false));
        assert_eq!(utf8_step(b"\xc3", false), (1, false));
        assert_eq!((utf8_step(b"\x01", false), utf8_step(b"\x01", true)), ((1, true), (1, false)));
    }
}
