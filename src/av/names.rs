//! Names of formats, codecs, sizes; expressions.

use super::{Rational, ffi};
use std::ffi::{CStr, c_char};
use std::ptr;

/// # Safety
/// `pointer` is NULL or a terminated string that lives long enough to be copied.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: by contract.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// "h264"; a codec id that FFmpeg does not know is "unknown_codec".
pub fn codec_name(codec_id: i32) -> String {
    // SAFETY: any number may be asked for; a static string.
    unsafe { text(ffi::avcodec_get_name(codec_id as _)) }.unwrap_or_default()
}

/// Whether subtitles of a codec are (text, bitmaps).
pub fn subtitle_kinds(codec_id: i32) -> (bool, bool) {
    // SAFETY: descriptors are static.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get(codec_id as _);
        if descriptor.is_null() {
            return (false, false);
        }
        let props = (*descriptor).props as u32;
        (props & ffi::AV_CODEC_PROP_TEXT_SUB != 0, props & ffi::AV_CODEC_PROP_BITMAP_SUB != 0)
    }
}

/// Whether packets of a codec may carry single fields.
pub fn codec_has_fields(codec_id: i32) -> bool {
    // SAFETY: descriptors are static.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get(codec_id as _);
        #[cfg(ffmpeg6_1)]
        return !descriptor.is_null() && (*descriptor).props as u32 & ffi::AV_CODEC_PROP_FIELDS != 0;
        #[cfg(not(ffmpeg6_1))]
        return !descriptor.is_null()
            && [ffi::AV_CODEC_ID_H264, ffi::AV_CODEC_ID_MPEG2VIDEO, ffi::AV_CODEC_ID_MPEG1VIDEO, ffi::AV_CODEC_ID_VC1]
                .contains(&(codec_id as u32));
    }
}

pub const CODEC_DVB_SUBTITLE: i32 = ffi::AV_CODEC_ID_DVB_SUBTITLE as i32;
/// Codecs whose packets say all that a decoder must know, wherever it begins.
pub fn says_its_parameters(codec: i32) -> bool {
    let codecs = [
        ffi::AV_CODEC_ID_MPEG1VIDEO,
        ffi::AV_CODEC_ID_MPEG2VIDEO,
        ffi::AV_CODEC_ID_MJPEG,
        ffi::AV_CODEC_ID_MP2,
        ffi::AV_CODEC_ID_MP3,
        ffi::AV_CODEC_ID_AC3,
        ffi::AV_CODEC_ID_EAC3,
    ];
    codecs.iter().any(|other| *other as i32 == codec)
}

pub const CODEC_H264: i32 = ffi::AV_CODEC_ID_H264 as i32;
pub const CODEC_HEVC: i32 = ffi::AV_CODEC_ID_HEVC as i32;
pub const CODEC_AAC: i32 = ffi::AV_CODEC_ID_AAC as i32;
pub const CODEC_MP3: i32 = ffi::AV_CODEC_ID_MP3 as i32;
pub const CODEC_AC3: i32 = ffi::AV_CODEC_ID_AC3 as i32;
pub const CODEC_MPEG4: i32 = ffi::AV_CODEC_ID_MPEG4 as i32;
pub const DISCARD_NONE: i32 = ffi::AVDISCARD_NONE;
pub const DISCARD_ALL: i32 = ffi::AVDISCARD_ALL;
pub const DISPOSITION_DEFAULT: i32 = ffi::AV_DISPOSITION_DEFAULT as i32;
pub const DISPOSITION_ATTACHED_PIC: i32 = ffi::AV_DISPOSITION_ATTACHED_PIC as i32;

pub fn pixel_format_name(format: i32) -> Option<String> {
    // SAFETY: any number may be asked for; a static string.
    unsafe { text(ffi::av_get_pix_fmt_name(format as _)) }
}

pub fn pixel_format(name: &str) -> Option<i32> {
    let name = crate::text::c_string(name).ok()?;
    // SAFETY: a terminated string.
    let format = unsafe { ffi::av_get_pix_fmt(name.as_ptr()) };
    (format != ffi::AV_PIX_FMT_NONE).then_some(format)
}

/// Bits of the first component.
pub fn pixel_depth(format: i32) -> i32 {
    // SAFETY: descriptors are static.
    unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(format as _);
        if descriptor.is_null() { 0 } else { (*descriptor).comp[0].depth }
    }
}

/// The format of `choices` that loses least against `target` (ffmpeg_filter.c: choose_pixel_fmt).
pub fn best_pixel_format(choices: &[i32], target: i32) -> i32 {
    if choices.contains(&target) || choices.is_empty() {
        return target;
    }
    // SAFETY: descriptors are static; numbers may be any.
    unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(target as _);
        let has_alpha = !descriptor.is_null() && (*descriptor).nb_components.is_multiple_of(2);
        choices.iter().fold(ffi::AV_PIX_FMT_NONE, |best, choice| {
            ffi::av_find_best_pix_fmt_of_2(best, *choice, target, i32::from(has_alpha), ptr::null_mut())
        })
    }
}

pub fn sample_format_name(format: i32) -> Option<String> {
    // SAFETY: any number may be asked for; a static string.
    unsafe { text(ffi::av_get_sample_fmt_name(format as _)) }
}

pub fn sample_format(name: &str) -> Option<i32> {
    let name = crate::text::c_string(name).ok()?;
    // SAFETY: a terminated string.
    let format = unsafe { ffi::av_get_sample_fmt(name.as_ptr()) };
    (format != ffi::AV_SAMPLE_FMT_NONE).then_some(format)
}

pub fn bytes_per_sample(format: i32) -> i32 {
    // SAFETY: any number may be asked for.
    unsafe { ffi::av_get_bytes_per_sample(format as _) }
}

pub fn exact_bits_per_sample(codec_id: i32) -> i32 {
    // SAFETY: any number may be asked for.
    unsafe { ffi::av_get_exact_bits_per_sample(codec_id as _) }
}

/// A point in time such as "2024-05-01 12:00:00" or "now", as "2024-05-01T12:00:00+0000" (av_parse_time; local time unless it ends in Z).
pub fn date_text(text: &str) -> Option<String> {
    let text = crate::text::c_string(text).ok()?;
    let mut time_us = 0;
    // SAFETY: a terminated string and a place for the result.
    if unsafe { ffi::av_parse_time(&mut time_us, text.as_ptr(), 0) } < 0 {
        return None;
    }
    let seconds = time_us.div_euclid(1_000_000);
    // SAFETY: a plain struct of integers and a pointer, which gmtime_r fills in.
    let time = unsafe {
        let mut time: libc::tm = std::mem::zeroed();
        if libc::gmtime_r(&seconds, &mut time).is_null() {
            return None;
        }
        time
    };
    let (year, month) = (time.tm_year + 1900, time.tm_mon + 1);
    let (day, hour, minute, second) = (time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+0000"))
}

/// "key=value:key=value", with FFmpeg's quoting (av_get_token); None where a part has no key.
pub fn key_values(text: &str, separator: char) -> Option<Vec<(String, String)>> {
    let (text, separator) = (crate::text::c_string(text).ok()?, crate::text::c_string(&separator.to_string()).ok()?);
    let mut rest = text.as_ptr();
    let mut pairs = Vec::new();
    // SAFETY: `rest` goes through a terminated string to its end; tokens are ours to free.
    unsafe {
        while *rest != 0 {
            let token = ffi::av_get_token(&mut rest, separator.as_ptr());
            if token.is_null() {
                return None;
            }
            let part = crate::text::from_bytes(CStr::from_ptr(token).to_bytes());
            ffi::av_free(token.cast());
            pairs.push(part.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))?);
            if *rest != 0 {
                rest = rest.add(1);
            }
        }
    }
    Some(pairs)
}

/// "1280x720", "hd720".
pub fn video_size(name: &str) -> Option<(i32, i32)> {
    let name = crate::text::c_string(name).ok()?;
    let (mut width, mut height) = (0, 0);
    // SAFETY: a terminated string and two places.
    let ret = unsafe { ffi::av_parse_video_size(&mut width, &mut height, name.as_ptr()) };
    (ret >= 0).then_some((width, height))
}

/// The nearest of `choices`.
pub fn nearest_frame_rate(rate: Rational, choices: &[Rational]) -> Rational {
    let distance = |choice: &&Rational| (choice.to_f64() - rate.to_f64()).abs();
    choices.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).copied().unwrap_or(rate)
}

/// The protocol of a URL ("file", "http"), or None.
pub fn protocol_name(url: &str) -> Option<String> {
    let url = crate::text::c_string(url).ok()?;
    // SAFETY: a terminated string; the name is static.
    unsafe { text(ffi::avio_find_protocol_name(url.as_ptr())) }
}

/// An expression with named variables (libavutil/eval.h).
pub struct Expression(*mut ffi::AVExpr);

// SAFETY: used by one thread at a time: evaluation needs `&mut`.
unsafe impl Send for Expression {}

impl Expression {
    /// `names` ends with a NULL.
    pub fn parse(expression: &str, names: &[&CStr]) -> Option<Expression> {
        let expression = crate::text::c_string(expression).ok()?;
        let names: Vec<_> = names.iter().map(|name| name.as_ptr()).chain([ptr::null()]).collect();
        let mut parsed = ptr::null_mut();
        // SAFETY: terminated strings and a terminated list; the result is ours.
        let ret = unsafe {
            ffi::av_expr_parse(
                &mut parsed,
                expression.as_ptr(),
                names.as_ptr(),
                ptr::null(),
                ptr::null(),
                ptr::null(),
                ptr::null(),
                0,
                ptr::null_mut(),
            )
        };
        (ret >= 0).then_some(Expression(parsed))
    }

    /// `values` in the order of the names.
    pub fn evaluate(&mut self, values: &[f64]) -> f64 {
        // SAFETY: a valid expression and as many values as it has names (the caller's arrays are of one length).
        unsafe { ffi::av_expr_eval(self.0, values.as_ptr(), ptr::null_mut()) }
    }
}

impl Drop for Expression {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::av_expr_free(self.0) };
    }
}
