//! As [`super::list`]: codecs, decoders and encoders, and what one of them can do.

use super::ffi;
use super::list::{each, media_letter, word};
use super::list_help::class_options;
use std::ffi::c_char;
use std::fmt::Write;
use std::ptr;

type Descriptor = ffi::AVCodecDescriptor;

/// Codecs by kind and name.
fn sorted() -> Vec<&'static Descriptor> {
    let mut all = Vec::new();
    let mut last: *const Descriptor = ptr::null();
    // SAFETY: descriptors are static; the last one is followed by NULL.
    while let Some(next) = unsafe { ffi::avcodec_descriptor_next(last).as_ref() } {
        last = next;
        all.push(next);
    }
    all.sort_by_key(|codec| (codec.type_, name(codec)));
    all
}

fn name(codec: &Descriptor) -> &'static str {
    // SAFETY: a static string.
    unsafe { word(codec.name) }.unwrap_or_default()
}

fn is_encoder(codec: &ffi::AVCodec) -> bool {
    // SAFETY: a static codec.
    unsafe { ffi::av_codec_is_encoder(codec) != 0 }
}

fn coders(id: ffi::AVCodecID, encoders: bool) -> impl Iterator<Item = &'static ffi::AVCodec> {
    // SAFETY: codecs are static.
    each(|state| unsafe { ffi::av_codec_iterate(state) })
        .filter(move |codec| codec.id == id && is_encoder(codec) == encoders)
}

fn coder_name(codec: &ffi::AVCodec) -> &'static str {
    // SAFETY: a static string.
    unsafe { word(codec.name) }.unwrap_or_default()
}

/// " (decoders: a b )", where there are others than the one with the codec's name.
fn others(codec: &Descriptor, encoders: bool) -> String {
    let names: Vec<_> = coders(codec.id, encoders).map(coder_name).collect();
    if names.iter().all(|coder| *coder == name(codec)) {
        return String::new();
    }
    let end = if cfg!(ffmpeg7_0) { "" } else { " " };
    format!(" ({}: {}{end})", if encoders { "encoders" } else { "decoders" }, names.join(" "))
}

pub fn codecs() -> String {
    let mut out =
        "Codecs:\n D..... = Decoding supported\n .E.... = Encoding supported\n ..V... = Video codec\n ..A... = \
                   Audio codec\n ..S... = Subtitle codec\n ..D... = Data codec\n ..T... = Attachment codec\n ...I.. = \
                   Intra frame-only codec\n ....L. = Lossy compression\n .....S = Lossless compression\n -------\n"
            .to_owned();
    for codec in sorted().into_iter().filter(|codec| !name(codec).contains("_deprecated")) {
        let has = |flag: u32, letter: char| if codec.props as u32 & flag != 0 { letter } else { '.' };
        // SAFETY: any number may be asked for.
        let (decodes, encodes) =
            unsafe { (!ffi::avcodec_find_decoder(codec.id).is_null(), !ffi::avcodec_find_encoder(codec.id).is_null()) };
        let _ = writeln!(
            out,
            " {}{}{}{}{}{} {:<20} {}{}{}",
            if decodes { 'D' } else { '.' },
            if encodes { 'E' } else { '.' },
            media_letter(codec.type_),
            has(ffi::AV_CODEC_PROP_INTRA_ONLY, 'I'),
            has(ffi::AV_CODEC_PROP_LOSSY, 'L'),
            has(ffi::AV_CODEC_PROP_LOSSLESS, 'S'),
            name(codec),
            // SAFETY: a static string.
            unsafe { word(codec.long_name) }.unwrap_or_default(),
            others(codec, false),
            others(codec, true),
        );
    }
    out
}

/// Decoders or encoders.
pub fn coder_list(encoders: bool) -> String {
    let title = if encoders { "Encoders" } else { "Decoders" };
    let mut out = format!(
        "{title}:\n V..... = Video\n A..... = Audio\n S..... = Subtitle\n .F.... = Frame-level multithreading\n ..S... = \
         Slice-level multithreading\n ...X.. = Codec is experimental\n ....B. = Supports draw_horiz_band\n .....D = \
         Supports direct rendering method 1\n ------\n"
    );
    for codec in sorted() {
        for coder in coders(codec.id, encoders) {
            let has = |flag: u32, letter: char| if coder.capabilities as u32 & flag != 0 { letter } else { '.' };
            let _ = write!(
                out,
                " {}{}{}{}{}{} {:<20} {}",
                media_letter(codec.type_),
                has(ffi::AV_CODEC_CAP_FRAME_THREADS, 'F'),
                has(ffi::AV_CODEC_CAP_SLICE_THREADS, 'S'),
                has(ffi::AV_CODEC_CAP_EXPERIMENTAL, 'X'),
                has(ffi::AV_CODEC_CAP_DRAW_HORIZ_BAND, 'B'),
                has(ffi::AV_CODEC_CAP_DR1, 'D'),
                coder_name(coder),
                // SAFETY: a static string.
                unsafe { word(coder.long_name) }.unwrap_or_default(),
            );
            let other =
                if coder_name(coder) == name(codec) { String::new() } else { format!(" (codec {})", name(codec)) };
            let _ = writeln!(out, "{other}");
        }
    }
    out
}

/// `-h decoder=NAME`: of one coder by its name, or of all that there are for a codec.
pub fn coder_help(wanted: &str, encoder: bool) -> String {
    let Ok(text) = crate::text::c_string(wanted) else { return String::new() };
    let find: unsafe extern "C" fn(*const c_char) -> *const ffi::AVCodec =
        if encoder { ffi::avcodec_find_encoder_by_name } else { ffi::avcodec_find_decoder_by_name };
    // SAFETY: a terminated string; codecs and descriptors are static.
    let (coder, codec) =
        unsafe { (find(text.as_ptr()).as_ref(), ffi::avcodec_descriptor_get_by_name(text.as_ptr()).as_ref()) };
    match (coder, codec) {
        (Some(coder), _) => one(coder),
        (None, None) => format!("Codec '{wanted}' is not recognized by FFmpeg.\n"),
        (None, Some(codec)) => {
            let all: String = coders(codec.id, encoder).map(one).collect();
            let what = if encoder { "encoders" } else { "decoders" };
            match all.is_empty() {
                true => format!(
                    "Codec '{wanted}' is known to FFmpeg, but no {what} for it are available. FFmpeg might need to be \
                     recompiled with additional external libraries.\n"
                ),
                false => all,
            }
        }
    }
}

/// Words for capabilities, in the order in which ffmpeg prints them. "subframes" is gone since 6.0.
const CAPABILITIES: [(u32, &str); 13] = [
    (ffi::AV_CODEC_CAP_DRAW_HORIZ_BAND, "horizband"),
    (ffi::AV_CODEC_CAP_DR1, "dr1"),
    (ffi::AV_CODEC_CAP_DELAY, "delay"),
    (ffi::AV_CODEC_CAP_SMALL_LAST_FRAME, "small"),
    (if cfg!(ffmpeg6) { 0 } else { 1 << 8 }, "subframes"),
    (ffi::AV_CODEC_CAP_EXPERIMENTAL, "exp"),
    (ffi::AV_CODEC_CAP_CHANNEL_CONF, "chconf"),
    (ffi::AV_CODEC_CAP_PARAM_CHANGE, "paramchange"),
    (ffi::AV_CODEC_CAP_VARIABLE_FRAME_SIZE, "variable"),
    (THREADS, "threads"),
    (ffi::AV_CODEC_CAP_AVOID_PROBING, "avoidprobe"),
    (ffi::AV_CODEC_CAP_HARDWARE, "hardware"),
    (ffi::AV_CODEC_CAP_HYBRID, "hybrid"),
];
const BOTH: u32 = ffi::AV_CODEC_CAP_FRAME_THREADS | ffi::AV_CODEC_CAP_SLICE_THREADS;
const THREADS: u32 = BOTH | ffi::AV_CODEC_CAP_OTHER_THREADS;

fn one(coder: &'static ffi::AVCodec) -> String {
    let kind = if is_encoder(coder) { "Encoder" } else { "Decoder" };
    // SAFETY: a static string.
    let long_name = unsafe { word(coder.long_name) }.unwrap_or_default();
    let mut out = format!("{kind} {} [{long_name}]:\n    General capabilities: ", coder_name(coder));
    let capabilities = coder.capabilities as u32;
    for (_, word) in CAPABILITIES.iter().filter(|(flags, _)| capabilities & flags != 0) {
        let _ = write!(out, "{word} ");
    }
    out.push_str(if capabilities == 0 { "none\n" } else { "\n" });
    if [ffi::AVMEDIA_TYPE_VIDEO, ffi::AVMEDIA_TYPE_AUDIO].contains(&coder.type_) {
        let threads = match capabilities & THREADS {
            BOTH => "frame and slice",
            ffi::AV_CODEC_CAP_FRAME_THREADS => "frame",
            ffi::AV_CODEC_CAP_SLICE_THREADS => "slice",
            ffi::AV_CODEC_CAP_OTHER_THREADS => "other",
            _ => "none",
        };
        let _ = writeln!(out, "    Threading capabilities: {threads}");
    }
    super::list_supported::write(&mut out, coder);
    out.push_str(&class_options(coder.priv_class, ffi::AV_OPT_FLAG_ENCODING_PARAM | ffi::AV_OPT_FLAG_DECODING_PARAM));
    out
}
