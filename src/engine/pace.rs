//! -re and -readrate: reading no faster than the media plays.

use super::context::{JobContext, Waiting};
use std::time::{Duration, Instant};

pub struct Pace {
    speed: f64,
    began: Instant,
    first_us: Option<i64>,
}

impl Pace {
    /// None where reading is as fast as it goes.
    pub fn new(speed: f64) -> Option<Pace> {
        (speed > 0.0).then(|| Pace { speed, began: Instant::now(), first_us: None })
    }

    /// Waits until a packet of this time may be read on. Returns at once when the job is asked to end.
    pub fn wait_until(&mut self, context: &JobContext, dts_us: i64) {
        let first = *self.first_us.get_or_insert(dts_us);
        let due_us = (dts_us.saturating_sub(first) as f64 / self.speed).clamp(0.0, 1e15);
        let _waiting = Waiting::begin(&context.counters);
        loop {
            let early_us = due_us as i64 - self.began.elapsed().as_micros() as i64;
            if early_us <= 0 || context.is_ending() {
                return;
            }
            context.sleep(Duration::from_micros(early_us as u64));
        }
    }
}
