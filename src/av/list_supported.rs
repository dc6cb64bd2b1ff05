//! What a codec supports: the lines of `-h encoder=NAME` (fftools/opt_common.c: print_codec).

use super::ffi;
use super::list::word;
use std::ffi::{CStr, c_char};
use std::fmt::Write;

/// The values of a static array up to the one that ends it.
///
/// # Safety
/// `first` is NULL or the beginning of a static array that `is_end` ends.
unsafe fn until<T: 'static>(first: *const T, is_end: impl Fn(&T) -> bool) -> Option<Vec<&'static T>> {
    if first.is_null() {
        return None;
    }
    let mut all = Vec::new();
    // SAFETY: by contract, the end is not passed.
    unsafe {
        let mut next = first;
        while !is_end(&*next) {
            all.push(&*next);
            next = next.add(1);
        }
    }
    Some(all)
}

fn line<T>(out: &mut String, what: &str, values: Option<Vec<&T>>, text: impl Fn(&T) -> String) {
    if let Some(values) = values {
        let words: String = values.into_iter().map(|value| format!(" {}", text(value))).collect();
        let _ = writeln!(out, "    Supported {what}:{words}");
    }
}

/// # Safety
/// A valid layout.
unsafe fn layout_name(layout: &ffi::AVChannelLayout) -> String {
    let mut buffer = [0 as c_char; 128];
    // SAFETY: a buffer of the given size, zero at its end.
    unsafe {
        ffi::av_channel_layout_describe(layout, buffer.as_mut_ptr(), buffer.len() - 1);
        CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned()
    }
}

#[allow(deprecated)] // the lists are what all versions have
pub(super) fn write(out: &mut String, coder: &'static ffi::AVCodec) {
    write_devices(out, coder);
    // SAFETY: a static codec; each array ends as its documentation says.
    unsafe {
        line(out, "framerates", until(coder.supported_framerates, |rate| rate.num == 0), |rate| {
            format!("{}/{}", rate.num, rate.den)
        });
        line(out, "pixel formats", until(coder.pix_fmts, |format| *format == -1), |format| {
            word(ffi::av_get_pix_fmt_name(*format)).unwrap_or("(null)").into()
        });
        line(out, "sample rates", until(coder.supported_samplerates, |rate| *rate == 0), ToString::to_string);
        line(out, "sample formats", until(coder.sample_fmts, |format| *format == -1), |format| {
            word(ffi::av_get_sample_fmt_name(*format)).unwrap_or("(null)").into()
        });
        line(out, "channel layouts", until(coder.ch_layouts, |layout| layout.nb_channels == 0), |layout| {
            layout_name(layout)
        });
    }
}

fn write_devices(out: &mut String, coder: &'static ffi::AVCodec) {
    // SAFETY: a static codec, whose configurations are static; NULL behind the last.
    let kinds = (0..).map_while(|index| unsafe { ffi::avcodec_get_hw_config(coder, index).as_ref() });
    // SAFETY: any number may be asked for; a static string or NULL.
    let names: String = kinds
        .map(|config| unsafe { word(ffi::av_hwdevice_get_type_name(config.device_type)) }.unwrap_or("(null)"))
        .map(|name| format!("{name} "))
        .collect();
    if !names.is_empty() {
        let _ = writeln!(out, "    Supported hardware devices: {names}");
    }
}

/// The codecs of a bitstream filter.
pub(super) fn codecs_of(filter: &'static ffi::AVBitStreamFilter) -> String {
    let mut out = String::new();
    // SAFETY: a static filter, whose list ends with AV_CODEC_ID_NONE; descriptors are static.
    unsafe {
        line(&mut out, "codecs", until(filter.codec_ids, |id| *id == ffi::AV_CODEC_ID_NONE), |id| {
            let codec = ffi::avcodec_descriptor_get(*id).as_ref();
            codec.and_then(|codec| word(codec.name)).unwrap_or("(null)").into()
        });
    }
    out
}
