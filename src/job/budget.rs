//! Native memory: what an engine has promised to pipes and jobs, and how much there is. Promises are estimates made before
//! anything is opened; a job says better with `-mt_memory`.

use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, parse_integer};
use parking_lot::Mutex;

/// No budget.
const UNLIMITED: u64 = u64::MAX;
/// A job that only copies: packets, the muxer's and demuxer's buffers, and the peak while streams are found.
const COPY_BYTES: u64 = 8 << 20;
/// One that decodes or encodes, at 1080p or so.
const CODING_BYTES: u64 = 64 << 20;
/// The share of the limit that is ours by default: the host has memory of its own.
const SHARE_PERCENT: u64 = 80;

pub(super) struct Budget {
    limit: u64,
    reserved: Mutex<u64>,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reserved {
    Yes,
    NotNow,
}

impl Budget {
    /// 0: a share of what the cgroup, or else the machine, has.
    pub fn new(limit_bytes: u64) -> Budget {
        let limit = match limit_bytes {
            0 => crate::engine::memory_limit_bytes().map_or(UNLIMITED, |bytes| bytes / 100 * SHARE_PERCENT),
            given => given,
        };
        Budget { limit, reserved: Mutex::new(0) }
    }

    pub fn limit_bytes(&self) -> u64 {
        self.limit
    }

    pub fn reserved_bytes(&self) -> u64 {
        *self.reserved.lock()
    }

    /// Refuses what can never fit.
    pub fn check(&self, bytes: u64) -> Result<(), Error> {
        if bytes > self.limit {
            let text = format!("{bytes} bytes of native memory are needed, the engine may use {}", self.limit);
            return Err(Error::new(Code::LIMIT, text)
                .at("queue")
                .with_hint("Raise memory_budget_bytes of the engine, or lower -mt_memory or the pipe's capacity."));
        }
        Ok(())
    }

    /// `must_fit`: not now, where it would pass the limit together with the others. What never fits is `check`'s.
    pub fn reserve(&self, bytes: u64, must_fit: bool) -> Reserved {
        let mut reserved = self.reserved.lock();
        if must_fit && bytes > self.limit.saturating_sub(*reserved) {
            return Reserved::NotNow;
        }
        *reserved = reserved.saturating_add(bytes);
        Reserved::Yes
    }

    pub fn release(&self, bytes: u64) {
        let mut reserved = self.reserved.lock();
        *reserved = reserved.saturating_sub(bytes);
    }
}

/// What a job is expected to need.
pub(super) fn need_bytes(spec: &JobSpec) -> u64 {
    if let Some(bytes) = spec.global("mt_memory").and_then(parse_integer) {
        return bytes.max(0) as u64;
    }
    if spec.outputs.iter().all(FileSpec::is_copied) && spec.global("filter_complex").is_none() {
        COPY_BYTES
    } else {
        CODING_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_given_out_and_taken_back() {
        let budget = Budget::new(100);
        assert_eq!(budget.reserve(60, true), Reserved::Yes);
        assert_eq!(budget.reserve(60, true), Reserved::NotNow);
        assert_eq!(budget.reserve(60, false), Reserved::Yes, "the first job always runs");
        budget.release(60);
        assert_eq!((budget.reserved_bytes(), budget.limit_bytes()), (60, 100));
        assert_eq!(budget.check(101).err().map(|e| e.code()), Some(Code::LIMIT));
    }

    #[test]
    fn a_default_comes_from_the_machine() {
        let limit = Budget::new(0).limit_bytes();
        assert!(limit > 1 << 20, "{limit}");
    }
}
