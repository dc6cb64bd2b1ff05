//! A stream whose pictures avformat_find_stream_info need not decode, as its parameter sets say the same.

use super::codec::all_decoders;
use super::{AvError, Dict, Input, VideoFacts, decoder_for, ffi, log};
use std::ffi::CString;
use std::sync::OnceLock;

impl Input {
    /// All bytes of the input, where they are in memory, or come while `reads_on` says so of what came so far.
    pub fn whole_ahead(&mut self, reads_on: &mut dyn FnMut(&[u8]) -> bool) -> Option<&[u8]> {
        self.io.as_mut()?.whole_ahead(reads_on)
    }

    /// Nothing more is asked of what lies ahead: nothing is kept for that.
    pub fn forget_ahead(&mut self) {
        let _ = self.whole_ahead(&mut |_| false);
    }

    /// Whether streams may still turn up, so that avformat_find_stream_info reads as far as it does where nobody says otherwise.
    pub fn is_read_far(&self) -> bool {
        let context = self.get();
        let is_far = context.probesize >= 5_000_000 && context.max_analyze_duration == 0;
        is_far && context.ctx_flags as u32 & ffi::AVFMTCTX_NOHEADER != 0
    }

    /// Whether only some decoders may be opened for it: what the others would say of a stream is then not known.
    pub fn limits_decoders(&self) -> bool {
        !self.get().codec_whitelist.is_null()
    }

    /// Where an MPEG-TS carries a stream, and the tables of its programs.
    pub fn places(&self, stream: usize) -> (i32, Vec<i32>) {
        let context = self.get();
        // SAFETY: the array has as many valid entries as its count says.
        let tables = (0..context.nb_programs as usize).map(|i| unsafe { (**context.programs.add(i)).pmt_pid });
        // SAFETY: a valid stream.
        (unsafe { (*self.stream(stream)).id }, tables.collect())
    }

    /// Whether FFmpeg would look at the pictures of a stream with its own H.264 decoder, and knows nothing of them yet; and whether that can be
    /// refused without a word: where FFmpeg's log is the host's, it would say so there.
    pub fn is_plain_h264(&self, index: usize) -> bool {
        // SAFETY: a valid stream with its parameters; no Rust enum in them (build.rs).
        let par = unsafe { &*(*self.stream(index)).codecpar };
        let is_new = par.extradata_size == 0 && par.width == 0;
        is_new
            && log::is_installed()
            && par.codec_id == ffi::AV_CODEC_ID_H264
            && decoder_for(par.codec_id as i32).is_some_and(|codec| codec.name() == "h264")
    }

    /// As [`Input::find_stream_info`], with `facts` for what the pictures of a stream are: its decoder is refused whenever FFmpeg would open
    /// it. All else that a decoder does, FFmpeg has from the parser, from the parameters, which are set before, and from an option, which
    /// stays though the decoder is refused (avformat_find_stream_info and try_decode_frame of libavformat/demux.c, avcodec_open2). The one
    /// value that comes last is the pixel format: without it FFmpeg waits for the stream's first picture, as it should.
    pub fn find_stream_info_sparing(
        &mut self,
        options: &mut [Dict],
        (index, facts): (usize, &VideoFacts),
    ) -> Result<(), AvError> {
        let Some(list) = other_decoders() else { return Err(AvError::NO_MEMORY) };
        // SAFETY: a valid stream with its parameters, which are ours to change through `&mut self`; FFmpeg's own copy of the list.
        unsafe {
            let par = &mut *(*self.stream(index)).codecpar;
            facts.put(par);
            par.format = ffi::AV_PIX_FMT_NONE;
            (par.width, par.height, par.video_delay) = (facts.width, facts.height, facts.delay_frames);
            (*self.as_ptr()).codec_whitelist = ffi::av_strdup(list.as_ptr());
        }
        if let Some(options) = options.get_mut(index) {
            options.set("ticks_per_frame", "2"); // h264_decode_init
        }
        let result = self.find_stream_info(options);
        log::forget_refusals();
        // SAFETY: as before.
        unsafe {
            ffi::av_freep((&raw mut (*self.as_ptr()).codec_whitelist).cast());
            (*(*self.stream(index)).codecpar).format = ffi::AV_PIX_FMT_YUV420P as i32;
        }
        result
    }
}

/// The names of all decoders but H.264's, in the form of `codec_whitelist`.
fn other_decoders() -> Option<&'static CString> {
    static NAMES: OnceLock<Option<CString>> = OnceLock::new();
    let make = || {
        let others = all_decoders().map(|codec| codec.name().to_string()).filter(|name| name != "h264");
        let names: Vec<String> = std::iter::once(log::SPARED.to_owned()).chain(others).collect();
        CString::new(names.join(",")).ok()
    };
    NAMES.get_or_init(make).as_ref()
}
