//! How large a pipe is and when its bytes are shown.

use crate::error::Error;
use std::time::Duration;

/// What a job writes is shown when a chunk is full, and at the end.
pub(crate) const FLUSH_CHUNKS: i32 = -1;

const DEFAULT_CHUNK_BYTES: u32 = 64 << 10;
const DEFAULT_CAPACITY_BYTES: u64 = 1 << 20;
const DEFAULT_HIGH_WATER_PERCENT: u32 = 90;
const CHUNK_BYTES: std::ops::RangeInclusive<u64> = 512..=1 << 30;
const CAPACITY_BYTES: std::ops::RangeInclusive<u64> = 4096..=1 << 30;

#[derive(Clone, Debug)]
pub struct PipeConfig {
    pub capacity_bytes: u64,
    pub chunk_bytes: u64,
    pub flush_interval_ms: i32,
    pub high_water_percent: u32,
}

impl PipeConfig {
    /// Low latency without a wake-up for each packet.
    pub(crate) const DEFAULT_FLUSH_MS: i32 = 40;

    /// 0 is the default of sizes and of the mark.
    pub fn new(
        capacity_bytes: u64,
        chunk_bytes: u32,
        flush_interval_ms: i32,
        high_water_percent: u32,
    ) -> Result<PipeConfig, Error> {
        let capacity = if capacity_bytes == 0 { DEFAULT_CAPACITY_BYTES } else { capacity_bytes };
        let chunk = match chunk_bytes {
            0 => u64::from(DEFAULT_CHUNK_BYTES).min(capacity),
            given => u64::from(given),
        };
        let percent = if high_water_percent == 0 { DEFAULT_HIGH_WATER_PERCENT } else { high_water_percent };
        let refuse = |text: String| Err(Error::invalid(text));
        if !CAPACITY_BYTES.contains(&capacity) {
            return refuse(format!("capacity_bytes {capacity} is not within 4096 and 1073741824"));
        }
        if !CHUNK_BYTES.contains(&chunk) || chunk > capacity {
            return refuse(format!("chunk_bytes {chunk} is not within 512 and the capacity, {capacity}"));
        }
        if flush_interval_ms < FLUSH_CHUNKS {
            return refuse(format!("flush_interval_ms {flush_interval_ms} is below -1"));
        }
        if percent > 100 {
            return refuse(format!("high_water_percent {percent} is above 100"));
        }
        Ok(PipeConfig { capacity_bytes: capacity, chunk_bytes: chunk, flush_interval_ms, high_water_percent: percent })
    }

    /// None: only full chunks are shown.
    pub(super) fn flush_interval(&self) -> Option<Duration> {
        u64::try_from(self.flush_interval_ms).ok().map(Duration::from_millis)
    }

    pub(super) fn high_water_bytes(&self) -> u64 {
        (self.capacity_bytes * u64::from(self.high_water_percent)).div_ceil(100)
    }

    /// How much room wakes a writer that found none: fewer, larger turns.
    pub(super) fn room_to_wake(&self) -> u64 {
        self.chunk_bytes.min(self.capacity_bytes / 2).max(1)
    }
}
