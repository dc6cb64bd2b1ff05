//! What `mt:NAME` stands for in a job: a pipe, bytes with seeking, a store of many files.

use super::callbacks::{Callbacks, StoreCallbacks};
use super::handle::{self, mt_transcode_job, mt_transcode_pipe};
use super::structs::{self, Sized32};
use super::{guard, text};
use crate::error::Error;
use crate::job::{ByteStream, HostStore, Side};
use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The job reads the pipe: it is an input.
pub const MT_TRANSCODE_SIDE_READ: u32 = 1;
/// The job writes the pipe: it is an output.
pub const MT_TRANSCODE_SIDE_WRITE: u32 = 2;

/// Binds a side of a pipe to a job: `mt:NAME` is then the URL of an input (`MT_TRANSCODE_SIDE_READ`) or output
/// (`MT_TRANSCODE_SIDE_WRITE`) of it. The host keeps the other side, or binds it to another job. An output needs its format named ("f"), as there
/// is no file name to guess it from.
///
/// When the job ends, its side ends: a reader sees the end of the output, or the code that the output or the job failed with (`-ECANCELED` after
/// a cancel); a writer gets `-EPIPE`. A job that is freed before its start gives the side back.
///
/// - `name`: 1 to 64 letters, digits, '.', '_' or '-'.
///
/// A job that was started takes sides to write, for outputs that join it; such a side ends with its output, and the name is free again.
///
/// Returns 0, `-EINVAL`, `-EILSEQ`, `-EEXIST` (the name is bound in this job), `-EBUSY` (that side is bound already, or in use; or the job was started and
/// the side is one to read, or it ends), `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` and `pipe` may be any value; `name` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_bind_pipe(
    job: *mut mt_transcode_job,
    name: *const c_char,
    pipe: *mut mt_transcode_pipe,
    side: u32,
) -> i32 {
    guard(|| {
        let (job, pipe) = (handle::job(job)?, handle::pipe(pipe)?);
        // SAFETY: passed on from the caller.
        let name = unsafe { text(name, "name")? };
        let side = match side {
            MT_TRANSCODE_SIDE_READ => Side::Read,
            MT_TRANSCODE_SIDE_WRITE => Side::Write,
            other => return Err(Error::invalid(format!("side {other} is neither READ nor WRITE"))),
        };
        job.bind_pipe(name, &pipe, side).inspect_err(|error| job.keep_error(error))?;
        Ok(0)
    })
}

/// Bytes of the host's that can seek: callbacks. They are called on threads of the job, never two at the same time for one bind, and
/// may block; a cancel then waits for them up to 650 ms, after which the job is `MT_TRANSCODE_EDETACHED`. A callback may call any function of the
/// library; waiting for its own job there gives `-EDEADLK`, and freeing it is carried out when the job ends. A C++ or Go panic must not leave it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_io {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// Zero.
    pub reserved32: u32,
    /// The first argument of every callback.
    pub user: *mut c_void,
    /// Reads up to `size_bytes`: returns how many, 0 at the end, or a negative code, which becomes the job's. NULL: it cannot be read.
    pub read: Option<unsafe extern "C" fn(user: *mut c_void, buffer: *mut u8, size_bytes: u64) -> i64>,
    /// Writes up to `size_bytes`: returns how many, at least one, or a negative code. NULL: it cannot be written.
    pub write: Option<unsafe extern "C" fn(user: *mut c_void, data: *const u8, size_bytes: u64) -> i64>,
    /// Goes to a position from the beginning: returns it, or a negative code. NULL: it cannot seek.
    pub seek: Option<unsafe extern "C" fn(user: *mut c_void, position_bytes: i64) -> i64>,
    /// Returns the size in bytes; negative, or NULL: unknown.
    pub size: Option<unsafe extern "C" fn(user: *mut c_void) -> i64>,
    /// Called exactly once, when no callback runs or will run any more, possibly long after the job was freed: here the host frees `user`. NULL: nothing.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

// SAFETY: integers, pointers and nullable function pointers, without padding.
unsafe impl Sized32 for mt_transcode_io {
    const SMALLEST: usize = 56;
}
const _: () = assert!(size_of::<mt_transcode_io>() == 56);

/// Files of the host's, for outputs that are made of many (HLS, DASH, segments): `mt:NAME/file.m3u8` is the URL of such an output. Names are
/// relative, with '/' between folders, without "..". The callbacks are called on threads of the job, and may block, as those of `mt_transcode_io`;
/// for one file never two at the same time.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mt_transcode_store {
    /// Size of this struct in bytes; set by the caller.
    pub struct_size: u32,
    /// Zero.
    pub reserved32: u32,
    /// The first argument of every callback.
    pub user: *mut c_void,
    /// Creates a file, or replaces one: returns 0 and sets `*file_out` (which may be NULL) for the calls below; or a negative code.
    pub open: Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char, file_out: *mut *mut c_void) -> i32>,
    /// Writes up to `size_bytes`: returns how many, at least one, or a negative code.
    pub write:
        Option<unsafe extern "C" fn(user: *mut c_void, file: *mut c_void, data: *const u8, size_bytes: u64) -> i64>,
    /// Goes to a position from the beginning: returns it, or a negative code. NULL: files cannot seek; nor can one whose first call, to 0 after its
    /// open, fails.
    pub seek: Option<unsafe extern "C" fn(user: *mut c_void, file: *mut c_void, position_bytes: i64) -> i64>,
    /// Ends a file, once for each open: `code` is 0 for one that is complete, negative for one that is broken off. Returns 0, or a negative code, with
    /// which the output fails. NULL: nothing to do.
    pub close: Option<unsafe extern "C" fn(user: *mut c_void, file: *mut c_void, code: i32) -> i32>,
    /// Removes a file: returns 0, or a negative code, which is a warning of the job's. NULL: that warning comes each time.
    pub remove: Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char) -> i32>,
    /// As of `mt_transcode_io`.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

// SAFETY: integers, pointers and nullable function pointers, without padding.
unsafe impl Sized32 for mt_transcode_store {
    const SMALLEST: usize = 64;
}
const _: () = assert!(size_of::<mt_transcode_store>() == 64);

/// Binds bytes that can seek to a job: `mt:NAME` is then the URL of one input or one output of it.
///
/// - `io`: copied. From a successful call on, `release` will be called once; when the call fails, it is not.
///
/// An input that can seek, has a size of at most 1 MiB, and is not read at the pace of its media (`-re`, `-mt_live`, `-mt_source`) is read at once, to
/// memory of the job's, when it is opened.
///
/// Returns 0, `-EINVAL`, `-EILSEQ`, `-E2BIG`, `-EEXIST`, `-EBUSY` (the job was started, and this cannot be written by an output that joins it, or it ends),
/// `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `name` is NULL or NUL-terminated; `io` is NULL or has `struct_size` readable bytes. The callbacks are as said, and may be called
/// from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_bind_io(
    job: *mut mt_transcode_job,
    name: *const c_char,
    io: *const mt_transcode_io,
) -> i32 {
    guard(|| {
        let job = handle::job(job)?;
        // SAFETY: passed on from the caller; all callbacks NULL is a value of the struct.
        let (name, io) = unsafe { (text(name, "name")?, structs::read(io, std::mem::zeroed(), "io")?) };
        if io.reserved32 != 0 || io.read.is_none() && io.write.is_none() {
            return Err(Error::invalid("io has neither read nor write, or a reserved field that is not zero".into()));
        }
        job.bind_io(name, Box::new(Callbacks { io, releases: true })).map_err(|(error, stream)| {
            forget(stream);
            job.keep_error(&error);
            error
        })?;
        Ok(0)
    })
}

/// What was not bound stays the host's: it is not released.
pub(super) fn forget(stream: Option<Box<dyn ByteStream>>) {
    if let Some(mut stream) = stream {
        stream.disown();
    }
}

/// Binds files to a job: `mt:NAME/file` is then the URL of outputs of it, and of what their muxers write beside them. HLS and DASH remove what
/// they no longer need through the store too.
///
/// - `store`: copied. From a successful call on, `release` will be called once; when the call fails, it is not.
///
/// Returns and threads: as `mt_transcode_job_bind_io`. Since 0.1.
///
/// # Safety
/// As `mt_transcode_job_bind_io`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_bind_store(
    job: *mut mt_transcode_job,
    name: *const c_char,
    store: *const mt_transcode_store,
) -> i32 {
    guard(|| {
        let job = handle::job(job)?;
        // SAFETY: as above.
        let (name, store) = unsafe { (text(name, "name")?, structs::read(store, std::mem::zeroed(), "store")?) };
        if store.reserved32 != 0 || store.open.is_none() || store.write.is_none() {
            return Err(Error::invalid("store has no open or no write, or a reserved field that is not zero".into()));
        }
        let shared = Arc::new(StoreCallbacks { store, releases: true.into() });
        job.bind_store(name, Arc::clone(&shared) as Arc<dyn HostStore>).inspect_err(|error| {
            shared.releases.store(false, Relaxed);
            job.keep_error(error);
        })?;
        Ok(0)
    })
}
