//! What a demuxer had kept of a stream to go back in it (aviobuf.c: ffio_ensure_seekback).

use super::ffi;
use std::ptr;

/// FFmpeg reads this much at once, and hosts' streams give it.
const USUAL_BYTES: usize = 64 << 10;

/// MPEG-TS goes back after its header, and keeps room for all that may be looked at, 5 MB: it would be filled with media before it is given up.
/// Nobody goes back any more once the header is read, so only what is not read yet stays.
///
/// # Safety
/// `pb` is NULL or a valid reader whose demuxer has read its header.
pub unsafe fn release(pb: *mut ffi::AVIOContext) {
    // SAFETY: as said above.
    let Some(pb) = (unsafe { pb.as_mut() }) else { return };
    let is_plain = pb.write_flag == 0 && pb.update_checksum.is_none() && pb.error == 0;
    // SAFETY: both point into the reader's buffer.
    let unread = usize::try_from(unsafe { pb.buf_end.offset_from(pb.buf_ptr) }).unwrap_or(usize::MAX);
    let size = unread.max(USUAL_BYTES).max(usize::try_from(pb.max_packet_size).unwrap_or(0));
    let is_large = usize::try_from(pb.buffer_size).is_ok_and(|now| now > 2 * size);
    if !is_plain || pb.seekable != 0 || !is_large {
        return;
    }
    // SAFETY: `unread` bytes are there, and room for them; the old buffer is the reader's own, of av_malloc, as any that it replaces.
    unsafe {
        let buffer = ffi::av_malloc(size).cast::<u8>();
        if buffer.is_null() {
            return;
        }
        ptr::copy_nonoverlapping(pb.buf_ptr, buffer, unread);
        ffi::av_free(pb.buffer.cast());
        (pb.buffer, pb.buffer_size) = (buffer, size as i32);
        (pb.buf_ptr, pb.buf_end) = (buffer, buffer.add(unread));
        (pb.buf_ptr_max, pb.checksum_ptr) = (buffer, buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::{ByteStream, Demuxer, Dict, Input, Interrupt, Io, Opening, StreamError};

    /// So many packets of an MPEG-TS, numbered behind the tables (ISO/IEC 13818-1, 2.4.4) of a program with one stream.
    struct Packets(u32, u32);

    const PROGRAMS: &[u8] = &[0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0];
    const STREAMS: &[u8] = &[2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, 3, 0xe1, 1, 0xf0, 0];

    fn checksum(section: &[u8]) -> u32 {
        let bit = |crc: u32| if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 };
        section.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| bit(crc)))
    }

    fn packet(number: u32) -> [u8; 188] {
        let mut packet = [0xff; 188];
        let (pid, section): (u16, &[u8]) = match number {
            0 => (0, PROGRAMS),
            1 => (0x100, STREAMS),
            _ => (0x1fff, &[]),
        };
        let [high, low] = pid.to_be_bytes();
        packet[..4].copy_from_slice(&[0x47, high | 0x40, low, 0x10]);
        if section.is_empty() {
            packet[4..8].copy_from_slice(&number.to_be_bytes());
        } else {
            let end = 5 + section.len();
            packet[4] = 0;
            packet[5..end].copy_from_slice(section);
            packet[end..end + 4].copy_from_slice(&checksum(section).to_be_bytes());
        }
        packet
    }

    impl ByteStream for Packets {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
            let mut given = 0;
            for room in buffer.chunks_exact_mut(188).take((self.1 - self.0) as usize) {
                room.copy_from_slice(&packet(self.0));
                (self.0, given) = (self.0 + 1, given + 188);
            }
            Ok(given)
        }
        fn close(&mut self, _: i32) -> Result<(), StreamError> {
            Ok(())
        }
    }

    #[test]
    fn the_room_of_a_header_is_given_back_and_nothing_is_lost() {
        let opening = Opening {
            url: "mt:in",
            format: Demuxer::find("mpegts"),
            probe_score: 0,
            interrupt: Interrupt::new(),
            log_slot: 0,
            is_bitexact: false,
            is_blocking: true,
            gate: None,
            decoders: [None; 3],
            tls: None,
        };
        let io = Io::reader(Box::new(Packets(0, 60_000))).unwrap();
        let mut options = Dict::default();
        let input = Input::open(&opening, Some(io), &mut options).unwrap();
        let pb = input.get().pb;
        // SAFETY: the open input's reader, which is asked only.
        let (size, at) = unsafe { ((*pb).buffer_size as usize, ffi::avio_seek(pb, 0, libc::SEEK_CUR)) };
        assert_eq!((input.stream_count(), size), (1, USUAL_BYTES), "as much as there was before the header");
        let mut read = [0; 188];
        for number in (at / 188) as u32..60_000 {
            // SAFETY: as above, and as much room as is said.
            assert_eq!(unsafe { ffi::avio_read(pb, read.as_mut_ptr(), 188) }, 188, "{number}");
            assert_eq!(read, packet(number), "{number}");
        }
    }
}
