//! One decoder on its thread: packets in, frames to every graph that wants them (decode once for a ladder: rule 34).
//! Rules 18 and 19; source: `decode_audio`, `decode_video` and `process_input_packet` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::context::{JobContext, LEVEL_ERROR, add};
use super::debug::{self, Step};
use super::inbox::{CloseOnDrop, Inbox, Refused, Weight};
use super::looping::LastSamples;
use crate::av::{AvError, Decoder, Frame, NOPTS, Origin, Packet, Rational, TIME_BASE, rescale, rescale_delta};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use crossbeam_channel::Sender;
use std::sync::Arc;

pub enum PacketItem {
    /// `now_us`: predicted decoding time in microseconds.
    Packet {
        packet: Packet,
        now_us: i64,
    },
    /// For subtitles that a graph shows: other streams of the file have come as far as this, in the time base of this one.
    Heartbeat(i64),
    /// For subtitles with -fix_sub_duration: one that is shown is split here, in microseconds (-fix_sub_duration_heartbeat).
    Split(i64),
    /// The input begins again: what the decoder holds comes out; the last samples of an audio stream go back.
    Flush(Sender<Option<LastSamples>>),
    End,
}

impl Weight for PacketItem {
    fn weight_bytes(&self) -> usize {
        match self {
            PacketItem::Packet { packet, .. } => packet.weight_bytes(),
            PacketItem::Heartbeat(_) | PacketItem::Split(_) | PacketItem::Flush(_) | PacketItem::End => 0,
        }
    }
}

pub enum FrameItem {
    Frame(Frame),
    /// A drawn subtitle, with its pts, and when it goes away.
    Shown {
        canvas: Frame,
        end_pts: i64,
    },
    /// For a source of subtitles: its file has come as far as this.
    Heartbeat(i64),
    /// The end, and its time in microseconds.
    End(i64),
}

impl Weight for FrameItem {
    fn weight_bytes(&self) -> usize {
        match self {
            FrameItem::Frame(frame) | FrameItem::Shown { canvas: frame, .. } => frame.weight_bytes(),
            FrameItem::Heartbeat(_) | FrameItem::End(_) => 0,
        }
    }
}

/// Where frames go: an inbox and its queue.
pub type FrameTarget = (Arc<Inbox<FrameItem>>, usize);

pub struct DecodeStage {
    pub context: Arc<JobContext>,
    pub inbox: Arc<Inbox<PacketItem>>,
    pub decoder: Decoder,
    pub input: usize,
    pub stream: usize,
    pub is_video: bool,
    pub time_base: Rational,
    /// -r of the input: frames are counted instead of timed.
    pub forced_frame_rate: Rational,
    /// -top of the input.
    pub top_field_first: Option<bool>,
    pub average_frame_rate: Rational,
    pub sample_aspect_ratio: Rational,
    /// -t of the input: frames are wanted for this long from the first one at or after the start, in microseconds.
    pub duration_us: Option<i64>,
    pub start_us: i64,
    pub exits_on_error: bool,
    pub targets: Vec<FrameTarget>,
    pub clock: DecodeClock,
}

/// Where the decoder is in time.
pub struct DecodeClock {
    /// Microseconds: the packet, and the end of the last frame.
    now_us: i64,
    next_pts_us: i64,
    counted: i64,
    /// Frames that the decoder gave.
    frames: u64,
    rescale_last: i64,
    previous_packet_pts: i64,
    /// The first frame that -t counts from.
    first_us: Option<i64>,
    /// Samples of the last frame.
    last_samples: Option<i64>,
}

const LATE_US: i64 = 100_000;

impl DecodeClock {
    pub fn new() -> DecodeClock {
        DecodeClock {
            now_us: 0,
            next_pts_us: 0,
            counted: 0,
            frames: 0,
            rescale_last: NOPTS,
            previous_packet_pts: NOPTS,
            first_us: None,
            last_samples: None,
        }
    }
}

/// What is known of the packet that a frame came out of.
#[derive(Clone, Copy)]
struct PacketTimes {
    pts: i64,
    duration: i64,
}

impl DecodeStage {
    pub fn run(mut self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner();
        // Also after an error: the graphs must not wait for more.
        self.send_end();
        result
    }

    fn run_inner(&mut self) -> Result<(), Error> {
        let mut frame = Frame::new().map_err(|e| super::errors::failed(e, "decode", Code::ENOMEM, "no memory"))?;
        while let Some((_, item)) = self.inbox.receive(None) {
            let wants_more = match item {
                PacketItem::Packet { packet, now_us } => self.packet(packet, now_us, &mut frame)?,
                PacketItem::Heartbeat(_) | PacketItem::Split(_) => true,
                PacketItem::Flush(answer) => {
                    self.drain(&mut frame)?;
                    self.decoder.flush();
                    let rate = self.decoder.sample_rate();
                    let _ = answer.send(self.clock.last_samples.map(|count| (count, rate)));
                    !self.targets.is_empty()
                }
                PacketItem::End => {
                    self.drain(&mut frame)?;
                    false
                }
            };
            if !wants_more {
                break;
            }
        }
        Ok(())
    }

    fn packet(&mut self, mut packet: Packet, now_us: i64, frame: &mut Frame) -> Result<bool, Error> {
        self.clock.now_us = now_us;
        let times = PacketTimes { pts: packet.pts(), duration: packet.duration() };
        if self.is_video {
            if packet.size() == 0 {
                return Ok(true); // would be taken for the end (ffmpeg.c: fate-indeo3-2)
            }
            packet.set_dts(rescale(now_us, TIME_BASE, self.time_base));
        }
        let step = Step::begin(self.context.debug);
        if let Err(error) = self.decoder.send(Some(&packet)) {
            if error != AvError::EOF {
                self.note_error(error)?;
            }
            return Ok(error != AvError::EOF);
        }
        self.receive_all(frame, Some(times), step)
    }

    fn drain(&mut self, frame: &mut Frame) -> Result<(), Error> {
        let step = Step::begin(self.context.debug);
        let _ = self.decoder.send(None);
        self.receive_all(frame, None, step).map(drop)
    }

    /// Takes all frames that are ready. False: nobody wants more.
    fn receive_all(&mut self, frame: &mut Frame, packet: Option<PacketTimes>, mut step: Step) -> Result<bool, Error> {
        let mut packet_times = packet;
        let is_draining = packet.is_none();
        loop {
            let received = self.decoder.receive(frame);
            step.end(|| format!("decode_{} {}.{}", self.kind().word(), self.input, self.stream));
            match received {
                Ok(()) => {}
                Err(AvError::AGAIN) => return Ok(true),
                Err(AvError::EOF) => return Ok(false),
                Err(error) => {
                    self.note_error(error)?;
                    // Draining goes on until the decoder says so; otherwise the next packet is tried.
                    if is_draining && !self.context.is_cancelled() { continue } else { return Ok(true) }
                }
            }
            add(&self.context.counters.frames_decoded, 1);
            if self.context.debug.marks_frames {
                frame.set_origin(Origin { number: self.clock.frames, pts: frame.pts(), time_base: self.time_base });
                self.clock.frames += 1;
            }
            if let Some(top) = self.top_field_first {
                frame.set_top_field_first(top);
            }
            if self.is_video {
                self.time_picture(frame, is_draining);
                if self.context.debug.times {
                    debug::decoded(frame, self.stream, self.time_base);
                }
            } else {
                self.time_samples(frame, packet_times.take());
            }
            if self.is_past_end(frame) || !self.distribute(frame)? {
                return Ok(false);
            }
            frame.clear();
            step = Step::begin(self.context.debug);
        }
    }

    fn kind(&self) -> MediaKind {
        if self.is_video { MediaKind::Video } else { MediaKind::Audio }
    }

    fn note_error(&mut self, error: AvError) -> Result<(), Error> {
        add(&self.context.counters.decode_errors, 1);
        let text = format!("error while decoding stream {}:{}: {}", self.input, self.stream, error.words());
        self.context.observer.log(LEVEL_ERROR, "decode", Some(self.stream), &text);
        match self.exits_on_error {
            true => Err(super::errors::failed(error, "decode", Code::DECODE, &text).on_stream(self.stream)),
            false => Ok(()),
        }
    }

    fn time_picture(&mut self, frame: &mut Frame, is_draining: bool) {
        let clock = &mut self.clock;
        let mut pts = frame.best_effort_timestamp();
        if self.forced_frame_rate.is_positive() {
            pts = clock.counted;
            clock.counted += 1;
        } else if pts == NOPTS && is_draining {
            pts = rescale(clock.next_pts_us, TIME_BASE, self.time_base);
        }
        let base = if self.forced_frame_rate.is_positive() { self.forced_frame_rate.inverse() } else { self.time_base };
        if pts != NOPTS {
            frame.set_pts(pts);
            clock.next_pts_us = rescale(pts, base, TIME_BASE);
        }
        let duration = frame.duration();
        clock.next_pts_us += if duration > 0 {
            rescale(duration, self.time_base, TIME_BASE)
        } else if self.average_frame_rate.is_positive() {
            rescale(1, self.average_frame_rate.inverse(), TIME_BASE)
        } else {
            0
        };
        if self.sample_aspect_ratio.num != 0 {
            frame.set_sample_aspect_ratio(self.sample_aspect_ratio);
        }
    }

    fn time_samples(&mut self, frame: &mut Frame, packet: Option<PacketTimes>) {
        let rate = Rational::new(1, self.decoder.sample_rate().max(1));
        let clock = &mut self.clock;
        let (pts, base) = match (frame.pts(), packet.map(|p| p.pts)) {
            (NOPTS, None | Some(NOPTS)) => (clock.now_us, TIME_BASE),
            (NOPTS, Some(pts)) => (pts, self.time_base),
            (pts, _) => (pts, self.time_base),
        };
        if let Some(packet) = packet {
            // A gap between packets is a gap, not a rounding error.
            let has_both = clock.previous_packet_pts != NOPTS && packet.pts != NOPTS && packet.duration != 0;
            if has_both && packet.pts.wrapping_sub(clock.previous_packet_pts) > packet.duration {
                clock.rescale_last = NOPTS;
            }
            clock.previous_packet_pts = packet.pts;
        }
        clock.last_samples = Some(i64::from(frame.samples()));
        let pts = rescale_delta(base, pts, rate, frame.samples().max(0), &mut clock.rescale_last, rate);
        frame.set_pts(pts);
        let length_us = i64::from(frame.samples()) * 1_000_000 / i64::from(rate.den);
        clock.next_pts_us = rescale(pts, rate, TIME_BASE) + length_us;
        clock.now_us += length_us;
    }

    fn frame_base(&self) -> Rational {
        match self.is_video {
            false => Rational::new(1, self.decoder.sample_rate().max(1)),
            true if self.forced_frame_rate.is_positive() => self.forced_frame_rate.inverse(),
            true => self.time_base,
        }
    }

    /// Whether the frame lies behind what -t wants. The trim filter cuts to the sample; this only ends the decoding, so it may be a
    /// little late, never early.
    fn is_past_end(&mut self, frame: &Frame) -> bool {
        // 0 is no limit, as for the trim filter.
        let Some(duration_us) = self.duration_us.filter(|duration| *duration > 0) else { return false };
        if frame.pts() == NOPTS {
            return false;
        }
        let time_us = rescale(frame.pts(), self.frame_base(), TIME_BASE);
        if time_us < self.start_us {
            return false;
        }
        let first_us = *self.clock.first_us.get_or_insert(time_us);
        time_us >= first_us.saturating_add(duration_us).saturating_add(LATE_US)
    }

    /// Sends a reference to every graph. False: none wants more.
    fn distribute(&mut self, frame: &Frame) -> Result<bool, Error> {
        let mut index = 0;
        while index < self.targets.len() {
            let copy = frame.reference().map_err(|e| super::errors::failed(e, "decode", Code::ENOMEM, "no memory"))?;
            let (inbox, queue) = &self.targets[index];
            match inbox.send(*queue, FrameItem::Frame(copy)) {
                Ok(()) => index += 1,
                Err(Refused::Closed) => drop(self.targets.remove(index)),
                Err(Refused::Error(error)) => return Err(error),
            }
        }
        Ok(!self.targets.is_empty())
    }

    fn send_end(&self) {
        for (inbox, queue) in &self.targets {
            inbox.send_last(*queue, FrameItem::End(self.clock.next_pts_us));
        }
    }
}
