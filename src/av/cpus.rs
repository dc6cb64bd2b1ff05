//! How many processors this process may use: the one place that counts them.

use super::{cgroup, ffi};

/// What FFmpeg and its codecs count: the affinity, or all of the machine's. They know nothing of a cgroup's quota.
pub fn counted_by_ffmpeg() -> u32 {
    // SAFETY: asks the system; no arguments.
    unsafe { ffi::av_cpu_count() }.max(1) as u32
}

/// The affinity, and no more than the cgroup's quota: half a processor counts as one, so that none of the quota is left unused.
pub fn usable() -> u32 {
    cgroup::cpu_quota().map_or(u32::MAX, |cpus| cpus.ceil() as u32).clamp(1, counted_by_ffmpeg())
}
