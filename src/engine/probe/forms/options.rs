//! A form by its name and options: "json", "csv=p=0:nk=1". Source: `writer_open` and the writers' option tables of FFmpeg's
//! fftools/ffprobe.c.

use super::compact::{Compact, Escape};
use super::default::Default;
use super::flat::Flat;
use super::ini::Ini;
use super::json::Json;
use super::xml::Xml;
use super::{Circumstances, Writer};
use crate::engine::probe::token::pairs;

/// What is done with tags that are not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validation {
    /// Nothing more is written, and the probe fails.
    Fail,
    Replace,
    Ignore,
}

/// A form that is ready to write.
pub struct Form {
    pub writer: Box<dyn Writer>,
    pub validation: Validation,
    /// What stands for a sequence that is not UTF-8.
    pub replacement: String,
    /// Control characters are none of XML's.
    pub is_xml: bool,
}

/// A form, and the long and short names of its options.
type Known = (&'static str, &'static [(&'static str, &'static str)]);

const COMPACT: &[(&str, &str)] = &[("item_sep", "s"), ("nokey", "nk"), ("escape", "e"), ("print_section", "p")];
const FORMS: [Known; 7] = [
    ("default", &[("noprint_wrappers", "nw"), ("nokey", "nk")]),
    ("compact", COMPACT),
    ("csv", COMPACT),
    ("flat", &[("sep_char", "s"), ("hierarchical", "h")]),
    ("ini", &[("hierarchical", "h")]),
    ("json", &[("compact", "c")]),
    ("xml", &[("fully_qualified", "q"), ("xsd_strict", "x")]),
];
/// Options of every form.
const COMMON: [(&str, &str); 2] = [("string_validation", "sv"), ("string_validation_replacement", "svr")];

/// Options by their long names; the last one counts.
struct Settings(Vec<(&'static str, String)>);

impl Settings {
    fn parse(text: &str, own: &'static [(&'static str, &'static str)]) -> Result<Settings, String> {
        let wrong = || format!("Failed to parse option string '{text}' provided to writer context");
        let named = |(key, value): (String, String)| {
            let found = COMMON.iter().chain(own).find(|(long, short)| key == *long || key == *short);
            found.map(|(long, _)| (*long, value.clone())).ok_or_else(|| refused(&key, &value))
        };
        pairs(text).ok_or_else(wrong)?.into_iter().map(named).collect::<Result<_, _>>().map(Settings)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// As an AVOption of type AV_OPT_TYPE_BOOL is read.
    fn flag(&self, key: &'static str, default: bool) -> Result<bool, String> {
        let Some(value) = self.text(key) else { return Ok(default) };
        match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "y" | "yes" | "enable" | "enabled" | "on" => Ok(true),
            "0" | "false" | "n" | "no" | "disable" | "disabled" | "off" => Ok(false),
            _ => Err(refused(key, value)),
        }
    }

    /// A text of a single character.
    fn separator(&self, key: &str, default: u8) -> Result<u8, String> {
        match self.text(key).map(str::as_bytes) {
            None => Ok(default),
            Some([separator]) => Ok(*separator),
            Some(other) => Err(format!(
                "Item separator '{}' specified, but must contain a single character",
                String::from_utf8_lossy(other)
            )),
        }
    }

    fn validation(&self) -> Result<Validation, String> {
        match self.text("string_validation") {
            None | Some("replace" | "1") => Ok(Validation::Replace),
            Some("fail" | "0") => Ok(Validation::Fail),
            Some("ignore" | "2") => Ok(Validation::Ignore),
            Some(other) => Err(refused("string_validation", other)),
        }
    }

    fn compact(&self, separator: u8, escape: Escape, has_no_keys: bool) -> Result<Compact, String> {
        let escape = match self.text("escape") {
            None => escape,
            Some("none") => Escape::None,
            Some("c") => Escape::C,
            Some("csv") => Escape::Csv,
            Some(other) => return Err(format!("Unknown escape mode '{other}'")),
        };
        let (no_keys, names) = (self.flag("nokey", has_no_keys)?, self.flag("print_section", true)?);
        Ok(Compact::new(self.separator("item_sep", separator)?, escape, no_keys, names))
    }

    fn writer(&self, form: &str, circumstances: &Circumstances) -> Result<Box<dyn Writer>, String> {
        Ok(match form {
            "compact" => Box::new(self.compact(b'|', Escape::C, false)?),
            "csv" => Box::new(self.compact(b',', Escape::Csv, true)?),
            "flat" => Box::new(Flat {
                separator: self.separator("sep_char", b'.')?,
                is_hierarchical: self.flag("hierarchical", true)?,
            }),
            "ini" => Box::new(Ini { is_hierarchical: self.flag("hierarchical", true)? }),
            "json" => Box::new(Json::new(self.flag("compact", false)?)),
            "xml" => Box::new(match self.flag("xsd_strict", false)? {
                true => Xml::strict(circumstances)?,
                false => Xml::new(self.flag("fully_qualified", false)?),
            }),
            _ => Box::new(Default::new(self.flag("nokey", false)?, self.flag("noprint_wrappers", false)?)),
        })
    }
}

fn refused(key: &str, value: &str) -> String {
    format!("Failed to set option '{key}' with value '{value}' provided to writer context")
}

/// The name of a form, which is known, and its options, which are still text.
pub struct FormName<'a>(&'static Known, &'a str);

impl<'a> FormName<'a> {
    /// An error's text where no form has the name.
    pub fn parse(text: &'a str) -> Result<FormName<'a>, String> {
        let text = text.trim_start_matches('=');
        let (name, options) = text.split_once('=').unwrap_or((text, ""));
        if name.is_empty() {
            return Err("No name specified for the output format".into());
        }
        let known = FORMS.iter().find(|(known, _)| *known == name);
        known.map(|known| FormName(known, options)).ok_or_else(|| format!("Unknown output format with name '{name}'"))
    }
}

impl Form {
    /// An error's text where an option is unknown or has a bad value.
    pub fn open(FormName((name, own), options): &FormName, circumstances: &Circumstances) -> Result<Form, String> {
        let settings = Settings::parse(options, own)?;
        Ok(Form {
            writer: settings.writer(name, circumstances)?,
            validation: settings.validation()?,
            replacement: settings.text("string_validation_replacement").unwrap_or("\u{fffd}").to_owned(),
            is_xml: *name == "xml",
        })
    }
}
