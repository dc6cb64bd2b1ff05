//! System calls that the filter of a worker stops: a report of which, and the end of the process. Only workers have this; a host's SIGSYS is the host's.

use super::handler;
use std::sync::OnceLock;

static NAMES: OnceLock<fn(i64) -> &'static str> = OnceLock::new();

/// Installs the handler of SIGSYS. `name_of` gives the name of a call by its number, without allocating.
pub fn install(name_of: fn(i64) -> &'static str) {
    let _ = NAMES.set(name_of);
    // SAFETY: our handler, in a process with one thread that is ours alone.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_forbidden as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut());
    }
}

unsafe extern "C" fn on_forbidden(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives both.
    unsafe {
        handler::report(signal, &*info, &*context.cast::<libc::ucontext_t>());
        handler::die(signal, true);
    }
}

/// Number and name of the call, from siginfo's fields for SIGSYS (sigaction(2)), which the libc crate does not have: si_call_addr, si_syscall, si_arch.
pub fn call_of(info: &libc::siginfo_t) -> (i32, &'static str) {
    #[repr(C)]
    struct Call {
        head: [i32; 4],
        address: u64,
        number: i32,
        architecture: u32,
    }
    const _: () = assert!(size_of::<Call>() <= size_of::<libc::siginfo_t>() && cfg!(target_pointer_width = "64"));
    // SAFETY: the struct is larger than what is read of it, and has no padding there.
    let number = unsafe { (*(&raw const *info).cast::<Call>()).number };
    (number, NAMES.get().map_or("?", |name_of| name_of(number.into())))
}
