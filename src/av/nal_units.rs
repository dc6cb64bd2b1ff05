//! NAL units behind start codes, as FFmpeg's muxers cut them (avc_find_startcode_internal, ff_avc_find_startcode and ff_avc_parse_nal_units of
//! libavformat/avc.c), and with their lengths before them instead.

use memchr::memmem::Finder;
use std::ops::Range;
use std::sync::LazyLock;

/// Of each length.
const LENGTH_BYTES: usize = 4;

static START_CODE: LazyLock<Finder> = LazyLock::new(|| Finder::new(&[0, 0, 1]));

/// Whether bytes begin with a start code.
pub fn have_start_codes(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 0, 0, 1]) || bytes.starts_with(&[0, 0, 1])
}

/// Where the first start code of three bytes begins.
pub fn find_start_code(bytes: &[u8]) -> Option<usize> {
    START_CODE.find(bytes)
}

/// Where the next start code begins, with one zero more where there is one; the end without. The last three bytes are none to FFmpeg.
fn next_start_code(bytes: &[u8], from: usize) -> usize {
    let all = bytes.len().saturating_sub(1);
    match bytes.get(from..all).and_then(find_start_code) {
        Some(found) if found > 0 && bytes[from + found - 1] == 0 => from + found - 1,
        Some(found) => from + found,
        None => bytes.len(),
    }
}

/// The NAL units of a packet. What is before the first start code belongs to none.
#[derive(Default)]
pub struct NalUnits {
    units: Vec<Range<usize>>,
}

impl NalUnits {
    /// Finds those of `bytes`; the memory of those before is used again.
    pub fn find(&mut self, bytes: &[u8]) {
        self.units.clear();
        let mut at = next_start_code(bytes, 0);
        while let Some(one) = bytes[at..].iter().position(|byte| *byte != 0).map(|zeros| at + zeros) {
            let begin = one + 1;
            if begin == bytes.len() {
                return;
            }
            at = next_start_code(bytes, begin);
            self.units.push(begin..at);
        }
    }

    /// Bytes of them with their lengths.
    pub fn size(&self) -> usize {
        self.units.iter().map(|unit| LENGTH_BYTES + unit.len()).sum()
    }

    /// Whether each start code has four bytes, and nothing else is between the units: lengths take their places.
    pub fn fit_in_place(&self, bytes: &[u8]) -> bool {
        let mut at = 0;
        let is_next = |unit: &Range<usize>| unit.start == std::mem::replace(&mut at, unit.end) + LENGTH_BYTES;
        self.units.iter().all(is_next) && at == bytes.len()
    }

    pub fn write_lengths(&self, bytes: &mut [u8]) {
        for unit in &self.units {
            bytes[unit.start - LENGTH_BYTES..unit.start].copy_from_slice(&length(unit));
        }
    }

    /// Copies them from `bytes` to `target`, which has [`NalUnits::size`] bytes.
    pub fn copy(&self, bytes: &[u8], target: &mut [u8]) {
        let mut rest = target;
        for unit in &self.units {
            let (own, behind) = rest.split_at_mut(LENGTH_BYTES + unit.len());
            own[..LENGTH_BYTES].copy_from_slice(&length(unit));
            own[LENGTH_BYTES..].copy_from_slice(&bytes[unit.clone()]);
            rest = behind;
        }
    }
}

fn length(unit: &Range<usize>) -> [u8; LENGTH_BYTES] {
    (unit.len() as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(bytes: &[u8]) -> Vec<&[u8]> {
        let mut found = NalUnits::default();
        found.find(bytes);
        found.units.iter().map(|unit| &bytes[unit.clone()]).collect()
    }

    #[test]
    fn units_are_cut_where_ffmpeg_cuts_them() {
        let none: [&[u8]; 0] = [];
        assert_eq!(units(&[0, 0, 0, 1, 9, 16, 0, 0, 1, 5, 7]), [&[9, 16], &[5, 7]]);
        assert_eq!(units(&[0, 0, 1, 9, 0, 0, 0, 0, 1, 5, 7]), [&[9, 0], &[5, 7]], "one zero is of the start code");
        assert_eq!(units(&[3, 3, 0, 0, 1, 9, 0, 0]), [&[9, 0, 0]], "what is before is of none, and zeros behind stay");
        assert_eq!(units(&[0, 0, 1, 0, 0, 1, 9]), [&[][..], &[9]], "a unit without bytes is one");
        assert_eq!(units(&[0, 0, 1, 9, 4, 0, 0, 1]), [&[9, 4, 0, 0, 1]], "no start code at the very end");
        assert_eq!(units(&[0, 0, 0, 1]), none);
        assert_eq!(units(&[1, 2, 3, 4, 5]), none);
        assert_eq!(units(&[0, 0, 1]), none);
        assert_eq!(units(&[]), none);
    }

    #[test]
    fn lengths_stand_in_place_of_start_codes() {
        let mut found = NalUnits::default();
        let mut bytes = vec![0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 5, 7, 8];
        found.find(&bytes);
        assert!(found.fit_in_place(&bytes));
        let mut copied = vec![0xff; found.size()];
        found.copy(&bytes, &mut copied);
        found.write_lengths(&mut bytes);
        assert_eq!(bytes, [0, 0, 0, 2, 9, 16, 0, 0, 0, 3, 5, 7, 8]);
        assert_eq!(copied, bytes);
        for other in [&[0, 0, 1, 9, 16, 0, 0, 0, 1, 5][..], &[0, 0, 0, 1, 9, 16, 0, 0, 1, 5], &[7, 0, 0, 0, 1, 9], &[1]]
        {
            found.find(other);
            assert!(!found.fit_in_place(other), "{other:?}");
        }
    }
}
