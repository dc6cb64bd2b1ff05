//! Where access units begin in the PES packets of one stream, as FFmpeg's parsers see it (h264_find_frame_end of libavcodec/h264_parser.c,
//! hevc_find_frame_end of libavcodec/hevc_parser.c).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    H264,
    Hevc,
}

/// A PES packet is not one access unit, or might not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotWhole;

/// What a NAL unit is for the access unit that it is in.
enum Role {
    /// Before a picture; behind one it begins the next access unit.
    Begins,
    /// A slice that is the first of its picture, or not.
    Slice {
        is_first: bool,
    },
    /// Anywhere but at the beginning.
    Inside,
    Unknown,
}

/// Watches the payload of the PES packets of one stream.
pub struct Units {
    syntax: Syntax,
    /// Zeros that the bytes so far end in.
    zeros: u32,
    /// The first bytes of a NAL unit, until it is known what it is.
    head: Vec<u8>,
    is_in_head: bool,
    has_begun: bool,
    has_picture: bool,
    /// Of the last slice.
    block: u64,
}

/// As many as h264_find_frame_end collects of a slice, and the byte before them.
const MOST_HEAD_BYTES: usize = 7;

impl Units {
    pub fn new(syntax: Syntax) -> Units {
        let head = Vec::with_capacity(MOST_HEAD_BYTES);
        Units { syntax, zeros: 0, head, is_in_head: false, has_begun: false, has_picture: true, block: 0 }
    }

    /// A PES packet begins, with this payload in its first transport packet: an access unit has to begin there, and where the parser says.
    pub fn begin(&mut self, payload: &[u8]) -> Result<(), NotWhole> {
        let is_short = payload.starts_with(&[0, 0, 1]);
        let joins_zeros = is_short && self.zeros > 0 && self.syntax == Syntax::H264; // the last one becomes part of the start code
        if !self.has_picture || self.is_in_head || joins_zeros || !(is_short || payload.starts_with(&[0, 0, 0, 1])) {
            return Err(NotWhole);
        }
        (self.zeros, self.has_begun, self.has_picture) = (0, false, false);
        self.go_on(payload)?;
        if self.has_begun { Ok(()) } else { Err(NotWhole) }
    }

    /// The payload goes on.
    pub fn go_on(&mut self, payload: &[u8]) -> Result<(), NotWhole> {
        let mut rest = payload;
        while let Some((&byte, behind)) = rest.split_first() {
            if self.is_in_head {
                self.head.push(byte);
                if let Some(role) = self.role() {
                    self.enter(role)?;
                    self.is_in_head = false;
                    self.zeros = u32::from(byte == 0 && self.syntax == Syntax::Hevc);
                }
                rest = behind;
                continue;
            }
            if self.zeros == 0 && byte != 0 {
                rest = skip_to_zero(behind);
                continue;
            }
            self.is_in_head = byte == 1 && self.zeros >= 2;
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
            if self.is_in_head {
                self.head.clear();
            }
            rest = behind;
        }
        Ok(())
    }

    fn enter(&mut self, role: Role) -> Result<(), NotWhole> {
        match role {
            Role::Begins if !self.has_picture => {}
            Role::Slice { is_first: true } if !self.has_picture => self.has_picture = true,
            Role::Slice { is_first: false } if self.has_picture => {}
            Role::Inside if self.has_begun => {}
            _ => return Err(NotWhole),
        }
        self.has_begun = true;
        Ok(())
    }

    /// None where more bytes are needed.
    fn role(&mut self) -> Option<Role> {
        match self.syntax {
            Syntax::H264 => self.role_in_h264(),
            Syntax::Hevc => role_in_hevc(&self.head),
        }
    }

    fn role_in_h264(&mut self) -> Option<Role> {
        let (&header, payload) = self.head.split_first()?;
        Some(match header & 0x9f {
            6..=9 => Role::Begins,
            1 | 5 => {
                let block = first_block(payload)?;
                let is_first = if self.has_picture { block <= self.block } else { self.has_begun || block == 0 };
                self.block = block;
                Role::Slice { is_first }
            }
            12 => Role::Inside,
            _ => Role::Unknown,
        })
    }
}

fn role_in_hevc(head: &[u8]) -> Option<Role> {
    let &[first, second, payload, ..] = head else { return None };
    let is_base = first & 0x81 == 0 && second >> 3 == 0;
    Some(match first >> 1 {
        _ if !is_base => Role::Unknown,
        0..=9 | 16..=21 => Role::Slice { is_first: payload & 0x80 != 0 },
        32..=35 | 39 => Role::Begins,
        38 | 40 => Role::Inside,
        _ => Role::Unknown,
    })
}

/// first_mb_in_slice: an Exp-Golomb code (ITU-T H.264, 9.1), of the bytes as they are.
fn first_block(payload: &[u8]) -> Option<u64> {
    let bits = payload.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    let count = payload.len() as u32 * 8;
    let zeros = (bits << (64 - count.max(1))).leading_zeros();
    let needed = 2 * zeros + 1;
    if needed < count {
        return Some((bits >> (count - needed)) - 1);
    }
    (payload.len() + 1 >= MOST_HEAD_BYTES).then_some(u64::MAX) // no slice begins so far behind
}

/// What is left from the first zero on, looked for without a branch a byte.
fn skip_to_zero(bytes: &[u8]) -> &[u8] {
    const BLOCK: usize = 32;
    let mut at = 0;
    while let Some(block) = bytes.get(at..at + BLOCK)
        && block.iter().fold(true, |all, byte| all & (*byte != 0))
    {
        at += BLOCK;
    }
    let rest = &bytes[at..];
    &rest[rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len())..]
}
