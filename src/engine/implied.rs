//! Options that stand for others: -target, -timecode, -timestamp, preset files. They become what they stand for before anything is
//! planned. Source: `opt_target`, `opt_timecode`, `opt_recording_timestamp` and `opt_preset` of FFmpeg's fftools/ffmpeg_opt.c, and
//! `get_preset_file` of cmdutils.c.

use super::files::OpenInput;
use super::scripts;
use crate::av::{self, Classes};
use crate::error::Error;
use crate::options::{FileSpec, JobSpec, MediaKind, Scope, Setting, setting};
use std::borrow::Cow;

const IMPLYING: [&str; 7] = ["target", "timecode", "timestamp", "fpre", "vpre", "apre", "spre"];

/// The job with such options of its outputs replaced.
pub fn expand<'j>(job: &'j JobSpec, inputs: &[OpenInput]) -> Result<Cow<'j, JobSpec>, Error> {
    let implies = |setting: &Setting| setting.definition.is_some() && IMPLYING.contains(&setting.name.as_str());
    if !job.outputs.iter().any(|output| output.settings.iter().any(implies)) {
        return Ok(Cow::Borrowed(job));
    }
    let mut job = job.clone();
    for (index, output) in job.outputs.iter_mut().enumerate() {
        let before = std::mem::take(&mut output.settings);
        let mut first = Vec::new();
        for one in before {
            if !implies(&one) {
                output.settings.push(one);
                continue;
            }
            let implied = implied_by(&one, output, inputs)
                .and_then(|pairs| {
                    pairs.iter().map(|(key, value)| settings_of(key, value)).collect::<Result<Vec<_>, _>>()
                })
                .map_err(|error| error.on_output(index, &output.url))?;
            // What the user says of a codec or format holds against a target, wherever it stands; of ffmpeg's own options the last.
            let (own, av): (Vec<_>, Vec<_>) = implied.into_iter().partition(|setting| setting.definition.is_some());
            output.settings.extend(own);
            first.extend(av);
        }
        output.settings.splice(0..0, first);
    }
    Ok(Cow::Owned(job))
}

fn settings_of(key: &str, value: &str) -> Result<Setting, Error> {
    setting(key, Some(value), Scope::OUTPUT, &Classes)
}

type Pairs = Vec<(String, String)>;

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn implied_by(one: &Setting, output: &FileSpec, inputs: &[OpenInput]) -> Result<Pairs, Error> {
    match one.name.as_str() {
        "target" => target(&one.value, inputs),
        "timecode" => Ok(vec![
            ("metadata:g".to_owned(), format!("timecode={}", one.value)),
            ("gop_timecode".to_owned(), one.value.clone()),
        ]),
        "timestamp" => {
            let time = av::date_text(&one.value).ok_or_else(|| {
                Error::option(format!("option timestamp has the value '{}', which is no time", one.value))
            })?;
            Ok(pairs(&[("metadata", &format!("creation_time={time}"))]))
        }
        name => preset(name, &one.value, output),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Norm {
    Pal,
    Ntsc,
    Film,
}

fn target(text: &str, inputs: &[OpenInput]) -> Result<Pairs, Error> {
    let named = [("pal-", Norm::Pal), ("ntsc-", Norm::Ntsc), ("film-", Norm::Film)];
    let found = named.iter().find_map(|(prefix, norm)| Some((*norm, text.strip_prefix(prefix)?)));
    let (norm, kind) = match found {
        Some(found) => found,
        None => (norm_of(inputs).ok_or_else(|| unknown_norm(text))?, text),
    };
    let by_norm = |pal, others| if norm == Norm::Pal { pal } else { others };
    let rate = match norm {
        Norm::Pal => "25",
        Norm::Ntsc => "30000/1001",
        Norm::Film => "24000/1001",
    };
    let group = by_norm("15", "18");
    Ok(match kind {
        "vcd" => pairs(&[
            ("c:v", "mpeg1video"),
            ("c:a", "mp2"),
            ("f", "vcd"),
            ("s", by_norm("352x288", "352x240")),
            ("r", rate),
            ("g", group),
            ("b:v", "1150000"),
            ("maxrate:v", "1150000"),
            ("minrate:v", "1150000"),
            ("bufsize:v", "327680"),
            ("b:a", "224000"),
            ("ar", "44100"),
            ("ac", "2"),
            ("packetsize", "2324"),
            ("muxrate", "1411200"),
            ("muxpreload", "0.44"),
        ]),
        "svcd" => pairs(&[
            ("c:v", "mpeg2video"),
            ("c:a", "mp2"),
            ("f", "svcd"),
            ("s", by_norm("480x576", "480x480")),
            ("r", rate),
            ("pix_fmt", "yuv420p"),
            ("g", group),
            ("b:v", "2040000"),
            ("maxrate:v", "2516000"),
            ("minrate:v", "0"),
            ("bufsize:v", "1835008"),
            ("scan_offset", "1"),
            ("b:a", "224000"),
            ("ar", "44100"),
            ("packetsize", "2324"),
        ]),
        "dvd" => pairs(&[
            ("c:v", "mpeg2video"),
            ("c:a", "ac3"),
            ("f", "dvd"),
            ("s", by_norm("720x576", "720x480")),
            ("r", rate),
            ("pix_fmt", "yuv420p"),
            ("g", group),
            ("b:v", "6000000"),
            ("maxrate:v", "9000000"),
            ("minrate:v", "0"),
            ("bufsize:v", "1835008"),
            ("packetsize", "2048"),
            ("muxrate", "10080000"),
            ("b:a", "448000"),
            ("ar", "48000"),
        ]),
        kind if kind.starts_with("dv") => pairs(&[
            ("f", "dv"),
            ("s", by_norm("720x576", "720x480")),
            ("pix_fmt", if kind.starts_with("dv50") { "yuv422p" } else { by_norm("yuv420p", "yuv411p") }),
            ("r", rate),
            ("ar", "48000"),
            ("ac", "2"),
        ]),
        _ => {
            return Err(Error::option(format!(
                "option target has the unknown value '{text}'; it takes [pal-|ntsc-|film-]vcd, svcd, dvd, dv or dv50"
            )));
        }
    })
}

fn unknown_norm(text: &str) -> Error {
    Error::option(format!(
        "option target has the value '{text}', and the inputs do not say whether PAL or NTSC is meant"
    ))
    .with_hint("Put pal-, ntsc- or film- in front of it.")
}

/// By the time base of the first video that has one of the two.
fn norm_of(inputs: &[OpenInput]) -> Option<Norm> {
    let videos = inputs.iter().flat_map(|input| &input.streams).filter(|plan| plan.info.kind() == MediaKind::Video);
    videos.map(|plan| plan.info.time_base).filter(|base| base.num > 0).find_map(|base| {
        match i64::from(base.den) * 1000 / i64::from(base.num) {
            25_000 => Some(Norm::Pal),
            29_970 | 23_976 => Some(Norm::Ntsc),
            _ => None,
        }
    })
}

/// A file of `key=value` lines: by its path for -fpre, or by a name in the folders of ffmpeg.
fn preset(option: &str, name: &str, output: &FileSpec) -> Result<Pairs, Error> {
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
