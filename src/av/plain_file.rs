//! Whether a URL is a plain file: as the ffmpeg program asks before it overwrites one (fftools/ffmpeg_opt.c: assert_file_overwrite), and
//! whether there may be anybody to wait for.

use super::ffi;
use std::ffi::CStr;

/// Whether a muxer would write `url` as a plain file by itself. `format` is what -f says, if anything.
pub fn is_written_file(url: &str, format: Option<&str>) -> bool {
    let (Ok(url), Ok(format)) = (crate::text::c_string(url), format.map(crate::text::c_string).transpose()) else {
        return false;
    };
    let format = format.as_ref().map_or(std::ptr::null(), |format| format.as_ptr());
    // SAFETY: terminated strings; formats and names of protocols are static.
    unsafe {
        let muxer = ffi::av_guess_format(format, url.as_ptr(), std::ptr::null());
        let protocol = ffi::avio_find_protocol_name(url.as_ptr());
        muxer.as_ref().is_some_and(|muxer| muxer.flags as u32 & ffi::AVFMT_NOFILE == 0)
            && !protocol.is_null()
            && CStr::from_ptr(protocol) == c"file"
    }
}

/// Whether `url` is a regular file that is there, and no FIFO, device or peer.
pub fn is_regular_file(url: &str) -> bool {
    let path = crate::text::to_path(url.strip_prefix("file:").unwrap_or(url));
    super::protocol_name(url).as_deref() == Some("file") && std::fs::metadata(path).is_ok_and(|found| found.is_file())
}

pub fn file_exists(url: &str) -> bool {
    // SAFETY: a terminated string.
    crate::text::c_string(url).is_ok_and(|url| unsafe { ffi::avio_check(url.as_ptr(), 0) } == 0)
}
