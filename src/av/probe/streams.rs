//! Streams. Source: `show_stream` of FFmpeg's fftools/ffprobe.c: names, order and types of the fields are its.

use super::data::{dump, slice};
use super::names::{self, Colors, channel_layout};
use super::sink::bytes;
use super::{Section, Sink, Subject, Unit, side_data};
use crate::av::{AvError, Rational, ffi};
use std::ffi::c_char;
use std::ptr;

/// The sections of a stream, alone or in its program.
struct Sections {
    stream: Section,
    disposition: Section,
    tags: Section,
}

const ALONE: Sections =
    Sections { stream: Section::Stream, disposition: Section::StreamDisposition, tags: Section::StreamTags };
const IN_PROGRAM: Sections = Sections {
    stream: Section::ProgramStream,
    disposition: Section::ProgramStreamDisposition,
    tags: Section::ProgramStreamTags,
};

impl Subject<'_> {
    /// Every stream that is selected.
    pub fn streams(&self, out: &mut dyn Sink) -> Result<(), AvError> {
        out.begin(Section::Streams);
        let result = (0..self.stream_count()).try_for_each(|index| self.stream(index, false, out));
        out.end();
        result
    }

    /// One stream, if it is selected.
    pub(super) fn stream(&self, index: usize, is_in_program: bool, out: &mut dyn Sink) -> Result<(), AvError> {
        if !self.is_selected(index) {
            return Ok(());
        }
        let pointer = self.input.stream(index);
        // SAFETY: a valid stream of a valid context, with its parameters.
        let (stream, par) = unsafe { (&*pointer, &*(*pointer).codecpar) };
        let sections = if is_in_program { IN_PROGRAM } else { ALONE };
        let decoder = self.decoder(index);
        out.begin(sections.stream);
        out.int("index", stream.index);
        codec(out, par, self.wanted.is_bitexact);
        match par.codec_type {
            ffi::AVMEDIA_TYPE_VIDEO => self.video(pointer, par, decoder, out),
            ffi::AVMEDIA_TYPE_AUDIO => audio(out, par),
            ffi::AVMEDIA_TYPE_SUBTITLE => {
                out.field("width", positive(par.width));
                out.field("height", positive(par.height));
            }
            _ => {}
        }
        if let Some(decoder) = decoder.filter(|_| self.wanted.shows_private) {
            private_values(out, decoder);
        }
        self.numbers(index, stream, par, decoder, out);
        self.extradata(par, out);
        if out.wants(Section::StreamDisposition) || out.wants(Section::ProgramStreamDisposition) {
            dispositions(out, sections.disposition, stream.disposition as u32);
        }
        let mut result = Ok(());
        if out.wants(Section::StreamTags) || out.wants(Section::ProgramStreamTags) {
            // SAFETY: NULL or a valid dictionary.
            result = unsafe { super::tags(out, sections.tags, stream.metadata) };
        }
        // SAFETY: a valid stream.
        let list = unsafe { side_data::of_stream(pointer) };
        if !list.is_empty() {
            self.side_data(list, par, [Section::StreamSideDataList, Section::StreamSideData], out);
        }
        out.end();
        result.and(out.flush())
    }

    fn video(
        &self,
        stream: *mut ffi::AVStream,
        par: &ffi::AVCodecParameters,
        decoder: Option<&ffi::AVCodecContext>,
        out: &mut dyn Sink,
    ) {
        out.int("width", par.width);
        out.int("height", par.height);
        if let Some(decoder) = decoder {
            out.int("coded_width", decoder.coded_width);
            out.int("coded_height", decoder.coded_height);
            properties(out, decoder);
        }
        out.int("has_b_frames", par.video_delay);
        // SAFETY: context and stream belong together; no frame.
        let aspect = unsafe { ffi::av_guess_sample_aspect_ratio(self.input.as_ptr(), stream, ptr::null_mut()) };
        aspects(out, aspect.into(), par);
        out.text_or("pix_fmt", names::pixel_format(par.format), "unknown");
        out.int("level", par.level);
        let colors = Colors {
            range: par.color_range,
            space: par.color_space,
            primaries: par.color_primaries,
            transfer: par.color_trc,
            location: par.chroma_location,
        };
        colors.range_and_space(out);
        colors.transfer(out);
        colors.primaries(out);
        colors.location(out);
        out.text_or("field_order", field_order(par.field_order), "unknown");
        if let Some(decoder) = decoder {
            out.int("refs", decoder.refs);
        }
    }

    /// Rates, times, counts.
    fn numbers(
        &self,
        index: usize,
        stream: &ffi::AVStream,
        par: &ffi::AVCodecParameters,
        decoder: Option<&ffi::AVCodecContext>,
        out: &mut dyn Sink,
    ) {
        match self.format_flags() & ffi::AVFMT_SHOW_IDS != 0 {
            true => out.format("id", format_args!("{:#x}", stream.id)),
            false => out.unknown("id", "N/A"),
        }
        out.ratio("r_frame_rate", stream.r_frame_rate, '/');
        out.ratio("avg_frame_rate", stream.avg_frame_rate, '/');
        out.ratio("time_base", stream.time_base, '/');
        out.times("start_pts", "start_time", stream.start_time, stream.time_base);
        out.times("duration_ts", "duration", stream.duration, stream.time_base);
        out.amount("bit_rate", par.bit_rate, Unit::BitPerSecond, 1);
        out.amount("max_bit_rate", decoder.map_or(0, |d| d.rc_max_rate as i64), Unit::BitPerSecond, 1);
        // Without decoders the container's word is better than none.
        let bits = match self.decoders {
            Some(_) => decoder.map_or(0, |d| d.bits_per_raw_sample),
            None => par.bits_per_raw_sample,
        };
        out.digits("bits_per_raw_sample", bits, bits > 0);
        out.digits("nb_frames", stream.nb_frames, stream.nb_frames != 0);
        let counts = self.counts(index);
        out.digits("nb_read_frames", counts.frames, counts.frames != 0);
        out.digits("nb_read_packets", counts.packets, counts.packets != 0);
    }

    fn extradata(&self, par: &ffi::AVCodecParameters, out: &mut dyn Sink) {
        // SAFETY: as many bytes as the parameters say.
        let extradata = unsafe { slice(par.extradata, i64::from(par.extradata_size)) };
        if self.wanted.shows_data {
            dump(out, "extradata", extradata);
        }
        if par.extradata_size > 0 {
            out.int("extradata_size", par.extradata_size);
            self.hash(out, "extradata_hash", extradata);
        }
    }
}

fn positive(value: i32) -> super::Value<'static> {
    if value != 0 { super::Value::Integer(value.into()) } else { super::Value::Unknown("N/A") }
}

fn codec(out: &mut dyn Sink, par: &ffi::AVCodecParameters, is_bitexact: bool) {
    // SAFETY: any number may be asked for; descriptors and names are static.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get(par.codec_id);
        let (name, long_name) = match descriptor.as_ref() {
            Some(descriptor) => (bytes(descriptor.name), bytes(descriptor.long_name).or(Some(b"unknown"))),
            None => (None, None),
        };
        out.text_or("codec_name", name, "unknown");
        if !is_bitexact {
            out.text_or("codec_long_name", long_name, "unknown");
        }
        const UNKNOWN: i32 = -99; // FF_PROFILE_UNKNOWN, AV_PROFILE_UNKNOWN
        match bytes(ffi::avcodec_profile_name(par.codec_id, par.profile)).filter(|_| !is_bitexact) {
            Some(name) => out.text("profile", name),
            None if par.profile != UNKNOWN => out.format("profile", format_args!("{}", par.profile)),
            None => out.unknown("profile", "unknown"),
        }
        out.text_or("codec_type", names::media_type(par.codec_type), "unknown");
        let mut buffer = [0 as c_char; 32];
        out.text(
            "codec_tag_string",
            bytes(ffi::av_fourcc_make_string(buffer.as_mut_ptr(), par.codec_tag)).unwrap_or(b""),
        );
    }
    out.format("codec_tag", format_args!("{:#06x}", par.codec_tag));
}

fn properties(out: &mut dyn Sink, decoder: &ffi::AVCodecContext) {
    #[cfg(not(ffmpeg8_0))]
    for (key, flag) in
        [("closed_captions", ffi::FF_CODEC_PROPERTY_CLOSED_CAPTIONS), ("film_grain", ffi::FF_CODEC_PROPERTY_FILM_GRAIN)]
    {
        out.flag(key, decoder.properties as u32 & flag as u32 != 0);
    }
    #[cfg(ffmpeg8_0)]
    let _ = (out, decoder);
}

fn aspects(out: &mut dyn Sink, aspect: Rational, par: &ffi::AVCodecParameters) {
    if aspect.num == 0 {
        out.unknown("sample_aspect_ratio", "N/A");
        return out.unknown("display_aspect_ratio", "N/A");
    }
    out.ratio("sample_aspect_ratio", aspect, ':');
    let (mut num, mut den) = (0, 1);
    let wide = i64::from(par.width) * i64::from(aspect.num);
    let high = i64::from(par.height) * i64::from(aspect.den);
    // SAFETY: writes two ints that we own.
    unsafe { ffi::av_reduce(&mut num, &mut den, wide, high, 1024 * 1024) };
    out.ratio("display_aspect_ratio", Rational::new(num, den), ':');
}

fn field_order(order: ffi::AVFieldOrder) -> Option<&'static [u8]> {
    match order {
        ffi::AV_FIELD_PROGRESSIVE => Some(b"progressive"),
        ffi::AV_FIELD_TT => Some(b"tt"),
        ffi::AV_FIELD_BB => Some(b"bb"),
        ffi::AV_FIELD_TB => Some(b"tb"),
        ffi::AV_FIELD_BT => Some(b"bt"),
        _ => None,
    }
}

fn audio(out: &mut dyn Sink, par: &ffi::AVCodecParameters) {
    out.text_or("sample_fmt", names::sample_format(par.format), "unknown");
    out.field("sample_rate", super::Value::Amount(par.sample_rate.into(), Unit::Hertz));
    out.int("channels", par.ch_layout.nb_channels);
    channel_layout(out, &par.ch_layout);
    // SAFETY: any codec id may be asked for.
    out.int("bits_per_sample", unsafe { ffi::av_get_bits_per_sample(par.codec_id) });
    #[cfg(ffmpeg6)]
    out.int("initial_padding", par.initial_padding);
}

/// What the decoder exports of its private values ("is_avc", "nal_length_size").
fn private_values(out: &mut dyn Sink, decoder: &ffi::AVCodecContext) {
    // SAFETY: an open decoder; priv_data begins with the codec's class where it has one; strings of av_opt_get are ours to free.
    unsafe {
        if decoder.priv_data.is_null() || (*decoder.codec).priv_class.is_null() {
            return;
        }
        let mut option = ptr::null();
        loop {
            option = ffi::av_opt_next(decoder.priv_data, option);
            let Some(found) = option.as_ref() else { return };
            if found.flags as u32 & ffi::AV_OPT_FLAG_EXPORT == 0 {
                continue;
            }
            let mut value = ptr::null_mut();
            if ffi::av_opt_get(decoder.priv_data, found.name, 0, &mut value) >= 0 {
                let name = bytes(found.name).and_then(|name| str::from_utf8(name).ok());
                if let (Some(name), Some(value)) = (name, bytes(value.cast())) {
                    out.text(name, value);
                }
                ffi::av_free(value.cast());
            }
        }
    }
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

fn dispositions(out: &mut dyn Sink, section: Section, value: u32) {
    out.begin(section);
    DISPOSITIONS.iter().for_each(|(name, flag)| out.flag(name, value & flag != 0));
    out.end();
}
