//! A decoder whose source is away: it gives what it holds, and then pictures and silence for as long as that lasts (-mt_slate).

use super::decode::DecodeStage;
use super::errors::failed;
use super::slate::Slate;
use crate::av::{AvError, Frame, NOPTS, Rational, TIME_BASE, rescale};
use crate::error::{Code, Error};

/// Microseconds of a picture, where nothing says how long one lasts.
const PICTURE_US: i64 = 40_000;

pub struct SlateMaker {
    slate: Slate,
    /// The last frame that was decoded.
    last: Option<Frame>,
    /// What is shown now, while the source is away.
    shown: Option<Frame>,
    /// Sound: the time of the next samples.
    next_sample: i64,
}

impl SlateMaker {
    pub fn new(slate: Slate) -> SlateMaker {
        SlateMaker { slate, last: None, shown: None, next_sample: 0 }
    }

    /// A frame of the source.
    pub fn note(&mut self, frame: &Frame) {
        // Only memory can be lacking: then an older one is shown.
        if let Ok(frame) = frame.reference() {
            self.last = Some(frame);
        }
    }

    /// The source is back.
    pub fn end(&mut self) {
        self.shown = None;
    }

    fn make(&self, is_video: bool) -> Option<Result<Frame, AvError>> {
        let last = self.last.as_ref()?;
        Some(match (is_video, self.slate) {
            (false, _) => last.silence_like(),
            // Pictures on a device cannot be painted.
            (true, Slate::Black) => last.black_like().or_else(|_| last.reference()),
            (true, Slate::Last) => last.reference(),
        })
    }
}

impl DecodeStage {
    /// The source is away: frames up to `until_us`. False: nobody wants more.
    pub(super) fn show_slate(&mut self, until_us: i64, frame: &mut Frame) -> Result<bool, Error> {
        let bad = |e| failed(e, "decode", Code::ENOMEM, "no memory for a slate");
        if self.slate.as_ref().is_some_and(|slate| slate.shown.is_none()) {
            self.drain(frame, self.clock.step_us)?;
            self.decoder.flush();
            let (is_video, next_us) = (self.is_video, self.clock.next_pts_us);
            let Some(slate) = &mut self.slate else { return Ok(true) };
            slate.shown = slate.make(is_video).transpose().map_err(bad)?;
            let rate = slate.shown.as_ref().map_or(0, Frame::sample_rate);
            slate.next_sample = rescale(next_us, TIME_BASE, Rational::new(1, rate.max(1)));
            (self.clock.rescale_last, self.clock.previous_packet_pts) = (NOPTS, NOPTS);
        }
        let step_us = self.slate_step_us();
        while self.clock.next_pts_us + step_us <= until_us && !self.context.is_cancelled() {
            let Some(shown) = self.slate.as_ref().and_then(|slate| slate.shown.as_ref()) else { return Ok(true) };
            let mut shown = shown.reference().map_err(bad)?;
            self.time_slate(&mut shown, step_us);
            if !self.distribute(&shown)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn slate_step_us(&self) -> i64 {
        let shown = self.slate.as_ref().and_then(|slate| slate.shown.as_ref());
        let step_us = match shown {
            Some(shown) if !self.is_video => {
                i64::from(shown.samples()) * 1_000_000 / i64::from(shown.sample_rate().max(1))
            }
            _ if self.average_frame_rate.is_positive() => rescale(1, self.average_frame_rate.inverse(), TIME_BASE),
            _ => self.clock.step_us,
        };
        if step_us > 0 { step_us } else { PICTURE_US }
    }

    fn time_slate(&mut self, shown: &mut Frame, step_us: i64) {
        let next_us = self.clock.next_pts_us;
        if let Some(slate) = self.slate.as_mut().filter(|_| !self.is_video) {
            shown.set_pts(slate.next_sample);
            slate.next_sample += i64::from(shown.samples());
            let rate = Rational::new(1, shown.sample_rate().max(1));
            self.clock.next_pts_us = rescale(slate.next_sample, rate, TIME_BASE);
        } else if self.forced_frame_rate.is_positive() {
            shown.set_pts(self.clock.counted);
            self.clock.counted += 1;
            self.clock.next_pts_us = next_us + step_us;
        } else {
            shown.set_pts(rescale(next_us, TIME_BASE, self.time_base));
            shown.set_duration(rescale(step_us, TIME_BASE, self.time_base));
            self.clock.next_pts_us = next_us + step_us;
        }
        self.clock.place.next_pts_us = self.clock.next_pts_us;
    }
}
