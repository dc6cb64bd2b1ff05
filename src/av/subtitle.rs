//! Subtitles: decoded events, and the calls that decode and encode them, which are not those of video and audio.

use super::{AvError, Codec, Decoder, Dict, Encoder, NOPTS, Packet, ffi};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

/// A decoded subtitle. Its times are its own; what it shows it may share.
#[derive(Clone)]
pub struct Subtitle {
    /// Points to what the content owns.
    event: ffi::AVSubtitle,
    _content: Arc<Content>,
}

/// What a decoder gave.
struct Content(ffi::AVSubtitle);

// SAFETY: plain memory that nobody changes.
unsafe impl Send for Content {}
// SAFETY: as above.
unsafe impl Sync for Content {}
// SAFETY: points to what its content owns.
unsafe impl Send for Subtitle {}

impl Subtitle {
    /// Microseconds; None where the packet said nothing.
    pub fn pts_us(&self) -> Option<i64> {
        (self.event.pts != NOPTS).then_some(self.event.pts)
    }

    /// Milliseconds from its pts to where it appears, and to where it goes.
    pub fn display_ms(&self) -> (u32, u32) {
        (self.event.start_display_time, self.event.end_display_time)
    }

    pub fn set_end_ms(&mut self, end_ms: u32) {
        self.event.end_display_time = end_ms;
    }

    pub fn is_empty(&self) -> bool {
        self.event.num_rects == 0
    }

    /// Lets it appear right at its pts, as encoders need it.
    pub fn appear_at_pts(&mut self) {
        self.event.pts = self.event.pts.saturating_add(i64::from(self.event.start_display_time) * 1000);
        self.event.end_display_time = self.event.end_display_time.wrapping_sub(self.event.start_display_time);
        self.event.start_display_time = 0;
    }

    pub fn set_pts_us(&mut self, pts_us: i64) {
        self.event.pts = pts_us;
    }

    pub fn weight_bytes(&self) -> usize {
        // SAFETY: as many valid rectangles as it says.
        let rects = (0..self.event.num_rects as usize).map(|i| unsafe { &**self.event.rects.add(i) });
        rects.map(|rect| 1024 + (rect.w.max(0) as usize).saturating_mul(rect.h.max(0) as usize)).sum()
    }

    pub(super) fn get(&self) -> &ffi::AVSubtitle {
        &self.event
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::avsubtitle_free(&mut self.0) };
    }
}

impl Decoder {
    /// Decodes a packet, or with None takes what the decoder still holds. None where that gave nothing.
    pub fn decode_subtitle(&mut self, packet: Option<&Packet>) -> Result<Option<Subtitle>, AvError> {
        let blank;
        let packet = match packet {
            Some(packet) => packet,
            None => {
                blank = Packet::new()?;
                &blank
            }
        };
        // SAFETY: an open subtitle decoder; all zero is an empty subtitle, which is filled in or left so.
        unsafe {
            let mut content = Content(std::mem::zeroed());
            let mut has_one = 0;
            let ret = ffi::avcodec_decode_subtitle2(self.as_ptr(), &mut content.0, &mut has_one, packet.as_ptr());
            AvError::check(ret)?;
            Ok((has_one != 0).then(|| Subtitle { event: ptr::read(&content.0), _content: Arc::new(content) }))
        }
    }

    /// The styles that decoded text refers to, as an ASS header.
    pub fn subtitle_header(&self) -> &[u8] {
        let context = self.get();
        match context.subtitle_header.is_null() || context.subtitle_header_size <= 0 {
            true => &[],
            // SAFETY: as many bytes as it says.
            false => unsafe {
                std::slice::from_raw_parts(context.subtitle_header, context.subtitle_header_size as usize)
            },
        }
    }
}

/// What a subtitle encoder is told beside its options.
pub struct SubtitleSettings<'a> {
    /// Of the canvas; 0 where there is none.
    pub size: (i32, i32),
    pub header: &'a [u8],
    pub is_bitexact: bool,
    pub wants_global_header: bool,
    pub codec_tag: u32,
    pub log_slot: usize,
}

/// Larger ones are refused by the encoders (ffmpeg.c: do_subtitle_out).
const MOST_BYTES: usize = 1 << 20;

impl Encoder {
    /// Opens an encoder for subtitles, whose time base is microseconds. What of `options` was not used stays in it.
    pub fn open_subtitle(codec: Codec, settings: &SubtitleSettings, options: &mut Dict) -> Result<Encoder, AvError> {
        // SAFETY: the context is ours from allocation on; dropped when a step fails. The header is copied with a zero behind it.
        unsafe {
            let pointer = ffi::avcodec_alloc_context3(codec.as_ptr());
            if pointer.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let encoder = Encoder::from_ptr(pointer);
            let context = &mut *pointer;
            context.time_base = super::TIME_BASE.into();
            (context.width, context.height) = settings.size;
            context.codec_tag = settings.codec_tag;
            context.opaque = ptr::without_provenance_mut::<c_void>(settings.log_slot);
            if settings.is_bitexact {
                context.flags |= ffi::AV_CODEC_FLAG_BITEXACT as i32;
            }
            if settings.wants_global_header {
                context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
            }
            if !settings.header.is_empty() {
                let memory = ffi::av_mallocz(settings.header.len() + 1).cast::<u8>();
                if memory.is_null() {
                    return Err(AvError::NO_MEMORY);
                }
                memory.copy_from_nonoverlapping(settings.header.as_ptr(), settings.header.len());
                (context.subtitle_header, context.subtitle_header_size) = (memory, settings.header.len() as i32);
            }
            AvError::check(ffi::avcodec_open2(pointer, codec.as_ptr(), options.as_mut()))?;
            Ok(encoder)
        }
    }

    /// Encodes a subtitle; with `clears` the picture that takes it away (DVB). The packet has no times yet; it may be empty.
    pub fn encode_subtitle(&mut self, subtitle: &Subtitle, clears: bool) -> Result<Packet, AvError> {
        let mut data = vec![0; MOST_BYTES];
        // SAFETY: the struct is copied, not what it points to, which is only read; an open encoder and as much room as is said.
        let size = unsafe {
            let mut shown: ffi::AVSubtitle = ptr::read(subtitle.get());
            if clears {
                shown.num_rects = 0;
            }
            ffi::avcodec_encode_subtitle(self.as_ptr(), data.as_mut_ptr(), data.len() as i32, &shown)
        };
        let size = AvError::check(size)?.max(0) as usize;
        Packet::of_bytes(&data[..size])
    }
}
