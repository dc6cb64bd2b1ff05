//! FFmpeg's parser of H.264 is shown no more of a packet than what it reads.
//!
//! libavformat has packets of MP4, Matroska and FLV parsed for their key frames and times. parse_nal_units (libavcodec/h264_parser.c, read in
//! FFmpeg 5.1.9; the tests compare with the one that is linked) ends with the header of the first slice, and reads at most 1000 bytes of that; but it makes a buffer as large as the packet, and
//! clears it, which is a twentieth of all that copying a file costs. So the parser is given the packet's head alone, and says the same of it.
//!
//! HEVC's parser takes a packet apart to its end, and tells in the log what is wrong there: it has to be shown all.

mod head;
#[cfg(test)]
mod tests;

use super::ffi;
use head::{Form, HEAD_BYTES};
use std::ffi::c_int;
use std::sync::OnceLock;

/// The streams of an input whose parsers were looked at since it was opened or sought in: that makes them anew.
#[derive(Default)]
pub struct SliceHeads {
    is_done: Vec<bool>,
}

impl SliceHeads {
    /// # Safety
    /// A valid context, which gave out a packet of stream `index`.
    #[inline]
    pub unsafe fn after_packet(&mut self, context: *mut ffi::AVFormatContext, index: usize) {
        if self.is_done.get(index) != Some(&true) {
            // SAFETY: by contract.
            unsafe { self.look(context, index) }
        }
    }

    #[cold]
    unsafe fn look(&mut self, context: *mut ffi::AVFormatContext, index: usize) {
        // SAFETY: by contract; the index is checked, and the stream's parser is there by its first packet, or there is none.
        unsafe {
            if index >= (*context).nb_streams as usize {
                return;
            }
            if self.is_done.len() <= index {
                self.is_done.resize(index + 1, false);
            }
            self.is_done[index] = true;
            let parser = ffi::av_stream_get_parser(*(*context).streams.add(index));
            if !parser.is_null() {
                install(parser);
            }
        }
    }

    pub fn after_seek(&mut self) {
        self.is_done.clear();
    }
}

type Parse = unsafe extern "C" fn(
    *mut ffi::AVCodecParserContext,
    *mut ffi::AVCodecContext,
    *mut *const u8,
    *mut c_int,
    *const u8,
    c_int,
) -> c_int;

/// FFmpeg's parser of H.264, and what we put in its place. Contexts point to these until they end, so these stay.
struct Parsers {
    theirs: *const ffi::AVCodecParser,
    parse: Parse,
    /// Has not yet seen what packets are to this parser.
    learning: ffi::AVCodecParser,
    prefixed: ffi::AVCodecParser,
    byte_stream: ffi::AVCodecParser,
}

// SAFETY: `theirs` is a constant of libavcodec's, as the functions are; nothing here is written after it was made.
unsafe impl Send for Parsers {}
// SAFETY: as above.
unsafe impl Sync for Parsers {}

impl Parsers {
    /// None in a libavcodec without H.264.
    fn get() -> Option<&'static Parsers> {
        static PARSERS: OnceLock<Option<Parsers>> = OnceLock::new();
        PARSERS.get_or_init(Parsers::find).as_ref()
    }

    fn find() -> Option<Parsers> {
        let mut state = std::ptr::null_mut();
        // SAFETY: what it gives are constants, or NULL at the end.
        let parsers = std::iter::from_fn(|| unsafe { ffi::av_parser_iterate(&mut state).as_ref() });
        let theirs = { parsers }.find(|parser| parser.codec_ids[0] == ffi::AV_CODEC_ID_H264 as c_int)?;
        let with = |parse: Parse| ffi::AVCodecParser { parser_parse: Some(parse), ..*theirs };
        Some(Parsers {
            theirs,
            parse: theirs.parser_parse?,
            learning: with(learn),
            prefixed: with(parse_prefixed),
            byte_stream: with(parse_byte_stream),
        })
    }
}

/// Nothing where the parser is another, or has been installed in before.
///
/// # Safety
/// A valid parser that is not in use.
unsafe fn install(parser: *mut ffi::AVCodecParserContext) {
    let Some(parsers) = Parsers::get() else { return };
    // SAFETY: by contract.
    unsafe {
        if std::ptr::eq((*parser).parser, parsers.theirs) {
            (*parser).parser = &parsers.learning;
        }
    }
}

/// A call of parser_parse.
struct Call {
    parser: *mut ffi::AVCodecParserContext,
    codec: *mut ffi::AVCodecContext,
    out: *mut *const u8,
    out_size: *mut c_int,
    data: *const u8,
    size: c_int,
}

impl Call {
    /// Where it is one, whole, as the demuxer gave it.
    ///
    /// # Safety
    /// The pointers are valid.
    unsafe fn packet(&self) -> Option<&[u8]> {
        // SAFETY: by contract: as many bytes as it says.
        unsafe {
            let is_complete = (*self.parser).flags & ffi::PARSER_FLAG_COMPLETE_FRAMES as c_int != 0;
            let size =
                usize::try_from(self.size).ok().filter(|size| is_complete && *size > 0 && !self.data.is_null())?;
            Some(std::slice::from_raw_parts(self.data, size))
        }
    }

    /// FFmpeg's own parser has all of it.
    ///
    /// # Safety
    /// As of `packet`.
    unsafe fn pass(&self) -> c_int {
        // SAFETY: by contract; with what the caller gave.
        unsafe { self.run(self.out, self.out_size, self.data, self.size) }
    }

    /// FFmpeg's own parser has the head, and what it says is said of the packet.
    ///
    /// # Safety
    /// As of `packet`, and so is the head, which is padded.
    unsafe fn show(&self, head: &[u8]) -> c_int {
        let (mut out, mut out_size) = (std::ptr::null(), 0);
        // SAFETY: by contract. A parser of complete packets keeps none of it.
        unsafe {
            self.run(&mut out, &mut out_size, head.as_ptr(), head.len() as c_int);
            (*self.out, *self.out_size) = (self.data, self.size);
        }
        self.size
    }

    unsafe fn run(&self, out: *mut *const u8, out_size: *mut c_int, data: *const u8, size: c_int) -> c_int {
        // SAFETY: by contract; where there are parsers of ours, there is theirs.
        unsafe {
            match Parsers::get() {
                Some(parsers) => (parsers.parse)(self.parser, self.codec, out, out_size, data, size),
                None => {
                    (*out, *out_size) = (data, size);
                    size
                }
            }
        }
    }
}

/// Finds out what packets are to this parser, which it was told once, by the extradata of that time: a packet that has one form only, in which it found a
/// slice, was read in that form.
unsafe extern "C" fn learn(
    parser: *mut ffi::AVCodecParserContext,
    codec: *mut ffi::AVCodecContext,
    out: *mut *const u8,
    out_size: *mut c_int,
    data: *const u8,
    size: c_int,
) -> c_int {
    let call = Call { parser, codec, out, out_size, data, size };
    // SAFETY: av_parser_parse2 gives valid pointers; the parser's width is set by slices alone.
    unsafe {
        let Some(form) = call.packet().and_then(Form::of) else { return call.pass() };
        let before = std::mem::replace(&mut (*parser).coded_width, 0);
        let index = call.pass();
        match Parsers::get() {
            _ if (*parser).coded_width == 0 => (*parser).coded_width = before,
            Some(parsers) if form == Form::Prefixed => (*parser).parser = &parsers.prefixed,
            Some(parsers) => (*parser).parser = &parsers.byte_stream,
            None => {}
        }
        index
    }
}

/// The length before the slice has to be one that the head has, so the head is a copy.
unsafe extern "C" fn parse_prefixed(
    parser: *mut ffi::AVCodecParserContext,
    codec: *mut ffi::AVCodecContext,
    out: *mut *const u8,
    out_size: *mut c_int,
    data: *const u8,
    size: c_int,
) -> c_int {
    let call = Call { parser, codec, out, out_size, data, size };
    // SAFETY: av_parser_parse2 gives valid pointers; behind the head there are zeros.
    unsafe {
        let Some(packet) = call.packet().filter(|packet| head::is_worth_it(packet)) else { return call.pass() };
        let mut room = [0; HEAD_BYTES + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize];
        match head::copy_prefixed(packet, &mut room[..HEAD_BYTES]).and_then(|count| room.get(..count)) {
            Some(head) => call.show(head),
            None => call.pass(),
        }
    }
}

unsafe extern "C" fn parse_byte_stream(
    parser: *mut ffi::AVCodecParserContext,
    codec: *mut ffi::AVCodecContext,
    out: *mut *const u8,
    out_size: *mut c_int,
    data: *const u8,
    size: c_int,
) -> c_int {
    let call = Call { parser, codec, out, out_size, data, size };
    // SAFETY: av_parser_parse2 gives valid pointers; behind the head there is more of the packet, or its padding.
    unsafe {
        match call.packet().filter(|packet| head::is_worth_it(packet)).and_then(head::of_byte_stream) {
            Some(head) => call.show(head),
            None => call.pass(),
        }
    }
}
