//! What ffprobe says of media, read out of FFmpeg's structures and given, field by field, to a [`Sink`]. Nothing is formatted
//! here: what a number looks like, and which fields are wanted at all, the sink decides.
//! Source: FFmpeg's fftools/ffprobe.c (5.1), function by function.

mod container;
mod data;
mod dolby_vision;
mod dynamic_hdr;
mod frames;
mod library;
mod names;
mod packets;
mod sections;
mod show_log;
mod side_data;
mod sink;
mod streams;

use super::{AvError, Decoder, Input, ffi};
use data::dump;
use sink::bytes;
use std::ptr;

pub use data::{Hash, sha256};
pub use library::{error, library_versions, pixel_formats, program_version};
pub use packets::Subtitle;
pub use sections::{SECTION_COUNT, Section, SectionInfo, SectionKind};
pub use show_log::ShownLog;
pub use sink::{Sink, Unit, Value};

/// What is to be shown beyond the choice of fields.
#[derive(Clone)]
pub struct Wanted {
    /// Leave out what differs between versions of FFmpeg.
    pub is_bitexact: bool,
    /// Values that decoders export.
    pub shows_private: bool,
    /// The bytes of packets and extradata.
    pub shows_data: bool,
    pub hash: Option<Hash>,
}

impl Default for Wanted {
    fn default() -> Self {
        Wanted { is_bitexact: false, shows_private: true, shows_data: false, hash: None }
    }
}

/// What was read of a stream so far.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub packets: u64,
    pub frames: u64,
}

/// An open input, and what is known of it.
pub struct Subject<'a> {
    pub input: &'a Input,
    /// Of each stream, where there is one; None where nobody opened any.
    pub decoders: Option<&'a [Option<Decoder>]>,
    /// Streams beyond it are not selected; None: all are.
    pub selected: Option<&'a [bool]>,
    /// Of each stream; none read where it is shorter.
    pub counts: &'a [Counts],
    pub wanted: &'a Wanted,
    /// The name that is shown; None: the input's own.
    pub url: Option<&'a str>,
}

impl Subject<'_> {
    /// Streams that appeared while packets were read are none of ours: they have no decoder.
    fn stream_count(&self) -> usize {
        let opened = self.selected.map_or(usize::MAX, <[bool]>::len);
        self.input.stream_count().min(opened)
    }

    fn is_selected(&self, index: usize) -> bool {
        index < self.stream_count() && self.selected.is_none_or(|selected| selected[index])
    }

    fn decoder(&self, index: usize) -> Option<&ffi::AVCodecContext> {
        let decoder = self.decoders?.get(index)?.as_ref()?;
        // SAFETY: an open decoder's context, valid as long as it.
        Some(unsafe { &*decoder.as_ptr() })
    }

    fn counts(&self, index: usize) -> Counts {
        self.counts.get(index).copied().unwrap_or_default()
    }

    fn format_flags(&self) -> u32 {
        // SAFETY: an open input has a format.
        unsafe { (*(*self.input.as_ptr()).iformat).flags as u32 }
    }

    fn hash(&self, out: &mut dyn Sink, key: &str, data: &[u8]) {
        if let Some(hash) = &self.wanted.hash {
            hash.write(out, key, data);
        }
    }

    fn data(&self, out: &mut dyn Sink, data: &[u8]) {
        if self.wanted.shows_data {
            dump(out, "data", data);
        }
        self.hash(out, "data_hash", data);
    }
}

/// A section of tags, where there are any.
///
/// # Safety
/// `metadata` is NULL or a valid dictionary.
unsafe fn tags(out: &mut dyn Sink, section: Section, metadata: *const ffi::AVDictionary) -> Result<(), AvError> {
    if metadata.is_null() {
        return Ok(());
    }
    out.begin(section);
    let mut entry = ptr::null();
    let mut result = Ok(());
    while result.is_ok() {
        // SAFETY: the empty key with this flag goes through all entries, whose strings live as long as the dictionary.
        unsafe {
            entry = ffi::av_dict_get(metadata, c"".as_ptr(), entry, ffi::AV_DICT_IGNORE_SUFFIX as i32);
            let Some(found) = entry.as_ref() else { break };
            result = out.tag(bytes(found.key).unwrap_or_default(), bytes(found.value).unwrap_or_default());
        }
    }
    out.end();
    result
}
