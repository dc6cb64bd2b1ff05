//! The end of an output: what was held back, the trailer, closing. Rule 36; source: `of_write_trailer` and `of_close` of FFmpeg's
//! fftools/ffmpeg_mux.c (5.1).

use super::activity::Doing;
use super::counters::Waiting;
use super::deadlines::Kind;
use super::errors::failed;
use super::mux::Muxer;
use super::mux_stream::MuxStream;
use crate::av::{self, Output};
use crate::error::{Code, Error};
use crate::options::MediaKind;

impl Muxer {
    /// Ends the file: flushes filters, writes the trailer, closes. Of an output that has failed (`failure`) what can be saved is:
    /// the trailer of a file on a full disk fails too, and that error is the lesser one. Returns the size in bytes.
    pub fn finish(mut self, failure: Option<&Error>) -> (u64, Result<(), Error>) {
        self.clock.begin_ending();
        if failure.is_some() {
            self.output.set_broken();
        }
        let result = self.finish_inner(failure.is_none());
        let size = self.size_bytes;
        (size, result)
    }

    fn finish_inner(&mut self, is_good: bool) -> Result<(), Error> {
        if let Some(mut sync) = self.sync.take() {
            (0..self.streams.len()).for_each(|index| sync.end(index));
            while let Some((index, packet)) = sync.pop() {
                self.filtered(index, Some(packet))?;
            }
            for index in 0..self.streams.len() {
                self.filtered(index, None)?;
            }
        }
        if !self.has_header && self.context.is_stopped() {
            return Err(self.error(Error::new(
                Code::ECANCELED,
                format!("the job was stopped before '{}' had any data", self.url),
            )));
        }
        if !self.has_header {
            let text = format!("nothing was written to '{}': a stream of it received no data", self.url);
            return Err(self.error(
                Error::new(Code::MUX, text)
                    .at("trailer")
                    .with_hint("Check that every mapped stream has data within the time that was asked for."),
            ));
        }
        self.hub.end();
        // An index that is moved to the front may take minutes, in which no packet moves.
        let waiting = (Waiting::begin(&self.context.counters), Doing::Peer.begin(self.activity));
        let trailer = self.in_time("trailer", Output::write_trailer);
        drop(waiting);
        self.measure();
        self.measured(self.output.size_bytes());
        let what = format!("cannot write the end of '{}'", self.url);
        trailer.map_err(|e| self.error(failed(e, "trailer", Code::MUX, &what)))?;
        self.check_host()?;
        if !is_good {
            return Ok(());
        }
        let closing = Doing::Peer.begin(self.activity);
        let closed = self.in_time("close output", Output::close);
        drop(closing);
        closed
            .map_err(|e| self.error(failed(e, "close output", Code::MUX, &format!("cannot close '{}'", self.url))))?;
        self.check_host()?;
        self.check_empty_streams()
    }

    /// A peer has as long for the end as for a packet. A file of its own has as long as it takes: its index may have to be moved.
    fn in_time<T>(&mut self, stage: &'static str, body: impl FnOnce(&mut Output) -> T) -> T {
        let output = &mut self.output;
        match av::protocol_name(&self.url).as_deref() {
            Some("file") => body(output),
            _ => self.clock.timed(stage, Kind::Write, || body(output)),
        }
    }

    /// -abort_on empty_output_stream.
    fn check_empty_streams(&self) -> Result<(), Error> {
        let is_empty =
            |stream: &MuxStream| stream.packets == 0 && !stream.is_left_out && stream.kind != MediaKind::Attachment;
        match self.streams.iter().position(is_empty).filter(|_| self.aborts_on_empty_stream) {
            None => Ok(()),
            Some(index) => {
                let text =
                    format!("stream {index} of '{}' is empty, and -abort_on empty_output_stream is set", self.url);
                Err(self.error(Error::new(Code::MUX, text).at("mux").on_stream(index)))
            }
        }
    }
}
