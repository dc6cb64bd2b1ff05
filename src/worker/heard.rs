//! What a worker says, and what the forkserver says of it.

use super::ending::Ending;
use super::forkserver::FRAME_LIMIT;
use super::host::Remote;
use super::message::{
    ANSWER, CIRCUIT, DONE, ENDED, EVENT, FORKED, HANGS, KILL, NUMBERS, OPEN, PROBED, REFUSED, VIEWERS, error_of_json,
};
use super::numbers::take_numbers;
use super::stream;
use super::viewers;
use super::wire::{read_frame, receive_with_fds, write_frame};
use crate::engine::{Degraded, SourceStatus};
use crate::error::{Code, Error};
use serde_json::Value;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

const LEVEL_DEBUG: i32 = 48;

impl Remote<'_> {
    pub(super) fn hear(&mut self) {
        let mut payload = Vec::new();
        let said = receive_with_fds(&self.connection.control, &mut payload);
        let value = || -> Value { serde_json::from_slice(&payload).unwrap_or_default() };
        match said {
            Ok(Some((EVENT, _))) => self.event(&value()),
            Ok(Some((NUMBERS, _))) => take_numbers(&value(), &self.context.counters),
            Ok(Some((VIEWERS, _))) => viewers::take(&value(), &*self.context.observer),
            Ok(Some((CIRCUIT, _))) => self.circuit(&value()),
            Ok(Some((HANGS, _))) => self.hangs(&error_of_json(&value())),
            Ok(Some((ANSWER, _))) => self.desk.put(String::from_utf8_lossy(&payload).into_owned()),
            Ok(Some((OPEN, fds))) => self.open(fds, value()),
            Ok(Some((PROBED, _))) if self.probed.add(&payload) => {}
            Ok(Some((DONE, _))) => {
                let value = value();
                self.result = Some(if value.is_null() { Ok(()) } else { Err(error_of_json(&value)) });
            }
            Ok(Some((kind, _))) if kind != PROBED => {}
            Ok(None) => {
                self.is_silent = true;
                self.kill_at.get_or_insert(Instant::now() + FRAME_LIMIT);
            }
            Ok(Some(_)) | Err(_) => {
                // A frame that does not end, no sense, or more than a probe gives: nothing good comes from there any more.
                self.is_silent = true;
                let _ = write_frame(&self.connection.status, KILL, &[]);
            }
        }
    }

    fn event(&self, event: &Value) {
        let observer = &self.context.observer;
        let index = |key: &str| event[key].as_u64().unwrap_or(0) as usize;
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        match text("kind") {
            "input" => observer.input_opened(index("input"), text("json").to_owned()),
            "running" => observer.running(),
            "progress" => observer.progress(),
            "written" => observer.written(),
            "sdp" => observer.sdp(text("text")),
            "source" => {
                if let Some(status) = SourceStatus::of_json(&event["status"]) {
                    observer.source(index("input"), &status);
                }
            }
            "degraded" => {
                if let Some(degraded) = Degraded::of_json(&event["degraded"]) {
                    observer.degraded(&degraded);
                }
            }
            "output" => {
                let error = Some(&event["error"]).filter(|error| !error.is_null()).map(error_of_json);
                let size = event["size_bytes"].as_u64().unwrap_or(0);
                observer.output_finished(index("output"), size, error.as_ref());
            }
            "log" => {
                let stream = event["stream"].as_u64().map(|stream| stream as usize);
                observer.log(event["level"].as_i64().unwrap_or(32) as i32, text("stage"), stream, text("text"));
            }
            _ => {}
        }
    }

    /// A stream of the host's, served on a thread: a slow one must not hold up the others.
    fn open(&mut self, fds: Vec<OwnedFd>, request: Value) {
        let Some(socket) = fds.into_iter().next() else { return };
        self.watch_reader(&request);
        let context = Arc::clone(self.context);
        let name = format!("serve:{}", self.context.label);
        let spawned = self.context.threads.spawn(name, self.context.owner, move || {
            let _entered = context.activity.enter("serve");
            stream::serve(socket, &request, &context);
            Ok(())
        });
        match spawned {
            Ok(task) => {
                // Outputs come and go as long as a job runs.
                self.streams.retain(|task| !task.is_finished());
                self.streams.push(task);
            }
            Err(error) => self.context.fail_at_once(&error),
        }
    }

    /// A worker that waits for its input would not notice that nobody reads its output any more.
    fn watch_reader(&self, request: &Value) {
        let Some(name) = request["name"].as_str().filter(|_| request["as"] == "output") else { return };
        let Some(pipe) = self.context.binds.pipe(name) else { return };
        let url = format!("mt:{name}");
        let Some(index) = self.outputs.iter().position(|output| *output == url) else { return };
        let context = Arc::downgrade(self.context);
        pipe.when_reader_leaves(move || {
            if let Some(context) = context.upgrade() {
                context.reader_left(index, &url);
            }
        });
    }

    pub(super) fn end(&mut self) {
        let mut payload = Vec::new();
        self.ending = Some(match read_frame(&self.connection.status, &mut payload) {
            Ok(Some(FORKED)) => {
                let (pid, after) = (String::from_utf8_lossy(&payload), self.connection.asked.elapsed());
                let text = format!("worker {pid} is there after {} us", after.as_micros());
                return self.context.observer.log(LEVEL_DEBUG, "spawn", None, &text);
            }
            Ok(Some(REFUSED)) => {
                let why = String::from_utf8_lossy(&payload);
                let text = format!("no worker could be forked: {why}");
                self.result = Some(Err(Error::new(Code::SPAWN_FAILED, text).at("spawn").with_hint(
                    "Run fewer jobs at once, or raise the limit of processes (pids.max of the cgroup, ulimit -u).",
                )));
                Ending::default()
            }
            Ok(Some(ENDED)) => Ending::of_json(&serde_json::from_slice(&payload).unwrap_or_default()),
            // The forkserver died, and its workers with it.
            _ => Ending { signal: libc::SIGKILL, ..Ending::default() },
        });
    }
}
