//! -stream_loop: an input that is read again and again, each time behind the last. Source: `seek_to_start` and `process_input` of
//! FFmpeg's fftools/ffmpeg.c (5.1). Numbers only.

use super::timestamps::Times;
use crate::av::{NOPTS, Rational, compare, rescale};
use std::cmp::Ordering;

/// The last frame that a stream's decoder gave: samples, and how many of them a second has.
pub type LastSamples = (i64, i32);

pub struct Looping {
    /// How often it is read again; negative is without end.
    left: i64,
    /// How long it was so far, and in which time base.
    length: (i64, Rational),
    streams: Vec<Span>,
}

struct Span {
    time_base: Rational,
    /// A frame, where the frame rate says.
    frame: i64,
    min_pts: i64,
    max_pts: i64,
}

impl Looping {
    /// `streams`: time base and frame rate of each.
    pub fn new(times: i64, streams: impl Iterator<Item = (Rational, Rational)>) -> Looping {
        let span = |(time_base, rate): (Rational, Rational)| Span {
            time_base,
            frame: if rate.is_positive() { rescale(1, rate.inverse(), time_base) } else { 1 },
            min_pts: i64::MAX,
            max_pts: i64::MIN,
        };
        Looping { left: times, length: (0, Rational::new(1, 1)), streams: streams.map(span).collect() }
    }

    pub fn goes_on(&self) -> bool {
        self.left != 0
    }

    /// Puts a packet behind what was read before.
    pub fn shift(&mut self, stream: usize, times: &mut Times) {
        let span = &mut self.streams[stream];
        let (length, base) = self.length;
        let offset = rescale(length, base, span.time_base);
        if times.pts != NOPTS {
            times.pts = times.pts.wrapping_add(offset);
            span.max_pts = span.max_pts.max(times.pts);
            span.min_pts = span.min_pts.min(times.pts);
        }
        if times.dts != NOPTS {
            times.dts = times.dts.wrapping_add(offset);
        }
    }

    /// It is read once more. `samples`: by stream, of those that are decoded audio; where there is one, it alone says how long the file was,
    /// as the length of a last video frame is not known well.
    pub fn again(&mut self, samples: &[Option<LastSamples>]) {
        let has_audio = samples.iter().any(Option::is_some);
        for (index, span) in self.streams.iter().enumerate() {
            let mut length = match samples.get(index).copied().flatten() {
                Some((count, rate)) => rescale(count, Rational::new(1, rate.max(1)), span.time_base),
                None if has_audio => continue,
                None => span.frame,
            };
            if let Some(more) = span.max_pts.checked_sub(span.min_pts).filter(|more| *more > 0) {
                length = length.saturating_add(more);
            }
            let is_longer = compare(length, span.time_base, self.length.0, self.length.1) == Ordering::Greater;
            if self.length.0 == 0 || is_longer {
                self.length = (length, span.time_base);
            }
        }
        if self.left > 0 {
            self.left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(pts: i64) -> Times {
        Times { pts, dts: pts, duration: 0 }
    }

    #[test]
    fn a_video_begins_again_behind_its_last_frame() {
        // Given four frames at 25 a second, when the file is read twice more, then its times go on.
        let streams = [(Rational::new(1, 1000), Rational::new(25, 1))];
        let mut looping = Looping::new(2, streams.into_iter());
        for round in 0..3 {
            for frame in 0..4 {
                let mut packet = times(frame * 40);
                looping.shift(0, &mut packet);
                assert_eq!(packet.pts, round * 160 + frame * 40);
            }
            assert_eq!(looping.goes_on(), round < 2);
            if looping.goes_on() {
                looping.again(&[None]);
            }
        }
    }

    #[test]
    fn decoded_audio_says_how_long_the_file_is() {
        let streams = [(Rational::new(1, 1000), Rational::new(25, 1)), (Rational::new(1, 48_000), Rational::new(0, 1))];
        let mut looping = Looping::new(-1, streams.into_iter());
        looping.shift(0, &mut times(5000));
        for packet in 0..10 {
            looping.shift(1, &mut times(packet * 1024));
        }
        looping.again(&[None, Some((1024, 48_000))]);
        let mut packet = times(0);
        looping.shift(1, &mut packet);
        assert_eq!(packet.pts, 10 * 1024);
        assert!(looping.goes_on());
    }
}
