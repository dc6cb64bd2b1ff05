//! Reading an input that may come and go (`source`): what happens when it breaks off, and its packets when it is back.

use super::demux::{Demuxer, Read};
use super::source::Refused;
use crate::av::{AvError, Packet};
use crate::error::{Code, Error};

impl Demuxer {
    /// What a source broke off with, also where it only ended.
    pub(super) fn left_by(&self, error: AvError) -> Error {
        match self.file.clock.error("demux") {
            Some(late) => late,
            None if error == AvError::EOF && !self.file.host.is_set() => {
                let text = format!("source '{}' has ended", crate::secrets::mask_url(&self.file.url));
                Error::new(Code::EPIPE, text).at("demux").on_input(self.file.index, &self.file.url)
            }
            None => self.error(error),
        }
    }

    /// A source is gone: it is opened again. What reading gives where it stays away.
    pub(super) fn come_back(&mut self, why: Option<Error>) -> Option<Read> {
        let source = self.source.as_mut()?;
        let ends_us = self.timestamps.ends_us();
        source.leaves(ends_us);
        if source.is_removed() {
            return Some(self.ended(None));
        }
        // Who comes next is not shown what the last one saw.
        if let Some(hub) = self.hub.as_ref().filter(|_| source.is_unwanted()) {
            hub.forget_group();
        }
        if let Some(error) = &why {
            let text = format!("{}; it is opened again", error.message());
            self.context.warn("source", None, &text);
        }
        let away = self.slate.as_ref().zip(ends_us).map(|(slate, ends_us)| slate.begin(&self.context, ends_us));
        match source.again(&mut self.file, why.as_ref()) {
            Ok(()) => {
                let shown = away.and_then(|away| away.end()).map(|shown| shown.as_micros() as i64);
                let gap_us = shown.unwrap_or(0).max(source.joins(ends_us));
                self.timestamps.resume(self.file.input.may_jump(), gap_us);
                if let Some(hub) = &self.hub {
                    hub.forget_group();
                }
                None
            }
            Err(Refused::Over) => Some(self.ended(None)),
            Err(Refused::Failed(error)) => {
                if self.fails_job {
                    self.context.set_failing();
                }
                Some(self.ended(Some(error)))
            }
        }
    }

    /// Whether a packet belongs to a stream that the job knows; of a source that came back it becomes one.
    pub(super) fn is_known(&mut self, packet: &mut Packet) -> bool {
        let Some(source) = &mut self.source else { return true };
        let streams = &self.file.streams;
        source.map(packet, |stream| streams[stream].info.time_base)
    }
}
