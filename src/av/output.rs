//! Outputs: an AVFormatContext that writes.

use super::access::{Access, Files, Reach};
use super::chapters::{self, Chapter};
use super::length_prefixed::LengthPrefixed;
use super::sidedata::{self, SideData};
use super::tls::TlsPeers;
use super::{AvError, Dict, Input, Interrupt, Io, Muxer, Parameters, Rational, ffi};
use crate::options::MediaKind;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;

/// An output from its making to its trailer.
pub struct Output {
    pub(super) context: *mut ffi::AVFormatContext,
    /// The context's callbacks point into it.
    pub(super) access: Box<Access>,
    /// What it writes to, where that is not FFmpeg's.
    pub(super) io: Option<Io>,
    pub(super) described: super::left_out::Described,
    pub(super) length_prefixed: LengthPrefixed,
    /// The header was written, and the trailer was not.
    pub(super) is_begun: bool,
}

// SAFETY: a context has no ties to a thread; it is used by one at a time, as every call that changes it needs `&mut`.
unsafe impl Send for Output {}

/// What a muxer says of itself.
#[derive(Clone, Copy, Debug)]
pub struct FormatFlags(u32);

impl FormatFlags {
    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
    pub fn wants_global_header(self) -> bool {
        self.has(ffi::AVFMT_GLOBALHEADER)
    }
    pub fn opens_no_file(self) -> bool {
        self.has(ffi::AVFMT_NOFILE)
    }
    pub fn needs_number(self) -> bool {
        self.has(ffi::AVFMT_NEEDNUMBER)
    }
    pub fn allows_no_streams(self) -> bool {
        self.has(ffi::AVFMT_NOSTREAMS)
    }
    pub fn has_no_timestamps(self) -> bool {
        self.has(ffi::AVFMT_NOTIMESTAMPS)
    }
    pub fn allows_variable_frame_rate(self) -> bool {
        self.has(ffi::AVFMT_VARIABLE_FPS)
    }
    pub fn allows_equal_timestamps(self) -> bool {
        self.has(ffi::AVFMT_TS_NONSTRICT)
    }
}

impl Output {
    /// Makes an output for `url`; nothing is opened yet. What the muxer opens by itself it finds among `files` first.
    pub fn new(
        url: &str,
        muxer: Muxer,
        interrupt: &Arc<Interrupt>,
        files: Option<Arc<dyn Files>>,
        log_slot: usize,
    ) -> Result<Output, AvError> {
        let url = crate::text::c_string(url).map_err(|_| AvError::INVALID)?;
        let mut context = ptr::null_mut();
        // SAFETY: a terminated string, a static format and a place for the context, which is ours from here on.
        unsafe {
            AvError::check(ffi::avformat_alloc_output_context2(
                &mut context,
                muxer.as_ptr(),
                ptr::null(),
                url.as_ptr(),
            ))?;
            if context.is_null() {
                return Err(AvError::INVALID);
            }
            let access = Access::install(context, interrupt, false, files.map_or(Reach::Everything, Reach::Files));
            (*context).opaque = ptr::without_provenance_mut::<c_void>(log_slot);
            Ok(Output {
                context,
                access,
                io: None,
                described: Default::default(),
                length_prefixed: Default::default(),
                is_begun: false,
            })
        }
    }

    /// What is opened from now on verifies its TLS peers so.
    pub fn secure(&mut self, tls: &Arc<TlsPeers>) {
        // SAFETY: the access's own context.
        unsafe { self.access.secure(self.context, tls) };
    }

    pub(super) fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: valid while we own it.
        unsafe { &*self.context }
    }

    fn format(&self) -> &ffi::AVOutputFormat {
        // SAFETY: an output context always has a format.
        unsafe { &*self.get().oformat }
    }

    pub(super) fn stream(&self, index: usize) -> *mut ffi::AVStream {
        if let Some(stream) = self.described(index) {
            return stream;
        }
        assert!(index < self.get().nb_streams as usize, "no such stream");
        // SAFETY: below nb_streams.
        unsafe { *self.get().streams.add(index) }
    }

    pub fn flags(&self) -> FormatFlags {
        FormatFlags(self.format().flags as u32)
    }

    pub fn format_name(&self) -> String {
        // SAFETY: a static terminated string.
        unsafe { CStr::from_ptr(self.format().name) }.to_string_lossy().into_owned()
    }

    /// The codec id that the muxer takes when none is named (av_guess_codec); None where it takes none of this kind.
    pub fn default_codec(&self, kind: MediaKind) -> Option<i32> {
        let context = self.get();
        let kind = super::params::media_type(kind);
        // SAFETY: a valid format and terminated url.
        let id = unsafe { ffi::av_guess_codec(context.oformat, ptr::null(), context.url, ptr::null(), kind) };
        (id != ffi::AV_CODEC_ID_NONE).then_some(id as i32)
    }

    /// Whether the container takes a codec, as far as it knows (avformat_query_codec).
    pub fn takes(&self, codec: i32) -> bool {
        // SAFETY: a valid format.
        unsafe { ffi::avformat_query_codec(self.get().oformat, codec as _, 0) != 0 }
    }

    /// Video of this muxer is a cover picture (avformat_query_codec says "APIC").
    pub fn takes_pictures_only(&self) -> bool {
        // SAFETY: a valid format.
        let answer = unsafe { ffi::avformat_query_codec(self.get().oformat, self.format().video_codec, 0) };
        answer == i32::from_le_bytes(*b"APIC")
    }

    /// Whether the default subtitle codec is text or bitmaps: (text, bitmap).
    pub fn subtitle_kinds(&self) -> (bool, bool) {
        self.default_codec(MediaKind::Subtitle).map_or((false, false), super::names::subtitle_kinds)
    }

    pub fn set_bitexact(&mut self) {
        // SAFETY: valid while we own it.
        unsafe { (*self.context).flags |= ffi::AVFMT_FLAG_BITEXACT as i32 };
    }

    pub fn set_max_delay_us(&mut self, us: i32) {
        // SAFETY: valid while we own it.
        unsafe { (*self.context).max_delay = us };
    }

    pub fn set_duration_us(&mut self, us: i64) {
        // SAFETY: valid while we own it.
        unsafe { (*self.context).duration = us };
    }

    pub fn metadata(&self) -> Dict {
        // SAFETY: a valid dictionary or NULL.
        unsafe { Dict::copy_of(self.get().metadata) }
    }

    pub fn set_metadata(&mut self, metadata: &Dict) {
        // SAFETY: the old dictionary is the context's and freed first.
        unsafe {
            ffi::av_dict_free(&mut (*self.context).metadata);
            ffi::av_dict_copy(&mut (*self.context).metadata, metadata.as_ptr(), 0);
        }
    }

    pub fn add_chapter(&mut self, chapter: &Chapter) -> Result<(), AvError> {
        // SAFETY: a valid output context.
        unsafe { chapters::append(self.context, chapter) }
    }

    /// Adds a program, or finds the one of this id.
    pub fn add_program(&mut self, id: i32, title: Option<&str>) -> Result<(), AvError> {
        // SAFETY: a valid context; the program belongs to it.
        unsafe {
            let program = ffi::av_new_program(self.context, id);
            if program.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let mut metadata = Dict::copy_of((*program).metadata);
            if let Some(title) = title {
                metadata.set("title", title);
            }
            ffi::av_dict_free(&mut (*program).metadata);
            ffi::av_dict_copy(&mut (*program).metadata, metadata.as_ptr(), 0);
        }
        Ok(())
    }

    /// Puts a stream into a program. FFmpeg's log says where there is no such stream.
    pub fn add_to_program(&mut self, id: i32, stream: u32) {
        // SAFETY: a valid context; the numbers are checked there.
        unsafe { ffi::av_program_add_stream_index(self.context, id, stream) };
    }

    fn program(&self, index: usize) -> Option<*mut ffi::AVProgram> {
        // SAFETY: below nb_programs.
        (index < self.get().nb_programs as usize).then(|| unsafe { *self.get().programs.add(index) })
    }

    pub fn program_metadata(&self, index: usize) -> Option<Dict> {
        // SAFETY: a program of this context.
        self.program(index).map(|program| unsafe { Dict::copy_of((*program).metadata) })
    }

    pub fn set_program_metadata(&mut self, index: usize, metadata: &Dict) {
        let Some(program) = self.program(index) else { return };
        // SAFETY: a program of this context; the old dictionary is its own and freed first.
        unsafe {
            ffi::av_dict_free(&mut (*program).metadata);
            ffi::av_dict_copy(&mut (*program).metadata, metadata.as_ptr(), 0);
        }
    }

    /// Adds a stream and returns its index.
    pub fn add_stream(&mut self, kind: MediaKind) -> Result<usize, AvError> {
        // SAFETY: a valid context; the stream belongs to it.
        unsafe {
            let stream = ffi::avformat_new_stream(self.context, ptr::null());
            if stream.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            (*(*stream).codecpar).codec_type = super::params::media_type(kind);
        }
        Ok(self.get().nb_streams as usize - 1)
    }

    pub fn set_stream_id(&mut self, index: usize, id: i32) {
        // SAFETY: a valid stream.
        unsafe { (*self.stream(index)).id = id };
    }

    pub fn parameters(&self, index: usize) -> Result<Parameters, AvError> {
        // SAFETY: a valid stream.
        unsafe { Parameters::copy_of((*self.stream(index)).codecpar) }
    }

    /// Sets a stream's codec parameters. Its side data stays (since 6.1 it is part of the parameters).
    pub fn set_parameters(&mut self, index: usize, parameters: &Parameters) -> Result<(), AvError> {
        // SAFETY: a valid stream and parameters.
        AvError::check(unsafe { ffi::avcodec_parameters_copy((*self.stream(index)).codecpar, parameters.as_ptr()) })
            .map(drop)
    }

    /// The tag that a copied stream keeps: the input's where the muxer knows it for this codec or knows no tags, else 0
    /// (ffmpeg.c: init_output_stream_streamcopy).
    pub fn copied_tag(&self, parameters: &Parameters) -> u32 {
        let tags = self.format().codec_tag;
        let (tag, id) = (parameters.codec_tag(), parameters.codec_id());
        // SAFETY: the tag lists are static.
        unsafe {
            let mut other = 0;
            let keeps = tags.is_null()
                || ffi::av_codec_get_id(tags, tag) as i32 == id
                || ffi::av_codec_get_tag2(tags, id as _, &mut other) == 0;
            if keeps { tag } else { 0 }
        }
    }

    pub fn stream_metadata(&self, index: usize) -> Dict {
        // SAFETY: a valid stream.
        unsafe { Dict::copy_of((*self.stream(index)).metadata) }
    }

    pub fn set_stream_metadata(&mut self, index: usize, metadata: &Dict) {
        let stream = self.stream(index);
        // SAFETY: the old dictionary is the stream's and freed first.
        unsafe {
            ffi::av_dict_free(&mut (*stream).metadata);
            ffi::av_dict_copy(&mut (*stream).metadata, metadata.as_ptr(), 0);
        }
    }

    pub fn set_disposition(&mut self, index: usize, disposition: i32) {
        // SAFETY: a valid stream.
        unsafe { (*self.stream(index)).disposition = disposition };
    }

    pub fn time_base(&self, index: usize) -> Rational {
        // SAFETY: a valid stream.
        unsafe { (*self.stream(index)).time_base }.into()
    }

    pub fn set_time_base(&mut self, index: usize, time_base: Rational) {
        // SAFETY: a valid stream.
        unsafe { (*self.stream(index)).time_base = time_base.into() };
    }

    /// A hint for the muxer, unless there is one already.
    pub fn hint_duration(&mut self, index: usize, duration: i64, time_base: Rational) {
        let stream = self.stream(index);
        // SAFETY: a valid stream.
        unsafe {
            if (*stream).duration <= 0 && duration > 0 {
                (*stream).duration = super::rescale(duration, time_base, (*stream).time_base.into());
            }
        }
    }

    pub fn set_frame_rates(&mut self, index: usize, average: Rational, real: Option<Rational>) {
        let stream = self.stream(index);
        // SAFETY: a valid stream.
        unsafe {
            (*stream).avg_frame_rate = average.into();
            if let Some(real) = real {
                (*stream).r_frame_rate = real.into();
            }
        }
    }

    pub fn set_sample_aspect_ratio(&mut self, index: usize, ratio: Rational) {
        // SAFETY: a valid stream.
        unsafe { (*self.stream(index)).sample_aspect_ratio = ratio.into() };
    }

    pub fn add_side_data(&mut self, index: usize, side: &SideData) -> Result<(), AvError> {
        // SAFETY: a valid stream.
        unsafe { sidedata::add_to_stream(self.stream(index), side) }
    }

    /// What ffmpeg does so that a copied stream keeps its time base where the muxer can
    /// (avformat_transfer_internal_stream_timing_info). Since FFmpeg 7.1 it is the input's (ffmpeg_mux_init.c: streamcopy_init).
    pub fn transfer_timing(
        &mut self,
        index: usize,
        input: &Input,
        from: usize,
        copy_tb: i32,
        tick: Option<Rational>,
    ) -> Result<(), AvError> {
        #[cfg(not(ffmpeg7_1))]
        {
            let (to, from) = (self.stream(index), input.stream(from));
            // SAFETY: both streams are valid; the format is this output's.
            AvError::check(unsafe {
                ffi::avformat_transfer_internal_stream_timing_info(self.get().oformat, to, from, copy_tb as _)
            })?;
            // SAFETY: a valid stream.
            unsafe {
                if (*to).time_base.num <= 0 || (*to).time_base.den <= 0 {
                    let codec =
                        || ffi::av_add_q(ffi::av_stream_get_codec_timebase(to), ffi::AVRational { num: 0, den: 1 });
                    (*to).time_base = tick.map_or_else(codec, Into::into);
                }
            }
        }
        #[cfg(ffmpeg7_1)]
        {
            let _ = (copy_tb, tick);
            // SAFETY: both streams are valid.
            unsafe { (*self.stream(index)).time_base = (*input.stream(from)).time_base };
        }
        Ok(())
    }
}

/// Whether a name has a number pattern such as %03d (av_filename_number_test).
pub fn has_number_pattern(name: &str) -> bool {
    // SAFETY: a terminated string.
    crate::text::c_string(name).is_ok_and(|name| unsafe { ffi::av_filename_number_test(name.as_ptr()) == 1 })
}
