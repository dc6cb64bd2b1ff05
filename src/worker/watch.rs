//! The worker's own look at its job, whether it hangs, with signs of life on the way; and the host's side of it: the end of a worker that says so, or that says
//! nothing any more.

use super::host::Remote;
use super::message::{ALIVE, HANGS, error_to_json};
use super::wire::write_frame;
use crate::engine::{HangWatch, JobContext, Outlook, hang_error};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

const LEVEL_ERROR: i32 = 16;

/// Between two signs of life. Looks may be closer together.
pub(super) fn sign_every(limit: Duration) -> Duration {
    (limit / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
}

/// A host listening to a worker.
pub(super) struct Silence {
    limit: Duration,
    /// Between two looks: as often as signs come.
    step: Duration,
    heard: Instant,
    looked: Instant,
}

impl Silence {
    /// None where nothing is watched. A worker that is not there yet has some time more.
    pub fn new(hang_timeout_ms: u64, now: Instant) -> Option<Silence> {
        /// Forking, and reading the job, on a machine that is busy.
        const START: Duration = Duration::from_secs(10);
        let limit = Duration::from_millis(hang_timeout_ms);
        let step = sign_every(limit);
        let limit = limit.max(Duration::from_secs(1)) + step;
        (hang_timeout_ms > 0).then(|| Silence { limit, step, heard: now + START, looked: now })
    }

    pub fn next_look(&self) -> Instant {
        self.looked + self.step
    }

    /// Whether the worker was silent for too long; `said`: it spoke just now.
    fn is_too_long(&mut self, said: bool, now: Instant) -> bool {
        // Who listens did not run either (the process was stopped, its cgroup frozen): the worker had no more time than we.
        let was_away = now.saturating_duration_since(self.looked) > self.step + self.limit / 4;
        self.looked = now;
        if said {
            self.heard = now; // it is there: the time that it had for that is over
        } else if was_away {
            self.heard = self.heard.max(now);
        }
        now.saturating_duration_since(self.heard) >= self.limit
    }
}

/// Looks until the job hangs or is over; on a thread of its own. What hangs the host kills.
pub(super) fn watch(mut watch: HangWatch, context: &Weak<JobContext>, control: &Mutex<UnixStream>) {
    let sign_every = sign_every(watch.limit());
    let mut signed: Option<Instant> = None;
    loop {
        let Some(context) = context.upgrade() else { return };
        if signed.is_none_or(|signed| signed.elapsed() >= sign_every) {
            signed = Some(Instant::now());
            let _ = write_frame(&control.lock(), ALIVE, &[]);
        }
        match watch.look(&context) {
            Outlook::At(time) => {
                drop::<Arc<JobContext>>(context);
                std::thread::sleep(time.saturating_duration_since(Instant::now()).min(sign_every));
            }
            Outlook::Hangs(why) => {
                let error = hang_error(watch.limit(), &context, &why);
                let _ = write_frame(&control.lock(), HANGS, error_to_json(&error).to_string().as_bytes());
                return;
            }
        }
    }
}

impl Remote<'_> {
    /// A worker whose job is watched says now and then that it lives; one that does not is stopped, or beyond its own help.
    pub(super) fn listen_to_silence(&mut self, said: bool) {
        let Some(silence) = self.silence.as_mut().filter(|_| self.kill_at.is_none()) else { return };
        if silence.is_too_long(said, Instant::now()) {
            let text = format!("the worker said nothing for {} ms (-mt_hang_timeout_ms)", silence.limit.as_millis());
            self.hangs(&Error::new(Code::HUNG, text).at("watch"));
        }
    }

    pub(super) fn hangs(&mut self, error: &Error) {
        let text = format!("{}\n{}", error.message(), error.detail());
        self.context.observer.log(LEVEL_ERROR, "watch", None, text.trim_end());
        self.context.fail(error.clone());
        self.kill_at = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_silent_for_too_long_only_while_somebody_listens() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let mut silence = Silence::new(2000, began).unwrap();
        assert!((0..=100).all(|step| !silence.is_too_long(step % 5 == 0, at(step * 500))), "it speaks now and then");
        assert!(!silence.is_too_long(false, at(52_000)));
        assert!(!silence.is_too_long(false, at(152_000)), "the host was stopped for 100 s, and its worker with it");
        assert!((1..=4).all(|step| !silence.is_too_long(false, at(152_000 + step * 500))));
        assert!((5..=6).any(|step| silence.is_too_long(false, at(152_000 + step * 500))), "from there on it is silent");
    }

    #[test]
    fn before_its_first_word_a_worker_has_more_time() {
        let began = Instant::now();
        let mut silence = Silence::new(100, began).unwrap();
        let silent: Vec<u64> =
            (0..2000).filter(|step| silence.is_too_long(false, began + Duration::from_millis(step * 25))).collect();
        assert!(silent[0] * 25 > 10_000, "{}", silent[0]);
        assert!(Silence::new(0, began).is_none());
    }

    #[test]
    fn after_its_first_word_it_has_no_more_than_the_timeout() {
        let began = Instant::now();
        let mut silence = Silence::new(2000, began).unwrap();
        let silent = (0..40).find(|step| silence.is_too_long(*step == 1, began + Duration::from_millis(step * 500)));
        assert_eq!(silent, Some(6), "2 s, and a sign");
    }
}
