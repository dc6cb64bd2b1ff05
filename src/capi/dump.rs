//! What an engine does, as text.

use super::guard;
use super::handle::{self, mt_transcode_engine};
use crate::error::{Code, Error};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::{FromRawFd, RawFd};

/// Writes what an engine's jobs do at this moment to a descriptor, as text: for each job its id, label and command (secrets masked), its state, how full its links
/// and pipes are, and each of its threads, with what it waits for, since when, and its native stack. Jobs in workers are asked; one that does not answer
/// within 500 ms is told as such. The text begins with a line "mt-transcode dump 1" and ends with "end of dump"; its frames are those of crash
/// reports, so `mt-transcode symbolize` names their functions. See docs/hangs.md.
///
/// The first dump of a process installs a handler for SIGTRAP, which goes on to the one that was there, and stays: threads are asked for their stacks by that signal.
///
/// - `fd`: the caller's, any that can be written; it stays open. A slow one holds up only this call.
///
/// Returns 0; `-EINVAL`, `-EBADF` (also for a bad descriptor), `-EPERM` after fork, or the error of write(2), such as `-EPIPE`. Threads: any, also
/// while jobs hang. Blocks until all is written, before that mostly for some milliseconds: 100 ms for each thread that does not
/// answer, 500 ms for workers, and 2 s where another dump runs. Raises no SIGPIPE. Since 0.1.
///
/// # Safety
/// `engine` may be any value: it is checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mt_transcode_engine_dump(engine: *const mt_transcode_engine, fd: i32) -> i32 {
    guard(|| {
        let engine = handle::engine(engine)?;
        if fd < 0 {
            return Err(Error::new(Code::EBADF, format!("the descriptor {fd} cannot be written")));
        }
        let text = engine.dump();
        without_sigpipe(|| write_all(fd, text.as_bytes())).map(|()| 0)
    })
}

fn write_all(fd: RawFd, mut rest: &[u8]) -> Result<(), Error> {
    // SAFETY: the caller's descriptor, which is never closed here.
    let mut file = ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut place = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
                // SAFETY: one place.
                unsafe { libc::poll(&raw mut place, 1, -1) };
            }
            Err(error) => {
                let code = error.raw_os_error().and_then(Code::from_errno).unwrap_or(Code::EIO);
                return Err(Error::new(code, format!("the dump could not be written to the descriptor {fd}: {error}")));
            }
        }
    }
    Ok(())
}

/// Runs `body` with SIGPIPE blocked in the calling thread, and takes back the one that it caused.
fn without_sigpipe<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: sets that the calls initialise; the calling thread's mask is put back.
    unsafe {
        let (mut pipe, mut before, mut pending) = (MaybeUninit::uninit(), MaybeUninit::uninit(), MaybeUninit::uninit());
        libc::sigemptyset(pipe.as_mut_ptr());
        libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
        libc::sigpending(pending.as_mut_ptr());
        let was_pending = libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1;
        libc::pthread_sigmask(libc::SIG_BLOCK, pipe.as_ptr(), before.as_mut_ptr());
        let result = body();
        if !was_pending {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::sigtimedwait(pipe.as_ptr(), std::ptr::null_mut(), &raw const now);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        result
    }
}
