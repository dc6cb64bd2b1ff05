//! Reading a parameter set bit by bit. Past the end there are no values.

/// Bits of a NAL unit without its emulation prevention bytes (ITU-T H.264, 7.4.1).
pub struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    /// `payload` is what follows the NAL unit's header.
    pub fn of_nal(payload: &[u8]) -> Bits {
        let mut bytes = Vec::with_capacity(payload.len());
        let mut zeros = 0;
        for &byte in payload {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Bits { bytes, at: 0 }
    }

    pub fn plain(bytes: &[u8]) -> Bits {
        Bits { bytes: bytes.to_vec(), at: 0 }
    }

    pub fn left(&self) -> usize {
        self.bytes.len() * 8 - self.at
    }

    pub fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// None where there are not so many.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len() * 8)?;
        Some(())
    }

    /// Up to 32 bits, the highest first.
    pub fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// ue(v): an Exp-Golomb code (9.1).
    pub fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.bits(zeros)?)
    }
}
