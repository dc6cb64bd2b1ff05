//! What a job needs beside files, as its own words say: the network, devices, a driver.

use super::words::words;
use crate::engine::{JobTrust, Trust, scheme_of};
use crate::options::{FileSpec, JobSpec, Setting};

/// Protocols that reach no network.
const LOCAL: [&str; 14] = [
    "file", "pipe", "fd", "data", "mt", "concat", "concatf", "subfile", "crypto", "cache", "async", "md5", "tee", "hex",
];
/// Formats that make connections whatever their URL is, and filters that do.
const ONLINE: [&str; 9] = ["rtsp", "rtp", "rtp_mpegts", "sap", "sdp", "zmq", "azmq", "icecast", "libsrt"];
/// Formats of libavdevice.
const DEVICES: [&str; 24] = [
    "alsa",
    "android_camera",
    "caca",
    "decklink",
    "fbdev",
    "iec61883",
    "jack",
    "kmsgrab",
    "libcdio",
    "libdc1394",
    "openal",
    "opengl",
    "oss",
    "pulse",
    "sdl",
    "sdl2",
    "sndio",
    "v4l2",
    "video4linux2",
    "x11grab",
    "xcbgrab",
    "xv",
    "bluray",
    "dvdvideo",
];
const HARDWARE_OPTIONS: [&str; 7] = [
    "init_hw_device",
    "filter_hw_device",
    "hwaccel",
    "hwaccel_device",
    "hwaccel_output_format",
    "vaapi_device",
    "qsv_device",
];
/// Ends of the names of codecs and filters that speak to a driver.
const HARDWARE_NAMES: [&str; 14] = [
    "_nvenc",
    "_cuvid",
    "_cuda",
    "_npp",
    "_vaapi",
    "_qsv",
    "_amf",
    "_v4l2m2m",
    "_omx",
    "_opencl",
    "_vulkan",
    "_rkmpp",
    "libplacebo",
    "_mediacodec",
];
/// Endings of inputs that name others.
const LISTS: [&str; 12] =
    [".m3u8", ".m3u", ".mpd", ".ffconcat", ".concat", ".sdp", ".idx", ".ifo", ".cpl", ".xml", ".avs", ".vpy"];

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    pub network: bool,
    /// A driver: its device files, its sockets, its helpers.
    pub hardware: bool,
    /// Devices of libavdevice.
    pub devices: bool,
}

/// Values that are shown, stored or sent, and name nothing: they may be strangers' words.
pub fn is_text(setting: &Setting) -> bool {
    const TEXTS: [&str; 8] =
        ["metadata", "program", "stream_group", "disposition", "user_agent", "headers", "cookies", "timecode"];
    TEXTS.contains(&setting.name.as_str())
}

/// Every setting of a job that may name something.
pub fn settings(spec: &JobSpec) -> impl Iterator<Item = &Setting> {
    let of_files = spec.inputs.iter().chain(&spec.outputs).flat_map(|file| &file.settings);
    spec.global.iter().chain(of_files).filter(|setting| !is_text(setting))
}

/// An input that names other files, by its ending or its format; of these, ffmpeg's pattern of pictures is none.
pub fn is_list(input: &FileSpec) -> bool {
    let url = input.url.to_ascii_lowercase();
    let format = input.value("f").unwrap_or_default();
    let is_named =
        ["concat", "hls", "applehttp", "dash", "sdp", "vobsub", "imf", "webm_dash_manifest"].contains(&format);
    is_named || LISTS.iter().any(|ending| url.ends_with(ending))
}

impl Needs {
    pub fn of(spec: &JobSpec, trust: &JobTrust) -> Needs {
        let files = || spec.inputs.iter().chain(&spec.outputs);
        let format_is = |list: &[&str]| files().any(|file| list.contains(&file.value("f").unwrap_or_default()));
        let names = |of: &dyn Fn(&str) -> bool| {
            settings(spec).any(|setting| words(&setting.name, &setting.value).iter().any(|word| of(&word.text)))
                || files()
                    .any(|file| file.value("f") == Some("lavfi") && words("", &file.url).iter().any(|w| of(&w.text)))
        };
        // What is trusted may name anything, and where it may name others, it may name what is far away.
        let is_open = trust.trust == Trust::Trusted && spec.inputs.iter().any(is_list);
        Needs {
            network: is_open
                || files().any(is_far)
                || settings(spec).any(|setting| has_far_url(&setting.value))
                || names(&|word| ONLINE.contains(&word)),
            hardware: settings(spec).any(|setting| HARDWARE_OPTIONS.contains(&setting.name.as_str()))
                || names(&|word| HARDWARE_NAMES.iter().any(|end| word.ends_with(end))),
            devices: format_is(&DEVICES),
        }
    }

    /// What sockets it may make. With a network: names are resolved over netlink and a local socket too (glibc, nscd).
    pub fn families(&self) -> Vec<i32> {
        match (self.network, self.hardware || self.devices) {
            (true, _) => vec![libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK],
            (false, true) => vec![libc::AF_UNIX],
            (false, false) => Vec::new(),
        }
    }
}

fn is_far(file: &FileSpec) -> bool {
    let format = file.value("f").unwrap_or_default();
    if has_far_url(&file.url) {
        return true;
    }
    if format == "lavfi" || DEVICES.contains(&format) {
        return false;
    }
    // Slaves of tee, parts of concat.
    file.url.split('|').any(|part| {
        let part = part.rsplit(']').next().unwrap_or(part).trim();
        scheme_of(part).split(['+', ',']).any(|scheme| !LOCAL.contains(&scheme))
    })
}

/// Any `scheme://` that is not local.
fn has_far_url(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let before = text[..at].trim_end_matches('\\'); // in a graph the colon is escaped
        let start = before.rfind(|c: char| !is_part(c)).map_or(0, |index| index + 1);
        before[start..].split('+').any(|scheme| !scheme.is_empty() && !LOCAL.contains(&scheme))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::parse_args;

    fn needs(line: &str) -> Needs {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let spec = parse_args(&args, &Classes).unwrap();
        Needs::of(&spec, &JobTrust::of(&spec).unwrap())
    }

    #[test]
    fn the_network_is_for_jobs_that_name_some() {
        for line in [
            "-i http://host/a out.mp4",
            "-i a.mp4 -f mpegts udp:1.2.3.4:5",
            "-i a.mp4 -f tee [f=mp4]a.mp4|[f=flv]rtmp://host/x",
            "-i crypto+https://host/a out.mp4",
            "-mt_trust trusted -i a.m3u8 out.mp4",
            "-i a.mp4 -vf zmq out.mp4",
            "-i a.mp4 -f rtp rtp://1.2.3.4:5",
            "-f lavfi -i movie=filename=http\\://x out.mp4",
            "-i a.mp4 -http_proxy http://proxy out.mp4",
        ] {
            assert!(needs(line).network, "{line}");
        }
        for line in [
            "-i a.mp4 out.mp4",
            "-i file:/a/b:c.mp4 -f null -",
            "-i concat:a.ts|b.ts out.mp4",
            "-f lavfi -i testsrc2=s=16x16:r=5 mt:out/x",
            "-i a.m3u8 out.mp4",
            "-f lavfi -i movie=filename=file\\://x out.mp4",
        ] {
            assert_eq!(needs(line), Needs::default(), "{line}");
        }
    }

    #[test]
    fn drivers_and_devices_are_known_by_their_names() {
        assert!(needs("-hwaccel vaapi -i a.mp4 out.mp4").hardware);
        assert!(needs("-i a.mp4 -c:v h264_nvenc out.mp4").hardware);
        assert!(needs("-i a.mp4 -vf format=nv12,scale_cuda=2:2 out.mp4").hardware);
        assert!(needs("-f v4l2 -i /dev/video0 out.mp4").devices);
    }
}
