//! What the media loops tell a job, turned into events.

use super::events::EventKind;
use super::handle::{Job, State};
use crate::engine::{Degraded, LogSink, Observer, SourceStatus, ViewerState, ViewerStats, coarse_clock_us};
use crate::error::{Code, Error};
use crate::secrets::mask_text;
use crate::text::shown;
use std::sync::atomic::Ordering::Relaxed;

/// Progress events come at most ten times a second.
const PROGRESS_US: i64 = 100_000;
const LAST_LINES: usize = 8;
/// FFmpeg's level of errors.
const LEVEL_ERROR: i32 = 16;
const LEVEL_WARNING: i32 = 24;
const LEVEL_INFO: i32 = 32;

impl Job {
    /// Adds an event, and tells the engine's listener when the job was quiet before.
    pub(super) fn tell(&self, kind: EventKind) {
        let (time_us, label) = {
            let inner = self.inner.lock();
            (inner.started.map_or(0, |started| started.elapsed().as_micros() as i64), inner.label.clone())
        };
        if let Some(recent) = &self.recent {
            recent.add(time_us, &kind);
        }
        if self.events.push(time_us, &label, kind) {
            self.engine.job_ready(self, super::ready::READY_EVENT);
        }
    }

    /// Keeps the last lines of errors: they often say more than the code that follows.
    fn keep_line(&self, stage: &str, text: &str) {
        let mut inner = self.inner.lock();
        if inner.last_lines.len() >= LAST_LINES {
            inner.last_lines.pop_front();
        }
        let line = if stage.is_empty() { text.to_owned() } else { format!("[{stage}] {text}") };
        if inner.last_lines.back() != Some(&line) {
            inner.last_lines.push_back(line);
        }
    }

    pub(super) fn with_last_lines(&self, error: Error) -> Error {
        let lines = std::mem::take(&mut self.inner.lock().last_lines);
        if error.detail().is_empty() && !lines.is_empty() && error.code() != Code::ECANCELED {
            return error.with_detail(&lines.into_iter().collect::<Vec<_>>().join("\n"));
        }
        error
    }

    /// What was strange in the job's description.
    pub(super) fn tell_warnings(&self) {
        let warnings = std::mem::take(&mut self.inner.lock().spec.warnings);
        warnings.iter().for_each(|text| self.log(LEVEL_WARNING, "options", None, text));
    }

    pub(super) fn tell_progress(&self, elapsed_us: i64) {
        self.tell(EventKind::Progress(self.progress(elapsed_us)));
    }
}

impl Observer for Job {
    fn input_opened(&self, input: usize, json: String) {
        self.tell(EventKind::InputOpened { input, json });
    }

    fn running(&self) {
        let mut inner = self.inner.lock();
        if inner.state == State::Opening {
            inner.state = State::Running;
            drop(inner);
            self.tell(EventKind::State(State::Running));
        }
    }

    fn progress(&self) {
        // Once a packet: no lock, and a clock that costs nothing.
        let now = coarse_clock_us();
        let last = self.last_progress_us.load(Relaxed);
        if now - last >= PROGRESS_US && self.last_progress_us.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
            self.tell_progress(self.began().map_or(0, |began| began.elapsed().as_micros() as i64));
        }
    }

    fn output_finished(&self, output: usize, size_bytes: u64, error: Option<&Error>) {
        let of_remote = self.engine.workers.are_wanted().then(|| self.end_of_remote(output, error));
        let error = of_remote.as_ref().map_or(error, Option::as_ref);
        if of_remote.is_some() {
            self.finish_remote(output, error);
        }
        let code = error.map_or(0, |error| error.code().to_c());
        let has_joined = self.inner.lock().late.finished(output, code, size_bytes);
        self.tell(EventKind::OutputFinished { output, size_bytes, error: error.cloned() });
        if has_joined {
            self.engine.job_ready(self, super::ready::READY_OUTPUT);
        }
    }

    fn viewer(&self, output: usize, state: ViewerState, stats: ViewerStats) {
        self.viewer_told(output, state, stats);
    }

    fn source(&self, input: usize, status: &SourceStatus) {
        self.inner.lock().late.source(input, status);
        self.tell(EventKind::Source { input, status: status.clone() });
    }

    fn degraded(&self, degraded: &Degraded) {
        self.tell(EventKind::Degraded(Degraded { text: shown(mask_text(&degraded.text)), ..degraded.clone() }));
    }

    fn log(&self, level: i32, stage: &str, stream: Option<usize>, text: &str) {
        if level <= LEVEL_ERROR {
            self.keep_line(stage, text);
        }
        if i64::from(level) <= self.max_level.load(Relaxed) {
            self.tell(EventKind::Log {
                level,
                stage: stage.to_owned(),
                stream,
                text: shown(mask_text(text)),
                repeated: 0,
            });
        }
    }

    fn written(&self) {
        if self.first_report.get().is_none() {
            let report = self.report();
            if report.is_begun() {
                let _ = self.first_report.set(report);
            }
        }
    }

    fn stuck(&self, error: &Error) {
        if let Some(job) = self.engine.job(self.id) {
            job.watch_end(error.clone(), super::ending::DETACH_LATE_AFTER);
        }
    }

    fn left_behind(&self, change: i64) {
        self.engine.count_detached(change);
    }

    fn sdp(&self, text: &str) {
        match self.is_watched() {
            true => *self.sdp.lock() = Some(text.to_owned()),
            false => self.log(LEVEL_INFO, "mux", None, &format!("SDP:\n{text}")),
        }
    }

    fn is_watched(&self) -> bool {
        self.is_watched.load(Relaxed)
    }

    fn wants(&self, level: i32) -> bool {
        i64::from(level) <= self.max_level.load(Relaxed)
    }
}

impl Job {
    /// Sets how important lines of the log must be to come; FFmpeg's numbers.
    pub fn set_level(&self, level: i32) {
        self.max_level.store(i64::from(level), Relaxed);
    }
}

impl LogSink for Job {
    fn max_level(&self) -> i32 {
        (self.max_level.load(Relaxed) as i32).max(LEVEL_ERROR)
    }

    fn line(&self, level: i32, stage: &str, text: &str) {
        self.log(level, stage, None, text);
    }
}
