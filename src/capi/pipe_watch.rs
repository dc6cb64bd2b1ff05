//! When a pipe can go on, and what it has done.

use super::guard;
use super::handle::{self, mt_transcode_pipe};
use super::structs::{self, Sized32};
use crate::job::{PipeStats, Side};
use std::mem::size_of;

/// Returns an eventfd that is readable (POLLIN) while `mt_transcode_pipe_read` would not give `-EAGAIN`. Do not read from it.
///
/// Ownership: the library's, made at the first call, open until the pipe is freed; CLOEXEC and non-blocking.
/// Returns the descriptor, or `-EMFILE`, `-ENFILE`, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_readable_fd(pipe: *mut mt_transcode_pipe) -> i32 {
    guard(|| handle::pipe(pipe)?.pipe.fd(Side::Read))
}

/// Returns an eventfd that is readable (POLLIN) while `mt_transcode_pipe_write` would not give `-EAGAIN`. After the pipe was full it becomes
/// readable only when there is room for a chunk (or half of the capacity, where that is less), so that a writer is not woken for each byte. Do not
/// read from it. Ownership, results and threads: as `mt_transcode_pipe_readable_fd`. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_writable_fd(pipe: *mut mt_transcode_pipe) -> i32 {
    guard(|| handle::pipe(pipe)?.pipe.fd(Side::Write))
}

/// Asks to be told once by `mt_transcode_engine_next_ready` when the pipe's descriptors would say so: so that thousands of pipes
/// need only the engine's one descriptor. It comes at once where it is so already; to be told again, ask again.
///
/// - `bits`: `MT_TRANSCODE_READY_READABLE` and `MT_TRANSCODE_READY_WRITABLE`, one or both; calls add up.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_watch(pipe: *mut mt_transcode_pipe, bits: u32) -> i32 {
    guard(|| {
        handle::pipe(pipe)?.pipe.watch(bits)?;
        Ok(0)
    })
}

/// What a pipe has done so far.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_pipe_stats_data {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// Bit 0: writing has ended; bit 1: reading has ended.
    pub closed: u32,
    /// As configured, in bytes.
    pub capacity_bytes: u64,
    pub chunk_bytes: u64,
    /// Bytes in the pipe now, and at the most.
    pub fill_bytes: u64,
    pub high_water_bytes: u64,
    /// Bytes that were written and read in all, and in how many turns.
    pub written_bytes: u64,
    pub read_bytes: u64,
    pub writes: u64,
    pub reads: u64,
    /// How long it was full, and empty while somebody could still write, in microseconds: the reader is the slow one, or the writer.
    pub full_us: u64,
    pub empty_us: u64,
}

// SAFETY: integers only, without padding.
unsafe impl Sized32 for mt_transcode_pipe_stats_data {
    const SMALLEST: usize = size_of::<Self>();
}
const _: () = assert!(size_of::<mt_transcode_pipe_stats_data>() == 88);

impl mt_transcode_pipe_stats_data {
    fn from(stats: &PipeStats) -> Self {
        Self {
            struct_size: 0,
            closed: u32::from(stats.is_write_closed) | u32::from(stats.is_read_closed) << 1,
            capacity_bytes: stats.capacity_bytes,
            chunk_bytes: stats.chunk_bytes,
            fill_bytes: stats.fill_bytes,
            high_water_bytes: stats.high_water_bytes,
            written_bytes: stats.written_bytes,
            read_bytes: stats.read_bytes,
            writes: stats.writes,
            reads: stats.reads,
            full_us: stats.full_us,
            empty_us: stats.empty_us,
        }
    }
}

/// Fills `stats_out` with the numbers of a pipe.
///
/// - `stats_out`: its `struct_size` set by the caller to its sizeof.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value; `stats_out` is NULL or points to its `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_stats(
    pipe: *const mt_transcode_pipe,
    stats_out: *mut mt_transcode_pipe_stats_data,
) -> i32 {
    guard(|| {
        let stats = mt_transcode_pipe_stats_data::from(&handle::pipe(pipe)?.pipe.stats());
        // SAFETY: passed on from the caller.
        unsafe { structs::write(stats_out, &stats, "stats_out")? };
        Ok(0)
    })
}
