//! Engines: limits, shutdown, the descriptor that says which job has something to tell.

use super::engine_config::{DEFAULTS, convert, mt_transcode_engine_config, queue_limit};
use super::handle::{Target, insert, mt_transcode_engine, remove};
use super::structs::{self, Sized32};
use super::{guard, guard_with_error, handle, mt_transcode_error, out, owned};
use crate::error::{Code, Error};
use crate::job::Engine;
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// Makes an engine. Several may live in one process and do not disturb each other. Nothing of the process changes by it beyond
/// what `config` asks for: no signal handler, locale, environment or atexit; threads start with the first job. With musl, threads of the process that ask
/// for no stack size get at least 2 MiB from then on, since FFmpeg's ask for none and 128 KiB are too little for them.
///
/// - `config`: NULL for the defaults, else an initialised configuration; it is copied.
/// - `engine_out`: the new engine; the caller frees it with `mt_transcode_engine_free`.
/// - `error_out`: NULL, or a place for the error's text when the call fails; the caller frees that with `mt_transcode_error_free`.
///
/// Returns 0; `-EINVAL` (a NULL `engine_out`, an unknown flag, a bad `struct_size`), `-E2BIG` (fields are set that this library
/// does not know), `MT_TRANSCODE_EUNSUPPORTED` (the FFmpeg loaded has another major version than the one built against, or
/// is not LGPL where that was required), `-EMFILE`/`-ENFILE`.
/// With `MT_TRANSCODE_ISOLATION_PROCESS`: `MT_TRANSCODE_ESPAWN_FAILED` where the worker program is not found, or of another release.
/// Threads: any. Blocks only to load code, and until the worker program has loaded its own. Since 0.1.
///
/// # Safety
/// The pointers are NULL or valid as said; `config` has `struct_size` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_new(
    config: *const mt_transcode_engine_config,
    engine_out: *mut *mut mt_transcode_engine,
    error_out: *mut *mut mt_transcode_error,
) -> i32 {
    guard_with_error(error_out, || {
        let engine_out = out(engine_out, "engine_out")?;
        let config = match config.is_null() {
            true => DEFAULTS,
            // SAFETY: passed on from the caller.
            false => unsafe { structs::read(config, DEFAULTS, "config")? },
        };
        // SAFETY: its path is terminated, by contract.
        let config = unsafe { convert(&config)? };
        let token = insert(Target::Engine(Engine::new(config)?))?;
        // SAFETY: not null, writable by contract.
        unsafe { engine_out.write(token) };
        Ok(0)
    })
}

/// Changes the limits of an engine while it runs; both as in `mt_transcode_engine_config`. A lower `max_running` lets
/// running jobs end; a lower `max_queued` keeps those that wait already.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM` after fork. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `engine` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_set_limits(
    engine: *mut mt_transcode_engine,
    max_running: u32,
    max_queued: u32,
) -> i32 {
    guard(|| {
        handle::engine(engine)?.set_limits(max_running, queue_limit(max_queued));
        Ok(0)
    })
}

/// What became of the jobs that an engine had when it was shut down.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct mt_transcode_shutdown_counts {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// Jobs that ended by themselves within the time.
    pub finished: u32,
    /// Jobs that were stopped: their outputs have trailers and play.
    pub stopped: u32,
    /// Running jobs that had to be cancelled.
    pub cancelled: u32,
    /// Queued jobs that never ran; they ended with `-ECANCELED`.
    pub never_ran: u32,
    /// Jobs whose thread is still inside a call that cannot be interrupted.
    pub detached: u32,
}

// SAFETY: integers only, without padding.
unsafe impl Sized32 for mt_transcode_shutdown_counts {
    const SMALLEST: usize = 24;
}

/// Ends an engine in good order. From the moment of the call new jobs are refused with `-ESHUTDOWN` and queued ones end with
/// `-ECANCELED`. Running jobs may end by themselves for `timeout_ms`; then they are stopped (outputs get their
/// trailers) and have two more seconds; then they are cancelled. The engine stays to be asked (stats, jobs) and freed.
///
/// - `timeout_ms`: 0 stops at once; negative waits without end.
/// - `counts_out`: NULL, or a struct whose `struct_size` the caller has set.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Blocks for `timeout_ms` + 2,000 ms + 650 ms at most.
/// Threads: any; a second call waits too, and counts what it saw itself. Since 0.1.
///
/// # Safety
/// `engine` may be any value; `counts_out` is NULL or points to its `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_shutdown(
    engine: *mut mt_transcode_engine,
    timeout_ms: i64,
    counts_out: *mut mt_transcode_shutdown_counts,
) -> i32 {
    guard(|| {
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let counts = handle::engine(engine)?.shutdown(timeout);
        if !counts_out.is_null() {
            let c = mt_transcode_shutdown_counts {
                struct_size: 0,
                finished: counts.finished,
                stopped: counts.stopped,
                cancelled: counts.cancelled,
                never_ran: counts.never_ran,
                detached: counts.detached,
            };
            // SAFETY: passed on from the caller.
            unsafe { structs::write(counts_out, &c, "counts_out")? };
        }
        Ok(0)
    })
}

/// Frees an engine: jobs that still run are cancelled, its threads are joined, its descriptors closed. Jobs of it that the
/// host has not freed stay valid handles; those that were started are in their final state. NULL, and a handle that was freed already, do nothing.
///
/// Ownership: takes the engine. Threads: any. Blocks 650 ms at most. Since 0.1.
///
/// # Safety
/// `engine` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_free(engine: *mut mt_transcode_engine) {
    guard(|| {
        if let Some(Target::Engine(engine)) = remove(engine) {
            engine.close();
        }
        Ok(0)
    });
}

/// Lists the jobs of an engine as JSON: `[{"id":1,"label":"...","state":"running","position_us":...,"command":"..."}]`, newest last, secrets
/// masked.
///
/// - `json_out`: freed with `mt_transcode_string_free`.
///
/// Returns 0, `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks for long. Since 0.1.
///
/// # Safety
/// `engine` may be any value; `json_out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_jobs(
    engine: *const mt_transcode_engine,
    json_out: *mut *mut c_char,
) -> i32 {
    guard(|| {
        let json_out = out(json_out, "json_out")?;
        let json = handle::engine(engine)?.jobs_json();
        // SAFETY: not null, writable by contract.
        unsafe { json_out.write(owned(&json)) };
        Ok(0)
    })
}

/// A job has an event to be pulled.
pub const MT_TRANSCODE_READY_EVENT: u32 = 1;
/// A job is in its final state.
pub const MT_TRANSCODE_READY_DONE: u32 = 2;
/// A pipe that is watched can be read: there are bytes, or the end.
pub const MT_TRANSCODE_READY_READABLE: u32 = 4;
/// A pipe that is watched can be written: there is room, or the reader is gone.
pub const MT_TRANSCODE_READY_WRITABLE: u32 = 8;
/// An output that joined a job is final: `mt_transcode_output_state` tells which.
pub const MT_TRANSCODE_READY_OUTPUT: u32 = 16;

/// Returns one descriptor for all jobs of an engine: an eventfd, readable (POLLIN) while any of them is ready, so that
/// thousands of jobs need one place in a poll set. Do not read from it: call `mt_transcode_engine_next_ready` until it gives
/// `-EAGAIN`.
///
/// Ownership: the library's, open until the engine is freed; CLOEXEC and non-blocking. A host whose runtime closes
/// descriptors itself (Go) makes a dup of it.
/// Returns the descriptor, or `-EMFILE`, `-ENFILE`, `-EBADF`, `-EINVAL`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `engine` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_event_fd(engine: *mut mt_transcode_engine) -> i32 {
    guard(|| handle::engine(engine)?.event_fd())
}

/// Takes the next ready job or pipe off an engine's list. It stays the host's as before; no new reference is made.
/// After `MT_TRANSCODE_READY_EVENT`, pull the job's events until `-EAGAIN`; the job comes again only for newer ones. A pipe comes once for each
/// `mt_transcode_pipe_watch`.
///
/// - `handle_out`: the handle that `mt_transcode_job_new` gave, with EVENT, DONE or OUTPUT, or `mt_transcode_pipe_new`, with READABLE or WRITABLE.
///   What was freed never comes.
/// - `bits_out`: `MT_TRANSCODE_READY_*` or-ed together.
///
/// Returns 0, `-EAGAIN` (nothing is ready), `-EINVAL`, `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `engine` may be any value; the out-pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_next_ready(
    engine: *mut mt_transcode_engine,
    handle_out: *mut *mut c_void,
    bits_out: *mut u32,
) -> i32 {
    guard(|| {
        let (handle_out, bits_out) = (out(handle_out, "handle_out")?, out(bits_out, "bits_out")?);
        let (token, bits) =
            handle::engine(engine)?.next_ready().ok_or_else(|| Error::new(Code::EAGAIN, "nothing is ready".into()))?;
        // SAFETY: not null, writable by contract.
        unsafe {
            handle_out.write(std::ptr::without_provenance_mut(token));
            bits_out.write(bits);
        }
        Ok(0)
    })
}
