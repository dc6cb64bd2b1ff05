//! Sorting the AVOptions of a file: which go to the format, which to which codec, and which nobody took.
//! Source: `opt_default`, `filter_codec_opts` and the checks at the end of `open_input_file` and `open_output_file`
//! (FFmpeg's fftools/cmdutils.c, ffmpeg_opt.c).

use super::context::JobContext;
use crate::av::{self, Codec, Dict};
use crate::error::Error;
use crate::options::{FileSpec, MediaKind, Selector, Setting, StreamFacts};
use std::cell::RefCell;

/// The AVOptions of one input or output.
pub struct FileOptions {
    codec: Vec<CodecSetting>,
    pub format: Dict,
    pub scaler: Dict,
    pub resampler: Dict,
    is_encoding: bool,
}

struct CodecSetting {
    setting: Setting,
    owner: av::CodecOption,
    is_also_format: bool,
    is_used: RefCell<bool>,
}

impl FileOptions {
    pub fn sort(spec: &FileSpec, is_encoding: bool) -> FileOptions {
        let mut sorted = FileOptions {
            codec: Vec::new(),
            format: Dict::default(),
            scaler: Dict::default(),
            resampler: Dict::default(),
            is_encoding,
        };
        // ffmpeg's default (cmdutils.c: init_opts). Later releases have none, and their filter "scale" would take it over -sws_flags.
        if cfg!(not(ffmpeg7_1)) {
            sorted.scaler.set("flags", "bicubic");
        }
        // Given by -mt_live 1, whether or not anything is decoded.
        let is_implied = |name: &str| !is_encoding && name == "thread_type" && spec.flag("mt_live") == Some(true);
        for setting in spec.av_options() {
            let owner = av::option_owner(&setting.name);
            if owner.format && setting.specifier.is_empty() {
                set(&mut sorted.format, setting);
            }
            if owner.scaler {
                set(&mut sorted.scaler, setting);
            }
            if owner.resampler {
                set(&mut sorted.resampler, setting);
            }
            if let Some(codec) = owner.codec {
                sorted.codec.push(CodecSetting {
                    setting: setting.clone(),
                    owner: codec,
                    is_also_format: owner.format,
                    is_used: RefCell::new(is_implied(&setting.name)),
                });
            }
        }
        sorted
    }

    pub fn has_codec_options(&self) -> bool {
        !self.codec.is_empty()
    }

    /// The options that `codec` takes for one stream.
    pub fn for_codec(&self, codec: Option<Codec>, kind: MediaKind, streams: &[StreamFacts], index: usize) -> Dict {
        let mut dict = Dict::default();
        for entry in &self.codec {
            let setting = &entry.setting;
            if !Selector::parse(&setting.specifier).is_some_and(|s| s.matches(streams, index)) {
                continue;
            }
            if let Some(name) = av::codec_option_name(codec, kind, self.is_encoding, &setting.name) {
                set_value(&mut dict, name, &setting.value);
                *entry.is_used.borrow_mut() = true;
            }
        }
        dict
    }

    /// Whether an option of the format was left over that is no codec's either: nobody knows it.
    pub fn unknown_in(&self, left: &Dict) -> Option<String> {
        let is_codecs = |name: &str| self.codec.iter().any(|entry| entry.setting.name == name);
        left.entries().into_iter().map(|(key, _)| key).find(|key| !is_codecs(key) && key != "scan_all_pmts")
    }

    /// Codec options that no stream took: one of the wrong direction is an error, any other a warning (rule 29).
    pub fn check_unused(&self, context: &JobContext, is_strict: bool, place: &str) -> Result<(), Error> {
        for entry in &self.codec {
            let (name, help) = (&entry.setting.given, &entry.owner.help);
            if *entry.is_used.borrow() || entry.is_also_format || name == "gop_timecode" {
                continue;
            }
            let is_right = if self.is_encoding { entry.owner.is_encoding } else { entry.owner.is_decoding };
            if !is_right {
                let direction = if self.is_encoding { "an encoding" } else { "a decoding" };
                return Err(Error::option(format!(
                    "option {name} ({help}), given for {place}, is not {direction} option"
                )));
            }
            let text = format!(
                "option {name} ({help}), given for {place}, was not used for any stream: either there is no stream of its kind, \
                 or it is a private option of a codec that is not used"
            );
            if is_strict {
                return Err(Error::option(text));
            }
            context.warn("options", None, &text);
        }
        Ok(())
    }
}

fn set(dict: &mut Dict, setting: &Setting) {
    set_value(dict, &setting.name, &setting.value);
}

/// Flags ("+a", "-b") add up, anything else replaces (cmdutils.c: FLAGS).
fn set_value(dict: &mut Dict, name: &str, value: &str) {
    match value.starts_with(['+', '-']) && av::is_flags_option(name) {
        true => dict.append(name, value),
        false => dict.set(name, value),
    }
}
