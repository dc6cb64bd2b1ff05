//! Opening an input as ffprobe does. Source: `open_input_file` of FFmpeg's fftools/ffprobe.c.

use super::report::ReportError;
use crate::av::{
    AvError, Classes, Codec, Decoder, DecoderSettings, Demuxer, Dict, Input, Interrupt, Opening, Rational, decoder_for,
    find_decoder, write_log,
};
use crate::engine::input_stream::facts_of;
use crate::engine::observer::{LEVEL_ERROR, LEVEL_WARNING};
use crate::engine::stream_setup::FileOptions;
use crate::options::{AvOptions, FileSpec, MediaKind, Selector, Setting, StreamFacts};

/// An input and how it is opened.
#[derive(Clone)]
pub struct Source {
    /// URL, and its AVOptions.
    pub spec: FileSpec,
    pub format: Option<Demuxer>,
    /// Decoders that are to be used for video, audio and subtitles.
    pub decoders: [Option<String>; 3],
    pub finds_stream_info: bool,
    /// Frame threads would log later than they decode.
    pub is_single_threaded: bool,
}

const KINDS: [MediaKind; 3] = [MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle];

impl Source {
    /// A URL with AVOptions, "threads" or "threads:v". An error's text where FFmpeg has no such option, or there is no such
    /// format.
    pub fn new(url: &str, format: Option<&str>, options: &[(String, String)]) -> Result<Source, String> {
        crate::av::register_devices();
        let named = |name: &str| Demuxer::find(name).ok_or_else(|| format!("Unknown input format: {name}"));
        let format = format.map(named).transpose()?;
        let mut spec = FileSpec::new(url);
        for (given, value) in options {
            let (name, specifier) = given.split_once(':').unwrap_or((given, ""));
            if !Classes.knows(name) {
                return Err(format!("Failed to set value '{value}' for option '{given}': Option not found"));
            }
            spec.settings.push(Setting {
                name: name.to_owned(),
                specifier: specifier.to_owned(),
                value: value.clone(),
                definition: None,
                given: given.clone(),
            });
        }
        Ok(Source { spec, format, decoders: [None, None, None], finds_stream_info: true, is_single_threaded: false })
    }

    /// The input, and a decoder of each of its streams, where there is one. What is wrong is logged.
    pub(super) fn open(&self) -> Result<(Input, Vec<Option<Decoder>>), ReportError> {
        let options = FileOptions::sort(&self.spec, false);
        let named = self.named_decoders()?;
        let url = &self.spec.url;
        let tell = |error: AvError| {
            write_log(LEVEL_ERROR, &format!("{url}: {}", error.words()));
            ReportError::Media(error)
        };
        let mut input = self.open_format(&options, named).map_err(tell)?;
        self.check_specifiers()?;
        if self.finds_stream_info {
            let facts = facts(&input)?;
            let mut dicts: Vec<Dict> = (0..facts.len())
                .map(|index| {
                    let codec = input.describe(index).ok().and_then(|s| decoder_for(s.parameters.codec_id()));
                    options.for_codec(codec, facts[index].kind, &facts, index)
                })
                .collect();
            input.find_stream_info(&mut dicts).map_err(tell)?;
        }
        input.dump(0, url);
        let facts = facts(&input)?;
        let decoders = (0..facts.len()).map(|index| self.decoder(&input, index, &facts, &options, named));
        let decoders = decoders.collect::<Result<_, _>>()?;
        Ok((input, decoders))
    }

    fn open_format(&self, options: &FileOptions, decoders: [Option<Codec>; 3]) -> Result<Input, AvError> {
        let mut dict = options.format.clone();
        dict.set_if_absent("scan_all_pmts", "1");
        let opening = Opening {
            url: &self.spec.url,
            format: self.format,
            probe_score: 0,
            interrupt: Interrupt::new(),
            log_slot: 0,
            is_bitexact: false,
            is_blocking: true,
            gate: None, // the program is trusted, as ffprobe is
            decoders,
            tls: None,
        };
        let input = Input::open(&opening, None, &mut dict)?;
        for (key, _) in dict.entries().into_iter().filter(|(key, _)| key != "scan_all_pmts") {
            write_log(LEVEL_WARNING, &format!("Option {key} skipped - not known to demuxer."));
        }
        Ok(input)
    }

    fn named_decoders(&self) -> Result<[Option<Codec>; 3], ReportError> {
        let mut codecs = [None; 3];
        for ((codec, name), kind) in codecs.iter_mut().zip(&self.decoders).zip(KINDS) {
            let Some(name) = name else { continue };
            *codec = find_decoder(name).filter(|codec| codec.kind() == kind);
            if codec.is_none() {
                write_log(LEVEL_ERROR, &format!("Could not find {} decoder with name '{name}'", kind.word()));
                return Err(ReportError::AtOnce);
            }
        }
        Ok(codecs)
    }

    /// A specifier that makes no sense ends ffprobe as soon as streams are there.
    fn check_specifiers(&self) -> Result<(), ReportError> {
        let mut specifiers = self.spec.settings.iter().map(|setting| &setting.specifier);
        match specifiers.find(|specifier| Selector::parse(specifier).is_none()) {
            None => Ok(()),
            Some(wrong) => {
                write_log(LEVEL_ERROR, &format!("Invalid stream specifier: {wrong}."));
                Err(ReportError::AtOnce)
            }
        }
    }

    fn decoder(
        &self,
        input: &Input,
        index: usize,
        facts: &[StreamFacts],
        options: &FileOptions,
        named: [Option<Codec>; 3],
    ) -> Result<Option<Decoder>, ReportError> {
        let info = input.describe(index).map_err(ReportError::Media)?;
        let id = info.parameters.codec_id();
        let chosen = KINDS.iter().position(|kind| *kind == info.kind()).and_then(|kind| named[kind]);
        let Some(codec) = chosen.or_else(|| decoder_for(id)) else {
            write_log(LEVEL_WARNING, &format!("Unsupported codec with id {id} for input stream {index}"));
            return Ok(None);
        };
        let mut options = options.for_codec(Some(codec), info.kind(), facts, index);
        if self.is_single_threaded {
            options.set("threads", "1");
        }
        let no_rate = Rational::new(0, 1);
        let settings = DecoderSettings {
            parameters: &info.parameters,
            time_base: info.time_base,
            frame_rate: no_rate,
            is_bitexact: false,
            log_slot: 0,
            device: None,
        };
        let Ok(decoder) = Decoder::open(codec, &settings, &mut options) else {
            write_log(LEVEL_WARNING, &format!("Could not open codec for input stream {index}"));
            return Err(ReportError::AtOnce);
        };
        match options.entries().first() {
            None => Ok(Some(decoder)),
            Some((key, _)) => {
                write_log(LEVEL_ERROR, &format!("Option {key} for input stream {index} not found"));
                Err(ReportError::Media(AvError::OPTION_NOT_FOUND))
            }
        }
    }
}

fn facts(input: &Input) -> Result<Vec<StreamFacts>, ReportError> {
    let facts = (0..input.stream_count()).map(|index| input.describe(index).map(|stream| facts_of(&stream)));
    facts.collect::<Result<_, _>>().map_err(ReportError::Media)
}
