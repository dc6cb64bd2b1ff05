//! Describing an output's streams to its muxer, and the header, which is written when all of them are known.

use super::activity::Doing;
use super::deadlines::Kind;
use super::errors::failed;
use super::mux::{Muxer, StreamReady};
use super::numbers::Differences;
use super::output_file::unused_option;
use super::video_statistics::VideoStatistics;
use crate::av::Rational;
use crate::error::{Code, Error};

impl Muxer {
    /// A stream is known: its encoder is open.
    pub fn stream_ready(&mut self, index: usize, ready: StreamReady) -> Result<(), Error> {
        let mux_failed = |e| failed(e, "open output", Code::MUX, "cannot describe a stream to the muxer");
        let output = &mut self.output;
        let tag = output.parameters(index).map(|p| p.codec_tag()).unwrap_or(0);
        let mut parameters = ready.parameters;
        if tag != 0 {
            parameters.set_codec_tag(tag);
        }
        output.set_parameters(index, &parameters).map_err(mux_failed)?;
        for side in &ready.side_data {
            output.add_side_data(index, side).map_err(mux_failed)?;
        }
        if let Some(ratio) = ready.sample_aspect_ratio {
            output.set_sample_aspect_ratio(index, ratio);
        }
        if let Some(rate) = ready.frame_rate {
            output.set_frame_rates(index, rate, None);
        }
        if !output.time_base(index).is_positive() {
            output.set_time_base(index, ready.time_base.reduced());
        }
        if let Some((duration, time_base)) = ready.duration {
            output.hint_duration(index, duration, time_base);
        }
        if let Some(tag) = ready.encoder_tag {
            let mut metadata = output.stream_metadata(index);
            metadata.set_if_absent("encoder", &tag);
            output.set_stream_metadata(index, &metadata);
        }
        *self.numbers.streams[index].differences.lock() =
            ready.measured_pixels.map(|pixels| Differences { pixels, is_typed: false, last: [-1; 3], total: [0; 3] });
        let stream = &mut self.streams[index];
        stream.incoming = ready.time_base;
        stream.time_base = ready.time_base;
        stream.statistics = self.video_statistics[index]
            .as_ref()
            .map(|plan| VideoStatistics::new(plan, (self.index, index), ready.time_base, ready.measured_pixels));
        stream.fixed_duration = ready.frame_rate.filter(|_| ready.is_constant_rate).map(Rational::inverse);
        self.init_stream(index)
    }

    /// A copied stream was described already; its filters may change that.
    pub fn copy_ready(&mut self, index: usize) -> Result<(), Error> {
        self.init_stream(index)
    }

    fn init_stream(&mut self, index: usize) -> Result<(), Error> {
        if let Some(filters) = &mut self.streams[index].filters {
            let result = self.output.parameters(index).and_then(|parameters| {
                let (parameters, time_base) = filters.init(&parameters, self.output.time_base(index))?;
                self.output.set_parameters(index, &parameters)?;
                self.output.set_time_base(index, time_base);
                Ok(())
            });
            result.map_err(|e| {
                self.error(
                    failed(e, "bitstream filter", Code::MUX, "cannot start the bitstream filters").on_stream(index),
                )
            })?;
        }
        self.streams[index].is_ready = true;
        self.write_header_if_ready()
    }

    /// A copied stream whose packets all come after the header comes in the muxer's own time base. Returns that of its packets.
    pub fn adopt_time_base(&mut self, index: usize) -> Rational {
        let stream = &mut self.streams[index];
        if self.has_header && stream.packets == 0 {
            stream.incoming = stream.time_base;
        }
        stream.incoming
    }

    pub fn write_header_if_ready(&mut self) -> Result<(), Error> {
        if self.has_header || self.streams.iter().any(|stream| !stream.is_ready) {
            return Ok(());
        }
        let writing = Doing::Peer.begin(self.activity);
        let (output, options) = (&mut self.output, &mut self.header_options);
        let written = self.clock.timed("write header", Kind::Open, || output.write_header(options));
        drop(writing);
        written.map_err(|e| {
            let format = self.output.format_name();
            let what = format!(
                "cannot write the header of '{}': format {format} may not take these codecs or options",
                self.url
            );
            self.error(failed(e, "write header", Code::MUX, &what))
        })?;
        if let Some(text) = unused_option(&self.options, &self.header_options) {
            // As ffmpeg: it may be meant for another container.
            if self.is_strict {
                return Err(self.error(Error::option(text).at("open output")));
            }
            self.context.warn("options", None, &text);
        }
        self.has_header = true;
        self.measure_limit();
        self.tell_begun();
        if let Some(sdp) = &self.sdp {
            sdp.begun(&self.context, self.index, &self.output).map_err(|error| self.error(error))?;
        }
        for index in 0..self.streams.len() {
            // of_check_init: "try to improve muxing time_base", which is that of the filters then.
            if self.streams[index].waiting.is_empty() {
                self.streams[index].time_base = self.output.time_base(index);
            }
            while let Some(packet) = self.streams[index].waiting.pop_front() {
                self.write(index, packet)?;
            }
            self.streams[index].waiting_bytes = 0;
            self.write_statistics(index)?;
        }
        Ok(())
    }

    /// -vstats of a stream: its lines wait for the header.
    pub(super) fn write_statistics(&mut self, index: usize) -> Result<(), Error> {
        let time_base = self.output.time_base(index);
        let written = match &mut self.streams[index].statistics {
            Some(statistics) if self.has_header => statistics.write(&self.context, time_base),
            _ => Ok(()),
        };
        written.map_err(|error| self.error(error.on_stream(index)))
    }
}
