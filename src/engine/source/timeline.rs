//! Where in the job's time a source stands that comes back, so that several of them stay together. They are held together by the clock: a peer that first
//! gives what it had kept is ahead of it, and goes on where it ended.

use parking_lot::Mutex;
use std::time::Instant;

/// What becomes of the time that a source was gone (`-mt_gap`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// It is left out.
    Close,
    /// It stays.
    Keep,
    /// It stays where another source was there meanwhile.
    Together,
}

/// Of all sources of a job.
#[derive(Default)]
pub struct Timeline(Mutex<State>);

#[derive(Default)]
struct State {
    /// A time of the clock, and that of the job then, in microseconds.
    epoch: Option<(Instant, i64)>,
    /// How many are there.
    live: usize,
    /// Where those that left have ended, in microseconds: the latest.
    ends_us: i64,
}

impl Timeline {
    /// The media of a source flows for the first time, from 0.
    pub fn begin(&self, now: Instant) {
        let mut state = self.0.lock();
        state.live += 1;
        state.epoch.get_or_insert((now, 0));
    }

    /// A source is gone, whose media ended there.
    pub fn leave(&self, ends_us: i64) {
        let mut state = self.0.lock();
        state.live = state.live.saturating_sub(1);
        state.ends_us = state.ends_us.max(ends_us);
    }

    /// A source is back: what the job's time is, in microseconds. None where that is where it ended.
    pub fn join(&self, now: Instant, gap: Gap) -> Option<i64> {
        let mut state = self.0.lock();
        if gap == Gap::Together && state.live == 0 {
            state.epoch = Some((now, state.ends_us)); // nobody has seen time pass
        }
        state.live += 1;
        let (began, at_us) = state.epoch.filter(|_| gap != Gap::Close)?;
        let since_us = i64::try_from(now.saturating_duration_since(began).as_micros()).ok()?;
        at_us.checked_add(since_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Two sources for ten seconds, and then one is gone for five.
    fn with_two() -> (Timeline, Instant) {
        let (timeline, now) = (Timeline::default(), Instant::now());
        timeline.begin(now);
        timeline.begin(now);
        timeline.leave(10_000_000);
        (timeline, now + Duration::from_secs(15))
    }

    #[test]
    fn one_that_comes_back_stands_where_the_clock_is() {
        for gap in [Gap::Together, Gap::Keep] {
            let (timeline, now) = with_two();
            assert_eq!(timeline.join(now, gap), Some(15_000_000));
        }
        let (timeline, now) = with_two();
        assert_eq!(timeline.join(now, Gap::Close), None);
    }

    #[test]
    fn when_all_were_gone_they_go_on_together_where_the_last_one_ended() {
        let (timeline, now) = with_two();
        timeline.leave(12_000_000);
        assert_eq!(timeline.join(now, Gap::Together), Some(12_000_000));
        assert_eq!(timeline.join(now + Duration::from_millis(300), Gap::Together), Some(12_300_000));
    }

    #[test]
    fn the_time_is_kept_where_that_was_asked_for() {
        let (timeline, now) = with_two();
        timeline.leave(12_000_000);
        assert_eq!(timeline.join(now, Gap::Keep), Some(15_000_000));
    }
}
