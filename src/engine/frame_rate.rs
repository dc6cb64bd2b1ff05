//! Frames at a steady rate: which are dropped, which are shown again. Rule 23; source: `do_video_out` of FFmpeg's
//! fftools/ffmpeg.c (5.1). Numbers only.

use super::plan::FrameRateMode;

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// How many frames go out in all.
    pub count: i64,
    /// How many of them, at the beginning, are the frame before.
    pub previous: i64,
}

pub struct FrameRate {
    mode: FrameRateMode,
    drop_threshold: f64,
    /// The time of the next frame out, in the encoder's time base.
    next_pts: i64,
    frames_out: i64,
    /// The last three counts of repetitions, for the end.
    history: [i64; 3],
    has_dropped: bool,
    pub dropped: u64,
    pub duplicated: u64,
}

impl FrameRate {
    pub fn new(mode: FrameRateMode, drop_threshold: f64) -> FrameRate {
        let state = (0, 0, [0; 3]);
        FrameRate {
            mode,
            drop_threshold,
            next_pts: state.0,
            frames_out: state.1,
            history: state.2,
            has_dropped: false,
            dropped: 0,
            duplicated: 0,
        }
    }

    pub fn next_pts(&self) -> i64 {
        self.next_pts
    }

    pub fn frames_out(&self) -> i64 {
        self.frames_out
    }

    /// A frame went out.
    pub fn sent(&mut self) {
        self.next_pts += 1;
        self.frames_out += 1;
    }

    /// Decides about a frame at `pts` (finer than whole ticks of the encoder) that lasts `duration` ticks. `room`: how many
    /// frames may still go out.
    pub fn frame(&mut self, pts: f64, duration: f64, room: i64) -> Repeat {
        let mut pts = pts;
        let mut drift = pts - self.next_pts as f64;
        let mut duration = duration;
        let mut delta = drift + duration;
        let is_free = matches!(self.mode, FrameRateMode::Passthrough | FrameRateMode::Drop);
        if drift < 0.0 && delta > 0.0 && !is_free {
            pts = self.next_pts as f64;
            duration += drift;
            drift = 0.0;
        }
        let (mut count, mut previous) = (1, 0);
        match self.mode {
            FrameRateMode::Vscfr | FrameRateMode::Cfr => {
                if self.mode == FrameRateMode::Vscfr && self.frames_out == 0 && drift >= 0.5 {
                    delta = duration;
                    drift = 0.0;
                    self.next_pts = pts.round_ties_even() as i64;
                }
                if self.drop_threshold != 0.0 && delta < self.drop_threshold && self.frames_out > 0 || delta < -1.1 {
                    count = 0;
                } else if delta > 1.1 {
                    count = delta.round_ties_even() as i64;
                    if drift > 1.1 {
                        previous = (drift - 0.6).round_ties_even() as i64;
                    }
                }
            }
            FrameRateMode::Vfr => {
                if delta <= -0.6 {
                    count = 0;
                } else if delta > 0.6 {
                    self.next_pts = pts.round_ties_even() as i64;
                }
            }
            FrameRateMode::Passthrough | FrameRateMode::Drop => self.next_pts = pts.round_ties_even() as i64,
        }
        self.decide(count, previous, room, true)
    }

    /// The end: the last frame is repeated as often as the frames before it were.
    pub fn end(&mut self, room: i64) -> Repeat {
        let mut sorted = self.history;
        sorted.sort_unstable();
        self.decide(sorted[1], sorted[1], room, false)
    }

    fn decide(&mut self, count: i64, previous: i64, room: i64, is_frame: bool) -> Repeat {
        let count = count.min(room).max(0);
        let previous = previous.min(count);
        self.history = [previous, self.history[0], self.history[1]];
        if previous == 0 && self.has_dropped {
            self.dropped += 1;
        }
        let shown = i64::from(previous > 0 && self.has_dropped) + i64::from(count > previous);
        if count > shown {
            if count > MAX_REPEAT {
                self.dropped += 1;
                return Repeat { count: 0, previous: 0 };
            }
            self.duplicated += (count - shown) as u64;
        }
        self.has_dropped = count == previous && is_frame;
        Repeat { count, previous }
    }
}

/// ffmpeg refuses to fill a gap of more than dts_error_threshold (30 h) at 30 frames a second.
const MAX_REPEAT: i64 = 3600 * 30 * 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends frames of one tick at these times, and lists the times of what goes out.
    fn out(mode: FrameRateMode, times: &[f64]) -> (Vec<i64>, u64, u64) {
        let mut rate = FrameRate::new(mode, 0.0);
        let mut sent = Vec::new();
        for time in times {
            for _ in 0..rate.frame(*time, 1.0, i64::MAX).count {
                sent.push(rate.next_pts());
                rate.sent();
            }
        }
        (sent, rate.dropped, rate.duplicated)
    }

    #[test]
    fn a_steady_stream_passes() {
        for mode in [FrameRateMode::Cfr, FrameRateMode::Vfr, FrameRateMode::Passthrough] {
            assert_eq!(out(mode, &[0.0, 1.0, 2.0, 3.0]).0, [0, 1, 2, 3], "{mode:?}");
        }
    }

    #[test]
    fn a_constant_rate_fills_gaps_and_drops_what_is_too_much() {
        let (times, _, duplicated) = out(FrameRateMode::Cfr, &[0.0, 3.0, 4.0]);
        assert_eq!(times, [0, 1, 2, 3, 4]);
        assert_eq!(duplicated, 2);
        let (times, _, _) = out(FrameRateMode::Cfr, &[0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8]);
        assert!(times.len() < 6, "eight frames within three ticks: {times:?}");
        assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 1));
    }

    #[test]
    fn a_variable_rate_keeps_gaps() {
        assert_eq!(out(FrameRateMode::Vfr, &[0.0, 3.0, 4.0]).0, [0, 3, 4]);
    }

    #[test]
    fn an_initial_gap_stays_with_vscfr_only() {
        assert_eq!(out(FrameRateMode::Vscfr, &[5.0, 6.0]).0, [5, 6]);
        assert_eq!(out(FrameRateMode::Cfr, &[5.0, 6.0]).0, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_gap_of_days_is_not_filled() {
        let mut rate = FrameRate::new(FrameRateMode::Cfr, 0.0);
        assert_eq!(rate.frame(0.0, 1.0, i64::MAX).count, 1);
        rate.sent();
        assert_eq!(rate.frame(1e9, 1.0, i64::MAX).count, 0);
    }

    #[test]
    fn no_more_frames_than_there_is_room_for() {
        let mut rate = FrameRate::new(FrameRateMode::Cfr, 0.0);
        assert_eq!(rate.frame(9.0, 1.0, 4).count, 4);
    }
}
