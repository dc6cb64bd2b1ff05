//! What an RTP output says of itself for a session description.

use super::output::Output;
use super::{AvError, ffi};
use std::ffi::{CStr, c_char};
use std::ptr;

/// An RTP output as it was when its header was written. It is a copy: the output itself is written to by another thread.
pub struct SdpPart {
    context: *mut ffi::AVFormatContext,
    /// How its packets are encrypted, ready to stand behind its media.
    crypto: String,
}

// SAFETY: a context has no ties to a thread; it is only read once it is made.
unsafe impl Send for SdpPart {}

impl Output {
    /// After the header was written.
    pub fn sdp_part(&self) -> Result<SdpPart, AvError> {
        let own = self.get();
        let mut part = SdpPart { context: ptr::null_mut(), crypto: String::new() };
        // SAFETY: both contexts are valid and of the same format, so their private data are of one class; what is copied is the
        // copy's own, and freed with it.
        unsafe {
            AvError::check(ffi::avformat_alloc_output_context2(&mut part.context, own.oformat, ptr::null(), own.url))?;
            AvError::check(ffi::av_opt_copy((*part.context).priv_data, own.priv_data))?;
            AvError::check(ffi::av_dict_copy(&mut (*part.context).metadata, own.metadata, 0))?;
            (*part.context).flags = own.flags;
            for index in 0..own.nb_streams as usize {
                let from = *own.streams.add(index);
                let stream = ffi::avformat_new_stream(part.context, ptr::null());
                if stream.is_null() {
                    return Err(AvError::NO_MEMORY);
                }
                AvError::check(ffi::avcodec_parameters_copy((*stream).codecpar, (*from).codecpar))?;
                AvError::check(ffi::av_dict_copy(&mut (*stream).metadata, (*from).metadata, 0))?;
                ((*stream).id, (*stream).time_base) = ((*from).id, (*from).time_base);
            }
            let mut contexts = [self.context];
            let text = describe(&mut contexts)?;
            part.crypto = text.split_inclusive("\r\n").filter(|line| line.starts_with("a=crypto:")).collect();
        }
        Ok(part)
    }
}

impl SdpPart {
    /// The session description of RTP outputs in their order; there is at least one (av_sdp_create).
    pub fn describe(parts: &[&SdpPart]) -> Result<String, AvError> {
        let mut contexts: Vec<_> = parts.iter().map(|part| part.context).collect();
        // SAFETY: valid contexts.
        let text = unsafe { describe(&mut contexts)? };
        let mut pieces = text.split("m=");
        let mut whole = pieces.next().unwrap_or_default().to_owned();
        for (piece, part) in pieces.zip(parts) {
            whole.extend(["m=", piece, &part.crypto]);
        }
        Ok(whole)
    }
}

/// # Safety
/// Valid contexts of RTP outputs.
unsafe fn describe(contexts: &mut [*mut ffi::AVFormatContext]) -> Result<String, AvError> {
    let mut text = vec![0 as c_char; 16384];
    // SAFETY: by contract; the text is terminated.
    unsafe {
        let (count, size) = (contexts.len() as i32, text.len() as i32);
        AvError::check(ffi::av_sdp_create(contexts.as_mut_ptr(), count, text.as_mut_ptr(), size))?;
        Ok(crate::text::from_bytes(CStr::from_ptr(text.as_ptr()).to_bytes()))
    }
}

impl Drop for SdpPart {
    fn drop(&mut self) {
        // SAFETY: ours or NULL; freed once.
        unsafe { ffi::avformat_free_context(self.context) };
    }
}
