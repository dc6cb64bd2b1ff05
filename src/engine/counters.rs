//! The numbers of a job.

use super::numbers::OutputNumbers;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Numbers of a job, written by its components and read by anybody.
#[derive(Default)]
pub struct Counters {
    pub packets_read: AtomicU64,
    pub packets_written: AtomicU64,
    pub packets_corrupt: AtomicU64,
    pub decode_errors: AtomicU64,
    /// Of those, what ended in a choice of the user's (-mt_degrade), and is not held against the job.
    pub decode_errors_excused: AtomicU64,
    /// Frames that an encoder refused and that were left out (-mt_degrade).
    pub encode_errors: AtomicU64,
    /// Packets that a bitstream filter or a muxer refused and that were left out.
    pub packets_skipped: AtomicU64,
    /// Of streams whose decoder has ended already. ffmpeg decodes them all the same, and counts them in its rate of errors: as good ones here.
    pub packets_spared: AtomicU64,
    pub frames_decoded: AtomicU64,
    pub frames: AtomicU64,
    pub frames_duplicated: AtomicU64,
    pub frames_dropped: AtomicU64,
    pub timestamps_repaired: AtomicU64,
    /// Microseconds written by the output that is furthest behind.
    pub position_us: AtomicI64,
    /// Microseconds that will be written; -1 where unknown.
    pub duration_us: AtomicI64,
    pub size_bytes: AtomicU64,
    pub link_bytes: AtomicU64,
    pub link_bytes_peak: AtomicU64,
    pub threads: AtomicU64,
    /// Microseconds since the job began to run; 0 before.
    pub open_us: AtomicI64,
    /// Of URLs, as far as it is known.
    pub bytes_read: AtomicU64,
    /// Sizes of the packets that were written.
    pub payload_bytes: AtomicU64,
    /// Threads that wait for the host, or because they were told to: that is not idle time.
    pub waits: AtomicU64,
    pub first_output_us: AtomicI64,
    /// By output, once they are open.
    pub outputs: Mutex<Vec<Arc<OutputNumbers>>>,
}

pub fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}

/// A thread waits for somebody else as long as this lives.
pub struct Waiting(Arc<Counters>);

impl Waiting {
    pub fn begin(counters: &Arc<Counters>) -> Waiting {
        add(&counters.waits, 1);
        Waiting(Arc::clone(counters))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waits.fetch_sub(1, Relaxed);
    }
}

/// A thread of the job runs as long as this lives.
pub struct CountedThread(Arc<Counters>);

impl CountedThread {
    pub(super) fn begin(counters: &Arc<Counters>) -> CountedThread {
        add(&counters.threads, 1);
        CountedThread(Arc::clone(counters))
    }
}

impl Drop for CountedThread {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Relaxed);
    }
}
