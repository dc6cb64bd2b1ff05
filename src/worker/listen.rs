//! The worker's ear: what the host wants of a job that runs, and what is told from time to time while somebody looks.

use super::bell::Bell;
use super::circuits::RemoteCircuits;
use super::host::check_reachable;
use super::message::{ANSWER, ASK, CANCEL, CIRCUIT_ANSWER, JOIN, LEAVE_OUTPUT, STOP, STOP_INPUT};
use super::order::file_of;
use super::relay::Relay;
use super::remote::{Failing, bind_of};
use super::sandbox::Confined;
use super::wire::{read_frame, wait_readable, write_frame};
use crate::engine::{JobContext, Observer, dump, join, with_stacks};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use parking_lot::Mutex;
use serde_json::Value;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// How often numbers are told where the host looks at them for idle time.
const TELL_EVERY: Duration = Duration::from_millis(50);

pub(super) struct Listener {
    pub control: UnixStream,
    pub answers: Arc<Mutex<UnixStream>>,
    pub context: Arc<JobContext>,
    pub relay: Arc<Relay>,
    pub bell: Arc<Bell>,
    pub spec: JobSpec,
    pub confined: Arc<Confined>,
    pub circuits: Arc<RemoteCircuits>,
    /// The host looks at the idle time: it must hear of what is read before the first packet is written, and of who waits.
    pub is_tight: bool,
}

impl Listener {
    /// Until the host is gone: then nothing is left to do here.
    pub fn listen(self) {
        let mut payload = Vec::new();
        loop {
            let [said, rung] = wait_readable([self.control.as_raw_fd(), self.bell.raw()], self.tell());
            if rung {
                self.bell.hush();
            }
            if !said {
                continue;
            }
            match read_frame(&self.control, &mut payload) {
                Ok(Some(kind)) => self.obey(kind, &payload),
                Ok(None) | Err(_) => super::usage::leave(Code::EPIPE.to_c().unsigned_abs() as i32),
            }
        }
    }

    /// Tells what has changed. Returns after how many milliseconds to look again, -1 for when the bell rings.
    fn tell(&self) -> i32 {
        if self.is_tight {
            self.relay.numbers();
        }
        let next = self.relay.tell();
        let tight = self.is_tight.then_some(TELL_EVERY);
        next.into_iter().chain(tight).min().map_or(-1, |time| time.as_millis() as i32)
    }

    fn obey(&self, kind: u8, payload: &[u8]) {
        let value = || -> Value { serde_json::from_slice(payload).unwrap_or_default() };
        match kind {
            STOP => self.context.stop(),
            CANCEL => self.context.cancel(),
            ASK => {
                let (job, answers) = (Arc::clone(&self.context), Arc::clone(&self.answers));
                // A cancel must not wait for it.
                drop(self.context.threads.spawn_aside("mt-dump", move || answer(&job, &answers)));
            }
            JOIN => self.join(&value()),
            LEAVE_OUTPUT => self.leave(&value()),
            STOP_INPUT => self.context.live.remove_source(value()["input"].as_u64().unwrap_or(u64::MAX) as usize),
            CIRCUIT_ANSWER => self.circuits.hear(&value()),
            _ => {}
        }
    }

    /// An output takes part from here on; one that cannot has ended.
    fn join(&self, value: &Value) {
        let index = value["output"].as_u64().unwrap_or(u64::MAX) as usize;
        let joined = file_of(value).and_then(|file| {
            let join = || {
                check_reachable(&file)?;
                self.confined.check_joining(&file)?;
                self.bind(value)?;
                join(&self.context, &self.spec, index, &file)
            };
            join().map_err(|error| error.on_output(index, &file.url))
        });
        match joined {
            // The host keeps what is known of it.
            Ok(_) => self.context.live.forget(index),
            Err(error) => {
                self.unbind(value);
                self.relay.output_finished(index, 0, Some(&error));
            }
        }
    }

    fn bind(&self, value: &Value) -> Result<(), Error> {
        for bind in value["binds"].as_array().map_or(&[][..], Vec::as_slice) {
            let (name, made) = bind_of(bind, &self.answers, &Failing::default());
            // A store is there for all of a job's outputs.
            if self.context.binds.store(name).is_none() {
                // What was bound before the worker was there is as it is now.
                self.context.binds.give_back(name);
                self.context.binds.add(name, made).map_err(|(error, _)| error)?;
            }
        }
        Ok(())
    }

    fn unbind(&self, value: &Value) {
        for bind in value["binds"].as_array().map_or(&[][..], Vec::as_slice) {
            self.context.binds.give_back(bind["name"].as_str().unwrap_or_default());
        }
    }

    fn leave(&self, value: &Value) {
        let index = value["output"].as_u64().unwrap_or(u64::MAX) as usize;
        match (self.context.live.viewer(index), value["is_graceful"].as_bool()) {
            (Some(viewer), Some(true)) => viewer.stop(),
            (Some(viewer), _) => viewer.cancel(),
            (None, _) if index < self.context.ordinary_outputs() => self.context.stop_output(index),
            (None, _) => {}
        }
    }
}

/// What this process does.
fn answer(context: &JobContext, control: &Mutex<UnixStream>) {
    let text = with_stacks(&context.threads, |stacks| dump(context, stacks));
    let text = format!("process {}\n{text}", std::process::id());
    let _ = write_frame(&control.lock(), ANSWER, text.as_bytes());
}
