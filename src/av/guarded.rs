//! Opening a URL outside of `trusted`: the bytes are opened first and the format is guessed from them by us, so that a format can be
//! refused before it does anything, and what is read can be counted. As init_input of libavformat/demux.c in all else.

use super::access::{Access, Gate};
use super::{AvError, Demuxer, Dict, Opening, ffi};
use std::ffi::{CStr, c_int};
use std::ptr;

/// An AVIOContext of FFmpeg's that we close.
pub(super) struct Opened {
    io: *mut ffi::AVIOContext,
    access: *const Access,
}

impl Opened {
    /// None for NULL.
    ///
    /// # Safety
    /// `io` is NULL or an open context that nobody else closes; `access` outlives the result.
    pub(super) unsafe fn from_ptr(io: *mut ffi::AVIOContext, access: &Access) -> Option<Opened> {
        (!io.is_null()).then(|| Opened { io, access: ptr::from_ref(access) })
    }

    fn into_ptr(self) -> *mut ffi::AVIOContext {
        let io = self.io;
        std::mem::forget(self);
        io
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: by the contract of `from_ptr`. Closing asks the interrupt callback, which must not look at it any more.
        unsafe {
            (*self.access).measure(ptr::null_mut());
            ffi::avio_closep(&mut self.io);
        }
    }
}

/// The format, how sure that is, and what is open already.
type Prepared = (Option<Demuxer>, i32, Option<Opened>);

/// Opens what is to be read, and guesses its format. A guess that the gate refuses is an error.
///
/// # Safety
/// `context` is fresh, with the callbacks of `access`, which outlives it.
pub(super) unsafe fn prepare(
    opening: &Opening,
    url: &CStr,
    gate: &dyn Gate,
    context: *mut ffi::AVFormatContext,
    access: &Access,
    options: &mut Dict,
) -> Result<Prepared, AvError> {
    let named = opening.format.or_else(|| Demuxer::by_name(opening.url));
    if let Some(format) = named.filter(|format| format.opens_no_file()) {
        if opening.format.is_none() {
            gate.check_guess(format).map_err(AvError)?;
        }
        return Ok((Some(format), 0, None));
    }
    gate.check(opening.url).map_err(AvError)?;
    // SAFETY: the context is as the contract says.
    unsafe {
        let io = open(url, context, options)?;
        let opened = Opened { io, access };
        access.measure(io);
        let (format, score) = match opening.format {
            Some(format) => (format, 0),
            None => guess(io, url, context, options)?,
        };
        if opening.format.is_none() {
            gate.check_guess(format).map_err(AvError)?;
        }
        if format.names().split(',').any(|name| name == "hls") {
            // It takes cookies only from what FFmpeg opened itself (hls.c: open_url), and reads nothing but a playlist here.
            access.measure(ptr::null_mut());
            access.hand_over(opened.into_ptr());
            return Ok((Some(format), score, None));
        }
        (*context).pb = io;
        (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO as i32;
        Ok((Some(format), score, Some(opened)))
    }
}

/// # Safety
/// As `prepare`.
unsafe fn open(
    url: &CStr,
    context: *mut ffi::AVFormatContext,
    options: &mut Dict,
) -> Result<*mut ffi::AVIOContext, AvError> {
    // SAFETY: static classes; a valid context.
    unsafe {
        let class = ffi::avformat_get_class();
        let is_formats = |key: &str| super::options::find(class, key, 0, false).is_some();
        let mut protocols = Dict::default();
        for (key, value) in options.entries() {
            if !is_formats(&key) || key == "protocol_whitelist" || key == "protocol_blacklist" {
                protocols.set(&key, &value);
            }
        }
        let given: Vec<String> = protocols.entries().into_iter().map(|(key, _)| key).collect();
        let is_direct = options.get("avioflags").is_some_and(|flags| flags.contains("direct"));
        let flags = ffi::AVIO_FLAG_READ | if is_direct { ffi::AVIO_FLAG_DIRECT } else { 0 };
        let mut io = ptr::null_mut();
        let interrupt = &raw const (*context).interrupt_callback;
        AvError::check(ffi::avio_open2(&mut io, url.as_ptr(), flags as c_int, interrupt, protocols.as_mut()))?;
        // What the protocol took is not unknown; the rest is for the format.
        for key in given.iter().filter(|key| protocols.get(key).is_none() && !is_formats(key)) {
            options.remove(key);
        }
        Ok(io)
    }
}

/// # Safety
/// An open `io`; a valid context.
unsafe fn guess(
    io: *mut ffi::AVIOContext,
    url: &CStr,
    context: *mut ffi::AVFormatContext,
    options: &Dict,
) -> Result<(Demuxer, i32), AvError> {
    let most = options.get("format_probesize").and_then(|text| crate::options::parse_integer(&text)).unwrap_or(1 << 20);
    let most = most.clamp(2048, 1 << 30) as u32;
    // SAFETY: by contract. The format goes into the context, which the log names by it.
    unsafe {
        let place = &raw mut (*context).iformat;
        let score = ffi::av_probe_input_buffer2(io, place.cast(), url.as_ptr(), context.cast(), 0, most);
        AvError::check(score)?;
        Ok((Demuxer::from_ptr((*context).iformat).ok_or(AvError::INVALID_DATA)?, score))
    }
}
