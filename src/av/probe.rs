//! What ffprobe -show_format -show_streams -of json prints, as a JSON value. Source: `show_stream` and `show_format` of
//! FFmpeg's fftools/ffprobe.c: names, order and types of the fields are its.

use super::probe_side_data::side_data_list;
use super::{AvError, Input, NOPTS, Rational, TIME_BASE, ffi};
use serde_json::{Map, Value, json};
use std::ffi::{CStr, c_char};
use std::ptr;

type Fields = Map<String, Value>;

/// Format and streams of an open input. `with_decoders` opens each stream's decoder, as ffprobe does, for the few fields that
/// only it knows (coded size, reference frames, private values).
pub fn probe_json(input: &Input, with_decoders: bool) -> String {
    // SAFETY: a valid, open context with nb_streams streams.
    let streams: Vec<Value> = unsafe {
        let context = &*input.as_ptr();
        (0..context.nb_streams as usize)
            .map(|i| Value::Object(stream(context, *context.streams.add(i), with_decoders)))
            .collect()
    };
    // SAFETY: as above.
    let format = unsafe { format(&*input.as_ptr()) };
    json!({"streams": streams, "format": format}).to_string()
}

/// # Safety
/// `pointer` is NULL or a terminated string.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: by contract.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

fn put(fields: &mut Fields, key: &str, value: impl Into<Value>) {
    fields.insert(key.to_owned(), value.into());
}

fn put_text(fields: &mut Fields, key: &str, value: Option<String>) {
    if let Some(value) = value {
        put(fields, key, value);
    }
}

fn put_ratio(fields: &mut Fields, key: &str, ratio: Rational, separator: char) {
    put(fields, key, format!("{}{separator}{}", ratio.num, ratio.den));
}

fn put_seconds(fields: &mut Fields, key: &str, value: i64, time_base: Rational) {
    if value != NOPTS {
        put(fields, key, format!("{:.6}", value as f64 * time_base.to_f64()));
    }
}

fn put_number_as_text(fields: &mut Fields, key: &str, value: i64) {
    if value > 0 {
        put(fields, key, value.to_string());
    }
}

/// # Safety
/// `context` and `stream` are valid and belong together.
unsafe fn stream(context: &ffi::AVFormatContext, stream: *mut ffi::AVStream, with_decoders: bool) -> Fields {
    let mut fields = Fields::new();
    // SAFETY: by contract.
    unsafe {
        let (stream_ref, par) = (&*stream, &*(*stream).codecpar);
        let decoder = if with_decoders { Decoder::open(stream_ref) } else { None };
        let decoder = decoder.as_ref().map(|decoder| &*decoder.0);
        put(&mut fields, "index", stream_ref.index);
        codec_fields(&mut fields, par);
        match par.codec_type {
            ffi::AVMEDIA_TYPE_VIDEO => video_fields(&mut fields, context, stream, par, decoder),
            ffi::AVMEDIA_TYPE_AUDIO => audio_fields(&mut fields, par),
            ffi::AVMEDIA_TYPE_SUBTITLE => {
                for (key, value) in [("width", par.width), ("height", par.height)] {
                    if value != 0 {
                        put(&mut fields, key, value);
                    }
                }
            }
            _ => {}
        }
        if let Some(decoder) = decoder {
            private_fields(&mut fields, decoder);
        }
        if (*context.iformat).flags as u32 & ffi::AVFMT_SHOW_IDS != 0 {
            put(&mut fields, "id", format!("{:#x}", stream_ref.id));
        }
        time_fields(&mut fields, stream_ref);
        put_number_as_text(&mut fields, "bit_rate", par.bit_rate);
        put_number_as_text(&mut fields, "max_bit_rate", decoder.map_or(0, |d| d.rc_max_rate as i64));
        let raw_bits = decoder.map_or(par.bits_per_raw_sample, |d| d.bits_per_raw_sample);
        put_number_as_text(&mut fields, "bits_per_raw_sample", i64::from(raw_bits));
        if stream_ref.nb_frames != 0 {
            put(&mut fields, "nb_frames", stream_ref.nb_frames.to_string());
        }
        if par.extradata_size > 0 {
            put(&mut fields, "extradata_size", par.extradata_size);
        }
        put(&mut fields, "disposition", dispositions(stream_ref.disposition));
        tags(&mut fields, stream_ref.metadata);
        let side = super::sidedata::of_stream(stream);
        if !side.is_empty() {
            put(&mut fields, "side_data_list", side_data_list(&side, par));
        }
    }
    fields
}

/// # Safety
/// Static names are asked for any number.
unsafe fn codec_fields(fields: &mut Fields, par: &ffi::AVCodecParameters) {
    // SAFETY: descriptors and names are static.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get(par.codec_id);
        if !descriptor.is_null() {
            put_text(fields, "codec_name", text((*descriptor).name));
            let long = text((*descriptor).long_name).unwrap_or_else(|| "unknown".into());
            put(fields, "codec_long_name", long);
        }
        let profile = text(ffi::avcodec_profile_name(par.codec_id, par.profile));
        let unknown = -99; // FF_PROFILE_UNKNOWN, AV_PROFILE_UNKNOWN
        put_text(fields, "profile", profile.or_else(|| (par.profile != unknown).then(|| par.profile.to_string())));
        put_text(fields, "codec_type", text(ffi::av_get_media_type_string(par.codec_type)));
        let mut buffer = [0 as c_char; 32];
        let tag = ffi::av_fourcc_make_string(buffer.as_mut_ptr(), par.codec_tag);
        put_text(fields, "codec_tag_string", text(tag));
        put(fields, "codec_tag", format!("{:#06x}", par.codec_tag));
    }
}

/// # Safety
/// All belong together.
unsafe fn video_fields(
    fields: &mut Fields,
    context: &ffi::AVFormatContext,
    stream: *mut ffi::AVStream,
    par: &ffi::AVCodecParameters,
    decoder: Option<&ffi::AVCodecContext>,
) {
    put(fields, "width", par.width);
    put(fields, "height", par.height);
    if let Some(decoder) = decoder {
        put(fields, "coded_width", decoder.coded_width);
        put(fields, "coded_height", decoder.coded_height);
        #[cfg(not(ffmpeg8_0))]
        for (key, flag) in [
            ("closed_captions", ffi::FF_CODEC_PROPERTY_CLOSED_CAPTIONS),
            ("film_grain", ffi::FF_CODEC_PROPERTY_FILM_GRAIN),
        ] {
            put(fields, key, i32::from(decoder.properties as u32 & flag as u32 != 0));
        }
    }
    put(fields, "has_b_frames", par.video_delay);
    // SAFETY: context and stream belong together; names are static.
    unsafe {
        let context = ptr::from_ref(context).cast_mut();
        let aspect: Rational = ffi::av_guess_sample_aspect_ratio(context, stream, ptr::null_mut()).into();
        if aspect.num != 0 {
            put_ratio(fields, "sample_aspect_ratio", aspect, ':');
            let mut display = ffi::AVRational { num: 0, den: 1 };
            let (wide, high) =
                (i64::from(par.width) * i64::from(aspect.num), i64::from(par.height) * i64::from(aspect.den));
            ffi::av_reduce(&mut display.num, &mut display.den, wide, high, 1024 * 1024);
            put_ratio(fields, "display_aspect_ratio", display.into(), ':');
        }
        put_text(fields, "pix_fmt", super::pixel_format_name(par.format));
        put(fields, "level", par.level);
        let known = |value: u32, unspecified: u32, name: *const c_char| text(name).filter(|_| value != unspecified);
        put_text(
            fields,
            "color_range",
            known(par.color_range, ffi::AVCOL_RANGE_UNSPECIFIED, ffi::av_color_range_name(par.color_range)),
        );
        put_text(
            fields,
            "color_space",
            known(par.color_space, ffi::AVCOL_SPC_UNSPECIFIED, ffi::av_color_space_name(par.color_space)),
        );
        put_text(
            fields,
            "color_transfer",
            known(par.color_trc, ffi::AVCOL_TRC_UNSPECIFIED, ffi::av_color_transfer_name(par.color_trc)),
        );
        put_text(
            fields,
            "color_primaries",
            known(par.color_primaries, ffi::AVCOL_PRI_UNSPECIFIED, ffi::av_color_primaries_name(par.color_primaries)),
        );
        let location = ffi::av_chroma_location_name(par.chroma_location);
        put_text(fields, "chroma_location", known(par.chroma_location, ffi::AVCHROMA_LOC_UNSPECIFIED, location));
    }
    let order = match par.field_order {
        ffi::AV_FIELD_PROGRESSIVE => Some("progressive"),
        ffi::AV_FIELD_TT => Some("tt"),
        ffi::AV_FIELD_BB => Some("bb"),
        ffi::AV_FIELD_TB => Some("tb"),
        ffi::AV_FIELD_BT => Some("bt"),
        _ => None,
    };
    put_text(fields, "field_order", order.map(str::to_owned));
    if let Some(decoder) = decoder {
        put(fields, "refs", decoder.refs);
    }
}

/// # Safety
/// Valid parameters.
unsafe fn audio_fields(fields: &mut Fields, par: &ffi::AVCodecParameters) {
    put_text(fields, "sample_fmt", super::sample_format_name(par.format));
    put(fields, "sample_rate", par.sample_rate.to_string());
    put(fields, "channels", par.ch_layout.nb_channels);
    // SAFETY: a valid layout; any codec id may be asked for.
    unsafe {
        if par.ch_layout.order != ffi::AV_CHANNEL_ORDER_UNSPEC {
            let mut buffer = [0 as c_char; 128];
            ffi::av_channel_layout_describe(&par.ch_layout, buffer.as_mut_ptr(), buffer.len());
            put_text(fields, "channel_layout", text(buffer.as_ptr()));
        }
        put(fields, "bits_per_sample", ffi::av_get_bits_per_sample(par.codec_id));
        #[cfg(ffmpeg6)]
        put(fields, "initial_padding", par.initial_padding);
    }
}

fn time_fields(fields: &mut Fields, stream: &ffi::AVStream) {
    let time_base: Rational = stream.time_base.into();
    put_ratio(fields, "r_frame_rate", stream.r_frame_rate.into(), '/');
    put_ratio(fields, "avg_frame_rate", stream.avg_frame_rate.into(), '/');
    put_ratio(fields, "time_base", time_base, '/');
    if stream.start_time != NOPTS {
        put(fields, "start_pts", stream.start_time);
    }
    put_seconds(fields, "start_time", stream.start_time, time_base);
    if stream.duration != NOPTS {
        put(fields, "duration_ts", stream.duration);
    }
    put_seconds(fields, "duration", stream.duration, time_base);
}

const DISPOSITIONS: [(&str, u32); 17] = [
    ("default", ffi::AV_DISPOSITION_DEFAULT),
    ("dub", ffi::AV_DISPOSITION_DUB),
    ("original", ffi::AV_DISPOSITION_ORIGINAL),
    ("comment", ffi::AV_DISPOSITION_COMMENT),
    ("lyrics", ffi::AV_DISPOSITION_LYRICS),
    ("karaoke", ffi::AV_DISPOSITION_KARAOKE),
    ("forced", ffi::AV_DISPOSITION_FORCED),
    ("hearing_impaired", ffi::AV_DISPOSITION_HEARING_IMPAIRED),
    ("visual_impaired", ffi::AV_DISPOSITION_VISUAL_IMPAIRED),
    ("clean_effects", ffi::AV_DISPOSITION_CLEAN_EFFECTS),
    ("attached_pic", ffi::AV_DISPOSITION_ATTACHED_PIC),
    ("timed_thumbnails", ffi::AV_DISPOSITION_TIMED_THUMBNAILS),
    ("captions", ffi::AV_DISPOSITION_CAPTIONS),
    ("descriptions", ffi::AV_DISPOSITION_DESCRIPTIONS),
    ("metadata", ffi::AV_DISPOSITION_METADATA),
    ("dependent", ffi::AV_DISPOSITION_DEPENDENT),
    ("still_image", ffi::AV_DISPOSITION_STILL_IMAGE),
];

fn dispositions(value: i32) -> Value {
    let one = |(name, flag): &(&str, u32)| ((*name).to_owned(), Value::from(i32::from(value as u32 & flag != 0)));
    Value::Object(DISPOSITIONS.iter().map(one).collect())
}

/// # Safety
/// `metadata` is NULL or a valid dictionary.
unsafe fn tags(fields: &mut Fields, metadata: *const ffi::AVDictionary) {
    // SAFETY: by contract.
    let entries = unsafe { super::Dict::copy_of(metadata) }.entries();
    if !entries.is_empty() {
        put(fields, "tags", Value::Object(entries.into_iter().map(|(k, v)| (k, Value::from(v))).collect()));
    }
}

/// # Safety
/// A valid, open context.
unsafe fn format(context: &ffi::AVFormatContext) -> Value {
    let mut fields = Fields::new();
    // SAFETY: by contract.
    unsafe {
        put(&mut fields, "filename", crate::secrets::mask_url(&text(context.url).unwrap_or_default()));
        put(&mut fields, "nb_streams", context.nb_streams);
        put(&mut fields, "nb_programs", context.nb_programs);
        put_text(&mut fields, "format_name", text((*context.iformat).name));
        put_text(&mut fields, "format_long_name", text((*context.iformat).long_name));
        put_seconds(&mut fields, "start_time", context.start_time, TIME_BASE);
        put_seconds(&mut fields, "duration", context.duration, TIME_BASE);
        let size = if context.pb.is_null() { -1 } else { ffi::avio_size(context.pb) };
        if size >= 0 {
            put(&mut fields, "size", size.to_string());
        }
        put_number_as_text(&mut fields, "bit_rate", context.bit_rate);
        put(&mut fields, "probe_score", context.probe_score);
        tags(&mut fields, context.metadata);
    }
    Value::Object(fields)
}

/// What the decoder exports of its private values ("is_avc", "nal_length_size").
///
/// # Safety
/// An open decoder.
unsafe fn private_fields(fields: &mut Fields, decoder: &ffi::AVCodecContext) {
    // SAFETY: priv_data begins with the codec's class where it has one; strings from av_opt_get are ours to free.
    unsafe {
        if decoder.priv_data.is_null() || (*decoder.codec).priv_class.is_null() {
            return;
        }
        let mut option = ptr::null();
        loop {
            option = ffi::av_opt_next(decoder.priv_data, option);
            if option.is_null() {
                return;
            }
            if (*option).flags as u32 & ffi::AV_OPT_FLAG_EXPORT == 0 {
                continue;
            }
            let mut value = ptr::null_mut();
            if ffi::av_opt_get(decoder.priv_data, (*option).name, 0, &mut value) >= 0 {
                if let (Some(name), Some(value)) = (text((*option).name), text(value.cast())) {
                    put(fields, &name, value);
                }
                ffi::av_free(value.cast());
            }
        }
    }
}

/// A decoder that is opened to be asked, never fed.
struct Decoder(*mut ffi::AVCodecContext);

impl Decoder {
    /// # Safety
    /// A valid stream.
    unsafe fn open(stream: &ffi::AVStream) -> Option<Decoder> {
        // SAFETY: the context is ours from allocation on.
        unsafe {
            let codec = ffi::avcodec_find_decoder((*stream.codecpar).codec_id);
            if codec.is_null() {
                return None;
            }
            let decoder = Decoder(ffi::avcodec_alloc_context3(codec));
            if decoder.0.is_null() {
                return None;
            }
            let opened =
                AvError::check(ffi::avcodec_parameters_to_context(decoder.0, stream.codecpar)).and_then(|_| {
                    (*decoder.0).pkt_timebase = stream.time_base;
                    AvError::check(ffi::avcodec_open2(decoder.0, codec, ptr::null_mut()))
                });
            opened.ok().map(|_| decoder)
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::avcodec_free_context(&mut self.0) };
    }
}
