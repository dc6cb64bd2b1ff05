//! What an open input says of itself: its streams, times, tags and format.

use super::chapters::{self, Chapter};
use super::sidedata::{self, SideData};
use super::{AvError, Dict, Input, Parameters, Rational, ffi};
use crate::options::MediaKind;
use std::ffi::CStr;
use std::ptr;

/// What a container says of one of its streams, copied when it was opened.
pub struct InputStream {
    pub index: usize,
    pub id: i32,
    pub parameters: Parameters,
    pub time_base: Rational,
    /// NOPTS where unknown.
    pub start_time: i64,
    pub duration: i64,
    pub avg_frame_rate: Rational,
    pub r_frame_rate: Rational,
    /// avg_frame_rate or r_frame_rate, whichever FFmpeg trusts (av_guess_frame_rate).
    pub guessed_frame_rate: Rational,
    pub sample_aspect_ratio: Rational,
    pub disposition: i32,
    pub pts_wrap_bits: i32,
    pub metadata: Dict,
    pub side_data: Vec<SideData>,
    pub programs: Vec<i32>,
    pub has_new_packets: bool,
    /// What the demuxer throws away by itself: an AVDiscard.
    pub discard: i32,
}

impl InputStream {
    pub fn kind(&self) -> MediaKind {
        self.parameters.kind()
    }

    pub fn is_default(&self) -> bool {
        self.disposition & ffi::AV_DISPOSITION_DEFAULT as i32 != 0
    }

    pub fn is_attached_picture(&self) -> bool {
        self.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC as i32 != 0
    }
}

impl Input {
    /// Copies what is known of a stream.
    pub fn describe(&self, index: usize) -> Result<InputStream, AvError> {
        if index >= self.stream_count() {
            return Err(AvError::INVALID);
        }
        let pointer = self.stream(index);
        // SAFETY: a valid stream of a valid context.
        unsafe {
            let stream = &*pointer;
            Ok(InputStream {
                index,
                id: stream.id,
                parameters: Parameters::copy_of(stream.codecpar)?,
                time_base: stream.time_base.into(),
                start_time: stream.start_time,
                duration: stream.duration,
                avg_frame_rate: stream.avg_frame_rate.into(),
                r_frame_rate: stream.r_frame_rate.into(),
                guessed_frame_rate: ffi::av_guess_frame_rate(self.context, pointer, ptr::null_mut()).into(),
                sample_aspect_ratio: stream.sample_aspect_ratio.into(),
                disposition: stream.disposition,
                pts_wrap_bits: stream.pts_wrap_bits,
                metadata: Dict::copy_of(stream.metadata),
                side_data: sidedata::of_stream(pointer),
                programs: self.programs_of(index),
                has_new_packets: stream.event_flags & ffi::AVSTREAM_EVENT_FLAG_NEW_PACKETS as i32 != 0,
                discard: stream.discard,
            })
        }
    }

    pub fn kind(&self, index: usize) -> MediaKind {
        debug_assert!(index < self.stream_count());
        // SAFETY: a valid stream with its parameters.
        super::params::media_kind(unsafe { (*(*self.stream(index)).codecpar).codec_type })
    }

    pub fn time_base(&self, index: usize) -> Rational {
        // SAFETY: a valid stream.
        unsafe { (*self.stream(index)).time_base }.into()
    }

    fn programs_of(&self, stream: usize) -> Vec<i32> {
        let context = self.get();
        // SAFETY: the arrays have as many valid entries as their counts say.
        unsafe {
            (0..context.nb_programs as usize)
                .map(|i| &**context.programs.add(i))
                .filter(|p| (0..p.nb_stream_indexes as usize).any(|i| *p.stream_index.add(i) as usize == stream))
                .map(|p| p.id)
                .collect()
        }
    }

    /// Microseconds; None where unknown.
    pub fn start_time_us(&self) -> Option<i64> {
        Some(self.get().start_time).filter(|t| *t != super::NOPTS)
    }

    /// When the first packet was made, in microseconds of the Unix epoch; None where the format does not say.
    pub fn start_time_realtime_us(&self) -> Option<i64> {
        Some(self.get().start_time_realtime).filter(|t| *t != super::NOPTS)
    }

    /// Microseconds; None where unknown.
    pub fn duration_us(&self) -> Option<i64> {
        Some(self.get().duration).filter(|d| *d > 0)
    }

    pub fn url(&self) -> String {
        // SAFETY: a valid context; its url is a terminated string or NULL.
        unsafe {
            let url = self.get().url;
            if url.is_null() { String::new() } else { CStr::from_ptr(url).to_string_lossy().into_owned() }
        }
    }

    pub fn metadata(&self) -> Dict {
        // SAFETY: a valid dictionary or NULL.
        unsafe { Dict::copy_of(self.get().metadata) }
    }

    pub fn program_metadata(&self, index: usize) -> Option<Dict> {
        let context = self.get();
        // SAFETY: below nb_programs.
        (index < context.nb_programs as usize)
            .then(|| unsafe { Dict::copy_of((**context.programs.add(index)).metadata) })
    }

    pub fn chapters(&self) -> Vec<Chapter> {
        // SAFETY: a valid context.
        unsafe { chapters::of(self.context) }
    }

    fn format_flags(&self) -> u32 {
        let format = self.get().iformat;
        // SAFETY: the format of an open input; an outline has none.
        if format.is_null() { 0 } else { unsafe { (*format).flags as u32 } }
    }

    /// Timestamps may jump (MPEG-TS and such).
    pub fn may_jump(&self) -> bool {
        self.format_flags() & ffi::AVFMT_TS_DISCONT != 0
    }

    pub fn seeks_to_pts(&self) -> bool {
        self.format_flags() & ffi::AVFMT_SEEK_TO_PTS != 0
    }

    /// Opens no file (devices, lavfi).
    pub fn is_without_file(&self) -> bool {
        self.format_flags() & ffi::AVFMT_NOFILE != 0
    }

    pub fn format_name(&self) -> String {
        let format = self.get().iformat;
        if format.is_null() {
            return String::new();
        }
        // SAFETY: a format has a name.
        unsafe { CStr::from_ptr((*format).name) }.to_string_lossy().into_owned()
    }

    /// Whether a stream specifier means the stream. An error where it is none.
    pub fn matches(&self, index: usize, specifier: &str) -> Result<bool, AvError> {
        if index >= self.stream_count() {
            return Err(AvError::INVALID);
        }
        let specifier = crate::text::c_string(specifier).map_err(|_| AvError::INVALID)?;
        // SAFETY: a stream of this valid context, and a terminated string.
        let ret = unsafe { ffi::avformat_match_stream_specifier(self.context, self.stream(index), specifier.as_ptr()) };
        AvError::check(ret).map(|ret| ret > 0)
    }
}
