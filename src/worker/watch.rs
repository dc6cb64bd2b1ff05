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

/// How long a host listens to silence before it kills.
pub(super) fn silence_limit(limit: Duration) -> Duration {
    limit.max(Duration::from_secs(1)) + sign_every(limit)
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
    pub(super) fn listen_to_silence(&mut self) {
        let Some(silence) = self.silence.filter(|silence| self.kill_at.is_none() && self.heard.elapsed() >= *silence)
        else {
            return;
        };
        let text = format!("the worker said nothing for {} ms (-mt_hang_timeout_ms)", silence.as_millis());
        self.hangs(&Error::new(Code::HUNG, text).at("watch"));
    }

    pub(super) fn hangs(&mut self, error: &Error) {
        let text = format!("{}\n{}", error.message(), error.detail());
        self.context.observer.log(LEVEL_ERROR, "watch", None, text.trim_end());
        self.context.fail(error.clone());
        self.kill_at = Some(Instant::now());
    }
}
