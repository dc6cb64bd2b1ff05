//! One run of the program: everything that ffprobe prints. Source: `main` and `probe_file` of FFmpeg's fftools/ffprobe.c.

use super::forms::{Circumstances, Form, FormName};
use super::look::Look;
use super::open::Source;
use super::printer::Printer;
use super::prober::{Prober, Request};
use super::selection::Selection;
use crate::av::probe::{self, Section, ShownLog, Sink};
use crate::av::{AvError, Url, write_log};
use crate::engine::observer::{LEVEL_ERROR, LEVEL_INFO};
use std::io::Write;

/// Why a report is not complete. What is to be said about it was logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportError {
    /// The media could not be read; what was begun is ended.
    Media(AvError),
    /// Nothing more was written.
    AtOnce,
}

/// What is printed.
#[derive(Clone)]
pub struct Report {
    pub source: Option<Source>,
    /// Shown in place of the source's URL.
    pub shown_url: Option<String>,
    /// Where it is printed: a URL of FFmpeg's, or None for standard output.
    pub target: Option<String>,
    /// A form and its options: "json", "csv=p=0".
    pub form: String,
    pub selection: Selection,
    pub look: Look,
    pub request: Request,
    /// -show_log: up to which level lines of FFmpeg's log are shown with frames.
    pub log_level: Option<i32>,
}

/// A line in FFmpeg's log.
pub fn log_error(text: &str) {
    write_log(LEVEL_ERROR, text);
}

fn refuse(text: &str) -> ReportError {
    log_error(text);
    ReportError::AtOnce
}

impl Report {
    /// Prints it, on the calling thread, which it blocks. Log and interrupts are the process's: this is for a program, the library's
    /// way is `Engine::probe`.
    pub fn print(&self) -> Result<(), ReportError> {
        let log = self.log_level.map(ShownLog::install);
        let wants = |section| self.selection.wants(section);
        if self.request.wanted.is_bitexact && (wants(Section::ProgramVersion) || wants(Section::LibraryVersions)) {
            return Err(refuse(
                "-bitexact and -show_program_version or -show_library_versions options are incompatible",
            ));
        }
        let name = FormName::parse(&self.form).map_err(|text| refuse(&text))?;
        let circumstances = Circumstances { look: self.look, shows_private: self.request.wanted.shows_private };
        let form = Form::open(&name, &circumstances).map_err(|text| refuse(&text))?;
        let mut target = self.open_target()?;
        let mut printer = Printer::new(&self.selection, self.look, form, &mut *target);
        let result = self.sections(log.as_ref(), &mut printer);
        if result == Err(ReportError::AtOnce) {
            let _ = printer.flush();
            return result;
        }
        printer.end();
        match printer.flush() {
            // Nobody reads it any more.
            Err(AvError::BROKEN_PIPE) => Err(ReportError::AtOnce),
            Err(error) => Err(refuse(&format!("Writing output failed: {}", error.words()))),
            Ok(()) => result,
        }
    }

    fn open_target(&self) -> Result<Box<dyn Write>, ReportError> {
        let Some(url) = &self.target else { return Ok(Box::new(std::io::stdout().lock())) };
        match Url::open_for_writing(url, None) {
            Ok(writer) => Ok(Box::new(writer)),
            Err(error) => Err(refuse(&format!("Failed to open output '{url}' with error: {}", error.words()))),
        }
    }

    /// The root, but for its end.
    fn sections(&self, log: Option<&ShownLog>, out: &mut Printer) -> Result<(), ReportError> {
        type Show = fn(&mut dyn Sink);
        let of_ffmpeg: [(Section, Show); 3] = [
            (Section::ProgramVersion, probe::program_version),
            (Section::LibraryVersions, probe::library_versions),
            (Section::PixelFormats, probe::pixel_formats),
        ];
        out.begin(Section::Root);
        let mut is_shown = false;
        for (section, show) in of_ffmpeg {
            if out.wants(section) {
                is_shown = true;
                show(out);
            }
        }
        let Some(source) = &self.source else {
            return if is_shown && !self.needs_source() { Ok(()) } else { Err(without_source()) };
        };
        let result = self.source(source, log, out);
        if let Err(ReportError::Media(error)) = result
            && out.wants(Section::Error)
        {
            probe::error(error, out);
        }
        result
    }

    fn needs_source(&self) -> bool {
        let sections =
            [Section::Format, Section::Programs, Section::Streams, Section::Chapters, Section::Packets, Section::Error];
        sections.into_iter().any(|section| self.selection.wants(section))
    }

    fn source(&self, source: &Source, log: Option<&ShownLog>, out: &mut Printer) -> Result<(), ReportError> {
        let (input, decoders) = source.open()?;
        let mut prober = Prober::new(input, decoders, &self.request);
        (prober.url, prober.log) = (self.shown_url.as_deref(), log);
        prober.show(out).map_err(ReportError::Media)
    }
}

fn without_source() -> ReportError {
    write_log(LEVEL_INFO, "usage: mt-transcode probe [OPTIONS] INPUT_FILE");
    write_log(LEVEL_ERROR, "You have to specify one input file.");
    ReportError::Media(AvError::INVALID)
}
