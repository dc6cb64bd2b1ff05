//! Whole inputs and outputs in memory: nothing of the host's is called while the job runs, and no thread of its has to.

use super::handle::{self, mt_transcode_job};
use super::{guard, out, text};
use crate::error::Error;
use crate::job::{DEFAULT_BUFFER_BYTES, HostBytes, InMemory};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};

/// Binds a whole input in memory to a job: `mt:NAME` is then the URL of one input of it, which can seek and whose size is known. Nothing of the
/// host's is called while the job runs.
///
/// - `data`, `size_bytes`: NULL only with 0.
/// - `release`: NULL: the bytes are copied by this call, and count in the engine's `memory_reserved_bytes` until the input is closed. Else they are borrowed:
///   they must stay as they are until `release(user)` is called, exactly once, when nobody looks at them any more, possibly long after the job was freed; on any
///   thread, also inside `mt_transcode_job_free`. From a successful call on it will be called; when the call fails, it is not.
///
/// Returns 0, `-EINVAL`, `-EILSEQ`, `-EEXIST` (the name is bound in this job), `-ENOMEM`, `-EBUSY` (the job was started), `-EBADF`, `-EPERM`.
/// Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `name` is NULL or NUL-terminated; `data` has `size_bytes` readable bytes, for as long as was said. `release` may be called from
/// any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_bind_memory(
    job: *mut mt_transcode_job,
    name: *const c_char,
    data: *const u8,
    size_bytes: u64,
    release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    user: *mut c_void,
) -> i32 {
    guard(|| {
        let job = handle::job(job)?;
        // SAFETY: passed on from the caller.
        let name = unsafe { text(name, "name")? };
        let Some(size_bytes) = isize::try_from(size_bytes).ok().filter(|size| *size == 0 || !data.is_null()) else {
            return Err(Error::invalid(format!("data is NULL or larger than memory: {size_bytes} bytes")));
        };
        let data = if size_bytes == 0 { std::ptr::NonNull::dangling().as_ptr() } else { data };
        let size_bytes = size_bytes.unsigned_abs();
        let bound = match release {
            // SAFETY: not null, and as many readable bytes by contract; they are copied before this returns.
            None => job.bind_copy(name, unsafe { std::slice::from_raw_parts(data, size_bytes) }),
            Some(release) => {
                let borrowed = Borrowed { data, size_bytes, release: Some(release), user };
                job.bind_io(name, Box::new(InMemory::new(borrowed))).map_err(|(error, stream)| {
                    super::bind::forget(stream);
                    error
                })
            }
        };
        bound.inspect_err(|error| job.keep_error(error))?;
        Ok(0)
    })
}

/// Bytes of the host's, which are released when this is dropped.
struct Borrowed {
    data: *const u8,
    size_bytes: usize,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
    user: *mut c_void,
}

// SAFETY: the host says that its bytes do not change, and that `release` may be called from any thread.
unsafe impl Send for Borrowed {}

impl HostBytes for Borrowed {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the host keeps them as they are until they are released, which is when this is dropped.
        unsafe { std::slice::from_raw_parts(self.data, self.size_bytes) }
    }

    fn disown(&mut self) {
        self.release = None;
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the host's function, called once.
            unsafe { release(self.user) };
        }
    }
}

/// Binds a buffer of the library's to a job: `mt:NAME` is then the URL of one output of it, which can seek, and can be read back by its muxer. The
/// buffer grows as it is written to, and counts in the engine's `memory_reserved_bytes` with what it holds. The job never waits for the host. When it has ended,
/// `mt_transcode_job_take_buffer` gives what was written; a job that is freed takes the buffer along.
///
/// - `limit_bytes`: how many bytes the output may have; what passes it makes the job fail with `MT_TRANSCODE_ELIMIT`. 0: 64 MiB. UINT64_MAX: no limit.
///
/// Returns 0, `-EINVAL`, `-EILSEQ`, `-EEXIST` (the name is bound in this job), `-EBUSY` (the job was started), `-EBADF`, `-EPERM`. Threads: any. Never
/// blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `name` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_bind_buffer(
    job: *mut mt_transcode_job,
    name: *const c_char,
    limit_bytes: u64,
) -> i32 {
    guard(|| {
        let job = handle::job(job)?;
        // SAFETY: passed on from the caller.
        let name = unsafe { text(name, "name")? };
        let limit_bytes = if limit_bytes == 0 { DEFAULT_BUFFER_BYTES } else { limit_bytes };
        job.bind_buffer(name, limit_bytes).inspect_err(|error| job.keep_error(error))?;
        Ok(0)
    })
}

/// Takes what a job wrote to a buffer, without a copy: after the job has ended, well or not; what a job that failed wrote until then may be of use.
///
/// - `data_out`: freed with `mt_transcode_buffer_free`, before or after the job. NULL where nothing was written.
///
/// Returns 0, `-EBUSY` (the job has not ended), `-EALREADY` (it was taken before), `-ENOENT` (no buffer of the job has that name), `-EINVAL`, `-EILSEQ`,
/// `-EBADF`, `-EPERM`. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `job` may be any value; `name` is NULL or NUL-terminated; the out-pointers are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_job_take_buffer(
    job: *mut mt_transcode_job,
    name: *const c_char,
    data_out: *mut *mut u8,
    size_bytes_out: *mut u64,
) -> i32 {
    guard(|| {
        let (data_out, size_out) = (out(data_out, "data_out")?, out(size_bytes_out, "size_bytes_out")?);
        // SAFETY: passed on from the caller.
        let name = unsafe { text(name, "name")? };
        let mut taken = handle::job(job)?.take_buffer(name)?;
        let size_bytes = taken.len() as u64;
        let data = if taken.is_empty() { std::ptr::null_mut() } else { taken.as_mut_ptr() };
        if !data.is_null() {
            TAKEN.lock().insert(data.addr(), taken);
        }
        // SAFETY: not null, writable by contract.
        unsafe {
            data_out.write(data);
            size_out.write(size_bytes);
        }
        Ok(0)
    })
}

/// Buffers that the host has, by address: so that it need not say their sizes, and one that is no buffer, or was freed, is told from those.
static TAKEN: Mutex<BTreeMap<usize, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// Frees what `mt_transcode_job_take_buffer` gave. NULL, and what was freed already, do nothing. Threads: any. Never blocks. Since 0.1.
///
/// # Safety
/// `data` may be any value: it is checked. It must not be used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_buffer_free(data: *mut u8) {
    guard(|| {
        if !data.is_null() && !crate::job::after_fork() {
            let taken = TAKEN.lock().remove(&data.addr());
            drop(taken); // outside of the lock
        }
        Ok(0)
    });
}
