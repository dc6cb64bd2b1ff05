//! Whether a job hangs, by looking at it now and then (`activity` is what is looked at).
//!
//! A job hangs when one of its threads has been at the same piece of work for the whole time and waits for nobody outside, or when no thread
//! got on and all wait for each other. Who waits for a peer, the host or the clock (-re) does not: a peer is waited for where FFmpeg asks whether to
//! give up, or where the thread sleeps in a system call of reading and writing.

use super::activity::{Doing, Seen};
use super::context::JobContext;
use super::dump::{dump, said, with_stacks};
use crate::error::{Code, Error};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a look came to.
pub enum Outlook {
    /// Look again then.
    At(Instant),
    /// Why it hangs.
    Hangs(String),
}

pub struct HangWatch {
    limit: Duration,
    /// Of each thread, how far it was and since when it is there.
    threads: HashMap<i32, (u64, Instant)>,
    /// When any of them got on, last.
    moved: Instant,
    looked: Instant,
}

impl HangWatch {
    /// None where nothing is to be looked for.
    pub fn new(limit_ms: u64) -> Option<HangWatch> {
        let now = Instant::now();
        let limit = Duration::from_millis(limit_ms);
        (limit_ms > 0).then(|| HangWatch { limit, threads: HashMap::new(), moved: now, looked: now })
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// How often is looked.
    fn step(&self) -> Duration {
        (self.limit / 8).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }

    pub fn look(&mut self, context: &JobContext) -> Outlook {
        let now = Instant::now();
        // Who looks was late: the whole process did not run (it was stopped, or its cgroup frozen), which is nobody's hang.
        if now - self.looked > self.step() + self.limit / 4 + Duration::from_millis(50) {
            self.threads.clear();
            self.moved = now;
        }
        self.looked = now;
        let next = Outlook::At(now + self.step());
        let Some(all) = context.activity.look() else { return next };
        let slot = context.slot();
        let still: Vec<Duration> = all.iter().map(|seen| self.stands_for(seen, now)).collect();
        self.threads.retain(|id, _| all.iter().any(|seen| seen.pulse.thread == *id));
        if context.is_cancelled() || all.is_empty() {
            self.moved = now;
            return next;
        }
        let is_stuck = |(seen, still): &(&Seen, &Duration)| {
            let is_busy = matches!(seen.doing, Doing::Work | Doing::Peer);
            **still >= self.limit && is_busy && !seen.waits_for_peer(&all, slot)
        };
        if let Some((stuck, _)) = all.iter().zip(&still).find(is_stuck) {
            let text = format!("thread {} {} {}", stuck.pulse.thread, stuck.pulse.name, said(stuck, &all, slot));
            return Outlook::Hangs(text);
        }
        if still.contains(&Duration::ZERO)
            || all.iter().any(|seen| seen.doing.is_for_host() || seen.waits_for_peer(&all, slot))
        {
            self.moved = now;
        }
        match now - self.moved >= self.limit {
            true => Outlook::Hangs("its threads wait for each other".into()),
            false => next,
        }
    }

    /// How long a thread has not got on; zero where it did since the last look.
    fn stands_for(&mut self, seen: &Seen, now: Instant) -> Duration {
        let beats = seen.pulse.beats();
        let known = self.threads.entry(seen.pulse.thread).or_insert((u64::MAX, now));
        if known.0 != beats {
            *known = (beats, now);
        }
        now - known.1
    }

    /// The error of a job that hangs; its detail is what a dump tells of it. Blocks for as long as its threads take to answer.
    pub fn error(&self, context: &Arc<JobContext>, why: &str) -> Error {
        let detail = with_stacks(&context.threads, |stacks| dump(context, stacks));
        let text = format!("nothing moved for {} ms (-mt_hang_timeout_ms): {why}", self.limit.as_millis());
        Error::new(Code::HUNG, text)
            .at("watch")
            .with_hint("The detail has the stacks of its threads; mt-transcode symbolize names their functions.")
            .with_detail(&format!("mt-transcode dump 1\n{detail}end of dump\n"))
    }
}
