//! Names that FFmpeg gives to numbers, as ffprobe writes them.

use super::Sink;
use super::sink::bytes;
use crate::av::ffi;
use std::ffi::c_char;

type Name = unsafe extern "C" fn(u32) -> *const c_char;

/// A name that is known, unless the number says that nothing is.
fn known(name: Name, value: u32, unspecified: u32) -> Option<&'static [u8]> {
    // SAFETY: any number may be asked for; a static string or NULL.
    unsafe { bytes(name(value)) }.filter(|_| value != unspecified)
}

pub(super) fn media_type(kind: i32) -> Option<&'static [u8]> {
    // SAFETY: as above.
    unsafe { bytes(ffi::av_get_media_type_string(kind)) }
}

pub(super) fn pixel_format(format: i32) -> Option<&'static [u8]> {
    // SAFETY: as above.
    unsafe { bytes(ffi::av_get_pix_fmt_name(format as _)) }
}

pub(super) fn sample_format(format: i32) -> Option<&'static [u8]> {
    // SAFETY: as above.
    unsafe { bytes(ffi::av_get_sample_fmt_name(format as _)) }
}

/// The colours of a stream or frame, as numbers of FFmpeg's.
pub(super) struct Colors {
    pub range: u32,
    pub space: u32,
    pub primaries: u32,
    pub transfer: u32,
    pub location: u32,
}

impl Colors {
    pub fn range_and_space(&self, out: &mut dyn Sink) {
        let range = known(ffi::av_color_range_name, self.range, ffi::AVCOL_RANGE_UNSPECIFIED);
        out.text_or("color_range", range, "unknown");
        let space = known(ffi::av_color_space_name, self.space, ffi::AVCOL_SPC_UNSPECIFIED);
        out.text_or("color_space", space, "unknown");
    }

    pub fn primaries(&self, out: &mut dyn Sink) {
        let primaries = known(ffi::av_color_primaries_name, self.primaries, ffi::AVCOL_PRI_UNSPECIFIED);
        out.text_or("color_primaries", primaries, "unknown");
    }

    pub fn transfer(&self, out: &mut dyn Sink) {
        let transfer = known(ffi::av_color_transfer_name, self.transfer, ffi::AVCOL_TRC_UNSPECIFIED);
        out.text_or("color_transfer", transfer, "unknown");
    }

    pub fn location(&self, out: &mut dyn Sink) {
        let location = known(ffi::av_chroma_location_name, self.location, ffi::AVCHROMA_LOC_UNSPECIFIED);
        out.text_or("chroma_location", location, "unspecified");
    }
}

/// The layout by its name, or that only the number of channels is known.
pub(super) fn channel_layout(out: &mut dyn Sink, layout: &ffi::AVChannelLayout) {
    if layout.order == ffi::AV_CHANNEL_ORDER_UNSPEC {
        return out.unknown("channel_layout", "unknown");
    }
    let mut buffer = [0 as c_char; 128];
    // SAFETY: a valid layout and a writable buffer, which is always terminated.
    unsafe {
        ffi::av_channel_layout_describe(layout, buffer.as_mut_ptr(), buffer.len());
        out.text_or("channel_layout", bytes(buffer.as_ptr()), "unknown");
    }
}
