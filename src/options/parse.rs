//! From an argument vector, or one key and value, to settings. The grammar is that of ffmpeg's `split_commandline`
//! (fftools/cmdutils.c): options before `-i URL` belong to that input, options before a plain word to that output.

use super::table::{Argument, Effect, OptionDef, Scope, Support, find, negated};
use super::value::{check_value, flag_value};
use super::{AvOptions, FileSpec, JobSpec, Setting};
use crate::error::{Code, Error};

/// Parses the arguments of an ffmpeg command line, without the program's name. Options that only the program does are in the
/// result: `refuse_program_options` is for hosts.
pub fn parse_args(args: &[String], av: &dyn AvOptions) -> Result<JobSpec, Error> {
    let mut spec = JobSpec::default();
    let mut pending: Vec<Setting> = Vec::new();
    let mut args = args.iter().map(String::as_str);
    // What stands behind "--" is a file, whatever it looks like.
    let mut is_file = false;
    while let Some(arg) = args.next() {
        let key = arg.strip_prefix('-').filter(|key| !key.is_empty() && !is_file);
        is_file = key == Some("-");
        match key {
            Some("-") => {}
            Some("i") => {
                let url = args.next().ok_or_else(|| Error::option("-i has no URL behind it".into()))?;
                spec.inputs.push(file(url, Scope::INPUT, &mut pending, spec.inputs.len())?);
            }
            Some(key) => {
                let setting = next_setting(key, &mut args, av)?;
                match setting.definition {
                    Some(definition) if definition.scope.contains(Scope::GLOBAL) => spec.global.push(setting),
                    _ => pending.push(setting),
                }
            }
            None => spec.outputs.push(file(arg, Scope::OUTPUT, &mut pending, spec.outputs.len())?),
        }
    }
    // As ffmpeg, which goes on too.
    spec.warnings = pending
        .iter()
        .map(|setting| format!("-{} stands behind the last file, so it belongs to none and is not used", setting.given))
        .collect();
    Ok(spec)
}

/// The program's own options, in a job that a host describes.
pub fn refuse_program_options(spec: &JobSpec) -> Result<(), Error> {
    spec.global.iter().try_for_each(refuse_program_option)
}

fn refuse_program_option(setting: &Setting) -> Result<(), Error> {
    match setting.definition.map(|definition| definition.support) {
        Some(Support::Program(why)) => {
            let text = format!("option {} is one of the program mt-transcode: {why}", setting.given);
            Err(Error::new(Code::UNSUPPORTED, text).at("options"))
        }
        _ => Ok(()),
    }
}

fn file(url: &str, direction: Scope, pending: &mut Vec<Setting>, index: usize) -> Result<FileSpec, Error> {
    let settings = std::mem::take(pending);
    for setting in &settings {
        check_direction(setting, direction).map_err(|error| on_file(error, direction, index, url))?;
    }
    Ok(FileSpec { url: url.to_owned(), settings, is_committed: false })
}

fn on_file(error: Error, direction: Scope, index: usize, url: &str) -> Error {
    if direction == Scope::INPUT { error.on_input(index, url) } else { error.on_output(index, url) }
}

/// One option by its name without the dash, for a file of the given direction or for the whole job. `value` is None for a
/// flag that is set.
pub fn setting(key: &str, value: Option<&str>, direction: Scope, av: &dyn AvOptions) -> Result<Setting, Error> {
    let key = key.strip_prefix('-').unwrap_or(key);
    let setting = match lookup(key, av)? {
        // A host may give the value of a flag, which no command line has a word for.
        Found::Table(definition) => table_setting(definition, key, value.or(default_value(definition)))?,
        Found::Negated(definition) => table_setting(definition, key, Some(if value == Some("0") { "1" } else { "0" }))?,
        Found::Codec => av_setting(key, value)?,
    };
    refuse_program_option(&setting)?;
    check_direction(&setting, direction)?;
    Ok(setting)
}

fn default_value(definition: &OptionDef) -> Option<&'static str> {
    (definition.argument == Argument::Flag).then_some("1")
}

/// Whose option a name is.
enum Found {
    Table(&'static OptionDef),
    /// "nofoo", where "foo" is a flag.
    Negated(&'static OptionDef),
    /// An AVOption.
    Codec,
}

fn base(key: &str) -> &str {
    key.split(':').next().unwrap_or(key)
}

/// The table goes before AVOptions, and those before "nofoo", as in ffmpeg. An option that the linked FFmpeg's program does not
/// have may be one of its AVOptions (`-async` is, from 6.0 on).
fn lookup(key: &str, av: &dyn AvOptions) -> Result<Found, Error> {
    let is_there = |definition: &OptionDef| definition.is_everywhere || definition.is_in(av.release());
    match find(base(key)) {
        Some(definition) if is_there(definition) => return Ok(Found::Table(definition)),
        _ if av.knows(key) => return Ok(Found::Codec),
        Some(definition) => return Err(of_another_release(definition, key, av)),
        None => {}
    }
    match negated(base(key)) {
        Some(definition) if is_there(definition) => Ok(Found::Negated(definition)),
        Some(definition) => Err(of_another_release(definition, key, av)),
        None => Err(unknown(key)),
    }
}

fn of_another_release(definition: &OptionDef, key: &str, av: &dyn AvOptions) -> Error {
    let linked = av.release();
    let text = match (definition.since, definition.until) {
        (Some(since), _) if linked < since => {
            format!("option {key} came with FFmpeg {since}; the linked FFmpeg is {linked}")
        }
        (_, Some(until)) => {
            let instead = definition.instead;
            format!("option {key} is gone since FFmpeg {until}, and the linked FFmpeg is {linked}: use {instead}")
        }
        _ => format!("option {key} is not in the linked FFmpeg {linked}"),
    };
    Error::new(Code::UNSUPPORTED, text).at("options")
}

fn unknown(key: &str) -> Error {
    Error::option(format!("option {key} is unknown")).with_hint(
        "Correct the name: docs/options.md and ffmpeg's documentation list the options, `ffmpeg -h encoder=NAME` those of a codec.",
    )
}

/// The option `key` of a command line, with the words behind it that belong to it.
fn next_setting<'a>(key: &str, args: &mut impl Iterator<Item = &'a str>, av: &dyn AvOptions) -> Result<Setting, Error> {
    let (key, is_in_file) = key.strip_prefix('/').map_or((key, false), |key| (key, true));
    match lookup(key, av)? {
        Found::Table(definition) if is_in_file => from_file(definition, key, args.next(), av),
        _ if is_in_file => Err(unknown(&format!("/{key}"))),
        // "-h" may have a topic behind it, or nothing.
        Found::Table(definition) if definition.effect == Effect::Print => {
            table_setting(definition, key, Some(args.next().unwrap_or("")))
        }
        Found::Table(definition) if definition.takes_value(av.release()) => {
            let value = args.next().ok_or_else(|| without_value(key))?;
            table_setting(definition, key, Some(flag_value(definition, value)))
        }
        Found::Table(definition) => table_setting(definition, key, Some("1")),
        Found::Negated(definition) => table_setting(definition, key, Some("0")),
        Found::Codec => match args.next() {
            None if negated(base(key)).is_none() => Err(without_value(key)),
            None => lookup_negated(key),
            value => av_setting(key, value),
        },
    }
}

/// An AVOption needs a value; where the command line ends, "nofoo" may still be a flag.
fn lookup_negated(key: &str) -> Result<Setting, Error> {
    negated(base(key)).ok_or_else(|| unknown(key)).and_then(|definition| table_setting(definition, key, Some("0")))
}

/// `-/filter graph.txt`: the value is what stands in the file (FFmpeg 7.0; we do it for all).
fn from_file(
    definition: &'static OptionDef,
    key: &str,
    path: Option<&str>,
    av: &dyn AvOptions,
) -> Result<Setting, Error> {
    if definition.argument == Argument::Flag {
        return Err(Error::option(format!("-/{key} has no value that could stand in a file")));
    }
    let path = path.ok_or_else(|| without_value(&format!("/{key}")))?;
    table_setting(definition, key, Some(&av.read_file(path)?))
}

fn without_value(key: &str) -> Error {
    Error::option(format!("-{key} has no value behind it"))
}

fn av_setting(key: &str, value: Option<&str>) -> Result<Setting, Error> {
    let (name, specifier) = key.split_once(':').unwrap_or((key, ""));
    let value = value.ok_or_else(|| Error::option(format!("option {key} needs a value")))?;
    Ok(Setting {
        name: name.to_owned(),
        specifier: specifier.to_owned(),
        value: value.to_owned(),
        definition: None,
        given: key.to_owned(),
    })
}

fn table_setting(definition: &'static OptionDef, key: &str, value: Option<&str>) -> Result<Setting, Error> {
    let specifier = key.split_once(':').map_or("", |(_, specifier)| specifier);
    if let Support::No(why) = definition.support {
        return Err(Error::new(Code::UNSUPPORTED, format!("option {key} is not supported: {why}")).at("options"));
    }
    let value = value.ok_or_else(|| Error::option(format!("option {key} needs a value")))?;
    check_value(definition, key, value)?;
    let (name, alias_specifier) = definition.canonical;
    let specifier = match (alias_specifier, specifier) {
        ("", given) => given.to_owned(),
        (alias, "") => alias.to_owned(),
        (alias, given) => format!("{alias}:{given}"),
    };
    // -b and -profile without a specifier mean the video's, and are AVOptions (ffmpeg_opt.c: opt_bitrate, opt_profile).
    let definition_kept = (!definition.is_codec_option).then_some(definition);
    Ok(Setting {
        name: name.to_owned(),
        specifier: if definition.is_codec_option && specifier.is_empty() { "v".into() } else { specifier },
        value: value.to_owned(),
        definition: definition_kept,
        given: key.to_owned(),
    })
}

fn check_direction(setting: &Setting, direction: Scope) -> Result<(), Error> {
    let Some(definition) = setting.definition else {
        return match direction == Scope::GLOBAL {
            true => Err(Error::option(format!("option {} belongs to an input or an output", setting.given))),
            false => Ok(()),
        };
    };
    if definition.scope.contains(direction) {
        return Ok(());
    }
    Err(Error::option(format!(
        "option {} ({}) is for {}, but was given for {}",
        setting.given,
        definition.help,
        definition.scope.words(),
        direction.words()
    )))
}
