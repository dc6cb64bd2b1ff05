//! Packets that a muxer refuses: that fails the output, as ffmpeg's, but for outputs that must go on.

use super::counters::add;
use super::errors::failed;
use super::mux::Muxer;
use crate::av::AvError;
use crate::error::{Code, Error};

impl Muxer {
    /// A packet of `bytes` was not written. A broken one is left out and counted where the output is live, takes part in sources, or has a choice for the stream
    /// (-mt_degrade); what is wrong with the file or the peer is always an error.
    pub(super) fn not_written(&mut self, index: usize, error: AvError, bytes: u64) -> Result<(), Error> {
        let text = format!("cannot write a packet to '{}'", self.url);
        let failure = self.error(failed(error, "mux", Code::MUX, &text).on_stream(index));
        let choice = self.streams[index].degrade.clone();
        let is_packets = error == AvError::INVALID_DATA || error == AvError::INVALID && self.output.has_file();
        let is_files = self.output.has_file_failed() || self.host.is_set() || failure.code() != Code::MUX;
        if is_files || !is_packets || !(self.skips_refused || choice.is_some()) {
            return Err(failure);
        }
        self.take_back(index, bytes);
        self.streams[index].refused += 1;
        let refused = self.streams[index].refused;
        let text = format!("a packet was left out: the muxer refused it ({})", error.words());
        self.context.warn("mux", Some(index), &text);
        if let Some(choice) = choice.filter(|choice| choice.after == refused) {
            choice.refused(&failure, refused).map_err(|error| self.error(error))?;
            self.leave(index);
        }
        Ok(())
    }

    /// A stream that was never described is left out of the file. Where it cannot be, or was the only one, there is no header: the output fails at its end.
    pub fn leave_out(&mut self, index: usize) -> Result<(), Error> {
        let has_others = (0..self.streams.len()).any(|other| other != index && !self.streams[other].is_left_out);
        if !has_others || self.has_header || self.output.leave_out(index).is_err() {
            return Ok(());
        }
        self.streams[index].is_ready = true;
        self.streams[index].is_left_out = true;
        self.write_header_if_ready()
    }

    /// No more of a stream is written; the last one ends the output.
    fn leave(&mut self, index: usize) {
        self.streams[index].is_ended = true;
        if let Some(sync) = &mut self.sync {
            sync.end(index);
        }
        self.is_ended |= self.streams.iter().all(|stream| stream.is_ended);
    }

    /// What was counted as written was not.
    fn take_back(&mut self, index: usize, bytes: u64) {
        let counters = &self.context.counters;
        add(&counters.packets_skipped, 1);
        counters.packets_written.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        if self.first_video == Some(index) {
            counters.frames.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        }
        self.payload_bytes = self.payload_bytes.saturating_sub(bytes);
        self.numbers.take_back(index, bytes);
    }
}
