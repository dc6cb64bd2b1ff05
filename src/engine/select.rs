//! Which streams go into an output: `-map`, or ffmpeg's own choice. Rule 30; source: `open_output_file` and `opt_map` of
//! FFmpeg's fftools/ffmpeg_opt.c.

use super::files::OpenInput;
use crate::av::{self, Output};
use crate::error::Error;
use crate::options::{FileSpec, MediaKind, Selector};

/// Where an output stream comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Stream {
        input: usize,
        stream: usize,
    },
    /// A labelled output of a complex filter graph.
    Label(String),
}

/// The kinds that -vn, -an, -sn, -dn leave out, and those that unlabelled graph outputs have taken.
#[derive(Clone, Copy, Default)]
pub struct Disabled {
    pub video: bool,
    pub audio: bool,
    pub subtitle: bool,
    pub data: bool,
}

impl Disabled {
    pub fn of(spec: &FileSpec) -> Disabled {
        let flag = |name| spec.flag(name).unwrap_or(false);
        Disabled { video: flag("vn"), audio: flag("an"), subtitle: flag("sn"), data: flag("dn") }
    }

    fn covers(self, kind: MediaKind) -> bool {
        match kind {
            MediaKind::Video => self.video,
            MediaKind::Audio => self.audio,
            MediaKind::Subtitle => self.subtitle,
            MediaKind::Data => self.data,
            _ => false,
        }
    }
}

/// Unknown streams: refused, ignored or copied.
#[derive(Clone, Copy)]
pub struct UnknownStreams {
    pub ignore: bool,
    pub copy: bool,
}

pub fn select(
    spec: &FileSpec,
    inputs: &[OpenInput],
    output: &Output,
    disabled: Disabled,
    unknown: UnknownStreams,
) -> Result<Vec<Source>, Error> {
    match spec.all("map").next() {
        None => Ok(choose(spec, inputs, output, disabled)),
        Some(_) => match mapped(spec, inputs, disabled, unknown)? {
            Some(sources) => Ok(sources),
            // Optional maps that match nothing count as none (ffmpeg_opt.c: opt_map).
            None => Ok(choose(spec, inputs, output, disabled)),
        },
    }
}

/// ffmpeg's own choice: the best video, the best audio, the first fitting subtitle, data where the muxer wants some.
fn choose(spec: &FileSpec, inputs: &[OpenInput], output: &Output, disabled: Disabled) -> Vec<Source> {
    let mut chosen = Vec::new();
    if !disabled.video && output.default_codec(MediaKind::Video).is_some() {
        chosen.extend(best(inputs, MediaKind::Video, output.takes_pictures_only()));
    }
    if !disabled.audio && output.default_codec(MediaKind::Audio).is_some() {
        chosen.extend(best(inputs, MediaKind::Audio, false));
    }
    let names_subtitle_codec = spec.all("c").any(|s| s.specifier == "s");
    if !disabled.subtitle && (output.default_codec(MediaKind::Subtitle).is_some() || names_subtitle_codec) {
        chosen.extend(first_subtitle(inputs, output, names_subtitle_codec));
    }
    if !disabled.data
        && let Some(codec) = output.default_codec(MediaKind::Data)
    {
        let fits = |input: &OpenInput, i: usize| {
            let par = &input.streams[i].info.parameters;
            par.kind() == MediaKind::Data && par.codec_id() == codec
        };
        chosen.extend(all(inputs).find(|(input, i)| fits(input, *i)).map(source));
    }
    chosen
}

fn all(inputs: &[OpenInput]) -> impl Iterator<Item = (&OpenInput, usize)> {
    inputs.iter().flat_map(|input| (0..input.streams.len()).map(move |i| (input, i)))
}

fn source((input, stream): (&OpenInput, usize)) -> Source {
    Source::Stream { input: input.index, stream }
}

/// The best stream of a kind: within a file the default flag counts, between files it does not.
fn best(inputs: &[OpenInput], kind: MediaKind, pictures_only: bool) -> Option<Source> {
    let mut best: Option<(i64, Source)> = None;
    for input in inputs {
        let mut of_file: Option<(i64, usize)> = None;
        for (i, plan) in input.streams.iter().enumerate() {
            let info = &plan.info;
            if info.kind() != kind || plan.discard == av::DISCARD_ALL || (pictures_only && !info.is_attached_picture())
            {
                continue;
            }
            let score = score(kind, plan, pictures_only);
            if of_file.is_none_or(|(other, _)| score > other) && score > 0 {
                of_file = Some((score, i));
            }
        }
        let Some((mut score, stream)) = of_file else { continue };
        let info = &input.streams[stream].info;
        // ffmpeg asks the last stream of the file here, whichever was chosen; so its choice is ours.
        let last_is_picture = input.streams.last().is_some_and(|last| last.info.is_attached_picture());
        if info.is_default() && (kind == MediaKind::Audio || pictures_only || !last_is_picture) {
            score -= 5_000_000;
        }
        if best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, Source::Stream { input: input.index, stream }));
        }
    }
    best.map(|(_, source)| source)
}

fn score(kind: MediaKind, plan: &super::input_stream::StreamPlan, pictures_only: bool) -> i64 {
    let info = &plan.info;
    if kind == MediaKind::Video && !pictures_only && info.is_attached_picture() {
        return 1;
    }
    let size = match kind {
        MediaKind::Video => i64::from(info.parameters.width()) * i64::from(info.parameters.height()),
        _ => i64::from(info.parameters.channels()),
    };
    size + 100_000_000 * i64::from(info.has_new_packets) + 5_000_000 * i64::from(info.is_default())
}

fn first_subtitle(inputs: &[OpenInput], output: &Output, any_kind: bool) -> Option<Source> {
    let (out_text, out_bitmap) = output.subtitle_kinds();
    let fits = |(input, i): &(&OpenInput, usize)| {
        let plan = &input.streams[*i];
        let par = &plan.info.parameters;
        if par.kind() != MediaKind::Subtitle || plan.discard == av::DISCARD_ALL {
            return false;
        }
        let (text, bitmap) = av::subtitle_kinds(par.codec_id());
        // DVB teletext is neither; a codec that FFmpeg does not know is left out.
        let is_neither = !(text || bitmap) && par.codec_id() != 0;
        any_kind || (text && out_text) || (bitmap && out_bitmap) || is_neither
    };
    all(inputs).find(fits).map(source)
}

fn mapped(
    spec: &FileSpec,
    inputs: &[OpenInput],
    disabled: Disabled,
    unknown: UnknownStreams,
) -> Result<Option<Vec<Source>>, Error> {
    let mut chosen: Vec<(Source, bool)> = Vec::new();
    for setting in spec.all("map") {
        map_one(&setting.value, inputs, &mut chosen)?;
    }
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut result = Vec::new();
    for (source, is_enabled) in chosen {
        if !is_enabled {
            continue;
        }
        if let Source::Stream { input, stream } = source {
            let plan = &inputs[input].streams[stream];
            let kind = plan.info.kind();
            if disabled.covers(kind) || plan.discard == av::DISCARD_ALL {
                continue;
            }
            if kind == MediaKind::Unknown && !unknown.copy {
                if unknown.ignore {
                    continue;
                }
                return Err(Error::option(format!(
                    "option map chose stream {input}:{stream}, whose kind is unknown; use -ignore_unknown or -copy_unknown"
                )));
            }
        }
        result.push(source);
    }
    Ok(Some(result))
}

/// `[-]file[:specifier][?]` or `[label]`.
fn map_one(text: &str, inputs: &[OpenInput], chosen: &mut Vec<(Source, bool)>) -> Result<(), Error> {
    if let Some(label) = text.strip_prefix('[') {
        let label = label.split(']').next().unwrap_or(label);
        chosen.push((Source::Label(label.to_owned()), true));
        return Ok(());
    }
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    // The synchronisation stream behind a comma has had no effect since FFmpeg 5.
    let rest = rest.split(',').next().unwrap_or(rest);
    let (rest, may_miss) = match rest.strip_suffix('?') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (file, specifier) = rest.split_once(':').unwrap_or((rest, ""));
    let bad = |why: &str| Error::option(format!("option map has the value '{text}': {why}"));
    let file: usize = file.parse().map_err(|_| bad("it must begin with the number of an input"))?;
    let input = inputs.get(file).ok_or_else(|| bad("there is no such input"))?;
    let selector = Selector::parse(specifier).ok_or_else(|| bad("the stream specifier makes no sense"))?;
    let matching: Vec<usize> = (0..input.streams.len()).filter(|i| selector.matches(&input.facts, *i)).collect();
    if is_negative && chosen.is_empty() && !may_miss {
        return Err(bad("nothing is mapped yet that it could take away; a '?' at its end makes it optional"));
    }
    if is_negative {
        for (source, is_enabled) in chosen.iter_mut() {
            if matches!(source, Source::Stream { input, stream } if *input == file && matching.contains(stream)) {
                *is_enabled = false;
            }
        }
        return Ok(());
    }
    // ffmpeg leaves out what the user of the input disabled.
    let matching: Vec<usize> = matching.into_iter().filter(|i| input.streams[*i].discard != av::DISCARD_ALL).collect();
    if matching.is_empty() && !may_miss {
        return Err(bad("it matches no streams; a '?' at its end makes it optional"));
    }
    chosen.extend(matching.into_iter().map(|stream| (Source::Stream { input: file, stream }, true)));
    Ok(())
}
