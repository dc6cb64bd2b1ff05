//! Stacks for handlers: so that the overflow of a thread's own stack can be told, and for what needs more than the host's handler has.

/// What a report needs, several times over.
const BYTES: usize = 128 << 10;

/// Memory for a stack, with a guard page below it.
pub(super) struct Stack {
    mapping: *mut libc::c_void,
    length: usize,
    page: usize,
}

// SAFETY: a mapping of its own, which no thread is bound to.
unsafe impl Send for Stack {}
// SAFETY: shared, it only tells its place.
unsafe impl Sync for Stack {}

impl Stack {
    /// None where memory is short.
    pub fn new(bytes: usize) -> Option<Stack> {
        // SAFETY: a mapping of our own, of which the lowest page becomes the guard.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE).max(4096) as usize;
            let length = bytes + page;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let mapping = libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            if mapping == libc::MAP_FAILED {
                return None;
            }
            libc::mprotect(mapping, page, libc::PROT_NONE);
            Some(Stack { mapping, length, page })
        }
    }

    fn low(&self) -> *mut libc::c_void {
        self.mapping.wrapping_byte_add(self.page)
    }

    /// Where it begins: it grows down from there.
    pub fn top(&self) -> *mut libc::c_void {
        self.mapping.wrapping_byte_add(self.length)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the owner is done with it.
        unsafe { libc::munmap(self.mapping, self.length) };
    }
}

/// The calling thread's alternate signal stack; taken off when dropped.
pub struct AltStack {
    _stack: Stack,
}

impl AltStack {
    /// None where memory is short: then handlers run on the thread's own stack.
    pub fn install() -> Option<AltStack> {
        let stack = Stack::new(BYTES)?;
        let description = libc::stack_t { ss_sp: stack.low(), ss_flags: 0, ss_size: BYTES };
        // SAFETY: memory that stays until it is taken off.
        (unsafe { libc::sigaltstack(&raw const description, std::ptr::null_mut()) } == 0)
            .then_some(AltStack { _stack: stack })
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: dropped on the thread that installed it, outside of any handler; then nobody uses the memory.
        unsafe { libc::sigaltstack(&raw const off, std::ptr::null_mut()) };
    }
}
