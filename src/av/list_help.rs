//! As [`super::list`]: help on one muxer, filter and so on, with its options (fftools/opt_common.c: show_help).

use super::list::word;
use super::{ffi, log_terminal};
use std::fmt::Write;
use std::ptr;

/// The options of a class and its children, as `av_opt_show2` shows them. Calls FFmpeg's log: for programs, whose log goes
/// through [`super::install_printer`].
pub(super) fn class_options(class: *const ffi::AVClass, flags: u32) -> String {
    if class.is_null() { String::new() } else { log_terminal::captured(|| show(class, flags as i32)) }
}

fn show(class: *const ffi::AVClass, flags: i32) {
    // SAFETY: static classes; a pointer to a class pointer stands for an object, as ffmpeg does it.
    unsafe {
        if !(*class).option.is_null() {
            let mut object = class;
            ffi::av_opt_show2((&raw mut object).cast(), ptr::null_mut(), flags, 0);
            ffi::av_log(ptr::null_mut(), ffi::AV_LOG_INFO as i32, c"\n".as_ptr());
        }
        let mut state = ptr::null_mut();
        loop {
            let child = ffi::av_opt_child_class_iterate(class, &mut state);
            if child.is_null() {
                return;
            }
            show(child, flags);
        }
    }
}

/// The options of everything: `-h full`.
pub fn all_options() -> String {
    super::register_devices();
    let coding = ffi::AV_OPT_FLAG_DECODING_PARAM | ffi::AV_OPT_FLAG_ENCODING_PARAM;
    let media = ffi::AV_OPT_FLAG_VIDEO_PARAM | ffi::AV_OPT_FLAG_AUDIO_PARAM;
    // SAFETY: static classes.
    let classes = unsafe {
        [
            (ffi::avcodec_get_class(), coding),
            (ffi::avformat_get_class(), coding),
            (ffi::sws_get_class(), coding),
            (ffi::swr_get_class(), ffi::AV_OPT_FLAG_AUDIO_PARAM),
            (ffi::avfilter_get_class(), media | ffi::AV_OPT_FLAG_FILTERING_PARAM),
            (ffi::av_bsf_get_class(), media | ffi::AV_OPT_FLAG_BSF_PARAM),
        ]
    };
    classes.into_iter().map(|(class, flags)| class_options(class, flags)).collect()
}

pub fn demuxer_help(name: &str) -> String {
    super::register_devices();
    // SAFETY: a terminated string; formats are static.
    let Some(format) =
        crate::text::c_string(name).ok().and_then(|name| unsafe { ffi::av_find_input_format(name.as_ptr()).as_ref() })
    else {
        return format!("Unknown format '{name}'.\n");
    };
    // SAFETY: static strings.
    let (name, long_name, extensions) = unsafe { (word(format.name), word(format.long_name), word(format.extensions)) };
    let mut out = format!("Demuxer {} [{}]:\n", name.unwrap_or_default(), long_name.unwrap_or("(null)"));
    if let Some(extensions) = extensions {
        let _ = writeln!(out, "    Common extensions: {extensions}.");
    }
    out + &class_options(format.priv_class, ffi::AV_OPT_FLAG_DECODING_PARAM)
}

pub fn muxer_help(name: &str) -> String {
    super::register_devices();
    let format = crate::text::c_string(name)
        .ok()
        // SAFETY: a terminated string; formats are static.
        .and_then(|name| unsafe { ffi::av_guess_format(name.as_ptr(), ptr::null(), ptr::null()).as_ref() });
    let Some(format) = format else { return format!("Unknown format '{name}'.\n") };
    // SAFETY: static strings.
    let (name, long_name) = unsafe { (word(format.name), word(format.long_name)) };
    let mut out = format!("Muxer {} [{}]:\n", name.unwrap_or_default(), long_name.unwrap_or("(null)"));
    // SAFETY: static strings.
    let words = unsafe { [("Common extensions", word(format.extensions)), ("Mime type", word(format.mime_type))] };
    let codecs = [("video", format.video_codec), ("audio", format.audio_codec), ("subtitle", format.subtitle_codec)];
    for (what, word) in words {
        word.map(|word| writeln!(out, "    {what}: {word}."));
    }
    for (kind, id) in codecs {
        // SAFETY: any number may be asked for; a static string.
        let codec = unsafe { ffi::avcodec_descriptor_get(id).as_ref().and_then(|codec| word(codec.name)) };
        if let Some(codec) = codec.filter(|_| id != ffi::AV_CODEC_ID_NONE) {
            let _ = writeln!(out, "    Default {kind} codec: {codec}.");
        }
    }
    out + &class_options(format.priv_class, ffi::AV_OPT_FLAG_ENCODING_PARAM)
}

pub fn protocol_help(name: &str) -> String {
    let Ok(text) = crate::text::c_string(name) else { return String::new() };
    // SAFETY: a terminated string; classes are static.
    let class = unsafe { ffi::avio_protocol_get_class(text.as_ptr()) };
    match class.is_null() {
        true => format!("Unknown protocol '{name}'.\n"),
        false => class_options(class, ffi::AV_OPT_FLAG_DECODING_PARAM | ffi::AV_OPT_FLAG_ENCODING_PARAM),
    }
}

pub fn bitstream_filter_help(name: &str) -> String {
    // SAFETY: a terminated string; filters are static.
    let Some(filter) =
        crate::text::c_string(name).ok().and_then(|name| unsafe { ffi::av_bsf_get_by_name(name.as_ptr()).as_ref() })
    else {
        return format!("Unknown bit stream filter '{name}'.\n");
    };
    let codecs = super::list_supported::codecs_of(filter);
    format!("Bit stream filter {name}\n{codecs}") + &class_options(filter.priv_class, ffi::AV_OPT_FLAG_BSF_PARAM)
}

pub fn filter_help(name: &str) -> String {
    // SAFETY: a terminated string; filters are static.
    let Some(filter) =
        crate::text::c_string(name).ok().and_then(|name| unsafe { ffi::avfilter_get_by_name(name.as_ptr()).as_ref() })
    else {
        return format!("Unknown filter '{name}'.\n");
    };
    let mut out = format!("Filter {name}\n");
    // SAFETY: a static string.
    if let Some(about) = unsafe { word(filter.description) } {
        let _ = writeln!(out, "  {about}");
    }
    let has = |flag: u32| filter.flags as u32 & flag != 0;
    if has(ffi::AVFILTER_FLAG_SLICE_THREADS) {
        out.push_str("    slice threading supported\n");
    }
    out.push_str("    Inputs:\n");
    let dynamic = has(ffi::AVFILTER_FLAG_DYNAMIC_INPUTS);
    write_pads(&mut out, filter, 0, if dynamic { None } else { Some("source") });
    out.push_str("    Outputs:\n");
    let dynamic = has(ffi::AVFILTER_FLAG_DYNAMIC_OUTPUTS);
    write_pads(&mut out, filter, 1, if dynamic { None } else { Some("sink") });
    let media = ffi::AV_OPT_FLAG_VIDEO_PARAM | ffi::AV_OPT_FLAG_AUDIO_PARAM;
    out.push_str(&class_options(filter.priv_class, media | ffi::AV_OPT_FLAG_FILTERING_PARAM));
    if has(ffi::AVFILTER_FLAG_SUPPORT_TIMELINE) {
        out.push_str("This filter has support for timeline through the 'enable' option.\n");
    }
    out
}

/// `without`: what a filter without pads is called; None where their number depends on its options.
fn write_pads(out: &mut String, filter: &'static ffi::AVFilter, is_output: i32, without: Option<&str>) {
    let pads = if is_output == 1 { filter.outputs } else { filter.inputs };
    // SAFETY: a static filter, whose pads are counted; names are static.
    unsafe {
        let count = ffi::avfilter_filter_pad_count(filter, is_output) as i32;
        for index in 0..count {
            let name = word(ffi::avfilter_pad_get_name(pads, index)).unwrap_or_default();
            let kind = word(ffi::av_get_media_type_string(ffi::avfilter_pad_get_type(pads, index)));
            let _ = writeln!(out, "       #{index}: {name} ({})", kind.unwrap_or("(null)"));
        }
        match without {
            None => out.push_str("        dynamic (depending on the options)\n"),
            Some(what) if count == 0 => drop(writeln!(out, "        none ({what} filter)")),
            Some(_) => {}
        }
    }
}
