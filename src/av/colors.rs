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
    pub const UNKNOWN: Colors =
        Colors { space: ffi::AVCOL_SPC_UNSPECIFIED as i32, range: ffi::AVCOL_RANGE_UNSPECIFIED as i32 };

    pub fn of_frame(frame: &Frame) -> Colors {
        let picture = frame.picture();
        Colors::known(picture.colorspace, picture.color_range)
    }

    pub fn of_parameters(parameters: &Parameters) -> Colors {
        let parameters = parameters.get();
        Colors::known(parameters.color_space as i32, parameters.color_range as i32)
    }

    fn known(space: i32, range: i32) -> Colors {
        if cfg!(ffmpeg7_0) { Colors { space, range } } else { Colors::UNKNOWN }
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
            Colors::UNKNOWN
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
        let one = |value, unknown| if value == unknown { Vec::new() } else { vec![value] };
        ColorChoice {
            spaces: one(colors.space, Colors::UNKNOWN.space),
            ranges: one(colors.range, Colors::UNKNOWN.range),
        }
    }

    /// Arguments of the filter "format" (ffmpeg_filter.c: choose_color_spaces, choose_color_ranges).
    pub fn filter_args(&self) -> Vec<String> {
        // SAFETY: any number may be asked for; a static string or NULL.
        let space = |value: &i32| unsafe { word(ffi::av_color_space_name(*value as _)) };
        // SAFETY: as above.
        let range = |value: &i32| unsafe { word(ffi::av_color_range_name(*value as _)) };
        let lists = [
            ("color_spaces", self.spaces.iter().filter_map(space).collect::<Vec<_>>()),
            ("color_ranges", self.ranges.iter().filter_map(range).collect()),
        ];
        lists
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(key, names)| format!("{key}={}", names.join("|")))
            .collect()
    }
}

/// # Safety
/// NULL or a static terminated string.
unsafe fn word(text: *const c_char) -> Option<&'static str> {
    // SAFETY: by contract.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().ok()).flatten()
}
