//! One encoder on its thread: frames in, at the rate that the muxer wants; packets out.
//! Rules 26 and 27; source: `do_audio_out` and `encode_frame` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::context::JobContext;
use super::debug::{self, Step};
use super::degrade::Degrade;
use super::encoder_open::OpenEncoder;
use super::errors::failed;
use super::force_key::ForceKey;
use super::frame_rate::FrameRate;
use super::inbox::{CloseOnDrop, Inbox, Refused, Weight};
use super::mux_thread::MuxItem;
use super::plan::{EncodePlan, FrameRateMode};
use crate::av::{AvError, Encoder, Frame, NOPTS, Packet, Rational, TIME_BASE, compare, rescale};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use std::cmp::Ordering;
use std::io::Write;
use std::sync::Arc;

pub enum EncodeItem {
    Open(Box<OpenEncoder>),
    Frame(Frame),
    /// No more is wanted; where the encoder is not open yet, it still will be, for the header.
    Over,
    End,
}

impl Weight for EncodeItem {
    fn weight_bytes(&self) -> usize {
        match self {
            EncodeItem::Frame(frame) => frame.weight_bytes(),
            _ => 0,
        }
    }
}

pub struct EncodeStage {
    pub context: Arc<JobContext>,
    pub inbox: Arc<Inbox<EncodeItem>>,
    pub kind: MediaKind,
    pub plan: Arc<EncodePlan>,
    pub mux: Arc<Inbox<MuxItem>>,
    pub output: usize,
    /// The stream's index in its output, which is its queue in the muxer's inbox.
    pub index: usize,
    /// -ss and -t of the output in microseconds.
    pub start_us: i64,
    pub duration_us: Option<i64>,
    /// Time base of the input stream, where there is one.
    pub source_time_base: Option<Rational>,
    /// The input stream says when it starts (ffmpeg.c: limits a frame's duration by -r then).
    pub has_start_time: bool,
    /// Microseconds of the output's chapters, for -force_key_frames chapters.
    pub chapters_us: Vec<i64>,
    pub degrade: Option<Arc<Degrade>>,
}

/// The encoder once it is open, and where it is.
pub(super) struct Running {
    pub(super) encoder: Encoder,
    pub(super) frame_time_base: Rational,
    pub(super) sink_frame_rate: Rational,
    pub(super) frame_rate: Rational,
    pub(super) rate: FrameRate,
    pub(super) force_key: Option<ForceKey>,
    pub(super) last_frame: Option<Frame>,
    pub(super) had_dropped_key: bool,
    /// Audio: the time of the next sample.
    pub(super) next_pts: i64,
    /// Failures in a row.
    pub(super) failures: u32,
}

/// More came of a frame than -mt_max_repeat allows.
pub(super) fn too_many_frames(limit: u64) -> Error {
    let text = format!("more than {limit} frames would be made of one: the limit is {limit} (-mt_max_repeat)");
    Error::new(Code::LIMIT, text)
        .at("encode")
        .with_hint("Raise -mt_max_repeat, or keep the input's frame rate (-fps_mode vfr).")
}

/// Whether more frames are wanted.
pub(super) type Wanted = bool;

impl EncodeStage {
    pub fn run(self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner();
        // Also after an error: the muxer must not wait for more.
        if result.is_err() || !self.is_copied_instead() {
            self.mux.send_last(self.index, MuxItem::End);
        }
        self.mux.hurry(); // copies follow what was encoded
        result
    }

    fn run_inner(&self) -> Result<(), Error> {
        let mut running: Option<Running> = None;
        let mut is_over = self.plan.is_closed;
        while let Some((_, item)) = self.inbox.receive_patiently(None, &[], || self.mux.hurry()) {
            let wanted = match (item, &mut running) {
                (EncodeItem::Open(open), _) => {
                    running = Some(self.begin(*open)?);
                    true
                }
                (EncodeItem::Frame(_), _) if is_over => true,
                (EncodeItem::Frame(frame), Some(running)) => self.frame(running, frame)?,
                (EncodeItem::Over, None) => {
                    is_over = true;
                    true
                }
                (EncodeItem::Over, Some(_)) => break,
                (EncodeItem::Frame(_), None) => true,
                (EncodeItem::End, _) => break,
            };
            if !wanted {
                break;
            }
        }
        if self.context.is_cancelled() {
            return Ok(());
        }
        self.inbox.close();
        match &mut running {
            Some(running) => self.end(running),
            None => Ok(()),
        }
    }

    fn send(&self, item: MuxItem) -> Result<Wanted, Error> {
        let sent = match (&item, self.kind) {
            (MuxItem::Packet(_), MediaKind::Audio) => self.mux.send_soon(self.index, item),
            _ => self.mux.send(self.index, item),
        };
        match sent {
            Ok(()) => Ok(true),
            Err(Refused::Closed) => Ok(false),
            Err(Refused::Error(error)) => Err(error),
        }
    }

    fn begin(&self, open: OpenEncoder) -> Result<Running, Error> {
        let time_base = open.encoder.time_base();
        let mode = self.plan.video.mode.unwrap_or(FrameRateMode::Cfr);
        let force = self.plan.video.force_key_frames.as_deref();
        let running = Running {
            force_key: force.map(|text| ForceKey::parse(text, time_base, &self.chapters_us)).transpose()?,
            encoder: open.encoder,
            frame_time_base: open.frame_time_base,
            sink_frame_rate: open.sink_frame_rate,
            frame_rate: open.frame_rate,
            rate: FrameRate::new(mode, self.plan.video.frame_drop_threshold),
            last_frame: None,
            had_dropped_key: false,
            next_pts: 0,
            failures: 0,
        };
        if let Some(degrade) = &self.degrade {
            degrade.encoder_opened(&open.ready);
        }
        self.send(MuxItem::Ready(Box::new(open.ready)))?;
        Ok(running)
    }

    fn frame(&self, running: &mut Running, frame: Frame) -> Result<Wanted, Error> {
        match self.kind {
            MediaKind::Video => self.picture(running, frame),
            _ => self.samples(running, frame),
        }
    }

    /// -t of the output: whether a frame at `pts` still belongs to it.
    pub(super) fn is_within(&self, pts: i64, time_base: Rational) -> bool {
        self.duration_us.is_none_or(|duration| compare(pts, time_base, duration, TIME_BASE) == Ordering::Less)
    }

    fn samples(&self, running: &mut Running, mut frame: Frame) -> Result<Wanted, Error> {
        let time_base = running.encoder.time_base();
        if !self.is_within(running.next_pts, time_base) {
            return Ok(false);
        }
        if frame.channels() != running.encoder.channels() {
            self.context.warn("encode", Some(self.index), "samples with another number of channels were dropped");
            return Ok(true);
        }
        let pts = match frame.pts() {
            NOPTS => running.next_pts,
            _ if self.plan.audio.counts_samples => running.next_pts,
            pts => rescale(pts, running.frame_time_base, time_base) - rescale(self.start_us, TIME_BASE, time_base),
        };
        if self.context.debug.times {
            debug::filtered(pts, pts as f64, time_base);
        }
        frame.set_pts(pts);
        running.next_pts = pts + i64::from(frame.samples());
        self.encode(running, Some(&frame))
    }

    fn end(&self, running: &mut Running) -> Result<(), Error> {
        if self.kind == MediaKind::Video && running.last_frame.is_some() && !self.is_given_up() {
            let room = self.plan.max_frames - running.rate.frames_out();
            let repeat = running.rate.end(room);
            self.show(running, repeat, None)?;
        }
        self.encode(running, None)?;
        self.tell_differences(&running.encoder);
        Ok(())
    }

    /// For the summary of -psnr.
    fn tell_differences(&self, encoder: &Encoder) {
        let outputs = self.context.counters.outputs.lock();
        let stream = outputs.get(self.output).and_then(|output| output.streams.get(self.index));
        if let Some(differences) =
            stream.map(|stream| stream.differences.lock()).as_deref_mut().and_then(Option::as_mut)
        {
            differences.total = encoder.total_errors();
        }
    }

    /// What a first pass says, for the second.
    fn write_statistics(&self, encoder: &Encoder) -> Result<(), Error> {
        let (Some(mut log), Some(text)) = (self.plan.two_pass.log.as_ref(), encoder.statistics()) else {
            return Ok(());
        };
        log.write_all(text.to_bytes()).map_err(|error| {
            Error::new(Code::EIO, format!("cannot write the two-pass file: {error}")).at("encode").on_stream(self.index)
        })
    }

    /// -debug_ts and -stats_enc_pre.
    fn tell_frame(&self, frame: &Frame, encoder: &Encoder) -> Result<(), Error> {
        if self.context.debug.times {
            debug::encoding(self.kind, frame, encoder.time_base());
        }
        let Some(statistics) = &self.plan.statistics.frames else { return Ok(()) };
        statistics.lock().frame(frame, encoder.time_base()).map_err(|error| error.on_stream(self.index))
    }

    /// -debug_ts and -stats_enc_post.
    fn tell_packet(&self, packet: &Packet, encoder: &Encoder) -> Result<(), Error> {
        if self.context.debug.times {
            debug::encoded(self.kind, packet, encoder);
        }
        let Some(statistics) = &self.plan.statistics.packets else { return Ok(()) };
        statistics.lock().packet(packet, encoder.time_base()).map_err(|error| error.on_stream(self.index))
    }

    /// Gives the encoder a frame (None: the end) and takes what comes out.
    pub(super) fn encode(&self, running: &mut Running, frame: Option<&Frame>) -> Result<Wanted, Error> {
        let bad = |e| {
            let name = self.plan.codec.name();
            failed(e, "encode", Code::ENCODE, &format!("the encoder {name} failed")).on_stream(self.index)
        };
        if let Some(frame) = frame {
            self.tell_frame(frame, &running.encoder)?;
        }
        let mut step = Step::begin(self.context.debug);
        match running.encoder.send(frame) {
            Ok(()) => {}
            Err(AvError::EOF) if frame.is_none() => return Ok(true),
            Err(error) => return self.refused(running, bad(error), frame.is_some()),
        }
        let mut wanted = true;
        loop {
            let mut packet = Packet::new().map_err(bad)?;
            let received = running.encoder.receive(&mut packet);
            step.end(|| {
                let action = if frame.is_some() { "encode" } else { "flush" };
                format!("{action}_{} {}.{}", self.kind.word(), self.output, self.index)
            });
            if matches!(received, Ok(()) | Err(AvError::EOF)) {
                self.write_statistics(&running.encoder)?;
            }
            match received {
                Ok(()) => {
                    running.failures = 0;
                    self.tell_packet(&packet, &running.encoder)?;
                    wanted &= self.send(MuxItem::Packet(packet))?;
                }
                Err(AvError::AGAIN | AvError::EOF) => return Ok(wanted),
                Err(error) => return self.refused(running, bad(error), frame.is_some()),
            }
        }
    }
}
