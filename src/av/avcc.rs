//! The avcC of H.264 parameter sets that stand behind start codes, as the linked FFmpeg writes it (ff_isom_write_avcc of libavformat/avc.c). Nothing of its API
//! gives that; its FLV muxer puts it, alone, into the first tag of a video stream.

use super::{AvError, Dict, Parameters, ffi};
use std::ptr;

/// Before the first tag: the header of the file, and the size of no tag.
const FILE_HEADER_BYTES: usize = 9 + 4;
const TAG_HEADER_BYTES: usize = 11;
const SIZE_BYTES: usize = 4;
const VIDEO_TAG: u8 = 9;
/// An AVC sequence header of a key frame, with no composition time.
const SEQUENCE_HEADER: [u8; 5] = [0x17, 0, 0, 0, 0];

/// The same stream with avcC; None where FFmpeg makes none of what is there.
pub(super) fn avcc_of(stream: &Parameters) -> Result<Option<Parameters>, AvError> {
    let Ok(written) = written_as_flv(stream) else { return Ok(None) };
    let Some(avcc) = first_video_header(&written) else { return Ok(None) };
    let mut with_avcc = stream.duplicate()?;
    with_avcc.set_extradata(avcc)?;
    Ok(Some(with_avcc))
}

fn first_video_header(written: &[u8]) -> Option<&[u8]> {
    let mut tags = written.get(FILE_HEADER_BYTES..)?;
    while let Some(header) = tags.get(..TAG_HEADER_BYTES) {
        let size = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        let body = tags.get(TAG_HEADER_BYTES..TAG_HEADER_BYTES + size)?;
        if header[0] == VIDEO_TAG {
            return body.strip_prefix(&SEQUENCE_HEADER).filter(|avcc| avcc.first() == Some(&1));
        }
        tags = tags.get(TAG_HEADER_BYTES + size + SIZE_BYTES..)?;
    }
    None
}

/// The header of an FLV with nothing but this stream.
fn written_as_flv(stream: &Parameters) -> Result<Vec<u8>, AvError> {
    let mut context = ptr::null_mut();
    let mut options = Dict::default();
    options.set("flvflags", "no_metadata");
    // SAFETY: a context of our own, which is freed below with its stream; it writes to memory, which is closed with it.
    unsafe {
        AvError::check(ffi::avformat_alloc_output_context2(&mut context, ptr::null(), c"flv".as_ptr(), ptr::null()))?;
        let written = write_header(context, stream, &mut options);
        let mut bytes = ptr::null_mut();
        let size = match (*context).pb.is_null() {
            true => 0,
            false => ffi::avio_close_dyn_buf((*context).pb, &mut bytes),
        };
        let written = written.map(|()| match bytes.is_null() || size <= 0 {
            true => Vec::new(),
            false => std::slice::from_raw_parts(bytes, size as usize).to_vec(),
        });
        ffi::av_free(bytes.cast());
        (*context).pb = ptr::null_mut();
        ffi::avformat_free_context(context);
        written
    }
}

/// # Safety
/// An output context without streams.
unsafe fn write_header(
    context: *mut ffi::AVFormatContext,
    parameters: &Parameters,
    options: &mut Dict,
) -> Result<(), AvError> {
    // SAFETY: by contract; the stream is the context's.
    unsafe {
        AvError::check(ffi::avio_open_dyn_buf(&mut (*context).pb))?;
        let stream = ffi::avformat_new_stream(context, ptr::null());
        if stream.is_null() {
            return Err(AvError::NO_MEMORY);
        }
        AvError::check(ffi::avcodec_parameters_copy((*stream).codecpar, parameters.as_ptr()))?;
        (*(*stream).codecpar).codec_tag = 0;
        AvError::check(ffi::avformat_write_header(context, options.as_mut())).map(drop)
    }
}
