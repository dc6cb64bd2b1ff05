//! Inputs without a demuxer: the streams of another context, whose packets come from elsewhere. What is asked of an input's streams can be
//! asked of them.

use super::access::{Access, Reach};
use super::sidedata;
use super::{AvError, Dict, Input, Interrupt, Output, Parameters, Rational, ffi};
use std::ptr;

impl Input {
    /// One without streams.
    fn blank() -> Result<Input, AvError> {
        // SAFETY: the context is ours, and nothing was opened with it; avformat_close_input does without a format.
        unsafe {
            let context = ffi::avformat_alloc_context();
            if context.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let access = Access::install(context, &Interrupt::new(), true, Reach::Nothing);
            (*context).start_time = super::NOPTS;
            (*context).duration = super::NOPTS;
            Ok(Input::of_parts(context, access))
        }
    }

    /// The streams of this input.
    pub fn outline(&self) -> Result<Input, AvError> {
        let mut outline = Input::blank()?;
        outline.set_metadata(&self.metadata());
        for index in 0..self.stream_count() {
            // SAFETY: a stream of this context.
            unsafe { outline.add_like(self.stream(index), self.time_base(index))? };
        }
        Ok(outline)
    }

    /// The streams of an output, whose packets have these time bases.
    pub fn outline_of(output: &Output, time_bases: &[Rational]) -> Result<Input, AvError> {
        let mut outline = Input::blank()?;
        outline.set_metadata(&output.metadata());
        for (index, time_base) in time_bases.iter().enumerate() {
            // SAFETY: a stream of the output, which has as many.
            let muxed = unsafe {
                outline.add_like(output.stream(index), *time_base)?;
                (*output.stream(index)).index
            };
            // Who has joined gets packets as they come here.
            let described = usize::try_from(muxed).ok().and_then(|muxed| output.length_prefixed.described(muxed));
            if let Some(described) = described {
                outline.set_parameters(index, described)?;
            }
        }
        Ok(outline)
    }

    /// Gives a stream other parameters.
    pub fn set_parameters(&mut self, index: usize, parameters: &Parameters) -> Result<(), AvError> {
        // SAFETY: a stream of this context, and valid parameters.
        AvError::check(unsafe { ffi::avcodec_parameters_copy((*self.stream(index)).codecpar, parameters.as_ptr()) })
            .map(drop)
    }

    /// # Safety
    /// `source` is a valid stream.
    unsafe fn add_like(&mut self, source: *const ffi::AVStream, time_base: Rational) -> Result<(), AvError> {
        // SAFETY: both streams are valid; what is copied belongs to the new one.
        unsafe {
            let stream = ffi::avformat_new_stream(self.as_ptr(), ptr::null());
            if stream.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            AvError::check(ffi::avcodec_parameters_copy((*stream).codecpar, (*source).codecpar))?;
            (*stream).id = (*source).id;
            (*stream).time_base = time_base.into();
            (*stream).start_time = super::NOPTS;
            (*stream).duration = super::NOPTS;
            (*stream).avg_frame_rate = (*source).avg_frame_rate;
            (*stream).r_frame_rate = (*source).r_frame_rate;
            (*stream).sample_aspect_ratio = (*source).sample_aspect_ratio;
            (*stream).disposition = (*source).disposition;
            ffi::av_dict_copy(&mut (*stream).metadata, (*source).metadata, 0);
            // Since 6.1 it came with the parameters.
            if cfg!(not(ffmpeg6_1)) {
                sidedata::of_stream(source).iter().try_for_each(|side| sidedata::add_to_stream(stream, side))?;
            }
        }
        Ok(())
    }

    fn set_metadata(&mut self, metadata: &Dict) {
        // SAFETY: a blank context of ours, which has none yet.
        unsafe { ffi::av_dict_copy(&mut (*self.as_ptr()).metadata, metadata.as_ptr(), 0) };
    }
}
