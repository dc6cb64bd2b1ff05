//! Bitmap subtitles drawn on a transparent picture, for graphs that lay them over video. Source: `sub2video_copy_rect` and
//! `sub2video_get_blank_frame` of FFmpeg's fftools/ffmpeg.c.

use super::{AvError, Frame, Subtitle, ffi};

/// The pixel format of the pictures: 32-bit RGB with alpha, in the byte order of the machine (AV_PIX_FMT_RGB32).
pub const CANVAS_FORMAT: i32 =
    if cfg!(target_endian = "big") { ffi::AV_PIX_FMT_ARGB as i32 } else { ffi::AV_PIX_FMT_BGRA as i32 };

impl Frame {
    /// A transparent picture.
    pub fn canvas(width: i32, height: i32) -> Result<Frame, AvError> {
        let frame = Frame::new()?;
        // SAFETY: a frame that we own; after get_buffer its first plane has height rows of linesize bytes.
        unsafe {
            let raw = &mut *frame.as_ptr();
            (raw.width, raw.height, raw.format) = (width, height, CANVAS_FORMAT);
            AvError::check(ffi::av_frame_get_buffer(raw, 0))?;
            std::ptr::write_bytes(raw.data[0], 0, raw.height as usize * raw.linesize[0].max(0) as usize);
        }
        Ok(frame)
    }

    /// Draws the pictures of a subtitle. False where one of them is none, or lies outside.
    pub fn draw(&mut self, subtitle: &Subtitle) -> bool {
        let sub = subtitle.get();
        let mut all_drawn = true;
        for index in 0..sub.num_rects as usize {
            // SAFETY: as many valid rectangles as it says.
            let rect = unsafe { &**sub.rects.add(index) };
            all_drawn &= self.draw_rect(rect);
        }
        all_drawn
    }

    fn draw_rect(&mut self, rect: &ffi::AVSubtitleRect) -> bool {
        // SAFETY: a canvas that we own.
        let raw = unsafe { &mut *self.as_ptr() };
        let fits = rect.x >= 0
            && rect.y >= 0
            && rect.w >= 0
            && rect.h >= 0
            && rect.x.checked_add(rect.w).is_some_and(|right| right <= raw.width)
            && rect.y.checked_add(rect.h).is_some_and(|bottom| bottom <= raw.height);
        let is_bitmap = rect.type_ == ffi::SUBTITLE_BITMAP && !rect.data[0].is_null() && !rect.data[1].is_null();
        if !fits || !is_bitmap {
            return false;
        }
        for row in 0..rect.h as isize {
            // SAFETY: the rectangle lies within the canvas; its first plane has h rows of linesize bytes with w indices, its second one 256
            // colours of 32 bits (AVSubtitleRect).
            unsafe {
                let from = rect.data[0].offset(row * rect.linesize[0] as isize);
                let to = raw.data[0].offset((rect.y as isize + row) * raw.linesize[0] as isize).cast::<u32>();
                let to = to.add(rect.x as usize);
                let palette = rect.data[1].cast::<u32>();
                for column in 0..rect.w as usize {
                    to.add(column).write(palette.add(usize::from(*from.add(column))).read());
                }
            }
        }
        true
    }
}
