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

impl Packet {
    /// The quantiser that an encoder says it used; the ffmpeg program shows -0.0 where it says nothing.
    pub fn quality(&self) -> f32 {
        let mut size = 0;
        // SAFETY: a valid packet; its side data has the size that is given, a little-endian number first.
        let quality = unsafe {
            let data = ffi::av_packet_get_side_data(self.as_ptr(), ffi::AV_PKT_DATA_QUALITY_STATS, &mut size);
            if data.is_null() || size < 4 { -1 } else { i32::from_le_bytes(data.cast::<[u8; 4]>().read()) }
        };
        quality as f32 / QUALITY_UNIT
    }
}
