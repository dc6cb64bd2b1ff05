//! Which files a job may read and write: what its words name.

use super::needs::{Needs, is_list, is_text, settings};
use super::system;
use super::words::{Word, words};
use crate::engine::{JobTrust, Trust, name_of, scheme_of};
use crate::options::{FileSpec, JobSpec, Setting};
use crate::text::to_path;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// From the least to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    Read,
    /// Read and written, but neither made nor removed.
    Device,
    Write,
}

/// Options, and filters where a value stands by its place, whose value is a file that is written. The others' values are read where they are
/// there, and written where they are not.
const WRITES: [&str; 31] = [
    "passlogfile",
    "vstats_file",
    "sdp_file",
    "progress",
    "stats_enc_pre",
    "stats_enc_post",
    "stats_mux_pre",
    "dump_attachment",
    "hls_segment_filename",
    "hls_fmp4_init_filename",
    "hls_subtitle_path",
    "master_pl_name",
    "segment_list",
    "segment_header_filename",
    "init_seg_name",
    "media_seg_name",
    "stats",
    "stats_file",
    "f",
    "psnr",
    "ssim",
    "xpsnr",
    "log_path",
    "file",
    "result",
    "plot",
    "dumpfile",
    "debug_kdtree",
    "csv",
    "analysis-save",
    "dump_csp",
];
/// Words with which files are made in the working folder unless another is named.
const WRITES_HERE: [&str; 4] = ["pass", "vstats", "dump_attachment", "vidstabdetect"];
/// Filters that write what others read: "filename" is their output.
const WRITING_FILTERS: [&str; 2] = ["signature", "deshake"];
/// Options whose file lists others, line by line, or is a graph.
const SCRIPTS: [&str; 4] = ["hls_key_info_file", "filter_script", "filter_complex_script", "graph_file"];
/// A script that is longer is no script.
const SCRIPT_BYTES: u64 = 1 << 20;
/// Scripts that name scripts: a master playlist, its playlists.
const SCRIPT_DEPTH: u32 = 3;

#[derive(Default)]
pub struct Places {
    /// Where anything may be read: only writing is confined.
    pub reads_everything: bool,
    all: BTreeMap<PathBuf, Access>,
    scripts: HashSet<PathBuf>,
}

impl Places {
    pub fn of(spec: &JobSpec, trust: &JobTrust, needs: &Needs) -> Places {
        let mut places = Places { reads_everything: reads_everything(spec, trust, needs), ..Places::default() };
        system::add(&mut places, needs);
        if let Ok(Some(bundle)) = crate::engine::certificate_authorities(None) {
            places.add(&bundle, Access::Read);
        }
        spec.inputs.iter().for_each(|input| places.input(input));
        let of_inputs = spec.inputs.iter().flat_map(|input| &input.settings).filter(|setting| !is_text(setting));
        of_inputs.for_each(|setting| places.setting(setting, setting.name == "dump_attachment"));
        let of_outputs = spec.global.iter().chain(spec.outputs.iter().flat_map(|output| &output.settings));
        of_outputs.filter(|setting| !is_text(setting)).for_each(|setting| places.setting(setting, true));
        spec.outputs.iter().for_each(|output| places.output(&output.url));
        places
    }

    /// Where one output writes.
    pub fn of_output(output: &FileSpec) -> Places {
        let mut places = Places::default();
        if output.value("f") != Some("null") {
            places.output(&output.url);
        }
        places
    }

    pub fn all(&self) -> impl Iterator<Item = (&Path, Access)> {
        self.all.iter().map(|(path, access)| (path.as_path(), *access))
    }

    pub fn add(&mut self, path: &Path, access: Access) {
        let place = self.all.entry(path.to_owned()).or_insert(access);
        *place = access.max(*place);
    }

    /// Whether a path lies in what was named. The answer is about names: links may lead elsewhere.
    pub fn allows(&self, path: &Path, writes: bool) -> bool {
        let Ok(path) = std::path::absolute(path) else { return true };
        let is_enough = |access: Access| access > Access::Read || !writes;
        let named = |at: &Path| {
            self.all()
                .any(|(place, access)| is_enough(access) && std::path::absolute(place).is_ok_and(|place| place == at))
        };
        (!writes && self.reads_everything) || path.ancestors().any(named)
    }

    /// What an option names: to be read, and where `writes` says that it may write, to be made.
    fn setting(&mut self, setting: &Setting, writes: bool) {
        let name = setting.name.as_str();
        if SCRIPTS.contains(&name) || setting.given.starts_with('/') {
            self.script(&to_path(&setting.value), SCRIPT_DEPTH);
        }
        if WRITES_HERE.contains(&name) {
            self.writes_to(Path::new("x"));
        }
        match name {
            "mt_allow_read" => {
                std::env::split_paths(&setting.value).for_each(|path| self.add(&path, Access::Read));
                return;
            }
            "mt_ca_file" | "ca_file" | "cafile" => {
                self.add(&to_path(&setting.value), Access::Read);
                return;
            }
            "mt_allow_write" => {
                std::env::split_paths(&setting.value).for_each(|path| self.add(&path, Access::Write));
                return;
            }
            _ => {}
        }
        // -f is a format here, and a file in filters.
        let words = words(if name == "f" { "" } else { name }, &setting.value);
        let writes_filename = words.iter().any(|word| WRITING_FILTERS.contains(&word.text.as_str()));
        for word in words.iter().filter(|word| word.key != "text") {
            self.read_word(word);
            if writes {
                self.written_word(word, writes_filename);
            }
        }
    }

    fn input(&mut self, input: &FileSpec) {
        if name_of(&input.url).is_some() {
            return;
        }
        let is_pattern = input.value("f").is_some_and(|format| format.starts_with("image2"))
            || input.url.contains(['%', '*', '?', '{']);
        for word in words("", &input.url) {
            let path = to_path(&word.text);
            if is_pattern || is_list(input) {
                self.add(folder_of(&path), Access::Read);
            }
            if is_list(input) {
                self.script(&path, SCRIPT_DEPTH);
            }
            self.read_word(&word);
        }
        if input.url.contains("cache:") {
            // libavformat/cache.c keeps what it has read there.
            self.add(Path::new("/tmp"), Access::Write);
        }
    }

    /// What a script names, as concat and playlists do: by words of its lines, beside the script or from here.
    fn script(&mut self, path: &Path, depth: u32) {
        self.add(path, Access::Read);
        let is_short = std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= SCRIPT_BYTES);
        if depth == 0 || !is_short || !self.scripts.insert(path.to_owned()) {
            return;
        }
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = crate::text::from_bytes(&bytes);
        for line in text.lines().map(str::trim) {
            let line = line.strip_prefix("file ").unwrap_or(line);
            for word in words("", line) {
                let named = to_path(word.text.trim_matches('"'));
                for place in [folder_of(path).join(&named), named] {
                    if place.is_file() {
                        self.add(&place, Access::Read);
                        self.script_by_name(&place, depth - 1);
                    }
                }
                self.read_word(&word);
            }
        }
    }

    fn script_by_name(&mut self, path: &Path, depth: u32) {
        if is_list(&FileSpec::new(&crate::text::from_bytes(path.as_os_str().as_encoded_bytes()))) {
            self.script(path, depth);
        }
    }

    fn output(&mut self, url: &str) {
        if name_of(url).is_some() {
            return;
        }
        for part in url.split('|') {
            // "[f=mp4]a.mp4" of tee
            let part = part.rsplit(']').next().unwrap_or(part).trim();
            let mut path = part;
            while let Some(inner) =
                ["file:", "crypto:", "crypto+", "md5:", "cache:", "async:"].iter().find_map(|p| path.strip_prefix(p))
            {
                path = inner;
            }
            if path != "-" && !path.is_empty() && scheme_of(path) == "file" {
                self.writes_to(&to_path(path));
            }
        }
    }

    /// The folder of a file that is to be written; the file itself where that is none but a device, a pipe or a socket.
    fn writes_to(&mut self, path: &Path) {
        use std::os::unix::fs::FileTypeExt;
        if let Ok(about) = std::fs::metadata(path) {
            let kind = about.file_type();
            if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket() {
                return self.add(path, Access::Device);
            }
            if kind.is_dir() {
                return self.add(path, Access::Write);
            }
            // Where a link leads.
            if let Ok(real) = std::fs::canonicalize(path) {
                self.add(folder_of(&real), Access::Write);
            }
        }
        // A muxer makes the folders of a pattern.
        let fixed = path.ancestors().skip(1).find(|folder| !folder.as_os_str().is_empty() && folder.is_dir());
        self.add(fixed.unwrap_or(Path::new(".")), Access::Write);
    }

    /// A file or folder that is there.
    fn read_word(&mut self, word: &Word) {
        if !can_be_path(word) {
            return;
        }
        let path = path_of(word);
        let has_folder = has_folder(word, &path);
        match std::fs::metadata(&path) {
            // Text that is shown may be replaced by another file of its name while the job runs.
            Ok(about) if about.is_file() && word.key == "textfile" => self.add(folder_of(&path), Access::Read),
            Ok(about) if !about.is_dir() || has_folder => self.add(&path, Access::Read),
            Err(_) if has_folder && word.text.contains('%') => self.add(folder_of(&path), Access::Read),
            _ => {}
        }
    }

    /// What is said to be written; and what is not there, but its folder is: nothing but a file to be made is named so.
    fn written_word(&mut self, word: &Word, writes_filename: bool) {
        if !can_be_path(word) || word.text == "-" || word.text.contains("://") {
            return;
        }
        let path = path_of(word);
        let is_written = WRITES.contains(&word.key.as_str()) || writes_filename && word.key == "filename";
        let is_new = || has_folder(word, &path) && folder_of(&path).is_dir() && std::fs::metadata(&path).is_err();
        if WRITES_HERE.contains(&word.text.as_str()) {
            self.writes_to(Path::new("x"));
        } else if is_written || is_new() {
            self.writes_to(&path);
        }
    }
}

fn can_be_path(word: &Word) -> bool {
    word.text.len() <= 4095 && !word.text.bytes().all(|byte| byte.is_ascii_digit())
}

fn path_of(word: &Word) -> PathBuf {
    to_path(word.text.strip_prefix("file:").unwrap_or(&word.text))
}

fn has_folder(word: &Word, path: &Path) -> bool {
    word.text.contains('/') && path.parent().is_some()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Reads are confined, but where all inputs are trusted, or where what is read beside them cannot be known.
fn reads_everything(spec: &JobSpec, trust: &JobTrust, needs: &Needs) -> bool {
    let is_open = |input: &FileSpec| {
        let opens_others = input.value("f").is_some_and(|format| {
            ["dash", "imf", "avisynth", "vapoursynth", "tty", "webm_dash_manifest"].contains(&format)
        });
        opens_others && input.value("mt_trust") != Some("untrusted")
    };
    let follows_references = settings(spec).any(|setting| setting.name == "enable_drefs" && setting.value != "0");
    trust.trust == Trust::Trusted
        || needs.devices
        || trust.trust == Trust::Standard && (follows_references || spec.inputs.iter().any(is_open))
}
