//! What an input may open and use: the profiles `trusted`, `standard` and `untrusted`, limits, and which addresses may be dialled
//! (rules 37 to 43). `profile` is what a job's options say, `limits` the one table of limits, `formats` and `protocols` what a demuxer
//! may be and reach, `gate` asks them while FFmpeg opens, `filters` refuses filters that open files, `outputs` narrows where outputs go, `streams` counts streams and pixels, `pictures` reads sizes, `watch` looks at the time.

mod addresses;
mod filters;
mod formats;
mod gate;
mod limits;
mod outputs;
mod pictures;
mod profile;
mod protocols;
mod streams;
mod watch;

pub use addresses::name_to_resolve;
pub use filters::{check_graph, file_options};
pub use formats::check_self_contained;
pub use gate::InputGate;
pub use limits::{LIMITS, Limit};
pub use outputs::OutputProtocols;
pub use profile::{JobTrust, Policy, Trust};
pub use protocols::scheme_of;
pub use watch::{Verdict, Watch};

use crate::error::{Code, Error};

/// A refusal of a profile.
fn refused(trust: Trust, text: String, hint: &str) -> Error {
    Error::new(Code::EACCES, format!("{text} ({} inputs may not)", trust.word())).with_hint(hint)
}

/// A format that opens connections past every check of ours.
fn unchecked(format: &str) -> Error {
    let text = format!(
        "with -mt_addresses public, format {format} cannot be checked in the host's process; process isolation can"
    );
    Error::new(Code::UNSUPPORTED, text)
        .at("open input")
        .with_hint("Let every address be dialled (-mt_addresses any), or run the job in process isolation.")
}
