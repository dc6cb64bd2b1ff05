//! HDR10+ and HDR Vivid metadata of frames. Source: `print_dynamic_hdr10_plus` and `print_dynamic_hdr_vivid` of FFmpeg's
//! fftools/ffprobe.c, which writes several fields more than once.

use super::Sink;
use super::data::read;
use crate::av::ffi;

/// As many items of an array as a count says, at most all.
fn first<T>(items: &[T], count: impl TryInto<usize>) -> &[T] {
    &items[..count.try_into().unwrap_or(0).min(items.len())]
}

pub(super) fn plus(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers.
    let hdr = unsafe { read::<ffi::AVDynamicHDRPlus>(data)? };
    let windows = first(&hdr.params, hdr.num_windows);
    out.int("application version", hdr.application_version);
    out.int("num_windows", hdr.num_windows);
    windows.iter().skip(1).for_each(|window| place(window, out));
    out.ratio("targeted_system_display_maximum_luminance", hdr.targeted_system_display_maximum_luminance, '/');
    if hdr.targeted_system_display_actual_peak_luminance_flag != 0 {
        let (rows, columns) = (
            hdr.num_rows_targeted_system_display_actual_peak_luminance,
            hdr.num_cols_targeted_system_display_actual_peak_luminance,
        );
        out.int("num_rows_targeted_system_display_actual_peak_luminance", rows);
        out.int("num_cols_targeted_system_display_actual_peak_luminance", columns);
        let table = &hdr.targeted_system_display_actual_peak_luminance;
        peaks("targeted_system_display_actual_peak_luminance", table, rows, columns, out);
    }
    windows.iter().for_each(|window| brightness(window, out));
    if hdr.mastering_display_actual_peak_luminance_flag != 0 {
        let (rows, columns) = (
            hdr.num_rows_mastering_display_actual_peak_luminance,
            hdr.num_cols_mastering_display_actual_peak_luminance,
        );
        out.int("num_rows_mastering_display_actual_peak_luminance", rows);
        out.int("num_cols_mastering_display_actual_peak_luminance", columns);
        let table = &hdr.mastering_display_actual_peak_luminance;
        peaks("mastering_display_actual_peak_luminance", table, rows, columns, out);
    }
    windows.iter().for_each(|window| tone_mapping(window, out));
    Some(())
}

fn peaks(key: &str, table: &[[ffi::AVRational; 25]], rows: u8, columns: u8, out: &mut dyn Sink) {
    let cells = first(table, rows).iter().flat_map(|row| first(row, columns));
    cells.for_each(|peak| out.ratio(key, *peak, '/'));
}

fn place(window: &ffi::AVHDRPlusColorTransformParams, out: &mut dyn Sink) {
    let upper_left = |out: &mut dyn Sink| {
        out.ratio("window_upper_left_corner_x", window.window_upper_left_corner_x, '/');
        out.ratio("window_upper_left_corner_y", window.window_upper_left_corner_y, '/');
    };
    upper_left(out);
    out.ratio("window_lower_right_corner_x", window.window_lower_right_corner_x, '/');
    out.ratio("window_lower_right_corner_y", window.window_lower_right_corner_y, '/');
    upper_left(out);
    out.int("center_of_ellipse_x", window.center_of_ellipse_x);
    out.int("center_of_ellipse_y", window.center_of_ellipse_y);
    out.int("rotation_angle", window.rotation_angle);
    out.int("semimajor_axis_internal_ellipse", window.semimajor_axis_internal_ellipse);
    out.int("semimajor_axis_external_ellipse", window.semimajor_axis_external_ellipse);
    out.int("semiminor_axis_external_ellipse", window.semiminor_axis_external_ellipse);
    out.int("overlap_process_option", window.overlap_process_option as i64);
}

fn brightness(window: &ffi::AVHDRPlusColorTransformParams, out: &mut dyn Sink) {
    window.maxscl.iter().for_each(|scale| out.ratio("maxscl", *scale, '/'));
    out.ratio("average_maxrgb", window.average_maxrgb, '/');
    out.int("num_distribution_maxrgb_percentiles", window.num_distribution_maxrgb_percentiles);
    for part in first(&window.distribution_maxrgb, window.num_distribution_maxrgb_percentiles) {
        out.int("distribution_maxrgb_percentage", part.percentage);
        out.ratio("distribution_maxrgb_percentile", part.percentile, '/');
    }
    out.ratio("fraction_bright_pixels", window.fraction_bright_pixels, '/');
}

fn tone_mapping(window: &ffi::AVHDRPlusColorTransformParams, out: &mut dyn Sink) {
    if window.tone_mapping_flag != 0 {
        out.ratio("knee_point_x", window.knee_point_x, '/');
        out.ratio("knee_point_y", window.knee_point_y, '/');
        out.int("num_bezier_curve_anchors", window.num_bezier_curve_anchors);
        let anchors = first(&window.bezier_curve_anchors, window.num_bezier_curve_anchors);
        anchors.iter().for_each(|anchor| out.ratio("bezier_curve_anchors", *anchor, '/'));
    }
    if window.color_saturation_mapping_flag != 0 {
        out.ratio("color_saturation_weight", window.color_saturation_weight, '/');
    }
}

pub(super) fn vivid(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: a struct of numbers.
    let hdr = unsafe { read::<ffi::AVDynamicHDRVivid>(data)? };
    let windows = first(&hdr.params, hdr.num_windows);
    out.int("system_start_code", hdr.system_start_code);
    out.int("num_windows", hdr.num_windows);
    for window in windows {
        out.ratio("minimum_maxrgb", window.minimum_maxrgb, '/');
        out.ratio("average_maxrgb", window.average_maxrgb, '/');
        out.ratio("variance_maxrgb", window.variance_maxrgb, '/');
        out.ratio("maximum_maxrgb", window.maximum_maxrgb, '/');
    }
    for window in windows {
        out.int("tone_mapping_mode_flag", window.tone_mapping_mode_flag);
        out.int("tone_mapping_param_num", window.tone_mapping_param_num);
        if window.tone_mapping_mode_flag != 0 {
            let mappings = first(&window.tm_params, window.tone_mapping_param_num);
            mappings.iter().for_each(|mapping| vivid_mapping(mapping, out));
        }
        out.int("color_saturation_mapping_flag", window.color_saturation_mapping_flag);
        if window.color_saturation_mapping_flag != 0 {
            out.int("color_saturation_num", window.color_saturation_num);
            let gains = first(&window.color_saturation_gain, window.color_saturation_num);
            gains.iter().for_each(|gain| out.ratio("color_saturation_gain", *gain, '/'));
        }
    }
    Some(())
}

fn vivid_mapping(mapping: &ffi::AVHDRVividColorToneMappingParams, out: &mut dyn Sink) {
    let maximum = mapping.targeted_system_display_maximum_luminance;
    out.ratio("targeted_system_display_maximum_luminance", maximum, '/');
    out.int("base_enable_flag", mapping.base_enable_flag);
    if mapping.base_enable_flag != 0 {
        out.ratio("base_param_m_p", mapping.base_param_m_p, '/');
        out.ratio("base_param_m_m", mapping.base_param_m_m, '/');
        out.ratio("base_param_m_a", mapping.base_param_m_a, '/');
        out.ratio("base_param_m_b", mapping.base_param_m_b, '/');
        out.ratio("base_param_m_n", mapping.base_param_m_n, '/');
        out.int("base_param_k1", mapping.base_param_k1);
        out.int("base_param_k2", mapping.base_param_k2);
        out.int("base_param_k3", mapping.base_param_k3);
        out.int("base_param_Delta_enable_mode", mapping.base_param_Delta_enable_mode);
        out.ratio("base_param_Delta", mapping.base_param_Delta, '/');
    }
    out.int("3Spline_enable_flag", mapping.three_Spline_enable_flag);
    if mapping.three_Spline_enable_flag != 0 {
        splines(mapping, out);
    }
}

/// Until FFmpeg 6 there is one spline, which ffprobe writes as often as there are splines.
#[cfg(not(ffmpeg7_0))]
fn splines(mapping: &ffi::AVHDRVividColorToneMappingParams, out: &mut dyn Sink) {
    out.int("3Spline_num", mapping.three_Spline_num);
    out.int("3Spline_TH_mode", mapping.three_Spline_TH_mode);
    for _ in 0..mapping.three_Spline_num.clamp(0, 2) {
        out.ratio("3Spline_TH_enable_MB", mapping.three_Spline_TH_enable_MB, '/');
        out.ratio("3Spline_TH_enable", mapping.three_Spline_TH_enable, '/');
        out.ratio("3Spline_TH_Delta1", mapping.three_Spline_TH_Delta1, '/');
        out.ratio("3Spline_TH_Delta2", mapping.three_Spline_TH_Delta2, '/');
        out.ratio("3Spline_enable_Strength", mapping.three_Spline_enable_Strength, '/');
    }
}

#[cfg(ffmpeg7_0)]
fn splines(mapping: &ffi::AVHDRVividColorToneMappingParams, out: &mut dyn Sink) {
    out.int("3Spline_num", mapping.three_Spline_num);
    for spline in first(&mapping.three_spline, mapping.three_Spline_num) {
        out.int("3Spline_TH_mode", spline.th_mode);
        out.ratio("3Spline_TH_enable_MB", spline.th_enable_mb, '/');
        out.ratio("3Spline_TH_enable", spline.th_enable, '/');
        out.ratio("3Spline_TH_Delta1", spline.th_delta1, '/');
        out.ratio("3Spline_TH_Delta2", spline.th_delta2, '/');
        out.ratio("3Spline_enable_Strength", spline.enable_strength, '/');
    }
}
