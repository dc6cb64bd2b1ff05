//! Preset files: those of an output's options (-fpre, -vpre, -apre, -spre) and those of one encoder's (-pre). Source: `opt_preset` and
//! `get_preset_file_2` of FFmpeg's fftools/ffmpeg_opt.c, and `get_preset_file` of cmdutils.c.

use super::implied::Pairs;
use super::scripts;
use crate::av::{Codec, Dict};
use crate::error::Error;
use crate::options::FileSpec;

/// A file of `key=value` lines: by its path for -fpre, or by a name in the folders of ffmpeg.
pub fn of_file(option: &str, name: &str, output: &FileSpec) -> Result<Pairs, Error> {
    let kind = option.chars().next().filter(|kind| *kind != 'f');
    let text = match kind {
        None => scripts::read(option, name)?,
        Some(kind) => {
            let codec = output.all("c").filter(|c| c.specifier == kind.to_string()).last().map(|c| c.value.as_str());
            let path = preset_paths(name, codec).into_iter().find(|path| crate::text::to_path(path).is_file());
            let path = path.ok_or_else(|| Error::option(format!("option {option}: there is no preset '{name}'")))?;
            scripts::read(option, &path)?
        }
    };
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let bad = || Error::option(format!("option {option}: '{name}' has the line '{line}'; it needs key=value"));
            let (key, value) =
                line.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty()).ok_or_else(bad)?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

fn preset_paths(name: &str, codec: Option<&str>) -> Vec<String> {
    let mut folders: Vec<String> = std::env::var("FFMPEG_DATADIR").into_iter().collect();
    folders.extend(std::env::var("HOME").map(|home| format!("{home}/.ffmpeg")));
    folders.push("/usr/share/ffmpeg".to_owned());
    let of_codec = |folder: &String| codec.map(|codec| format!("{folder}/{codec}-{name}.ffpreset"));
    let paths = folders.iter().flat_map(|folder| [Some(format!("{folder}/{name}.ffpreset")), of_codec(folder)]);
    paths.flatten().collect()
}

/// -pre: `key=value` lines for one encoder. What the user set himself holds.
pub fn apply(name: &str, codec: Codec, options: &mut Dict) -> Result<(), Error> {
    let path = encoder_preset_paths(name, codec.name()).into_iter().find(|path| crate::text::to_path(path).is_file());
    let path = path.ok_or_else(|| {
        Error::option(format!("option pre: there is no preset '{name}' for the encoder {}", codec.name()))
    })?;
    for line in scripts::read("pre", &path)?.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let bad = || Error::option(format!("option pre: '{path}' has the line '{line}'; it needs key=value"));
        let (key, value) = line.split_once('=').ok_or_else(bad)?;
        options.set_if_absent(key, value);
    }
    Ok(())
}

fn encoder_preset_paths(name: &str, codec: &str) -> Vec<String> {
    let mut folders: Vec<String> = std::env::var("AVCONV_DATADIR").into_iter().collect();
    folders.extend(std::env::var("HOME").map(|home| format!("{home}/.avconv")));
    folders.push("/usr/share/ffmpeg".to_owned());
    let paths = |folder: &String| [format!("{folder}/{codec}-{name}.avpreset"), format!("{folder}/{name}.avpreset")];
    folders.iter().flat_map(paths).collect()
}
