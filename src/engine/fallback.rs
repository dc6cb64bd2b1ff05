//! A stream that is encoded, and copied when that fails (-mt_degrade copy): how, and who sends the packets.

use super::context::JobContext;
use super::copy::{Copied, CopyStream};
use super::copy_setup::{copied_parameters, copy_settings};
use super::counters::add;
use super::degrade::Degrade;
use super::demux_thread::Routes;
use super::errors::failed;
use super::files::OpenInput;
use super::inbox::{Inbox, Refused};
use super::mux::StreamReady;
use super::mux_thread::MuxItem;
use super::packet_form::PacketForm;
use super::pipeline::EncodedStream;
use super::plan::OpenOutput;
use crate::av::{AvError, Packet};
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind};
use std::sync::Arc;

/// How an encoded stream would be copied; None where that was not asked for, or where it comes from a graph of several streams.
pub fn prepare(inputs: &[OpenInput], job: &JobSpec, open: &OpenOutput, index: usize) -> Option<CopyStream> {
    let degrade = open.streams[index].degrade.as_ref().filter(|degrade| degrade.may_copy())?;
    let (input, stream) = open.streams[index].source?;
    let source = inputs[input].streams[stream].info.parameters.duplicate().ok()?;
    let is_taken = open.output.takes(source.codec_id());
    let ready = is_taken.then(|| describe(&inputs[input], stream, job, open, index).ok()).flatten();
    degrade.set_source(source, ready);
    Some(CopyStream::new(copy_settings(&inputs[input], stream, job, open, index)))
}

/// Who reads the sources of encoded streams copies them when that is wanted.
pub fn route(mux: &[Arc<Inbox<MuxItem>>], encoded: &mut [EncodedStream], routes: &mut [Vec<Routes>]) {
    for stream in encoded {
        if let (Some(copy), Some(degrade), Some((input, from))) =
            (stream.fallback.take(), stream.degrade.clone(), stream.source)
        {
            let inbox = Arc::clone(&mux[stream.output]);
            routes[input][from].fallbacks.push(Fallback::new(degrade, inbox, stream.index, copy));
        }
    }
}

/// As it is described where it is copied from the beginning.
fn describe(
    input: &OpenInput,
    stream: usize,
    job: &JobSpec,
    open: &OpenOutput,
    index: usize,
) -> Result<StreamReady, AvError> {
    let info = &input.streams[stream].info;
    let parameters = copied_parameters(info, job, open, index)?;
    let is_video = info.kind() == MediaKind::Video;
    Ok(StreamReady {
        sample_aspect_ratio: is_video.then(|| parameters.sample_aspect_ratio()),
        parameters,
        time_base: info.time_base,
        side_data: info.side_data.clone(),
        frame_rate: is_video.then_some(info.avg_frame_rate),
        is_constant_rate: false,
        duration: (info.duration > 0).then_some((info.duration, info.time_base)),
        encoder_tag: None,
        measured_pixels: None,
    })
}

/// Copies that begin when the stream's encoder has ended.
pub struct Fallback {
    pub degrade: Arc<Degrade>,
    pub inbox: Arc<Inbox<MuxItem>>,
    pub index: usize,
    pub copy: CopyStream,
    pub form: Option<PacketForm>,
    pub is_copying: bool,
    pub is_over: bool,
}

impl Fallback {
    pub fn new(degrade: Arc<Degrade>, inbox: Arc<Inbox<MuxItem>>, index: usize, copy: CopyStream) -> Fallback {
        Fallback { degrade, inbox, index, copy, form: None, is_copying: false, is_over: false }
    }

    /// Whether packets are still wanted for it, though no decoder wants them.
    pub fn is_wanted(&self) -> bool {
        !self.is_over && (self.is_copying || self.degrade.awaits_copy())
    }

    /// A packet of its source: copied where that has begun.
    pub fn packet(&mut self, context: &JobContext, packet: &Packet, now_us: i64, samples: i32) -> Result<(), Error> {
        if !self.is_copying && !self.begin(context) || self.is_over {
            return Ok(());
        }
        let own = packet.reference().map_err(|e| failed(e, "mux", Code::ENOMEM, "cannot copy a packet"))?;
        match self.copy.process(own, now_us, now_us, samples) {
            Copied::Packet(copied) => self.send(context, copied),
            Copied::Skipped => Ok(()),
            Copied::Ended => {
                self.end();
                Ok(())
            }
        }
    }

    /// Whether it copies from here on. What the encoder holds comes first: that is waited for, so that little is lost between.
    fn begin(&mut self, context: &JobContext) -> bool {
        if !self.degrade.awaits_copy() {
            return false;
        }
        self.degrade.wait_until_settled(context);
        if let Some((time_base, form)) = self.degrade.begins() {
            self.copy.set_out_time_base(time_base);
            self.form = form;
            self.is_copying = true;
        }
        self.is_copying
    }

    fn send(&mut self, context: &JobContext, packet: Packet) -> Result<(), Error> {
        let packet = match self.form.as_mut().map(|form| form.apply(packet.reference()?)) {
            None => packet,
            Some(Ok(formed)) => formed,
            Some(Err(error)) => {
                add(&context.counters.packets_skipped, 1);
                context.warn("mux", Some(self.index), &format!("a packet was left out: {}", error.words()));
                return Ok(());
            }
        };
        match self.inbox.send(self.index, MuxItem::Packet(packet)) {
            Ok(()) => Ok(()),
            Err(Refused::Closed) => {
                self.is_over = true;
                Ok(())
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    /// No more comes of its source.
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) && self.degrade.source_ended() {
            self.inbox.send_last(self.index, MuxItem::End);
        }
    }
}
