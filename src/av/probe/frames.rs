//! Frames and their side data. Source: `show_frame` of FFmpeg's fftools/ffprobe.c.

use super::data::{read, slice};
use super::names::{self, Colors, channel_layout};
use super::sink::bytes;
use super::{Section, ShownLog, Sink, Subject, Unit, dolby_vision, dynamic_hdr, side_data, tags};
use crate::av::{AvError, Frame, Rational, ffi};
use std::ffi::c_char;
use std::ptr;

impl Subject<'_> {
    /// A frame of the stream `index`. `log`: what was logged while it was decoded.
    pub fn frame(
        &self,
        index: usize,
        frame: &Frame,
        log: Option<&ShownLog>,
        out: &mut dyn Sink,
    ) -> Result<(), AvError> {
        if !self.is_selected(index) {
            return Err(AvError::INVALID);
        }
        let pointer = self.input.stream(index);
        // SAFETY: a valid frame, and the stream that it belongs to with its parameters.
        let (stream, par, properties) = unsafe { (&*pointer, &*(*pointer).codecpar, &*frame.as_ptr()) };
        out.begin(Section::Frame);
        common(out, stream, par, properties);
        match par.codec_type {
            ffi::AVMEDIA_TYPE_VIDEO => {
                // SAFETY: context, stream and frame belong together.
                let aspect = unsafe { ffi::av_guess_sample_aspect_ratio(self.input.as_ptr(), pointer, frame.as_ptr()) };
                video(out, properties, aspect.into());
            }
            ffi::AVMEDIA_TYPE_AUDIO => {
                out.text_or("sample_fmt", names::sample_format(properties.format), "unknown");
                out.int("nb_samples", properties.nb_samples);
                out.int("channels", properties.ch_layout.nb_channels);
                channel_layout(out, &properties.ch_layout);
            }
            _ => {}
        }
        if out.wants(Section::FrameTags) {
            // ffprobe goes on after a bad tag. SAFETY: NULL or a valid dictionary.
            let _ = unsafe { tags(out, Section::FrameTags, properties.metadata) };
        }
        if let Some(log) = log {
            log.show(out);
        }
        if properties.nb_side_data > 0 {
            side_data_list(out, properties, stream.avg_frame_rate.into());
        }
        out.end();
        out.flush()
    }
}

fn common(out: &mut dyn Sink, stream: &ffi::AVStream, par: &ffi::AVCodecParameters, frame: &ffi::AVFrame) {
    let time_base = stream.time_base;
    out.text_or("media_type", names::media_type(par.codec_type), "unknown");
    out.int("stream_index", stream.index);
    #[cfg(not(ffmpeg6_1))]
    out.int("key_frame", frame.key_frame);
    #[cfg(ffmpeg6_1)]
    out.flag("key_frame", frame.flags & ffi::AV_FRAME_FLAG_KEY as i32 != 0);
    out.times("pts", "pts_time", frame.pts, time_base);
    out.times("pkt_dts", "pkt_dts_time", frame.pkt_dts, time_base);
    out.times("best_effort_timestamp", "best_effort_timestamp_time", frame.best_effort_timestamp, time_base);
    #[cfg(not(ffmpeg6))]
    out.durations("pkt_duration", "pkt_duration_time", frame.pkt_duration, time_base);
    #[cfg(ffmpeg6)]
    out.durations("duration", "duration_time", frame.duration, time_base);
    #[cfg(not(ffmpeg8_0))]
    {
        out.digits("pkt_pos", frame.pkt_pos, frame.pkt_pos != -1);
        match frame.pkt_size {
            -1 => out.unknown("pkt_size", "N/A"),
            size => out.amount("pkt_size", size.into(), Unit::Byte, i64::MIN),
        }
    }
}

fn video(out: &mut dyn Sink, frame: &ffi::AVFrame, aspect: Rational) {
    out.int("width", frame.width);
    out.int("height", frame.height);
    out.text_or("pix_fmt", names::pixel_format(frame.format), "unknown");
    match aspect.num {
        0 => out.unknown("sample_aspect_ratio", "N/A"),
        _ => out.ratio("sample_aspect_ratio", aspect, ':'),
    }
    // SAFETY: any number may be asked for.
    let letter = unsafe { ffi::av_get_picture_type_char(frame.pict_type) };
    out.text("pict_type", &[letter as u8]);
    #[cfg(not(ffmpeg7_0))]
    {
        out.int("coded_picture_number", frame.coded_picture_number);
        out.int("display_picture_number", frame.display_picture_number);
    }
    #[cfg(not(ffmpeg6_1))]
    {
        out.int("interlaced_frame", frame.interlaced_frame);
        out.int("top_field_first", frame.top_field_first);
    }
    #[cfg(ffmpeg6_1)]
    for (key, flag) in
        [("interlaced_frame", ffi::AV_FRAME_FLAG_INTERLACED), ("top_field_first", ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST)]
    {
        out.flag(key, frame.flags & flag as i32 != 0);
    }
    out.int("repeat_pict", frame.repeat_pict);
    let colors = Colors {
        range: frame.color_range,
        space: frame.colorspace,
        primaries: frame.color_primaries,
        transfer: frame.color_trc,
        location: frame.chroma_location,
    };
    colors.range_and_space(out);
    colors.primaries(out);
    colors.transfer(out);
    colors.location(out);
}

fn side_data_list(out: &mut dyn Sink, frame: &ffi::AVFrame, frame_rate: Rational) {
    out.begin(Section::FrameSideDataList);
    for i in 0..frame.nb_side_data as usize {
        // SAFETY: as many valid entries as the frame says, each with `size` bytes; names are static, of any number.
        let (side, name, data) = unsafe {
            let side = &**frame.side_data.add(i);
            (side, bytes(ffi::av_frame_side_data_name(side.type_)), slice(side.data, side.size as i64))
        };
        out.begin(Section::FrameSideData);
        out.text("side_data_type", name.unwrap_or(b"unknown"));
        known(out, side, data, frame_rate);
        out.end();
    }
    out.end();
}

/// The fields of the types that ffprobe knows; None where there are too few bytes.
fn known(out: &mut dyn Sink, side: &ffi::AVFrameSideData, data: &[u8], frame_rate: Rational) -> Option<()> {
    match side.type_ {
        ffi::AV_FRAME_DATA_DISPLAYMATRIX => side_data::display_matrix(data, out),
        ffi::AV_FRAME_DATA_AFD => data.first().map(|format| out.int("active_format", *format)),
        ffi::AV_FRAME_DATA_GOP_TIMECODE => group_timecode(data, out),
        ffi::AV_FRAME_DATA_S12M_TIMECODE if data.len() == 16 => timecodes(data, frame_rate, out),
        ffi::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA => side_data::mastering(data, out),
        ffi::AV_FRAME_DATA_DYNAMIC_HDR_PLUS => dynamic_hdr::plus(data, out),
        ffi::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL => side_data::light_level(data, out),
        ffi::AV_FRAME_DATA_ICC_PROFILE => colour_profile(side, out),
        ffi::AV_FRAME_DATA_DOVI_METADATA => dolby_vision::metadata(data, out),
        ffi::AV_FRAME_DATA_DYNAMIC_HDR_VIVID => dynamic_hdr::vivid(data, out),
        _ => None,
    }
}

type TimecodeText = [c_char; ffi::AV_TIMECODE_STR_SIZE as usize];

fn group_timecode(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a number.
    let timecode = unsafe { read::<i64>(data)? };
    let mut text: TimecodeText = [0; _];
    // SAFETY: a buffer of the size that the function asks for, which it terminates.
    let text = unsafe { bytes(ffi::av_timecode_make_mpeg_tc_string(text.as_mut_ptr(), timecode as u32)) };
    out.text("timecode", text.unwrap_or_default());
    Some(())
}

fn timecodes(data: &[u8], frame_rate: Rational, out: &mut dyn Sink) -> Option<()> {
    // SAFETY: four numbers.
    let [count, codes @ ..] = unsafe { read::<[u32; 4]>(data)? };
    out.begin(Section::TimecodeList);
    for code in codes.into_iter().take(count.min(3) as usize) {
        let mut text: TimecodeText = [0; _];
        // SAFETY: a buffer of the size that the function asks for, which it terminates.
        let text =
            unsafe { bytes(ffi::av_timecode_make_smpte_tc_string2(text.as_mut_ptr(), frame_rate.into(), code, 0, 0)) };
        out.begin(Section::Timecode);
        out.text("value", text.unwrap_or_default());
        out.end();
    }
    out.end();
    Some(())
}

fn colour_profile(side: &ffi::AVFrameSideData, out: &mut dyn Sink) -> Option<()> {
    // SAFETY: NULL or a valid dictionary, whose strings live as long.
    unsafe {
        let name = ffi::av_dict_get(side.metadata, c"name".as_ptr(), ptr::null(), ffi::AV_DICT_MATCH_CASE as i32);
        if let Some(name) = name.as_ref() {
            out.text("name", bytes(name.value).unwrap_or_default());
        }
    }
    out.int("size", side.size as i64);
    Some(())
}
