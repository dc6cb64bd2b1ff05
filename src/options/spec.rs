//! A job as data: global settings, inputs and outputs with theirs.

use super::table::OptionDef;
use super::{Selector, StreamFacts};

/// One option as it was set: `-b:a:1 96k` is name "b", specifier "a:1", value "96k".
#[derive(Clone, Debug)]
pub struct Setting {
    /// The canonical name: "c" for -codec, -vcodec, -acodec.
    pub name: String,
    /// The stream specifier, "" for all streams.
    pub specifier: String,
    /// "1" or "0" for a flag.
    pub value: String,
    /// The entry of our table, or None for an AVOption of FFmpeg's.
    pub definition: Option<&'static OptionDef>,
    /// As it was given, for messages and for printing back: "vcodec".
    pub given: String,
}

impl Setting {
    /// The key as FFmpeg's dictionaries take it: "b:a:1".
    pub fn key(&self) -> String {
        match self.specifier.is_empty() {
            true => self.name.clone(),
            false => format!("{}:{}", self.name, self.specifier),
        }
    }
}

/// One input or output.
#[derive(Clone, Debug, Default)]
pub struct FileSpec {
    pub url: String,
    pub settings: Vec<Setting>,
    /// The host said that the options are final.
    pub is_committed: bool,
}

/// A whole job.
#[derive(Clone, Debug, Default)]
pub struct JobSpec {
    pub global: Vec<Setting>,
    pub inputs: Vec<FileSpec>,
    pub outputs: Vec<FileSpec>,
    /// What was strange in the description, for the job's log.
    pub warnings: Vec<String>,
}

fn of_table<'a>(settings: &'a [Setting], name: &'static str) -> impl DoubleEndedIterator<Item = &'a Setting> {
    settings.iter().filter(move |setting| setting.definition.is_some() && setting.name == name)
}

impl FileSpec {
    pub fn new(url: &str) -> FileSpec {
        FileSpec { url: url.to_owned(), ..FileSpec::default() }
    }

    /// The value of an option that holds once for the file: the last one set.
    pub fn value(&self, name: &'static str) -> Option<&str> {
        of_table(&self.settings, name).next_back().map(|setting| setting.value.as_str())
    }

    pub fn flag(&self, name: &'static str) -> Option<bool> {
        self.value(name).map(|value| value != "0")
    }

    /// Every setting of an option that may come more than once, in order.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &Setting> {
        of_table(&self.settings, name)
    }

    /// Whether all codecs that an output names are "copy", and it names some.
    pub fn is_copied(&self) -> bool {
        let mut codecs = self.all("c").peekable();
        codecs.peek().is_some() && codecs.all(|setting| setting.value == "copy")
    }

    /// The value for one stream: the last setting whose specifier matches it.
    pub fn for_stream(&self, name: &'static str, streams: &[StreamFacts], index: usize) -> Option<&str> {
        of_table(&self.settings, name)
            .rev()
            .find(|setting| Selector::parse(&setting.specifier).is_some_and(|s| s.matches(streams, index)))
            .map(|setting| setting.value.as_str())
    }

    /// FFmpeg's own options (AVOptions), in order.
    pub fn av_options(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().filter(|setting| setting.definition.is_none())
    }
}

impl JobSpec {
    pub fn global(&self, name: &'static str) -> Option<&str> {
        of_table(&self.global, name).next_back().map(|setting| setting.value.as_str())
    }

    pub fn global_flag(&self, name: &'static str) -> bool {
        self.global(name).is_some_and(|value| value != "0")
    }

    pub fn global_all(&self, name: &'static str) -> impl Iterator<Item = &Setting> {
        of_table(&self.global, name)
    }
}
