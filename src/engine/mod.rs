//! The media loops. One job in, packets and frames through components on named threads, files out:
//!
//! ```text
//! demux ─┬─ copy ────────────────────────────────┬─ mux     (copy-only jobs: all of this on one thread)
//!        └─ decode ─ filter ─ encode ────────────┘
//! ```
//!
//! `run` is the way in. No FFmpeg pointer and no `unsafe` here: that is `av`'s.
#![forbid(unsafe_code)]

mod activity;
mod advice;
mod attachments;
mod audio_source;
mod channel_map;
mod codec_threads;
mod context;
mod copy;
mod copy_setup;
mod counters;
mod deadlines;
mod debug;
mod decode;
mod decode_clock;
mod decode_failures;
mod decode_slate;
mod degrade;
mod degraded;
mod demux;
mod demux_source;
mod demux_thread;
mod dump;
mod encode;
mod encode_failures;
mod encode_plan;
mod encode_video;
mod encoder_open;
mod errors;
mod fallback;
mod files;
mod filter;
mod filter_build;
mod force_key;
mod frame_rate;
mod hang;
mod hardware;
mod head;
mod host;
mod implied;
mod inbox;
mod input_stream;
mod isync;
mod live;
mod lockstep;
mod look;
mod looping;
mod low_latency;
mod mapping;
mod memory;
mod metadata;
mod mux;
mod mux_finish;
mod mux_header;
mod mux_queue;
mod mux_refused;
mod mux_stream;
mod mux_sync;
mod mux_thread;
mod numbers;
mod observer;
mod output_file;
mod output_stream;
mod outputs;
mod pace;
mod packet_form;
mod picture_options;
mod pipe;
mod pipeline;
mod plan;
mod presets;
pub mod probe;
mod progress;
mod rate_control;
mod resolver;
mod run;
mod scripts;
mod sdp;
mod select;
mod single;
mod slate;
mod source;
mod source_setup;
mod stage;
mod statistics;
mod steps;
#[cfg(ffmpeg7_0)]
mod stream_groups;
mod stream_setup;
mod stream_statistics;
mod sub2video;
mod subtitle;
mod subtitle_setup;
mod threads;
mod timestamps;
mod tls;
mod transports;
mod trust;
mod turns;
mod two_pass;
mod video_statistics;

pub use crate::av::{ByteStream, RingPool, StreamError};
pub use activity::{Doing, one_line};
pub use codec_threads::CodecThreads;
pub use context::{Identity, JobContext, Wake};
pub use counters::Counters;
pub use debug::Debug;
pub use degraded::{Choice, Degraded};
pub use dump::{dump, other_threads, seconds, with_stacks};
pub use hang::{HangWatch, Outlook, hang_error};
pub use hardware::device_kinds;
pub use host::{
    Bind, Binds, Buffer, Copied, CountBytes, HostBytes, HostStore, InMemory, Limited, Look, Recording, Tape, Taped,
    check_format_known, name_of,
};
#[doc(hidden)]
pub use inbox::{Inbox, Refused, Weight}; // for benches/, which measure them from outside
pub use live::{FeedCounts, Live, Viewer, ViewerState, ViewerStats, check_joining, gone_before, is_viewer, join};
pub use look::open_inputs;
pub use low_latency::expand as expand_live;
pub use memory::memory_limit_bytes;
pub use numbers::{Differences, OutputNumbers, StreamNumbers};
pub use observer::{Nobody, Observer};
pub(crate) use pipe::{FLUSH_CHUNKS, READABLE};
pub use pipe::{Pipe, PipeConfig, PipeListener, PipeReader, PipeStats, Side, Wait};
pub use run::run;
pub use source::{
    BreakerSettings, Breakers, CircuitAnswer, CircuitClass, Circuits, Outcome, SourceState, SourceStatus, is_source,
};
pub use threads::{Task, ThreadPool, is_pool_thread_of};
#[doc(hidden)]
pub use timestamps::{FileFacts, StreamFacts, Times, Timestamps}; // for benches/
pub use tls::authorities as certificate_authorities;
pub use transports::{Transport, transports};
pub use trust::{JobTrust, LIMITS, Limit, Trust, Verdict, Watch, file_options, scheme_of};

pub use crate::av::os::{
    AlsoEnds, EventFd, Termination, coarse_clock_us, is_forked, is_program_dynamic, is_unknown_call, keep_freed_memory,
    kernel, libc_name, pipe as pipe_ends, trim_memory_now_and_then,
};
pub use crate::av::probe::sha256;
/// Checks the FFmpeg that is loaded; None where it fits.
pub use crate::av::{Classes, Interrupt, Library, LogContext, LogSink};
pub use crate::av::{LogPrinter, Url, install_printer, listing, process, program_log, terminal};
pub use crate::av::{cgroup, cpus, niceness, resources};
pub use crate::av::{
    configuration, install_log, libraries, licence, mismatch, register_devices, release, set_log_slot,
};
pub use crate::av::{file_exists, forward_log, is_written_file};
pub use crate::crash::profile::{set as set_profiling, stack as native_stack};
pub use crate::crash::{JobFacts, JobSlot, Target as CrashTarget, install as install_crash_reports, refresh_modules};
