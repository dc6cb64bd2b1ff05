//! As [`super::list`]: channel layouts and sample formats.

use super::ffi;
use super::list::each;
use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;

/// What FFmpeg writes into a buffer of the usual size.
fn described<R>(describe: impl FnOnce(*mut c_char, usize) -> R) -> String {
    let mut buffer = [0 as c_char; 128];
    describe(buffer.as_mut_ptr(), buffer.len());
    buffer[buffer.len() - 1] = 0;
    // SAFETY: terminated above at the latest.
    unsafe { CStr::from_ptr(buffer.as_ptr()) }.to_string_lossy().into_owned()
}

fn channel_name(channel: u32) -> String {
    // SAFETY: a buffer of the given size; any number may be asked for.
    described(|buffer, size| unsafe { ffi::av_channel_name(buffer, size, channel as _) })
}

/// Channels that have a bit in a mask.
const CHANNELS: u32 = 63;

pub fn layouts() -> String {
    let mut out = "Individual channels:\nNAME           DESCRIPTION\n".to_owned();
    for channel in 0..CHANNELS {
        let name = channel_name(channel);
        if !name.contains("USR") {
            // SAFETY: as channel_name.
            let about = described(|buffer, size| unsafe { ffi::av_channel_description(buffer, size, channel as _) });
            let _ = writeln!(out, "{name:<14} {about}");
        }
    }
    out.push_str("\nStandard channel layouts:\nNAME           DECOMPOSITION\n");
    // SAFETY: layouts are static.
    for layout in each(|state| unsafe { ffi::av_channel_layout_standard(state) }) {
        // SAFETY: a static layout and a buffer of the given size.
        let name = described(|buffer, size| unsafe { ffi::av_channel_layout_describe(layout, buffer, size) });
        let _ = write!(out, "{name:<14} ");
        for channel in 0..CHANNELS {
            // SAFETY: a static layout.
            let index = unsafe { ffi::av_channel_layout_index_from_channel(layout, channel as _) };
            if index >= 0 {
                let _ = write!(out, "{}{}", if index > 0 { "+" } else { "" }, channel_name(channel));
            }
        }
        out.push('\n');
    }
    out
}

pub fn sample_formats() -> String {
    let mut out = String::new();
    for format in -1..ffi::AV_SAMPLE_FMT_NB {
        // SAFETY: a buffer of the given size; -1 is the table's heading.
        let line = described(|buffer, size| unsafe { ffi::av_get_sample_fmt_string(buffer, size as c_int, format) });
        let _ = writeln!(out, "{line}");
    }
    out
}
