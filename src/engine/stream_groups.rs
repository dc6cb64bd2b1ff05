//! -stream_group: groups of an output's streams, such as an IAMF audio element. FFmpeg 7.0 and later. Source: `of_add_groups` and
//! its like in FFmpeg's fftools/ffmpeg_mux_init.c (7.1).

use super::outputs::Builder;
use super::plan::OpenOutput;
use crate::av::{self, AvError, Dict, ElementPart, GroupKind, Output};
use crate::error::Error;
use crate::options::parse_integer;

type Pairs = Vec<(String, String)>;

/// Parts between commas or bars, without the spaces in front of them.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(|part| part.trim_start_matches([' ', '\n', '\t', '\r'])).filter(|part| !part.is_empty())
}

/// One value of the option, and the output it is for.
struct Group<'a> {
    text: &'a str,
    output: &'a mut Output,
    index: usize,
}

impl Builder<'_> {
    /// "type=iamf_audio_element:id=1:st=0:audio_element_type=channel,layer=ch_layout=stereo".
    pub(super) fn add_stream_groups(&self, open: &mut OpenOutput) -> Result<(), Error> {
        for setting in self.spec.all("stream_group") {
            add(&setting.value, &mut open.output)?;
        }
        Ok(())
    }
}

fn bad(text: &str, why: &str) -> Error {
    Error::option(format!("option stream_group has the value '{text}': {why}"))
}

fn add(text: &str, output: &mut Output) -> Result<(), Error> {
    let mut all = parts(text, ',');
    let pairs = pairs_of(text, all.next().unwrap_or_default())?;
    let value = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    if value("map").is_some() {
        return Err(bad(text, "groups of inputs are not copied by this version (map)"));
    }
    let kind = match value("type") {
        Some("iamf_audio_element" | "1") => GroupKind::AudioElement,
        Some("iamf_mix_presentation" | "2") => GroupKind::MixPresentation,
        _ => return Err(bad(text, "its type must be iamf_audio_element or iamf_mix_presentation")),
    };
    let mut options = dict(&pairs, &["type", "st", "stg"]);
    let index = output.add_group(kind, &mut options).map_err(|e| bad(text, &e.words()))?;
    let mut group = Group { text, output, index };
    group.check_taken(&options)?;
    group.add_streams(&pairs)?;
    match kind {
        GroupKind::AudioElement => group.element(all),
        GroupKind::MixPresentation => all.try_for_each(|part| group.submix(part)),
    }
}

fn pairs_of(text: &str, part: &str) -> Result<Pairs, Error> {
    av::key_values(part, ':').ok_or_else(|| bad(text, "it needs key=value:key=value"))
}

fn dict(pairs: &Pairs, without: &[&str]) -> Dict {
    let mut dict = Dict::default();
    pairs.iter().filter(|(key, _)| !without.contains(&key.as_str())).for_each(|(key, value)| dict.set(key, value));
    dict
}

impl Group<'_> {
    fn bad(&self, why: &str) -> Error {
        bad(self.text, why)
    }

    fn done(&self, result: Result<(), AvError>) -> Result<(), Error> {
        result.map_err(|e| self.bad(&e.words()))
    }

    fn check_taken(&self, options: &Dict) -> Result<(), Error> {
        match options.entries().first() {
            Some((key, _)) => Err(self.bad(&format!("it has no key '{key}'"))),
            None => Ok(()),
        }
    }

    /// st=0 is a stream of the output, stg=0 what is in a group before this one.
    fn add_streams(&mut self, pairs: &Pairs) -> Result<(), Error> {
        let of = |key: &'static str| {
            pairs.iter().filter(move |(name, _)| name == key).map(|(_, value)| parse_integer(value))
        };
        for stream in of("st") {
            let stream = stream.and_then(|stream| usize::try_from(stream).ok());
            let added = stream.ok_or(AvError::INVALID).and_then(|stream| self.output.add_to_group(self.index, stream));
            added.map_err(|_| self.bad("the output has no such stream"))?;
        }
        for other in of("stg") {
            let other = other.and_then(|other| usize::try_from(other).ok()).filter(|other| *other < self.index);
            let other = other.ok_or_else(|| self.bad("there is no such group before it"))?;
            let streams = self.output.streams_of_group(other).map_err(|e| self.bad(&e.words()))?;
            for stream in streams {
                let added = self.output.add_to_group(self.index, stream);
                self.done(added)?;
            }
        }
        Ok(())
    }

    /// layer=..., demixing=..., recon_gain=...
    fn element<'t>(&mut self, all: impl Iterator<Item = &'t str>) -> Result<(), Error> {
        for part in all {
            let named = [
                ("layer=", ElementPart::Layer),
                ("demixing=", ElementPart::Demixing),
                ("recon_gain=", ElementPart::ReconGain),
            ];
            let found = named.iter().find_map(|(name, kind)| Some((part.strip_prefix(name)?, *kind)));
            let (rest, kind) = found.unwrap_or((part, ElementPart::Whole));
            let mut options = dict(&pairs_of(self.text, rest)?, &[]);
            let set = self.output.set_element_part(self.index, kind, &mut options);
            self.done(set)?;
            self.check_taken(&options)?;
        }
        match self.output.layer_count(self.index) {
            0 => Err(self.bad("an audio element needs a layer")),
            _ => Ok(()),
        }
    }

    /// submix=...|element=stg=0:...|layout=...
    fn submix(&mut self, part: &str) -> Result<(), Error> {
        let rest = part.strip_prefix("submix=").ok_or_else(|| self.bad("a mix presentation consists of submix=..."))?;
        let added = self.output.add_submix(self.index);
        self.done(added)?;
        for part in parts(rest, '|') {
            let (element, layout) = (part.strip_prefix("element="), part.strip_prefix("layout="));
            let pairs = pairs_of(self.text, element.or(layout).unwrap_or(part))?;
            let mut options = dict(&pairs, if element.is_some() { &["stg"] } else { &[] });
            let set = match (element, layout) {
                (Some(_), _) => {
                    let other = pairs.iter().find(|(key, _)| key == "stg").and_then(|(_, value)| parse_integer(value));
                    let other = other.and_then(|other| usize::try_from(other).ok()).filter(|other| *other < self.index);
                    let other = other.ok_or_else(|| self.bad("an element names a group before it (stg)"))?;
                    self.output.add_submix_element(self.index, other, &mut options)
                }
                (None, Some(_)) => self.output.add_submix_layout(self.index, &mut options),
                (None, None) => self.output.set_submix(self.index, &mut options),
            };
            self.done(set)?;
            self.check_taken(&options)?;
        }
        match self.output.submix_element_count(self.index) {
            0 => Err(self.bad("a submix needs an element")),
            _ => Ok(()),
        }
    }
}
