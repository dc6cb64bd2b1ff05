//! Which job a thread works for. A handler cannot look into thread-local memory of FFmpeg's own threads, but they inherit the signal mask
//! of the thread that made them: the job's slot and its stage stand in the mask's upper real-time signals, each bit with its complement,
//! so that no other thread's mask reads as one of ours.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};

/// Jobs that are known at once. Threads of further ones are not marked: they count as the host's.
const SLOTS: usize = 256;
/// The first of the signals that carry a bit: 12 bits, then their complements, up to signal 63.
const FIRST_SIGNAL: i32 = 40;
const BITS: i32 = 12;

/// What a thread does, as reports call it. Their places are four bits of the mask.
pub const STAGES: [&str; 12] =
    ["job", "open", "demux", "decode", "filter", "encode", "mux", "subtitle", "probe", "close", "watch", "other"];

/// Text that a handler may read while nobody writes it.
pub struct Text<const N: usize> {
    length: AtomicUsize,
    bytes: UnsafeCell<[u8; N]>,
}

// SAFETY: written only by the owner of the slot while `length` is 0; read only up to `length`.
unsafe impl<const N: usize> Sync for Text<N> {}

impl<const N: usize> Text<N> {
    const fn empty() -> Self {
        Text { length: AtomicUsize::new(0), bytes: UnsafeCell::new([0; N]) }
    }

    fn set(&self, text: &str) {
        let mut end = text.len().min(N);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.length.store(0, SeqCst);
        // SAFETY: the slot's owner alone writes, and with a length of 0 nobody reads.
        unsafe { (&mut *self.bytes.get())[..end].copy_from_slice(&text.as_bytes()[..end]) };
        self.length.store(end, SeqCst);
    }

    pub fn get(&self) -> &[u8] {
        let length = self.length.load(SeqCst);
        // SAFETY: as many bytes as were written before the length was set.
        unsafe { &(&*self.bytes.get())[..length.min(N)] }
    }
}

pub struct Slot {
    is_taken: AtomicBool,
    pub job: AtomicU64,
    /// The report's place, from `targets`.
    pub target: AtomicUsize,
    pub label: Text<128>,
    /// With secrets masked.
    pub command: Text<1024>,
    /// Where the host started the job.
    pub call_site: Text<2048>,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        is_taken: AtomicBool::new(false),
        job: AtomicU64::new(0),
        target: AtomicUsize::new(0),
        label: Text::empty(),
        command: Text::empty(),
        call_site: Text::empty(),
    }
}; SLOTS];

/// A job's place in the table; given back when dropped.
pub struct JobSlot(u8);

/// What a report says of a job.
pub struct JobFacts<'a> {
    pub job: u64,
    pub label: &'a str,
    pub command: &'a str,
    pub call_site: &'a str,
    pub target: usize,
}

impl JobSlot {
    /// None while more jobs run than the table holds.
    pub fn take(facts: &JobFacts) -> Option<JobSlot> {
        let index = (1..SLOTS).find(|index| !TABLE[*index].is_taken.swap(true, AcqRel))?;
        let slot = &TABLE[index];
        slot.job.store(facts.job, SeqCst);
        slot.target.store(facts.target, SeqCst);
        slot.label.set(facts.label);
        slot.command.set(facts.command);
        slot.call_site.set(facts.call_site);
        Some(JobSlot(index as u8))
    }

    pub fn number(&self) -> u8 {
        self.0
    }
}

impl Drop for JobSlot {
    fn drop(&mut self) {
        TABLE[usize::from(self.0)].is_taken.store(false, Release);
    }
}

/// The slot of a number that a mask told; None for a job that is over.
pub fn find(number: u8) -> Option<&'static Slot> {
    Some(&TABLE[usize::from(number)]).filter(|slot| number != 0 && slot.is_taken.load(Acquire))
}

/// From here on the calling thread, and threads that it starts, work for the job in `slot`; 0 is none.
pub fn mark_thread(slot: u8, stage: &str) {
    let stage = STAGES.iter().position(|name| *name == stage).unwrap_or(STAGES.len() - 1);
    let value = u32::from(slot) << 4 | stage as u32;
    // SAFETY: sets that the calls initialise; only the calling thread's mask changes, and in it only signals that nobody sends.
    unsafe {
        let mut blocked: libc::sigset_t = std::mem::zeroed();
        let mut open: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut blocked);
        libc::sigemptyset(&raw mut open);
        for bit in 0..BITS {
            let is_set = value >> bit & 1 == 1;
            let (plain, complement) = (FIRST_SIGNAL + bit, FIRST_SIGNAL + BITS + bit);
            libc::sigaddset(if slot == 0 || is_set { &raw mut blocked } else { &raw mut open }, plain);
            libc::sigaddset(if slot == 0 || !is_set { &raw mut blocked } else { &raw mut open }, complement);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, std::ptr::null_mut());
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const open, std::ptr::null_mut());
    }
}

/// The slot and the stage that a mask tells; None where it is not a thread of ours.
pub fn of_mask(mask: &libc::sigset_t) -> Option<(u8, &'static str)> {
    // SAFETY: a valid set and signals that exist.
    of_bits(|signal| unsafe { libc::sigismember(mask, signal) == 1 })
}

/// As [`of_mask`], of a mask in another form.
pub fn of_bits(is_blocked: impl Fn(i32) -> bool) -> Option<(u8, &'static str)> {
    let mut value = 0u32;
    for bit in 0..BITS {
        let (plain, complement) = (is_blocked(FIRST_SIGNAL + bit), is_blocked(FIRST_SIGNAL + BITS + bit));
        if plain == complement {
            return None;
        }
        value |= u32::from(plain) << bit;
    }
    let slot = (value >> 4) as u8;
    (slot != 0).then(|| (slot, *STAGES.get((value & 15) as usize).unwrap_or(&"other")))
}
