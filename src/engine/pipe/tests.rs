//! The rules of a pipe, without media.

use super::transfer::Caller;
use super::*;
use std::time::Duration;

pub(super) struct Nobody;

impl PipeListener for Nobody {
    fn ready(&self, _: u32) {}
    fn descriptors(&self, _: i64) {}
    fn show_at(&self, _: Instant) {}
    fn high_water(&self, _: u64) {}
}

/// Counts what it is told.
#[derive(Default)]
struct Counts(Arc<Mutex<(Vec<u32>, usize, usize)>>);

impl PipeListener for Counts {
    fn ready(&self, bits: u32) {
        self.0.lock().0.push(bits);
    }
    fn descriptors(&self, _: i64) {}
    fn show_at(&self, _: Instant) {
        self.0.lock().1 += 1;
    }
    fn high_water(&self, _: u64) {
        self.0.lock().2 += 1;
    }
}

fn pipe(capacity: u64, flush_ms: i32) -> Arc<Pipe> {
    Pipe::new(PipeConfig::new(capacity, 0, flush_ms, 0).unwrap(), &Arc::default(), Box::new(Nobody)).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code()
}

/// A job that never gives up.
pub(super) const GIVE_UP: Caller = Caller::Job(&|| None);

#[test]
fn what_does_not_fit_is_partly_written_and_then_refused() {
    let pipe = pipe(4096, 0);
    assert_eq!(pipe.write(&[1; 5000], Wait::Never).unwrap(), 4096);
    assert_eq!(code(pipe.write(&[1], Wait::Never)), Code::EAGAIN);
    assert_eq!(code(pipe.write(&[1], Wait::For(Duration::from_millis(1)))), Code::ETIMEDOUT);
    assert_eq!(pipe.write(&[], Wait::Never).unwrap(), 0);
    let mut buffer = [0; 10];
    assert_eq!(pipe.read(&mut buffer, Wait::Forever).unwrap(), 10);
    assert_eq!(pipe.write(&[2; 20], Wait::Never).unwrap(), 10);
    let stats = pipe.stats();
    assert_eq!((stats.written_bytes, stats.read_bytes, stats.fill_bytes), (4106, 10, 4096));
}

#[test]
fn an_end_comes_behind_the_last_byte_with_its_code() {
    for (given, expected) in
        [(0, Ok(0)), (-5, Err(Code::EIO)), (-1006, Err(Code::LIMIT)), (-123_456, Err(Code::from_c(-123_456)))]
    {
        let pipe = pipe(4096, 0);
        pipe.write(b"abc", Wait::Never).unwrap();
        pipe.close_write(given).unwrap();
        assert_eq!(code(pipe.close_write(0)), Code::EALREADY);
        assert_eq!(code(pipe.write(b"d", Wait::Never)), Code::EPIPE);
        let mut buffer = [0; 8];
        assert_eq!(pipe.read(&mut buffer, Wait::Never).unwrap(), 3);
        assert_eq!(pipe.read(&mut buffer, Wait::Forever).map_err(|e| e.code()), expected);
    }
    assert_eq!(code(pipe(4096, 0).close_write(1)), Code::EINVAL);
}

#[test]
fn a_reader_that_leaves_and_a_free_wake_the_writer() {
    for frees in [false, true] {
        let pipe = pipe(4096, 0);
        pipe.write(&[0; 4096], Wait::Never).unwrap();
        let writer = std::thread::spawn({
            let pipe = Arc::clone(&pipe);
            move || code(pipe.write(b"x", Wait::Forever))
        });
        while !pipe.state.lock().writer.is_busy {
            std::thread::yield_now();
        }
        if frees {
            assert!(pipe.free() && !pipe.free(), "once");
        } else {
            pipe.close_read().unwrap()
        }
        assert_eq!(writer.join().unwrap(), if frees { Code::EBADF } else { Code::EPIPE });
    }
}

#[test]
fn one_call_at_a_time_has_a_side() {
    let pipe = pipe(4096, 0);
    let reader = std::thread::spawn({
        let pipe = Arc::clone(&pipe);
        move || pipe.read(&mut [0; 8], Wait::Forever).unwrap()
    });
    while !pipe.state.lock().reader.is_busy {
        std::thread::yield_now();
    }
    assert_eq!(code(pipe.read(&mut [0; 8], Wait::Never)), Code::EBUSY);
    assert_eq!(code(pipe.peek(Wait::Never)), Code::EBUSY);
    pipe.write(b"ab", Wait::Never).unwrap();
    assert_eq!(reader.join().unwrap(), 2);
}

#[test]
fn regions_are_given_back_or_refused() {
    let pipe = pipe(4096, 0);
    assert_eq!(code(pipe.commit(1)), Code::EINVAL);
    let (_, length) = pipe.acquire(Wait::Never).unwrap();
    assert_eq!(code(pipe.write(b"x", Wait::Never)), Code::EBUSY);
    assert_eq!(code(pipe.commit(length as u64 + 1)), Code::EINVAL);
    pipe.commit(100).unwrap();
    let (_, length) = pipe.peek(Wait::Never).unwrap();
    assert_eq!(length, 100);
    assert_eq!(code(pipe.read(&mut [0; 1], Wait::Never)), Code::EBUSY);
    assert_eq!(code(pipe.consume(101)), Code::EINVAL);
    pipe.consume(60).unwrap();
    assert_eq!(pipe.read(&mut [0; 100], Wait::Never).unwrap(), 40);
    assert_eq!(code(pipe.consume(0)), Code::EINVAL);
    pipe.close_write(0).unwrap();
    assert_eq!(pipe.peek(Wait::Forever).unwrap().1, 0, "the end");
}

#[test]
fn what_a_job_writes_is_held_until_a_chunk_is_full_or_its_time_comes() {
    let pipe = pipe(1 << 20, FLUSH_CHUNKS);
    pipe.claim(Side::Write).unwrap();
    pipe.write_as(GIVE_UP, &[0; 1000], Wait::Never).unwrap();
    assert_eq!(code(pipe.read(&mut [0; 8], Wait::Never)), Code::EAGAIN);
    pipe.write_as(GIVE_UP, &[0; 64 << 10], Wait::Never).unwrap();
    assert_eq!(pipe.read(&mut vec![0; 1 << 20], Wait::Never).unwrap(), 1000 + (64 << 10));
    pipe.write_as(GIVE_UP, &[0; 7], Wait::Never).unwrap();
    pipe.leave(Side::Write, Code::OK);
    assert_eq!(pipe.read(&mut [0; 8], Wait::Never).unwrap(), 7, "the end shows everything");

    let pipe = super::tests::pipe(1 << 20, 20);
    pipe.claim(Side::Write).unwrap();
    pipe.write_as(GIVE_UP, b"ab", Wait::Never).unwrap();
    assert_eq!(pipe.read(&mut [0; 8], Wait::Forever).unwrap(), 2, "a reader that comes later sees it in time");

    // A reader that waits already, by reading and by peeking.
    for peeks in [false, true] {
        let reader = std::thread::spawn({
            let pipe = Arc::clone(&pipe);
            move || match peeks {
                false => pipe.read(&mut [0; 8], Wait::Forever).unwrap(),
                true => pipe.peek(Wait::Forever).unwrap().1,
            }
        });
        while !pipe.state.lock().reader.is_busy {
            std::thread::yield_now();
        }
        // Once it looks again by itself, once it has done so in vain and sleeps until it is told.
        while peeks && pipe.state.lock().is_looked_at {
            std::thread::yield_now();
        }
        pipe.write_as(GIVE_UP, b"abc", Wait::Never).unwrap();
        assert_eq!(reader.join().unwrap(), 3);
    }
}

#[test]
fn who_watches_is_told_once_and_of_held_bytes_in_time() {
    let counts = Counts::default();
    let told = Arc::clone(&counts.0);
    let pipe = Pipe::new(PipeConfig::new(4096, 1024, 10, 50).unwrap(), &Arc::default(), Box::new(counts)).unwrap();
    pipe.watch(READABLE).unwrap();
    assert!(told.lock().0.is_empty());
    pipe.write(b"a", Wait::Never).unwrap();
    pipe.write(b"b", Wait::Never).unwrap();
    assert_eq!(told.lock().0, [READABLE], "once");
    pipe.watch(READABLE | WRITABLE).unwrap();
    assert_eq!(told.lock().0, [READABLE, READABLE | WRITABLE], "at once, as it is so already");
    pipe.read(&mut [0; 8], Wait::Never).unwrap();
    pipe.claim(Side::Write).unwrap();
    pipe.watch(READABLE).unwrap();
    pipe.write_as(GIVE_UP, b"held", Wait::Never).unwrap();
    let (ready, times, _) = told.lock().clone();
    assert_eq!((ready.len(), times), (2, 1), "a time was asked for");
    std::thread::sleep(Duration::from_millis(11));
    pipe.show_held();
    assert_eq!(told.lock().0.len(), 3);
    // Shown with a full chunk, before the time that was asked for: the next bytes need no time of their own until then.
    pipe.read(&mut [0; 8], Wait::Never).unwrap();
    let times_of = |written: usize| {
        pipe.watch(READABLE).unwrap();
        pipe.write_as(GIVE_UP, &vec![0; written], Wait::Never).unwrap();
        told.lock().1
    };
    assert_eq!((times_of(8), times_of(1016)), (2, 2));
    pipe.read(&mut [0; 1024], Wait::Never).unwrap();
    assert_eq!(times_of(8), 2);
    pipe.show_held();
    assert!(told.lock().1 == 3 || pipe.fill_bytes() == 8 && told.lock().0.len() == 5, "shown, or planned again");
    std::thread::sleep(Duration::from_millis(11));
    pipe.show_held();
    assert_eq!(pipe.read(&mut [0; 16], Wait::Never).unwrap(), 8);
    pipe.write_as(GIVE_UP, &[0; 2048], Wait::Never).unwrap();
    pipe.write_as(GIVE_UP, &[0; 64], Wait::Never).unwrap();
    assert_eq!(told.lock().2, 1, "the high-water mark, once");
}

#[test]
fn bytes_given_back_come_again_before_all_others() {
    let pipe = pipe(4096, 0);
    pipe.write(b"hello world", Wait::Never).unwrap();
    pipe.claim(Side::Read).unwrap();
    let mut reader = PipeReader::returning(Arc::clone(&pipe), crate::av::Interrupt::new());
    let mut buffer = [0; 6];
    assert_eq!(crate::av::ByteStream::read(&mut reader, &mut buffer).unwrap(), 6);
    drop(reader);
    assert_eq!(pipe.stats().read_bytes, 0);
    let mut all = [0; 64];
    let first = pipe.read(&mut all, Wait::Never).unwrap();
    let second = pipe.read(&mut all[first..], Wait::Never).unwrap();
    assert_eq!(&all[..first + second], b"hello world");
}

/// Given more bytes than 32 bits count, when they go through 64 KiB, then all arrive in order.
#[test]
fn four_gibibytes_go_through_64_kibibytes() {
    const BLOCK: usize = 48 << 10; // no divisor of the capacity, so that pieces wrap
    const BLOCKS: u64 = (4 << 30) / BLOCK as u64 + 2;
    let pipe = pipe(64 << 10, 0);
    let writer = std::thread::spawn({
        let pipe = Arc::clone(&pipe);
        move || {
            let mut block = vec![0u8; BLOCK];
            for number in 0..BLOCKS {
                block[..8].copy_from_slice(&number.to_le_bytes());
                assert_eq!(pipe.write(&block, Wait::Forever).unwrap(), BLOCK);
            }
            pipe.close_write(0).unwrap();
        }
    });
    let mut block = vec![0u8; BLOCK];
    for number in 0..BLOCKS {
        let mut filled = 0;
        while filled < BLOCK {
            filled += pipe.read(&mut block[filled..], Wait::Forever).unwrap();
        }
        assert_eq!(block[..8], number.to_le_bytes());
    }
    assert_eq!(pipe.read(&mut block, Wait::Forever).unwrap(), 0);
    writer.join().unwrap();
    let stats = pipe.stats();
    assert_eq!((stats.read_bytes, stats.fill_bytes), (BLOCKS * BLOCK as u64, 0));
    assert!(stats.read_bytes > u64::from(u32::MAX) && stats.high_water_bytes <= 64 << 10);
}

/// A small generator of numbers that look random, the same ones for a seed (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn byte_at(position: u64) -> u8 {
    (position.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

/// Given random sizes, waits, regions and ends on both sides, when bytes go through, then none is lost, doubled or out of order.
#[test]
fn no_byte_is_lost_doubled_or_out_of_order() {
    for seed in 1..=60u64 {
        let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let capacity = 4096 << random.below(5);
        let flush_ms = [0, 1, FLUSH_CHUNKS][random.below(3) as usize];
        let pipe =
            Pipe::new(PipeConfig::new(capacity, 512, flush_ms, 0).unwrap(), &Arc::default(), Box::new(Nobody)).unwrap();
        let is_jobs = random.below(2) == 0;
        if is_jobs {
            pipe.claim(Side::Write).unwrap();
        }
        let total = random.below(400_000);
        let reader_stops_at = (random.below(4) == 0).then(|| random.below(total + 1));
        let writer = std::thread::spawn({
            let (pipe, mut random) = (Arc::clone(&pipe), Random(seed + 7));
            move || write_all(&pipe, &mut random, total, is_jobs)
        });
        let read = read_all(&pipe, &mut random, reader_stops_at);
        let written = writer.join().unwrap();
        match reader_stops_at {
            None => assert_eq!((read, written), (total, total), "seed {seed}"),
            Some(_) => assert!(read <= written && written <= total, "seed {seed}"),
        }
        let stats = pipe.stats();
        assert_eq!((stats.written_bytes, stats.read_bytes), (written, read), "seed {seed}");
        assert!(stats.high_water_bytes <= capacity);
    }
}

fn write_all(pipe: &Pipe, random: &mut Random, total: u64, is_jobs: bool) -> u64 {
    let mut position = 0;
    while position < total {
        let largest = [3, 700, 9000][random.below(3) as usize];
        let length = (1 + random.below(largest)).min(total - position);
        let data: Vec<u8> = (position..position + length).map(byte_at).collect();
        let caller = if is_jobs { GIVE_UP } else { Caller::Host };
        let wait = [Wait::Never, Wait::For(Duration::from_millis(1)), Wait::Forever][random.below(3) as usize];
        match pipe.write_as(caller, &data, wait) {
            Ok(count) => position += count as u64,
            Err(error) if [Code::EAGAIN, Code::ETIMEDOUT].contains(&error.code()) => std::thread::yield_now(),
            Err(error) => {
                assert_eq!(error.code(), Code::EPIPE);
                return position;
            }
        }
    }
    pipe.end_writing(0);
    position
}

fn read_all(pipe: &Pipe, random: &mut Random, stops_at: Option<u64>) -> u64 {
    let mut position = 0;
    let mut buffer = vec![0; 20_000];
    loop {
        if stops_at.is_some_and(|stop| position >= stop) {
            pipe.close_read().unwrap();
            return position;
        }
        let largest = [2, 500, 20_000][random.below(3) as usize];
        let length = 1 + random.below(largest) as usize;
        let wait = [Wait::Never, Wait::For(Duration::from_millis(1)), Wait::Forever][random.below(3) as usize];
        match pipe.read(&mut buffer[..length], wait) {
            Ok(0) => return position,
            Ok(count) => {
                for byte in &buffer[..count] {
                    assert_eq!(*byte, byte_at(position), "at {position}");
                    position += 1;
                }
            }
            Err(error) => assert!([Code::EAGAIN, Code::ETIMEDOUT].contains(&error.code()), "{error}"),
        }
    }
}
