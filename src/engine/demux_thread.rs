//! One input on its thread: its packets go to decoders, and copies of them straight to muxers.

use super::activity::Doing;
use super::context::JobContext;
use super::copy::{Copied, CopyStream};
use super::counters::add;
use super::decode::{Flushed, PacketItem};
use super::demux::{Demuxer, Read};
use super::errors::failed;
use super::fallback::Fallback;
use super::inbox::{Inbox, Refused};
use super::lockstep::DecoderPlace;
use super::mux_thread::{MuxItem, Schedule};
use super::steps::Steps;
use crate::av::{NOPTS, Packet, rescale};
use crate::error::{Code, Error};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::sync::Arc;
use std::time::Duration;

/// Where the packets of one input stream go.
#[derive(Default)]
pub struct Routes {
    pub decode: Option<Arc<Inbox<PacketItem>>>,
    pub copies: Vec<(Arc<Inbox<MuxItem>>, usize, CopyStream)>,
    /// Streams that are encoded as long as that goes well.
    pub fallbacks: Vec<Fallback>,
    /// Its decoder has ended, as nobody wants more of it.
    is_cut: bool,
    pub is_subtitle: bool,
    /// How far the decoder is.
    pub place: Arc<DecoderPlace>,
    /// Subtitles that a graph shows: they are told how far the file is.
    pub wants_heartbeat: bool,
}

/// Reads one input and sends its packets to decoders and muxers.
pub struct DemuxStage {
    pub context: Arc<JobContext>,
    pub demuxer: Demuxer,
    pub routes: Vec<Routes>,
    pub schedule: Option<Arc<Schedule>>,
    pub steps: Option<Arc<Steps>>,
}

impl Routes {
    fn is_only_filtered(&self) -> bool {
        self.copies.is_empty() && !self.is_subtitle
    }

    fn is_wanted(&self) -> bool {
        self.decode.is_some() && !self.place.is_unwanted()
            || !self.copies.is_empty()
            || self.fallbacks.iter().any(Fallback::is_wanted)
    }
}

impl DemuxStage {
    /// Returns the error that ended reading early, if one did.
    pub fn run(mut self) -> Result<Option<Error>, Error> {
        let result = self.read_all();
        for (stream, routes) in self.routes.iter_mut().enumerate() {
            if let Some(inbox) = &routes.decode {
                inbox.send_last(0, PacketItem::End { step_us: self.demuxer.frame_us(stream) });
            }
            for (inbox, index, _) in &routes.copies {
                inbox.send_last(*index, MuxItem::End);
            }
            routes.fallbacks.iter_mut().for_each(Fallback::end);
        }
        if let Some(steps) = &self.steps {
            steps.input_ended(self.demuxer.file.index);
        }
        result
    }

    fn read_all(&mut self) -> Result<Option<Error>, Error> {
        while self.routes.iter().any(Routes::is_wanted) {
            if let Some(steps) = &self.steps {
                if !steps.wait_for_turn(&self.context, self.demuxer.file.index) {
                    return Ok(None);
                }
            } else if let Some(schedule) = &self.schedule {
                let is_only_filtered = self.routes.iter().all(Routes::is_only_filtered);
                schedule.wait_for_turn(&self.context, self.demuxer.file.index, is_only_filtered);
            }
            match self.demuxer.read() {
                Read::Packet { stream, packet, now_us, step_us } => self.send(stream, packet, now_us, step_us)?,
                Read::Again => {
                    let flushed = self.flush_decoders();
                    if !self.demuxer.restart(&flushed) {
                        return Ok(None);
                    }
                }
                Read::End(error) => return Ok(error),
            }
        }
        Ok(None)
    }

    /// Lets every decoder give what it holds, and waits for that. Returns where each of them is then.
    fn flush_decoders(&self) -> Vec<Option<Flushed>> {
        let flush = |(stream, routes): (usize, &Routes)| {
            let inbox = routes.decode.as_ref()?;
            let (sender, answer) = bounded(1);
            inbox.send_last(0, PacketItem::Flush { answer: sender, step_us: self.demuxer.frame_us(stream) });
            Some(answer)
        };
        let _waiting = Doing::Threads.begin(0);
        let answers: Vec<_> = self.routes.iter().enumerate().map(flush).collect();
        let wait = |answer: Receiver<Flushed>| loop {
            match answer.recv_timeout(Duration::from_millis(100)) {
                Ok(flushed) => break Some(flushed),
                Err(RecvTimeoutError::Timeout) if !self.context.is_cancelled() => {}
                Err(_) => break None, // the decoder is gone
            }
        };
        answers.into_iter().map(|answer| answer.and_then(wait)).collect()
    }

    fn send_heartbeats(&mut self, stream: usize, pts: i64) -> Result<(), Error> {
        let streams = &self.demuxer.file.streams;
        for (index, routes) in self.routes.iter_mut().enumerate().filter(|(_, routes)| routes.wants_heartbeat) {
            let (Some(inbox), true) = (&routes.decode, pts != NOPTS) else { continue };
            let pts = rescale(pts, streams[stream].info.time_base, streams[index].info.time_base);
            if !refused(inbox.send(0, PacketItem::Heartbeat(pts.saturating_sub(1))))? {
                routes.decode = None;
            }
        }
        Ok(())
    }

    fn send(&mut self, stream: usize, packet: Packet, now_us: i64, step_us: i64) -> Result<(), Error> {
        self.send_heartbeats(stream, packet.pts())?;
        let routes = &mut self.routes[stream];
        if let (Some(steps), true, false) = (self.steps.clone(), routes.decode.is_some(), routes.copies.is_empty()) {
            let own = packet.reference().map_err(|e| failed(e, "mux", Code::ENOMEM, "cannot copy a packet"))?;
            self.decode(stream, own, now_us, step_us)?;
            steps.settle(&self.context);
            let (pts_us, dts_us) = self.routes[stream].place.get();
            self.copy(stream, &packet, dts_us, pts_us)?;
            return self.fall_back(stream, &packet, dts_us);
        }
        self.copy(stream, &packet, now_us, now_us)?;
        self.fall_back(stream, &packet, now_us)?;
        self.decode(stream, packet, now_us, step_us)
    }

    fn fall_back(&mut self, stream: usize, packet: &Packet, now_us: i64) -> Result<(), Error> {
        let parameters = &self.demuxer.file.streams[stream].info.parameters;
        let fallbacks = &mut self.routes[stream].fallbacks;
        fallbacks.iter_mut().filter(|fallback| !fallback.is_over).try_for_each(|fallback| {
            fallback.packet(&self.context, packet, now_us, parameters.audio_packet_samples(packet.size()))
        })
    }

    fn copy(&mut self, stream: usize, packet: &Packet, now_us: i64, pts_us: i64) -> Result<(), Error> {
        let routes = &mut self.routes[stream];
        let parameters = &self.demuxer.file.streams[stream].info.parameters;
        let mut index = 0;
        while index < routes.copies.len() {
            let (inbox, queue, copy) = &mut routes.copies[index];
            let samples = parameters.audio_packet_samples(packet.size());
            let own = packet.reference().map_err(|e| failed(e, "mux", Code::ENOMEM, "cannot copy a packet"))?;
            let is_open = match copy.process(own, now_us, pts_us, samples) {
                Copied::Packet(copied) => refused(inbox.send(*queue, MuxItem::Packet(copied)))?,
                Copied::Skipped => true,
                Copied::Ended => {
                    inbox.send_last(*queue, MuxItem::End);
                    false
                }
            };
            if is_open { index += 1 } else { drop(routes.copies.remove(index)) }
        }
        Ok(())
    }

    fn decode(&mut self, stream: usize, packet: Packet, now_us: i64, step_us: i64) -> Result<(), Error> {
        let routes = &mut self.routes[stream];
        if let Some(inbox) = &routes.decode
            && !refused(inbox.send(0, PacketItem::Packet { packet, now_us, step_us }))?
        {
            routes.decode = None;
            routes.is_cut = true;
        }
        if routes.is_cut {
            add(&self.context.counters.packets_spared, 1);
        }
        Ok(())
    }
}

/// True where it was taken, false where nobody wants it any more.
fn refused(result: Result<(), Refused>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(Refused::Closed) => Ok(false),
        Err(Refused::Error(error)) => Err(error),
    }
}
