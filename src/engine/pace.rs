//! -re and -readrate: reading no faster than the media plays. Source: `readrate_sleep` of FFmpeg's fftools/ffmpeg_demux.c (7.1, 8.1).

use super::activity::Doing;
use super::context::JobContext;
use super::counters::Waiting;
use crate::error::Error;
use crate::options::{FileSpec, Release, parse_float};
use std::time::{Duration, Instant};

/// How far reading may fall behind before it is to catch up.
const LAG_US: i64 = 300_000;

/// What the options of an input say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaceSettings {
    /// Seconds of media a second.
    pub speed: f64,
    /// Microseconds of media that are read at once first.
    burst_us: i64,
    /// The speed after a lag; None: as fast as it goes.
    catch_up: Option<f64>,
}

impl PaceSettings {
    /// None where reading is as fast as it goes. `release`: of the linked FFmpeg, whose defaults hold.
    pub fn of(spec: &FileSpec, release: Release) -> Result<Option<PaceSettings>, Error> {
        let number = |name| spec.value(name).and_then(parse_float).filter(|number| *number != 0.0);
        let speed = match spec.value("readrate").and_then(parse_float) {
            Some(rate) => rate,
            None if spec.flag("re").unwrap_or(false) => 1.0,
            None => 0.0,
        };
        if speed <= 0.0 {
            return Ok(None);
        }
        let default_burst_s = if release >= Release(6, 1) { 0.5 } else { 0.0 };
        let burst_us = (number("readrate_initial_burst").unwrap_or(default_burst_s) * 1e6) as i64;
        let default_catch_up = (release >= Release(8, 0)).then_some(speed * 1.05);
        let catch_up = number("readrate_catchup").or(default_catch_up);
        if let Some(slow) = catch_up.filter(|catch_up| *catch_up < speed) {
            return Err(Error::option(format!(
                "option readrate_catchup has the value {slow}; it must not be less than {speed}, the speed of reading"
            )));
        }
        Ok(Some(PaceSettings { speed, burst_us, catch_up }))
    }

    /// Microseconds after the start when media of `media_us` may be read; `lag` is where reading is behind.
    fn due_us(&self, media_us: i64, elapsed_us: i64, lag: &mut Option<Lag>) -> i64 {
        if media_us <= self.burst_us {
            return 0;
        }
        let due_us = ((media_us - self.burst_us) as f64 / self.speed).min(1e15) as i64;
        let Some(catch_up) = self.catch_up else { return due_us };
        let behind_us = (((elapsed_us - due_us) as f64 * self.speed) as i64).max(0);
        if behind_us > lag.as_ref().map_or(0, |lag| lag.behind_us) + LAG_US {
            *lag = Some(Lag { behind_us, since_us: elapsed_us, media_us });
        } else if behind_us == 0 {
            *lag = None;
        }
        match lag {
            Some(lag) => lag.since_us + ((media_us - lag.media_us) as f64 / catch_up) as i64,
            None => due_us,
        }
    }
}

/// Reading fell behind, and catches up.
struct Lag {
    behind_us: i64,
    since_us: i64,
    media_us: i64,
}

pub struct Pace {
    settings: PaceSettings,
    began: Instant,
    first_us: Option<i64>,
    lag: Option<Lag>,
}

impl Pace {
    pub fn new(settings: PaceSettings) -> Pace {
        Pace { settings, began: Instant::now(), first_us: None, lag: None }
    }

    /// Waits until a packet of this time may be read on. Returns at once when the job is asked to end.
    pub fn wait_until(&mut self, context: &JobContext, dts_us: i64) {
        let media_us = dts_us.saturating_sub(*self.first_us.get_or_insert(dts_us));
        let elapsed_us = |began: Instant| began.elapsed().as_micros() as i64;
        let due_us = self.settings.due_us(media_us, elapsed_us(self.began), &mut self.lag);
        let _waiting = (Waiting::begin(&context.counters), Doing::Pace.begin(0));
        loop {
            let early_us = due_us - elapsed_us(self.began);
            if early_us <= 0 || context.is_ending() {
                return;
            }
            context.sleep(Duration::from_micros(early_us as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn settings(catch_up: Option<f64>) -> PaceSettings {
        PaceSettings { speed: 2.0, burst_us: SECOND, catch_up }
    }

    #[test]
    fn what_is_behind_the_burst_is_read_at_its_speed() {
        let due = |media_us| settings(None).due_us(media_us, 10 * SECOND, &mut None);
        assert_eq!([due(0), due(SECOND), due(3 * SECOND)], [0, 0, SECOND]);
    }

    #[test]
    fn an_input_that_fell_behind_catches_up_at_the_other_speed() {
        let (settings, mut lag) = (settings(Some(4.0)), None);
        assert_eq!(settings.due_us(3 * SECOND, SECOND, &mut lag), SECOND, "in time");
        assert_eq!(
            settings.due_us(5 * SECOND, 4 * SECOND, &mut lag),
            4 * SECOND,
            "two seconds late: from here on faster"
        );
        assert_eq!(settings.due_us(8 * SECOND, 4 * SECOND, &mut lag), 4_750_000, "four seconds of media in one");
        assert_eq!(settings.due_us(13 * SECOND, 5 * SECOND, &mut lag), 6 * SECOND);
        assert!(lag.is_none(), "in time again");
    }
}
