//! What a profiler of the host's needs: its signal on threads of jobs, and their stacks.

use super::guard;
use crate::error::Error;
use std::ffi::c_void;

/// Opens threads of jobs to a profiler of the host's, or closes them again. As long as it is off, as it is at first, those threads block all asynchronous
/// signals, so that a profiler that works by SIGPROF (setitimer(2), timer_create(2)) sees nothing of what they do. On, jobs that start from then on leave SIGPROF
/// open, on FFmpeg's own threads too, and `mt_transcode_native_stack` is ready. The host installs the handler of SIGPROF, with SA_RESTART and SA_ONSTACK,
/// before it starts the timer, and leaves it there: by default SIGPROF ends the process.
///
/// - `is_on`: 1 or 0; for the whole process. Threads of jobs that run already stay as they are.
///
/// Jobs in processes of their own (`MT_TRANSCODE_ISOLATION_PROCESS`) are never seen by the host's profiler.
///
/// Returns 0 or `-EINVAL`. Threads: any, not in a signal handler. Never blocks for long: it reads what files are loaded. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn mt_transcode_profiling(is_on: u32) -> i32 {
    guard(|| match is_on {
        0 | 1 => {
            crate::job::set_profiling(is_on == 1);
            Ok(0)
        }
        _ => Err(Error::invalid(format!("is_on is {is_on}, neither 0 nor 1"))),
    })
}

/// Writes the native call stack of the calling thread, where a signal interrupted it, innermost call first: addresses of code. The first is that of the
/// instruction; each further one lies inside the call instruction that led there (the return address less 1), so that symbolizers find the line of the call. For a
/// handler of SIGPROF, on any thread, also of the host's. Frames in code without unwind tables (assembly, Go) are found by frame pointers or by a search of the
/// stack, and some may be leftovers. Files that were loaded after the last job began, or after `mt_transcode_profiling`, are not known.
///
/// - `ucontext`: the handler's third argument.
/// - `frames_out`, `most`: a place for so many addresses; 96 are written at most.
///
/// Returns how many were written: 1 where the stack cannot be walked (another processor than x86-64, `mt_transcode_profiling` was never on, more than 8
/// threads at the same moment); or `-EINVAL`. Threads: any. Async-signal-safe: it allocates nothing, takes no lock, keeps errno and reads no memory that
/// is not there. Never blocks; takes some microseconds, and 4 KiB of stack. Since 0.1.
///
/// # Safety
/// `ucontext` is NULL or what the kernel gave to the handler that runs on this thread; `frames_out` is NULL or has room for `most` addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_native_stack(ucontext: *const c_void, frames_out: *mut u64, most: u32) -> i32 {
    if ucontext.is_null() || frames_out.is_null() || most == 0 {
        return -libc::EINVAL;
    }
    // SAFETY: not null, and by contract the kernel's context and a place for `most` numbers, which are written before they are read.
    let (context, frames) = unsafe {
        (&*ucontext.cast::<libc::ucontext_t>(), std::slice::from_raw_parts_mut(frames_out, most.min(96) as usize))
    };
    crate::job::native_stack(context, frames) as i32
}
