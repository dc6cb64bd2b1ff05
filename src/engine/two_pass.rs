//! -pass and -passlogfile: statistics of the first pass, read by the second. Source: `new_video_stream` of FFmpeg's
//! fftools/ffmpeg_opt.c and `encode_frame` of ffmpeg.c.

use crate::av::{Codec, Dict};
use crate::error::{Code, Error};
use std::fs::File;

const DEFAULT_PREFIX: &str = "ffmpeg2pass";

/// What an encoder's passes need.
#[derive(Debug, Default)]
pub struct TwoPass {
    /// Where the first pass writes what the encoder says, unless the encoder writes it by itself.
    pub log: Option<File>,
    /// What the first pass wrote, for the second.
    pub statistics: Option<Vec<u8>>,
}

/// `number`: the stream's place among all the streams of all outputs.
pub fn prepare(
    pass: Option<i64>,
    prefix: Option<&str>,
    number: usize,
    codec: Codec,
    options: &mut Dict,
) -> Result<TwoPass, Error> {
    let pass = pass.unwrap_or(0);
    if pass & 1 != 0 {
        options.append("flags", "+pass1");
    }
    if pass & 2 != 0 {
        options.append("flags", "+pass2");
    }
    if !(1..=3).contains(&pass) {
        return Ok(TwoPass::default());
    }
    let path = format!("{}-{number}.log", prefix.unwrap_or(DEFAULT_PREFIX));
    // libx264 reads and writes its statistics itself.
    if codec.name() == "libx264" {
        options.set_if_absent("stats", &path);
        return Ok(TwoPass::default());
    }
    let bad = |what: &str, error: std::io::Error| {
        let code = error.raw_os_error().map_or(Code::EIO, |errno| Code::from_c(-errno));
        Error::new(code, format!("cannot {what} the two-pass file '{path}': {error}")).at("open output")
    };
    let statistics = match pass & 2 != 0 {
        true => Some(std::fs::read(crate::text::to_path(&path)).map_err(|error| {
            bad("read", error).with_hint("Run the job with -pass 1 and the same -passlogfile first.")
        })?),
        false => None,
    };
    let log = match pass & 1 != 0 {
        true => Some(File::create(crate::text::to_path(&path)).map_err(|error| bad("write", error))?),
        false => None,
    };
    Ok(TwoPass { log, statistics })
}
