//! Which formats can be read from, and written to, plain bytes.

use crate::av::{Demuxer, Dict};
use crate::error::{Code, Error};

/// Demuxers that open other files or connections, or scripts: not from memory (rules 37 and 38).
const REACHES_OUT: [&str; 21] = [
    "concat",
    "dash",
    "hls",
    "applehttp",
    "image2",
    "imf",
    "sdp",
    "rtsp",
    "rtp",
    "sap",
    "lavfi",
    "vobsub",
    "avisynth",
    "vapoursynth",
    "tty",
    "webm_dash_manifest",
    "bluray",
    "dvdvideo",
    "android_camera",
    "libcdio",
    "iec61883",
];

/// Refuses a demuxer that would need more than the bytes it is given.
pub fn check_self_contained(demuxer: Demuxer) -> Result<(), Error> {
    let format = demuxer.names();
    let reaches_out = format.split(',').any(|name| REACHES_OUT.contains(&name));
    if !reaches_out && !demuxer.opens_no_file() {
        return Ok(());
    }
    let text = format!("format {format} opens other files or devices; an input from memory must be self-contained");
    Err(Error::new(Code::UNSUPPORTED, text)
        .at("open input")
        .with_hint("Give the input as a file or URL, where FFmpeg may open what it names."))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_that_reaches_out_is_refused() {
        crate::av::register_devices();
        for name in ["concat", "dash", "hls", "image2", "sdp", "lavfi"] {
            let error = check_self_contained(Demuxer::find(name).unwrap()).unwrap_err();
            assert!(error.message().contains(name) && error.code() == Code::UNSUPPORTED);
        }
        for name in ["mp4", "mpegts", "matroska", "flv", "wav", "image2pipe", "png_pipe"] {
            assert!(check_self_contained(Demuxer::find(name).unwrap()).is_ok(), "{name}");
        }
    }
}
