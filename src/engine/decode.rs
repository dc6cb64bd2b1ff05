//! One decoder on its thread: packets in, frames to every graph that wants them (decode once for a ladder: rule 34).
//! Rules 18 and 19; source: `decode_audio`, `decode_video` and `process_input_packet` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::context::JobContext;
use super::counters::add;
use super::debug::{self, Step};
use super::decode_clock::{DecodeClock, PacketTimes, Place};
use super::decode_failures::DecodeFailures;
use super::decode_slate::SlateMaker;
use super::errors::failed;
use super::hardware::DecoderHardware;
use super::inbox::{CloseOnDrop, Inbox, Refused, Weight};
use super::lockstep::DecoderPlace;
use super::looping::LastSamples;
use super::observer::LEVEL_ERROR;
use crate::av::{AvError, Decoder, Frame, NOPTS, Origin, Packet, Rational, TIME_BASE, rescale, rescale_delta};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub enum PacketItem {
    /// `now_us`: predicted decoding time in microseconds; `step_us`: to that of the next one.
    Packet {
        packet: Packet,
        now_us: i64,
        step_us: i64,
    },
    /// For subtitles that a graph shows: other streams of the file have come as far as this, in the time base of this one.
    Heartbeat(i64),
    /// The source is away: its slate goes as far as this, in microseconds.
    Slate {
        until_us: i64,
    },
    /// For subtitles with -fix_sub_duration: one that is shown is split here, in microseconds (-fix_sub_duration_heartbeat).
    Split(i64),
    /// The input begins again: what the decoder holds comes out, and how far it came goes back. `step_us`: a frame, as the stream's frame rate says.
    Flush {
        answer: Sender<Flushed>,
        step_us: i64,
    },
    End {
        step_us: i64,
    },
}

/// Where a decoder is when all is out.
#[derive(Default)]
pub struct Flushed {
    pub samples: Option<LastSamples>,
    /// None where it does not count (subtitles).
    pub place: Option<Place>,
}

impl Weight for PacketItem {
    fn weight_bytes(&self) -> usize {
        match self {
            PacketItem::Packet { packet, .. } => packet.weight_bytes(),
            _ => 0,
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
    pub hardware: Option<DecoderHardware>,
    pub input: usize,
    pub stream: usize,
    pub is_video: bool,
    pub time_base: Rational,
    /// -r of the input: frames are counted instead of timed.
    pub forced_frame_rate: Rational,
    /// -top of the input.
    pub top_field_first: Option<bool>,
    pub average_frame_rate: Rational,
    /// What the codec cuts off is cut off here.
    pub crops: bool,
    pub sample_aspect_ratio: Rational,
    /// -t of the input: frames are wanted for this long from the first one at or after the start, in microseconds.
    pub duration_us: Option<i64>,
    pub start_us: i64,
    pub exits_on_error: bool,
    pub targets: Vec<FrameTarget>,
    pub failures: DecodeFailures,
    /// -mt_slate of the input.
    pub slate: Option<SlateMaker>,
    pub clock: DecodeClock,
    pub place: Arc<DecoderPlace>,
    /// Copies of the stream need to know how far the decoder is.
    pub guides_copies: bool,
}

const LATE_US: i64 = 100_000;

impl DecodeStage {
    pub fn run(mut self) -> Result<(), Error> {
        let _close = CloseOnDrop(Arc::clone(&self.inbox));
        let result = self.run_inner();
        // Also after an error: the graphs must not wait for more.
        self.send_end();
        result
    }

    fn run_inner(&mut self) -> Result<(), Error> {
        let mut frame = Frame::new().map_err(|e| failed(e, "decode", Code::ENOMEM, "no memory"))?;
        while let Some((_, item)) = self.next_item() {
            let wants_more = match item {
                PacketItem::Packet { packet, now_us, step_us } => self.packet(packet, now_us, step_us, &mut frame)?,
                PacketItem::Heartbeat(_) | PacketItem::Split(_) => true,
                PacketItem::Slate { until_us } => self.show_slate(until_us, &mut frame)?,
                PacketItem::Flush { answer, step_us } => {
                    self.drain(&mut frame, step_us)?;
                    self.decoder.flush();
                    let rate = self.decoder.sample_rate();
                    let samples = self.clock.last_samples.map(|count| (count, rate));
                    let _ = answer.send(Flushed { samples, place: Some(self.clock.place) });
                    !self.targets.is_empty()
                }
                PacketItem::End { step_us } => {
                    self.drain(&mut frame, step_us)?;
                    break;
                }
            };
            if !wants_more && (self.failures.are_final || !self.goes_on()) {
                break;
            }
            self.place.set(self.clock.place.pts_us, self.clock.place.dts_us);
        }
        Ok(())
    }

    fn next_item(&self) -> Option<(usize, PacketItem)> {
        self.inbox.receive_patiently(None, &[], || self.targets.iter().for_each(|(graph, _)| graph.hurry()))
    }

    /// Nobody wants its frames any more. As ffmpeg's, it goes on where that counts: for copies that go by it, and for the rate of errors,
    /// once there are some.
    fn goes_on(&mut self) -> bool {
        if !self.guides_copies && self.context.counters.decode_errors.load(Relaxed) == 0 {
            return false;
        }
        self.send_end();
        self.targets.clear();
        self.place.set_unwanted();
        true
    }

    fn packet(&mut self, mut packet: Packet, now_us: i64, step_us: i64, frame: &mut Frame) -> Result<bool, Error> {
        if let Some(slate) = &mut self.slate {
            slate.end();
        }
        self.clock.packet(now_us, step_us, self.is_video, packet.dts() != NOPTS);
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
            return Ok(error != AvError::EOF && !self.failures.are_final);
        }
        self.receive_all(frame, Some(times), step)
    }

    pub(super) fn drain(&mut self, frame: &mut Frame, step_us: i64) -> Result<(), Error> {
        self.clock.step_us = step_us;
        let step = Step::begin(self.context.debug);
        let _ = self.decoder.send(None);
        self.receive_all(frame, None, step).map(drop)
    }

    /// Takes all frames that are ready. False: nobody wants more.
    fn receive_all(&mut self, frame: &mut Frame, packet: Option<PacketTimes>, mut step: Step) -> Result<bool, Error> {
        let mut packet_times = packet;
        let is_draining = packet.is_none();
        loop {
            if is_draining {
                self.clock.drain(self.time_base, self.is_video);
            }
            let received = self.decoder.receive(frame);
            step.end(|| format!("decode_{} {}.{}", self.kind().word(), self.input, self.stream));
            match received {
                Ok(()) => {}
                Err(AvError::AGAIN) => return Ok(true),
                Err(AvError::EOF) => return Ok(false),
                Err(error) => {
                    self.note_error(error)?;
                    // Draining goes on until the decoder says so; otherwise the next packet is tried.
                    match is_draining && !self.context.is_cancelled() && !self.failures.are_final {
                        true => continue,
                        false => return Ok(!self.failures.are_final),
                    }
                }
            }
            add(&self.context.counters.frames_decoded, 1);
            self.failures.ended();
            if frame.is_corrupt() {
                self.context.warn("decode", Some(self.stream), "corrupt decoded frame");
            }
            if self.context.debug.marks_frames {
                frame.set_origin(Origin { number: self.clock.frames, pts: frame.pts(), time_base: self.time_base });
                self.clock.frames += 1;
            }
            if let Some(hardware) = &self.hardware {
                hardware.fetch(frame).map_err(|e| self.cannot_fetch(e))?;
            }
            if let Some(top) = self.top_field_first {
                frame.set_top_field_first(top);
            }
            if self.is_video {
                if self.crops {
                    frame.apply_cropping().map_err(|e| self.cannot_crop(e))?;
                }
                self.time_picture(frame, is_draining);
                if self.context.debug.times {
                    debug::decoded(frame, self.stream, self.time_base);
                }
            } else {
                self.time_samples(frame, packet_times.take());
            }
            self.clock.given(is_draining);
            if let Some(slate) = &mut self.slate {
                slate.note(frame);
            }
            if !self.place.is_unwanted() && (self.is_past_end(frame) || !self.distribute(frame)?) && !self.goes_on() {
                return Ok(false);
            }
            frame.clear();
            step = Step::begin(self.context.debug);
        }
    }

    fn cannot_fetch(&self, error: AvError) -> Error {
        let text = format!("cannot bring a picture of stream {}:{} from its device", self.input, self.stream);
        failed(error, "decode", Code::DECODE, &text).on_stream(self.stream)
    }

    fn cannot_crop(&self, error: AvError) -> Error {
        let text = format!("cannot crop a picture of stream {}:{}", self.input, self.stream);
        failed(error, "decode", Code::DECODE, &text).on_stream(self.stream)
    }

    fn kind(&self) -> MediaKind {
        if self.is_video { MediaKind::Video } else { MediaKind::Audio }
    }

    fn note_error(&mut self, error: AvError) -> Result<(), Error> {
        add(&self.context.counters.decode_errors, 1);
        let text = format!("error while decoding stream {}:{}: {}", self.input, self.stream, error.words());
        self.context.observer.log(LEVEL_ERROR, "decode", Some(self.stream), &text);
        match self.exits_on_error {
            true => Err(failed(error, "decode", Code::DECODE, &text).on_stream(self.stream)),
            false => self.failures.another(&self.context, &text, self.clock.next_pts_us, &mut self.targets),
        }
    }

    fn time_picture(&mut self, frame: &mut Frame, is_draining: bool) {
        let clock = &mut self.clock;
        let mut pts = frame.best_effort_timestamp();
        if self.forced_frame_rate.is_positive() {
            pts = clock.counted;
            clock.counted += 1;
        } else if pts == NOPTS && is_draining {
            pts = clock.drained.pop_front().unwrap_or(NOPTS);
        }
        let base = if self.forced_frame_rate.is_positive() { self.forced_frame_rate.inverse() } else { self.time_base };
        if pts != NOPTS {
            frame.set_pts(pts);
            clock.next_pts_us = rescale(pts, base, TIME_BASE);
            clock.place.next_pts_us = rescale(pts, self.time_base, TIME_BASE);
        }
        let duration = frame.duration();
        let own_us = rescale(duration.max(0), self.time_base, TIME_BASE);
        clock.place.next_pts_us += if duration > 0 { own_us } else { clock.step_us };
        clock.next_pts_us += if duration > 0 {
            own_us
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
        clock.place.next_pts_us += length_us;
        clock.place.next_dts_us += length_us;
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
    pub(super) fn distribute(&mut self, frame: &Frame) -> Result<bool, Error> {
        let mut index = 0;
        while index < self.targets.len() {
            let copy = frame.reference().map_err(|e| failed(e, "decode", Code::ENOMEM, "no memory"))?;
            let (inbox, queue) = &self.targets[index];
            // Of several graphs one may wait for room in another one's link.
            let sent = match self.is_video || self.targets.len() > 1 {
                true => inbox.send(*queue, FrameItem::Frame(copy)),
                false => inbox.send_soon(*queue, FrameItem::Frame(copy)),
            };
            match sent {
                Ok(()) => index += 1,
                Err(Refused::Closed) => {
                    self.targets.remove(index);
                    self.failures.left(index);
                }
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
