//! Codecs: finding them, and what they support.

use super::{Rational, ffi};
use crate::options::MediaKind;
use std::ffi::CStr;
use std::ptr;

/// A decoder or encoder of FFmpeg's; static.
#[derive(Clone, Copy)]
pub struct Codec(*const ffi::AVCodec);

/// How a codec divides its work between threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threading {
    /// FFmpeg's threads, a picture each; of codecs that can do both, FFmpeg chooses this.
    Frames,
    /// FFmpeg's threads, a part of a picture each.
    Slices,
    /// Those of another library.
    Own,
}

// SAFETY: AVCodec structures are static and constant.
unsafe impl Send for Codec {}
// SAFETY: as above.
unsafe impl Sync for Codec {}

fn wrap(codec: *const ffi::AVCodec) -> Option<Codec> {
    (!codec.is_null()).then_some(Codec(codec))
}

/// The default decoder of a codec id.
pub fn decoder_for(codec_id: i32) -> Option<Codec> {
    // SAFETY: any number may be asked for.
    wrap(unsafe { ffi::avcodec_find_decoder(codec_id as _) })
}

/// Every decoder of a codec id, in FFmpeg's order.
pub fn decoders_of(codec_id: i32) -> Vec<Codec> {
    all_decoders().filter(|codec| codec.id() == codec_id).collect()
}

/// Every decoder that there is, in FFmpeg's order.
pub(super) fn all_decoders() -> impl Iterator<Item = Codec> {
    let mut state = ptr::null_mut();
    // SAFETY: the state is this walk's own; codecs are static.
    let codecs = std::iter::from_fn(move || wrap(unsafe { ffi::av_codec_iterate(&mut state) }));
    // SAFETY: a static codec.
    codecs.filter(|codec| unsafe { ffi::av_codec_is_decoder(codec.0) } != 0)
}

/// By the codec's own name, or the name of what it decodes ("h264") as ffmpeg's find_codec_or_die does.
pub fn find_decoder(name: &str) -> Option<Codec> {
    let name = crate::text::c_string(name).ok()?;
    // SAFETY: a terminated string; descriptors are static.
    unsafe {
        wrap(ffi::avcodec_find_decoder_by_name(name.as_ptr())).or_else(|| {
            let descriptor = ffi::avcodec_descriptor_get_by_name(name.as_ptr());
            if descriptor.is_null() { None } else { wrap(ffi::avcodec_find_decoder((*descriptor).id)) }
        })
    }
}

/// By the encoder's own name, or the name of what it encodes.
pub fn find_encoder(name: &str) -> Option<Codec> {
    let name = crate::text::c_string(name).ok()?;
    // SAFETY: as above.
    unsafe {
        wrap(ffi::avcodec_find_encoder_by_name(name.as_ptr())).or_else(|| {
            let descriptor = ffi::avcodec_descriptor_get_by_name(name.as_ptr());
            if descriptor.is_null() { None } else { wrap(ffi::avcodec_find_encoder((*descriptor).id)) }
        })
    }
}

impl Codec {
    /// The default encoder of a codec id.
    pub fn encoder_for(codec_id: i32) -> Option<Codec> {
        // SAFETY: any number may be asked for.
        wrap(unsafe { ffi::avcodec_find_encoder(codec_id as _) })
    }

    pub(super) fn as_ptr(self) -> *const ffi::AVCodec {
        self.0
    }

    fn get(&self) -> &'static ffi::AVCodec {
        // SAFETY: not null, static.
        unsafe { &*self.0 }
    }

    pub fn name(self) -> &'static str {
        // SAFETY: a static terminated string.
        unsafe { CStr::from_ptr(self.get().name) }.to_str().unwrap_or("?")
    }

    pub fn id(self) -> i32 {
        self.get().id as i32
    }

    pub fn kind(self) -> MediaKind {
        super::params::media_kind(self.get().type_)
    }

    pub(super) fn private_class(self) -> *const ffi::AVClass {
        self.get().priv_class
    }

    /// Takes audio frames of any size.
    pub fn takes_any_frame_size(self) -> bool {
        self.get().capabilities & ffi::AV_CODEC_CAP_VARIABLE_FRAME_SIZE as i32 != 0
    }

    /// Which threads it works with; None where it has none.
    pub fn threading(self) -> Option<Threading> {
        let kinds = [
            (ffi::AV_CODEC_CAP_FRAME_THREADS, Threading::Frames),
            (ffi::AV_CODEC_CAP_SLICE_THREADS, Threading::Slices),
            (ffi::AV_CODEC_CAP_OTHER_THREADS, Threading::Own),
        ];
        kinds.into_iter().find(|(flag, _)| self.get().capabilities as u32 & flag != 0).map(|(_, kind)| kind)
    }

    pub fn pixel_formats(self) -> Vec<i32> {
        self.list(CONFIG_PIXELS, |p: &i32| *p == -1)
    }

    pub fn sample_formats(self) -> Vec<i32> {
        self.list(CONFIG_SAMPLES, |p: &i32| *p == -1)
    }

    pub fn sample_rates(self) -> Vec<i32> {
        self.list(CONFIG_RATES, |p: &i32| *p == 0)
    }

    pub fn frame_rates(self) -> Vec<Rational> {
        self.list(CONFIG_FRAME_RATES, |p: &ffi::AVRational| p.num == 0 && p.den == 0)
            .into_iter()
            .map(Rational::from)
            .collect()
    }

    /// Empty: any, or FFmpeg is older than 7.1 and does not say.
    pub(super) fn color_spaces(self) -> Vec<i32> {
        self.list(CONFIG_SPACES, |p: &i32| *p == ffi::AVCOL_SPC_UNSPECIFIED as i32)
    }

    /// As `color_spaces`.
    pub(super) fn color_ranges(self) -> Vec<i32> {
        self.list(CONFIG_RANGES, |p: &i32| *p == ffi::AVCOL_RANGE_UNSPECIFIED as i32)
    }

    /// Names and numbers of channels of the layouts.
    pub fn layouts(self) -> Vec<(String, i32)> {
        let layouts = self.list(CONFIG_LAYOUTS, |p: &ffi::AVChannelLayout| p.nb_channels == 0);
        layouts.iter().filter_map(|l| Some((super::params::layout_name(l)?, l.nb_channels))).collect()
    }

    /// The list that belongs to one kind of configuration, up to its end mark.
    fn list<T: Copy>(self, config: Config, is_end: impl Fn(&T) -> bool) -> Vec<T> {
        let mut items = Vec::new();
        let mut item = self.list_start(config).cast::<T>();
        if item.is_null() {
            return items;
        }
        // SAFETY: FFmpeg's static lists of this type end with the mark that `is_end` knows.
        unsafe {
            while !is_end(&*item) {
                items.push(*item);
                item = item.add(1);
            }
        }
        items
    }

    #[cfg(ffmpeg7_1)]
    fn list_start(self, config: Config) -> *const std::ffi::c_void {
        let mut list = std::ptr::null();
        // SAFETY: a static codec, no context; writes one pointer.
        let ret = unsafe {
            ffi::avcodec_get_supported_config(std::ptr::null(), self.0, config, 0, &mut list, std::ptr::null_mut())
        };
        if ret < 0 { std::ptr::null() } else { list }
    }

    #[cfg(not(ffmpeg7_1))]
    fn list_start(self, config: Config) -> *const std::ffi::c_void {
        let codec = self.get();
        match config {
            CONFIG_PIXELS => codec.pix_fmts.cast(),
            CONFIG_SAMPLES => codec.sample_fmts.cast(),
            CONFIG_RATES => codec.supported_samplerates.cast(),
            CONFIG_FRAME_RATES => codec.supported_framerates.cast(),
            CONFIG_LAYOUTS => codec.ch_layouts.cast(),
            _ => std::ptr::null(),
        }
    }
}

#[cfg(ffmpeg7_1)]
mod config {
    use super::ffi;
    pub(super) type Config = ffi::AVCodecConfig;
    pub(super) const CONFIG_PIXELS: Config = ffi::AV_CODEC_CONFIG_PIX_FORMAT;
    pub(super) const CONFIG_SAMPLES: Config = ffi::AV_CODEC_CONFIG_SAMPLE_FORMAT;
    pub(super) const CONFIG_RATES: Config = ffi::AV_CODEC_CONFIG_SAMPLE_RATE;
    pub(super) const CONFIG_FRAME_RATES: Config = ffi::AV_CODEC_CONFIG_FRAME_RATE;
    pub(super) const CONFIG_LAYOUTS: Config = ffi::AV_CODEC_CONFIG_CHANNEL_LAYOUT;
    pub(super) const CONFIG_SPACES: Config = ffi::AV_CODEC_CONFIG_COLOR_SPACE;
    pub(super) const CONFIG_RANGES: Config = ffi::AV_CODEC_CONFIG_COLOR_RANGE;
}
#[cfg(not(ffmpeg7_1))]
mod config {
    pub(super) type Config = u32;
    pub(super) const CONFIG_PIXELS: Config = 0;
    pub(super) const CONFIG_SAMPLES: Config = 1;
    pub(super) const CONFIG_RATES: Config = 2;
    pub(super) const CONFIG_FRAME_RATES: Config = 3;
    pub(super) const CONFIG_LAYOUTS: Config = 4;
    pub(super) const CONFIG_SPACES: Config = 5;
    pub(super) const CONFIG_RANGES: Config = 6;
}
use config::*;
