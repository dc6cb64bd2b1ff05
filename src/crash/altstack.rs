//! A stack for handlers, so that the overflow of a thread's own stack can be told.

/// What a report needs, several times over.
const BYTES: usize = 128 << 10;

/// The calling thread's alternate signal stack, with a guard page below it; taken off when dropped.
pub struct AltStack {
    mapping: *mut libc::c_void,
    length: usize,
}

impl AltStack {
    /// None where memory is short: then handlers run on the thread's own stack.
    pub fn install() -> Option<AltStack> {
        // SAFETY: a mapping of our own, of which the lowest page becomes the guard; the kernel is told of the rest.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE).max(4096) as usize;
            let length = BYTES + page;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let mapping = libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            if mapping == libc::MAP_FAILED {
                return None;
            }
            let stack = AltStack { mapping, length };
            libc::mprotect(mapping, page, libc::PROT_NONE);
            let description = libc::stack_t { ss_sp: mapping.byte_add(page), ss_flags: 0, ss_size: BYTES };
            (libc::sigaltstack(&raw const description, std::ptr::null_mut()) == 0).then_some(stack)
        }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: dropped on the thread that installed it, outside of any handler; then nobody uses the mapping.
        unsafe {
            libc::sigaltstack(&raw const off, std::ptr::null_mut());
            libc::munmap(self.mapping, self.length);
        }
    }
}
