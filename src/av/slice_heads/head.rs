//! Where the head of a packet ends: what parse_nal_units looks at until it is through with the first slice.

use crate::av::nal_units::find_start_code;
use std::ops::Range;

/// Of NAL units that say how long they are. FFmpeg's muxers and nearly all others write four bytes; parsers of other lengths are left alone.
pub(super) const LENGTH_BYTES: usize = 4;

/// What of a slice is shown. The parser reads 1000 bytes, and where the header of a damaged slice takes it beyond the end of that, unchecked, not 700 from
/// the slice's beginning: 2 * 33 numbers of 63 bits that reorder pictures, and some before them.
pub(super) const LONGEST_HEADER_BYTES: usize = 2048;

/// Where a slice begins too far behind for this, its packet is shown whole.
pub(super) const HEAD_BYTES: usize = 2 * LONGEST_HEADER_BYTES;

/// Smaller packets are not worth it.
pub(super) const LEAST_PACKET_BYTES: usize = 2 * HEAD_BYTES;

/// How NAL units lie in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Each behind its length in four bytes.
    Prefixed,
    /// Each behind a start code (Annex B).
    ByteStream,
}

/// What is found in a packet, read in one form.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The first NAL unit that is a slice.
    Slice(Range<usize>),
    Nothing,
    /// Start codes among lengths, which the parser would follow, too; or it is too far behind.
    Unclear,
}

impl Form {
    /// Where a parser can find a slice in this form, and in no other that it knows.
    pub fn of(packet: &[u8]) -> Option<Form> {
        let others = || (1..LENGTH_BYTES).all(|bytes| first_slice(packet, bytes, packet.len()) == Found::Nothing);
        match first_slice(packet, LENGTH_BYTES, packet.len()) {
            Found::Slice(_) => (others() && slice_behind_code(packet).is_none()).then_some(Form::Prefixed),
            Found::Nothing if packet.starts_with(&[0, 0, 0, 1]) => {
                (others() && slice_behind_code(early(packet)).is_some()).then_some(Form::ByteStream)
            }
            _ => None,
        }
    }
}

/// nal_unit_type 1 or 5. The parser takes partitions (2 to 4) for no slice.
fn is_slice(header: u8) -> bool {
    matches!(header & 0x1f, 1 | 5)
}

/// As parse_nal_units and get_nalsize (libavcodec/h2645_parse.h) go through a packet. What comes before the slice has to end at `most`.
fn first_slice(packet: &[u8], length_bytes: usize, most: usize) -> Found {
    let mut rest = packet;
    loop {
        let at = packet.len() - rest.len() + length_bytes;
        let Some((length, behind)) = rest.split_at_checked(length_bytes) else { return Found::Nothing };
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some((unit, next)) = behind.split_at_checked(length) else { return Found::Nothing };
        match unit.first() {
            None => return Found::Nothing,
            Some(header) if is_slice(*header) => return Found::Slice(at..at + length),
            _ if at + length > most || next_code(unit).is_some() => return Found::Unclear,
            _ => rest = next,
        }
    }
}

/// The place behind the first start code.
fn next_code(bytes: &[u8]) -> Option<usize> {
    find_start_code(bytes).map(|at| at + 3)
}

/// The place of the first slice behind a start code.
fn slice_behind_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += next_code(bytes.get(at..)?)?;
        if is_slice(*bytes.get(at)?) {
            return Some(at);
        }
    }
}

/// Where a slice has to begin.
fn early(packet: &[u8]) -> &[u8] {
    packet.get(..HEAD_BYTES - LONGEST_HEADER_BYTES - LENGTH_BYTES).unwrap_or(packet)
}

pub fn is_worth_it(packet: &[u8]) -> bool {
    packet.len() >= LEAST_PACKET_BYTES
}

/// Copies the head of a packet with lengths, and says how long it is. None where no slice begins early, or there is no room.
pub fn copy_prefixed(packet: &[u8], room: &mut [u8]) -> Option<usize> {
    let Found::Slice(slice) = first_slice(packet, LENGTH_BYTES, early(packet).len()) else { return None };
    let end = slice.start + LONGEST_HEADER_BYTES;
    room.get_mut(..end)?.copy_from_slice(packet.get(..end)?);
    if slice.end > end {
        let length = (LONGEST_HEADER_BYTES as u32).to_be_bytes();
        room.get_mut(slice.start - LENGTH_BYTES..slice.start)?.copy_from_slice(&length);
    }
    Some(end)
}

/// The head of a packet with start codes. None where no slice begins early.
pub fn of_byte_stream(packet: &[u8]) -> Option<&[u8]> {
    packet.get(..slice_behind_code(early(packet))? + LONGEST_HEADER_BYTES)
}
