//! What is true of a pipe at one moment: counts, ends, who has which side.

use super::config::PipeConfig;
use crate::av::{ReadRegion, WriteRegion, os::EventFd};
use std::time::{Duration, Instant};

/// Bits of readiness; C's numbers.
pub(crate) const READABLE: u32 = 4;
pub(crate) const WRITABLE: u32 = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Read,
    Write,
}

impl Side {
    pub fn word(self) -> &'static str {
        match self {
            Side::Read => "reading",
            Side::Write => "writing",
        }
    }
}

/// Who is at one side.
#[derive(Default)]
pub(super) struct Part {
    /// It belongs to a job.
    pub is_bound: bool,
    /// A call is in progress.
    pub is_busy: bool,
    /// The host holds a region of it.
    pub is_out: bool,
}

pub(super) struct State {
    pub reader: Part,
    pub writer: Part,
    /// Bytes written in all, those of them that the reader may see, and those that it took.
    pub written: u64,
    pub shown: u64,
    pub read: u64,
    /// Since when bytes are held back.
    pub held_since: Option<Instant>,
    /// A reader waits that looks again before held bytes are due, untold.
    pub is_looked_at: bool,
    /// How long a job that reads lets the host's bytes gather.
    pub gathers: Option<Duration>,
    /// It did, and nothing came: it gets the next byte at once.
    pub is_starved: bool,
    /// When held bytes are looked at for who is to be told of them.
    pub show_planned: Option<Instant>,
    /// 0 or a negative code, once writing has ended.
    pub write_end: Option<i32>,
    pub is_read_closed: bool,
    pub is_freed: bool,
    /// Bytes that a probe has read and given back: they come before those of the ring.
    pub returned: Vec<u8>,
    pub returned_at: usize,
    pub readable_fd: Option<EventFd>,
    pub writable_fd: Option<EventFd>,
    /// What the job that writes wants to be called when nobody reads any more.
    pub on_reader_gone: Option<Box<dyn FnOnce() + Send>>,
    pub watched: u32,
    pub region_out: Option<WriteRegion>,
    pub peeked: Peeked,
    pub writes: u64,
    pub reads: u64,
    has_found_full: bool,
    times: Times,
}

/// What the host was shown by a peek.
pub(super) enum Peeked {
    Nothing,
    Region(ReadRegion),
    /// The first bytes of those that were given back.
    Returned(usize),
}

struct Times {
    most_bytes: u64,
    is_above_mark: bool,
    full_since: Option<Instant>,
    empty_since: Option<Instant>,
    full: Duration,
    empty: Duration,
}

#[derive(Clone, Debug)]
pub struct PipeStats {
    pub is_write_closed: bool,
    pub is_read_closed: bool,
    pub capacity_bytes: u64,
    pub chunk_bytes: u64,
    pub fill_bytes: u64,
    pub high_water_bytes: u64,
    pub written_bytes: u64,
    pub read_bytes: u64,
    pub full_us: u64,
    pub empty_us: u64,
    pub writes: u64,
    pub reads: u64,
}

impl State {
    pub fn new(now: Instant) -> State {
        State {
            reader: Part::default(),
            writer: Part::default(),
            written: 0,
            shown: 0,
            read: 0,
            held_since: None,
            is_looked_at: false,
            gathers: None,
            is_starved: false,
            show_planned: None,
            write_end: None,
            is_read_closed: false,
            is_freed: false,
            returned: Vec::new(),
            returned_at: 0,
            readable_fd: None,
            writable_fd: None,
            on_reader_gone: None,
            watched: 0,
            region_out: None,
            peeked: Peeked::Nothing,
            writes: 0,
            reads: 0,
            has_found_full: false,
            times: Times {
                most_bytes: 0,
                is_above_mark: false,
                full_since: None,
                empty_since: Some(now),
                full: Duration::ZERO,
                empty: Duration::ZERO,
            },
        }
    }

    pub fn side(&mut self, side: Side) -> &mut Part {
        match side {
            Side::Read => &mut self.reader,
            Side::Write => &mut self.writer,
        }
    }

    /// Bytes of the ring that the reader may have.
    pub fn shown_bytes(&self) -> usize {
        (self.shown - self.read) as usize
    }

    pub fn returned_bytes(&self) -> u64 {
        (self.returned.len() - self.returned_at) as u64
    }

    /// A read would not wait.
    pub fn can_read(&self) -> bool {
        self.shown > self.read || self.returned_bytes() > 0 || self.write_end.is_some() || self.is_read_closed
    }

    /// A writer that found the pipe full may go on: there is room for a good piece, or nobody reads any more.
    pub fn can_write_again(&self, config: &PipeConfig) -> bool {
        let room = config.capacity_bytes - (self.written - self.read);
        room >= config.room_to_wake() || self.is_read_closed || self.write_end.is_some()
    }

    /// For the host: as [`Self::can_write_again`] once it was full, and always while it never was.
    pub fn can_write(&mut self, config: &PipeConfig) -> bool {
        if self.written - self.read >= config.capacity_bytes {
            self.has_found_full = true;
        } else if self.can_write_again(config) {
            self.has_found_full = false;
        }
        !self.has_found_full || self.is_read_closed || self.write_end.is_some()
    }

    /// Somebody relies on being told when bytes are shown.
    pub fn is_listened(&self) -> bool {
        self.readable_fd.is_some() || self.watched & READABLE != 0
    }

    pub fn wrote(&mut self, count: usize, config: &PipeConfig, fill: u64) {
        self.written += count as u64;
        self.writes += 1;
        let held = self.written - self.shown;
        let is_hosts = !self.writer.is_bound;
        if is_hosts && self.gathers.is_some() && !self.is_starved && fill < config.capacity_bytes / 2 {
            return; // the reader looks by itself
        }
        if is_hosts || held >= config.chunk_bytes || fill >= config.capacity_bytes || config.flush_interval_ms == 0 {
            self.show_all();
        } else if held > 0 {
            self.held_since.get_or_insert_with(Instant::now);
        }
    }

    pub fn show_all(&mut self) {
        self.shown = self.written;
        self.held_since = None;
    }

    /// Shows what was held for the whole interval.
    pub fn show_due(&mut self, now: Instant, interval: Duration) {
        if self.held_since.is_some_and(|since| now >= since + interval) {
            self.show_all();
        }
    }

    /// Keeps the numbers. True in the moment that the high-water mark is passed.
    pub fn measure(&mut self, fill: u64, config: &PipeConfig) -> bool {
        let times = &mut self.times;
        times.most_bytes = times.most_bytes.max(fill);
        count_time(&mut times.full_since, &mut times.full, fill >= config.capacity_bytes);
        count_time(&mut times.empty_since, &mut times.empty, fill == 0 && self.write_end.is_none());
        let mark = config.high_water_bytes();
        // It is told once, and again only after the fill fell to half of the mark.
        let was_above = times.is_above_mark;
        times.is_above_mark = if was_above { fill > mark / 2 } else { fill >= mark };
        times.is_above_mark && !was_above
    }

    pub fn stats(&self, config: &PipeConfig, fill: u64) -> PipeStats {
        PipeStats {
            is_write_closed: self.write_end.is_some(),
            is_read_closed: self.is_read_closed,
            capacity_bytes: config.capacity_bytes,
            chunk_bytes: config.chunk_bytes,
            fill_bytes: fill + self.returned_bytes(),
            high_water_bytes: self.times.most_bytes,
            written_bytes: self.written,
            read_bytes: self.read - self.returned_bytes(),
            full_us: (self.times.full + until_now(self.times.full_since)).as_micros() as u64,
            empty_us: (self.times.empty + until_now(self.times.empty_since)).as_micros() as u64,
            writes: self.writes,
            reads: self.reads,
        }
    }
}

fn until_now(since: Option<Instant>) -> Duration {
    since.map_or(Duration::ZERO, |since| since.elapsed())
}

/// Adds up the time during which something is so. The clock is read only when it changes.
fn count_time(since: &mut Option<Instant>, total: &mut Duration, is_so: bool) {
    match since {
        Some(_) if !is_so => *total += until_now(since.take()),
        None if is_so => *since = Some(Instant::now()),
        _ => {}
    }
}

impl State {
    /// Bytes that a probe gave back were read (again).
    pub fn took_returned(&mut self, count: usize) {
        self.returned_at += count;
        if self.returned_at >= self.returned.len() {
            self.returned = Vec::new();
            self.returned_at = 0;
        }
    }

    /// Puts bytes before all others.
    pub fn give_back(&mut self, bytes: Vec<u8>) {
        let rest = self.returned.split_off(self.returned_at.min(self.returned.len()));
        self.returned = bytes;
        self.returned.extend_from_slice(&rest);
        self.returned_at = 0;
    }
}
