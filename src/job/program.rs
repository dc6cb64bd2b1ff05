//! What a program may do that has the process to itself, beside running jobs: its log, its terminal, lists of what FFmpeg has,
//! limits of the process. A library must not; nothing here is in the C interface.

use super::engine::Engine;
use super::handle::next_id;
use crate::engine::{Classes, Identity, Interrupt, JobContext, Observer};
use crate::error::Error;
use crate::options::{AvOptions, Effect, JobSpec, Release, Scope, Setting, find, negated, parse_args, setting};
use std::sync::Arc;

pub use super::level::parse as log_settings;
pub use crate::engine::{
    LogPrinter, Url, file_exists, install_printer, is_written_file, listing, process, program_log, terminal,
};

/// The arguments of a command line, with the program's own options among the global settings.
pub fn parse_program_args(args: &[String]) -> Result<JobSpec, Error> {
    parse_args(args, &Classes)
}

/// A global option, as if the command line had it.
pub fn program_setting(key: &str, value: &str) -> Result<Setting, Error> {
    setting(key, Some(value), Scope::GLOBAL, &Classes)
}

/// The release of FFmpeg that is loaded.
pub fn ffmpeg_release() -> Release {
    Classes.release()
}

/// Where an option stands among the arguments, before they are parsed (cmdutils.c: locate_option). Options are skipped with their values;
/// what is unknown is taken to have one.
pub fn find_argument(args: &[String], name: &str) -> Option<usize> {
    let mut at = 0;
    while at < args.len() {
        if let Some(key) = args[at].strip_prefix('-') {
            let base = key.split(':').next().unwrap_or(key);
            let known = find(base).or_else(|| negated(base));
            if known.map_or(key, |known| known.name) == name {
                return Some(at);
            }
            let takes_value =
                |of: &crate::options::OptionDef| of.effect != Effect::Print && of.takes_value(Classes.release());
            at += usize::from(known.is_none_or(takes_value));
        }
        at += 1;
    }
    None
}

/// Takes what the engine says and puts it into FFmpeg's log.
struct Spoken;

impl Observer for Spoken {
    fn input_opened(&self, _: usize, _: String) {}
    fn running(&self) {}
    fn progress(&self) {}
    fn output_finished(&self, _: usize, _: u64, _: Option<&Error>) {}
    fn log(&self, level: i32, stage: &str, _: Option<usize>, text: &str) {
        program_log::message(level, &format!("[{stage}] {text}\n"));
    }
    fn wants(&self, level: i32) -> bool {
        program_log::wants(level)
    }
}

impl Engine {
    /// Opens the inputs of a description that has no outputs, so that what is in them stands in FFmpeg's log, as
    /// `ffmpeg -i FILE` does it. On the calling thread; blocks as long as opening does.
    pub fn open_inputs(self: &Arc<Self>, spec: &JobSpec) -> Result<(), Error> {
        let identity = Identity { owner: next_id(), codec_threads: self.codec_threads(), ..Identity::default() };
        let threads = Arc::clone(self.threads());
        let context = JobContext::new(Interrupt::new(), Arc::default(), Arc::new(Spoken), threads, identity);
        crate::engine::open_inputs(&context, spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_where_it_is_one() {
        let args = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let at = |line: &str, name: &str| find_argument(&args(line), name);
        assert_eq!(at("-i a -v error out", "v"), Some(2));
        assert_eq!(at("-metadata -report -i a out", "report"), None, "the value of another option");
        assert_eq!(at("-crf -report -report", "report"), Some(2));
        assert_eq!(at("-nohide_banner -y", "hide_banner"), Some(0), "as ffmpeg, also turned off");
        assert_eq!(at("-version", "version"), Some(0));
    }
}
