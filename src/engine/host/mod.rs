//! Media from and to the host: what `mt:NAME` means in a job.
//!
//! A bind is a pipe, bytes with seeking (callbacks), a whole input or output in memory (`memory`), or a store of many files. `stream` watches over a host's stream: cancels,
//! limits, and the error that the job will report, because FFmpeg loses it on its way. `spool` keeps an MP4 whose index lies behind
//! its media; `open` puts these together for an input or output; `store` is what muxers that open files by themselves (HLS, DASH, segments) reach.

mod binds;
mod formats;
mod memory;
mod open;
mod prefixed;
mod recording;
mod shared;
mod spool;
mod store;
mod stream;
mod tape;
mod taped;

pub use binds::{Bind, Binds, name_of};
pub use memory::{Buffer, Copied, CountBytes, HostBytes, InMemory};
pub use open::{check_format_known, files_of, open_input, open_output};
pub use recording::Recording;
pub use spool::Limited;
pub use store::alias_of;
pub use stream::{Failure, HostStore, Stretch};
pub use tape::{Tape, Taped};
pub use taped::Look;
