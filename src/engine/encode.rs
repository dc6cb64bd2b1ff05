//! One encoder on its thread: frames in, at the rate that the muxer wants; packets out.
//! Rules 23, 26 and 27; source: `do_video_out`, `do_audio_out` and `encode_frame` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::advice::on_duplicates;
use super::context::{JobContext, add};
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
use std::sync::atomic::Ordering::Relaxed;

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
}

/// The encoder once it is open, and where it is.
struct Running {
    encoder: Encoder,
    frame_time_base: Rational,
    sink_frame_rate: Rational,
    frame_rate: Rational,
    rate: FrameRate,
    force_key: Option<ForceKey>,
    last_frame: Option<Frame>,
    had_dropped_key: bool,
    /// Audio: the time of the next sample.
    next_pts: i64,
}

/// More came of a frame than -mt_max_repeat allows.
pub(super) fn too_many_frames(limit: u64) -> Error {
    let text = format!("more than {limit} frames would be made of one: the limit is {limit} (-mt_max_repeat)");
    Error::new(Code::LIMIT, text)
        .at("encode")
        .with_hint("Raise -mt_max_repeat, or keep the input's frame rate (-fps_mode vfr).")
}

/// Whether more frames are wanted.
type Wanted = bool;

impl EncodeStage {
    pub fn run(self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner();
        // Also after an error: the muxer must not wait for more.
        self.mux.send_last(self.index, MuxItem::End);
        result
    }

    fn run_inner(&self) -> Result<(), Error> {
        let mut running: Option<Running> = None;
        let mut is_over = self.plan.is_closed;
        while let Some((_, item)) = self.inbox.receive(None) {
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
        match self.mux.send(self.index, item) {
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
        };
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
    fn is_within(&self, pts: i64, time_base: Rational) -> bool {
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
            pts => rescale(pts, running.frame_time_base, time_base) - rescale(self.start_us, TIME_BASE, time_base),
        };
        frame.set_pts(pts);
        running.next_pts = pts + i64::from(frame.samples());
        self.encode(running, Some(&frame))
    }

    /// The time of a frame in ticks of the encoder, finer than whole ones (adjust_frame_pts_to_encoder_tb).
    fn fine_pts(&self, running: &Running, pts: i64) -> f64 {
        let tb = running.encoder.time_base();
        let log2 = 31 - (tb.den.max(1) as u32).leading_zeros() as i32;
        let bits = (29 - log2).clamp(0, 16);
        let fine = Rational::new(tb.num, tb.den << bits);
        let ticks = rescale(pts, running.frame_time_base, fine) - rescale(self.start_us, TIME_BASE, fine);
        let pts = ticks as f64 / f64::from(1 << bits);
        // Away from exact halves, where rounding would hang on the last bit.
        pts + pts.signum() * f64::from(u8::from(pts != 0.0)) / f64::from(1 << 17)
    }

    /// Ticks of the encoder that a frame lasts.
    fn duration(&self, running: &Running, frame: &Frame) -> f64 {
        let tick = running.encoder.time_base().to_f64();
        let mut duration = 0.0;
        if running.sink_frame_rate.is_positive() {
            duration = 1.0 / (running.sink_frame_rate.to_f64() * tick);
        }
        if self.has_start_time && running.frame_rate.num != 0 {
            duration = f64::min(duration, 1.0 / (running.frame_rate.to_f64() * tick));
        }
        let own = self.source_time_base.filter(|_| self.plan.video.is_unfiltered);
        let own = own.map_or(0.0, |base| (frame.duration() as f64 * base.to_f64() / tick).round_ties_even());
        if own > 0.0 { own } else { duration }
    }

    fn picture(&self, running: &mut Running, frame: Frame) -> Result<Wanted, Error> {
        let pts =
            if frame.pts() == NOPTS { running.rate.next_pts() as f64 } else { self.fine_pts(running, frame.pts()) };
        let duration = self.duration(running, &frame);
        let room = self.plan.max_frames - running.rate.frames_out();
        let (dropped, duplicated) = (running.rate.dropped, running.rate.duplicated);
        let repeat = running.rate.frame(pts, duration, room);
        self.check_repeat(repeat.count)?;
        add(&self.context.counters.frames_dropped, running.rate.dropped - dropped);
        let added = running.rate.duplicated - duplicated;
        let before = self.context.counters.frames_duplicated.fetch_add(added, Relaxed);
        on_duplicates(&self.context, before, before + added);
        if repeat.count == repeat.previous {
            running.had_dropped_key = frame.is_key();
        }
        let wanted = self.show(running, repeat, Some(frame))?;
        Ok(wanted && running.rate.frames_out() < self.plan.max_frames)
    }

    /// A gap of hours must not become millions of frames (rule 39).
    fn check_repeat(&self, count: i64) -> Result<(), Error> {
        let limit = self.context.trust.limits.repeat.map_or(i64::MAX, |limit| limit.min(i64::MAX as u64) as i64);
        match count > limit {
            true => Err(too_many_frames(limit as u64).on_stream(self.index)),
            false => Ok(()),
        }
    }

    /// Sends the previous frame `repeat.previous` times and this one for the rest.
    fn show(
        &self,
        running: &mut Running,
        repeat: super::frame_rate::Repeat,
        frame: Option<Frame>,
    ) -> Result<Wanted, Error> {
        let mut frame = frame;
        for i in 0..repeat.count {
            let shows_previous = i < repeat.previous && running.last_frame.is_some();
            let source = if shows_previous { &running.last_frame } else { &frame };
            let Some(source) = source else { return Ok(true) };
            let mut shown = source.reference().map_err(|e| failed(e, "encode", Code::ENOMEM, "no memory"))?;
            let pts = running.rate.next_pts();
            if !self.is_within(pts, running.encoder.time_base()) {
                return Ok(false);
            }
            shown.set_pts(pts);
            shown.set_quality(running.encoder.global_quality());
            if let Some(top) = self.plan.video.top_field_first {
                shown.set_top_field_first(top);
            }
            let had_dropped_key = running.had_dropped_key;
            let wants_key =
                running.force_key.as_mut().is_some_and(|f| f.wants_key(pts, shown.is_key(), i > 0, had_dropped_key));
            running.had_dropped_key &= i > 0 && !wants_key;
            shown.set_wants_key(wants_key);
            if !self.encode(running, Some(&shown))? {
                return Ok(false);
            }
            running.rate.sent();
        }
        if let Some(frame) = frame.take() {
            running.last_frame = Some(frame);
        }
        Ok(true)
    }

    fn end(&self, running: &mut Running) -> Result<(), Error> {
        if self.kind == MediaKind::Video && running.last_frame.is_some() {
            let room = self.plan.max_frames - running.rate.frames_out();
            let repeat = running.rate.end(room);
            self.show(running, repeat, None)?;
        }
        self.encode(running, None).map(drop)
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

    /// Gives the encoder a frame (None: the end) and takes what comes out.
    fn encode(&self, running: &mut Running, frame: Option<&Frame>) -> Result<Wanted, Error> {
        let bad = |e| {
            let name = self.plan.codec.name();
            failed(e, "encode", Code::ENCODE, &format!("the encoder {name} failed")).on_stream(self.index)
        };
        match running.encoder.send(frame) {
            Ok(()) => {}
            Err(AvError::EOF) if frame.is_none() => return Ok(true),
            Err(error) => return Err(bad(error)),
        }
        let mut wanted = true;
        loop {
            let mut packet = Packet::new().map_err(bad)?;
            let received = running.encoder.receive(&mut packet);
            if matches!(received, Ok(()) | Err(AvError::EOF)) {
                self.write_statistics(&running.encoder)?;
            }
            match received {
                Ok(()) => wanted &= self.send(MuxItem::Packet(packet))?,
                Err(AvError::AGAIN | AvError::EOF) => return Ok(wanted),
                Err(error) => return Err(bad(error)),
            }
        }
    }
}
