//! Access units of H.264 in Annex B's byte stream: one picture each, all by the same sequence parameter set.

use super::bits::Bits;
use super::h264::{self, Sequence};
use crate::av::VideoFacts;

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    B,
    Other,
}

const SLICE: u8 = 1;
const KEY_SLICE: u8 = 5;
const ENHANCEMENT: u8 = 6;
const SEQUENCE: u8 = 7;
const PICTURE: u8 = 8;
const DELIMITER: u8 = 9;
const FILLER: u8 = 12;

#[derive(Default)]
pub struct AccessUnits {
    sequence: Option<(Vec<u8>, Sequence)>,
    /// Ids of the picture parameter sets.
    pictures: Vec<u32>,
    has_begun: bool,
}

/// What was met of one access unit.
#[derive(Default)]
struct Met {
    delimiter: bool,
    slice: Option<(u8, u32, Kind)>,
}

impl AccessUnits {
    pub fn facts(&self) -> Option<VideoFacts> {
        self.sequence.as_ref().filter(|_| self.has_begun).map(|(_, sequence)| sequence.facts)
    }

    pub fn delay_frames(&self) -> Option<i32> {
        self.sequence.as_ref().map(|(_, sequence)| sequence.facts.delay_frames)
    }

    /// Takes one access unit, with a delimiter as its first unit. None where FFmpeg's parser (h264_find_frame_end of
    /// libavcodec/h264_parser.c) would see none or several in it, or where a decoder could learn something from it.
    pub fn take(&mut self, data: &[u8]) -> Option<Kind> {
        let mut met = Met::default();
        let begins = data.starts_with(&[0, 0, 1]) || data.starts_with(&[0, 0, 0, 1]);
        let mut begin = next_unit(data, 0).filter(|_| begins)?;
        while begin < data.len() {
            let next = next_unit(data, begin);
            let end = next.map_or(data.len(), |next| next - 3);
            self.unit(&data[begin..end], &mut met)?;
            begin = next.unwrap_or(data.len());
        }
        let (_, _, kind) = met.slice?;
        self.has_begun = true;
        Some(kind)
    }

    fn unit(&mut self, unit: &[u8], met: &mut Met) -> Option<()> {
        let trailing = unit.iter().rev().take_while(|byte| **byte == 0).count();
        let (&header, payload) = unit[..unit.len() - trailing].split_first()?;
        let kind = header & 0x1f;
        match kind {
            SLICE | KEY_SLICE => self.slice(kind, payload, met)?,
            FILLER if met.slice.is_some() => {}
            _ if met.slice.is_some() => return None,
            DELIMITER if !met.delimiter => met.delimiter = true,
            SEQUENCE if met.delimiter => self.sequence(payload)?,
            PICTURE if met.delimiter => self.pictures.push(h264::equal_fields(payload, self.sequence.as_ref()?.1.id)?),
            ENHANCEMENT if met.delimiter => is_without_facts(payload)?,
            _ => return None,
        }
        met.delimiter.then_some(())
    }

    /// The same sequence as before, or the first.
    fn sequence(&mut self, payload: &[u8]) -> Option<()> {
        if let Some((first, _)) = &self.sequence {
            return (first == payload).then_some(());
        }
        // Without ticks the parser leaves the frame rate to the decoder.
        let sequence = h264::sequence(payload).filter(|sequence| sequence.facts.ticks.is_some())?;
        self.sequence = Some((payload.to_vec(), sequence));
        Some(())
    }

    /// The first slice of a picture, or one that continues it. The first picture of all is a key picture, which decodes by itself.
    fn slice(&self, kind: u8, payload: &[u8], met: &mut Met) -> Option<()> {
        const MOST_HEADER_BYTES: usize = 16;
        let mut bits = Bits::of_nal(&payload[..payload.len().min(MOST_HEADER_BYTES)]);
        let (first_block, of, parameters) = (bits.unsigned()?, bits.unsigned()? % 5, bits.unsigned()?);
        let continues = match met.slice {
            None => first_block == 0,
            Some((last_kind, last_block, _)) => last_kind == kind && last_block < first_block,
        };
        let is_key = kind == KEY_SLICE && of == 2;
        if !continues || !self.pictures.contains(&parameters) || !(is_key || self.has_begun && kind == SLICE) {
            return None;
        }
        let kind_of_picture = match met.slice {
            Some((.., first)) => first,
            None if of == 1 => Kind::B,
            None => Kind::Other,
        };
        met.slice = Some((kind, first_block, kind_of_picture));
        Some(())
    }
}

/// Whether supplemental enhancement information (7.3.2.3) is of kinds that say nothing of the pictures: timing, the encoder's own words,
/// recovery points. Captions, for one, show in a description of the stream.
fn is_without_facts(payload: &[u8]) -> Option<()> {
    let mut bits = Bits::of_nal(payload);
    while bits.left() > 8 {
        let mut number = || {
            let mut sum = 0;
            loop {
                let byte = bits.bits(8)?;
                sum += byte;
                if byte != 255 {
                    return Some(sum);
                }
            }
        };
        let (kind, size) = (number()?, number()?);
        if !matches!(kind, 1 | 5 | 6) {
            return None;
        }
        bits.skip((size as usize).saturating_mul(8))?;
    }
    Some(())
}

/// Where the unit after the next start code at or behind `from` begins.
fn next_unit(data: &[u8], from: usize) -> Option<usize> {
    const BLOCK: usize = 32;
    let mut at = from;
    while at + 2 < data.len() {
        if let Some(block) = data.get(at..at + BLOCK + 1)
            && !has_two_zeros(block)
        {
            at += BLOCK;
            continue;
        }
        let end = (at + BLOCK).min(data.len() - 2);
        if let Some(found) = (at..end).find(|i| data[*i] == 0 && data[i + 1] == 0 && data[i + 2] == 1) {
            return Some(found + 3);
        }
        at = end;
    }
    None
}

/// Whether two zeros follow one another: without branches, so that many bytes are looked at together.
fn has_two_zeros(block: &[u8]) -> bool {
    block.iter().zip(&block[1..]).fold(false, |found, (one, two)| found | (one | two == 0))
}
