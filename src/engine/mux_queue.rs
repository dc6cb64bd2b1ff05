//! Packets between their stream and the file: bitstream filters, -frames, and the queue in which they wait for the header.
//! Rules 15 and 33; source: `of_submit_packet` and `write_packet` of FFmpeg's fftools/ffmpeg_mux.c (5.1).

use super::counters::add;
use super::errors::failed;
use super::mux::Muxer;
use crate::av::Packet;
use crate::error::{Code, Error};

impl Muxer {
    pub(super) fn filtered(&mut self, index: usize, mut packet: Option<Packet>) -> Result<(), Error> {
        let stream = &mut self.streams[index];
        if let Some(packet) = &mut packet
            && stream.incoming != stream.time_base
        {
            packet.rescale(stream.incoming, stream.time_base);
        }
        let Some(filters) = &mut stream.filters else {
            return match packet {
                Some(packet) => self.queue_or_write(index, packet),
                None => Ok(()),
            };
        };
        let mut out = Vec::new();
        let mut run = || {
            filters.send(packet.as_mut())?;
            loop {
                let mut next = Packet::new()?;
                if !filters.receive(&mut next)? {
                    return Ok(());
                }
                out.push(next);
            }
        };
        if let Err(error) = run() {
            let error: crate::av::AvError = error;
            if error != crate::av::AvError::EOF {
                // One bad packet does not end an output (ffmpeg goes on too).
                add(&self.context.counters.packets_skipped, 1);
                self.context.warn("bitstream filter", Some(index), &format!("a packet was dropped: {}", error.words()));
            }
        }
        out.into_iter().try_for_each(|packet| self.queue_or_write(index, packet))
    }

    fn queue_or_write(&mut self, index: usize, mut packet: Packet) -> Result<(), Error> {
        let stream = &mut self.streams[index];
        if stream.packets >= stream.max_packets {
            return Ok(());
        }
        stream.packets += 1;
        if stream.packets == stream.max_packets {
            stream.is_ended = true;
            match &mut self.sync {
                Some(sync) => sync.cut(index),
                None => self.is_ended = true,
            }
        }
        if self.has_header {
            return self.write(index, packet);
        }
        let stream = &mut self.streams[index];
        let is_over = stream.waiting_bytes + packet.size() > stream.bytes_threshold;
        if is_over && stream.waiting.len() >= stream.max_packets_waiting {
            let text = format!(
                "more than {} packets of stream {index} wait, because another stream of this output has given none yet",
                stream.max_packets_waiting
            );
            return Err(self.error(Error::new(Code::LIMIT, text).at("mux").on_stream(index).with_hint(
                "Raise -max_muxing_queue_size or -muxing_queue_data_threshold, or leave the empty stream out.",
            )));
        }
        packet.make_owned().map_err(|e| self.error(failed(e, "mux", Code::ENOMEM, "cannot keep a packet")))?;
        let stream = &mut self.streams[index];
        stream.waiting_bytes += packet.size();
        stream.waiting.push_back(packet);
        Ok(())
    }
}
