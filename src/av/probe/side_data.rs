//! Side data of streams and packets. Source: `print_pkt_side_data` of FFmpeg's fftools/ffprobe.c.

use super::data::{read, slice};
use super::sink::bytes;
use super::{Section, Sink, Subject};
use crate::av::ffi;

/// Where the side data of a stream lies: in itself until FFmpeg 6.0, in its codec parameters since 6.1.
///
/// # Safety
/// `stream` is valid, and its side data stays as it is for `'a`.
pub(super) unsafe fn of_stream<'a>(stream: *const ffi::AVStream) -> &'a [ffi::AVPacketSideData] {
    // SAFETY: by contract.
    unsafe {
        #[cfg(ffmpeg6_1)]
        let (list, count) = ((*(*stream).codecpar).coded_side_data, (*(*stream).codecpar).nb_coded_side_data);
        #[cfg(not(ffmpeg6_1))]
        let (list, count) = ((*stream).side_data, (*stream).nb_side_data);
        entries(list, count)
    }
}

/// # Safety
/// `list` points to `count` valid entries that stay as they are for `'a`, or is NULL.
pub(super) unsafe fn entries<'a>(list: *const ffi::AVPacketSideData, count: i32) -> &'a [ffi::AVPacketSideData] {
    match usize::try_from(count) {
        // SAFETY: by contract.
        Ok(count) if !list.is_null() => unsafe { std::slice::from_raw_parts(list, count) },
        _ => &[],
    }
}

impl Subject<'_> {
    pub(super) fn side_data(
        &self,
        list: &[ffi::AVPacketSideData],
        par: &ffi::AVCodecParameters,
        [of_list, of_entry]: [Section; 2],
        out: &mut dyn Sink,
    ) {
        out.begin(of_list);
        for entry in list {
            out.begin(of_entry);
            // SAFETY: any number may be asked for: a static string or NULL; the entry's data has `size` bytes.
            let (name, data) =
                unsafe { (bytes(ffi::av_packet_side_data_name(entry.type_)), slice(entry.data, entry.size as i64)) };
            out.text("side_data_type", name.unwrap_or(b"unknown"));
            match entry.type_ {
                ffi::AV_PKT_DATA_WEBVTT_IDENTIFIER | ffi::AV_PKT_DATA_WEBVTT_SETTINGS => self.data(out, data),
                kind => drop(known(kind, data, par, out)),
            }
            out.end();
        }
        out.end();
    }
}

/// The fields of the types that ffprobe knows; None where there are too few bytes.
fn known(kind: u32, data: &[u8], par: &ffi::AVCodecParameters, out: &mut dyn Sink) -> Option<()> {
    match kind {
        ffi::AV_PKT_DATA_DISPLAYMATRIX => display_matrix(data, out),
        ffi::AV_PKT_DATA_STEREO3D => stereo(data, out),
        ffi::AV_PKT_DATA_SPHERICAL => spherical(data, par, out),
        ffi::AV_PKT_DATA_SKIP_SAMPLES if data.len() == 10 => skip_samples(data, out),
        ffi::AV_PKT_DATA_MASTERING_DISPLAY_METADATA => mastering(data, out),
        ffi::AV_PKT_DATA_CONTENT_LIGHT_LEVEL => light_level(data, out),
        ffi::AV_PKT_DATA_DOVI_CONF => dolby_vision(data, out),
        // SAFETY: a C enum, a plain number.
        ffi::AV_PKT_DATA_AUDIO_SERVICE_TYPE => unsafe { read::<i32>(data) }.map(|kind| out.int("service_type", kind)),
        ffi::AV_PKT_DATA_MPEGTS_STREAM_ID => data.first().map(|id| out.int("id", *id)),
        ffi::AV_PKT_DATA_CPB_PROPERTIES => coded_picture_buffer(data, out),
        ffi::AV_PKT_DATA_AFD => data.first().map(|format| out.int("active_format", *format)),
        _ => None,
    }
}

/// A double as C turns it into a number: NaN and what is too large become the smallest one.
fn truncated(value: f64) -> i64 {
    if value.is_nan() || value.abs() >= i64::MAX as f64 { i64::MIN } else { value as i64 }
}

pub(super) fn display_matrix(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: nine numbers.
    let matrix = unsafe { read::<[i32; 9]>(data)? };
    let [a, b, u, c, d, v, x, y, w] = matrix;
    out.format(
        "displaymatrix",
        format_args!(
            "\n00000000:  {a:11} {b:11} {u:11}\n00000001:  {c:11} {d:11} {v:11}\n00000002:  {x:11} {y:11} {w:11}\n"
        ),
    );
    out.int("rotation", truncated(crate::av::rotation(&matrix)));
    Some(())
}

fn stereo(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers; a static string for any number.
    let (stereo, name) = unsafe {
        let stereo = read::<ffi::AVStereo3D>(data)?;
        (stereo, bytes(ffi::av_stereo3d_type_name(stereo.type_ as _)))
    };
    out.text("type", name.unwrap_or_default());
    out.flag("inverted", stereo.flags as u32 & ffi::AV_STEREO3D_FLAG_INVERT != 0);
    Some(())
}

fn spherical(data: &[u8], par: &ffi::AVCodecParameters, out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers; a static string for any number.
    let (map, name) = unsafe {
        let map = read::<ffi::AVSphericalMapping>(data)?;
        (map, bytes(ffi::av_spherical_projection_name(map.projection)))
    };
    out.text("projection", name.unwrap_or_default());
    if map.projection == ffi::AV_SPHERICAL_CUBEMAP {
        out.int("padding", map.padding);
    } else if map.projection == ffi::AV_SPHERICAL_EQUIRECTANGULAR_TILE {
        let (mut left, mut top, mut right, mut bottom) = (0, 0, 0, 0);
        // FFmpeg takes the size as it is; a negative one would become a huge one.
        let (width, height) = (par.width.max(0) as _, par.height.max(0) as _);
        // SAFETY: a valid mapping and four places.
        unsafe { ffi::av_spherical_tile_bounds(&map, width, height, &mut left, &mut top, &mut right, &mut bottom) };
        for (key, bound) in [("bound_left", left), ("bound_top", top), ("bound_right", right), ("bound_bottom", bottom)]
        {
            out.int(key, bound as i64);
        }
    }
    for (key, angle) in [("yaw", map.yaw), ("pitch", map.pitch), ("roll", map.roll)] {
        out.int(key, angle / (1 << 16));
    }
    Some(())
}

fn skip_samples(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    let number = |at: usize| data.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    out.int("skip_samples", number(0)?);
    out.int("discard_padding", number(4)?);
    out.int("skip_reason", data[8]);
    out.int("discard_reason", data[9]);
    Some(())
}

pub(super) fn mastering(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers.
    let display = unsafe { read::<ffi::AVMasteringDisplayMetadata>(data)? };
    if display.has_primaries != 0 {
        let [red, green, blue] = display.display_primaries;
        for (x_key, y_key, [x, y]) in [
            ("red_x", "red_y", red),
            ("green_x", "green_y", green),
            ("blue_x", "blue_y", blue),
            ("white_point_x", "white_point_y", display.white_point),
        ] {
            out.ratio(x_key, x, '/');
            out.ratio(y_key, y, '/');
        }
    }
    if display.has_luminance != 0 {
        out.ratio("min_luminance", display.min_luminance, '/');
        out.ratio("max_luminance", display.max_luminance, '/');
    }
    Some(())
}

pub(super) fn light_level(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers.
    let light = unsafe { read::<ffi::AVContentLightMetadata>(data)? };
    out.int("max_content", light.MaxCLL);
    out.int("max_average", light.MaxFALL);
    Some(())
}

fn dolby_vision(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers.
    let conf = unsafe { read::<ffi::AVDOVIDecoderConfigurationRecord>(data)? };
    out.int("dv_version_major", conf.dv_version_major);
    out.int("dv_version_minor", conf.dv_version_minor);
    out.int("dv_profile", conf.dv_profile);
    out.int("dv_level", conf.dv_level);
    out.int("rpu_present_flag", conf.rpu_present_flag);
    out.int("el_present_flag", conf.el_present_flag);
    out.int("bl_present_flag", conf.bl_present_flag);
    out.int("dv_bl_signal_compatibility_id", conf.dv_bl_signal_compatibility_id);
    Some(())
}

fn coded_picture_buffer(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers.
    let prop = unsafe { read::<ffi::AVCPBProperties>(data)? };
    out.int("max_bitrate", prop.max_bitrate);
    out.int("min_bitrate", prop.min_bitrate);
    out.int("avg_bitrate", prop.avg_bitrate);
    out.int("buffer_size", prop.buffer_size);
    out.int("vbv_delay", prop.vbv_delay as i64);
    Some(())
}
