//! -force_key_frames: times, "expr:", "source", "source_no_drop". Rule 27; source: `do_video_out` and
//! `parse_forced_key_frames` of FFmpeg's fftools/ffmpeg.c (5.1).

use crate::av::{Expression, NOPTS, Rational, TIME_BASE, rescale};
use crate::error::Error;
use crate::options::parse_time_us;

enum Rule {
    /// Ticks of the encoder, sorted, and how many have passed.
    Times(Vec<i64>, usize),
    Expression(Box<Expression>, [f64; 5]),
    Source,
    SourceNoDrop,
}

pub struct ForceKey {
    rule: Rule,
    first_pts: i64,
    time_base: Rational,
}

const NAMES: [&std::ffi::CStr; 5] = [c"n", c"n_forced", c"prev_forced_n", c"prev_forced_t", c"t"];

impl ForceKey {
    /// Checks the text before anything runs.
    pub fn check(text: &str) -> Result<(), Error> {
        ForceKey::parse(text, Rational::new(1, 25), &[]).map(drop)
    }

    /// `chapters_us`: the starts of the output's chapters, for "chapters".
    pub fn parse(text: &str, time_base: Rational, chapters_us: &[i64]) -> Result<ForceKey, Error> {
        let bad = || Error::option(format!("option force_key_frames has the value '{text}', which makes no sense"));
        let rule = if let Some(expression) = text.strip_prefix("expr:") {
            let parsed = Expression::parse(expression, &NAMES).ok_or_else(bad)?;
            Rule::Expression(Box::new(parsed), [0.0, 0.0, f64::NAN, f64::NAN, 0.0])
        } else if text.starts_with("source_no_drop") {
            Rule::SourceNoDrop
        } else if text.starts_with("source") {
            Rule::Source
        } else {
            let in_ticks = |us: i64| rescale(us, TIME_BASE, time_base);
            let mut ticks = Vec::new();
            for part in text.split(',') {
                match part.strip_prefix("chapters") {
                    Some(offset) => {
                        let offset = if offset.is_empty() { 0 } else { parse_time_us(offset).ok_or_else(bad)? };
                        // Each is rounded by itself: half a tick more or less may be another frame.
                        ticks.extend(chapters_us.iter().map(|us| in_ticks(*us) + in_ticks(offset)));
                    }
                    None => ticks.push(in_ticks(parse_time_us(part).ok_or_else(bad)?)),
                }
            }
            ticks.sort_unstable();
            Rule::Times(ticks, 0)
        };
        Ok(ForceKey { rule, first_pts: NOPTS, time_base })
    }

    /// Whether the frame at `pts` must be a key frame. `is_source_key`: it was one in the source; `had_dropped_key`: one was
    /// dropped since the last frame.
    pub fn wants_key(&mut self, pts: i64, is_source_key: bool, is_repeated: bool, had_dropped_key: bool) -> bool {
        if self.first_pts == NOPTS {
            self.first_pts = pts;
        }
        match &mut self.rule {
            Rule::Times(ticks, passed) => {
                let is_due = ticks.get(*passed).is_some_and(|tick| pts >= *tick);
                *passed += usize::from(is_due);
                is_due
            }
            Rule::Expression(expression, values) => {
                values[4] = (pts - self.first_pts) as f64 * self.time_base.to_f64();
                let is_due = expression.evaluate(&values[..]) != 0.0;
                if is_due {
                    values[2] = values[0];
                    values[3] = values[4];
                    values[1] += 1.0;
                }
                values[0] += 1.0;
                is_due
            }
            Rule::Source => is_source_key && !is_repeated,
            Rule::SourceNoDrop => !is_repeated && (is_source_key || had_dropped_key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<i64> {
        let mut force = ForceKey::parse(text, Rational::new(1, 10), &[1_000_000]).unwrap();
        (0..40).filter(|pts| force.wants_key(*pts, *pts == 7, false, false)).collect()
    }

    #[test]
    fn times_expressions_and_sources() {
        assert_eq!(keys("0,1.5,2"), [0, 15, 20]);
        assert_eq!(keys("expr:gte(t,n_forced*1)"), [0, 10, 20, 30]);
        assert_eq!(keys("source"), [7]);
        assert_eq!(keys("chapters,3"), [10, 30]);
        assert_eq!(keys("chapters-0.5"), [5]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["expr:(", "soon", "1,,2"] {
            assert!(ForceKey::check(text).is_err(), "{text}");
        }
    }
}
