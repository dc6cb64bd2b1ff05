//! Decoders.

use super::{AvError, Codec, DecoderDevice, Dict, Frame, Packet, Parameters, Rational, ffi};
use std::ffi::c_void;
use std::ptr;

/// What holds for a decoder beside its options.
pub struct DecoderSettings<'a> {
    pub parameters: &'a Parameters,
    pub time_base: Rational,
    /// 0/1 where nothing is known.
    pub frame_rate: Rational,
    pub is_bitexact: bool,
    pub log_slot: usize,
    pub device: Option<&'a DecoderDevice>,
}

/// An open decoder.
pub struct Decoder(*mut ffi::AVCodecContext);

// SAFETY: used by one thread at a time, as every call that changes it needs `&mut`.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Opens a decoder. What of `options` was not used stays in it.
    pub fn open(codec: Codec, settings: &DecoderSettings, options: &mut Dict) -> Result<Decoder, AvError> {
        // SAFETY: the context is ours from allocation on; dropped when a step fails.
        unsafe {
            let context = ffi::avcodec_alloc_context3(codec.as_ptr());
            if context.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let decoder = Decoder(context);
            AvError::check(ffi::avcodec_parameters_to_context(context, settings.parameters.as_ptr()))?;
            (*context).pkt_timebase = settings.time_base.into();
            (*context).framerate = settings.frame_rate.into();
            (*context).opaque = ptr::without_provenance_mut::<c_void>(settings.log_slot);
            if settings.is_bitexact {
                (*context).flags |= ffi::AV_CODEC_FLAG_BITEXACT as i32;
            }
            if let Some(device) = settings.device {
                device.attach(context)?;
            }
            AvError::check(ffi::avcodec_open2(context, codec.as_ptr(), options.as_mut()))?;
            Ok(decoder)
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVCodecContext {
        self.0
    }

    /// Whether it gives its last subtitle again and again when it is drained (ccaption_dec.c of FFmpeg 5.1).
    pub fn drains_without_end(&self) -> bool {
        self.get().codec_id == ffi::AV_CODEC_ID_EIA_608
    }

    pub(super) fn get(&self) -> &ffi::AVCodecContext {
        // SAFETY: valid while we own it; no Rust enum in it (build.rs).
        unsafe { &*self.0 }
    }

    /// Gives it a packet, or None to drain it.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let pointer = packet.map_or(ptr::null_mut(), |p| p.as_ptr());
        // SAFETY: valid context; the packet is only read.
        AvError::check(unsafe { ffi::avcodec_send_packet(self.0, pointer) }).map(drop)
    }

    /// `AvError::AGAIN`: needs a packet; `AvError::EOF`: drained.
    pub fn receive(&mut self, frame: &mut Frame) -> Result<(), AvError> {
        // SAFETY: valid context and frame.
        AvError::check(unsafe { ffi::avcodec_receive_frame(self.0, frame.as_ptr()) }).map(drop)
    }

    /// Forgets all it holds, for packets from another place.
    pub fn flush(&mut self) {
        // SAFETY: an open decoder.
        unsafe { ffi::avcodec_flush_buffers(self.0) };
    }

    /// Width and height as the decoder knows them; 0 where it does not.
    pub fn size(&self) -> (i32, i32) {
        (self.get().width, self.get().height)
    }

    pub fn sample_rate(&self) -> i32 {
        self.get().sample_rate
    }

    pub fn bits_per_raw_sample(&self) -> i32 {
        self.get().bits_per_raw_sample
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: ours; freed once. Joins FFmpeg's codec threads.
        unsafe { ffi::avcodec_free_context(&mut self.0) };
    }
}
