//! Packets, and subtitles, which are decoded without frames. Source: `show_packet` and `show_subtitle` of FFmpeg's
//! fftools/ffprobe.c.

use super::data::slice;
use super::{Section, Sink, Subject, Unit, names, side_data, tags};
use crate::av::{AvError, Decoder, Packet, TIME_BASE, ffi};
use std::mem::MaybeUninit;
use std::ptr;

impl Subject<'_> {
    /// A packet of one of the input's streams.
    pub fn packet(&self, packet: &Packet, out: &mut dyn Sink) -> Result<(), AvError> {
        let index = usize::try_from(packet.stream_index()).map_err(|_| AvError::INVALID)?;
        if !self.is_selected(index) {
            return Err(AvError::INVALID);
        }
        // SAFETY: a valid packet, and the stream that it belongs to with its parameters.
        let (packet, stream, par) = unsafe {
            let stream = &*self.input.stream(index);
            (&*packet.as_ptr(), stream, &*stream.codecpar)
        };
        let time_base = stream.time_base;
        out.begin(Section::Packet);
        out.text_or("codec_type", names::media_type(par.codec_type), "unknown");
        out.int("stream_index", packet.stream_index);
        out.times("pts", "pts_time", packet.pts, time_base);
        out.times("dts", "dts_time", packet.dts, time_base);
        out.durations("duration", "duration_time", packet.duration, time_base);
        out.amount("size", packet.size.into(), Unit::Byte, i64::MIN);
        out.digits("pos", packet.pos, packet.pos != -1);
        let has = |flag: u32, letter: char| if packet.flags as u32 & flag != 0 { letter } else { '_' };
        let flags = (has(ffi::AV_PKT_FLAG_KEY, 'K'), has(ffi::AV_PKT_FLAG_DISCARD, 'D'));
        out.format("flags", format_args!("{}{}", flags.0, flags.1));
        if packet.side_data_elems != 0 {
            if out.wants(Section::PacketTags) {
                packet_tags(packet, out);
            }
            // SAFETY: as many entries as the packet says.
            let list = unsafe { side_data::entries(packet.side_data, packet.side_data_elems) };
            self.side_data(list, par, [Section::PacketSideDataList, Section::PacketSideData], out);
        }
        // SAFETY: as many bytes as the packet says.
        self.data(out, unsafe { slice(packet.data, packet.size.into()) });
        out.end();
        out.flush()
    }

    pub fn subtitle(&self, subtitle: &Subtitle, out: &mut dyn Sink) -> Result<(), AvError> {
        let subtitle = &subtitle.0;
        out.begin(Section::Subtitle);
        out.text("media_type", b"subtitle");
        out.times("pts", "pts_time", subtitle.pts, TIME_BASE);
        out.int("format", subtitle.format);
        out.int("start_display_time", subtitle.start_display_time);
        out.int("end_display_time", subtitle.end_display_time);
        out.int("num_rects", subtitle.num_rects);
        out.end();
        out.flush()
    }
}

/// Tags that came with a packet, which are packed in side data.
fn packet_tags(packet: &ffi::AVPacket, out: &mut dyn Sink) {
    let mut size = 0;
    let mut dict = ptr::null_mut();
    // SAFETY: a valid packet; the dictionary is ours, and freed once.
    unsafe {
        let packed = ffi::av_packet_get_side_data(packet, ffi::AV_PKT_DATA_STRINGS_METADATA, &mut size);
        if packed.is_null() || size == 0 {
            return;
        }
        if ffi::av_packet_unpack_dictionary(packed, size, &mut dict) >= 0 {
            let _ = tags(out, Section::PacketTags, dict); // ffprobe goes on
        }
        ffi::av_dict_free(&mut dict);
    }
}

/// A decoded subtitle.
pub struct Subtitle(ffi::AVSubtitle);

impl Subtitle {
    /// Decodes a packet; a blank one drains. None where there is no subtitle in it.
    pub fn decode(decoder: &mut Decoder, packet: &Packet) -> Result<Option<Subtitle>, AvError> {
        let (mut subtitle, mut is_complete) = (MaybeUninit::zeroed(), 0);
        // SAFETY: an open decoder and a valid packet; an AVSubtitle of zeros is an empty one.
        unsafe {
            let ret = ffi::avcodec_decode_subtitle2(
                decoder.as_ptr(),
                subtitle.as_mut_ptr(),
                &mut is_complete,
                packet.as_ptr(),
            );
            AvError::check(ret)?;
            Ok((is_complete != 0).then(|| Subtitle(subtitle.assume_init())))
        }
    }
}

impl Drop for Subtitle {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::avsubtitle_free(&mut self.0) };
    }
}
