//! Which demuxers read nothing but the bytes they are given.

use super::Trust;
use crate::av::Demuxer;
use crate::error::{Code, Error};
use std::sync::OnceLock;

/// Demuxers that open other files or connections, or scripts (rules 37 and 38), beside those without a file of their own.
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

/// Reads nothing but its own bytes.
pub fn is_self_contained(format: Demuxer) -> bool {
    !format.opens_no_file() && !format.names().split(',').any(|name| REACHES_OUT.contains(&name))
}

/// Formats whose parts are reached by the protocols of their own URL alone: hls checks what it opens (rule 38).
pub(super) fn follows_own_protocols(names: &str) -> bool {
    names.split(',').any(|name| name == "hls")
}

/// Refuses a demuxer that would need more than the bytes it is given.
pub fn check_self_contained(demuxer: Demuxer) -> Result<(), Error> {
    if is_self_contained(demuxer) {
        return Ok(());
    }
    let format = demuxer.names();
    let text = format!("format {format} opens other files or devices; an input from memory must be self-contained");
    Err(Error::new(Code::UNSUPPORTED, text)
        .at("open input")
        .with_hint("Give the input as a file or URL, where FFmpeg may open what it names."))
}

/// Every name of a self-contained demuxer.
fn self_contained() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let formats = Demuxer::all().filter(|format| is_self_contained(*format));
        formats.flat_map(|format| format.names().split(',').map(str::to_owned)).collect()
    })
}

/// What may be read, also inside of the format that was named: FFmpeg hands this list on.
pub(super) fn allowed(named: Option<Demuxer>, trust: Trust, listed: Option<&[String]>) -> Vec<String> {
    let mut names = match trust {
        Trust::Trusted => Vec::new(),
        _ => self_contained().to_vec(),
    };
    if trust == Trust::Standard {
        names.push("hls".into());
    }
    if let Some(named) = named {
        names.extend(named.names().split(',').map(str::to_owned));
    }
    match (listed, trust) {
        (Some(listed), Trust::Trusted) => listed.to_vec(),
        (Some(listed), _) => names.into_iter().filter(|name| listed.contains(name)).collect(),
        (None, _) => names,
    }
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

    #[test]
    fn a_list_narrows_and_a_name_adds_itself() {
        let concat = Demuxer::find("concat");
        let names = allowed(concat, Trust::Standard, None);
        assert!(names.iter().any(|name| name == "concat") && names.iter().any(|name| name == "mp4"));
        assert!(!names.iter().any(|name| name == "dash"));
        let listed = ["wav".to_owned(), "dash".to_owned()];
        assert_eq!(allowed(None, Trust::Standard, Some(&listed)), ["wav"]);
    }
}
