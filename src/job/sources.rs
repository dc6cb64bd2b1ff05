//! What each input of a job is at that may come and go, and the end of one.

use super::handle::{Job, State};
use crate::engine::{SourceState, SourceStatus, is_source};
use crate::error::{Code, Error};
use crate::worker::Order;

impl Job {
    /// What an input that may come and go is at; of any other input what follows from the job's state.
    pub fn source_status(&self, input: usize) -> Result<SourceStatus, Error> {
        if let Some(source) = self.live.source(input) {
            return Ok(source.status());
        }
        let inner = self.inner.lock();
        // Of one in a worker, what that said last.
        if let Some(status) = inner.late.sources.get(&input) {
            return Ok(status.clone());
        }
        let file = inner.spec.inputs.get(input);
        let file = file.ok_or_else(|| Error::new(Code::EBADF, "there is no such input in the job".into()))?;
        let status = SourceStatus::new(&file.url);
        let is_source = is_source(file);
        let state = match inner.state {
            State::New | State::Queued => SourceState::Idle,
            // Inputs are opened one after the other: its turn has not come.
            State::Opening if is_source => SourceState::Idle,
            State::Opening => SourceState::Connecting,
            State::Running | State::Stopping => SourceState::Live,
            _ => SourceState::Ended,
        };
        let connections = u64::from(state == SourceState::Live);
        Ok(SourceStatus { state, connections, ..status })
    }

    /// Ends an input that may come and go: it is never opened again, and its streams end; the job goes on with its others.
    pub fn stop_input(&self, input: usize) -> Result<(), Error> {
        self.source_status(input)?;
        let inner = self.inner.lock();
        let is_source = inner.spec.inputs.get(input).is_some_and(is_source);
        let (state, desk) = (inner.state, inner.desk.clone());
        drop(inner);
        match state {
            state if state.is_final() => Ok(()),
            State::New => Err(Error::invalid("the job was never started".into())),
            _ if !is_source => {
                let text = format!("input {input} is no source (-mt_source)");
                Err(Error::new(Code::UNSUPPORTED, text).with_hint("Stop the job, or describe the input as a source."))
            }
            _ => {
                // Kept for a worker that is not there yet, too.
                self.live.remove_source(input);
                if let Some(desk) = desk {
                    desk.order(Order::stop_input(input));
                }
                Ok(())
            }
        }
    }
}
