//! Masks secrets: in URLs user info, values of the query, stream keys of RTMP; values of options and headers. What goes into a log, event,
//! error or list goes through here.

/// Masks one URL. A plain file name comes back as it is.
pub fn mask_url(url: &str) -> String {
    match url.contains('[') {
        // Options of tee's outputs.
        true => mask_pairs(&mask_places(url), true),
        false => mask_places(url),
    }
}

/// [`mask_url`] but for options in it.
fn mask_places(url: &str) -> String {
    // Lists of URLs (tee, concat): each for itself.
    if url.contains('|') && url.contains("://") {
        return url.split('|').map(mask_places).collect::<Vec<_>>().join("|");
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    // Nested protocols ("tls+rtmp", "async:http", "concat:http://...|http://..."): the last word before "://" is the scheme.
    let name = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    if name == "file" {
        return url.to_owned();
    }
    let (user, rest) = split_user(rest);
    let (rest, fragment) = split(rest, '#');
    let (rest, query) = split(rest, '?');
    let (rest, parameters) = split(rest, ';');
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let mut masked = format!("{scheme}://{user}{authority}{}", mask_path(&name, path));
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

/// The user info, masked, and what is behind it. A '/', '?' or '#' that nobody escaped may be part of a password: then FFmpeg takes the rest for a path, and the
/// password still is one.
fn split_user(rest: &str) -> (String, &str) {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        return ("***@".into(), &rest[at + 1..]);
    }
    let host = authority.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = authority[host..].find(':').map(|at| host + at) else { return (String::new(), rest) };
    let is_port = authority[colon + 1..].bytes().all(|byte| byte.is_ascii_digit());
    let searched = if is_port { split(rest, '?').0 } else { rest };
    match searched.rfind('@') {
        Some(at) => (format!("{}:***@", &authority[..colon]), &rest[at + 1..]),
        None => (String::new(), rest),
    }
}

/// Whether the value of an option of FFmpeg's, a field of a header or a pair of a dictionary is a secret: keys, passwords, headers, cookies, stream names.
pub fn is_secret_option(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "headers",
        "http_proxy",
        "post_data",
        "activation_bytes",
        "rtmp_playpath",
        "rtmp_app",
        "rtmp_conn",
        "rtmp_tcurl",
        "srtp_out_params",
        "srtp_in_params",
    ];
    const PARTS: [&str; 12] = [
        "password",
        "passphrase",
        "passwd",
        "secret",
        "token",
        "credential",
        "cookie",
        "authorization",
        "encryption_key",
        "decryption_key",
        "crypto",
        "activation_",
    ];
    const WORDS: [&str; 5] = ["key", "iv", "auth", "pwd", "apikey"];
    // Not the key, but where it is, or another kind of key.
    const OTHER_KEYS: [&str; 6] = ["file", "url", "info", "frame", "frames", "int"];
    let name = name.to_ascii_lowercase();
    let has_word = |list: &[&str]| name.split(['_', '-', '.']).any(|word| list.contains(&word));
    NAMES.contains(&name.as_str())
        || PARTS.iter().any(|part| name.contains(part))
        || has_word(&WORDS) && !has_word(&OTHER_KEYS)
}

/// Masks the value of an option.
pub fn mask_value(name: &str, value: &str) -> String {
    if is_secret_option(name) {
        return "***".into();
    }
    match name.ends_with("opts") || name.ends_with("options") {
        true => mask_pairs(&mask_text(value), true),
        false => mask_text(value),
    }
}

/// Masks values of `name=value`, and of `Name: value` where that is a header. `is_list`: the text is known to be options, so that short names such as `key`
/// are those of secrets too. More is masked than is needed where it cannot be told where a value ends.
fn mask_pairs(text: &str, is_list: bool) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let separator = &rest[at..=at];
        let before = rest[..at].trim_end_matches('\\');
        let start = before
            .rfind(|c: char| !is_of_name(c))
            .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        let (name, value) = (&before[start..], &rest[at + 1..]);
        masked.push_str(&rest[..at]);
        masked.push_str(separator);
        rest = value;
        let is_secret = match separator {
            "=" => is_secret_option(name) && (is_list || !["key", "iv"].contains(&name)),
            _ => is_secret_header(name),
        };
        if is_secret && !value.trim_start_matches([' ', '\'', '"', '\\']).starts_with("***") && !value.is_empty() {
            masked.push_str("***");
            rest = &value[end_of_value(value)..];
        }
    }
    masked.push_str(rest);
    masked
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.".contains(c)
}

fn is_secret_header(name: &str) -> bool {
    let is_known = ["authorization", "cookie"].contains(&name.to_ascii_lowercase().as_str());
    is_known || name.contains('-') && !name.starts_with('-') && is_secret_option(name)
}

/// Where a value of a list of options ends: at its line's end, where the next option begins, or where the list does.
fn end_of_value(value: &str) -> usize {
    let is_escaped = |at: usize| value[..at].ends_with('\\');
    let is_next = |at: usize| {
        let (name, has_value) = split(&value[at + 1..], '=');
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        has_value.is_some() && is_name && name.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let is_end = |(at, c): (usize, char)| match c {
        '\n' | '\r' => true,
        ':' => !is_escaped(at) && is_next(at),
        ']' => !is_escaped(at),
        _ => false,
    };
    value.char_indices().find(|&found| is_end(found)).map_or(value.len(), |(at, _)| at)
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
    text.split_inclusive('\n').map(mask_line).collect()
}

fn mask_line(line: &str) -> String {
    // FFmpeg quotes the value that an option did not take: it may be a key.
    if let Some(at) = line.find(" to value ").filter(|_| line.contains("setting option")) {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        return format!("{} to value ***{end}", mask_pairs(&mask_urls(&line[..at]), false));
    }
    mask_pairs(&mask_urls(line), false)
}

fn mask_urls(text: &str) -> String {
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
        masked.push_str(&mask_places(&rest[start..end]));
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
    fn a_password_that_was_not_escaped_is_masked() {
        assert_eq!(mask_url("http://user:pa/ss@host/a?k=v"), "http://user:***@host/a?k=***");
        assert_eq!(mask_url("http://user:1/2@host/a"), "http://user:***@host/a");
        assert_eq!(mask_url("http://user:p?a#s;s@host/a"), "http://user:***@host/a");
        assert_eq!(mask_url("http://u:p;w@host/a"), "http://***@host/a");
        for same in ["http://[::1]:80/a", "http://host:80/a", "http://host/a@b"] {
            assert_eq!(mask_url(same), same);
        }
    }

    #[test]
    fn values_of_secret_options_are_masked_as_a_whole() {
        let names = "hls_enc_key hls_enc_iv post_data activation_bytes activation_x audible_key audible_iv password passphrase \
            auth_type authorization key iv encryption_key decryption_key cookies headers api_key access-key client_secret rtsp_token srtp_out_params";
        for name in names.split_whitespace() {
            assert_eq!(mask_value(name, "SEKRET"), "***", "{name}");
        }
        let others = "g keyint keyint_min force_key_frames key_frame hls_key_info_file hls_enc_key_url key_file pass passlogfile \
            author metadata encryption_kid skip_frame x264-params vf chromakey mt_trust";
        for name in others.split_whitespace() {
            assert_eq!(mask_value(name, "a=250:b=nokey"), "a=250:b=nokey", "{name}");
        }
    }

    #[test]
    fn secrets_within_lists_of_options_are_masked() {
        let lists = "http_opts protocol_opts format_opts segment_format_options hls_segment_options hls_ts_options seg_format_options";
        for name in lists.split_whitespace() {
            let value = r"a=1:headers=Authorization\: Basic SEK=\r\nX\: SEK:b=2:encryption_key=SEK:key=SEK";
            assert_eq!(mask_value(name, value), "a=1:headers=***:b=2:encryption_key=***:key=***", "{name}");
            assert_eq!(mask_value(name, "password=SEK:cookies='a=SEK; b=SEK'"), "password=***:cookies=***", "{name}");
            assert_eq!(mask_value(name, "headers=Authorization: SEK=="), "headers=***", "{name}");
            assert_eq!(mask_value(name, "movflags=+faststart:g=3"), "movflags=+faststart:g=3", "{name}");
        }
        assert_eq!(
            mask_url("[f=flv]rtmp://h/l/SEK|[f=mp4:encryption_key=SEK:g=2]a.mp4|[key=SEK]b.mp4"),
            "[f=flv]rtmp://h/l/***|[f=mp4:encryption_key=***:g=2]a.mp4|[key=***]b.mp4"
        );
    }

    #[test]
    fn secrets_within_lines_are_masked_once() {
        let line = "request: GET /a HTTP/1.1\r\nAuthorization: Basic SEK==\r\nX-Api-Key: SEK\r\nHost: h\r\n";
        let masked = "request: GET /a HTTP/1.1\r\nAuthorization:***\r\nX-Api-Key:***\r\nHost: h\r\n";
        assert_eq!(mask_text(line), masked);
        let lines = "Slave 'rtmp://h/live/SEK': refused\nError setting option key to value SEK\nmore http://u:SEK@h/";
        let masked = "Slave 'rtmp://h/live/***': refused\nError setting option key to value ***\nmore http://***@h/";
        assert_eq!(mask_text(lines), masked);
        let command = "command: ffmpeg -http_opts 'headers=***' -hls_enc_key '***' a.m3u8";
        assert_eq!(mask_text(command), command);
        for same in
            ["metadata=select:key=lavfi.x:value=1", "keyint=250 keyint_min=25", "key: 1", "a token: b", "-pass: 2"]
        {
            assert_eq!(mask_text(same), same);
        }
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
