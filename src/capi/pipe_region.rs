//! The memory of a pipe itself: writing and reading without a copy.

use super::handle::{self, mt_transcode_pipe, remove};
use super::pipe::wait_of;
use super::{guard, out};
use crate::error::{Code, Error};
use crate::job::HostPipe;

/// Gives the host free memory of a pipe to write into, instead of `mt_transcode_pipe_write`. Until `mt_transcode_pipe_commit` the writing
/// side is taken, and the memory stays valid, even when the pipe is freed meanwhile.
///
/// - `timeout_ms`: 0 does not wait for room; negative waits without end.
/// - `region_out`, `size_bytes_out`: the memory and its size, at least one byte; what lies in one piece, which may be less than what is free.
///
/// Returns 0, or as `mt_transcode_pipe_write`. Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
///
/// # Safety
/// `pipe` may be any value; the out-pointers are NULL or writable. The memory must not be used after the commit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_acquire(
    pipe: *mut mt_transcode_pipe,
    timeout_ms: i64,
    region_out: *mut *mut u8,
    size_bytes_out: *mut u64,
) -> i32 {
    guard(|| {
        let (region_out, size_out) = (out(region_out, "region_out")?, out(size_bytes_out, "size_bytes_out")?);
        let (region, length) = handle::pipe(pipe)?.pipe.acquire(wait_of(timeout_ms))?;
        // SAFETY: not null, writable by contract.
        unsafe {
            region_out.write(region);
            size_out.write(length as u64);
        }
        Ok(0)
    })
}

/// Passes on the first `size_bytes` of what was acquired; 0 gives the memory back.
///
/// Returns 0, `-EINVAL` (nothing was acquired, or less than that: then it stays acquired), `-EPIPE` (nobody reads any more), `-EBADF` (the pipe
/// was freed; the memory is given back), `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_commit(pipe: *mut mt_transcode_pipe, size_bytes: u64) -> i32 {
    guard(|| finish(pipe, |target| target.pipe.commit(size_bytes)))
}

/// Shows the host the bytes at the front of a pipe, instead of `mt_transcode_pipe_read`. Until `mt_transcode_pipe_consume` the reading side is
/// taken, and the memory stays valid and unchanged, even when the pipe is freed meanwhile.
///
/// - `timeout_ms`: 0 does not wait for bytes; negative waits without end.
/// - `region_out`, `size_bytes_out`: the memory and its size; what lies in one piece, which may be less than what is there. 0 at the end, when
///   nothing is taken and nothing is to be consumed.
///
/// Returns 0, or as `mt_transcode_pipe_read`. Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
///
/// # Safety
/// `pipe` may be any value; the out-pointers are NULL or writable. The memory must not be used after it was consumed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_peek(
    pipe: *mut mt_transcode_pipe,
    timeout_ms: i64,
    region_out: *mut *const u8,
    size_bytes_out: *mut u64,
) -> i32 {
    guard(|| {
        let (region_out, size_out) = (out(region_out, "region_out")?, out(size_bytes_out, "size_bytes_out")?);
        let (region, length) = handle::pipe(pipe)?.pipe.peek(wait_of(timeout_ms))?;
        // SAFETY: not null, writable by contract.
        unsafe {
            region_out.write(region);
            size_out.write(length as u64);
        }
        Ok(0)
    })
}

/// Takes the first `size_bytes` of what was peeked at off the pipe; 0 leaves all of it there.
///
/// Returns 0, `-EINVAL` (nothing was peeked at, or less than that: then it stays so), `-EBADF` (the pipe was freed; the memory is given
/// back), `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_consume(pipe: *mut mt_transcode_pipe, size_bytes: u64) -> i32 {
    guard(|| finish(pipe, |target| target.pipe.consume(size_bytes)))
}

/// Gives a region back; the handle of a freed pipe ends with its last region.
fn finish(pipe: *mut mt_transcode_pipe, body: impl FnOnce(&HostPipe) -> Result<(), Error>) -> Result<i32, Error> {
    let target = handle::pipe(pipe)?;
    let result = body(&target);
    if !target.pipe.is_freed() {
        return result.map(|()| 0);
    }
    if !target.pipe.has_region_out() {
        remove(pipe);
    }
    Err(Error::new(Code::EBADF, "the pipe was freed".into()))
}
