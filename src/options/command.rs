//! A job printed as a command line.

use super::{FileSpec, JobSpec, Scope, Setting};
use crate::secrets::{mask_url, mask_value};
use crate::text::{has_bytes, to_bytes};

/// The job as an ffmpeg command line, quoted for a POSIX shell. With `ffmpeg_only` options of ours (`-mt_...`) are left out;
/// with `masked` secrets are masked.
pub fn command_line(spec: &JobSpec, ffmpeg_only: bool, masked: bool) -> String {
    let words = command_words(spec, ffmpeg_only, masked);
    std::iter::once("ffmpeg").chain(words.iter().map(String::as_str)).map(quoted).collect::<Vec<_>>().join(" ")
}

/// The arguments that describe the job, as [`super::parse_args`] takes them.
pub fn command_words(spec: &JobSpec, ffmpeg_only: bool, masked: bool) -> Vec<String> {
    let mut words = Vec::new();
    let url = |text: &str| if masked { mask_url(text) } else { text.to_owned() };
    let push = |settings: &[Setting], place: Scope| {
        let mut words = Vec::new();
        for setting in settings.iter().filter(|s| !(ffmpeg_only && s.name.starts_with("mt_"))) {
            push_setting(&mut words, setting, masked, place);
        }
        words
    };
    // A library never asks: what is in force is written out, as ffmpeg would ask or refuse.
    if !spec.global_flag("y") && !spec.global_flag("n") {
        words.push("-y".into());
    }
    words.extend(push(&spec.global, Scope::GLOBAL));
    for input in &spec.inputs {
        words.extend(push(&input.settings, Scope::INPUT));
        words.push("-i".into());
        words.push(url(&input.url));
    }
    for output in &spec.outputs {
        words.extend(push(&output.settings, Scope::OUTPUT));
        words.push(file_name(output, &url(&output.url)));
    }
    words
}

/// A name that begins with a dash would be read as an option.
fn file_name(output: &FileSpec, shown: &str) -> String {
    match output.url.starts_with('-') && output.url.len() > 1 {
        true => format!("./{shown}"),
        false => shown.to_owned(),
    }
}

fn push_setting(words: &mut Vec<String>, setting: &Setting, masked: bool, place: Scope) {
    let is_flag = setting.definition.is_some_and(|d| d.argument == super::Argument::Flag);
    if is_flag {
        // A flag takes no word behind it: -nofoo turns it off.
        let no = if setting.value == "0" { "no" } else { "" };
        let name = setting.key();
        words.push(format!("-{no}{name}"));
        return;
    }
    // Without the place in its name, it would be the whole job's.
    let placed = if place == Scope::OUTPUT { "mt_output_" } else { "mt_input_" };
    let is_jobs = |d: &&super::OptionDef| d.scope.contains(Scope::GLOBAL) && place != Scope::GLOBAL;
    words.push(match setting.definition.filter(is_jobs) {
        Some(definition) => format!("-{}", definition.name.replacen("mt_", placed, 1)),
        None => format!("-{}", setting.given.trim_start_matches('-')),
    });
    words.push(match masked {
        true => mask_value(&setting.name, &setting.value),
        false => setting.value.clone(),
    });
}

fn quoted(word: &str) -> String {
    if has_bytes(word) {
        // As bash and most other shells have it, for what is not UTF-8.
        let bytes = to_bytes(word);
        let escaped = bytes.iter().map(|byte| match byte {
            b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\x{other:02x}"),
        });
        return format!("$'{}'", escaped.collect::<String>());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%#^".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
