//! Engines and jobs, in safe Rust: states, queue, limits, events, numbers. FFmpeg is never named here; media is `engine`'s.
#![forbid(unsafe_code)]

mod admission;
mod anew;
mod binds;
mod budget;
mod capture;
mod capture_folder;
mod crash;
mod describing;
mod diagnostics;
mod dump;
mod ending;
mod engine;
mod engine_config;
mod events;
mod handle;
mod hang;
mod isolation;
mod late;
mod late_remote;
mod level;
mod lifecycle;
mod looking;
mod memory;
mod observer;
mod on_crash;
mod output_status;
mod pipes;
mod probe;
pub mod probing;
mod program;
mod progress;
mod quarantine;
mod ready;
mod recent;
mod report;
mod shutdown;
mod sources;
mod stats;
mod timer;
mod trim;
mod watch;

pub(crate) use crate::engine::FLUSH_CHUNKS;
pub use crate::engine::{AlsoEnds, Choice, CodecThreads, Degraded};
pub use crate::engine::{ByteStream, HostBytes, HostStore, InMemory, PipeConfig, PipeStats, Side, StreamError, Wait};
pub use crate::engine::{forward_log, native_stack, set_profiling};
pub use capture::Captures;
pub use crash::CrashReports;
pub use diagnostics::diagnostics;
pub use engine::Engine;
pub use engine_config::{EngineConfig, LogMode};
#[doc(hidden)]
pub use events::EventQueue; // for benches/, which measure it from outside
pub use events::{Event, EventKind};
pub use handle::{Direction, Job, State};
pub use isolation::Isolation;
pub use level::LogSettings;
pub(crate) use memory::DEFAULT_BUFFER_BYTES;
pub use on_crash::OnCrash;
pub use output_status::OutputStatus;
pub use pipes::HostPipe;
pub use program::{
    LogPrinter, Url, ffmpeg_release, file_exists, find_argument, install_printer, is_written_file, listing,
    log_settings, parse_program_args, process, program_log, program_setting, terminal,
};
pub use progress::Progress;
pub use report::{OutputReport, Report, StreamReport};
pub use shutdown::ShutdownCounts;
pub use stats::{EngineStats, HISTOGRAM_BOUNDS_US, Health, Histogram, JobStats};

/// Whether this process is a fork of the one that made the handles.
pub fn after_fork() -> bool {
    crate::engine::is_forked()
}
