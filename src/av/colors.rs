//! Colour spaces and ranges in filter graphs. From FFmpeg 7 on graphs agree on them as on pixel formats: a source says what its frames
//! have, a sink what its encoder takes, and a scaler converts. Graphs of older releases know neither, and nothing here tells them.

use super::{Codec, Frame, Parameters, ffi};
use std::ffi::{CStr, c_char};

/// Numbers of FFmpeg's: AVColorSpace and AVColorRange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colors {
    space: i32,
    range: i32,
}

impl Colors {
    // No constant: cbindgen would put the type into the header.
    pub fn unknown() -> Colors {
        Colors { space: ffi::AVCOL_SPC_UNSPECIFIED as i32, range: ffi::AVCOL_RANGE_UNSPECIFIED as i32 }
    }

    pub fn of_frame(frame: &Frame) -> Colors {
        let picture = frame.picture();
        Colors::known(picture.colorspace, picture.color_range)
    }

    pub fn of_parameters(parameters: &Parameters) -> Colors {
        let parameters = parameters.get();
        Colors::known(parameters.color_space as i32, parameters.color_range as i32)
    }

    /// A source refuses numbers that FFmpeg has no name for; the frames may have them.
    fn known(space: i32, range: i32) -> Colors {
        let unknown = Colors::unknown();
        if cfg!(not(ffmpeg7_0)) {
            return unknown;
        }
        Colors {
            space: if space_name(&space).is_some() { space } else { unknown.space },
            range: if range_name(&range).is_some() { range } else { unknown.range },
        }
    }

    /// # Safety
    /// A sink of a configured graph.
    pub(super) unsafe fn of_sink(sink: *const ffi::AVFilterContext) -> Colors {
        // SAFETY: by contract.
        #[cfg(ffmpeg7_0)]
        return unsafe {
            Colors::known(
                ffi::av_buffersink_get_colorspace(sink) as i32,
                ffi::av_buffersink_get_color_range(sink) as i32,
            )
        };
        #[cfg(not(ffmpeg7_0))]
        {
            let _ = sink;
            Colors::unknown()
        }
    }

    /// More arguments of a video source (ffmpeg_filter.c: configure_input_video_filter).
    pub(super) fn source_args(self) -> String {
        if cfg!(ffmpeg7_0) { format!(":colorspace={}:range={}", self.space, self.range) } else { String::new() }
    }
}

/// What an encoder takes; an empty list is anything.
#[derive(Clone, Default)]
pub struct ColorChoice {
    spaces: Vec<i32>,
    ranges: Vec<i32>,
}

impl ColorChoice {
    pub fn of(codec: Codec) -> ColorChoice {
        ColorChoice { spaces: codec.color_spaces(), ranges: codec.color_ranges() }
    }

    pub fn only(colors: Colors) -> ColorChoice {
        let unknown = Colors::unknown();
        let one = |value, unknown| if value == unknown { Vec::new() } else { vec![value] };
        ColorChoice { spaces: one(colors.space, unknown.space), ranges: one(colors.range, unknown.range) }
    }

    /// Arguments of the filter "format" (ffmpeg_filter.c: choose_color_spaces, choose_color_ranges).
    pub fn filter_args(&self) -> Vec<String> {
        let lists = [
            ("color_spaces", self.spaces.iter().filter_map(space_name).collect::<Vec<_>>()),
            ("color_ranges", self.ranges.iter().filter_map(range_name).collect()),
        ];
        lists
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(key, names)| format!("{key}={}", names.join("|")))
            .collect()
    }
}

fn space_name(value: &i32) -> Option<&'static str> {
    // SAFETY: any number may be asked for; a static string or NULL.
    unsafe { word(ffi::av_color_space_name(*value as _)) }
}

fn range_name(value: &i32) -> Option<&'static str> {
    // SAFETY: as above.
    unsafe { word(ffi::av_color_range_name(*value as _)) }
}

/// # Safety
/// NULL or a static terminated string.
unsafe fn word(text: *const c_char) -> Option<&'static str> {
    // SAFETY: by contract.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().ok()).flatten()
}
