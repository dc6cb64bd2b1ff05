//! The one description of a job: ffmpeg's options. A job is what an ffmpeg command line says, built by functions or from an
//! argument vector; both give the same [`JobSpec`], which prints back as a command line. Pure data: nothing here knows
//! FFmpeg's libraries (whether a name is an AVOption is asked through [`AvOptions`]).

mod command;
mod live;
mod parse;
mod selector;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use command::{command_line, command_words};
pub use live::is_live;
pub use parse::{parse_args, refuse_program_options, setting};
pub use selector::{MediaKind, Selector, StreamFacts};
pub use spec::{FileSpec, JobSpec, Setting};
pub use table::{Argument, Effect, GROUPS, Group, OptionDef, Release, Scope, Support, find, negated, options};
pub use value::{parse_float, parse_integer, parse_time_us};

/// What the parser asks of FFmpeg.
pub trait AvOptions {
    /// Whether it is one of FFmpeg's AVOptions (of codecs, formats, protocols, swscale, swresample). `key` may have a stream
    /// specifier, which only codecs' options take; a leading 'v', 'a' or 's' may stand for the media type ("vprofile").
    fn knows(&self, key: &str) -> bool;

    /// The release of FFmpeg that is linked: the table's options follow it.
    fn release(&self) -> Release;

    /// What stands in a file or behind a URL. Blocks until it is read.
    fn read_file(&self, url: &str) -> Result<String, crate::error::Error>;
}
