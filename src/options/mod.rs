//! The one description of a job: ffmpeg's options. A job is what an ffmpeg command line says, built by functions or from an
//! argument vector; both give the same [`JobSpec`], which prints back as a command line. Pure data: nothing here knows
//! FFmpeg's libraries (whether a name is an AVOption is asked through [`AvOptions`]).

mod command;
mod parse;
mod selector;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use command::command_line;
pub use parse::{parse_args, setting};
pub use selector::{MediaKind, Selector, StreamFacts};
pub use spec::{FileSpec, JobSpec, Setting};
pub use table::{Argument, OPTIONS, OptionDef, Scope, Support, find};
pub use value::{parse_float, parse_integer, parse_time_us};

/// Asks FFmpeg whether a name is one of its AVOptions (of codecs, formats, protocols, swscale, swresample).
pub trait AvOptions {
    /// `name` has no stream specifier; a leading 'v', 'a' or 's' may stand for the media type, as in ffmpeg ("vprofile").
    fn knows(&self, name: &str) -> bool;
}
