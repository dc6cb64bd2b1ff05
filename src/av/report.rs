//! What a program shows of open files: FFmpeg's own description of them, and the numbers of its line of progress.

use super::{Input, NOPTS, Output, Packet, TIME_BASE, ffi, rescale};

/// What FFmpeg multiplies quantisers with (FF_QP2LAMBDA).
const QUALITY_UNIT: f32 = 118.0;

impl Input {
    /// Writes what is in the file to FFmpeg's log, at level "info". `url` is what is shown of its name.
    pub fn dump(&self, index: usize, url: &str) {
        if let Ok(url) = crate::text::c_string(url) {
            // SAFETY: a valid context, and a terminated string.
            unsafe { ffi::av_dump_format(self.context, index as i32, url.as_ptr(), 0) };
        }
    }
}

impl Input {
    /// Writes a packet that was read to FFmpeg's log, at level "info", with what is in it where that is wanted.
    pub fn dump_packet(&self, packet: &Packet, with_payload: bool) {
        let index = packet.stream_index();
        if index < 0 || index as u32 >= self.get().nb_streams {
            return;
        }
        // SAFETY: a valid packet, and the stream of a valid context that it is of.
        unsafe {
            let stream = *self.get().streams.add(index as usize);
            let level = ffi::AV_LOG_INFO as i32;
            ffi::av_pkt_dump_log2(std::ptr::null_mut(), level, packet.as_ptr(), with_payload.into(), stream);
        }
    }
}

impl Output {
    /// As [`Input::dump`].
    pub fn dump(&self, index: usize, url: &str) {
        if let Ok(url) = crate::text::c_string(url) {
            // SAFETY: a valid context, and a terminated string.
            unsafe { ffi::av_dump_format(self.context, index as i32, url.as_ptr(), 1) };
        }
    }

    /// How far the ffmpeg program counts a stream as written, in microseconds: up to 6.0 the muxer's estimate of where the
    /// next packet begins, later the last packet's dts. `NOPTS` before the first.
    pub fn end_us(&self, index: usize, last_dts: i64) -> i64 {
        // SAFETY: an existing stream of a valid context.
        let (end, time_base) = unsafe {
            let stream = *(*self.context).streams.add(index);
            #[cfg(not(ffmpeg6_1))]
            let end = ffi::av_stream_get_end_pts(stream);
            #[cfg(ffmpeg6_1)]
            let end = last_dts;
            (end, (*stream).time_base.into())
        };
        let _ = last_dts;
        if end == NOPTS { NOPTS } else { rescale(end, time_base, TIME_BASE) }
    }

    /// Bytes of a stream's global header.
    pub fn header_bytes(&self, index: usize) -> u64 {
        // SAFETY: an existing stream of a valid context.
        unsafe { (*(**(*self.context).streams.add(index)).codecpar).extradata_size.max(0) as u64 }
    }
}

/// What an encoder says of a packet of video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureQuality {
    /// The quantiser; the ffmpeg program shows -0.0 where the encoder says nothing.
    pub quantiser: f32,
    /// An AVPictureType.
    pub kind: i32,
    /// Sums of squared differences from the source, by plane; -1 where it does not say.
    pub errors: [i64; 3],
}

impl PictureQuality {
    /// 'I', 'P', 'B' and so on; '?' where it is not known.
    pub fn letter(&self) -> char {
        // SAFETY: a function of a number.
        char::from(unsafe { ffi::av_get_picture_type_char(self.kind as _) } as u8)
    }

    pub fn is_known(&self) -> bool {
        self.kind != 0
    }
}

impl Packet {
    /// Source: `update_video_stats` of FFmpeg's fftools/ffmpeg.c; the layout is that of AV_PKT_DATA_QUALITY_STATS.
    pub fn quality(&self) -> PictureQuality {
        let mut size = 0;
        // SAFETY: a valid packet; its side data has the size that is given.
        let data = unsafe {
            let data = ffi::av_packet_get_side_data(self.as_ptr(), ffi::AV_PKT_DATA_QUALITY_STATS, &mut size);
            if data.is_null() || size < 8 { &[][..] } else { std::slice::from_raw_parts(data, size as usize) }
        };
        let [q0, q1, q2, q3, kind, planes, _, _, ref errors @ ..] = *data else {
            return PictureQuality { quantiser: -1.0 / QUALITY_UNIT, kind: 0, errors: [-1; 3] };
        };
        let mut quality = PictureQuality {
            quantiser: i32::from_le_bytes([q0, q1, q2, q3]) as f32 / QUALITY_UNIT,
            kind: i32::from(kind),
            errors: [-1; 3],
        };
        for (place, bytes) in quality.errors.iter_mut().zip(errors.as_chunks().0).take(usize::from(planes)) {
            *place = i64::from_le_bytes(*bytes);
        }
        quality
    }
}
