//! Whether every picture of an H.264 stream in an MPEG-TS (ISO/IEC 13818-1) stands alone in its PES packet and has its times.

use super::access_unit::{AccessUnits, Kind};
use crate::av::VideoFacts;

const PACKET_BYTES: usize = 188;

/// What the pictures with PID `place` are; `tables` are the PIDs of program map tables. None where a packet is lost or damaged, where a
/// table changes, where a picture has not its own time: then FFmpeg's demuxer asks the decoder's delay, and only the decoder knows.
pub fn facts(bytes: &[u8], place: i32, tables: &[i32]) -> Option<VideoFacts> {
    let place = u16::try_from(place).ok()?;
    let tables: Vec<u16> =
        tables.iter().map(|pid| u16::try_from(*pid)).chain([Ok(0)]).collect::<Result<_, _>>().ok()?;
    let mut first_tables: Vec<Option<&[u8]>> = vec![None; tables.len()];
    let mut stream = Stream::default();
    let (packets, rest) = bytes.as_chunks::<PACKET_BYTES>();
    for packet in packets {
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        if packet[0] != 0x47 || packet[1] & 0x80 != 0 {
            return None;
        }
        if pid == place {
            stream.take(packet)?;
        } else if let Some(table) = tables.iter().position(|table| *table == pid) {
            let (begins, body) = (packet[1] & 0x40 != 0, &packet[4..]);
            if !begins || *first_tables[table].get_or_insert(body) != body {
                return None;
            }
        }
    }
    stream.end_unit()?;
    rest.is_empty().then(|| stream.units.facts()).flatten()
}

/// How far FFmpeg will look at an MPEG-TS at least, while it comes.
#[derive(Default)]
pub struct Ahead {
    seen_bytes: usize,
    /// By PID.
    first_times: Vec<(u16, u64)>,
}

impl Ahead {
    /// Whether avformat_find_stream_info will read on behind `bytes`, whatever follows: it looks at five seconds of a stream (libavformat/demux.c). So a
    /// slow sender is waited for no longer than otherwise.
    pub fn is_read_on(&mut self, bytes: &[u8]) -> bool {
        while let Some(packet) = bytes.get(self.seen_bytes..).and_then(|rest| rest.first_chunk()) {
            self.seen_bytes += PACKET_BYTES;
            if self.take(packet).is_none() {
                return false;
            }
        }
        true
    }

    fn take(&mut self, packet: &[u8; PACKET_BYTES]) -> Option<()> {
        const MOST_TICKS: u64 = 90_000 * 9 / 2;
        let begins = packet[1] & 0x40 != 0 && packet[3] & 0x10 != 0;
        let at = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
        let head = packet.get(at..).and_then(|payload| payload.first_chunk::<19>());
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let Some(&[0, 0, 1, 0xc0..=0xef, _, _, _, times, _, ref rest @ ..]) = head.filter(|_| begins) else {
            return (packet[0] == 0x47).then_some(());
        };
        let time = match times >> 6 {
            2 => time(&rest[..5]),
            3 => time(&rest[5..]),
            _ => return None,
        };
        let first = match self.first_times.iter().find(|(of, _)| *of == pid) {
            Some((_, first)) => *first,
            None => {
                self.first_times.push((pid, time));
                time
            }
        };
        (packet[0] == 0x47 && time.wrapping_sub(first) < MOST_TICKS).then_some(())
    }
}

/// One elementary stream, PES packet by PES packet.
#[derive(Default)]
struct Stream {
    counter: Option<u8>,
    /// The PES packet so far.
    unit: Vec<u8>,
    last_decoding_time: Option<u64>,
    units: AccessUnits,
}

impl Stream {
    fn take(&mut self, packet: &[u8; PACKET_BYTES]) -> Option<()> {
        let is_scrambled = packet[3] & 0xc0 != 0;
        let (has_adaptation, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let mut at = 4;
        if has_adaptation {
            let size = usize::from(packet[4]);
            at += 1 + size;
            let is_break = size > 0 && packet[5] & 0x80 != 0;
            if is_break || at > PACKET_BYTES {
                return None;
            }
        }
        if is_scrambled {
            return None;
        }
        if !has_payload {
            return Some(());
        }
        let counter = packet[3] & 0xf;
        if self.counter.replace(counter).is_some_and(|last| (last + 1) & 0xf != counter) {
            return None;
        }
        let begins = packet[1] & 0x40 != 0;
        if begins {
            self.end_unit()?;
        }
        let is_of_none = self.unit.is_empty() && !begins;
        self.unit.extend_from_slice(&packet[at..]);
        (!is_of_none).then_some(())
    }

    /// Looks at the PES packet (2.4.3.6) that is complete.
    fn end_unit(&mut self) -> Option<()> {
        if self.unit.is_empty() {
            return Some(());
        }
        let (&[0, 0, 1, 0xe0..=0xef, size_high, size_low, marks, times, header], rest) =
            self.unit.split_first_chunk::<9>()?
        else {
            return None;
        };
        let size = usize::from(u16::from_be_bytes([size_high, size_low]));
        let has_its_size = size == 0 || size + 6 == self.unit.len();
        let (header, data) = rest.split_at_checked(usize::from(header))?;
        let presentation = time(header.get(..5)?);
        let decoding = match times >> 6 {
            2 => presentation,
            3 => time(header.get(5..10)?),
            _ => return None,
        };
        let is_later = self.last_decoding_time.replace(decoding).is_none_or(|last| last < decoding);
        if marks & 0xc0 != 0x80 || !has_its_size || !is_later || presentation < decoding {
            return None;
        }
        let kind = self.units.take(data)?;
        // What compute_pkt_fields of libavformat/demux.c takes for a mistake, and mends by the decoder's delay.
        let is_mended = match self.units.delay_frames()? {
            0 => kind == Kind::B,
            1 => kind != Kind::B && presentation == decoding,
            _ => false,
        };
        self.unit.clear();
        (!is_mended).then_some(())
    }
}

/// 33 bits in five bytes.
fn time(bytes: &[u8]) -> u64 {
    let byte = |at: usize| u64::from(bytes[at]);
    (byte(0) >> 1 & 7) << 30 | byte(1) << 22 | (byte(2) >> 1) << 15 | byte(3) << 7 | byte(4) >> 1
}
