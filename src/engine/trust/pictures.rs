//! What pictures say of their size, before anything decodes them.

fn be16(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?)))
}

fn le16(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?)))
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

fn le32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// Width and height of a PNG, JPEG, BMP or GIF; None of anything else.
pub fn picture_size(data: &[u8]) -> Option<(u32, u32)> {
    match data {
        [0x89, b'P', b'N', b'G', ..] => Some((be32(data, 16)?, be32(data, 20)?)),
        [b'G', b'I', b'F', b'8', ..] => Some((le16(data, 6)?, le16(data, 8)?)),
        // A negative height is one from top to bottom.
        [b'B', b'M', ..] => Some((le32(data, 18)?, (le32(data, 22)? as i32).unsigned_abs())),
        [0xff, 0xd8, ..] => jpeg_size(data),
        _ => None,
    }
}

/// Of the first frame header (SOF0 to SOF15, without the tables that are numbered among them).
fn jpeg_size(data: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = *data.get(at + 1)?;
        match (data.get(at)?, marker) {
            (0xff, 0xff) => at += 1,
            (0xff, 0xc0..=0xcf) if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                return Some((be16(data, at + 7)?, be16(data, at + 5)?));
            }
            (0xff, 0xda | 0xd9) => return None,
            (0xff, _) => at += 2 + be16(data, at + 2)? as usize,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stand_where_each_format_has_them() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x9c\x40\0\0\0\x10";
        assert_eq!(picture_size(png), Some((40_000, 16)));
        assert_eq!(picture_size(b"GIF89a\x02\x01\x03\x00"), Some((258, 3)));
        let bmp = b"BM..............\0\0\x05\0\0\0\xff\xff\xff\xff";
        assert_eq!(picture_size(bmp), Some((5, 1)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x02\xff\xc2\0\x0b\x08\x01\x00\x02\x00";
        assert_eq!(picture_size(jpeg), Some((512, 256)));
        for cut in [&png[..18], &jpeg[..14], b"", b"RIFF"] {
            assert_eq!(picture_size(cut), None);
        }
    }
}
