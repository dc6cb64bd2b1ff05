//! What comes out of the graph: frames to the encoders, which are opened by the first one.

use super::*;
use crate::av::pulse;

impl FilterStage {
    /// Takes every frame that is ready and sends it on.
    pub(super) fn reap(&mut self) -> Result<(), Error> {
        for index in 0..self.sinks.len() {
            loop {
                let mut frame = Frame::new().map_err(|e| self.error(e))?;
                let Some(graph) = &mut self.graph else { return Ok(()) };
                match graph.receive(index, &mut frame) {
                    Ok(()) => pulse::beat(),
                    Err(AvError::AGAIN | AvError::EOF) => break,
                    Err(error) => return Err(self.error(error)),
                }
                if !self.sinks[index].is_done {
                    self.check_repeat(index)?;
                    self.emit(index, frame)?;
                }
            }
        }
        Ok(())
    }

    /// Filters such as fps and loop make frames too. A graph without a source is the host's own.
    pub(super) fn check_repeat(&mut self, sink: usize) -> Result<(), Error> {
        self.since_input += u64::from(self.sinks[sink].settings.kind == MediaKind::Video);
        match self.context.trust.limits.repeat {
            Some(limit)
                if self.since_input > limit.saturating_mul(self.sinks.len() as u64) && !self.sources.is_empty() =>
            {
                Err(crate::engine::encode::too_many_frames(limit))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn emit(&mut self, index: usize, frame: Frame) -> Result<(), Error> {
        if self.sinks[index].encode.is_closed {
            return Ok(());
        }
        if !self.sinks[index].is_open {
            self.open_encoder(index, Some(&frame))?;
        }
        self.send(index, EncodeItem::Frame(frame))
    }

    pub(super) fn send(&mut self, index: usize, item: EncodeItem) -> Result<(), Error> {
        let inbox = &self.sinks[index].inbox;
        let sent = match item {
            EncodeItem::Frame(_) if self.plan.only_passes_sound_on() => inbox.send_soon(0, item),
            _ => inbox.send(0, item),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(Refused::Closed) => {
                self.sinks[index].is_done = true;
                Ok(())
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    pub(super) fn open_encoder(&mut self, index: usize, first: Option<&Frame>) -> Result<(), Error> {
        let Some(graph) = &mut self.graph else { return Ok(()) };
        let sink = &mut self.sinks[index];
        let opener = Opener {
            plan: &sink.encode,
            kind: sink.settings.kind,
            source: sink.source.as_ref(),
            is_graph_meta: graph.is_meta(),
            decoder_bits: sink.decoder_bits,
            log_slot: self.context.log_slot,
            header_flags: sink.header_flags.clone(),
        };
        let pool = graph.sink_pool(index).map_err(|e| failed(e, "encode", Code::ENOMEM, "no memory"))?;
        let format = graph.sink_format(index);
        let has_rate = format.frame_rate.num != 0;
        let hardware = self.context.devices.for_encoder(sink.encode.codec, format.format, pool);
        let open = opener.open(format, first, hardware)?;
        crate::engine::advice::on_encoder(&self.context, &sink.encode, &open.encoder, sink.settings.kind, has_rate);
        if sink.settings.kind == MediaKind::Audio && !sink.encode.codec.takes_any_frame_size() {
            sink.frame_size = open.encoder.frame_size();
            graph.set_frame_size(index, sink.frame_size);
        }
        sink.is_open = true;
        self.send(index, EncodeItem::Open(Box::new(open)))
    }

    /// The end: encoders that never got a frame are opened all the same, so that their file gets its header (rule 25).
    pub(super) fn open_remaining(&mut self) -> Result<(), Error> {
        if self.sinks.iter().all(Sink::needs_no_encoder) {
            return Ok(());
        }
        if self.graph.is_none() && !self.configure_from_parameters()? {
            let text =
                format!("a source of the filter graph '{}' ended before its format was known", self.plan.description);
            return match self.context.is_ending() {
                true => Ok(()),
                false => Err(Error::new(Code::DECODE, text)
                    .at("decode")
                    .with_hint("No frame of it could be decoded, and the file does not say what they would be like.")),
            };
        }
        for index in 0..self.sinks.len() {
            if !self.sinks[index].is_open && !self.sinks[index].needs_no_encoder() {
                self.context.warn("encode", None, "a stream ends without any data");
                self.open_encoder(index, None)?;
            }
        }
        Ok(())
    }

    /// Streams whose decoder or encoder failed too often end here; a simple graph hears of it by the end of its source, and gives what is inside.
    pub(super) fn leave_given_up(&mut self) {
        if self.plan.is_simple {
            return;
        }
        for sink in self.sinks.iter_mut().filter(|sink| !sink.is_done && sink.is_given_up()) {
            sink.inbox.send_last(0, EncodeItem::End);
            sink.is_done = true;
        }
    }

    /// The graph cannot be built or an encoder not opened: what that means for each stream that it makes (-mt_degrade).
    pub(super) fn give_up(&mut self, error: Error) -> Result<(), Error> {
        let choices: Option<Vec<_>> =
            self.sinks.iter().filter(|sink| !sink.is_done).map(|sink| sink.degrade.clone()).collect();
        match choices.filter(|_| is_its_own(&error)) {
            Some(choices) => choices.iter().try_for_each(|choice| choice.give_up(error.stage(), &error, 1)),
            None => Err(error),
        }
    }

    pub(super) fn send_ends(&self) {
        self.sinks.iter().for_each(|sink| sink.inbox.send_last(0, EncodeItem::End));
    }
}
