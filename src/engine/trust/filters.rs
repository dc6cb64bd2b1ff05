//! Filters that open files, load programs or talk to the network: refused in `untrusted` (rule 37). A test walks over the options of
//! every filter of the linked FFmpeg and fails for one that looks like a file and is in none of these lists.

use super::profile::{JobTrust, Trust};
use crate::av;
use crate::error::{Code, Error};

/// Filters that are nothing without a file, a plug-in or a socket; and those that send commands, which may name files (drawtext's
/// "reinit").
const FILTERS: [&str; 40] = [
    "movie",
    "amovie",
    "subtitles",
    "ass",
    "lut3d",
    "lut1d",
    "haldclutsrc",
    "removelogo",
    "find_rect",
    "cover_rect",
    "sendcmd",
    "asendcmd",
    "zmq",
    "azmq",
    "frei0r",
    "frei0r_src",
    "ladspa",
    "lv2",
    "flite",
    "ocr",
    "libvmaf",
    "libvmaf_cuda",
    "arnndn",
    "asr",
    "whisper",
    "sofalizer",
    "sr",
    "derain",
    "dnn_processing",
    "dnn_detect",
    "dnn_classify",
    "vidstabdetect",
    "vidstabtransform",
    "openclsrc",
    "program_opencl",
    "ocv",
    "lensfun",
    "signature",
    "avsynctest_file",
    "fsync",
];

/// Options that name a file, of filters that do without.
const OPTIONS: [(&str, &str); 36] = [
    ("fieldhint", "hint"),
    ("nnedi", "weights"),
    ("paletteuse", "debug_kdtree"),
    ("metadata", "file"),
    ("ametadata", "file"),
    ("psnr", "stats_file"),
    ("psnr", "f"),
    ("ssim", "stats_file"),
    ("ssim", "f"),
    ("ssim360", "stats_file"),
    ("ssim360", "f"),
    ("drawtext", "fontfile"),
    ("drawtext", "textfile"),
    ("curves", "psfile"),
    ("curves", "plot"),
    ("selectivecolor", "psfile"),
    ("firequalizer", "dumpfile"),
    ("showcqt", "fontfile"),
    ("showcqt", "axisfile"),
    ("ashowcqt", "fontfile"),
    ("deshake", "filename"),
    ("cellauto", "filename"),
    ("cellauto", "f"),
    ("life", "filename"),
    ("life", "f"),
    ("xfade_opencl", "source"),
    ("libplacebo", "custom_shader_path"),
    ("libplacebo", "lut"),
    ("vmafmotion", "stats_file"),
    ("drawvg", "file"),
    ("qrencode", "textfile"),
    ("qrencodesrc", "textfile"),
    ("drawbox_vaapi", "file"),
    ("mcompand", "file"),
    ("xpsnr", "stats_file"),
    ("xpsnr", "f"),
];

/// Whether a filter is refused whole, and the names of its options that are.
pub fn file_options(filter: &str) -> (bool, Vec<&'static str>) {
    let options = OPTIONS.iter().filter(|(name, _)| *name == filter).map(|(_, option)| *option).collect();
    (FILTERS.contains(&filter), options)
}

/// Refuses a graph that would open files, where an input of the job is untrusted. Called before any filter of it is made.
pub fn check_graph(trust: &JobTrust, description: &str) -> Result<(), Error> {
    if trust.trust != Trust::Untrusted {
        return Ok(());
    }
    let Some(filters) = av::filters_of(description) else {
        let text = format!("cannot read the filter graph '{description}'");
        return Err(Error::new(Code::FILTER, text).at("filter"));
    };
    filters.iter().try_for_each(check_filter)
}

fn check_filter(filter: &av::FilterUse) -> Result<(), Error> {
    let refuse = |what: String| {
        let text = format!("{what} opens files or connections, which jobs with untrusted inputs may not");
        let hint = "Give the inputs -mt_trust standard or trusted if you know where they come from.";
        Err(Error::new(Code::EACCES, text).at("filter").with_hint(hint))
    };
    let (is_refused, options) = file_options(&filter.name);
    if is_refused {
        return refuse(format!("filter {}", filter.name));
    }
    let known = av::filter_options(&filter.name).unwrap_or_default();
    let places: Vec<usize> =
        known.iter().filter(|known| options.contains(&known.name.as_str())).map(|known| known.place).collect();
    for (index, (key, _)) in filter.arguments.iter().enumerate() {
        let is_file = match key.as_deref() {
            Some(key) => key.starts_with('/') || options.contains(&key),
            // Values without a name come first, in the order of the options.
            None => places.contains(&index),
        };
        if is_file {
            let option = key.clone().unwrap_or_else(|| format!("at place {}", index + 1));
            return refuse(format!("option {option} of filter {}", filter.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untrusted(description: &str) -> Option<Code> {
        let trust = JobTrust { trust: Trust::Untrusted, ..JobTrust::default() };
        check_graph(&trust, description).err().map(|error| error.code())
    }

    #[test]
    fn no_spelling_of_a_filter_hides_its_file() {
        for text in [
            "subtitles=/etc/passwd",
            "scale=1:2,subtitles=x",
            "[0:v]'movie'=x[a];[a]null",
            "mo\\vie=x",
            "movie@one=x",
            " null ; movie=x",
            "sws_flags=bilinear;movie=x",
            "metadata=print:file=/tmp/x",
            "metadata=print:key:value:same_str:expr:/tmp/x",
            "metadata=mode=print: file = /tmp/x",
            "drawtext=textfile=/etc/passwd",
            "drawtext=/etc/font.ttf",
            "psnr='f=x'",
            "drawtext=/text=/etc/passwd",
        ] {
            assert_eq!(untrusted(text), Some(Code::EACCES), "{text}");
        }
    }

    #[test]
    fn filters_without_files_pass() {
        for text in [
            "scale=320:240",
            "[0:v][1:v]overlay=5:6[out]",
            "drawtext=text='a,b;c=movie'",
            "metadata=print",
            "null",
            "psnr",
        ] {
            assert_eq!(untrusted(text), None, "{text}");
        }
        let standard = JobTrust { trust: Trust::Standard, ..JobTrust::default() };
        assert!(check_graph(&standard, "movie=x").is_ok());
    }
}
