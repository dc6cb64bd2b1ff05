//! Whether what a job reads and writes outside of memory can be opened once more: only where it is known what it is.

use crate::engine::name_of;
use crate::options::{FileSpec, JobSpec, Setting};
use crate::text::to_path;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// What is read from these is there once more.
const READ_AGAIN: [&str; 5] = ["http", "https", "ftp", "ftps", "sftp"];
/// How much of a filter script or of the beginning of an input is looked at.
const LOOKED_AT: u64 = 64 << 10;

/// Err says what cannot be opened once more. Blocks for the file system.
pub fn check_files(spec: &JobSpec) -> Result<(), String> {
    if spec.global_flag("n") {
        return Err("-n forbids to write its outputs over".into());
    }
    spec.global.iter().try_for_each(check_setting)?;
    for input in &spec.inputs {
        input.settings.iter().try_for_each(check_setting)?;
        check_input(input)?;
    }
    for output in &spec.outputs {
        output.settings.iter().try_for_each(check_setting)?;
        check_output(output)?;
    }
    Ok(())
}

fn check_input(file: &FileSpec) -> Result<(), String> {
    let (url, format) = (file.url.as_str(), file.value("f"));
    match scheme(url) {
        _ if name_of(url).is_some() => Ok(()),
        _ if format == Some("lavfi") => check_graph(url),
        _ if format == Some("concat") => Err(is_list(url)),
        Some(scheme) if READ_AGAIN.contains(&scheme.as_str()) => {
            match file.settings.iter().any(|s| s.name == "post_data") {
                true => Err(format!("'{url}' is sent something")),
                false => Ok(()),
            }
        }
        Some(scheme) if scheme != "file" => Err(format!("'{url}' is no plain file")),
        _ if url == "-" => Err("it reads standard input".into()),
        _ => {
            check_path(url)?;
            let text = beginning(path_of(url));
            let names_files =
                ["ffconcat", "#EXTM3U"].iter().any(|word| text.trim_start_matches('\u{feff}').starts_with(word));
            if names_files { Err(is_list(url)) } else { Ok(()) }
        }
    }
}

fn is_list(url: &str) -> String {
    format!("'{url}' is a list of others")
}

fn check_output(file: &FileSpec) -> Result<(), String> {
    let (url, format) = (file.url.as_str(), file.value("f"));
    for setting in file.settings.iter().filter(|setting| setting.name != "metadata") {
        if setting.value.contains("://") {
            return Err(format!("-{} names a URL", setting.name));
        }
        if setting.name == "hls_flags" && setting.value.contains("append_list") {
            return Err("append_list goes on with what was written".into());
        }
    }
    match format {
        _ if name_of(url).is_some() => Ok(()),
        Some("null") => Ok(()),
        // Options stand before each of them, in brackets.
        Some("tee") => match ["://", "append_list"].iter().any(|word| url.contains(word)) {
            true => Err(not_anew(url)),
            false => url
                .split('|')
                .try_for_each(|one| check_written(one.rsplit(']').next().unwrap_or(one)))
                .and_then(|()| check_words(url)),
        },
        _ => check_written(url),
    }
}

fn check_written(url: &str) -> Result<(), String> {
    match scheme(url) {
        Some(scheme) if scheme != "file" => Err(not_anew(url)),
        _ if url == "-" => Err(not_anew(url)),
        _ => check_path(url),
    }
}

fn not_anew(url: &str) -> String {
    format!("'{url}' is no file that can be written anew")
}

/// What options name: filters that open files by themselves, pipes.
fn check_setting(setting: &Setting) -> Result<(), String> {
    let (name, value) = (setting.name.as_str(), setting.value.as_str());
    if matches!(scheme(value).as_deref(), Some("pipe" | "fd" | "unix")) {
        return Err(format!("-{name} is '{value}'"));
    }
    check_words(value)?;
    match name {
        _ if name.contains("filter") && name.ends_with("script") => check_graph(&beginning(value)),
        "vf" | "af" | "lavfi" => check_graph(value),
        _ if name.starts_with("filter") => check_graph(value),
        _ => Ok(()),
    }
}

fn check_graph(graph: &str) -> Result<(), String> {
    match graph.contains("movie") {
        true => Err("its filters open files by themselves (movie)".into()),
        false => check_words(graph),
    }
}

/// No word of it is the name of a pipe.
fn check_words(text: &str) -> Result<(), String> {
    std::iter::once(text).chain(text.split([':', '=', ',', ';', '|', '[', ']', '\'', '"'])).try_for_each(check_path)
}

/// What is not there is fine: the job may not have come to it.
fn check_path(url: &str) -> Result<(), String> {
    let path = path_of(url);
    let kind = std::fs::metadata(to_path(path)).map(|about| about.file_type());
    match kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket() || kind.is_char_device()) && path != "/dev/null" {
        true => Err(format!("'{url}' is a pipe or a device")),
        false => Ok(()),
    }
}

fn path_of(url: &str) -> &str {
    url.strip_prefix("file:").unwrap_or(url)
}

/// The protocol, as FFmpeg finds it (libavformat/avio.c: url_find_protocol); None for a plain path.
fn scheme(url: &str) -> Option<String> {
    let length = url.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(url.len());
    let is_named = url[length..].starts_with(':') || url.starts_with("subfile,");
    is_named.then(|| url[..length].to_ascii_lowercase())
}

/// Empty where it is no plain file.
fn beginning(path: &str) -> String {
    let path = to_path(path);
    let mut bytes = Vec::new();
    if Path::new(&path).is_file()
        && let Ok(file) = std::fs::File::open(&path)
    {
        let _ = file.take(LOOKED_AT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::parse_args;

    fn checked(args: &str) -> Result<(), String> {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        check_files(&parse_args(&args, &Classes).unwrap())
    }

    #[test]
    fn what_was_sent_away_is_not_sent_twice() {
        for good in [
            "-i a.mp4 b.mkv",
            "-i mt:in -f mpegts mt:out",
            "-i http://h/a x/y.m3u8",
            "-i a -f null -",
            "-i file:a -map 0 -f tee [f=mpegts]a.ts|b.mkv",
            "-i a/b:c.mp4 -metadata comment=http://h -vf scale=2:2 file:b.mkv",
            "-f lavfi -i testsrc=d=1 -f mpegts /dev/null",
        ] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
        for bad in [
            "-i a -f flv rtmp://h/live/KEY",
            "-i a -f mpegts udp://h:1",
            "-n -i a b.mkv",
            "-i async:a b.mkv",
            "-i concat:a|b b.mkv",
            "-i subfile,,start,0,end,0,,:a b.mkv",
            "-i tcp://h:1 b.mkv",
            "-f concat -i a b.mkv",
            "-post_data x -i http://h/a b.mkv",
            "-i a -vf movie=a[x];[in][x]overlay b.mkv",
            "-f lavfi -i amovie=a b.mkv",
            "-i a -f hls -hls_flags append_list+temp_file b.m3u8",
            "-i a -f hls -hls_segment_filename http://h/%d.ts b.m3u8",
            "-i a -f segment -segment_list pipe:2 b%d.ts",
            "-i a -map 0 -f tee a.mkv|[f=mpegts]udp://h:1",
            "-i a -map 0 -f tee a.mkv|[f=mpegts]pipe:1",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pipes_and_lists_of_files_are_found_wherever_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (fifo, list) = (name("fifo"), name("list"));
        let _socket = std::os::unix::net::UnixListener::bind(&fifo).unwrap();
        std::fs::write(&list, "ffconcat version 1.0\nfile 'fifo'\n").unwrap();
        std::fs::write(name("graph"), "movie=x").unwrap();
        std::fs::write(name("plain"), "x").unwrap();
        let graph = name("graph");
        for bad in [
            format!("-i {fifo} b.mkv"),
            format!("-i file:{fifo} b.mkv"),
            format!("-i a {fifo}"),
            format!("-i a -vf metadata=print:file={fifo} b.mkv"),
            format!("-i a -f segment -segment_list {fifo} b%d.ts"),
            format!("-i a -map 0 -f tee a.mkv|[f=mpegts]{fifo}"),
            format!("-i a -filter_complex_script {graph} b.mkv"),
            format!("-i {list} b.mkv"),
            "-i /dev/zero b.mkv".into(),
        ] {
            assert!(checked(&bad).is_err(), "{bad}");
        }
        assert_eq!(checked(&format!("-i {} {}", name("plain"), name("new"))), Ok(()));
    }
}
