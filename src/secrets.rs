//! Masks secrets in URLs: user info, values of the query, stream keys of RTMP. What goes into a log, event, error or list
//! goes through here.

/// Masks one URL. A plain file name comes back as it is.
pub fn mask_url(url: &str) -> String {
    // Lists of URLs (tee, concat): each for itself.
    if url.contains('|') && url.contains("://") {
        return url.split('|').map(mask_url).collect::<Vec<_>>().join("|");
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    // Nested protocols ("tls+rtmp", "async:http", "concat:http://...|http://..."): the last word before "://" is the scheme.
    let name = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    if name == "file" {
        return url.to_owned();
    }
    let (rest, fragment) = split(rest, '#');
    let (rest, query) = split(rest, '?');
    let (rest, parameters) = split(rest, ';');
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => authority.to_owned(),
    };
    let mut masked = format!("{scheme}://{authority}{}", mask_path(&name, path));
    if parameters.is_some() {
        masked.push_str(";***");
    }
    if let Some(query) = query {
        masked.push('?');
        masked.push_str(&mask_query(query));
    }
    if fragment.is_some() {
        masked.push_str("#***");
    }
    masked
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether the value of an option of FFmpeg's is a secret: keys, passwords, headers, cookies, stream names.
pub fn is_secret_option(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "headers",
        "cookies",
        "http_proxy",
        "key",
        "iv",
        "rtmp_playpath",
        "rtmp_app",
        "rtmp_conn",
        "rtmp_tcurl",
        "auth_type",
        "srtp_out_params",
        "srtp_in_params",
    ];
    const PARTS: [&str; 8] =
        ["password", "passphrase", "passwd", "secret", "token", "encryption_key", "decryption_key", "crypto"];
    NAMES.contains(&name) || PARTS.iter().any(|part| name.contains(part))
}

/// RTMP's last part of the path is the stream key: `/app/key`.
fn mask_path(scheme: &str, path: &str) -> String {
    match path.rfind('/') {
        Some(at) if scheme.starts_with("rtmp") && at > 0 && at + 1 < path.len() => format!("{}/***", &path[..at]),
        _ => path.to_owned(),
    }
}

fn mask_query(query: &str) -> String {
    let mask = |pair: &str| match pair.split_once('=') {
        Some((key, _)) => format!("{key}=***"),
        None if pair.is_empty() => String::new(),
        None => "***".to_owned(),
    };
    query.split('&').map(mask).collect::<Vec<_>>().join("&")
}

/// Masks every URL within a text, such as a line of FFmpeg's log.
pub fn mask_text(text: &str) -> String {
    // FFmpeg quotes the value that an option did not take: it may be a key.
    if let Some(at) = text.find(" to value ").filter(|_| text.contains("setting option")) {
        return format!("{} to value ***", &text[..at]);
    }
    if !text.contains("://") {
        return text.to_owned();
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        // Rather mask too much: a comma or bracket may be part of a token.
        let is_end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>');
        let start = rest[..at]
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .map_or(0, |i| i + rest[i..].chars().next().map_or(1, char::len_utf8));
        let end = rest[at..].find(is_end).map_or(rest.len(), |i| at + i);
        masked.push_str(&rest[..start]);
        masked.push_str(&mask_url(&rest[start..end]));
        rest = &rest[end..];
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_query_and_stream_key_are_masked() {
        assert_eq!(mask_url("http://user:pw@host/a/b?token=x&k=y&z"), "http://***@host/a/b?token=***&k=***&***");
        assert_eq!(mask_url("rtmp://host:1935/live/secretkey"), "rtmp://host:1935/live/***");
        assert_eq!(mask_url("rtmps://host/app/inst/key?auth=1"), "rtmps://host/app/inst/***?auth=***");
        assert_eq!(mask_url("srt://host:9000?passphrase=abc&mode=caller"), "srt://host:9000?passphrase=***&mode=***");
        assert_eq!(mask_url("rtsp://admin:p@ss@cam/stream"), "rtsp://***@cam/stream");
    }

    #[test]
    fn lists_fragments_and_refused_values_are_masked() {
        assert_eq!(
            mask_url("[f=flv]rtmp://h/live/KEY|[f=mpegts]http://u:PW@h/x"),
            "[f=flv]rtmp://h/live/***|[f=mpegts]http://***@h/x"
        );
        assert_eq!(mask_url("http://h/a;k=s?q=1#frag"), "http://h/a;***?q=***#***");
        assert_eq!(
            mask_text("Error setting option decryption_key to value 00ff."),
            "Error setting option decryption_key to value ***"
        );
        assert!(
            is_secret_option("ftp-password") && is_secret_option("headers") && !is_secret_option("force_key_frames")
        );
    }

    #[test]
    fn file_names_stay() {
        assert_eq!(mask_url("/tmp/what?x=1.mp4"), "/tmp/what?x=1.mp4");
        assert_eq!(mask_url("file:///tmp/a?b=c"), "file:///tmp/a?b=c");
        assert_eq!(mask_text("no such file: a b.mp4"), "no such file: a b.mp4");
    }

    #[test]
    fn every_url_in_a_line_is_masked() {
        let line = "Opening 'https://a:b@h/seg1.ts?sig=1' for reading, then rtmp://h/live/key: refused";
        assert_eq!(
            mask_text(line),
            "Opening 'https://***@h/seg1.ts?sig=***' for reading, then rtmp://h/live/*** refused"
        );
    }
}
