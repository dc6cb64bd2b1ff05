//! Stacks of the threads that FFmpeg and its codecs start: they ask for no size, and take what the libc gives.

/// Gives threads that ask for no size at least `bytes` of stack from now on, in the whole process. musl's default is 128 KiB, which some codecs
/// overflow; the call never lowers it, and takes 8 MiB at most (pthread_setattr_default_np.c). With glibc nothing is done: RLIMIT_STACK says it.
#[cfg(target_env = "musl")]
pub fn raise_default(bytes: usize) {
    unsafe extern "C" {
        // The libc crate lacks it for musl.
        fn pthread_setattr_default_np(attributes: *const libc::pthread_attr_t) -> libc::c_int;
    }
    // SAFETY: attributes of our own, initialised by the first call; musl takes nothing from them but the sizes of stack and guard.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        if libc::pthread_attr_setstacksize(&raw mut attributes, bytes) == 0 {
            pthread_setattr_default_np(&raw const attributes);
        }
        libc::pthread_attr_destroy(&raw mut attributes);
    }
}

#[cfg(not(target_env = "musl"))]
pub fn raise_default(_: usize) {}
