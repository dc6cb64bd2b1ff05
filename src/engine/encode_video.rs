//! Pictures on their way into an encoder: their times, and how often each is shown. Rule 23; source: `do_video_out` and
//! `adjust_frame_pts_to_encoder_tb` of FFmpeg's fftools/ffmpeg.c (5.1).

use super::advice::on_duplicates;
use super::counters::add;
use super::debug;
use super::encode::{EncodeStage, Running, Wanted, too_many_frames};
use super::errors::failed;
use crate::av::{Frame, NOPTS, Rational, TIME_BASE, rescale};
use crate::error::{Code, Error};
use std::sync::atomic::Ordering::Relaxed;

impl EncodeStage {
    /// The time of a frame in ticks of the encoder, finer than whole ones (adjust_frame_pts_to_encoder_tb).
    fn fine_pts(&self, running: &Running, pts: i64) -> f64 {
        let tb = running.encoder.time_base();
        let log2 = 31 - (tb.den.max(1) as u32).leading_zeros() as i32;
        let bits = (29 - log2).clamp(0, 16);
        let fine = Rational::new(tb.num, tb.den << bits);
        let ticks = rescale(pts, running.frame_time_base, fine) - rescale(self.start_us, TIME_BASE, fine);
        let pts = ticks as f64 / f64::from(1 << bits);
        // Away from exact halves, where rounding would hang on the last bit. From FFmpeg 7.1 on whole ticks stay whole.
        match cfg!(ffmpeg7_1) && pts.fract() == 0.0 {
            true => pts,
            false => pts + if pts > 0.0 { 1.0 } else { -1.0 } / f64::from(1 << 17),
        }
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

    pub(super) fn picture(&self, running: &mut Running, frame: Frame) -> Result<Wanted, Error> {
        let pts =
            if frame.pts() == NOPTS { running.rate.next_pts() as f64 } else { self.fine_pts(running, frame.pts()) };
        if self.context.debug.times {
            debug::filtered((pts + 0.5).floor() as i64, pts, running.encoder.time_base());
        }
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
    pub(super) fn show(
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
}
