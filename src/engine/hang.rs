//! Whether a job hangs, by looking at it now and then (`activity` is what is looked at).
//!
//! A job hangs when one of its threads has been at the same piece of work for the whole time and waits for nobody outside, or when no thread
//! got on and all wait for each other. Who waits for a peer, the host or the clock (-re) does not: a peer is waited for where FFmpeg asks whether to
//! give up, or where the thread sleeps in a system call of reading and writing. An output that joined is ended by itself when one of its threads hangs;
//! where the job waits for it, and it for somebody outside, neither hangs.

use super::activity::{Doing, Seen};
use super::context::JobContext;
use super::dump::{dump, said, with_stacks};
use super::live::Viewer;
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

/// Of the threads of one context.
struct Look {
    /// The one that hangs.
    stuck: Option<String>,
    /// One got on, or waits for somebody outside.
    is_well: bool,
}

const LEVEL_ERROR: i32 = 16;

pub struct HangWatch {
    limit: Duration,
    /// Of each thread, how far it was, since when it is there, and when it was seen.
    threads: HashMap<i32, (u64, Instant, Instant)>,
    /// Outputs that joined, and were ended.
    given_up: Vec<usize>,
    /// When any of them got on, last.
    moved: Instant,
    looked: Instant,
}

impl HangWatch {
    /// None where nothing is to be looked for.
    pub fn new(limit_ms: u64) -> Option<HangWatch> {
        let now = Instant::now();
        let limit = Duration::from_millis(limit_ms);
        (limit_ms > 0).then(|| HangWatch {
            limit,
            threads: HashMap::new(),
            given_up: Vec::new(),
            moved: now,
            looked: now,
        })
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
        let look = self.look_at(&all, slot, now);
        let joined = self.look_at_joined(context, slot, now);
        self.threads.retain(|_, (_, _, seen)| *seen == now);
        if context.is_cancelled() || all.is_empty() {
            self.moved = now;
            return next;
        }
        if let Some(stuck) = look.stuck {
            return Outlook::Hangs(stuck);
        }
        if look.is_well || joined {
            self.moved = now;
        }
        match now - self.moved >= self.limit {
            true => Outlook::Hangs("its threads wait for each other".into()),
            false => next,
        }
    }

    fn look_at(&mut self, all: &[Seen], slot: Option<u8>, now: Instant) -> Look {
        let still: Vec<Duration> = all.iter().map(|seen| self.stands_for(seen, all, slot, now)).collect();
        let is_busy = |seen: &Seen| matches!(seen.doing, Doing::Work | Doing::Peer);
        let stuck = all.iter().zip(&still).find(|(seen, still)| **still >= self.limit && is_busy(seen));
        Look {
            stuck: stuck.map(|(stuck, _)| {
                format!("thread {} {} {}", stuck.pulse.thread, stuck.pulse.name, said(stuck, all, slot))
            }),
            is_well: still.contains(&Duration::ZERO) || all.iter().any(|seen| seen.doing.is_for_host()),
        }
    }

    /// Ends outputs that joined and hang. Whether another one gets on, or waits for somebody outside. That they wait for the job is no hang: it may have nothing for them.
    fn look_at_joined(&mut self, context: &JobContext, slot: Option<u8>, now: Instant) -> bool {
        let mut is_well = false;
        for (output, own) in context.live.joined() {
            let Some(all) = own.activity.look() else { continue };
            let look = self.look_at(&all, slot, now);
            is_well |= look.is_well;
            let Some(why) = look.stuck.filter(|_| !own.is_cancelled()) else { continue };
            if !self.given_up.contains(&output.index) {
                self.given_up.push(output.index);
                end(self.limit, &output, &own, why);
            }
        }
        is_well
    }

    /// How long a thread has neither got on nor waited for a peer; zero where it did since the last look. Who waits for a peer may be met at something else
    /// between two system calls: that it was met waiting once in a while is enough.
    fn stands_for(&mut self, seen: &Seen, all: &[Seen], slot: Option<u8>, now: Instant) -> Duration {
        let beats = seen.pulse.beats();
        let known = self.threads.entry(seen.pulse.thread).or_insert((u64::MAX, now, now));
        known.2 = now;
        if known.0 != beats || seen.waits_for_peer(all, slot) {
            *known = (beats, now, now);
        }
        now - known.1
    }
}

/// Ends an output that joined, on a thread: asking for stacks takes a while, which who looks has not.
fn end(limit: Duration, output: &Arc<Viewer>, context: &Arc<JobContext>, why: String) {
    let (viewer, own) = (Arc::clone(output), Arc::clone(context));
    let end = move || {
        let error = hang_error(limit, &own, &why);
        own.observer.log(LEVEL_ERROR, "watch", None, &format!("{}\n{}", error.message(), error.detail()));
        viewer.give_up(&error);
    };
    if context.threads.spawn_aside("mt-watch", end).is_err() {
        context.cancel();
    }
}

/// The error of a job that hangs; its detail is what a dump tells of it. Blocks for as long as its threads take to answer.
pub fn hang_error(limit: Duration, context: &Arc<JobContext>, why: &str) -> Error {
    let detail = with_stacks(&context.threads, |stacks| dump(context, stacks));
    let text = format!("nothing moved for {} ms (-mt_hang_timeout_ms): {why}", limit.as_millis());
    Error::new(Code::HUNG, text)
        .at("watch")
        .with_hint("The detail has the stacks of its threads; mt-transcode symbolize names their functions.")
        .with_detail(&format!("mt-transcode dump 1\n{detail}end of dump\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::Identity;
    use crate::engine::observer::Nobody;
    use crate::engine::threads::ThreadPool;

    const LIMIT_MS: u64 = 400;

    /// Three times the limit: long enough to see that nothing hangs.
    const SHORT: Duration = Duration::from_millis(3 * LIMIT_MS);
    /// For what does hang: on a busy machine looks come late, and begin anew.
    const LONG: Duration = Duration::from_secs(60);

    /// What becomes of a job whose threads do this and nothing else: why it hangs, or None where it does not within `bound`.
    fn verdict(doings: &[Doing], bound: Duration) -> Option<String> {
        let (interrupt, counters) = (crate::av::Interrupt::new(), Arc::default());
        let context = JobContext::new(interrupt, counters, Arc::new(Nobody), ThreadPool::new(), Identity::default());
        let mut watch = HangWatch::new(LIMIT_MS).unwrap();
        let (is_over, began) = (std::sync::atomic::AtomicBool::new(false), Instant::now());
        std::thread::scope(|scope| {
            for doing in doings {
                scope.spawn(|| {
                    let _entered = context.activity.enter("thread");
                    let _mark = doing.begin(0);
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            let mut said = None;
            while said.is_none() && began.elapsed() < bound {
                match watch.look(&context) {
                    Outlook::At(time) => std::thread::sleep(time.saturating_duration_since(Instant::now())),
                    Outlook::Hangs(why) => said = Some(why),
                }
            }
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            said
        })
    }

    #[test]
    fn a_thread_that_works_for_too_long_hangs_whoever_else_waits() {
        for others in [&[][..], &[Doing::EmptyPipe], &[Doing::EmptyLink, Doing::Threads]] {
            let why = verdict(&[&[Doing::Work], others].concat(), LONG).unwrap_or_default();
            assert!(why.contains("thread works for"), "{others:?}: {why}");
        }
    }

    #[test]
    fn reading_without_sleeping_in_a_system_call_of_reading_is_work() {
        assert!(verdict(&[Doing::Peer], LONG).is_some());
    }

    #[test]
    fn threads_that_wait_for_each_other_hang_unless_one_waits_for_somebody_outside() {
        let why = verdict(&[Doing::EmptyLink, Doing::FullLink, Doing::Threads], LONG).unwrap_or_default();
        assert!(why.contains("each other"), "{why}");
        for outside in [Doing::Callback, Doing::EmptyPipe, Doing::FullPipe, Doing::Pace, Doing::Worker] {
            assert_eq!(verdict(&[Doing::EmptyLink, Doing::Threads, outside], SHORT), None, "{outside:?}");
        }
    }

    #[test]
    fn zero_is_never() {
        assert!(HangWatch::new(0).is_none());
    }
}
