//! The command line. Grammar: `parse_options` of FFmpeg's fftools/cmdutils.c.

use super::loglevel::LogLevel;
use super::options::{Kind, UNSUPPORTED, find};
use mt_transcode::job::probing::{Look, Request, Selection};

/// What the arguments say.
pub struct Args {
    pub input: Option<String>,
    pub output: Option<String>,
    pub shown_url: Option<String>,
    pub format: Option<String>,
    /// What is none of ffprobe's own options, and its value.
    pub options: Vec<(String, String)>,
    pub form: Option<String>,
    pub selection: Selection,
    pub look: Look,
    pub request: Request,
    pub shown_log_level: Option<i32>,
    pub finds_stream_info: bool,
    /// Of video, audio and subtitles.
    pub decoders: [Option<String>; 3],
    pub log: LogLevel,
    /// An option was given that says what ffprobe prints.
    pub is_report: bool,
    /// An option did all that is to be done.
    pub is_over: bool,
}

impl Default for Args {
    fn default() -> Self {
        Args {
            input: None,
            output: None,
            shown_url: None,
            format: None,
            options: Vec::new(),
            form: None,
            selection: Selection::default(),
            look: Look::default(),
            request: Request::default(),
            shown_log_level: None,
            finds_stream_info: true,
            decoders: [None, None, None],
            log: LogLevel::default(),
            is_report: false,
            is_over: false,
        }
    }
}

impl Args {
    /// An error's text where an argument makes no sense; what came before it was taken.
    pub fn parse(&mut self, args: &[String]) -> Result<(), String> {
        let mut only_files = false;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.strip_prefix('-').filter(|name| !name.is_empty() && !only_files) {
                Some("-") => only_files = true,
                Some(name) => self.option(name, &mut args)?,
                None => self.set_input(arg)?,
            }
            if self.is_over {
                break;
            }
        }
        Ok(())
    }

    fn option<'a>(&mut self, name: &str, args: &mut impl Iterator<Item = &'a String>) -> Result<(), String> {
        let negated = || name.strip_prefix("no").and_then(find).filter(|o| matches!(o.kind, Kind::Flag(_)));
        let (option, is_on) = match find(name) {
            Some(option) => (Some(option), true),
            None => (negated(), false),
        };
        self.is_report |= option.is_some_and(|option| !option.is_of_input);
        let mut value = || args.next().ok_or_else(|| format!("Missing argument for option '{name}'"));
        match option.map(|option| option.kind) {
            Some(Kind::Flag(set)) => set(self, is_on),
            Some(Kind::Word(set)) => set(self),
            Some(Kind::Value(set)) => {
                let value = value()?;
                let failed =
                    |text| format!("{text}\nFailed to set value '{value}' for option '{name}': Invalid argument");
                set(self, name, value).map_err(failed)?;
            }
            None if UNSUPPORTED.contains(&name) => {
                return Err(format!("Option '{name}' of ffprobe is not supported by mt-transcode probe"));
            }
            None => self.options.push((name.to_owned(), value()?.clone())),
        }
        Ok(())
    }

    pub fn set_input(&mut self, url: &str) -> Result<(), String> {
        set_once(&mut self.input, url, "input")
    }

    pub fn set_output(&mut self, url: &str) -> Result<(), String> {
        set_once(&mut self.output, url, "output")
    }
}

fn set_once(file: &mut Option<String>, url: &str, direction: &str) -> Result<(), String> {
    if let Some(before) = file {
        return Err(format!(
            "Argument '{url}' provided as {direction} filename, but '{before}' was already specified."
        ));
    }
    *file = Some(if url == "-" { "pipe:" } else { url }.to_owned());
    Ok(())
}
