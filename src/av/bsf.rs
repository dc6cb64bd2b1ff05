//! Bitstream filters that the user asked for.

use super::{AvError, Packet, Parameters, Rational, ffi};
use std::ptr;

/// A chain of bitstream filters.
pub struct BitstreamFilters(*mut ffi::AVBSFContext);

// SAFETY: used by one thread at a time, as every call needs `&mut`.
unsafe impl Send for BitstreamFilters {}

impl BitstreamFilters {
    /// Parses "name=option=value:...,name2" (av_bsf_list_parse_str).
    pub fn parse(chain: &str) -> Result<BitstreamFilters, AvError> {
        let chain = crate::text::c_string(chain).map_err(|_| AvError::INVALID)?;
        let mut context = ptr::null_mut();
        // SAFETY: a terminated string and a place for the context, which is ours from here on.
        AvError::check(unsafe { ffi::av_bsf_list_parse_str(chain.as_ptr(), &mut context) })?;
        Ok(BitstreamFilters(context))
    }

    /// Prepares the chain for packets of these parameters, and returns those of the packets that come out.
    pub fn init(&mut self, parameters: &Parameters, time_base: Rational) -> Result<(Parameters, Rational), AvError> {
        // SAFETY: valid context and parameters.
        unsafe {
            AvError::check(ffi::avcodec_parameters_copy((*self.0).par_in, parameters.as_ptr()))?;
            (*self.0).time_base_in = time_base.into();
            AvError::check(ffi::av_bsf_init(self.0))?;
            Ok((Parameters::copy_of((*self.0).par_out)?, (*self.0).time_base_out.into()))
        }
    }

    /// Gives it a packet, or None for the end.
    pub fn send(&mut self, packet: Option<&mut Packet>) -> Result<(), AvError> {
        let pointer = packet.map_or(ptr::null_mut(), |p| p.as_ptr());
        // SAFETY: valid context; the packet's content is moved out.
        AvError::check(unsafe { ffi::av_bsf_send_packet(self.0, pointer) }).map(drop)
    }

    /// The next packet, or None where it needs more or is at its end.
    pub fn receive(&mut self, packet: &mut Packet) -> Result<bool, AvError> {
        // SAFETY: valid context and packet.
        match AvError::check(unsafe { ffi::av_bsf_receive_packet(self.0, packet.as_ptr()) }) {
            Ok(_) => Ok(true),
            Err(AvError::AGAIN | AvError::EOF) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for BitstreamFilters {
    fn drop(&mut self) {
        // SAFETY: ours; freed once.
        unsafe { ffi::av_bsf_free(&mut self.0) };
    }
}
