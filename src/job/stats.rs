//! Numbers of an engine and of a job.

use super::handle::State;
use super::progress::Progress;
use std::collections::BTreeMap;

/// Upper bounds of the buckets in microseconds; the last bucket has none.
pub const HISTOGRAM_BOUNDS_US: [u64; 15] = [
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    10_000_000, 30_000_000, 60_000_000,
];

#[derive(Clone, Debug, Default)]
pub struct Histogram {
    pub count: u64,
    pub sum_us: u64,
    pub buckets: [u64; HISTOGRAM_BOUNDS_US.len() + 1],
}

impl Histogram {
    pub fn add(&mut self, us: i64) {
        let us = us.max(0) as u64;
        self.count += 1;
        self.sum_us += us;
        self.buckets[HISTOGRAM_BOUNDS_US.partition_point(|bound| *bound < us)] += 1;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    #[default]
    Ok,
    Full,
    Degraded,
}

#[derive(Clone, Debug, Default)]
pub struct EngineStats {
    pub health: Health,
    pub health_reason: String,
    pub jobs: u64,
    pub jobs_running: u64,
    pub jobs_queued: u64,
    pub pipes: u64,
    pub threads: u64,
    pub threads_idle: u64,
    pub descriptors: u64,
    pub queued_bytes: u64,
    pub memory_reserved_bytes: u64,
    pub memory_budget_bytes: u64,
    pub detached: u64,
    /// Inputs that are refused now; jobs that were run once more.
    pub quarantined: u64,
    pub retried: u64,
    pub jobs_started: u64,
    pub jobs_refused: u64,
    /// Codes as C sees them, and how many jobs ended with each.
    pub results: BTreeMap<i32, u64>,
    pub queue_wait: Histogram,
    pub open: Histogram,
    pub first_output: Histogram,
    pub duration: Histogram,
}

#[derive(Clone, Debug)]
pub struct JobStats {
    pub state: State,
    pub progress: Progress,
    pub queue_wait_us: i64,
    pub open_us: i64,
    pub first_output_us: i64,
    pub frames_duplicated: u64,
    pub frames_dropped: u64,
    pub packets_read: u64,
    pub packets_written: u64,
    pub packets_corrupt: u64,
    pub decode_errors: u64,
    pub timestamps_repaired: u64,
    pub link_bytes: u64,
    pub link_bytes_peak: u64,
    pub log_lines_dropped: u64,
    pub threads: u64,
    pub encode_errors: u64,
    pub packets_skipped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_whose_bound_it_reaches() {
        let mut histogram = Histogram::default();
        [0, 1_000, 1_001, 60_000_000, 60_000_001].into_iter().for_each(|us| histogram.add(us));
        assert_eq!((histogram.count, histogram.buckets[0], histogram.buckets[1]), (5, 2, 1));
        assert_eq!((histogram.buckets[14], histogram.buckets[15]), (1, 1));
    }
}
