//! Which protocols an input may use: its own, and what that is built on. After FFmpeg's `default_whitelist` of each protocol, without
//! what leads elsewhere (http may become rtp there).

use crate::av::protocol_name;

const HTTP: &str = "http,https,tls,tcp,httpproxy,crypto,data";

/// Scheme, and what may be used for it.
const BUILT_ON: [(&str, &str); 21] = [
    ("file", "file,crypto,data"),
    ("fd", "fd,crypto,data"),
    ("pipe", "pipe,crypto,data"),
    ("http", HTTP),
    ("https", HTTP),
    ("rtsp", "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy"),
    ("rtsps", "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy"),
    ("sap", "sap,rtp,srtp,udp"),
    ("rtp", "rtp,srtp,udp"),
    ("srtp", "srtp,rtp,udp"),
    ("tls", "tls,tcp,httpproxy"),
    ("rtmp", "rtmp,tcp"),
    ("rtmps", "rtmps,tls,tcp,httpproxy"),
    ("rtmpt", "rtmpt,ffrtmphttp,http,tcp"),
    ("rtmpts", "rtmpts,ffrtmphttp,https,http,tls,tcp"),
    ("rtmpe", "rtmpe,ffrtmpcrypt,tcp"),
    ("rtmpte", "rtmpte,ffrtmpcrypt,ffrtmphttp,http,tcp"),
    ("ftp", "ftp,tcp"),
    ("gophers", "gophers,tls,tcp"),
    ("mmsh", "mmsh,http,tcp"),
    ("mmst", "mmst,tcp"),
];

/// The scheme of a URL as FFmpeg takes it: what is none is a file.
pub fn scheme_of(url: &str) -> String {
    let end = url.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(url.len());
    let is_scheme = end > 1 && url[end..].starts_with(':');
    match (is_scheme, protocol_name(url)) {
        // "rtsp" is a demuxer's, and no protocol of FFmpeg's.
        (true, None) => url[..end].to_owned(),
        (true, Some(name)) if name == "file" => url[..end].to_owned(),
        (_, Some(name)) => name,
        (false, None) => "file".to_owned(),
    }
}

/// "crypto" of "crypto+http://host", "http" of the rest.
fn inner_of(url: &str) -> Option<&str> {
    url.strip_prefix("crypto+").or_else(|| url.strip_prefix("crypto:"))
}

/// What the input at `url` may use.
pub fn reached_by(url: &str) -> Vec<String> {
    if let Some(inner) = inner_of(url) {
        let mut all = reached_by(inner);
        all.push("crypto".into());
        return all;
    }
    let scheme = scheme_of(url);
    let base = scheme.split('+').next().unwrap_or(&scheme).to_owned();
    let built_on = BUILT_ON.iter().find(|(name, _)| *name == base).map(|(_, list)| *list);
    match built_on {
        Some(list) => list.split(',').map(str::to_owned).collect(),
        None => vec![base],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reaches_its_own_protocols() {
        let is = |url: &str, list: &str| assert_eq!(reached_by(url).join(","), list, "{url}");
        is("a.mp4", "file,crypto,data");
        is("file:a.mp4", "file,crypto,data");
        is("/srv/a:b.mp4", "file,crypto,data");
        is("https://host/a", HTTP);
        is("udp://1.2.3.4:5", "udp");
        is("rtsp://host/a", "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy");
        is("crypto:http://host/a", &format!("{HTTP},crypto"));
        is("concat:a|b", "concat");
    }
}
