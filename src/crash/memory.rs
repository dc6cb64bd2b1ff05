//! Reading memory that may not be there, from a signal handler.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

/// Both ends of a pipe that tells whether memory can be read where process_vm_readv is forbidden (seccomp).
static PIPE: [AtomicI32; 2] = [const { AtomicI32::new(-1) }; 2];
/// Somebody's bytes are in the pipe.
static IS_PIPE_TAKEN: AtomicBool = AtomicBool::new(false);
/// How often one waits for another's: who interrupted that one would wait for ever.
const TURNS: u32 = 100;

/// Called before handlers are installed.
pub fn prepare() {
    if PIPE[0].load(SeqCst) >= 0 {
        return;
    }
    let mut ends = [-1; 2];
    // SAFETY: two descriptors are written, or none.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } == 0 {
        PIPE[0].store(ends[0], SeqCst);
        PIPE[1].store(ends[1], SeqCst);
    }
}

/// Copies what is at `address`; false where not all of it can be read.
pub fn read(address: u64, into: &mut [u8]) -> bool {
    if address < 4096 || address.checked_add(into.len() as u64).is_none() {
        return false;
    }
    let remote = libc::iovec { iov_base: std::ptr::with_exposed_provenance_mut(address as usize), iov_len: into.len() };
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: the kernel checks both ranges; it writes only into ours.
    let ret = unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    if ret == into.len() as isize {
        return true;
    }
    // SAFETY: errno of the calling thread.
    let errno = unsafe { *libc::__errno_location() };
    matches!(errno, libc::EPERM | libc::ENOSYS) && read_through_pipe(address, into)
}

fn read_through_pipe(address: u64, into: &mut [u8]) -> bool {
    let (reader, writer) = (PIPE[0].load(SeqCst), PIPE[1].load(SeqCst));
    let takes_turn = || {
        let is_free = !IS_PIPE_TAKEN.swap(true, SeqCst);
        if !is_free {
            // SAFETY: no arguments.
            unsafe { libc::sched_yield() };
        }
        is_free
    };
    if reader < 0 || !(0..TURNS).any(|_| takes_turn()) {
        return false;
    }
    // SAFETY: the kernel checks the range, and reads at most as much as the piece of ours takes.
    let is_read = unsafe {
        let from = std::ptr::with_exposed_provenance::<libc::c_void>(address as usize);
        let written = libc::write(writer, from, into.len());
        written > 0 && libc::read(reader, into.as_mut_ptr().cast(), written as usize) == into.len() as isize
    };
    IS_PIPE_TAKEN.store(false, SeqCst);
    is_read
}

/// A word of the stack.
pub fn word(address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    read(address, &mut bytes).then(|| u64::from_ne_bytes(bytes))
}

const PIECE: u64 = 512;
/// No piece begins there.
const NO_PIECE: u64 = 1;

/// Words of one stack, read in pieces: a walk asks for hundreds, and each read is a system call.
pub struct Words {
    /// Of the piece that is here.
    start: u64,
    piece: [u8; PIECE as usize],
}

impl Words {
    pub fn new() -> Self {
        Words { start: NO_PIECE, piece: [0; PIECE as usize] }
    }

    /// A piece lies in one page, so it can be read where the word can.
    pub fn get(&mut self, address: u64) -> Option<u64> {
        let start = address & !(PIECE - 1);
        let at = (address - start) as usize;
        if self.start != start {
            self.start = NO_PIECE;
            if !read(start, &mut self.piece) {
                return None;
            }
            self.start = start;
        }
        match self.piece[at..].first_chunk() {
            Some(word) => Some(u64::from_ne_bytes(*word)),
            None => word(address), // of two pieces
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_are_there_and_none_where_nothing_is_mapped() {
        // Given a page with another one behind it that cannot be read.
        let page = 4096;
        // SAFETY: two pages of our own, of which the first is written to.
        let start = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let start = libc::mmap(std::ptr::null_mut(), 2 * page, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            libc::mprotect(start.byte_add(page), page, libc::PROT_NONE);
            for (index, byte) in std::slice::from_raw_parts_mut(start.cast::<u8>(), page).iter_mut().enumerate() {
                *byte = (index / 8) as u8;
            }
            start
        };
        let at = |offset: usize| (start.expose_provenance() + offset) as u64;
        let mut words = Words::new();
        let of = |number: u8| Some(u64::from_ne_bytes([number; 8]));

        // When words are asked for, of several pieces, across two of them, and to the end; then each is what stands there.
        for (offset, wanted) in [(0, of(0)), (8, of(1)), (504, of(63)), (512, of(64)), (16, of(2)), (page - 8, of(255))]
        {
            assert_eq!(words.get(at(offset)), wanted, "at {offset}");
        }
        assert_eq!(words.get(at(508)), Some(u64::from_ne_bytes([63, 63, 63, 63, 64, 64, 64, 64])));
        // And there is none on the other page, nor half of one, nor near 0.
        for address in [at(page), at(page - 4), at(page + 512), 8, 0, u64::MAX - 3] {
            assert_eq!(words.get(address), None, "{address:#x}");
        }
        // SAFETY: our mapping.
        unsafe { libc::munmap(start, 2 * page) };
    }
}
