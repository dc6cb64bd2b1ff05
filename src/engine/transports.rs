//! Which ways of live media the FFmpeg that is loaded can go: each needs a protocol and a format.

use crate::av::{Demuxer, Muxer, listing};

/// A way that live media takes, and whether this FFmpeg can pull and push it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    pub name: &'static str,
    pub pull: bool,
    pub push: bool,
}

/// Name, protocol, what takes it apart, what puts it together. Formats that dial by themselves (RTSP) need no protocol of their own for that,
/// but one that carries them.
const WAYS: [(&str, &str, &str, &str); 16] = [
    ("rtmp", "rtmp", "flv", "flv"),
    ("rtmps", "rtmps", "flv", "flv"),
    ("http-flv", "http", "flv", "flv"),
    ("https-flv", "https", "flv", "flv"),
    ("http-ts", "http", "mpegts", "mpegts"),
    ("https-ts", "https", "mpegts", "mpegts"),
    ("hls", "http", "hls", "hls"),
    ("hls over https", "https", "hls", "hls"),
    ("dash", "http", "dash", "dash"),
    ("rtsp", "tcp", "rtsp", "rtsp"),
    ("rtsps", "tls", "rtsp", "rtsp"),
    ("srt", "srt", "mpegts", "mpegts"),
    ("rist", "rist", "mpegts", "mpegts"),
    ("udp", "udp", "mpegts", "mpegts"),
    ("rtp", "rtp", "sdp", "rtp"),
    ("rtp-ts", "rtp", "rtp", "rtp_mpegts"),
];

pub fn transports() -> Vec<Transport> {
    let (reads, writes) = (listing::protocol_names(false), listing::protocol_names(true));
    let of = |&(name, protocol, demuxer, muxer): &(&'static str, &str, &str, &str)| Transport {
        name,
        pull: reads.contains(&protocol) && Demuxer::find(demuxer).is_some(),
        push: writes.contains(&protocol) && Muxer::find(Some(muxer), "").is_some(),
    };
    WAYS.iter().map(of).collect()
}
