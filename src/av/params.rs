//! Codec parameters: what a container says of a stream.

use super::{AvError, Rational, ffi};
use crate::options::MediaKind;
use std::ptr::NonNull;

/// Owned AVCodecParameters.
pub struct Parameters(NonNull<ffi::AVCodecParameters>);

// SAFETY: plain memory without ties to a thread; all changes need `&mut`.
unsafe impl Send for Parameters {}
// SAFETY: reading changes nothing.
unsafe impl Sync for Parameters {}

/// The kind of an AVMediaType, any number.
pub(super) fn media_kind(kind: ffi::AVMediaType) -> MediaKind {
    match kind {
        ffi::AVMEDIA_TYPE_VIDEO => MediaKind::Video,
        ffi::AVMEDIA_TYPE_AUDIO => MediaKind::Audio,
        ffi::AVMEDIA_TYPE_SUBTITLE => MediaKind::Subtitle,
        ffi::AVMEDIA_TYPE_DATA => MediaKind::Data,
        ffi::AVMEDIA_TYPE_ATTACHMENT => MediaKind::Attachment,
        _ => MediaKind::Unknown,
    }
}

pub(super) fn media_type(kind: MediaKind) -> ffi::AVMediaType {
    match kind {
        MediaKind::Video => ffi::AVMEDIA_TYPE_VIDEO,
        MediaKind::Audio => ffi::AVMEDIA_TYPE_AUDIO,
        MediaKind::Subtitle => ffi::AVMEDIA_TYPE_SUBTITLE,
        MediaKind::Data => ffi::AVMEDIA_TYPE_DATA,
        MediaKind::Attachment => ffi::AVMEDIA_TYPE_ATTACHMENT,
        MediaKind::Unknown => ffi::AVMEDIA_TYPE_UNKNOWN,
    }
}

/// The layout as FFmpeg writes it, or None where the order of the channels is unknown.
pub(super) fn layout_name(layout: &ffi::AVChannelLayout) -> Option<String> {
    // SAFETY: a valid layout; the buffer's size is given and the result terminated.
    unsafe {
        if layout.order == ffi::AV_CHANNEL_ORDER_UNSPEC || ffi::av_channel_layout_check(layout) == 0 {
            return None;
        }
        let mut buffer = [0 as std::ffi::c_char; 256];
        ffi::av_channel_layout_describe(layout, buffer.as_mut_ptr(), buffer.len());
        Some(std::ffi::CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned())
    }
}

impl Parameters {
    pub fn new() -> Result<Parameters, AvError> {
        // SAFETY: returns NULL or parameters that we own from here on.
        NonNull::new(unsafe { ffi::avcodec_parameters_alloc() }).map(Parameters).ok_or(AvError::NO_MEMORY)
    }

    /// A copy of parameters of FFmpeg's.
    ///
    /// # Safety
    /// `source` is valid.
    pub(super) unsafe fn copy_of(source: *const ffi::AVCodecParameters) -> Result<Parameters, AvError> {
        let copy = Parameters::new()?;
        // SAFETY: both valid.
        AvError::check(unsafe { ffi::avcodec_parameters_copy(copy.as_ptr(), source) })?;
        Ok(copy)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVCodecParameters {
        self.0.as_ptr()
    }

    pub(super) fn get(&self) -> &ffi::AVCodecParameters {
        // SAFETY: valid while we own it; no Rust enum in it (build.rs), so any content is a valid value.
        unsafe { self.0.as_ref() }
    }

    pub fn duplicate(&self) -> Result<Parameters, AvError> {
        // SAFETY: ours, so valid.
        unsafe { Parameters::copy_of(self.as_ptr()) }
    }

    pub fn kind(&self) -> MediaKind {
        media_kind(self.get().codec_type)
    }

    /// An AVCodecID, also one that the headers do not know.
    pub fn codec_id(&self) -> i32 {
        self.get().codec_id as i32
    }

    pub fn codec_tag(&self) -> u32 {
        self.get().codec_tag
    }

    pub fn set_codec_tag(&mut self, tag: u32) {
        // SAFETY: valid while we own it.
        unsafe { (*self.as_ptr()).codec_tag = tag };
    }

    pub fn set_codec_id(&mut self, id: i32) {
        // SAFETY: valid while we own it.
        unsafe { (*self.as_ptr()).codec_id = id as _ };
    }

    /// Bits of each raw sample, 0 where unknown.
    pub fn raw_bits(&self) -> i32 {
        self.get().bits_per_raw_sample
    }

    pub fn clear_block_align(&mut self) {
        // SAFETY: valid while we own it.
        unsafe { (*self.as_ptr()).block_align = 0 };
    }

    pub fn block_align(&self) -> i32 {
        self.get().block_align
    }

    /// A pixel or sample format, -1 where unknown.
    pub fn format(&self) -> i32 {
        self.get().format
    }

    pub fn width(&self) -> i32 {
        self.get().width
    }

    pub fn height(&self) -> i32 {
        self.get().height
    }

    pub fn sample_rate(&self) -> i32 {
        self.get().sample_rate
    }

    pub fn channels(&self) -> i32 {
        self.get().ch_layout.nb_channels
    }

    pub fn frame_size(&self) -> i32 {
        self.get().frame_size
    }

    pub fn video_delay(&self) -> i32 {
        self.get().video_delay
    }

    pub fn layout_name(&self) -> Option<String> {
        layout_name(&self.get().ch_layout)
    }

    /// The usual layout for a number of channels, where the container names only the number (rule: ffmpeg.c guess_input_channel_layout).
    pub fn guess_layout(&mut self, max_channels: i32) -> Option<String> {
        // SAFETY: valid while we own it.
        let layout = unsafe { &mut (*self.as_ptr()).ch_layout };
        if layout.order != ffi::AV_CHANNEL_ORDER_UNSPEC || layout.nb_channels <= 0 || layout.nb_channels > max_channels
        {
            return None;
        }
        // SAFETY: a valid layout that we own.
        unsafe { ffi::av_channel_layout_default(layout, layout.nb_channels) };
        layout_name(layout)
    }

    pub fn sample_aspect_ratio(&self) -> Rational {
        self.get().sample_aspect_ratio.into()
    }

    pub fn set_sample_aspect_ratio(&mut self, ratio: Rational) {
        // SAFETY: valid while we own it.
        unsafe { (*self.as_ptr()).sample_aspect_ratio = ratio.into() };
    }

    /// Duration in samples of an audio packet of `bytes` (av_get_audio_frame_duration2).
    pub fn audio_packet_samples(&self, bytes: usize) -> i32 {
        // SAFETY: valid parameters.
        unsafe { ffi::av_get_audio_frame_duration2(self.as_ptr(), i32::try_from(bytes).unwrap_or(i32::MAX)) }
    }

    /// Of an attachment, whose content is its extradata.
    pub fn of_attachment(content: &[u8]) -> Result<Parameters, AvError> {
        let mut parameters = Parameters::new()?;
        // SAFETY: ours.
        unsafe { (*parameters.as_ptr()).codec_type = ffi::AVMEDIA_TYPE_ATTACHMENT };
        parameters.set_extradata(content)?;
        Ok(parameters)
    }

    /// For parameters that have none.
    pub fn set_extradata(&mut self, content: &[u8]) -> Result<(), AvError> {
        let size = i32::try_from(content.len()).map_err(|_| AvError::INVALID)?;
        // SAFETY: memory of FFmpeg's allocator with zeros behind the content, which the parameters own from here on.
        unsafe {
            let memory = ffi::av_mallocz(content.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if memory.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            memory.copy_from_nonoverlapping(content.as_ptr(), content.len());
            let par = &mut *self.as_ptr();
            ffi::av_freep((&raw mut par.extradata).cast());
            (par.extradata, par.extradata_size) = (memory, size);
        }
        Ok(())
    }

    pub fn extradata(&self) -> &[u8] {
        let par = self.get();
        match par.extradata.is_null() || par.extradata_size <= 0 {
            true => &[],
            // SAFETY: as many bytes as it says, for as long as the parameters live.
            false => unsafe { std::slice::from_raw_parts(par.extradata, par.extradata_size as usize) },
        }
    }

    /// What ffmpeg does before a copy: a round through a codec context fills in what a muxer needs (codec_type of unknown
    /// codecs, extradata padding, profile), with the options of the output stream applied.
    /// Without options nothing would change.
    pub fn through_context(&self, options: &mut super::Dict) -> Result<Parameters, AvError> {
        if options.is_empty() {
            return self.duplicate();
        }
        let target = Parameters::new()?;
        // SAFETY: the context is ours from allocation to free; every call gets valid arguments.
        unsafe {
            let mut context = ffi::avcodec_alloc_context3(std::ptr::null());
            if context.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let mut ret = ffi::avcodec_parameters_to_context(context, self.as_ptr());
            if ret >= 0 {
                ret = ffi::av_opt_set_dict(context.cast(), options.as_mut());
            }
            if ret >= 0 {
                ret = ffi::avcodec_parameters_from_context(target.as_ptr(), context);
            }
            ffi::avcodec_free_context(&mut context);
            AvError::check(ret)?;
        }
        Ok(target)
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        let mut pointer = self.0.as_ptr();
        // SAFETY: ours; freed once.
        unsafe { ffi::avcodec_parameters_free(&mut pointer) };
    }
}

/// An owned channel layout.
pub struct ChannelLayout(ffi::AVChannelLayout);

// SAFETY: plain memory without ties to a thread.
unsafe impl Send for ChannelLayout {}

impl ChannelLayout {
    pub(super) fn empty() -> ChannelLayout {
        // SAFETY: all zero is FFmpeg's empty layout.
        ChannelLayout(unsafe { std::mem::zeroed() })
    }

    pub(super) fn as_mut(&mut self) -> &mut ffi::AVChannelLayout {
        &mut self.0
    }

    pub(super) fn as_ref(&self) -> &ffi::AVChannelLayout {
        &self.0
    }

    pub fn channels(&self) -> i32 {
        self.0.nb_channels
    }

    pub fn name(&self) -> Option<String> {
        layout_name(&self.0)
    }

    /// The usual layout of a number of channels.
    pub fn of_channels(channels: i32) -> ChannelLayout {
        let mut layout = ChannelLayout::empty();
        // SAFETY: a valid layout that we own.
        unsafe { ffi::av_channel_layout_default(&mut layout.0, channels) };
        layout
    }

    /// "stereo", "5.1", "0x3f".
    pub fn parse(text: &str) -> Option<ChannelLayout> {
        let text = crate::text::c_string(text).ok()?;
        let mut layout = ChannelLayout::empty();
        // SAFETY: a terminated string and a layout that we own.
        let ret = unsafe { ffi::av_channel_layout_from_string(&mut layout.0, text.as_ptr()) };
        (ret >= 0).then_some(layout)
    }
}

impl Drop for ChannelLayout {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::av_channel_layout_uninit(&mut self.0) };
    }
}
