//! What FFmpeg asks while it waits: whether to give up.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Asked by FFmpeg's network code about ten times a second (through [`super::access`]), and by our own loops between packets.
pub struct Interrupt {
    cancelled: AtomicBool,
    /// Blocking reads of inputs end, as if the input had ended: a graceful stop.
    reading_stopped: AtomicBool,
    /// The job's, which holds too, where this is one file's own.
    job: Option<Arc<Interrupt>>,
    /// When what is waited for is given up, in microseconds since [`ORIGIN`]; [`NEVER`].
    until_us: AtomicI64,
    /// Somebody was told that the time is over.
    is_late: AtomicBool,
}

const NEVER: i64 = i64::MAX;
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn since_origin_us(time: Instant) -> i64 {
    time.saturating_duration_since(*ORIGIN).as_micros() as i64
}

impl Interrupt {
    fn with(job: Option<Arc<Interrupt>>) -> Arc<Interrupt> {
        LazyLock::force(&ORIGIN);
        Arc::new(Interrupt {
            cancelled: AtomicBool::new(false),
            reading_stopped: AtomicBool::new(false),
            job,
            until_us: AtomicI64::new(NEVER),
            is_late: AtomicBool::new(false),
        })
    }

    pub fn new() -> Arc<Interrupt> {
        Interrupt::with(None)
    }

    /// One for a single file of a job: what ends the job ends it too, and it may be given up earlier.
    pub fn of_file(job: &Arc<Interrupt>) -> Arc<Interrupt> {
        Interrupt::with(Some(Arc::clone(job)))
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Whether to give up: the job was cancelled, or this file's time is over.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed) || self.job.as_ref().is_some_and(|job| job.is_cancelled()) || self.is_time_over()
    }

    pub fn stop_reading(&self) {
        self.reading_stopped.store(true, Relaxed);
    }

    pub fn is_reading_stopped(&self) -> bool {
        self.reading_stopped.load(Relaxed) || self.job.as_ref().is_some_and(|job| job.is_reading_stopped())
    }

    /// From `until` on waiting is given up; None: never.
    pub fn give_up_at(&self, until: Option<Instant>) {
        self.is_late.store(false, Relaxed);
        self.until_us.store(until.map_or(NEVER, since_origin_us), Relaxed);
    }

    /// How long may still be waited; None: as long as it takes.
    pub fn time_left(&self) -> Option<Duration> {
        let until_us = self.until_us.load(Relaxed);
        let left_us = || until_us.saturating_sub(since_origin_us(Instant::now()));
        (until_us != NEVER).then(|| Duration::from_micros(u64::try_from(left_us()).unwrap_or(0)))
    }

    /// Whether anybody was told to give up because the time is over.
    pub fn was_late(&self) -> bool {
        self.is_late.load(Relaxed)
    }

    fn is_time_over(&self) -> bool {
        let is_over = self.time_left().is_some_and(|left| left.is_zero());
        if is_over {
            self.is_late.store(true, Relaxed);
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_given_up_with_its_job_and_when_its_time_is_over() {
        let job = Interrupt::new();
        let (one, other) = (Interrupt::of_file(&job), Interrupt::of_file(&job));
        one.give_up_at(Some(Instant::now()));
        assert!(one.is_cancelled() && one.was_late());
        assert!(!job.is_cancelled() && !other.is_cancelled() && !other.was_late());
        one.give_up_at(Some(Instant::now() + Duration::from_secs(3600)));
        assert!(!one.is_cancelled() && !one.was_late() && one.time_left() > Some(Duration::from_secs(3000)));
        one.give_up_at(None);
        assert_eq!(one.time_left(), None);
        job.stop_reading();
        job.cancel();
        assert!(one.is_reading_stopped() && one.is_cancelled() && !one.was_late());
    }
}
