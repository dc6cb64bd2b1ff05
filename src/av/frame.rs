//! Frames: decoded pictures and samples.

use super::{AvError, Rational, ffi};
use std::ptr::NonNull;

/// An owned AVFrame.
pub struct Frame(NonNull<ffi::AVFrame>);

// SAFETY: a frame is plain memory with reference-counted (atomic) buffers; all changes need `&mut`.
unsafe impl Send for Frame {}

/// Scan order and colours of a picture, as an encoder wants to know them. Integers: see build.rs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureProperties {
    pub color_range: i32,
    pub color_primaries: i32,
    pub color_trc: i32,
    pub colorspace: i32,
    pub chroma_location: i32,
    pub is_interlaced: bool,
    pub is_top_field_first: bool,
}

impl Frame {
    pub fn new() -> Result<Frame, AvError> {
        // SAFETY: returns NULL or a frame that we own from here on.
        NonNull::new(unsafe { ffi::av_frame_alloc() }).map(Frame).ok_or(AvError::NO_MEMORY)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    fn get(&self) -> &ffi::AVFrame {
        // SAFETY: valid while we own it; AVFrame has no Rust enum in it (build.rs), so any content is a valid value.
        unsafe { self.0.as_ref() }
    }

    fn get_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: as above, and borrowed mutably.
        unsafe { self.0.as_mut() }
    }

    /// A picture of this size and format, in black; an error where the format cannot be painted.
    pub fn black_like(&self) -> Result<Frame, AvError> {
        let black = Frame::new()?;
        let (like, made) = (self.as_ptr(), black.as_ptr());
        // SAFETY: both valid; the new one has a buffer of its own for these sizes before it is painted.
        unsafe {
            ((*made).format, (*made).width, (*made).height) = ((*like).format, (*like).width, (*like).height);
            AvError::check(ffi::av_frame_copy_props(made, like))?;
            AvError::check(ffi::av_frame_get_buffer(made, 0))?;
            let strides = [0, 1, 2, 3].map(|plane| (*made).linesize[plane] as isize);
            let (format, range) = ((*made).format as _, (*made).color_range);
            AvError::check(ffi::av_image_fill_black(
                (*made).data.as_mut_ptr().cast(),
                strides.as_ptr(),
                format,
                range,
                (*made).width,
                (*made).height,
            ))?;
        }
        Ok(black)
    }

    /// As many samples of this format, all silent.
    pub fn silence_like(&self) -> Result<Frame, AvError> {
        let silence = Frame::new()?;
        let (like, made) = (self.as_ptr(), silence.as_ptr());
        // SAFETY: both valid; the new one has a buffer of its own for these samples before they are set.
        unsafe {
            ((*made).format, (*made).nb_samples) = ((*like).format, (*like).nb_samples);
            AvError::check(ffi::av_channel_layout_copy(&mut (*made).ch_layout, &(*like).ch_layout))?;
            AvError::check(ffi::av_frame_copy_props(made, like))?;
            (*made).sample_rate = (*like).sample_rate;
            AvError::check(ffi::av_frame_get_buffer(made, 0))?;
            let (count, channels) = ((*made).nb_samples, (*made).ch_layout.nb_channels);
            AvError::check(ffi::av_samples_set_silence(
                (*made).extended_data,
                0,
                count,
                channels,
                (*made).format as _,
            ))?;
        }
        Ok(silence)
    }

    pub fn pts(&self) -> i64 {
        self.get().pts
    }

    pub fn set_pts(&mut self, pts: i64) {
        self.get_mut().pts = pts;
    }

    pub fn best_effort_timestamp(&self) -> i64 {
        self.get().best_effort_timestamp
    }

    /// In the time base of the stream that it was decoded from.
    pub fn duration(&self) -> i64 {
        #[cfg(ffmpeg6)]
        return self.get().duration;
        #[cfg(not(ffmpeg6))]
        return self.get().pkt_duration;
    }

    pub fn set_duration(&mut self, duration: i64) {
        #[cfg(ffmpeg6)]
        {
            self.get_mut().duration = duration;
        }
        #[cfg(not(ffmpeg6))]
        {
            self.get_mut().pkt_duration = duration;
        }
    }

    pub fn width(&self) -> i32 {
        self.get().width
    }

    pub fn height(&self) -> i32 {
        self.get().height
    }

    /// A pixel or sample format.
    pub fn format(&self) -> i32 {
        self.get().format
    }

    pub fn sample_rate(&self) -> i32 {
        self.get().sample_rate
    }

    pub fn samples(&self) -> i32 {
        self.get().nb_samples
    }

    pub fn channels(&self) -> i32 {
        self.get().ch_layout.nb_channels
    }

    pub fn sample_aspect_ratio(&self) -> Rational {
        self.get().sample_aspect_ratio.into()
    }

    pub fn set_sample_aspect_ratio(&mut self, ratio: Rational) {
        self.get_mut().sample_aspect_ratio = ratio.into();
    }

    /// An AVPictureType.
    pub fn picture_type(&self) -> i32 {
        self.get().pict_type as i32
    }

    /// The dts of the packet that it came out of.
    pub fn packet_dts(&self) -> i64 {
        self.get().pkt_dts
    }

    /// The decoder says that something of it is wrong.
    pub fn is_corrupt(&self) -> bool {
        let frame = self.get();
        frame.decode_error_flags != 0 || frame.flags & ffi::AV_FRAME_FLAG_CORRUPT as i32 != 0
    }

    pub fn is_key(&self) -> bool {
        #[cfg(ffmpeg6_1)]
        return self.get().flags & ffi::AV_FRAME_FLAG_KEY as i32 != 0;
        #[cfg(not(ffmpeg6_1))]
        return self.get().key_frame != 0;
    }

    /// Tells the encoder: a key frame here, or its own choice.
    pub fn set_wants_key(&mut self, key: bool) {
        self.get_mut().pict_type = if key { ffi::AV_PICTURE_TYPE_I } else { ffi::AV_PICTURE_TYPE_NONE };
    }

    pub fn set_quality(&mut self, quality: i32) {
        self.get_mut().quality = quality;
    }

    pub fn picture(&self) -> PictureProperties {
        let frame = self.get();
        #[cfg(ffmpeg6_1)]
        let (interlaced, top) = (
            frame.flags & ffi::AV_FRAME_FLAG_INTERLACED as i32 != 0,
            frame.flags & ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST as i32 != 0,
        );
        #[cfg(not(ffmpeg6_1))]
        let (interlaced, top) = (frame.interlaced_frame != 0, frame.top_field_first != 0);
        PictureProperties {
            color_range: frame.color_range as i32,
            color_primaries: frame.color_primaries as i32,
            color_trc: frame.color_trc as i32,
            colorspace: frame.colorspace as i32,
            chroma_location: frame.chroma_location as i32,
            is_interlaced: interlaced,
            is_top_field_first: top,
        }
    }

    pub fn set_top_field_first(&mut self, top: bool) {
        // SAFETY: valid while we own it.
        let frame = unsafe { &mut *self.as_ptr() };
        #[cfg(ffmpeg6_1)]
        match top {
            true => frame.flags |= ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST as i32,
            false => frame.flags &= !(ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST as i32),
        }
        #[cfg(not(ffmpeg6_1))]
        {
            frame.top_field_first = i32::from(top);
        }
    }

    /// The display matrix that came with this frame.
    pub fn display_matrix(&self) -> Option<[i32; 9]> {
        // SAFETY: valid frame; side data of this type has at least nine 32-bit integers, checked by its size.
        unsafe {
            let data = ffi::av_frame_get_side_data(self.as_ptr(), ffi::AV_FRAME_DATA_DISPLAYMATRIX);
            if data.is_null() || ((*data).size as usize) < 36 {
                return None;
            }
            Some((*data).data.cast::<[i32; 9]>().read_unaligned())
        }
    }

    /// Cuts off what the decoder says is not shown.
    pub fn apply_cropping(&mut self) -> Result<(), AvError> {
        // SAFETY: valid while we own it.
        AvError::check(unsafe { ffi::av_frame_apply_cropping(self.as_ptr(), ffi::AV_FRAME_CROP_UNALIGNED as i32) })
            .map(drop)
    }

    /// Whether the channel layout is the same.
    pub fn same_layout(&self, other: &Frame) -> bool {
        // SAFETY: both layouts are valid parts of frames that we own.
        unsafe {
            ffi::av_channel_layout_compare(&raw const self.get().ch_layout, &raw const other.get().ch_layout) == 0
        }
    }

    /// The layout as FFmpeg writes it ("stereo", "5.1(side)"), or None where only the number of channels is known.
    pub fn layout_name(&self) -> Option<String> {
        super::params::layout_name(&self.get().ch_layout)
    }

    /// Another reference to the same data.
    pub fn reference(&self) -> Result<Frame, AvError> {
        // SAFETY: valid; returns NULL or a new frame that we own.
        NonNull::new(unsafe { ffi::av_frame_clone(self.as_ptr()) }).map(Frame).ok_or(AvError::NO_MEMORY)
    }

    pub fn clear(&mut self) {
        // SAFETY: valid while we own it.
        unsafe { ffi::av_frame_unref(self.as_ptr()) };
    }

    /// How many references there are to its first buffer; 0 without one.
    pub fn references(&self) -> i32 {
        let buffer = self.get().buf[0];
        // SAFETY: a valid buffer of a frame that we own.
        if buffer.is_null() { 0 } else { unsafe { ffi::av_buffer_get_ref_count(buffer) } }
    }

    /// Bytes that it keeps, roughly.
    pub fn weight_bytes(&self) -> usize {
        let buffers = self.get().buf.iter().filter(|b| !b.is_null());
        // SAFETY: non-null buffers of a frame that we own.
        buffers.map(|b| unsafe { (**b).size } as usize).sum::<usize>() + 512
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut pointer = self.0.as_ptr();
        // SAFETY: ours; freed once.
        unsafe { ffi::av_frame_free(&mut pointer) };
    }
}
