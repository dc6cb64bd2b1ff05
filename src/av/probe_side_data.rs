//! Side data of streams as ffprobe prints it (`print_pkt_side_data` of FFmpeg's fftools/ffprobe.c).

use super::sidedata::SideData;
use super::{Rational, ffi};
use serde_json::{Map, Value, json};
use std::ffi::CStr;

type Fields = Map<String, Value>;

pub(super) fn side_data_list(list: &[SideData], par: &ffi::AVCodecParameters) -> Value {
    Value::Array(list.iter().map(|side| Value::Object(one(side, par))).collect())
}

fn name(kind: i32) -> String {
    // SAFETY: any number may be asked for; a static string or NULL.
    unsafe {
        let name = ffi::av_packet_side_data_name(kind as _);
        if name.is_null() { "unknown".into() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

/// Reads a plain struct out of side data; None where there are too few bytes.
fn read<T: Copy>(data: &[u8]) -> Option<T> {
    // SAFETY: only used for C structs of integers, of which any bit pattern is a value; the size is checked.
    (data.len() >= size_of::<T>()).then(|| unsafe { data.as_ptr().cast::<T>().read_unaligned() })
}

fn one(side: &SideData, par: &ffi::AVCodecParameters) -> Fields {
    let mut fields = Fields::new();
    fields.insert("side_data_type".into(), name(side.kind).into());
    let more = match side.kind as u32 {
        ffi::AV_PKT_DATA_DISPLAYMATRIX => display_matrix(side),
        ffi::AV_PKT_DATA_STEREO3D => stereo(&side.data),
        ffi::AV_PKT_DATA_SPHERICAL => spherical(&side.data, par),
        ffi::AV_PKT_DATA_SKIP_SAMPLES if side.data.len() == 10 => skip_samples(&side.data),
        ffi::AV_PKT_DATA_MASTERING_DISPLAY_METADATA => mastering(&side.data),
        ffi::AV_PKT_DATA_CONTENT_LIGHT_LEVEL => light(&side.data),
        ffi::AV_PKT_DATA_DOVI_CONF => dolby_vision(&side.data),
        ffi::AV_PKT_DATA_AUDIO_SERVICE_TYPE => read::<i32>(&side.data).map(|kind| json!({"service_type": kind})),
        ffi::AV_PKT_DATA_MPEGTS_STREAM_ID => side.data.first().map(|id| json!({"id": id})),
        ffi::AV_PKT_DATA_CPB_PROPERTIES => cpb(&side.data),
        ffi::AV_PKT_DATA_AFD => side.data.first().map(|format| json!({"active_format": format})),
        _ => None,
    };
    if let Some(Value::Object(more)) = more {
        fields.extend(more);
    }
    fields
}

fn display_matrix(side: &SideData) -> Option<Value> {
    let matrix = side.matrix()?;
    let mut text = String::new();
    for (row, numbers) in matrix.chunks(3).enumerate() {
        text.push_str(&format!("\n{row:08x}: "));
        numbers.iter().for_each(|number| text.push_str(&format!(" {number:11}")));
    }
    text.push('\n');
    Some(json!({"displaymatrix": text, "rotation": super::rotation(&matrix) as i64}))
}

fn stereo(data: &[u8]) -> Option<Value> {
    let stereo: ffi::AVStereo3D = read(data)?;
    // SAFETY: a static string for any number.
    let kind = unsafe { CStr::from_ptr(ffi::av_stereo3d_type_name(stereo.type_)) }.to_string_lossy().into_owned();
    Some(json!({"type": kind, "inverted": i32::from(stereo.flags as u32 & ffi::AV_STEREO3D_FLAG_INVERT != 0)}))
}

fn spherical(data: &[u8], par: &ffi::AVCodecParameters) -> Option<Value> {
    let map: ffi::AVSphericalMapping = read(data)?;
    // SAFETY: a static string for any number.
    let projection = unsafe { CStr::from_ptr(ffi::av_spherical_projection_name(map.projection)) };
    let mut fields = Fields::new();
    fields.insert("projection".into(), projection.to_string_lossy().into_owned().into());
    if map.projection == ffi::AV_SPHERICAL_CUBEMAP {
        fields.insert("padding".into(), map.padding.into());
    } else if map.projection == ffi::AV_SPHERICAL_EQUIRECTANGULAR_TILE {
        let (mut left, mut top, mut right, mut bottom) = (0, 0, 0, 0);
        let (width, height) = (par.width.max(0) as _, par.height.max(0) as _);
        // SAFETY: a valid mapping and four places.
        unsafe { ffi::av_spherical_tile_bounds(&map, width, height, &mut left, &mut top, &mut right, &mut bottom) };
        for (key, value) in [("bound_left", left), ("bound_top", top), ("bound_right", right), ("bound_bottom", bottom)]
        {
            fields.insert(key.into(), value.into());
        }
    }
    for (key, value) in [("yaw", map.yaw), ("pitch", map.pitch), ("roll", map.roll)] {
        fields.insert(key.into(), (value / (1 << 16)).into());
    }
    Some(Value::Object(fields))
}

fn skip_samples(data: &[u8]) -> Option<Value> {
    let number = |at: usize| data.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    Some(json!({
        "skip_samples": number(0)?,
        "discard_padding": number(4)?,
        "skip_reason": data[8],
        "discard_reason": data[9],
    }))
}

fn ratio(q: ffi::AVRational) -> String {
    let q: Rational = q.into();
    format!("{}/{}", q.num, q.den)
}

fn mastering(data: &[u8]) -> Option<Value> {
    let display: ffi::AVMasteringDisplayMetadata = read(data)?;
    let mut fields = Fields::new();
    if display.has_primaries != 0 {
        for (color, point) in ["red", "green", "blue"].iter().zip(display.display_primaries) {
            fields.insert(format!("{color}_x"), ratio(point[0]).into());
            fields.insert(format!("{color}_y"), ratio(point[1]).into());
        }
        fields.insert("white_point_x".into(), ratio(display.white_point[0]).into());
        fields.insert("white_point_y".into(), ratio(display.white_point[1]).into());
    }
    if display.has_luminance != 0 {
        fields.insert("min_luminance".into(), ratio(display.min_luminance).into());
        fields.insert("max_luminance".into(), ratio(display.max_luminance).into());
    }
    Some(Value::Object(fields))
}

fn light(data: &[u8]) -> Option<Value> {
    let light: ffi::AVContentLightMetadata = read(data)?;
    Some(json!({"max_content": light.MaxCLL, "max_average": light.MaxFALL}))
}

fn dolby_vision(data: &[u8]) -> Option<Value> {
    let conf: ffi::AVDOVIDecoderConfigurationRecord = read(data)?;
    Some(json!({
        "dv_version_major": conf.dv_version_major,
        "dv_version_minor": conf.dv_version_minor,
        "dv_profile": conf.dv_profile,
        "dv_level": conf.dv_level,
        "rpu_present_flag": conf.rpu_present_flag,
        "el_present_flag": conf.el_present_flag,
        "bl_present_flag": conf.bl_present_flag,
        "dv_bl_signal_compatibility_id": conf.dv_bl_signal_compatibility_id,
    }))
}

fn cpb(data: &[u8]) -> Option<Value> {
    let prop: ffi::AVCPBProperties = read(data)?;
    Some(json!({
        "max_bitrate": prop.max_bitrate,
        "min_bitrate": prop.min_bitrate,
        "avg_bitrate": prop.avg_bitrate,
        "buffer_size": prop.buffer_size,
        "vbv_delay": prop.vbv_delay as i64,
    }))
}
