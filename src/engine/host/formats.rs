//! Which formats can be written to plain bytes; which can be read is in `engine/trust/formats.rs`.

use crate::av::Dict;
use crate::error::{Code, Error};

/// Muxers of many files that open all of them through us.
const MANY_FILES: [&str; 7] = ["hls", "dash", "segment", "stream_segment,ssegment", "image2", "webm_chunk", "null"];

/// What of these goes past us, or closes what we opened as if it were FFmpeg's own: option, a word in its value, and why.
const PAST_US: [(&str, &str, &str, &str); 6] = [
    ("hls", "hls_enc", "1", "the HLS muxer writes the key of hls_enc past any store"),
    ("hls", "hls_key_info_file", "", "the HLS muxer encrypts with the crypto protocol, past any store"),
    ("hls", "hls_flags", "single_file", "the HLS muxer opens a single_file twice"),
    ("dash", "single_file", "1", "the DASH muxer opens a single_file by itself, past any store"),
    ("dash", "http_persistent", "1", "the DASH muxer then takes every file for a connection of FFmpeg's"),
    ("dash", "single_file_name", "", "the DASH muxer opens a single file by itself, past any store"),
];

/// Refuses a muxer that would write beside the store, or worse.
pub fn check_many_files(format: &str, options: &Dict) -> Result<(), Error> {
    let refuse = |text: String, hint: &str| Err(Error::new(Code::UNSUPPORTED, text).at("open output").with_hint(hint));
    if !MANY_FILES.contains(&format) {
        let text = format!("format {format} opens its files past any store");
        return refuse(text, "Write it to a folder, or choose hls, dash, segment or image2.");
    }
    for (muxer, option, word, why) in PAST_US {
        let value = options.get(option).filter(|_| muxer == format).unwrap_or_default();
        let is_set = !value.is_empty() && value != "0" && (word.is_empty() || word == "1" || value.contains(word));
        if is_set {
            return refuse(format!("option {option}: {why}"), "Leave the option out, or write to a folder.");
        }
    }
    Ok(())
}

const MP4_FAMILY: [&str; 8] = ["mp4", "mov", "3gp", "3g2", "psp", "ipod", "f4v", "ismv"];
const FRAGMENTING: [&str; 6] = ["frag_keyframe", "frag_custom", "frag_every_frame", "empty_moov", "dash", "cmaf"];

/// Refuses what could only fail at its end: MP4 goes back to write its index (movenc.c: mov_init), unless it is in fragments.
pub fn check_streamable_output(format: &str, options: &Dict, can_seek: bool, can_read: bool) -> Result<(), Error> {
    if !MP4_FAMILY.contains(&format) || format == "ismv" {
        return Ok(());
    }
    let flags = options.get("movflags").unwrap_or_default();
    let has_flag = |flag: &str| flags.split(['+', '|']).any(|given| given == flag);
    let is_fragmented = FRAGMENTING.iter().any(|flag| has_flag(flag))
        || ["frag_duration", "frag_size"].iter().any(|name| options.get(name).is_some_and(|value| value != "0"));
    if is_fragmented || can_seek && !has_flag("faststart") {
        return Ok(());
    }
    if can_seek {
        return match can_read {
            true => Ok(()),
            false => Err(Error::new(
                Code::UNSUPPORTED,
                "faststart reads back what was written, which this stream cannot".into(),
            )
            .at("open output")
            .with_hint("Leave faststart out, or bind an io with read, seek and write.")),
        };
    }
    let text = format!("format {format} goes back to the beginning of the file, which a stream cannot");
    Err(Error::new(Code::UNSUPPORTED, text).at("open output").with_hint(
        "Write fragments with -movflags +frag_keyframe+empty_moov (+delay_moov too where the input has no headers, such as AAC \
         from MPEG-TS), choose a format that streams (mpegts, matroska, flv), or bind an output that can seek.",
    ))
}
