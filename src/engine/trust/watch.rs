//! Wall time and idle time of a job, looked at now and then.

use super::limits::Limits;
use crate::engine::context::JobContext;
use crate::error::{Code, Error};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long a job that is over its time has to end its files in good order.
const GRACE: Duration = Duration::from_secs(5);

pub struct Watch {
    time: Option<Duration>,
    idle: Option<Duration>,
    counts_bytes: bool,
    progress: (u64, u64),
    since: Instant,
    ended: Option<Instant>,
}

/// What a look came to.
pub enum Verdict {
    /// Look again then.
    At(Instant),
    /// It does not end: cut it off.
    Hangs,
}

fn seconds(value: Option<f64>) -> Option<Duration> {
    value.and_then(|value| Duration::try_from_secs_f64(value).ok())
}

impl Watch {
    /// None where there is nothing to watch. `counts_bytes`: bytes without media are progress too (a slow network); from an untrusted
    /// source they may come for ever.
    pub fn new(limits: &Limits, counts_bytes: bool) -> Option<Watch> {
        let (time, idle) = (seconds(limits.time_s), seconds(limits.idle_s));
        (time.is_some() || idle.is_some()).then(|| Watch {
            time,
            idle,
            counts_bytes,
            progress: (0, 0),
            since: Instant::now(),
            ended: None,
        })
    }

    /// Looks, and ends the job with LIMIT when its time is over.
    pub fn look(&mut self, context: &JobContext) -> Verdict {
        let now = Instant::now();
        if let Some(ended) = self.ended {
            return if now - ended >= GRACE { Verdict::Hangs } else { Verdict::At(ended + GRACE) };
        }
        if self.has_moved(context) {
            self.since = now;
        }
        let spent = context.began.elapsed();
        let over = match (self.time, self.idle) {
            (Some(time), _) if spent >= time => Some(format!(
                "the job ran for {:.1} s: the limit is {} s (-mt_max_time)",
                spent.as_secs_f64(),
                time.as_secs_f64()
            )),
            (_, Some(idle)) if now - self.since >= idle => Some(format!(
                "nothing moved for {:.1} s: the limit is {} s (-mt_idle_timeout)",
                (now - self.since).as_secs_f64(),
                idle.as_secs_f64()
            )),
            _ => None,
        };
        if let Some(text) = over {
            let hint = "Raise the limit, or set it to 0 for none.";
            context.fail(Error::new(Code::LIMIT, text).at("watch").with_hint(hint));
            self.ended = Some(now);
            return Verdict::At(now + GRACE);
        }
        Verdict::At(self.next(context, now))
    }

    fn next(&self, context: &JobContext, now: Instant) -> Instant {
        let idle = self.idle.map(|idle| now + (idle / 8).clamp(Duration::from_millis(20), Duration::from_secs(5)));
        let time = self.time.map(|time| context.began + time);
        idle.into_iter().chain(time).min().unwrap_or(now + GRACE).max(now + Duration::from_millis(5))
    }

    /// Whether there is something that was not there before, or the job waits for somebody else.
    fn has_moved(&mut self, context: &JobContext) -> bool {
        /// Less is no progress: one byte now and then would be.
        const STEP_BYTES: u64 = 1024;
        let counters = &context.counters;
        let media: u64 = [&counters.packets_read, &counters.packets_written, &counters.frames_decoded]
            .iter()
            .map(|counter| counter.load(Relaxed))
            .sum();
        let bytes = if self.counts_bytes { counters.bytes_read.load(Relaxed) } else { 0 };
        let has_moved = media != self.progress.0 || bytes >= self.progress.1 + STEP_BYTES;
        if has_moved {
            self.progress = (media, bytes);
        }
        has_moved || counters.waits.load(Relaxed) > 0
    }
}
