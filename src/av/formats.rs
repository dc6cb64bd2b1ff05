//! Demuxers and muxers: what they are called and what they say of themselves. Finding one by name asks hundreds: it is done once a file.

use super::ffi;
use std::ffi::CStr;
use std::ptr;

/// A demuxer of FFmpeg's.
#[derive(Clone, Copy)]
pub struct Demuxer(*const ffi::AVInputFormat);

/// A muxer of FFmpeg's.
#[derive(Clone, Copy)]
pub struct Muxer(*const ffi::AVOutputFormat);

// SAFETY: formats are static and never change.
unsafe impl Send for Demuxer {}
// SAFETY: as above.
unsafe impl Sync for Demuxer {}
// SAFETY: as above.
unsafe impl Send for Muxer {}
// SAFETY: as above.
unsafe impl Sync for Muxer {}

impl Demuxer {
    pub fn find(name: &str) -> Option<Demuxer> {
        let name = crate::text::c_string(name).ok()?;
        // SAFETY: a terminated string.
        Demuxer::from_ptr(unsafe { ffi::av_find_input_format(name.as_ptr()) })
    }

    pub(super) fn from_ptr(format: *const ffi::AVInputFormat) -> Option<Demuxer> {
        (!format.is_null()).then_some(Demuxer(format))
    }

    pub(super) fn as_ptr(self) -> *const ffi::AVInputFormat {
        self.0
    }

    /// All its names: "mov,mp4,m4a,3gp,3g2,mj2".
    pub fn names(self) -> &'static str {
        // SAFETY: a static terminated string.
        unsafe { CStr::from_ptr((*self.0).name) }.to_str().unwrap_or_default()
    }

    /// The demuxer that a URL's scheme or ending stands for, of those that open their files by themselves: rtsp://, sap://, and image2
    /// (init_input of libavformat/demux.c).
    pub fn by_name(url: &str) -> Option<Demuxer> {
        let url = crate::text::c_string(url).ok()?;
        let mut data =
            ffi::AVProbeData { filename: url.as_ptr(), buf: ptr::null_mut(), buf_size: 0, mime_type: ptr::null() };
        let mut score = ffi::AVPROBE_SCORE_MAX as i32 / 4; // AVPROBE_SCORE_RETRY
        // SAFETY: probe data without content, as init_input makes it.
        Demuxer::from_ptr(unsafe { ffi::av_probe_input_format2(&raw mut data, 0, &raw mut score) })
    }

    /// Every demuxer there is.
    pub fn all() -> impl Iterator<Item = Demuxer> {
        let mut state = ptr::null_mut();
        // SAFETY: the state is FFmpeg's place in its list.
        std::iter::from_fn(move || Demuxer::from_ptr(unsafe { ffi::av_demuxer_iterate(&raw mut state) }))
    }

    /// Whether it opens what it reads by itself (devices, lavfi).
    pub fn opens_no_file(self) -> bool {
        // SAFETY: formats are static.
        unsafe { (*self.0).flags as u32 & ffi::AVFMT_NOFILE != 0 }
    }

    /// Whether it has a private option of this name.
    pub fn has_option(self, name: &str) -> bool {
        // SAFETY: formats and their classes are static.
        super::options::find(unsafe { (*self.0).priv_class }, name, 0, false).is_some()
    }
}

impl Muxer {
    /// The muxer that a format's name, or the ending of a file's name, stands for (av_guess_format).
    pub fn find(format: Option<&str>, url: &str) -> Option<Muxer> {
        let wanted = crate::text::c_string(format.unwrap_or(url)).ok()?;
        let (name, url) =
            if format.is_some() { (wanted.as_ptr(), ptr::null()) } else { (ptr::null(), wanted.as_ptr()) };
        // SAFETY: a terminated string and NULL.
        let found = unsafe { ffi::av_guess_format(name, url, ptr::null()) };
        (!found.is_null()).then_some(Muxer(found))
    }

    pub(super) fn as_ptr(self) -> *const ffi::AVOutputFormat {
        self.0
    }

    pub fn name(self) -> &'static str {
        // SAFETY: a static terminated string.
        unsafe { CStr::from_ptr((*self.0).name) }.to_str().unwrap_or_default()
    }

    /// Whether a copied stream's time base may come from what a decoder found (avformat_transfer_internal_stream_timing_info).
    pub fn asks_for_decoders_rate(self) -> bool {
        const MOV: [&str; 8] = ["mov", "mp4", "3gp", "3g2", "psp", "ipod", "ismv", "f4v"];
        // SAFETY: formats are static.
        let is_variable = unsafe { (*self.0).flags as u32 & ffi::AVFMT_VARIABLE_FPS != 0 };
        self.name() == "avi" || !is_variable && !MOV.contains(&self.name())
    }
}
