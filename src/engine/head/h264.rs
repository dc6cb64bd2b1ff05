//! What a picture of an H.264 stream is, by its parameter sets (ITU-T H.264, 7.3.2 and annex E) in an avcC (ISO/IEC 14496-15, 5.3.3).
//! None where a decoder would have to look at the pictures themselves.

use super::bits::Bits;
use crate::av::{Rational, VideoFacts};

/// Profiles whose parameter sets say more of the samples' format (7.3.2.1.1).
const HIGH_PROFILES: [u32; 11] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 144];

/// Table E-1; the first says that it is not known.
const ASPECT_RATIOS: [(i32, i32); 17] = [
    (0, 1),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// A sequence parameter set, of progressive pictures with 8 bits and 4:2:0.
pub struct Sequence {
    pub facts: VideoFacts,
    pub id: u32,
}

/// The facts of the one sequence that an avcC holds.
pub fn facts(avcc: &[u8]) -> Option<VideoFacts> {
    let (&[1, _, _, _, _, counts], mut rest) = avcc.split_first_chunk::<6>()? else { return None };
    if counts & 0x1f != 1 {
        return None;
    }
    let sequence = sequence(take_unit(&mut rest, 7)?)?;
    let (&pictures, mut rest) = rest.split_first()?;
    for _ in 0..pictures {
        equal_fields(take_unit(&mut rest, 8)?, sequence.id)?;
    }
    (pictures > 0).then_some(sequence.facts)
}

/// A NAL unit of a kind with its 16 bits of size before it.
fn take_unit<'a>(rest: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let (size, after) = rest.split_first_chunk::<2>()?;
    let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
    *rest = after;
    let (header, payload) = unit.split_first()?;
    (header & 0x1f == kind).then_some(payload)
}

/// The id of a picture parameter set whose pictures have no fields with order counts of their own: then each is a frame to FFmpeg's
/// parser (h264_parser.c).
pub fn equal_fields(payload: &[u8], sequence: u32) -> Option<u32> {
    let mut bits = Bits::of_nal(payload);
    let id = bits.unsigned()?;
    let of = bits.unsigned()?;
    bits.bit()?;
    let tells_bottom_field = bits.bit()?;
    (of == sequence && !tells_bottom_field).then_some(id)
}

/// Source: ff_h264_decode_seq_parameter_set, and h264_init_ps for what the decoder makes of it.
pub fn sequence(payload: &[u8]) -> Option<Sequence> {
    let mut bits = Bits::of_nal(payload);
    let profile = bits.bits(8)?;
    let constraints = bits.bits(8)?;
    let level = bits.bits(8)?;
    let id = bits.unsigned()?;
    if HIGH_PROFILES.contains(&profile) {
        let is_plain = bits.unsigned()? == 1 && bits.unsigned()? == 0 && bits.unsigned()? == 0;
        let (_lossless, has_matrices) = (bits.bit()?, bits.bit()?);
        if !is_plain || has_matrices {
            return None;
        }
    }
    bits.unsigned().filter(|bits| *bits <= 12)?; // log2_max_frame_num_minus4
    match bits.unsigned()? {
        0 => drop(bits.unsigned().filter(|bits| *bits <= 12)?),
        2 => {}
        _ => return None, // a cycle of order counts, with its own of the fields
    }
    bits.unsigned().filter(|frames| *frames <= 16)?;
    bits.bit()?;
    let (width, height) = dimensions(&mut bits)?;
    let is_constrained = profile == 66 && constraints & 0x40 != 0;
    let intra_only = matches!(profile, 110 | 122 | 244) && constraints & 0x10 != 0;
    let profile = profile | if is_constrained { 1 << 9 } else { 0 } | if intra_only { 1 << 11 } else { 0 };
    let mut facts = VideoFacts { width, height, profile: profile as i32, level: level as i32, ..VideoFacts::default() };
    if !bits.bit()? {
        return None; // without a VUI the delay is found by decoding
    }
    usability(&mut bits, &mut facts)?;
    Some(Sequence { facts, id })
}

fn dimensions(bits: &mut Bits) -> Option<(i32, i32)> {
    let width = bits.unsigned().filter(|blocks| *blocks < 4096)? as i32 * 16 + 16;
    let height = bits.unsigned().filter(|blocks| *blocks < 4096)? as i32 * 16 + 16;
    let has_frames_only = bits.bit()?;
    bits.bit()?;
    if !has_frames_only {
        return None;
    }
    if !bits.bit()? {
        return Some((width, height));
    }
    let mut cut = || Some(bits.unsigned().filter(|cut| *cut < 65_536)? as i32 * 2);
    let (left, right, top, bottom) = (cut()?, cut()?, cut()?, cut()?);
    (left == 0 && top == 0 && right < width && bottom < height).then_some((width - right, height - bottom))
}

/// The VUI (decode_vui_parameters of libavcodec/h264_ps.c).
fn usability(bits: &mut Bits, facts: &mut VideoFacts) -> Option<()> {
    if bits.bit()? {
        let ratio = match bits.bits(8)? {
            255 => (bits.bits(16)? as i32, bits.bits(16)? as i32),
            index => *ASPECT_RATIOS.get(index as usize)?,
        };
        if ratio.0 > 0 && ratio.1 > 0 {
            facts.sample_aspect_ratio = Rational::new(ratio.0, ratio.1);
        }
    }
    if bits.bit()? {
        bits.bit()?;
    }
    if bits.bit()? {
        bits.bits(3)?;
        if bits.bit()? {
            return None; // full range: another pixel format
        }
        facts.has_limited_range = true;
        if bits.bit()? {
            facts.colors = Some([bits.bits(8)? as i32, bits.bits(8)? as i32, bits.bits(8)? as i32]);
        }
    }
    facts.chroma_location = 1;
    if bits.bit()? {
        facts.chroma_location = bits.unsigned().filter(|kind| *kind <= 5)? as i32 + 1;
        bits.unsigned()?;
    }
    if bits.bit()? {
        let (tick, scale) = (bits.bits(32)?, bits.bits(32)?);
        bits.bit()?;
        facts.ticks = Some((scale, tick)).filter(|(scale, tick)| *scale > 0 && *tick > 0);
    }
    let has_decoder_model = bits.bit()? | bits.bit()?;
    let tells_structure = bits.bit()?;
    if has_decoder_model || tells_structure || bits.left() == 0 || !bits.bit()? {
        return None;
    }
    bits.bit()?;
    for _ in 0..4 {
        bits.unsigned()?;
    }
    facts.delay_frames = bits.unsigned().filter(|frames| *frames <= 16)? as i32;
    bits.unsigned().map(drop)
}
