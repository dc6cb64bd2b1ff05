//! What FFmpeg has, as text: the lists of the ffmpeg program's -formats, -filters and so on, in its form
//! (fftools/opt_common.c; some forms changed with FFmpeg 7.0).

use super::{DeviceKind, ffi, register_devices};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};
use std::fmt::Write;
use std::ptr;

/// Which formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Formats {
    All,
    Muxers,
    Demuxers,
    Devices,
}

/// A static string of FFmpeg's; `None` for NULL.
///
/// # Safety
/// `pointer` is NULL or a static terminated string.
pub(super) unsafe fn word(pointer: *const c_char) -> Option<&'static str> {
    // SAFETY: by contract.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("?"))
}

/// Calls one of FFmpeg's iterators until it is through.
pub(super) fn each<T>(mut next: impl FnMut(*mut *mut c_void) -> *const T) -> impl Iterator<Item = &'static T>
where
    T: 'static,
{
    let mut state = ptr::null_mut();
    // SAFETY: FFmpeg's iterators return static things, NULL at the end.
    std::iter::from_fn(move || unsafe { next(&mut state).as_ref() })
}

fn letter(is_so: bool, letter: char) -> char {
    if is_so { letter } else { '.' }
}

struct Format {
    decodes: bool,
    encodes: bool,
    is_device: bool,
    long_name: &'static str,
}

/// # Safety
/// `class` is NULL or a static class.
unsafe fn is_device(class: *const ffi::AVClass) -> bool {
    // SAFETY: by contract.
    let category = unsafe { class.as_ref() }.map_or(0, |class| class.category);
    (ffi::AV_CLASS_CATEGORY_DEVICE_VIDEO_OUTPUT..=ffi::AV_CLASS_CATEGORY_DEVICE_INPUT).contains(&category)
}

fn found_formats(which: Formats) -> BTreeMap<&'static str, Format> {
    let mut found: BTreeMap<&'static str, Format> = BTreeMap::new();
    register_devices();
    // SAFETY: formats are static.
    unsafe {
        for format in each(|state| ffi::av_muxer_iterate(state)).filter(|_| which != Formats::Demuxers) {
            let is_device = is_device(format.priv_class);
            let (Some(name), long_name) = (word(format.name), word(format.long_name).unwrap_or(" ")) else { continue };
            if which != Formats::Devices || is_device {
                found.entry(name).or_insert(Format { decodes: false, encodes: true, is_device, long_name });
            }
        }
        for format in each(|state| ffi::av_demuxer_iterate(state)).filter(|_| which != Formats::Muxers) {
            let is_device = is_device(format.priv_class);
            let (Some(name), long_name) = (word(format.name), word(format.long_name).unwrap_or(" ")) else { continue };
            if which != Formats::Devices || is_device {
                let known = found.entry(name).or_insert(Format { decodes: true, encodes: false, is_device, long_name });
                (known.decodes, known.is_device) = (true, is_device);
            }
        }
    }
    found
}

pub fn formats(which: Formats) -> String {
    let has_mark = cfg!(ffmpeg7_0) && which != Formats::Devices;
    let (title, dot, device, rule) = match (cfg!(ffmpeg7_0), which) {
        (true, Formats::Devices) => ("Devices", "", "", "---"),
        (true, _) => ("Formats", ".", " ..d = Is a device\n", "---"),
        (false, Formats::Devices) => ("Devices", "", "", "--"),
        (false, _) => ("File formats", "", "", "--"),
    };
    let mut out = format!("{title}:\n D.{dot} = Demuxing supported\n .E{dot} = Muxing supported\n{device} {rule}\n");
    for (name, format) in found_formats(which) {
        let mark = |is_so, mark| if is_so { mark } else { " " };
        let (decodes, encodes) = (mark(format.decodes, "D"), mark(format.encodes, "E"));
        let device = if has_mark { mark(format.is_device, "d") } else { "" };
        let _ = writeln!(out, " {decodes}{encodes}{device} {name:<15} {}", format.long_name);
    }
    out
}

/// The protocols that can be read, or written.
pub fn protocol_names(writes: bool) -> Vec<&'static str> {
    let mut state = ptr::null_mut();
    // SAFETY: an iterator over static strings.
    std::iter::from_fn(|| unsafe { word(ffi::avio_enum_protocols(&raw mut state, i32::from(writes))) }).collect()
}

pub fn protocols() -> String {
    let mut out = "Supported file protocols:\n".to_owned();
    for (title, writes) in [("Input:", false), ("Output:", true)] {
        let _ = writeln!(out, "{title}");
        for name in protocol_names(writes) {
            let _ = writeln!(out, "  {name}");
        }
    }
    out
}

pub fn bitstream_filters() -> String {
    let mut out = "Bitstream filters:\n".to_owned();
    // SAFETY: bitstream filters are static.
    for filter in each(|state| unsafe { ffi::av_bsf_iterate(state) }) {
        // SAFETY: a static string.
        let _ = writeln!(out, "{}", unsafe { word(filter.name) }.unwrap_or_default());
    }
    out.push('\n');
    out
}

/// "V->AA": the kinds of a filter's pads.
fn pads(filter: &ffi::AVFilter) -> String {
    let mut out = String::new();
    let sides = [
        (filter.inputs, 0, ffi::AVFILTER_FLAG_DYNAMIC_INPUTS),
        (filter.outputs, 1, ffi::AVFILTER_FLAG_DYNAMIC_OUTPUTS),
    ];
    for (pads, is_output, is_dynamic) in sides {
        if is_output == 1 {
            out.push_str("->");
        }
        // SAFETY: a static filter, whose pads are counted.
        let count = unsafe { ffi::avfilter_filter_pad_count(filter, is_output) } as i32;
        for index in 0..count {
            // SAFETY: an existing pad.
            out.push(media_letter(unsafe { ffi::avfilter_pad_get_type(pads, index) }));
        }
        if count == 0 {
            out.push(if filter.flags as u32 & is_dynamic != 0 { 'N' } else { '|' });
        }
    }
    out
}

pub(super) fn media_letter(kind: ffi::AVMediaType) -> char {
    match kind {
        ffi::AVMEDIA_TYPE_VIDEO => 'V',
        ffi::AVMEDIA_TYPE_AUDIO => 'A',
        ffi::AVMEDIA_TYPE_DATA => 'D',
        ffi::AVMEDIA_TYPE_SUBTITLE => 'S',
        ffi::AVMEDIA_TYPE_ATTACHMENT => 'T',
        _ => '?',
    }
}

pub fn filters() -> String {
    let mut out = "Filters:\n  T.. = Timeline support\n  .S. = Slice threading\n".to_owned();
    if cfg!(not(ffmpeg8_0)) {
        out.push_str("  ..C = Command support\n");
    }
    out.push_str("  A = Audio input/output\n  V = Video input/output\n");
    out.push_str("  N = Dynamic number and/or type of input/output\n  | = Source or sink filter\n");
    if cfg!(ffmpeg8_0) {
        out.push_str("  ------\n");
    }
    // SAFETY: filters are static.
    for filter in each(|state| unsafe { ffi::av_filter_iterate(state) }) {
        let has = |flag: u32| filter.flags as u32 & flag != 0;
        let timeline = letter(has(ffi::AVFILTER_FLAG_SUPPORT_TIMELINE), 'T');
        let slices = letter(has(ffi::AVFILTER_FLAG_SLICE_THREADS), 'S');
        #[cfg(not(ffmpeg8_0))]
        let commands = String::from(letter(filter.process_command.is_some(), 'C'));
        #[cfg(ffmpeg8_0)]
        let commands = "";
        // SAFETY: static strings.
        let (name, about) = unsafe { (word(filter.name), word(filter.description)) };
        let (name, about) = (name.unwrap_or_default(), about.unwrap_or("(null)"));
        let _ = writeln!(out, " {timeline}{slices}{commands} {name:<17} {:<10} {about}", pads(filter));
    }
    out
}

pub fn colors() -> String {
    let mut out = format!("{:<32} #RRGGBB\n", "name");
    for index in 0.. {
        let mut rgb = ptr::null();
        // SAFETY: gives a static string and three static bytes, or NULL at the end of the table.
        let Some(name) = (unsafe { word(ffi::av_get_known_color_name(index, &mut rgb)) }) else { break };
        // SAFETY: as above.
        let [red, green, blue] = unsafe { rgb.cast::<[u8; 3]>().read() };
        let _ = writeln!(out, "{name:<32} #{red:02x}{green:02x}{blue:02x}");
    }
    out
}

pub fn pixel_formats() -> String {
    let mut out =
        "Pixel formats:\nI.... = Supported Input  format for conversion\n.O... = Supported Output format for \
                   conversion\n..H.. = Hardware accelerated format\n...P. = Paletted format\n....B = Bitstream format\n\
                   FLAGS NAME            NB_COMPONENTS BITS_PER_PIXEL BIT_DEPTHS\n-----\n"
            .to_owned();
    let mut last: *const ffi::AVPixFmtDescriptor = ptr::null();
    loop {
        // SAFETY: descriptors are static; the last one is followed by NULL.
        let Some(format) = (unsafe {
            last = ffi::av_pix_fmt_desc_next(last);
            last.as_ref()
        }) else {
            return out;
        };
        let has = |flag: u32| format.flags as u32 & flag != 0;
        // SAFETY: a static descriptor and its number.
        let (name, bits, input, output) = unsafe {
            let id = ffi::av_pix_fmt_desc_get_id(format);
            let is_input = ffi::sws_isSupportedInput(id) != 0;
            (word(format.name), ffi::av_get_bits_per_pixel(format), is_input, ffi::sws_isSupportedOutput(id) != 0)
        };
        let marks: String = [
            letter(input, 'I'),
            letter(output, 'O'),
            letter(has(ffi::AV_PIX_FMT_FLAG_HWACCEL), 'H'),
            letter(has(ffi::AV_PIX_FMT_FLAG_PAL), 'P'),
            letter(has(ffi::AV_PIX_FMT_FLAG_BITSTREAM), 'B'),
        ]
        .into_iter()
        .collect();
        // One depth is always there, also of formats without components.
        let depths: Vec<String> =
            (0..format.nb_components.max(1)).map(|i| format.comp[i as usize].depth.to_string()).collect();
        let (name, components) = (name.unwrap_or_default(), format.nb_components);
        let _ = writeln!(out, "{marks} {name:<16}       {components}            {bits:>3}      {}", depths.join("-"));
    }
}

/// What -hwaccel takes.
pub fn hardware() -> String {
    device_kinds("Hardware acceleration methods")
}

/// What -init_hw_device takes.
pub fn devices() -> String {
    device_kinds("Supported hardware device types")
}

fn device_kinds(title: &str) -> String {
    let mut out = format!("{title}:\n");
    DeviceKind::all().iter().for_each(|kind| out += &format!("{}\n", kind.name()));
    out.push('\n');
    out
}

pub fn dispositions() -> String {
    let mut out = String::new();
    for bit in 0..32 {
        // SAFETY: a static string or NULL.
        if let Some(name) = unsafe { word(ffi::av_disposition_to_string((1u32 << bit) as i32)) } {
            let _ = writeln!(out, "{name}");
        }
    }
    out
}
