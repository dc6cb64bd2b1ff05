//! Dolby Vision metadata of frames. Source: `print_dovi_metadata` of FFmpeg's fftools/ffprobe.c.

use super::data::read;
use super::{Section, Sink};
use crate::av::ffi;
use std::fmt::{self, Display};

/// Items with spaces between them.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(i, item)| write!(f, "{}{item}", if i > 0 { " " } else { "" }))
    }
}

struct Ratios<'a>(&'a [ffi::AVRational]);

impl Display for Ratios<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = |(i, q): (usize, &ffi::AVRational)| (if i > 0 { " " } else { "" }, q.num, q.den);
        self.0.iter().enumerate().map(ratio).try_for_each(|(gap, num, den)| write!(f, "{gap}{num}/{den}"))
    }
}

pub(super) fn metadata(data: &[u8], out: &mut dyn Sink) -> Option<()> {
    // SAFETY: structs of numbers; the offsets are checked against the size (av_dovi_get_header and so on are macros of C).
    let (head, mapping, color) = unsafe {
        let offsets = read::<ffi::AVDOVIMetadata>(data)?;
        (
            read::<ffi::AVDOVIRpuDataHeader>(data.get(offsets.header_offset as usize..)?)?,
            read::<ffi::AVDOVIDataMapping>(data.get(offsets.mapping_offset as usize..)?)?,
            read::<ffi::AVDOVIColorMetadata>(data.get(offsets.color_offset as usize..)?)?,
        )
    };
    header(&head, out);
    out.int("vdr_rpu_id", mapping.vdr_rpu_id);
    out.int("mapping_color_space", mapping.mapping_color_space);
    out.int("mapping_chroma_format_idc", mapping.mapping_chroma_format_idc);
    out.int("nlq_method_idc", mapping.nlq_method_idc);
    out.text(
        "nlq_method_idc_name",
        match mapping.nlq_method_idc {
            ffi::AV_DOVI_NLQ_NONE => b"none",
            ffi::AV_DOVI_NLQ_LINEAR_DZ => b"linear_dz",
            _ => b"unknown",
        },
    );
    out.int("num_x_partitions", mapping.num_x_partitions);
    out.int("num_y_partitions", mapping.num_y_partitions);
    out.begin(Section::ComponentList);
    mapping.curves.iter().zip(&mapping.nlq).for_each(|(curve, nlq)| component(curve, nlq, mapping.nlq_method_idc, out));
    out.end();
    colors(&color, out);
    Some(())
}

fn header(head: &ffi::AVDOVIRpuDataHeader, out: &mut dyn Sink) {
    out.int("rpu_type", head.rpu_type);
    out.int("rpu_format", head.rpu_format);
    out.int("vdr_rpu_profile", head.vdr_rpu_profile);
    out.int("vdr_rpu_level", head.vdr_rpu_level);
    out.int("chroma_resampling_explicit_filter_flag", head.chroma_resampling_explicit_filter_flag);
    out.int("coef_data_type", head.coef_data_type);
    out.int("coef_log2_denom", head.coef_log2_denom);
    out.int("vdr_rpu_normalized_idc", head.vdr_rpu_normalized_idc);
    out.int("bl_video_full_range_flag", head.bl_video_full_range_flag);
    out.int("bl_bit_depth", head.bl_bit_depth);
    out.int("el_bit_depth", head.el_bit_depth);
    out.int("vdr_bit_depth", head.vdr_bit_depth);
    out.int("spatial_resampling_filter_flag", head.spatial_resampling_filter_flag);
    out.int("el_spatial_resampling_filter_flag", head.el_spatial_resampling_filter_flag);
    out.int("disable_residual_flag", head.disable_residual_flag);
}

fn component(curve: &ffi::AVDOVIReshapingCurve, nlq: &ffi::AVDOVINLQParams, method: i32, out: &mut dyn Sink) {
    let pivots = &curve.pivots[..curve.pivots.len().min(curve.num_pivots.into())];
    out.begin(Section::Component);
    out.format("pivots", format_args!("{}", List(pivots)));
    out.begin(Section::PieceList);
    (0..pivots.len().saturating_sub(1)).for_each(|i| piece(curve, i, out));
    out.end();
    if method != ffi::AV_DOVI_NLQ_NONE {
        out.int("nlq_offset", nlq.nlq_offset);
        out.int("vdr_in_max", nlq.vdr_in_max as i64);
        if method == ffi::AV_DOVI_NLQ_LINEAR_DZ {
            out.int("linear_deadzone_slope", nlq.linear_deadzone_slope as i64);
            out.int("linear_deadzone_threshold", nlq.linear_deadzone_threshold as i64);
        }
    }
    out.end();
}

fn piece(curve: &ffi::AVDOVIReshapingCurve, i: usize, out: &mut dyn Sink) {
    out.begin(Section::Piece);
    out.int("mapping_idc", curve.mapping_idc[i]);
    match curve.mapping_idc[i] {
        ffi::AV_DOVI_MAPPING_POLYNOMIAL => {
            let coefficients = &curve.poly_coef[i];
            let count = coefficients.len().min(usize::from(curve.poly_order[i]) + 1);
            out.text("mapping_idc_name", b"polynomial");
            out.int("poly_order", curve.poly_order[i]);
            out.format("poly_coef", format_args!("{}", List(&coefficients[..count])));
        }
        ffi::AV_DOVI_MAPPING_MMR => {
            let coefficients = curve.mmr_coef[i].as_flattened();
            let count = coefficients.len().min(usize::from(curve.mmr_order[i]) * 7);
            out.text("mapping_idc_name", b"mmr");
            out.int("mmr_order", curve.mmr_order[i]);
            out.int("mmr_constant", curve.mmr_constant[i]);
            out.format("mmr_coef", format_args!("{}", List(&coefficients[..count])));
        }
        _ => out.text("mapping_idc_name", b"unknown"),
    }
    out.end();
}

fn colors(color: &ffi::AVDOVIColorMetadata, out: &mut dyn Sink) {
    out.int("dm_metadata_id", color.dm_metadata_id);
    out.int("scene_refresh_flag", color.scene_refresh_flag);
    out.format("ycc_to_rgb_matrix", format_args!("{}", Ratios(&color.ycc_to_rgb_matrix)));
    out.format("ycc_to_rgb_offset", format_args!("{}", Ratios(&color.ycc_to_rgb_offset)));
    out.format("rgb_to_lms_matrix", format_args!("{}", Ratios(&color.rgb_to_lms_matrix)));
    out.int("signal_eotf", color.signal_eotf);
    out.int("signal_eotf_param0", color.signal_eotf_param0);
    out.int("signal_eotf_param1", color.signal_eotf_param1);
    out.int("signal_eotf_param2", color.signal_eotf_param2);
    out.int("signal_bit_depth", color.signal_bit_depth);
    out.int("signal_color_space", color.signal_color_space);
    out.int("signal_chroma_format", color.signal_chroma_format);
    out.int("signal_full_range_flag", color.signal_full_range_flag);
    out.int("source_min_pq", color.source_min_pq);
    out.int("source_max_pq", color.source_max_pq);
    out.int("source_diagonal", color.source_diagonal);
}
