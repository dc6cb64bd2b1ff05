//! AVOptions: which names FFmpeg knows, and whose they are.

use super::{Codec, Dict, Url, ffi};
use crate::error::{Code, Error};
use crate::options::{MediaKind, Release};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ptr;

/// Who takes an option of this name.
#[derive(Clone, Debug, Default)]
pub struct OptionOwner {
    pub codec: Option<CodecOption>,
    pub format: bool,
    pub scaler: bool,
    pub resampler: bool,
}

#[derive(Clone, Debug)]
pub struct CodecOption {
    pub is_encoding: bool,
    pub is_decoding: bool,
    /// It was named with the letter of its media type in front: "vprofile".
    pub is_short: bool,
    pub help: &'static str,
}

/// The question that the option parser asks.
pub struct Classes;

/// What a value of an option that stands in a file may have at most.
const VALUE_BYTES: usize = 16 << 20;
const SCALER_SHAPES: [&str; 6] = ["srcw", "srch", "dstw", "dsth", "src_format", "dst_format"];

impl crate::options::AvOptions for Classes {
    fn knows(&self, key: &str) -> bool {
        match key.split_once(':') {
            // Only options of codecs have stream specifiers, and only by their full names (cmdutils.c: opt_default).
            Some((name, _)) => option_owner(name).codec.is_some_and(|codec| !codec.is_short),
            None => {
                let owner = option_owner(key);
                // Sizes and formats are set by -s and -pix_fmt; ffmpeg refuses the scaler's own words for them too.
                let is_scaler = owner.scaler && !SCALER_SHAPES.contains(&key);
                owner.codec.is_some() || owner.format || is_scaler || owner.resampler
            }
        }
    }

    fn release(&self) -> Release {
        super::loaded_release()
    }

    fn read_file(&self, url: &str) -> Result<String, Error> {
        let bytes =
            Url::open_for_reading(url, None).and_then(|mut file| file.read_all(VALUE_BYTES)).map_err(|error| {
                let code = error.errno().and_then(Code::from_errno).unwrap_or(Code::OPTION);
                Error::new(code, format!("cannot read '{url}' for the value of an option: {}", error.words()))
                    .at("options")
            })?;
        String::from_utf8(bytes).map_err(|_| Error::option(format!("what stands in '{url}' is not UTF-8")))
    }
}

/// Finds an option in a class; `children` looks into every codec, format and protocol too.
pub(super) fn find(
    mut class: *const ffi::AVClass,
    name: &str,
    flags: u32,
    children: bool,
) -> Option<&'static ffi::AVOption> {
    if class.is_null() {
        return None;
    }
    let name = crate::text::c_string(name).ok()?;
    let search = ffi::AV_OPT_SEARCH_FAKE_OBJ | if children { ffi::AV_OPT_SEARCH_CHILDREN } else { 0 };
    // SAFETY: with FAKE_OBJ the object is a pointer to a class pointer; options are static.
    unsafe {
        let option = ffi::av_opt_find((&raw mut class).cast(), name.as_ptr(), ptr::null(), flags as i32, search as i32);
        // An entry without flags is a constant, not an option (cmdutils.c: opt_find).
        (!option.is_null() && (*option).flags != 0).then(|| &*option)
    }
}

/// Who takes `name` (without a stream specifier), as ffmpeg's opt_default decides. Asked for every option of every job, and FFmpeg
/// looks through all of its codecs and formats: the answer, which never changes, is kept.
pub fn option_owner(name: &str) -> OptionOwner {
    static KNOWN: RwLock<BTreeMap<String, OptionOwner>> = RwLock::new(BTreeMap::new());
    /// There are some thousand names; beyond that they are nonsense.
    const MOST: usize = 4096;
    if let Some(owner) = KNOWN.read().get(name) {
        return owner.clone();
    }
    let owner = find_owner(name);
    let mut known = KNOWN.write();
    if known.len() < MOST {
        known.insert(name.to_owned(), owner.clone());
    }
    owner
}

fn find_owner(name: &str) -> OptionOwner {
    super::register_devices(); // lavfi and its like have options too
    // SAFETY: static classes.
    let (codec, format, sws, swr) =
        unsafe { (ffi::avcodec_get_class(), ffi::avformat_get_class(), ffi::sws_get_class(), ffi::swr_get_class()) };
    let short = name.strip_prefix(['v', 'a', 's']).filter(|rest| !rest.is_empty());
    let full = find(codec, name, 0, true);
    let codec_option = full.or_else(|| find(codec, short?, 0, false)).map(|option| CodecOption {
        is_short: full.is_none(),
        is_encoding: option.flags as u32 & ffi::AV_OPT_FLAG_ENCODING_PARAM != 0,
        is_decoding: option.flags as u32 & ffi::AV_OPT_FLAG_DECODING_PARAM != 0,
        help: match option.help.is_null() {
            true => "",
            // SAFETY: a static terminated string.
            false => unsafe { CStr::from_ptr(option.help) }.to_str().unwrap_or_default(),
        },
    });
    let is_format = find(format, name, 0, true).is_some();
    let is_taken = codec_option.is_some() || is_format;
    OptionOwner {
        scaler: !is_taken && find(sws, name, 0, true).is_some(),
        resampler: !is_taken && find(swr, name, 0, true).is_some(),
        codec: codec_option,
        format: is_format,
    }
}

/// The name under which `codec` takes option `name` for streams of `kind`: the name itself, or without its leading letter
/// ("vprofile"). None where it does not. Rule: cmdutils.c filter_codec_opts.
pub fn codec_option_name(codec: Option<Codec>, kind: MediaKind, is_encoder: bool, name: &str) -> Option<&str> {
    let direction = if is_encoder { ffi::AV_OPT_FLAG_ENCODING_PARAM } else { ffi::AV_OPT_FLAG_DECODING_PARAM };
    let media = match kind {
        MediaKind::Video => ffi::AV_OPT_FLAG_VIDEO_PARAM,
        MediaKind::Audio => ffi::AV_OPT_FLAG_AUDIO_PARAM,
        MediaKind::Subtitle => ffi::AV_OPT_FLAG_SUBTITLE_PARAM,
        _ => 0,
    };
    let flags = direction | media;
    // SAFETY: a static class.
    let class = unsafe { ffi::avcodec_get_class() };
    let Some(codec) = codec else { return Some(name) };
    if find(class, name, flags, false).is_some() || find(codec.private_class(), name, flags, false).is_some() {
        return Some(name);
    }
    name.strip_prefix(kind.letter()).filter(|rest| find(class, rest, flags, false).is_some())
}

/// An object that is nothing but its class, for evaluating values. A pointer to the class alone, which is what ffmpeg 5.1 takes, is not
/// enough: of a value that makes no sense FFmpeg writes a line for the object, for which it reads members far behind the first
/// (ffmpeg 5.1 crashes of `-discard nosuch`).
#[repr(C)]
struct StandIn {
    class: *const ffi::AVClass,
    rest: [u64; 1024],
}

const _: () = assert!(size_of::<ffi::AVCodecContext>() <= size_of::<StandIn>());
const _: () = assert!(size_of::<ffi::AVStream>() <= size_of::<StandIn>());

impl StandIn {
    fn new(class: *const ffi::AVClass) -> StandIn {
        StandIn { class, rest: [0; 1024] }
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        ptr::from_mut(self).cast()
    }
}

/// Evaluates flags or a named number of a codec option, such as "skip_frame" = "nokey".
pub fn codec_flag_value(option: &str, value: &str) -> Option<i32> {
    // SAFETY: a static class and one of its options.
    unsafe {
        let class = ffi::avcodec_get_class();
        evaluate(&mut StandIn::new(class), find(class, option, 0, false)?, value)
    }
}

/// Evaluates dispositions: "default+forced", "0", "-default".
pub fn disposition_value(value: &str, current: i32) -> Option<i32> {
    // SAFETY: a static class and one of its options.
    unsafe {
        let class = ffi::av_stream_get_class();
        let option = find(class, "disposition", 0, false).or_else(|| find_any(class, c"disposition"))?;
        let value = crate::text::c_string(value).ok()?;
        let mut result = current;
        let ret = ffi::av_opt_eval_flags(StandIn::new(class).as_ptr(), option, value.as_ptr(), &mut result);
        (ret >= 0).then_some(result)
    }
}

/// # Safety
/// `class` is a static class.
unsafe fn find_any(mut class: *const ffi::AVClass, name: &CStr) -> Option<&'static ffi::AVOption> {
    // SAFETY: by contract.
    unsafe {
        let search = ffi::AV_OPT_SEARCH_FAKE_OBJ as i32;
        let option = ffi::av_opt_find((&raw mut class).cast(), name.as_ptr(), ptr::null(), 0, search);
        (!option.is_null()).then(|| &*option)
    }
}

/// # Safety
/// `option` belongs to the object's class.
unsafe fn evaluate(object: &mut StandIn, option: &ffi::AVOption, value: &str) -> Option<i32> {
    let value = crate::text::c_string(value).ok()?;
    let mut result = 0;
    // SAFETY: by contract.
    let ret = unsafe { ffi::av_opt_eval_int(object.as_ptr(), option, value.as_ptr(), &mut result) };
    (ret >= 0).then_some(result)
}

/// A "flags"-like option of a muxer or codec: whether "bitexact" is among them.
pub fn has_bitexact(options: &Dict, key: &str) -> bool {
    options
        .get(key)
        .is_some_and(|value| value.split(['+', '-']).any(|word| word == "bitexact") && !value.contains("-bitexact"))
}

/// Whether an option is of flags, so that "+x" adds to what was set before.
pub fn is_flags_option(name: &str) -> bool {
    // SAFETY: static classes.
    let classes =
        unsafe { [ffi::avcodec_get_class(), ffi::avformat_get_class(), ffi::sws_get_class(), ffi::swr_get_class()] };
    let option = classes.into_iter().find_map(|class| find(class, name, 0, true));
    option.is_some_and(|option| option.type_ == ffi::AV_OPT_TYPE_FLAGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_makes_no_sense_is_refused() {
        for _ in 0..20 {
            assert_eq!(codec_flag_value("skip_frame", "nosuch"), None);
            assert_eq!(disposition_value("nosuch", 0), None);
        }
        assert_eq!(codec_flag_value("skip_frame", "all"), Some(ffi::AVDISCARD_ALL));
        assert_eq!(disposition_value("default", 0), Some(ffi::AV_DISPOSITION_DEFAULT as i32));
    }
}
