//! Frames for a worker that may not read now: who attends to it must never wait for it, as it may wait for who attends.

use super::wire::{head, send_some};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;

#[derive(Default)]
pub(super) struct Outbox(VecDeque<u8>);

impl Outbox {
    pub fn put(&mut self, kind: u8, payload: &[u8]) {
        if let Ok(head) = head(kind, payload.len()) {
            self.0.extend(head);
            self.0.extend(payload);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends as much as goes now. What cannot be sent to who is gone is forgotten.
    pub fn flush(&mut self, socket: &UnixStream) {
        while !self.0.is_empty() {
            match send_some(socket, self.0.as_slices().0) {
                Ok(count) => drop(self.0.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.give_up(&error),
            }
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        if error.kind() != ErrorKind::WouldBlock {
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read_frame;
    use super::*;

    #[test]
    fn nobody_waits_for_who_does_not_read_and_nothing_is_lost() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut outbox = Outbox::default();
        let long = vec![7; 100_000];
        for _ in 0..20 {
            outbox.put(b'x', &long);
            outbox.flush(&ours);
        }
        assert!(!outbox.is_empty());
        let mut payload = Vec::new();
        for _ in 0..20 {
            outbox.flush(&ours);
            let mut rest = || outbox.flush(&ours);
            // It reads in pieces while we send
            let kind = std::thread::scope(|scope| {
                let reader = scope.spawn(|| read_frame(&theirs, &mut payload).unwrap());
                while !reader.is_finished() {
                    rest();
                }
                reader.join().unwrap()
            });
            assert_eq!((kind, payload.len()), (Some(b'x'), long.len()));
        }
        assert!(outbox.is_empty());
    }
}
