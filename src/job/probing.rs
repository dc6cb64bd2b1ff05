//! ffprobe as a program: what `mt-transcode probe` is made of. It works on the calling thread, and FFmpeg's log goes where FFmpeg
//! sends it; a host's way to look at media is [`Engine::probe`](super::Engine::probe).

pub use crate::engine::probe::{
    Hash, Look, OptionalFields, ReadInterval, Report, ReportError, Request, Section, Selection, Source, configure_log,
    log_error, show_sections,
};
pub use crate::options::parse_integer;
