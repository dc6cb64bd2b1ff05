//! The queue of one who takes part: bounded in bytes and time. What happens when it is full is its own affair, and only one that was told
//! to may hold up the job.

use super::arrivals::Arrivals;
use super::settings::{Slow, ViewerSettings};
use crate::av::Packet;
use crate::engine::activity::Doing;
use crate::engine::context::{JobContext, Wake};
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// A packet of a hub, shared by all that take part.
#[derive(Clone)]
pub struct Item {
    pub stream: usize,
    pub packet: Arc<Packet>,
    /// Where it stands in time, in microseconds; None where that is not known.
    pub time_us: Option<i64>,
}

impl Item {
    pub fn bytes(&self) -> u64 {
        self.packet.weight_bytes() as u64
    }
}

/// What became of the packets.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FeedCounts {
    pub packets_queued: u64,
    pub bytes_queued: u64,
    pub bytes_peak: u64,
    pub packets_dropped: u64,
    pub bytes_dropped: u64,
    /// How often it fell behind.
    pub skips: u64,
}

impl FeedCounts {
    pub fn add(&mut self, other: &FeedCounts) {
        self.packets_queued += other.packets_queued;
        self.bytes_queued += other.bytes_queued;
        self.bytes_peak += other.bytes_peak;
        self.packets_dropped += other.packets_dropped;
        self.bytes_dropped += other.bytes_dropped;
        self.skips += other.skips;
    }
}

pub struct Feed {
    settings: ViewerSettings,
    state: Mutex<State>,
    arrivals: Arc<Arrivals>,
    room: Condvar,
    owner: Weak<JobContext>,
    /// The time in the job that is its owner's beginning: that of the first packet of all its feeds. None: times are kept.
    zero_us: Option<Arc<OnceLock<i64>>>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Item>,
    bytes: u64,
    counts: FeedCounts,
    /// Nothing before the next key frame of the leading stream.
    waits_for_key: bool,
    /// No more comes.
    is_ended: bool,
    /// Nobody takes any more.
    is_closed: bool,
}

/// What a packet did to a feed.
pub enum Pushed {
    Done,
    /// It wants to be waited for.
    Full,
    /// Nobody takes any more.
    Gone,
    /// It is to be ended, by [`Feed::fail`].
    TooSlow,
}

impl Feed {
    pub fn new(
        owner: &Arc<JobContext>,
        settings: ViewerSettings,
        arrivals: &Arc<Arrivals>,
        zero_us: Option<Arc<OnceLock<i64>>>,
    ) -> Arc<Feed> {
        let feed = Arc::new(Feed {
            settings,
            state: Mutex::new(State { waits_for_key: true, ..State::default() }),
            arrivals: Arc::clone(arrivals),
            room: Condvar::new(),
            owner: Arc::downgrade(owner),
            zero_us,
        });
        let weak = Arc::downgrade(&feed);
        owner.on_cancel(weak);
        feed
    }

    /// What was kept for it, from a key frame on.
    pub fn begin(&self, items: &[Item]) {
        let mut state = self.state.lock();
        for item in items {
            state.waits_for_key = false;
            state.put(item.clone());
        }
        self.arrivals.changed();
    }

    /// Never waits. `begins`: a player can begin here.
    pub fn push(&self, item: &Item, begins: bool) -> Pushed {
        let mut state = self.state.lock();
        if state.is_closed || state.is_ended {
            return Pushed::Gone;
        }
        if state.waits_for_key && !begins {
            // Before the first key frame nothing is lost: it was not there yet.
            if state.counts.skips > 0 {
                state.drop_one(item);
            }
            return Pushed::Done;
        }
        if self.is_full(&state, item) {
            match self.settings.slow {
                Slow::Wait => return Pushed::Full,
                Slow::Skip => {
                    state.skip();
                    if !begins {
                        state.drop_one(item);
                        return Pushed::Done;
                    }
                }
                Slow::End => {
                    state.skip();
                    state.is_ended = true;
                    return Pushed::TooSlow;
                }
            }
        }
        state.waits_for_key = false;
        state.put(item.clone());
        self.arrivals.changed();
        Pushed::Done
    }

    /// Waits for room, as long as both jobs want that. False: nobody takes any more.
    pub fn push_waiting(&self, item: &Item, publisher: &JobContext) -> bool {
        let mut state = self.state.lock();
        let _waiting = Doing::Threads.begin(0);
        while !state.is_closed && !state.is_ended && self.is_full(&state, item) {
            if publisher.is_cancelled() {
                return false;
            }
            self.room.wait_for(&mut state, Duration::from_millis(100));
        }
        if state.is_closed || state.is_ended {
            return false;
        }
        state.put(item.clone());
        self.arrivals.changed();
        true
    }

    fn is_full(&self, state: &State, item: &Item) -> bool {
        // One packet always fits.
        !state.queue.is_empty()
            && (state.bytes + item.bytes() > self.settings.queue_bytes
                || self.settings.queue_time.is_some_and(|most| state.lag_us(item) > most.as_micros() as i64))
    }

    /// Ends its owner, who may be blocked where it writes. Under no lock of ours.
    pub fn fail(&self) {
        if let Some(owner) = self.owner.upgrade() {
            owner.fail_at_once(&self.too_slow());
        }
    }

    fn too_slow(&self) -> Error {
        let time = self.settings.queue_time.map(|time| format!(" or {} ms", time.as_millis())).unwrap_or_default();
        let text = format!(
            "its reader is too slow: more than {} bytes{time} waited for it, and -mt_slow end is set",
            self.settings.queue_bytes
        );
        Error::new(Code::LIMIT, text)
            .at("queue")
            .with_hint("Raise -mt_queue_bytes and -mt_queue_ms, or set -mt_slow skip.")
    }

    /// The next packet; waits for one. None: there are no more, or the owner's job ends.
    pub fn next(&self) -> Option<Item> {
        loop {
            let seen = self.arrivals.count();
            if self.is_owner_ending() {
                return None;
            }
            let mut state = self.state.lock();
            if let Some(item) = state.queue.pop_front() {
                state.bytes -= item.bytes();
                state.counts.packets_queued -= 1;
                self.room.notify_all();
                return Some(item);
            }
            if state.is_ended {
                return None;
            }
            drop(state);
            self.arrivals.wait_beyond(seen);
        }
    }

    /// Whether [`Feed::next`] would not wait.
    pub fn is_ready(&self) -> bool {
        let state = self.state.lock();
        !state.queue.is_empty() || state.is_ended || self.is_owner_ending()
    }

    /// Where what comes for any of its owner's feeds is told.
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn is_owner_ending(&self) -> bool {
        self.owner.upgrade().is_none_or(|owner| owner.is_ending())
    }

    /// The time in the job that is to be 0, as this packet of it has come; None where times are kept.
    pub fn zero_us(&self, item: &Item) -> Option<i64> {
        self.zero_us.as_ref()?.get().copied().or_else(|| {
            let zero_us = self.zero_us.as_ref()?;
            item.time_us.map(|time_us| *zero_us.get_or_init(|| time_us))
        })
    }

    /// No more comes: what waits is still taken.
    pub fn end(&self) {
        self.state.lock().is_ended = true;
        self.arrivals.changed();
        self.room.notify_all();
    }

    /// Nobody takes any more.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.queue.clear();
        state.bytes = 0;
        state.counts.packets_queued = 0;
        self.room.notify_all();
    }

    pub fn counts(&self) -> FeedCounts {
        let state = self.state.lock();
        FeedCounts { bytes_queued: state.bytes, ..state.counts }
    }
}

impl State {
    fn put(&mut self, item: Item) {
        self.bytes += item.bytes();
        self.counts.bytes_peak = self.counts.bytes_peak.max(self.bytes);
        self.counts.packets_queued += 1;
        self.queue.push_back(item);
    }

    fn drop_one(&mut self, item: &Item) {
        self.counts.packets_dropped += 1;
        self.counts.bytes_dropped += item.packet.size() as u64;
    }

    /// All that waits is thrown away: who is behind is to see what is there now.
    fn skip(&mut self) {
        for item in std::mem::take(&mut self.queue) {
            self.drop_one(&item);
        }
        self.bytes = 0;
        self.counts.packets_queued = 0;
        self.counts.skips += 1;
        self.waits_for_key = true;
    }

    /// How far `item` is ahead of the oldest that waits.
    fn lag_us(&self, item: &Item) -> i64 {
        let oldest = self.queue.iter().find_map(|item| item.time_us);
        oldest.zip(item.time_us).map_or(0, |(oldest, newest)| newest.saturating_sub(oldest))
    }
}

impl Wake for Feed {
    fn wake(&self) {
        let _guard = self.state.lock();
        self.arrivals.changed();
        self.room.notify_all();
    }
}
