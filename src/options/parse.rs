//! From an argument vector, or one key and value, to settings. The grammar is that of ffmpeg's `split_commandline`
//! (fftools/cmdutils.c): options before `-i URL` belong to that input, options before a plain word to that output.

use super::table::{Argument, OptionDef, Scope, Support, find, negated};
use super::{AvOptions, FileSpec, JobSpec, Setting, parse_float, parse_integer, parse_time_us};
use crate::error::{Code, Error};

/// Parses the arguments of an ffmpeg command line, without the program's name.
pub fn parse_args(args: &[String], av: &dyn AvOptions) -> Result<JobSpec, Error> {
    let mut spec = JobSpec::default();
    let mut pending: Vec<Setting> = Vec::new();
    let mut args = args.iter().map(String::as_str);
    let mut only_files = false;
    while let Some(arg) = args.next() {
        let key = arg.strip_prefix('-').filter(|key| !key.is_empty() && !only_files);
        match key {
            Some("-") => only_files = true,
            Some("i") => {
                let url = args.next().ok_or_else(|| Error::option("-i has no URL behind it".into()))?;
                spec.inputs.push(file(url, Scope::INPUT, &mut pending, spec.inputs.len())?);
            }
            Some(key) => {
                let value = if takes_value(key, av)? { Some(args.next()) } else { None };
                let value = match value {
                    Some(None) => return Err(Error::option(format!("-{key} has no value behind it"))),
                    other => other.flatten(),
                };
                let setting = raw_setting(key, value, av)?;
                match setting.definition {
                    Some(definition) if definition.scope == Scope::GLOBAL => spec.global.push(setting),
                    _ => pending.push(setting),
                }
            }
            None => spec.outputs.push(file(arg, Scope::OUTPUT, &mut pending, spec.outputs.len())?),
        }
    }
    match pending.first() {
        None => Ok(spec),
        Some(setting) => Err(Error::option(format!(
            "-{} stands behind the last output file, so it belongs to no file",
            setting.given
        ))),
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
    if value.is_none() && takes_value(key, av)? {
        return Err(Error::option(format!("option {key} needs a value")));
    }
    let setting = raw_setting(key, value, av)?;
    check_direction(&setting, direction)?;
    Ok(setting)
}

fn base(key: &str) -> &str {
    key.split(':').next().unwrap_or(key)
}

fn takes_value(key: &str, av: &dyn AvOptions) -> Result<bool, Error> {
    if let Some(definition) = find(base(key)) {
        return Ok(definition.argument != Argument::Flag);
    }
    if av.knows(base(key)) {
        return Ok(true);
    }
    match negated(base(key)) {
        Some(_) => Ok(false),
        None => Err(unknown(key)),
    }
}

fn unknown(key: &str) -> Error {
    Error::option(format!("option {key} is unknown")).with_hint(
        "Correct the name: ffmpeg's documentation lists the options, `ffmpeg -h encoder=NAME` those of a codec.",
    )
}

fn raw_setting(key: &str, value: Option<&str>, av: &dyn AvOptions) -> Result<Setting, Error> {
    let (name, specifier) = key.split_once(':').unwrap_or((key, ""));
    if let Some(definition) = find(name) {
        return table_setting(definition, key, specifier, value.unwrap_or("1"));
    }
    if av.knows(name) {
        let value = value.ok_or_else(|| Error::option(format!("option {key} needs a value")))?;
        return Ok(Setting {
            name: name.to_owned(),
            specifier: specifier.to_owned(),
            value: value.to_owned(),
            definition: None,
            given: key.to_owned(),
        });
    }
    match negated(name) {
        Some(definition) => {
            let off = if value.is_none_or(|v| v != "0") { "0" } else { "1" };
            table_setting(definition, key, specifier, off)
        }
        None => Err(unknown(key)),
    }
}

fn table_setting(definition: &'static OptionDef, key: &str, specifier: &str, value: &str) -> Result<Setting, Error> {
    if let Support::No(why) = definition.support {
        return Err(Error::new(Code::UNSUPPORTED, format!("option {key} is not supported: {why}")).at("options"));
    }
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

fn check_value(definition: &OptionDef, key: &str, value: &str) -> Result<(), Error> {
    let (fits, wanted) = match definition.argument {
        Argument::Flag => (matches!(value, "0" | "1"), "1 or 0"),
        Argument::Text => (true, ""),
        Argument::Integer => (parse_integer(value).is_some(), "a whole number"),
        Argument::Number => (parse_float(value).is_some(), "a number"),
        Argument::Time => (parse_time_us(value).is_some(), "a time such as 10, 1.5, 1500ms or 00:01:30.5"),
    };
    if !fits {
        return Err(Error::option(format!("option {key} has the value '{value}'; it needs {wanted}")));
    }
    match definition.range {
        Some((low, high)) => match parse_float(value) {
            Some(number) if number < low || number > high => Err(Error::option(format!(
                "option {key} has the value '{value}', which is out of the range from {low} to {high}"
            ))),
            _ => Ok(()),
        },
        None => Ok(()),
    }
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
    let words = |scope: Scope| match scope {
        Scope::GLOBAL => "the whole job",
        Scope::INPUT => "inputs",
        _ => "outputs",
    };
    Err(Error::option(format!(
        "option {} ({}) is for {}, but was given for {}",
        setting.given,
        definition.help,
        words(definition.scope),
        words(direction)
    )))
}
