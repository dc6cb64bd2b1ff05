//! Whether the PES packets of an MPEG-TS (ISO/IEC 13818-1, 2.4.3) hold one access unit each.

use super::units::{NotWhole, Syntax, Units};

const PACKET_BYTES: usize = 188;
const SYNC: u8 = 0x47;

/// A stream that is watched.
pub struct Place {
    pub pid: u16,
    pub syntax: Syntax,
    /// The demuxer cuts a PES packet in pieces of so many bytes.
    pub most_bytes: usize,
}

struct Watched {
    place: Place,
    units: Units,
    /// Payload of the current PES packet.
    bytes: usize,
    has_begun: bool,
}

/// Takes all bytes in order, before the demuxer does.
pub struct Transport {
    streams: Vec<Watched>,
    /// The beginning of a packet.
    part: Vec<u8>,
}

impl Transport {
    pub fn new(places: Vec<Place>) -> Transport {
        let watched = |place: Place| Watched { units: Units::new(place.syntax), place, bytes: 0, has_begun: false };
        Transport { streams: places.into_iter().map(watched).collect(), part: Vec::new() }
    }

    /// The pids of streams that this ends the watch of: what the demuxer gives of them next, or a later packet, is not one access unit.
    pub fn take(&mut self, mut bytes: &[u8]) -> Vec<u16> {
        let mut lost = Vec::new();
        while !bytes.is_empty() && !self.streams.is_empty() {
            if self.part.is_empty() && bytes.len() >= PACKET_BYTES {
                let (packet, rest) = bytes.split_at(PACKET_BYTES);
                bytes = rest;
                self.packet(packet, &mut lost);
                continue;
            }
            let (first, rest) = bytes.split_at(bytes.len().min(PACKET_BYTES - self.part.len()));
            bytes = rest;
            self.part.extend_from_slice(first);
            if self.part.len() == PACKET_BYTES {
                let packet = std::mem::take(&mut self.part);
                self.packet(&packet, &mut lost);
                self.part = packet;
                self.part.clear();
            }
        }
        lost
    }

    pub fn is_watching(&self) -> bool {
        !self.streams.is_empty()
    }

    fn packet(&mut self, packet: &[u8], lost: &mut Vec<u16>) {
        if packet[0] != SYNC {
            // The demuxer looks for the next packet in its own way.
            lost.extend(self.streams.drain(..).map(|stream| stream.place.pid));
            return;
        }
        let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff;
        let Some(index) = self.streams.iter().position(|stream| stream.place.pid == pid) else { return };
        if self.streams[index].packet(packet).is_err() {
            self.streams.swap_remove(index);
            lost.push(pid);
        }
    }
}

impl Watched {
    fn packet(&mut self, packet: &[u8]) -> Result<(), NotWhole> {
        let (has_adaptation, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let begin = if has_adaptation { 5 + usize::from(packet[4]) } else { 4 };
        let Some(payload) = packet.get(begin..).filter(|payload| has_payload && !payload.is_empty()) else {
            return Ok(());
        };
        if packet[1] & 0x40 != 0 {
            let payload = behind_header(payload)?;
            (self.bytes, self.has_begun) = (payload.len(), true);
            return self.units.begin(payload);
        }
        if !self.has_begun {
            return Ok(()); // of a PES packet that the demuxer skips
        }
        self.bytes += payload.len();
        if self.bytes > self.place.most_bytes {
            return Err(NotWhole);
        }
        self.units.go_on(payload)
    }
}

/// What follows the header of a PES packet of video, without a length and with a time.
fn behind_header(payload: &[u8]) -> Result<&[u8], NotWhole> {
    match payload {
        [0, 0, 1, 0xe0..=0xef, 0, 0, 0x80..=0xbf, times, size, rest @ ..] if times & 0x80 != 0 => {
            rest.get(usize::from(*size)..).ok_or(NotWhole)
        }
        _ => Err(NotWhole),
    }
}
