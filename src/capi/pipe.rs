//! Pipes: bounded memory between the host and a job.

use super::handle::{self, Target, insert, mt_transcode_engine, mt_transcode_pipe, remove};
use super::structs::{self, Sized32};
use super::{guard, guard64, out};
use crate::error::Error;
use crate::job::{FLUSH_CHUNKS, HostPipe, PipeConfig, Wait};
use std::mem::size_of;
use std::time::Duration;

/// For `flush_interval_ms`: what a job writes is passed on when a chunk is full, and at the end.
pub const MT_TRANSCODE_FLUSH_CHUNKS: i32 = -1;
const _: () = assert!(MT_TRANSCODE_FLUSH_CHUNKS == FLUSH_CHUNKS);

/// Configuration of a pipe. Fill it with `mt_transcode_pipe_config_init`, then change what should differ.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_pipe_config {
    /// Size of this struct in bytes, set by `_init`.
    pub struct_size: u32,
    /// How many bytes a job reads or writes at once, at least 512 and at most the capacity. 0: 65,536.
    pub chunk_bytes: u32,
    /// How many bytes the pipe holds, 4 KiB to 1 GiB. 0: 1 MiB. Memory that was never written to costs nothing.
    pub capacity_bytes: u64,
    /// When what a job writes reaches the reader. 0: at once. N: after N milliseconds at the latest, or when a chunk is full.
    /// `MT_TRANSCODE_FLUSH_CHUNKS`: when a chunk is full, and at the end. `_init` sets 40. What the host writes is always passed on at once.
    pub flush_interval_ms: i32,
    /// How full the pipe is when `MT_TRANSCODE_EVENT_PIPE_HIGH_WATER` comes, in per cent, 1 to 100. 0: 90.
    pub high_water_percent: u32,
    /// Zero.
    pub reserved: [u64; 4],
}

// SAFETY: integers only, without padding.
unsafe impl Sized32 for mt_transcode_pipe_config {
    const SMALLEST: usize = 56;
}
const _: () = assert!(size_of::<mt_transcode_pipe_config>() == 56);

const DEFAULTS: mt_transcode_pipe_config = mt_transcode_pipe_config {
    struct_size: size_of::<mt_transcode_pipe_config>() as u32,
    chunk_bytes: 0,
    capacity_bytes: 0,
    flush_interval_ms: PipeConfig::DEFAULT_FLUSH_MS,
    high_water_percent: 0,
    reserved: [0; 4],
};

/// Fills `config` with the defaults. `struct_size` is `sizeof(mt_transcode_pipe_config)` as the caller was compiled.
///
/// Returns 0, or `-EINVAL` for NULL or a size that no release had. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `config` is NULL or points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_config_init(config: *mut mt_transcode_pipe_config, struct_size: u32) -> i32 {
    guard(|| {
        let config = out(config, "config")?;
        if (struct_size as usize) < mt_transcode_pipe_config::SMALLEST {
            return Err(Error::invalid(format!("struct_size {struct_size} is too small")));
        }
        // SAFETY: the caller gives struct_size writable bytes; `write` checks the size before it writes more than these four.
        unsafe {
            config.cast::<u32>().write(struct_size);
            structs::write(config, &DEFAULTS, "config")?;
        }
        Ok(0)
    })
}

/// 0 never waits, a negative time waits without end.
pub(super) fn wait_of(timeout_ms: i64) -> Wait {
    match u64::try_from(timeout_ms) {
        Ok(0) => Wait::Never,
        Ok(ms) => Wait::For(Duration::from_millis(ms)),
        Err(_) => Wait::Forever,
    }
}

/// Makes a pipe. One side writes and the other reads; each side belongs to the host until it is bound to a job
/// (`mt_transcode_job_bind_pipe`). A pipe may connect the host with a job in either direction, or two jobs with each other.
///
/// - `config`: NULL for the defaults, else an initialised configuration; it is copied.
/// - `pipe_out`: freed with `mt_transcode_pipe_free`, before or after the engine and the jobs.
///
/// Returns 0, `-EINVAL` (a size that makes no sense), `-EAGAIN` (the engine's memory budget is used up now), `MT_TRANSCODE_ELIMIT` (it is
/// smaller than this pipe), `-ENOMEM`, `-E2BIG`, `-ESHUTDOWN`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `engine` may be any value; the pointers are NULL or valid as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_new(
    engine: *mut mt_transcode_engine,
    config: *const mt_transcode_pipe_config,
    pipe_out: *mut *mut mt_transcode_pipe,
) -> i32 {
    guard(|| {
        let pipe_out = out(pipe_out, "pipe_out")?;
        let engine = handle::engine(engine)?;
        let config = match config.is_null() {
            true => DEFAULTS,
            // SAFETY: passed on from the caller.
            false => unsafe { structs::read(config, DEFAULTS, "config")? },
        };
        if config.reserved != [0; 4] {
            return Err(Error::invalid("config has a reserved field that is not zero".into()));
        }
        let config = PipeConfig::new(
            config.capacity_bytes,
            config.chunk_bytes,
            config.flush_interval_ms,
            config.high_water_percent,
        )?;
        let pipe = HostPipe::new(&engine, config)?;
        let token = insert::<mt_transcode_pipe>(Target::Pipe(pipe.clone())).inspect_err(|_| pipe.free())?;
        pipe.set_token(token.addr());
        // SAFETY: not null, writable by contract.
        unsafe { pipe_out.write(token) };
        Ok(0)
    })
}

/// Writes bytes, and waits for room.
///
/// - `data`: `size_bytes` readable bytes; NULL only with 0. With 0 bytes it only asks whether writing is possible.
/// - `timeout_ms`: 0 writes what fits now; negative waits until all is written.
///
/// Returns how many bytes were written: all of them, or fewer when the time was over or the reader left in between. `-EAGAIN` (timeout 0) and
/// `-ETIMEDOUT`: none. `-EPIPE`: nobody reads any more, or writing was closed. `-EBUSY`: this side belongs to a job, or another call or an
/// acquired region has it now. `-EINVAL`, `-EBADF` (also when the pipe is freed meanwhile), `-EPERM`.
/// Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
///
/// # Safety
/// `pipe` may be any value; `data` has `size_bytes` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_write(
    pipe: *mut mt_transcode_pipe,
    data: *const u8,
    size_bytes: u64,
    timeout_ms: i64,
) -> i64 {
    guard64(|| {
        let pipe = handle::pipe(pipe)?;
        let data = match length_of(data, size_bytes, "data")? {
            0 => &[],
            // SAFETY: not null, and readable for its length by contract.
            length => unsafe { std::slice::from_raw_parts(data, length) },
        };
        pipe.pipe.write(data, wait_of(timeout_ms))
    })
}

/// Reads bytes, and waits for the first.
///
/// - `buffer`: `size_bytes` writable bytes; NULL only with 0, which returns 0.
/// - `timeout_ms`: 0 reads what is there; negative waits without end.
///
/// Returns how many bytes were read, at least one; 0 at the end. Behind the last byte, the negative code that the writer closed the pipe with, if
/// it was not 0: for a job that failed, its result. `-EAGAIN` (timeout 0) and `-ETIMEDOUT`: nothing is there. `-EPIPE`: reading was closed. `-EBUSY`: this
/// side belongs to a job, or another call or a peek has it now. `-EINVAL`, `-EBADF` (also when the pipe is freed meanwhile), `-EPERM`.
/// Threads: one at a time. Blocks for `timeout_ms` at most. Since 0.1.
///
/// # Safety
/// `pipe` may be any value; `buffer` has `size_bytes` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_read(
    pipe: *mut mt_transcode_pipe,
    buffer: *mut u8,
    size_bytes: u64,
    timeout_ms: i64,
) -> i64 {
    guard64(|| {
        let pipe = handle::pipe(pipe)?;
        let buffer = match length_of(buffer, size_bytes, "buffer")? {
            0 => &mut [],
            // SAFETY: not null, and writable for its length by contract; only written to.
            length => unsafe { std::slice::from_raw_parts_mut(buffer, length) },
        };
        pipe.pipe.read(buffer, wait_of(timeout_ms))
    })
}

fn length_of(pointer: *const u8, size_bytes: u64, what: &str) -> Result<usize, Error> {
    match isize::try_from(size_bytes) {
        Ok(length) if length == 0 || !pointer.is_null() => Ok(length as usize),
        Ok(_) => Err(Error::invalid(format!("{what} is NULL"))),
        Err(_) => Err(Error::invalid(format!("size_bytes {size_bytes} is absurd"))),
    }
}

/// Ends writing.
///
/// - `code`: 0 for a good end; a negative code reaches the reader behind the last byte: as the result of `mt_transcode_pipe_read`, or as
///   the error of the job that reads.
///
/// Returns 0, `-EALREADY` (it was ended before, by this call or because the job that wrote is done), `-EBUSY` (the side belongs to a job), `-EINVAL`
/// (a positive code), `-EBADF`, `-EPERM`. Threads: any, also while another one is inside a call on the pipe: that returns. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_close_write(pipe: *mut mt_transcode_pipe, code: i32) -> i32 {
    guard(|| {
        handle::pipe(pipe)?.pipe.close_write(code)?;
        Ok(0)
    })
}

/// Ends reading: the writer gets `-EPIPE`, and a job that writes fails with it.
///
/// Returns 0, `-EALREADY`, `-EBUSY` (the side belongs to a job), `-EBADF`, `-EPERM`. Threads: any, also while another one is inside a call on the
/// pipe: that returns. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_close_read(pipe: *mut mt_transcode_pipe) -> i32 {
    guard(|| {
        handle::pipe(pipe)?.pipe.close_read()?;
        Ok(0)
    })
}

/// Frees a pipe. A side that is still the host's counts as broken off: a job that reads gets the error `-EPIPE` behind the last byte, unless
/// writing was closed before; one that writes gets `-EPIPE`. Calls that wait return `-EBADF`. A region that is out stays valid until
/// `mt_transcode_pipe_commit` or `mt_transcode_pipe_consume`, the only calls that such a handle still takes. NULL, and a handle that was
/// freed already, do nothing.
///
/// Ownership: takes the pipe; a job keeps what it needs of it. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `pipe` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_pipe_free(pipe: *mut mt_transcode_pipe) {
    guard(|| {
        if let Ok(target) = handle::pipe(pipe) {
            target.free();
            if !target.pipe.has_region_out() {
                remove(pipe);
            }
        }
        Ok(0)
    });
}
