//! What the threads of a job are at: which one waits for whom, since when. Each says it itself ([`Activity::enter`], [`Doing`]), at the cost of
//! some plain stores where it begins to wait; who asks (`hang`, a dump) reads without stopping anybody.

use crate::av::pulse::{self, Mark, Pulse};
use crate::crash::{Asleep, Task, thread_id};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// What a thread is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Doing {
    /// Inside FFmpeg or this engine.
    Work = 0,
    /// A file, a URL or a device is opened, read, written or closed.
    Peer = 1,
    /// The host's callback runs.
    Callback = 2,
    EmptyPipe = 3,
    FullPipe = 4,
    /// Nothing came over a link yet, or there is no room in it.
    EmptyLink = 5,
    FullLink = 6,
    /// The job's other threads are to end, or to come as far.
    Threads = 7,
    /// It is too early (-re).
    Pace = 8,
    /// The job's worker works.
    Worker = 9,
}

const ALL: [Doing; 10] = [
    Doing::Work,
    Doing::Peer,
    Doing::Callback,
    Doing::EmptyPipe,
    Doing::FullPipe,
    Doing::EmptyLink,
    Doing::FullLink,
    Doing::Threads,
    Doing::Pace,
    Doing::Worker,
];

impl Doing {
    /// The calling thread is at it until the mark is dropped. `name`: of what, by [`Activity::name`]; 0 is nothing.
    pub fn begin(self, name: u32) -> Mark {
        Mark::begin(u64::from(name) << 8 | self as u64)
    }

    fn of(value: u64) -> (Doing, u32) {
        (ALL.get((value & 0xff) as usize).copied().unwrap_or(Doing::Work), (value >> 8) as u32)
    }

    /// Somebody outside of the job is waited for, whom nobody can hurry.
    pub fn is_for_host(self) -> bool {
        matches!(self, Doing::Callback | Doing::EmptyPipe | Doing::FullPipe | Doing::Pace | Doing::Worker)
    }

    pub fn words(self) -> &'static str {
        match self {
            Doing::Work => "works",
            Doing::Peer => "reads or writes",
            Doing::Callback => "waits for the host's callback of",
            Doing::EmptyPipe => "waits for bytes in the empty pipe",
            Doing::FullPipe => "waits for room in the full pipe",
            Doing::EmptyLink => "waits for something in the link",
            Doing::FullLink => "waits for room in the link",
            Doing::Threads => "waits for other threads of the job",
            Doing::Pace => "waits for its time (-re)",
            Doing::Worker => "waits for the worker",
        }
    }
}

/// A text of somebody else's in a line of ours.
pub fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// One thread at one moment.
pub struct Seen {
    pub pulse: Arc<Pulse>,
    pub doing: Doing,
    /// Of what it waits for.
    pub name: String,
    pub since_us: i64,
}

/// The threads of a job.
#[derive(Default)]
pub struct Activity {
    threads: Mutex<Vec<Arc<Pulse>>>,
    names: Mutex<Vec<String>>,
}

/// The calling thread is one of the job's until this is dropped.
pub struct Entered<'a> {
    activity: &'a Activity,
    pulse: Arc<Pulse>,
    before: Option<Arc<Pulse>>,
}

impl Activity {
    /// The calling thread works for the job from here on.
    pub fn enter(&self, name: &str) -> Entered<'_> {
        let pulse = Pulse::new(thread_id(), name.to_owned());
        self.threads.lock().push(Arc::clone(&pulse));
        let before = pulse::install(Some(Arc::clone(&pulse)));
        Entered { activity: self, pulse, before }
    }

    /// A number for what threads may wait for, for [`Doing::begin`]; the same name has the same. They are few, and stay.
    pub fn name(&self, name: &str) -> u32 {
        let name = one_line(name);
        let mut names = self.names.lock();
        let known = names.iter().position(|other| *other == name).unwrap_or(names.len());
        if known == names.len() {
            names.push(name);
        }
        known as u32 + 1
    }

    /// All threads as they are now. None where somebody holds the list, which is never for long.
    pub fn look(&self) -> Option<Vec<Seen>> {
        const LIMIT: Duration = Duration::from_millis(100);
        let threads = self.threads.try_lock_for(LIMIT)?.clone();
        let names = self.names.try_lock_for(LIMIT)?;
        let seen = threads.into_iter().map(|pulse| {
            let (value, since_us) = pulse.doing();
            let (doing, name) = Doing::of(value);
            let name = (name as usize).checked_sub(1).and_then(|index| names.get(index).cloned()).unwrap_or_default();
            Seen { pulse, doing, name, since_us }
        });
        Some(seen.collect())
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        pulse::install(self.before.take());
        self.activity.threads.lock().retain(|other| !Arc::ptr_eq(other, &self.pulse));
    }
}

impl Seen {
    /// Whether it waits for a peer: inside of reading and writing, asleep in a system call of that kind, or waiting for a thread of FFmpeg's that is
    /// (the protocol async). `all`: the job's threads; `slot`: the job's, by which FFmpeg's are found.
    pub fn waits_for_peer(&self, all: &[Seen], slot: Option<u8>) -> bool {
        if self.doing != Doing::Peer {
            return false;
        }
        match Task::find(self.pulse.thread).map(|task| task.asleep()) {
            Some(Asleep::InIo | Asleep::Unknown) => true,
            Some(Asleep::OnThread) => slot.is_none_or(|slot| {
                let is_ours = |task: &Task| all.iter().any(|seen| seen.pulse.thread == task.id);
                let of_ffmpeg = |task: &Task| task.slot() == Some(slot) && !is_ours(task);
                Task::all().iter().any(|task| of_ffmpeg(task) && task.asleep() == Asleep::InIo)
            }),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_seen_at_what_it_does_and_forgotten_when_it_leaves() {
        let activity = Activity::default();
        let name = activity.name("in");
        let entered = activity.enter("demux0");
        let seen = || {
            let seen = activity.look().unwrap_or_default();
            seen.iter().map(|seen| (seen.pulse.name.clone(), seen.doing, seen.name.clone())).collect::<Vec<_>>()
        };
        assert_eq!(seen(), [("demux0".to_owned(), Doing::Work, String::new())]);
        let beats = entered.pulse.beats();
        let mark = Doing::EmptyPipe.begin(name);
        assert_eq!(seen(), [("demux0".to_owned(), Doing::EmptyPipe, "in".to_owned())]);
        drop(mark);
        assert_eq!(seen()[0].1, Doing::Work, "it is back at what it was at before");
        assert!(entered.pulse.beats() > beats);
        drop(entered);
        assert!(seen().is_empty());
    }

    #[test]
    fn every_word_has_its_number() {
        assert!(ALL.iter().enumerate().all(|(index, doing)| *doing as usize == index));
    }
}
