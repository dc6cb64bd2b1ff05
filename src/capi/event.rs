//! Events: what a job tells. They are pulled, never called back.

use super::handle::mt_transcode_job;
use super::{free_owned, guard, handle, out, owned};
use crate::error::{Code, Error};
use crate::job::{Event, EventKind};
use std::ffi::c_char;
use std::mem::size_of;
use std::time::Duration;

/// The job is in another state: `state`.
pub const MT_TRANSCODE_EVENT_STATE: u32 = 1;
/// An input was opened: `file_index`, and in `json` its format and streams as `mt_transcode_probe` gives them.
pub const MT_TRANSCODE_EVENT_INPUT_OPENED: u32 = 2;
/// Progress, at most ten a second; an older one that was not pulled yet is replaced.
pub const MT_TRANSCODE_EVENT_PROGRESS: u32 = 3;
/// A line of the log, of this job only: `level`, `stage`, `text`; `repeated` says how often it came again. Lines above the job's
/// `loglevel` (a global option as ffmpeg's; 24, warning, where it is not set) are left out.
pub const MT_TRANSCODE_EVENT_LOG: u32 = 4;
/// An output is finished: `file_index`, `code` (0, or what it failed with), `text` (the message of a failure), `size_bytes`.
pub const MT_TRANSCODE_EVENT_OUTPUT_FINISHED: u32 = 5;
/// The last event of a job: `code` is its result, `text` the message of a failure.
pub const MT_TRANSCODE_EVENT_DONE: u32 = 6;

/// A pipe of the job passed its high-water mark: `file_index` is -1, `text` the pipe's name, `size_bytes` how full it is. It comes again after the
/// fill fell to half of the mark.
pub const MT_TRANSCODE_EVENT_PIPE_HIGH_WATER: u32 = 7;

/// An input that may come and go (the option "mt_source") is at something else: `file_index`, `state` is one of `MT_TRANSCODE_SOURCE_*`, `code` and `text` say why
/// where it failed, and `json` has url, failures (tries in a row that failed), connections (how often it was live) and retry_in_ms. Where nobody pulls, the
/// oldest of many are dropped.
pub const MT_TRANSCODE_EVENT_SOURCE: u32 = 8;

/// A stream of an output is not made as it was asked for any more (the option "mt_degrade"): `file_index` and `stream_index` say which stream of which output, `state`
/// what is done now (`MT_TRANSCODE_DEGRADED_*`), `stage` what failed ("decode", "filter", "encode" or "mux"), `repeated` how many times in a row, `code` and `text` with what.
pub const MT_TRANSCODE_EVENT_DEGRADED: u32 = 9;

/// The job fails.
pub const MT_TRANSCODE_DEGRADED_FAIL: u32 = 1;
/// The stream has ended; the output goes on with its others.
pub const MT_TRANSCODE_DEGRADED_DROP: u32 = 2;
/// The packets of its source go on as they are, from the next key frame on.
pub const MT_TRANSCODE_DEGRADED_COPY: u32 = 3;

/// One event. Strings are UTF-8, never NULL (empty where there is nothing to say), belong to the event and are freed with it; secrets in
/// URLs are masked. Fields that a type does not name are 0, or -1 where -1 means that there is none.
///
/// The library allocates it, so it may grow at its end; `struct_size` tells how much of it this library filled.
#[repr(C)]
pub struct mt_transcode_event {
    /// Size of the struct that the library filled, in bytes.
    pub struct_size: u32,
    /// `MT_TRANSCODE_EVENT_*`. Ignore one that you do not know.
    pub event_type: u32,
    /// Counts the events of the job from 1; a gap means that some were merged or dropped.
    pub sequence: u64,
    /// When it happened, in microseconds since the job was started.
    pub time_us: i64,
    /// STATE: `MT_TRANSCODE_STATE_*`; SOURCE: `MT_TRANSCODE_SOURCE_*`; DEGRADED: `MT_TRANSCODE_DEGRADED_*`.
    pub state: u32,
    /// OUTPUT_FINISHED, DONE, SOURCE, DEGRADED: 0 or a negative code.
    pub code: i32,
    /// LOG: FFmpeg's level: 16 error, 24 warning, 32 information.
    pub level: i32,
    /// INPUT_OPENED, OUTPUT_FINISHED, SOURCE, DEGRADED: which input or output, from 0.
    pub file_index: i32,
    /// LOG: which stream, from 0, where the line names one; DEGRADED: which of the output's.
    pub stream_index: i32,
    /// LOG: how many times the same line came again after this one; DEGRADED: how many failures in a row.
    pub repeated: u32,
    /// PROGRESS: time written so far, in microseconds.
    pub position_us: i64,
    /// PROGRESS: the time that the job will have written at its end, in microseconds; -1 where unknown.
    pub duration_us: i64,
    /// PROGRESS: estimated time until the end, in microseconds; -1 where unknown.
    pub time_left_us: i64,
    /// PROGRESS: frames written to the first video stream.
    pub frames: u64,
    /// PROGRESS, OUTPUT_FINISHED: bytes written.
    pub size_bytes: u64,
    /// PROGRESS: frames written per second of real time.
    pub fps: f64,
    /// PROGRESS: media time per real time: 2.0 is twice as fast as it plays.
    pub speed: f64,
    /// PROGRESS: 0 to 100; -1 where the duration is unknown.
    pub percent: f64,
    /// The job's label.
    pub label: *const c_char,
    /// LOG: the component that wrote the line ("libx264", "mov,mp4,m4a,3gp,3g2,mj2", "decoder").
    pub stage: *const c_char,
    /// LOG: the line, without its end of line; OUTPUT_FINISHED, DONE: the message of a failure.
    pub text: *const c_char,
    /// INPUT_OPENED, SOURCE: JSON.
    pub json: *const c_char,
}

impl mt_transcode_event {
    fn boxed(event: &Event) -> *mut Self {
        let mut this = Self {
            struct_size: size_of::<Self>() as u32,
            event_type: 0,
            sequence: event.sequence,
            time_us: event.time_us,
            state: 0,
            code: 0,
            level: 0,
            file_index: -1,
            stream_index: -1,
            repeated: 0,
            position_us: 0,
            duration_us: -1,
            time_left_us: -1,
            frames: 0,
            size_bytes: 0,
            fps: 0.0,
            speed: 0.0,
            percent: -1.0,
            label: owned(&event.label),
            stage: std::ptr::null(),
            text: std::ptr::null(),
            json: std::ptr::null(),
        };
        this.fill(&event.kind);
        for string in [&mut this.stage, &mut this.text, &mut this.json] {
            if string.is_null() {
                *string = owned("");
            }
        }
        Box::into_raw(Box::new(this))
    }

    fn fill(&mut self, kind: &EventKind) {
        let index = |value: usize| i32::try_from(value).unwrap_or(-1);
        match kind {
            EventKind::State(state) => {
                self.event_type = MT_TRANSCODE_EVENT_STATE;
                self.state = state.to_c();
            }
            EventKind::InputOpened { input, json } => {
                self.event_type = MT_TRANSCODE_EVENT_INPUT_OPENED;
                self.file_index = index(*input);
                self.json = owned(json);
            }
            EventKind::Progress(progress) => {
                self.event_type = MT_TRANSCODE_EVENT_PROGRESS;
                self.position_us = progress.position_us;
                self.duration_us = progress.duration_us.unwrap_or(-1);
                self.time_left_us = progress.time_left_us().unwrap_or(-1);
                self.frames = progress.frames;
                self.size_bytes = progress.size_bytes;
                self.fps = progress.fps();
                self.speed = progress.speed();
                self.percent = progress.percent().unwrap_or(-1.0);
            }
            EventKind::Source { input, status } => {
                self.event_type = MT_TRANSCODE_EVENT_SOURCE;
                self.file_index = index(*input);
                self.state = status.state.to_c();
                self.code = status.code;
                self.text = owned(&status.reason);
                self.json = owned(&status.to_json().to_string());
            }
            EventKind::Degraded(degraded) => {
                self.event_type = MT_TRANSCODE_EVENT_DEGRADED;
                self.file_index = index(degraded.output);
                self.stream_index = index(degraded.stream);
                self.state = degraded.choice.to_c();
                self.stage = owned(&degraded.stage);
                self.repeated = degraded.failures;
                self.code = degraded.code;
                self.text = owned(&degraded.text);
            }
            EventKind::PipeHighWater { name, fill_bytes } => {
                self.event_type = MT_TRANSCODE_EVENT_PIPE_HIGH_WATER;
                self.text = owned(name);
                self.size_bytes = *fill_bytes;
            }
            EventKind::Log { level, stage, stream, text, repeated } => {
                self.event_type = MT_TRANSCODE_EVENT_LOG;
                self.level = *level;
                self.stage = owned(stage);
                self.stream_index = stream.map_or(-1, index);
                self.text = owned(text);
                self.repeated = *repeated;
            }
            EventKind::OutputFinished { output, size_bytes, error } => {
                self.event_type = MT_TRANSCODE_EVENT_OUTPUT_FINISHED;
                self.file_index = index(*output);
                self.size_bytes = *size_bytes;
                self.code = error.as_ref().map_or(0, |e| e.code().to_c());
                self.text = owned(error.as_ref().map_or("", Error::message));
            }
            EventKind::Done { error } => {
                self.event_type = MT_TRANSCODE_EVENT_DONE;
                self.code = error.as_ref().map_or(0, |e| e.code().to_c());
                self.text = owned(error.as_ref().map_or("", Error::message));
            }
        }
    }
}

/// Pulls the next event of a job. A job never waits for its events to be pulled: progress is merged, and when more than 512 wait the
/// oldest log lines are dropped and counted (`log_lines_dropped` in the stats).
///
/// - `timeout_ms`: 0 only asks; negative waits without end.
/// - `event_out`: freed with `mt_transcode_event_free`.
///
/// Returns 0; `-EAGAIN` (timeout 0 and no event), `-ETIMEDOUT` (none came in time), `-ENODATA` (DONE was pulled: no event will come),
/// `-EINVAL`, `-EBADF` (also when the job is freed meanwhile), `-EPERM`. Threads: any; each event goes to one of them.
/// Blocks for `timeout_ms` at most. Since 0.1.
///
/// # Safety
/// `job` may be any value; `event_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_next_event(
    job: *mut mt_transcode_job,
    timeout_ms: i64,
    event_out: *mut *mut mt_transcode_event,
) -> i32 {
    guard(|| {
        let event_out = out(event_out, "event_out")?;
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let event = handle::job(job)?.next_event(timeout)?.ok_or_else(|| match timeout_ms {
            0 => Error::new(Code::EAGAIN, "no event waits".into()),
            _ => Error::new(Code::ETIMEDOUT, "no event came in time".into()),
        })?;
        // SAFETY: not null, writable by contract.
        unsafe { event_out.write(mt_transcode_event::boxed(&event)) };
        Ok(0)
    })
}

/// Frees an event and its strings. NULL does nothing.
///
/// Ownership: takes the event. Threads: any, once for each event. Never blocks. Since 0.1.
///
/// # Safety
/// `event` is NULL or came from this library and was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_event_free(event: *mut mt_transcode_event) {
    if event.is_null() {
        return;
    }
    // SAFETY: made by Box::into_raw in `boxed`, freed once by contract; its strings by `owned`.
    unsafe {
        let event = Box::from_raw(event);
        for string in [event.label, event.stage, event.text, event.json] {
            free_owned(string);
        }
    }
}
