//! Inputs: an AVFormatContext that reads.

use super::access::{Access, Gate, Reach};
use super::guarded::{self, Opened};
use super::seekback;
use super::sidedata::SideData;
#[cfg(not(ffmpeg8_0))]
use super::slice_heads::SliceHeads;
use super::tls::TlsPeers;
use super::whole_pictures::Beginning;
use super::{AvError, Codec, Demuxer, Dict, Interrupt, Io, Packet, ffi};
use crate::options::MediaKind;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;

/// An open input.
pub struct Input {
    pub(super) context: *mut ffi::AVFormatContext,
    /// What it reads from, where that was opened before; closed before its callbacks go.
    _opened: Option<Opened>,
    /// The context's callbacks point into it.
    _access: Box<Access>,
    /// What it reads from, where that is the host's.
    pub(super) io: Option<Io>,
    #[cfg(not(ffmpeg8_0))]
    slice_heads: SliceHeads,
}

// SAFETY: a context has no ties to a thread; it is used by one at a time, as every call that changes it needs `&mut`.
unsafe impl Send for Input {}

/// How an input is opened.
pub struct Opening<'a> {
    pub url: &'a str,
    /// None to guess.
    pub format: Option<Demuxer>,
    /// How sure a guess was that was made before (`Io::probe_format`).
    pub probe_score: i32,
    pub interrupt: Arc<Interrupt>,
    /// Finds the job of a log line.
    pub log_slot: usize,
    pub is_bitexact: bool,
    /// Devices wait for their next packet instead of saying `AvError::AGAIN`.
    pub is_blocking: bool,
    /// What may be opened beside the URL, and how much may be read; None: whatever FFmpeg does.
    pub gate: Option<Arc<dyn Gate>>,
    /// Decoders that the user chose, for what find_stream_info decodes.
    pub decoders: [Option<Codec>; 3],
    /// How TLS peers are verified; None: as FFmpeg does, which is not at all.
    pub tls: Option<Arc<TlsPeers>>,
}

impl Input {
    /// Opens `url`, or reads what `io` gives: then nothing else is opened. What of `options` was not used stays in it.
    pub fn open(opening: &Opening, io: Option<Io>, options: &mut Dict) -> Result<Input, AvError> {
        let url = crate::text::c_string(opening.url).map_err(|_| AvError::INVALID)?;
        // SAFETY: every pointer is valid; avformat_open_input frees the context when it fails.
        unsafe {
            let mut context = ffi::avformat_alloc_context();
            if context.is_null() {
                return Err(AvError::NO_MEMORY);
            }
            let reach = match (&io, &opening.gate) {
                (Some(_), _) => Reach::Nothing,
                (None, Some(gate)) => Reach::Gated(Arc::clone(gate)),
                (None, None) => Reach::Everything,
            };
            let access = Access::install(context, &opening.interrupt, true, reach);
            if let (Some(tls), None) = (&opening.tls, &io) {
                access.secure(context, tls);
            }
            if let Some(io) = &io {
                (*context).pb = io.as_ptr();
                (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO as i32;
            }
            (*context).opaque = ptr::without_provenance_mut::<c_void>(opening.log_slot);
            if !opening.is_blocking {
                (*context).flags |= ffi::AVFMT_FLAG_NONBLOCK as i32;
            }
            if opening.is_bitexact {
                (*context).flags |= ffi::AVFMT_FLAG_BITEXACT as i32;
            }
            for (codec, kind) in opening.decoders.iter().zip([MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle])
            {
                let Some(codec) = codec else { continue };
                match kind {
                    MediaKind::Video => {
                        (*context).video_codec = codec.as_ptr();
                        (*context).video_codec_id = codec.id() as _;
                    }
                    MediaKind::Audio => {
                        (*context).audio_codec = codec.as_ptr();
                        (*context).audio_codec_id = codec.id() as _;
                    }
                    _ => {
                        (*context).subtitle_codec = codec.as_ptr();
                        (*context).subtitle_codec_id = codec.id() as _;
                    }
                }
            }
            let gate = opening.gate.as_deref().filter(|_| io.is_none());
            let prepared = match gate {
                Some(gate) => guarded::prepare(opening, &url, gate, context, &access, options),
                None => Ok((opening.format, opening.probe_score, None)),
            };
            let (format, probe_score, opened) = match prepared {
                Ok(prepared) => prepared,
                Err(error) => {
                    ffi::avformat_free_context(context);
                    return Err(error);
                }
            };
            let format = format.map_or(ptr::null(), Demuxer::as_ptr);
            let result = AvError::check(ffi::avformat_open_input(&mut context, url.as_ptr(), format, options.as_mut()));
            drop(Opened::from_ptr(access.hand_over(ptr::null_mut()), &access));
            result?;
            seekback::release((*context).pb);
            if probe_score > 0 {
                (*context).probe_score = probe_score;
            }
            let mut input = Input::of_parts(context, access);
            (input._opened, input.io) = (opened, io);
            Ok(input)
        }
    }

    /// Reads on until the streams are known. `options` holds one dictionary for each stream. Decoders are asked what pictures are, and nobody sees how
    /// they look: so residuals and loop filters are left out, unless the user said something of them (`skip_idct`, `skip_loop_filter` of avcodec.h).
    pub fn find_stream_info(&mut self, options: &mut [Dict]) -> Result<(), AvError> {
        for dict in options.iter_mut() {
            dict.set_if_absent("skip_idct", "all");
            dict.set_if_absent("skip_loop_filter", "all");
        }
        let mut pointers: Vec<*mut ffi::AVDictionary> =
            options.iter_mut().map(|dict| std::mem::replace(dict.as_mut(), ptr::null_mut())).collect();
        let array = if pointers.is_empty() { ptr::null_mut() } else { pointers.as_mut_ptr() };
        let _beginning = self.watch_pictures();
        // SAFETY: a valid context; the array has as many entries as there were streams when it was made.
        let ret = unsafe { ffi::avformat_find_stream_info(self.context, array) };
        for pointer in &mut pointers {
            // SAFETY: ours again after the call.
            unsafe { ffi::av_dict_free(pointer) };
        }
        AvError::check(ret).map(drop)
    }

    /// Those of an MPEG-TS, from the first packet on; of nothing else.
    fn watch_pictures(&mut self) -> Option<Box<Beginning>> {
        let pictures = self.io.as_ref()?.pictures()?;
        // SAFETY: an open context has its format, whose name is a static string.
        if unsafe { CStr::from_ptr((*self.get().iformat).name) } != c"mpegts" {
            pictures.end();
            return None;
        }
        // SAFETY: a valid context, which outlives the watch: `drop` ends it.
        Some(unsafe { Beginning::install(self.context, pictures) })
    }

    pub(super) fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: valid while we own it; no Rust enum in it (build.rs).
        unsafe { &*self.context }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFormatContext {
        self.context
    }

    pub fn stream_count(&self) -> usize {
        self.get().nb_streams as usize
    }

    pub(super) fn stream(&self, index: usize) -> *mut ffi::AVStream {
        debug_assert!(index < self.stream_count());
        // SAFETY: index is below nb_streams, checked by the callers.
        unsafe { *self.get().streams.add(index) }
    }

    /// Gives a stream another codec id: the user chose a decoder for it.
    pub fn set_codec_id(&mut self, index: usize, id: i32) {
        if index < self.stream_count() {
            // SAFETY: a valid stream.
            unsafe { (*(*self.stream(index)).codecpar).codec_id = id as _ };
        }
    }

    /// Makes a stream one of the codec's kind: the user chose a decoder of another kind for it.
    pub fn recast(&mut self, index: usize, codec: Codec) {
        if index < self.stream_count() {
            // SAFETY: a valid stream, and a static codec.
            unsafe { (*(*self.stream(index)).codecpar).codec_type = (*codec.as_ptr()).type_ };
        }
    }

    /// Adds side data to a stream, or replaces what is there.
    pub fn set_side_data(&mut self, index: usize, side: &SideData) -> Result<(), AvError> {
        if index >= self.stream_count() {
            return Ok(());
        }
        // SAFETY: a valid stream.
        unsafe { super::sidedata::add_to_stream(self.stream(index), side) }
    }

    pub fn set_codec_tag(&mut self, index: usize, tag: u32) {
        if index < self.stream_count() {
            // SAFETY: a valid stream.
            unsafe { (*(*self.stream(index)).codecpar).codec_tag = tag };
        }
    }

    /// What the demuxer may throw away: an AVDiscard.
    pub fn set_discard(&mut self, index: usize, discard: i32) {
        if index < self.stream_count() {
            // SAFETY: a valid stream.
            unsafe { (*self.stream(index)).discard = discard as _ };
        }
    }

    /// The parts of an input that reads nothing by itself.
    pub(super) fn of_parts(context: *mut ffi::AVFormatContext, access: Box<Access>) -> Input {
        Input {
            context,
            _opened: None,
            _access: access,
            io: None,
            #[cfg(not(ffmpeg8_0))]
            slice_heads: SliceHeads::default(),
        }
    }

    /// Seeks to the last key frame at or before `timestamp_us`.
    pub fn seek(&mut self, timestamp_us: i64) -> Result<(), AvError> {
        // SAFETY: a valid context.
        let ret = unsafe { ffi::avformat_seek_file(self.context, -1, i64::MIN, timestamp_us, timestamp_us, 0) };
        self.sought();
        AvError::check(ret).map(drop)
    }

    /// Seeks to the key frame nearest to `timestamp_us`, before or after it.
    pub fn seek_near(&mut self, timestamp_us: i64) -> Result<(), AvError> {
        // SAFETY: a valid context.
        let ret = unsafe { ffi::avformat_seek_file(self.context, -1, -i64::MAX, timestamp_us, i64::MAX, 0) };
        self.sought();
        AvError::check(ret).map(drop)
    }

    /// The demuxer makes its parsers anew.
    fn sought(&mut self) {
        #[cfg(not(ffmpeg8_0))]
        self.slice_heads.after_seek();
    }

    /// Reads the next packet into `packet`, which is blank. `AvError::AGAIN` means that none is there yet.
    pub fn read(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        // SAFETY: a valid context and packet.
        AvError::check(unsafe { ffi::av_read_frame(self.context, packet.as_ptr()) })?;
        #[cfg(not(ffmpeg8_0))]
        // SAFETY: a valid context, which gave out this packet.
        unsafe {
            self.slice_heads.after_packet(self.context, packet.stream_index().max(0) as usize);
        }
        // What no parser has put together still lies in the demuxer's buffer.
        if self.io.as_ref().is_some_and(|io| io.pictures().is_some()) { packet.fit() } else { Ok(()) }
    }

    /// Fields of the last packet of a stream beyond two, as its parser saw them; None without a parser.
    pub fn repeat_picture(&self, index: usize) -> Option<i32> {
        // SAFETY: a valid stream; the parser belongs to it.
        unsafe {
            let parser = ffi::av_stream_get_parser(self.stream(index));
            if parser.is_null() { None } else { Some((*parser).repeat_pict) }
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.io.iter().filter_map(Io::pictures).for_each(|pictures| pictures.end());
        // SAFETY: ours; closed once, also frees it.
        unsafe { ffi::avformat_close_input(&mut self.context) };
    }
}
