//! Metadata, chapters and dispositions of an output. Rule 12; source: `open_output_file`, `copy_metadata`, `copy_chapters`
//! and `set_dispositions` of FFmpeg's fftools/ffmpeg_opt.c.

use super::errors::failed;
use super::files::OpenInput;
use super::plan::OpenOutput;
use crate::av::{self, Chapter, Dict, TIME_BASE, rescale};
use crate::error::{Code, Error};
use crate::options::{FileSpec, MediaKind, Selector, parse_float, parse_integer};

/// Which kinds of metadata the user maps by hand.
#[derive(Default)]
struct Manual {
    global: bool,
    streams: bool,
    chapters: bool,
}

/// Where metadata lives: "g", "s:a:0", "c:1", "p:0".
enum Place {
    Global,
    Streams(String),
    Chapter(usize),
    Program(usize),
}

fn place(text: &str) -> Result<Place, Error> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "" | "g" => Ok(Place::Global),
        "s" => Ok(Place::Streams(rest.to_owned())),
        "c" => Ok(Place::Chapter(if rest.is_empty() { 0 } else { rest.parse().unwrap_or(usize::MAX) })),
        "p" => Ok(Place::Program(if rest.is_empty() { 0 } else { rest.parse().unwrap_or(usize::MAX) })),
        _ => Err(Error::option(format!("metadata specifier '{text}' makes no sense"))),
    }
}

pub fn apply(spec: &FileSpec, open: &mut OpenOutput, inputs: &[OpenInput]) -> Result<(), Error> {
    let mut chapters = Vec::new();
    let manual = manual_maps(spec)?;
    for setting in spec.all("map_metadata") {
        copy_mapped(&setting.specifier, &setting.value, open, inputs)?;
    }
    copy_chapters(spec, open, inputs, !manual.chapters, &mut chapters)?;
    if !manual.global
        && let Some(first) = inputs.first()
    {
        copy_global(open, &first.input.metadata());
    }
    if !manual.streams {
        copy_streams(open, inputs);
    }
    for setting in spec.all("metadata") {
        set_by_hand(&setting.specifier, &setting.value, open, &mut chapters)?;
    }
    for chapter in &chapters {
        let ret = open.output.add_chapter(chapter);
        ret.map_err(|e| failed(e, "open output", Code::ENOMEM, "cannot add a chapter"))?;
    }
    open.chapters_us = chapters.iter().map(|c| rescale(c.start, c.time_base, TIME_BASE)).collect();
    set_dispositions(open, inputs)?;
    Ok(())
}

/// `-map_metadata -1` turns the automatic mapping off; a mapping by hand replaces the automatic one of its kind.
fn manual_maps(spec: &FileSpec) -> Result<Manual, Error> {
    let mut manual = Manual::default();
    for setting in spec.all("map_metadata") {
        let (file, from) = setting.value.split_once(':').unwrap_or((&setting.value, ""));
        let is_off = parse_integer(file).is_some_and(|n| n < 0);
        let places =
            if is_off { vec![place(&setting.specifier)?] } else { vec![place(&setting.specifier)?, place(from)?] };
        for place in places {
            match place {
                Place::Global => manual.global = true,
                Place::Streams(_) => manual.streams = true,
                Place::Chapter(_) => manual.chapters = true,
                Place::Program(_) => {}
            }
        }
        if is_off && setting.specifier.is_empty() {
            manual = Manual { global: true, streams: true, chapters: true };
        }
    }
    Ok(manual)
}

fn copy_mapped(to: &str, value: &str, open: &mut OpenOutput, inputs: &[OpenInput]) -> Result<(), Error> {
    let (file, from) = value.split_once(':').unwrap_or((value, ""));
    let file =
        parse_integer(file).ok_or_else(|| Error::option(format!("option map_metadata has the value '{value}'")))?;
    if file < 0 {
        return Ok(());
    }
    let input = inputs
        .get(file as usize)
        .ok_or_else(|| Error::option(format!("option map_metadata names input {file}, which is not there")))?;
    let source = match place(from)? {
        Place::Global => input.input.metadata(),
        Place::Streams(specifier) => {
            let found =
                Selector::parse(&specifier).and_then(|s| (0..input.facts.len()).find(|i| s.matches(&input.facts, *i)));
            let stream =
                found.ok_or_else(|| Error::option(format!("option map_metadata: '{specifier}' matches no stream")))?;
            input.streams[stream].info.metadata.clone()
        }
        Place::Chapter(index) => {
            let found = input.input.chapters().into_iter().nth(index);
            found.ok_or_else(|| Error::option(format!("option map_metadata: there is no chapter {index}")))?.metadata
        }
        Place::Program(index) => {
            let found = input.input.program_metadata(index);
            found.ok_or_else(|| Error::option(format!("option map_metadata: there is no program {index}")))?
        }
    };
    match place(to)? {
        Place::Global => {
            let mut target = open.output.metadata();
            target.add_missing(&source);
            open.output.set_metadata(&target);
        }
        Place::Streams(specifier) => {
            for stream in matching(open, &specifier)? {
                let mut target = open.output.stream_metadata(stream);
                target.add_missing(&source);
                open.output.set_stream_metadata(stream, &target);
            }
        }
        // ffmpeg maps metadata before it copies chapters, so there is none to map to.
        Place::Chapter(index) => {
            return Err(Error::option(format!("option map_metadata: the output has no chapter {index}")));
        }
        Place::Program(index) => {
            let mut target = program_metadata(open, index)?;
            target.add_missing(&source);
            open.output.set_program_metadata(index, &target);
        }
    }
    Ok(())
}

fn program_metadata(open: &OpenOutput, index: usize) -> Result<Dict, Error> {
    let found = open.output.program_metadata(index);
    found.ok_or_else(|| Error::option(format!("the output has no program {index}; -program makes one")))
}

fn matching(open: &OpenOutput, specifier: &str) -> Result<Vec<usize>, Error> {
    let facts = open.facts();
    let selector =
        Selector::parse(specifier).ok_or_else(|| Error::option(format!("'{specifier}' is no stream specifier")))?;
    Ok((0..facts.len()).filter(|i| selector.matches(&facts, *i)).collect())
}

fn copy_global(open: &mut OpenOutput, source: &Dict) {
    let mut metadata = open.output.metadata();
    metadata.add_missing(source);
    if open.duration_us.is_some() {
        metadata.remove("duration");
    }
    for key in ["creation_time", "company_name", "product_name", "product_version"] {
        metadata.remove(key);
    }
    open.output.set_metadata(&metadata);
}

fn copy_streams(open: &mut OpenOutput, inputs: &[OpenInput]) {
    for index in 0..open.streams.len() {
        let Some((input, stream)) = open.streams[index].source else { continue };
        let mut metadata = open.output.stream_metadata(index);
        metadata.add_missing(&inputs[input].streams[stream].info.metadata);
        if !open.streams[index].work.is_copy() {
            metadata.remove("encoder");
        }
        open.output.set_stream_metadata(index, &metadata);
    }
}

fn copy_chapters(
    spec: &FileSpec,
    open: &OpenOutput,
    inputs: &[OpenInput],
    with_metadata: bool,
    chapters: &mut Vec<Chapter>,
) -> Result<(), Error> {
    let input =
        match spec.value("map_chapters").and_then(parse_integer) {
            Some(number) if number < 0 => return Ok(()),
            Some(number) => Some(inputs.get(number as usize).ok_or_else(|| {
                Error::option(format!("option map_chapters names input {number}, which is not there"))
            })?),
            None => inputs.iter().find(|input| !input.input.chapters().is_empty()),
        };
    let Some(input) = input else { return Ok(()) };
    for mut chapter in input.input.chapters() {
        let offset = rescale(open.start_us.unwrap_or(0) - input.offset_us, TIME_BASE, chapter.time_base);
        let length = open.duration_us.map_or(i64::MAX, |d| rescale(d, TIME_BASE, chapter.time_base));
        if chapter.end < offset {
            continue;
        }
        if length != i64::MAX && chapter.start > length.saturating_add(offset) {
            break;
        }
        chapter.start = chapter.start.saturating_sub(offset).max(0);
        chapter.end = chapter.end.saturating_sub(offset).min(length);
        if !with_metadata {
            chapter.metadata = Dict::default();
        }
        chapters.push(chapter);
    }
    Ok(())
}

fn set_by_hand(specifier: &str, text: &str, open: &mut OpenOutput, chapters: &mut [Chapter]) -> Result<(), Error> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Error::option(format!("option metadata has the value '{text}'; it needs key=value")))?;
    let change = |dict: &mut Dict| if value.is_empty() { dict.remove(key) } else { dict.set(key, value) };
    match place(specifier)? {
        Place::Global => {
            let mut metadata = open.output.metadata();
            change(&mut metadata);
            open.output.set_metadata(&metadata);
        }
        Place::Streams(specifier) => {
            for stream in matching(open, &specifier)? {
                // Later releases have -display_rotation only, and a tag of this name is a tag.
                if let (Some(degrees), "rotate", false) = (parse_float(value), key, cfg!(ffmpeg7_1)) {
                    open.streams[stream].rotate = Some(degrees);
                    continue;
                }
                let mut metadata = open.output.stream_metadata(stream);
                change(&mut metadata);
                open.output.set_stream_metadata(stream, &metadata);
            }
        }
        Place::Chapter(index) => {
            let chapter = chapters
                .get_mut(index)
                .ok_or_else(|| Error::option(format!("option metadata: there is no chapter {index}")))?;
            change(&mut chapter.metadata);
        }
        Place::Program(index) => {
            let mut metadata = program_metadata(open, index)?;
            change(&mut metadata);
            open.output.set_program_metadata(index, &metadata);
        }
    }
    Ok(())
}

fn set_dispositions(open: &mut OpenOutput, inputs: &[OpenInput]) -> Result<(), Error> {
    let inherited: Vec<i32> = open
        .streams
        .iter()
        .map(|stream| stream.source.map_or(0, |(input, index)| inputs[input].streams[index].info.disposition))
        .collect();
    let by_hand: Vec<Option<String>> = open.streams.iter().map(|stream| stream.disposition.clone()).collect();
    let has_manual = by_hand.iter().any(Option::is_some);
    let mut chosen = inherited.clone();
    for (index, text) in by_hand.iter().enumerate() {
        if let Some(text) = text {
            chosen[index] = av::disposition_value(text, chosen[index])
                .ok_or_else(|| Error::option(format!("option disposition has the unknown value '{text}'")))?;
        }
    }
    if !has_manual {
        default_per_kind(open, &mut chosen);
    }
    for (index, disposition) in chosen.into_iter().enumerate() {
        open.output.set_disposition(index, disposition);
    }
    Ok(())
}

/// Of each kind with more than one stream, the first becomes the default, unless one is already.
fn default_per_kind(open: &OpenOutput, chosen: &mut [i32]) {
    for kind in [MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle, MediaKind::Data, MediaKind::Attachment] {
        let of_kind: Vec<usize> = (0..chosen.len()).filter(|i| open.streams[*i].kind == kind).collect();
        let has_default = of_kind.iter().any(|i| chosen[*i] & av::DISPOSITION_DEFAULT != 0);
        if of_kind.len() < 2 || has_default {
            continue;
        }
        if let Some(first) = of_kind.into_iter().find(|i| chosen[*i] & av::DISPOSITION_ATTACHED_PIC == 0) {
            chosen[first] |= av::DISPOSITION_DEFAULT;
        }
    }
}
