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
        if source.is_removed() {
            return Some(self.ended(None));
        }
        if let Some(error) = &why {
            let text = format!("{}; it is opened again", error.message());
            self.context.warn("source", None, &text);
        }
        match source.again(&mut self.file, why.as_ref()) {
            Ok(gone) => {
                let gap_us = if source.keeps_gap() { gone.as_micros() as i64 } else { 0 };
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
