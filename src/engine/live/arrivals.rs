//! What comes for one who takes part at several places: a single thread waits for all of them, so that one that is silent holds up no other.

use crate::engine::activity::Doing;
use parking_lot::{Condvar, Mutex};

/// Of all feeds of a viewer.
#[derive(Default)]
pub struct Arrivals {
    /// How often something has changed in one of them.
    count: Mutex<u64>,
    changed: Condvar,
}

impl Arrivals {
    pub fn count(&self) -> u64 {
        *self.count.lock()
    }

    /// Something has changed: a packet, the end, or what the job wants.
    pub fn changed(&self) {
        *self.count.lock() += 1;
        self.changed.notify_all();
    }

    /// Waits until more has changed than was `seen`.
    pub fn wait_beyond(&self, seen: u64) {
        let mut count = self.count.lock();
        let _waiting = Doing::EmptyLink.begin(0);
        while *count == seen {
            self.changed.wait(&mut count);
        }
    }
}
