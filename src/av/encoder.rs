//! Encoders.

use super::frame::PictureProperties;
use super::params::ChannelLayout;
use super::sidedata::{self, SideData};
use super::{AvError, Codec, Dict, EncoderHardware, Frame, Packet, Parameters, Rational, ffi};
use crate::options::MediaKind;
use std::ffi::{CStr, CString, c_void};
use std::ptr;

/// An open encoder, and the statistics of a first pass that it reads.
pub struct Encoder(*mut ffi::AVCodecContext, Option<CString>);

// SAFETY: used by one thread at a time, as every call that changes it needs `&mut`.
unsafe impl Send for Encoder {}

/// What holds for every encoder.
pub struct CommonSettings {
    pub time_base: Rational,
    pub is_bitexact: bool,
    pub wants_global_header: bool,
    /// -q:v: a fixed quantiser.
    pub quality: Option<f64>,
    /// 0 leaves the choice to the encoder.
    pub codec_tag: u32,
    /// 0 where the source says nothing.
    pub bits_per_raw_sample: i32,
    /// Packets have the origins of their frames, where the encoder can pass them on (FFmpeg 6.0).
    pub passes_origins: bool,
    pub log_slot: usize,
    pub hardware: Option<EncoderHardware>,
}

/// A quantisation matrix.
pub type Matrix = [u16; 64];

/// A part of a video with a quality of its own (RcOverride).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateOverride {
    pub first_frame: i32,
    pub last_frame: i32,
    /// 0 where the factor counts.
    pub quantiser: i32,
    pub factor: f32,
}

/// What an encoder is told of its quantisers beside its options.
#[derive(Clone, Debug, Default)]
pub struct QuantiserSettings {
    pub intra: Option<Matrix>,
    pub inter: Option<Matrix>,
    pub chroma_intra: Option<Matrix>,
    pub overrides: Vec<RateOverride>,
}

pub struct VideoSettings {
    pub width: i32,
    pub height: i32,
    pub pixel_format: i32,
    pub sample_aspect_ratio: Rational,
    pub frame_rate: Rational,
    /// Of the first frame; None where no frame came.
    pub picture: Option<PictureProperties>,
    /// -top: what is said of the fields whatever the frames say.
    pub top_field_first: Option<bool>,
    pub quantisers: QuantiserSettings,
    /// -psnr: the encoder compares its frames with the source's.
    pub measures_psnr: bool,
}

pub struct AudioSettings {
    pub sample_format: i32,
    pub sample_rate: i32,
    pub layout: ChannelLayout,
}

pub enum MediaSettings {
    Video(Box<VideoSettings>),
    Audio(AudioSettings),
}

impl Encoder {
    /// Opens an encoder. What of `options` was not used stays in it.
    pub fn open(
        codec: Codec,
        common: &CommonSettings,
        media: &MediaSettings,
        statistics: Option<&[u8]>,
        options: &mut Dict,
    ) -> Result<Encoder, AvError> {
        let statistics = statistics.map(std::ffi::CString::new).transpose().map_err(|_| AvError::INVALID_DATA)?;
        // SAFETY: the context is ours from allocation on; dropped when a step fails.
        unsafe {
            let context = ffi::avcodec_alloc_context3(codec.as_ptr());
            if context.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let encoder = Encoder(context, statistics);
            // Only read; the pointer is taken back before the context is freed.
            (*context).stats_in = encoder.1.as_ref().map_or(ptr::null_mut(), |text| text.as_ptr().cast_mut());
            encoder.set_common(common);
            if let Some(hardware) = &common.hardware {
                hardware.attach(context)?;
            }
            match media {
                MediaSettings::Video(video) => encoder.set_video(codec, video)?,
                MediaSettings::Audio(audio) => encoder.set_audio(audio)?,
            }
            AvError::check(ffi::avcodec_open2(context, codec.as_ptr(), options.as_mut()))?;
            Ok(encoder)
        }
    }

    /// # Safety
    /// Not open yet.
    unsafe fn set_common(&self, common: &CommonSettings) {
        // SAFETY: a context that we own.
        let context = unsafe { &mut *self.0 };
        context.time_base = common.time_base.into();
        context.opaque = ptr::without_provenance_mut::<c_void>(common.log_slot);
        #[cfg(ffmpeg6)]
        // SAFETY: the codec of a context that was allocated for it.
        if common.passes_origins
            && unsafe { (*context.codec).capabilities } & ffi::AV_CODEC_CAP_ENCODER_REORDERED_OPAQUE as i32 != 0
        {
            context.flags |= ffi::AV_CODEC_FLAG_COPY_OPAQUE as i32;
        }
        if common.is_bitexact {
            context.flags |= ffi::AV_CODEC_FLAG_BITEXACT as i32;
        }
        if common.wants_global_header {
            context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
        }
        if let Some(quality) = common.quality {
            context.flags |= ffi::AV_CODEC_FLAG_QSCALE as i32;
            context.global_quality = (f64::from(ffi::FF_QP2LAMBDA) * quality) as i32;
        }
        context.codec_tag = common.codec_tag;
        if common.bits_per_raw_sample > 0 {
            context.bits_per_raw_sample = common.bits_per_raw_sample;
        }
    }

    /// # Safety
    /// Not open yet.
    unsafe fn set_video(&self, codec: Codec, video: &VideoSettings) -> Result<(), AvError> {
        // SAFETY: a context that we own.
        let context = unsafe { &mut *self.0 };
        context.width = video.width;
        context.height = video.height;
        context.pix_fmt = video.pixel_format as _;
        context.sample_aspect_ratio = video.sample_aspect_ratio.into();
        context.framerate = video.frame_rate.into();
        // SAFETY: by contract.
        unsafe { self.set_quantisers(&video.quantisers)? };
        if video.measures_psnr {
            context.flags |= ffi::AV_CODEC_FLAG_PSNR as i32;
        }
        if let Some(picture) = video.picture {
            self.set_picture(codec, &picture);
        }
        match video.top_field_first {
            Some(true) => context.field_order = ffi::AV_FIELD_TT,
            Some(false) => context.field_order = ffi::AV_FIELD_BB,
            None => {}
        }
        Ok(())
    }

    fn set_picture(&self, codec: Codec, picture: &PictureProperties) {
        // SAFETY: a context that we own.
        let context = unsafe { &mut *self.0 };
        context.color_range = picture.color_range as _;
        context.color_primaries = picture.color_primaries as _;
        context.color_trc = picture.color_trc as _;
        context.colorspace = picture.colorspace as _;
        context.chroma_sample_location = picture.chroma_location as _;
        let is_mjpeg = codec.id() == ffi::AV_CODEC_ID_MJPEG as i32;
        context.field_order = match (picture.is_interlaced, picture.is_top_field_first, is_mjpeg) {
            (false, ..) => ffi::AV_FIELD_PROGRESSIVE,
            (true, true, true) => ffi::AV_FIELD_TT,
            (true, false, true) => ffi::AV_FIELD_BB,
            (true, true, false) => ffi::AV_FIELD_TB,
            (true, false, false) => ffi::AV_FIELD_BT,
        };
    }

    /// # Safety
    /// Not open yet.
    unsafe fn set_quantisers(&self, settings: &QuantiserSettings) -> Result<(), AvError> {
        // SAFETY: memory of FFmpeg's allocator, which the context frees; sizes are those of what is copied.
        unsafe {
            let context = &mut *self.0;
            let copy = |values: *const u8, bytes: usize| -> Result<*mut c_void, AvError> {
                let memory = ffi::av_memdup(values.cast(), bytes);
                if memory.is_null() { Err(AvError::NO_MEMORY) } else { Ok(memory) }
            };
            let matrices = [
                (&settings.intra, &raw mut context.intra_matrix),
                (&settings.inter, &raw mut context.inter_matrix),
                (&settings.chroma_intra, &raw mut context.chroma_intra_matrix),
            ];
            for (matrix, place) in matrices {
                if let Some(matrix) = matrix {
                    *place = copy(matrix.as_ptr().cast(), size_of::<Matrix>())?.cast();
                }
            }
            let overrides: Vec<ffi::RcOverride> = settings.overrides.iter().map(rate_override).collect();
            if !overrides.is_empty() {
                context.rc_override = copy(overrides.as_ptr().cast(), size_of_val(&overrides[..]))?.cast();
                context.rc_override_count = overrides.len() as i32;
            }
        }
        Ok(())
    }

    /// # Safety
    /// Not open yet.
    unsafe fn set_audio(&self, audio: &AudioSettings) -> Result<(), AvError> {
        // SAFETY: a context that we own.
        let context = unsafe { &mut *self.0 };
        context.sample_fmt = audio.sample_format as _;
        context.sample_rate = audio.sample_rate;
        // SAFETY: both layouts are valid.
        AvError::check(unsafe { ffi::av_channel_layout_copy(&mut context.ch_layout, audio.layout.as_ref()) }).map(drop)
    }

    /// # Safety
    /// A context of an encoder, which is this one's from here on.
    pub(super) unsafe fn from_ptr(context: *mut ffi::AVCodecContext) -> Encoder {
        Encoder(context, None)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVCodecContext {
        self.0
    }

    fn get(&self) -> &ffi::AVCodecContext {
        // SAFETY: valid while we own it; no Rust enum in it (build.rs).
        unsafe { &*self.0 }
    }

    /// Gives it a frame, or None to drain it.
    pub fn send(&mut self, frame: Option<&Frame>) -> Result<(), AvError> {
        let pointer = frame.map_or(ptr::null_mut(), |f| f.as_ptr());
        // SAFETY: valid context; the frame is only read.
        AvError::check(unsafe { ffi::avcodec_send_frame(self.0, pointer) }).map(drop)
    }

    /// `AvError::AGAIN`: needs a frame; `AvError::EOF`: drained.
    pub fn receive(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        // SAFETY: valid context and packet.
        AvError::check(unsafe { ffi::avcodec_receive_packet(self.0, packet.as_ptr()) }).map(drop)
    }

    /// Bits a second; 0 where it is not set.
    pub fn bit_rate(&self) -> i64 {
        self.get().bit_rate
    }

    pub fn time_base(&self) -> Rational {
        self.get().time_base.into()
    }

    /// Samples of each audio frame; 0 where any number will do.
    pub fn frame_size(&self) -> i32 {
        self.get().frame_size
    }

    /// What a first pass says of the packet that came last.
    pub fn statistics(&self) -> Option<&CStr> {
        let text = self.get().stats_out;
        // SAFETY: NULL or a terminated string that lives until the next call.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
    }

    pub fn global_quality(&self) -> i32 {
        self.get().global_quality
    }

    /// Pixels of a picture, where the encoder says how much they differ from the source's (AV_CODEC_FLAG_PSNR).
    pub fn measured_pixels(&self) -> Option<i64> {
        let context = self.get();
        let measures = context.flags & ffi::AV_CODEC_FLAG_PSNR as i32 != 0;
        measures.then(|| i64::from(context.width) * i64::from(context.height))
    }

    /// Sums of squared differences of the whole stream so far, by plane.
    pub fn total_errors(&self) -> [u64; 3] {
        let errors = &self.get().error;
        [errors[0], errors[1], errors[2]]
    }

    pub fn channels(&self) -> i32 {
        self.get().ch_layout.nb_channels
    }

    pub fn kind(&self) -> MediaKind {
        super::params::media_kind(self.get().codec_type)
    }

    /// The parameters of the stream that it makes.
    pub fn parameters(&self) -> Result<Parameters, AvError> {
        let parameters = Parameters::new()?;
        // SAFETY: valid context and parameters.
        AvError::check(unsafe { ffi::avcodec_parameters_from_context(parameters.as_ptr(), self.0) })?;
        Ok(parameters)
    }

    /// What the encoder says beside its packets (CPB properties and such). Since 6.1 it is part of the parameters.
    pub fn side_data(&self) -> Vec<SideData> {
        match cfg!(ffmpeg6_1) {
            true => Vec::new(),
            // SAFETY: a valid context.
            false => unsafe { sidedata::of_encoder(self.0) },
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: ours; freed once. Joins FFmpeg's codec threads. The statistics are not the context's.
        unsafe {
            (*self.0).stats_in = ptr::null_mut();
            ffi::avcodec_free_context(&mut self.0);
        }
    }
}

fn rate_override(part: &RateOverride) -> ffi::RcOverride {
    ffi::RcOverride {
        start_frame: part.first_frame,
        end_frame: part.last_frame,
        qscale: part.quantiser,
        quality_factor: part.factor,
    }
}
