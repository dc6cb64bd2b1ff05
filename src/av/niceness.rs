//! How willingly threads leave processors to others (sched(7)). On Linux it belongs to a thread, and is inherited by those that it starts.

use std::io::Error;

/// Of the calling thread: 0 is usual, 19 gives way most.
pub fn get() -> i32 {
    // SAFETY: asks about the calling thread; PRIO_PROCESS with 0 is that one. -1 is a valid answer, but 0 is said for an error, too.
    let (niceness, error) = unsafe {
        *errno() = 0;
        (libc::getpriority(libc::PRIO_PROCESS, 0), Error::last_os_error())
    };
    if error.raw_os_error() == Some(0) { niceness } else { 0 }
}

/// Of the calling thread, and of those that it starts from now on. It is never lowered: that takes a right.
pub fn raise(to: i32) {
    if to > get() {
        // SAFETY: changes the calling thread only. Raising is always allowed; where a filter forbids it the thread stays as it is.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, to) };
    }
}

fn errno() -> *mut libc::c_int {
    // SAFETY: the calling thread's own place, which is always there.
    unsafe { libc::__errno_location() }
}
