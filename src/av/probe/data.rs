//! Raw bytes: as a dump, as a hash; and structs that lie in side data.

use super::Sink;
use super::sink::bytes;
use crate::av::{AvError, ffi};
use std::ffi::{CString, c_char};
use std::io::Write;
use std::ptr;

/// An algorithm of libavutil's hash.h.
#[derive(Clone)]
pub struct Hash(CString);

/// An open AVHashContext.
struct Hashing(*mut ffi::AVHashContext);

impl Hashing {
    fn open(algorithm: &CString) -> Result<Hashing, AvError> {
        let mut context = ptr::null_mut();
        // SAFETY: a terminated string and a place for the result, which is ours.
        AvError::check(unsafe { ffi::av_hash_alloc(&mut context, algorithm.as_ptr()) })?;
        Ok(Hashing(context))
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::av_hash_freep(&mut self.0) };
    }
}

impl Hash {
    /// An error where FFmpeg has no algorithm of this name.
    pub fn new(name: &str) -> Result<Hash, AvError> {
        let name = crate::text::c_string(name).map_err(|_| AvError::INVALID)?;
        Hashing::open(&name)?;
        Ok(Hash(name))
    }

    /// The algorithms that FFmpeg has.
    pub fn names() -> Vec<String> {
        // SAFETY: any index may be asked for; static strings, NULL behind the last.
        let name = |i| unsafe { bytes(ffi::av_hash_names(i)) };
        (0..).map_while(name).map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// The algorithm as FFmpeg calls it, and the hash of `data` in hexadecimal digits; None where memory is lacking.
    pub fn of(&self, data: &[u8]) -> Option<(String, String)> {
        let hashing = Hashing::open(&self.0).ok()?;
        let mut hex = [0 as c_char; ffi::AV_HASH_MAX_SIZE as usize * 2 + 1];
        // SAFETY: an open context; as many bytes as are said; the buffer holds the longest hash and its end.
        let (name, hex) = unsafe {
            ffi::av_hash_init(hashing.0);
            ffi::av_hash_update(hashing.0, data.as_ptr(), data.len() as _);
            ffi::av_hash_final_hex(hashing.0, hex.as_mut_ptr().cast(), hex.len() as i32);
            (bytes(ffi::av_hash_get_name(hashing.0)), bytes(hex.as_ptr()))
        };
        let text = |part: Option<&[u8]>| String::from_utf8_lossy(part.unwrap_or_default()).into_owned();
        Some((text(name), text(hex)))
    }

    /// Writes "MD5:0123..."; nothing where memory is lacking.
    pub(super) fn write(&self, out: &mut dyn Sink, key: &str, data: &[u8]) {
        if let Some((name, hex)) = self.of(data) {
            out.format(key, format_args!("{name}:{hex}"));
        }
    }
}

/// SHA-256 in hexadecimal digits; None where memory is lacking.
pub fn sha256(data: &[u8]) -> Option<String> {
    Hash::new("SHA256").ok()?.of(data).map(|(_, hex)| hex)
}

/// The bytes behind a pointer of FFmpeg's; none where it is NULL or the length is not positive.
///
/// # Safety
/// `pointer` is NULL or points to `length` bytes that live and stay as they are for `'a`.
pub(super) unsafe fn slice<'a>(pointer: *const u8, length: i64) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: by contract.
        Ok(length) if !pointer.is_null() => unsafe { std::slice::from_raw_parts(pointer, length) },
        _ => &[],
    }
}

/// Lines of an offset, 16 bytes in hexadecimal by twos, and the same as characters.
pub(super) fn dump(out: &mut dyn Sink, key: &str, data: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(data.len() / 16 * 68 + 80);
    text.push(b'\n');
    for (row, line) in data.chunks(16).enumerate() {
        let begin = text.len();
        let _ = write!(text, "{:08x}: ", row * 16); // a Vec takes everything
        for pair in line.chunks(2) {
            pair.iter().for_each(|byte| text.extend([byte >> 4, byte & 15].map(|digit| DIGITS[digit as usize])));
            text.extend((pair.len() == 2).then_some(b' '));
        }
        text.resize(begin + 51, b' '); // 10 for the offset, 41 for the bytes
        text.extend(line.iter().map(|byte| if (32..127).contains(byte) { *byte } else { b'.' }));
        text.push(b'\n');
    }
    out.text(key, &text);
}

/// Reads a plain struct out of side data; None where there are too few bytes.
///
/// # Safety
/// `T` is a C struct of numbers, of which any bit pattern is a value.
pub(super) unsafe fn read<T: Copy>(data: &[u8]) -> Option<T> {
    // SAFETY: by contract; the size is checked.
    (data.len() >= size_of::<T>()).then(|| unsafe { data.as_ptr().cast::<T>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha_256_is_that_of_fips_180() {
        let of = |text: &str| super::sha256(text.as_bytes()).unwrap();
        assert_eq!(of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
