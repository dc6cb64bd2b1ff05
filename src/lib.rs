//! mt-transcode: FFmpeg inside a service, without the risk.
//!
//! Layers, each seeing only the one below it:
//!
//! | module | what lives there |
//! |---|---|
//! | [`capi`] | the exported `mt_transcode_*` functions: check arguments, call down, translate the result |
//! | [`job`] | safe Rust: engines, jobs, their states, queue, events, numbers |
//! | [`engine`] | the media loops on named threads: demux, decode, filter, encode, mux, and the links between them |
//! | [`av`] | RAII over FFmpeg's libraries; never sees a thread or a channel |
//!
//! Beside them, known to all: [`error`] (the one error type and the one place that negates errno) and [`options`] (the
//! one table of options and the one description of a job); `crash` (crash reports) and [`worker`] (jobs in processes of their own). `docs/architecture.md` has the picture.

#![allow(non_camel_case_types)] // the C interface's names
#![deny(unsafe_op_in_unsafe_fn)]

// A panic must end one job, not the host: capi and the job threads catch it, which needs unwinding.
#[cfg(not(panic = "unwind"))]
compile_error!("mt-transcode must be built with panic=unwind: a panic in a job would otherwise abort the host");

pub mod av;
pub mod capi;
mod crash;
pub mod engine;
pub mod error;
pub mod job;
pub mod options;
mod secrets;
pub mod text;
pub mod worker;

pub use crash::{ReportFrame, report_frame};
pub use secrets::mask_text;
