//! Rational numbers and timestamps.

use super::ffi;

/// No timestamp.
pub(crate) const NOPTS: i64 = i64::MIN;

/// A fraction, `num/den`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rational {
    pub num: i32,
    pub den: i32,
}

/// Microseconds: FFmpeg's AV_TIME_BASE_Q.
pub const TIME_BASE: Rational = Rational { num: 1, den: 1_000_000 };

impl From<ffi::AVRational> for Rational {
    fn from(q: ffi::AVRational) -> Self {
        Rational { num: q.num, den: q.den }
    }
}

impl From<Rational> for ffi::AVRational {
    fn from(q: Rational) -> Self {
        ffi::AVRational { num: q.num, den: q.den }
    }
}

impl Rational {
    pub const fn new(num: i32, den: i32) -> Rational {
        Rational { num, den }
    }

    pub fn is_positive(self) -> bool {
        self.num > 0 && self.den > 0
    }

    pub fn to_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    pub fn inverse(self) -> Rational {
        Rational { num: self.den, den: self.num }
    }

    pub fn times(self, other: Rational) -> Rational {
        // SAFETY: plain arithmetic on values.
        unsafe { ffi::av_mul_q(self.into(), other.into()) }.into()
    }

    /// The same number with common factors removed.
    pub fn reduced(self) -> Rational {
        // SAFETY: plain arithmetic on values.
        unsafe { ffi::av_add_q(self.into(), ffi::AVRational { num: 0, den: 1 }) }.into()
    }

    /// The nearest fraction whose numerator and denominator do not pass `max`.
    pub fn limited(self, max: i64) -> Rational {
        let mut reduced = self;
        // SAFETY: writes two ints that we own.
        unsafe {
            ffi::av_reduce(&mut reduced.num, &mut reduced.den, i64::from(self.num), i64::from(self.den), max);
        }
        reduced
    }

    /// A ratio such as "16:9", "1.7777" or "1/25" (av_parse_ratio).
    pub fn parse_ratio(text: &str, max: i32) -> Option<Rational> {
        let text = crate::text::c_string(text).ok()?;
        let mut q = ffi::AVRational { num: 0, den: 0 };
        // SAFETY: a terminated string and a place for the result; no logging context.
        let ret = unsafe { ffi::av_parse_ratio(&mut q, text.as_ptr(), max, 0, std::ptr::null_mut()) };
        (ret >= 0).then(|| q.into())
    }

    /// A frame rate such as "25", "30000/1001" or "ntsc" (av_parse_video_rate).
    pub fn parse_frame_rate(text: &str) -> Option<Rational> {
        let text = crate::text::c_string(text).ok()?;
        let mut q = ffi::AVRational { num: 0, den: 0 };
        // SAFETY: a terminated string and a place for the result.
        let ret = unsafe { ffi::av_parse_video_rate(&mut q, text.as_ptr()) };
        (ret >= 0).then(|| q.into())
    }
}

/// The nearest number, halves away from zero, where 64 bits are enough to tell: nearly always, and several times a packet.
fn rescale_small(value: i64, from: Rational, to: Rational) -> Option<i64> {
    if matches!(value, i64::MIN | i64::MAX) {
        return None; // one is NOPTS, both are special to AV_ROUND_PASS_MINMAX
    }
    if from == to && from.is_positive() {
        return Some(value);
    }
    let factor = u64::try_from(i64::from(from.num) * i64::from(to.den)).ok()?;
    let divisor = u64::try_from(i64::from(to.num) * i64::from(from.den)).ok().filter(|divisor| *divisor > 0)?;
    let product = value.unsigned_abs().checked_mul(factor)?.checked_add(divisor / 2)?;
    let result = i64::try_from(product / divisor).ok()?;
    Some(if value < 0 { -result } else { result })
}

/// `av_rescale_q`: nearest, and [`NOPTS`] is a number like any other (as in FFmpeg, where callers check first).
///
/// One copy of it: a packet's way through a copy is longer than the first cache of instructions, and this is on it a dozen times.
#[inline(never)]
pub fn rescale(value: i64, from: Rational, to: Rational) -> i64 {
    if let Some(result) = rescale_small(value, from, to) {
        return result;
    }
    // SAFETY: plain arithmetic on values.
    unsafe { ffi::av_rescale_q(value, from.into(), to.into()) }
}

/// `av_rescale_q_rnd` with AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX: [`NOPTS`] stays what it is.
#[inline(never)]
pub fn rescale_rnd_minmax(value: i64, from: Rational, to: Rational) -> i64 {
    if let Some(result) = rescale_small(value, from, to) {
        return result;
    }
    let rounding = ffi::AV_ROUND_NEAR_INF | ffi::AV_ROUND_PASS_MINMAX;
    // SAFETY: plain arithmetic on values.
    unsafe { ffi::av_rescale_q_rnd(value, from.into(), to.into(), rounding) }
}

/// `av_rescale_delta`: rescales audio timestamps without drift; `last` carries the state between calls.
pub fn rescale_delta(
    in_tb: Rational,
    in_ts: i64,
    fs_tb: Rational,
    duration: i32,
    last: &mut i64,
    out_tb: Rational,
) -> i64 {
    // FFmpeg asserts both, and a failed assertion ends the process: hostile timestamps must not get that far.
    if in_ts == NOPTS {
        return NOPTS;
    }
    let duration = duration.max(0);
    // SAFETY: plain arithmetic; `last` is a place that we own.
    unsafe { ffi::av_rescale_delta(in_tb.into(), in_ts, fs_tb.into(), duration, last, out_tb.into()) }
}

/// Compares two timestamps in different time bases.
pub fn compare(a: i64, a_tb: Rational, b: i64, b_tb: Rational) -> std::cmp::Ordering {
    // SAFETY: plain arithmetic on values.
    unsafe { ffi::av_compare_ts(a, a_tb.into(), b, b_tb.into()) }.cmp(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_gives_what_ffmpeg_gives() {
        let bases = [
            (1, 90_000),
            (1, 1_000_000),
            (1, 12_800),
            (1001, 30_000),
            (1, 48_000),
            (1, 1),
            (1, i32::MAX),
            (i32::MAX, 7),
        ];
        let values = [0, 1, -1, 2, -3, 45_000, -45_001, 8_589_934_591, -(1 << 40), 1 << 52, i64::MAX - 1, i64::MIN + 2];
        for (from, to) in bases.iter().flat_map(|from| bases.iter().map(move |to| (from, to))) {
            let (from, to) = (Rational::new(from.0, from.1), Rational::new(to.0, to.1));
            for value in values {
                // SAFETY: plain arithmetic on values.
                let expected = unsafe { ffi::av_rescale_q(value, from.into(), to.into()) };
                assert_eq!(rescale(value, from, to), expected, "{value} from {from:?} to {to:?}");
            }
        }
        assert_eq!(rescale_rnd_minmax(NOPTS, TIME_BASE, Rational::new(1, 90_000)), NOPTS);
        assert_eq!(rescale_rnd_minmax(i64::MAX, TIME_BASE, Rational::new(1, 90_000)), i64::MAX);
    }

    #[test]
    fn what_ffmpeg_would_assert_is_kept_from_it() {
        let (tb, rate, mut last) = (Rational::new(1, 90_000), Rational::new(1, 48_000), NOPTS);
        assert_eq!(rescale_delta(tb, NOPTS, rate, 1024, &mut last, tb), NOPTS);
        assert_eq!(rescale_delta(tb, 900, rate, -5, &mut last, tb), 900);
    }
}
