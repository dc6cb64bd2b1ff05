//! Holds the streams of an output together where one of them ends the others: -shortest and -frames. A packet waits until every
//! limiting stream has come as far, so that what is written does not depend on which thread was faster.

use crate::av::{NOPTS, Packet};
use std::collections::VecDeque;

pub struct SyncQueue {
    streams: Vec<Held>,
    /// Where the first limiting stream ended; nothing after it is written.
    end_us: Option<i64>,
    /// How much of a stream may wait for the others, in microseconds (-shortest_buf_duration); None: any length.
    most_us: Option<i64>,
}

struct Held {
    is_limiting: bool,
    is_ended: bool,
    packets: VecDeque<(i64, Packet)>,
    /// How far this stream has come.
    head_us: i64,
    /// How far it has been written.
    written_us: i64,
}

impl SyncQueue {
    /// Which streams end the others, and how much of a stream may wait for them.
    pub fn new(limiting: Vec<bool>, most_us: Option<i64>) -> SyncQueue {
        let held = |is_limiting| Held {
            is_limiting,
            is_ended: false,
            packets: VecDeque::new(),
            head_us: i64::MIN,
            written_us: i64::MIN,
        };
        SyncQueue { streams: limiting.into_iter().map(held).collect(), end_us: None, most_us }
    }

    pub fn push(&mut self, stream: usize, time_us: i64, packet: Packet) {
        let held = &mut self.streams[stream];
        let time_us = if time_us == NOPTS { held.head_us } else { time_us };
        held.head_us = held.head_us.max(time_us);
        held.packets.push_back((time_us, packet));
        self.give_up_waiting(stream);
    }

    /// Where too much of a stream waits, the others count as if they had come as far as its first packet (sync_queue.c:
    /// overflow_heartbeat).
    fn give_up_waiting(&mut self, stream: usize) {
        let Some(most_us) = self.most_us else { return };
        let held = &self.streams[stream];
        let Some((tail_us, _)) = held.packets.front() else { return };
        if held.head_us == *tail_us || held.head_us.saturating_sub(*tail_us) < most_us {
            return;
        }
        let reached_us = tail_us.saturating_add(1);
        for (index, other) in self.streams.iter_mut().enumerate() {
            if index != stream && !other.is_ended {
                other.head_us = other.head_us.max(reached_us);
            }
        }
    }

    pub fn end(&mut self, stream: usize) {
        let held = &mut self.streams[stream];
        if held.is_ended {
            return;
        }
        held.is_ended = true;
        if held.is_limiting {
            let end = held.head_us;
            self.end_us = Some(self.end_us.map_or(end, |other| other.min(end)));
        }
    }

    /// The stream ends with the packet that was given out last (-frames), whatever of it waits.
    pub fn cut(&mut self, stream: usize) {
        let held = &mut self.streams[stream];
        held.packets.clear();
        held.head_us = held.written_us;
        self.end(stream);
    }

    /// The next packet that may be written.
    pub fn pop(&mut self) -> Option<(usize, Packet)> {
        let horizon = self.horizon();
        let end = self.end_us.unwrap_or(i64::MAX);
        for held in &mut self.streams {
            held.packets.retain(|(time, _)| *time <= end);
        }
        let ready = |(index, held): (usize, &Held)| {
            let (time, _) = held.packets.front()?;
            (*time <= horizon).then_some((*time, index))
        };
        let (_, index) = self.streams.iter().enumerate().filter_map(ready).min()?;
        let held = &mut self.streams[index];
        let (time, packet) = held.packets.pop_front()?;
        held.written_us = held.written_us.max(time);
        Some((index, packet))
    }

    /// How far every limiting stream has come.
    fn horizon(&self) -> i64 {
        let running = self.streams.iter().filter(|held| held.is_limiting && !held.is_ended);
        running.map(|held| held.head_us).min().unwrap_or(i64::MAX)
    }

    /// Nothing more will be written, whatever comes.
    pub fn is_over(&self) -> bool {
        let Some(end) = self.end_us else { return false };
        self.streams.iter().all(|held| held.packets.is_empty() && (held.is_ended || held.head_us >= end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(queue: &mut SyncQueue) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop().map(|(stream, _)| stream)).collect()
    }

    #[test]
    fn a_packet_waits_for_the_limiting_stream() {
        let mut queue = SyncQueue::new(vec![true, false], None);
        for time in [0, 20, 40, 60] {
            queue.push(1, time, Packet::new().unwrap());
        }
        assert_eq!(times(&mut queue), [] as [usize; 0], "stream 0 has not come anywhere yet");
        queue.push(0, 0, Packet::new().unwrap());
        queue.push(0, 40, Packet::new().unwrap());
        assert_eq!(times(&mut queue), [0, 1, 1, 0, 1]);
        queue.end(0);
        assert_eq!(times(&mut queue), [] as [usize; 0], "60 lies behind the end at 40");
        queue.end(1);
        assert!(queue.is_over());
    }

    #[test]
    fn one_that_has_enough_ends_the_others_where_it_ends_itself() {
        let mut queue = SyncQueue::new(vec![true, true], None);
        for time in [0, 40, 80] {
            queue.push(0, time, Packet::new().unwrap());
        }
        for time in [0, 20] {
            queue.push(1, time, Packet::new().unwrap());
        }
        assert_eq!(times(&mut queue), [0, 1, 1]);
        queue.cut(0);
        queue.push(1, 60, Packet::new().unwrap());
        assert_eq!(times(&mut queue), [] as [usize; 0], "60 lies behind the end at 0, whatever had waited");
        assert!(queue.is_over());
    }

    #[test]
    fn a_stream_waits_no_longer_than_is_allowed() {
        let mut queue = SyncQueue::new(vec![true, true], Some(50));
        for time in [0, 20, 40] {
            queue.push(1, time, Packet::new().unwrap());
        }
        assert_eq!(times(&mut queue), [] as [usize; 0], "40 are waiting");
        queue.push(1, 60, Packet::new().unwrap());
        assert_eq!(times(&mut queue), [1], "stream 0 counts as if it were at 1");
    }

    #[test]
    fn without_a_limit_all_goes_out_at_the_end() {
        let mut queue = SyncQueue::new(vec![false, false], None);
        queue.push(0, 5, Packet::new().unwrap());
        queue.push(1, 1, Packet::new().unwrap());
        assert_eq!(times(&mut queue), [1, 0]);
        assert!(!queue.is_over());
    }
}
