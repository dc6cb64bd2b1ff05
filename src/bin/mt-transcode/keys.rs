//! Keys on standard input while a job runs (fftools/ffmpeg.c: check_keyboard_interaction).

use crate::INFO;
use crate::messages::{self, say};
use mt_transcode::job::{Job, program_log, terminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As ffmpeg: what a pipe brings is taken slowly, as it may be meant for the next program of a script.
const PERIOD: Duration = Duration::from_millis(100);

const HELP: &str = "key    function
?      show this help
+      increase verbosity
-      decrease verbosity
q      quit
";

/// Reads keys as long as it lives.
pub struct Keys {
    next: Instant,
}

impl Keys {
    pub fn new() -> Keys {
        terminal::read_keys();
        Keys { next: Instant::now() }
    }

    /// When to ask again.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Does what the last key asks for, if there was one.
    pub fn check(&mut self, job: &Arc<Job>) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PERIOD;
        match terminal::key() {
            Some(b'q') => {
                say(INFO, "\n\n[q] command received. Exiting.\n\n");
                drop(job.stop());
            }
            Some(b'+') => program_log::set_level(program_log::level() + 10),
            Some(b'-') => program_log::set_level(program_log::level() - 10),
            Some(b'?') => eprint!("{HELP}"),
            Some(key @ (b'c' | b'C' | b'd' | b'D' | b'h' | b's')) => {
                eprintln!("\nThe key '{}' of ffmpeg is not one of mt-transcode's.", char::from(key));
            }
            _ => {}
        }
        job.set_level(messages::wanted_level());
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        terminal::restore();
    }
}
