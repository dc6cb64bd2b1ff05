//! Who listens to a job.

use super::degraded::Degraded;
use super::live::{ViewerState, ViewerStats};
use super::source::SourceStatus;
use crate::error::Error;

/// Takes what a job tells; implemented by the job layer. Called from any thread of the job, never blocks.
pub trait Observer: Send + Sync {
    /// JSON of format and streams.
    fn input_opened(&self, input: usize, json: String);
    /// All inputs and outputs are open; media flows.
    fn running(&self);
    fn progress(&self);
    fn output_finished(&self, output: usize, size_bytes: u64, error: Option<&Error>);
    /// A line of the engine's own, at FFmpeg's level.
    fn log(&self, level: i32, stage: &str, stream: Option<usize>, text: &str);
    /// A packet was written, of a job that is watched.
    fn written(&self) {}
    /// An input that may come and go is at something else.
    fn source(&self, _input: usize, _status: &SourceStatus) {}
    /// What an output that takes part in the job is at, where the job runs elsewhere.
    fn viewer(&self, _output: usize, _state: ViewerState, _stats: ViewerStats) {}
    /// A stream of an output is not made as it was asked for any more (-mt_degrade).
    fn degraded(&self, _degraded: &Degraded) {}
    /// The session description of outputs that are all RTP.
    fn sdp(&self, _text: &str) {}
    /// Whether somebody shows how far each stream is while it runs.
    fn is_watched(&self) -> bool {
        false
    }
    /// A call of the job's does not end, though its time is over: the job is to be left behind with this error.
    fn stuck(&self, _error: &Error) {}
    /// A call of a source's was left behind (1), or has come back (-1): the job goes on.
    fn left_behind(&self, _change: i64) {}
    /// Whether lines of this level are taken at all: what is only made for a line need not be made otherwise.
    fn wants(&self, _level: i32) -> bool {
        false
    }
}

/// FFmpeg's log levels that the engine uses itself.
pub(crate) const LEVEL_ERROR: i32 = 16;
pub(crate) const LEVEL_WARNING: i32 = 24;
pub(crate) const LEVEL_INFO: i32 = 32;
pub(crate) const LEVEL_VERBOSE: i32 = 40;

/// Hears nothing of it.
pub struct Nobody;

impl Observer for Nobody {
    fn input_opened(&self, _: usize, _: String) {}
    fn running(&self) {}
    fn progress(&self) {}
    fn output_finished(&self, _: usize, _: u64, _: Option<&Error>) {}
    fn log(&self, _: i32, _: &str, _: Option<usize>, _: &str) {}
}
