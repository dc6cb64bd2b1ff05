//! Pictures of an MPEG-TS, one a PES packet, that are given out without waiting for the next.
//!
//! FFmpeg's parsers of H.264 and HEVC know the end of an access unit by the beginning of the next one, so each picture is held for a picture's time.
//! Told that packets are complete (PARSER_FLAG_COMPLETE_FRAMES), they hold nothing. That has to be said before the first packet is parsed, or what is
//! held would be lost; and it has to be true. So all bytes are looked at as they are read, before the demuxer has them: it gives a PES packet of unknown
//! length only when the next one begins, so what is seen here is seen in time, and from a packet on that is something else the parser does its work again.

mod stream;
#[cfg(test)]
mod tests;
mod transport;
mod units;

use super::ffi;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
pub use stream::watched;
use transport::{Place, Transport};
use units::Syntax;

/// What may be read to find the streams.
const MOST_BYTES_BEFORE: usize = 1 << 20;

enum State {
    /// What was read before the streams were known.
    Before(Vec<u8>),
    During(Transport, Streams),
    Over,
}

/// The context, and the streams of it whose parsers take packets as complete: index and pid.
struct Streams {
    context: *mut ffi::AVFormatContext,
    streams: Vec<(usize, u16)>,
}

// SAFETY: used only by the thread that uses the context: in its callbacks, and with `&mut Input`.
unsafe impl Send for Streams {}

/// Shared by an input and the stream that it reads; both are used by one thread at a time.
pub struct WholePictures {
    state: Mutex<State>,
}

impl WholePictures {
    fn new() -> Arc<WholePictures> {
        Arc::new(WholePictures { state: Mutex::new(State::Before(Vec::new())) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is watched any more. The context may go, or be something else than an MPEG-TS.
    pub fn end(&self) {
        let mut state = self.state();
        if let State::During(_, streams) = &*state {
            streams.streams.iter().for_each(|(index, _)| streams.mark(*index, false));
        }
        *state = State::Over;
    }

    /// These bytes were read, and the demuxer has them next.
    fn take(&self, bytes: &[u8]) {
        let mut state = self.state();
        match &mut *state {
            State::Before(before) if before.len() + bytes.len() <= MOST_BYTES_BEFORE => before.extend_from_slice(bytes),
            State::Before(_) => *state = State::Over,
            State::During(transport, streams) => {
                streams.end(&transport.take(bytes));
                if !transport.is_watching() {
                    *state = State::Over;
                }
            }
            State::Over => {}
        }
    }

    /// The parsers are there, and nothing was parsed yet.
    ///
    /// # Safety
    /// A valid context of an MPEG-TS, used by this thread alone, until [`WholePictures::end`].
    unsafe fn begin(&self, context: *mut ffi::AVFormatContext) {
        let mut state = self.state();
        let State::Before(before) = &mut *state else { return };
        let before = std::mem::take(before);
        // SAFETY: by contract.
        let Some(places) = (unsafe { places(context) }) else {
            *state = State::Over;
            return;
        };
        let streams = places.iter().map(|(index, place)| (*index, place.pid)).collect();
        let streams = Streams { context, streams };
        streams.streams.iter().for_each(|(index, _)| streams.mark(*index, true));
        let transport = Transport::new(places.into_iter().map(|(_, place)| place).collect());
        *state = State::During(transport, streams);
        drop(state);
        self.take(&before);
    }
}

impl Streams {
    /// The parsers of these are to find the pictures again. They hold nothing, so they begin anew.
    fn end(&self, pids: &[u16]) {
        self.streams.iter().filter(|(_, pid)| pids.contains(pid)).for_each(|(index, _)| self.mark(*index, false));
    }

    fn mark(&self, index: usize, is_complete: bool) {
        // SAFETY: the context is valid until `WholePictures::end`, its streams stay, and the parser is the stream's, or there is none.
        unsafe {
            let parser = ffi::av_stream_get_parser(*(*self.context).streams.add(index));
            let flag = ffi::PARSER_FLAG_COMPLETE_FRAMES as c_int;
            match is_complete {
                _ if parser.is_null() => {}
                true => (*parser).flags |= flag,
                false => (*parser).flags &= !flag,
            }
        }
    }
}

/// The streams that are pictures with a parser. None where there is none, or programs' streams change their places.
///
/// # Safety
/// A valid context of an MPEG-TS.
unsafe fn places(context: *mut ffi::AVFormatContext) -> Option<Vec<(usize, Place)>> {
    // SAFETY: valid by contract, and so are its streams with their parameters; the demuxer's private context begins with its class.
    unsafe {
        let (object, mut size, mut merges) = ((*context).priv_data, 0, 1);
        ffi::av_opt_get_int(object, c"merge_pmt_versions".as_ptr(), 0, &mut merges);
        if merges != 0 || ffi::av_opt_get_int(object, c"max_packet_size".as_ptr(), 0, &mut size) < 0 {
            return None;
        }
        let place = |index: usize| {
            let stream = *(*context).streams.add(index);
            let syntax = match (*(*stream).codecpar).codec_id {
                ffi::AV_CODEC_ID_H264 => Syntax::H264,
                ffi::AV_CODEC_ID_HEVC => Syntax::Hevc,
                _ => return None,
            };
            let is_parsed = !ffi::av_stream_get_parser(stream).is_null();
            let pid = u16::try_from((*stream).id).ok().filter(|_| is_parsed)?;
            Some((index, Place { pid, syntax, most_bytes: usize::try_from(size).ok()? }))
        };
        let places: Vec<_> = (0..(*context).nb_streams as usize).filter_map(place).collect();
        (!places.is_empty()).then_some(places)
    }
}

/// Begins the watch in avformat_find_stream_info (libavformat/demux.c), which asks whether to go on when it has made the parsers, and before it reads.
pub struct Beginning {
    context: *mut ffi::AVFormatContext,
    asked: ffi::AVIOInterruptCB,
    pictures: Arc<WholePictures>,
}

impl Beginning {
    /// # Safety
    /// A valid context of an MPEG-TS that outlives this, and `pictures` until their end; this thread calls avformat_find_stream_info with it next.
    pub unsafe fn install(context: *mut ffi::AVFormatContext, pictures: &Arc<WholePictures>) -> Box<Beginning> {
        // SAFETY: by contract; the box stays where it is, and takes itself out again.
        unsafe {
            let asked = (*context).interrupt_callback;
            let mut beginning = Box::new(Beginning { context, asked, pictures: Arc::clone(pictures) });
            (*context).interrupt_callback.callback = Some(first_asked);
            (*context).interrupt_callback.opaque = (&raw mut *beginning).cast();
            beginning
        }
    }

    fn restore(&self) {
        // SAFETY: by the contract of `install`.
        unsafe { (*self.context).interrupt_callback = self.asked };
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        self.restore();
    }
}

unsafe extern "C" fn first_asked(opaque: *mut c_void) -> c_int {
    // SAFETY: the box of `install`, which lives as long as it is installed; this is the thread of the context.
    unsafe {
        let beginning = &*opaque.cast::<Beginning>();
        beginning.restore();
        beginning.pictures.begin(beginning.context);
        beginning.asked.callback.map_or(0, |callback| callback(beginning.asked.opaque))
    }
}
