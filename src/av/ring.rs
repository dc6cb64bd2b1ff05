//! The memory of a pipe: a ring of bytes that one writer and one reader use at the same time, each in a part of its own.
//! The parts are handed out as values: who holds a [`WriteRegion`] has the free bytes, who holds a [`ReadRegion`] the written
//! ones, and there is never more than one of either. So copying happens outside every lock, and a region stays valid as long as
//! it is held, even when the pipe is gone.

use parking_lot::Mutex;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

/// Memory of rings that are gone, for those that come: mapping, and touching each page for the first time, costs more than a
/// small job can spare.
#[derive(Default)]
pub struct RingPool(Mutex<Vec<Memory>>);

/// How much is kept.
const KEPT_BYTES: usize = 8 << 20;

/// Pages of our own. From mmap instead of the allocator: that one would clear them, byte by byte, where it uses them again.
struct Memory {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: plain memory; who owns the value owns the bytes.
unsafe impl Send for Memory {}

impl Memory {
    fn map(length: usize) -> Option<Memory> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, or MAP_FAILED; a length of 0 fails.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, -1, 0) };
        let start = NonNull::new(start.cast()).filter(|_| start != libc::MAP_FAILED)?;
        Some(Memory { start, length })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped with this length in `map`, and nobody else's.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

impl RingPool {
    fn take(&self, length: usize) -> Option<Memory> {
        let mut kept = self.0.lock();
        let at = kept.iter().rposition(|memory| memory.length == length)?;
        Some(kept.swap_remove(at))
    }

    fn give(&self, memory: Memory) {
        let mut kept = self.0.lock();
        if kept.iter().map(|memory| memory.length).sum::<usize>() + memory.length <= KEPT_BYTES {
            kept.push(memory);
        }
    }
}

pub struct Ring {
    /// None only while it is dropped.
    memory: Option<Memory>,
    pool: Weak<RingPool>,
    capacity: usize,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    /// Where the first unread byte lies, and how many there are.
    start: usize,
    fill: usize,
    is_writing: bool,
    is_reading: bool,
}

// SAFETY: the memory is only reached through regions, of which there is one for each part (see `Marks`).
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

/// Free bytes that their holder may fill.
pub struct WriteRegion {
    ring: Arc<Ring>,
    at: usize,
    length: usize,
}

/// Written bytes that their holder may read.
pub struct ReadRegion {
    ring: Arc<Ring>,
    at: usize,
    length: usize,
}

impl Ring {
    /// None where the memory is not there. Pages that are never written cost nothing.
    pub fn new(capacity: usize, pool: &Arc<RingPool>) -> Option<Arc<Ring>> {
        let memory = Some(pool.take(capacity).or_else(|| Memory::map(capacity))?);
        Some(Arc::new(Ring { memory, pool: Arc::downgrade(pool), capacity, marks: Mutex::default() }))
    }

    /// Where the bytes lie: initialised ones, as the kernel gives out zeroes.
    fn start(&self) -> *mut u8 {
        self.memory.as_ref().map_or(std::ptr::null_mut(), |memory| memory.start.as_ptr())
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub fn fill(&self) -> usize {
        self.marks.lock().fill
    }

    /// The free bytes up to `limit` that lie in one piece; None where there are none or somebody has them.
    pub fn reserve(self: &Arc<Self>, limit: usize) -> Option<WriteRegion> {
        let mut marks = self.marks.lock();
        if marks.fill == 0 && !marks.is_reading && !marks.is_writing {
            // An empty ring begins anew, so that light use touches few pages.
            marks.start = 0;
        }
        let at = (marks.start + marks.fill) % self.capacity;
        let length = (self.capacity - marks.fill).min(self.capacity - at).min(limit);
        if marks.is_writing || length == 0 {
            return None;
        }
        marks.is_writing = true;
        Some(WriteRegion { ring: Arc::clone(self), at, length })
    }

    /// The unread bytes up to `limit` that lie in one piece; None where there are none or somebody has them.
    pub fn peek(self: &Arc<Self>, limit: usize) -> Option<ReadRegion> {
        let mut marks = self.marks.lock();
        let length = marks.fill.min(self.capacity - marks.start).min(limit);
        if marks.is_reading || length == 0 {
            return None;
        }
        marks.is_reading = true;
        Some(ReadRegion { ring: Arc::clone(self), at: marks.start, length })
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Regions keep the ring alive, so nobody holds a part of it.
        if let (Some(memory), Some(pool)) = (self.memory.take(), self.pool.upgrade()) {
            pool.give(memory);
        }
    }
}

impl WriteRegion {
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: inside the memory, initialised; free bytes belong to the one WriteRegion alone, as a reader only
        // gets what was committed.
        unsafe { std::slice::from_raw_parts_mut(self.ring.start().add(self.at), self.length) }
    }

    pub fn length(&self) -> usize {
        self.length
    }

    /// The first `count` bytes are written: a reader may have them.
    pub fn commit(self, count: usize) {
        self.ring.marks.lock().fill += count.min(self.length);
    }
}

impl Drop for WriteRegion {
    fn drop(&mut self) {
        self.ring.marks.lock().is_writing = false;
    }
}

impl ReadRegion {
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: inside the memory, initialised; written bytes are not changed before they are consumed, which needs this region.
        unsafe { std::slice::from_raw_parts(self.ring.start().add(self.at), self.length) }
    }

    /// The first `count` bytes were read: a writer may have their place.
    pub fn consume(self, count: usize) {
        let mut marks = self.ring.marks.lock();
        let count = count.min(self.length);
        marks.start = (marks.start + count) % self.ring.capacity;
        marks.fill -= count;
    }
}

impl Drop for ReadRegion {
    fn drop(&mut self) {
        self.ring.marks.lock().is_reading = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(ring: &Arc<Ring>, data: &[u8]) -> usize {
        let Some(mut region) = ring.reserve(data.len()) else { return 0 };
        let count = region.length();
        region.as_mut_slice().copy_from_slice(&data[..count]);
        region.commit(count);
        count
    }

    fn read(ring: &Arc<Ring>, limit: usize) -> Vec<u8> {
        let Some(region) = ring.peek(limit) else { return Vec::new() };
        let data = region.as_slice().to_vec();
        region.consume(data.len());
        data
    }

    #[test]
    fn bytes_go_round_in_pieces() {
        let ring = Ring::new(8, &RingPool::default().into()).unwrap();
        assert_eq!(write(&ring, b"abcdef"), 6);
        assert_eq!(read(&ring, 4), b"abcd");
        assert_eq!(write(&ring, b"ghijkl"), 2, "up to the end of the memory");
        assert_eq!(write(&ring, b"ijkl"), 4, "and from its start");
        assert_eq!(write(&ring, b"x"), 0, "full");
        assert_eq!([read(&ring, 9), read(&ring, 9), read(&ring, 9)].concat(), b"efghijkl");
    }

    #[test]
    fn each_part_has_one_holder_and_outlives_the_ring() {
        let ring = Ring::new(8, &RingPool::default().into()).unwrap();
        let mut region = ring.reserve(8).unwrap();
        assert!(ring.reserve(1).is_none() && ring.peek(1).is_none());
        region.as_mut_slice()[0] = 7;
        region.commit(1);
        let region = ring.peek(8).unwrap();
        assert!(ring.peek(8).is_none() && ring.reserve(8).is_some());
        drop(ring);
        assert_eq!(region.as_slice(), [7]);
    }

    #[test]
    fn memory_is_used_again_and_not_hoarded() {
        let pool = Arc::new(RingPool::default());
        let ring = Ring::new(1 << 20, &pool).unwrap();
        let start = ring.start();
        drop(ring);
        assert_eq!(Ring::new(1 << 20, &pool).unwrap().start(), start);
        let many: Vec<_> = (0..20).map(|_| Ring::new(1 << 20, &pool).unwrap()).collect();
        drop(many);
        assert_eq!(pool.0.lock().len(), 8);
        let survivor = Ring::new(4096, &pool).unwrap();
        drop(pool);
        assert_eq!(write(&survivor, b"still there"), 11);
    }
}
