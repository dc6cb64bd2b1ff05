//! The bounded links between threads. A consumer has one inbox with a queue for each of its producers' streams.
//!
//! Bounded queues alone lock up: a graph waits for audio while the demuxer waits for room in the video queue. So a full queue
//! may grow while its consumer starves for another one (rule 33 of the engine's rules), up to the job's byte budget;
//! past it the job fails with LIMIT and the names of both streams.
//!
//! To wake a thread costs more than to encode a frame of sound: who has more to do may let its consumer sleep for some milliseconds
//! ([`Inbox::send_soon`]), and wakes it before it sleeps itself ([`Inbox::hurry`]).

use super::activity::Doing;
use super::context::{Fill, JobContext, Wake};
use super::counters::Counters;
use super::lockstep::Lockstep;
use crate::av::pulse;
use crate::error::{Code, Error};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Something that has a size.
pub trait Weight {
    fn weight_bytes(&self) -> usize;
}

pub struct Inbox<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    room: Condvar,
    context: Arc<JobContext>,
    lockstep: Option<Arc<Lockstep>>,
}

struct State<T> {
    queues: Vec<Queue<T>>,
    /// The queue that the consumer waits for, and every other one may grow.
    starving_for: Option<usize>,
    is_closed: bool,
    /// The consumer waits, and nobody has woken it yet. A job that goes step by step knows it.
    is_asleep: bool,
    /// Since when it sleeps though something is there.
    held_since: Option<Instant>,
    /// When something was sent that has time.
    last_sent_soon: Option<Instant>,
    order: u64,
}

struct Queue<T> {
    name: String,
    /// As threads that wait for it say it.
    label: u32,
    limit: usize,
    items: VecDeque<(u64, T)>,
    is_closed: bool,
}

/// For how long a consumer may sleep though something is there: about as long as a frame of sound is.
const HELD: Duration = Duration::from_millis(20);

impl<T> Queue<T> {
    /// Who waits for room is woken only for several items: a wake for each costs more than an audio frame's decoding. Before the
    /// consumer sleeps it has either come here, or starves and wakes everyone.
    fn has_much_room(&self) -> bool {
        self.items.len() <= self.limit / 2
    }

    fn is_half_full(&self) -> bool {
        self.items.len() >= self.limit / 2
    }
}

/// Why nothing can be sent.
pub enum Refused {
    /// The consumer wants no more: not an error.
    Closed,
    Error(Error),
}

impl<T: Weight + Send + 'static> Inbox<T> {
    /// One queue for each `(name, limit)`.
    pub fn new(context: &Arc<JobContext>, queues: Vec<(String, usize)>) -> Arc<Inbox<T>> {
        let queues = queues
            .into_iter()
            .map(|(name, limit)| {
                let label = context.activity.name(&name);
                Queue { name, label, limit, items: VecDeque::new(), is_closed: false }
            })
            .collect();
        let inbox = Arc::new(Inbox {
            state: Mutex::new(State {
                queues,
                starving_for: None,
                is_closed: false,
                is_asleep: false,
                held_since: None,
                last_sent_soon: None,
                order: 0,
            }),
            filled: Condvar::new(),
            room: Condvar::new(),
            context: Arc::clone(context),
            lockstep: context.lockstep.get().cloned(),
        });
        let weak = Arc::downgrade(&inbox);
        context.on_cancel(weak);
        inbox
    }

    fn counters(&self) -> &Counters {
        &self.context.counters
    }

    /// Puts the last item of a stream into a queue, whatever its length: a consumer must always hear of the end.
    pub fn send_last(&self, queue: usize, item: T) {
        let mut state = self.state.lock();
        if !state.is_closed && !state.queues[queue].is_closed {
            self.put(&mut state, queue, item);
            self.wake_consumer(&mut state);
        }
    }

    /// Puts an item into a queue, waiting while it is full.
    pub fn send(&self, queue: usize, item: T) -> Result<(), Refused> {
        let mut state = self.put_where_room_is(queue, item)?;
        self.wake_consumer(&mut state);
        Ok(())
    }

    /// As [`Self::send`], by a thread that has more to do, and calls [`Self::hurry`] before it sleeps: where items come faster than every some
    /// milliseconds, a consumer that sleeps is woken only when the queue is half full, or with the next item after that time.
    pub fn send_soon(&self, queue: usize, item: T) -> Result<(), Refused> {
        let mut state = self.put_where_room_is(queue, item)?;
        let now = Instant::now();
        let is_flowing = state.last_sent_soon.replace(now).is_some_and(|last| now.duration_since(last) < HELD);
        // Who goes step by step counts who is awake.
        let may_sleep = is_flowing && state.is_asleep && self.lockstep.is_none() && !state.queues[queue].is_half_full();
        if !may_sleep || now.duration_since(*state.held_since.get_or_insert(now)) >= HELD {
            self.wake_consumer(&mut state);
        }
        Ok(())
    }

    /// What [`Self::send_soon`] has put is taken now.
    pub fn hurry(&self) {
        let mut state = self.state.lock();
        if state.held_since.is_some() {
            self.wake_consumer(&mut state);
        }
    }

    fn put_where_room_is(&self, queue: usize, item: T) -> Result<MutexGuard<'_, State<T>>, Refused> {
        let bytes = item.weight_bytes() as u64;
        let mut state = self.state.lock();
        loop {
            if state.is_closed || state.queues[queue].is_closed || self.context.is_cancelled() {
                return Err(Refused::Closed);
            }
            if state.queues[queue].items.len() < state.queues[queue].limit {
                break;
            }
            if let Some(other) = state.starving_for.filter(|other| *other != queue) {
                if self.counters().link_bytes.load(Relaxed) + bytes <= self.context.link_budget_bytes {
                    break;
                }
                return Err(Refused::Error(self.over_budget(&state, queue, other)));
            }
            let _waiting = Doing::FullLink.begin(state.queues[queue].label);
            self.room.wait(&mut state);
        }
        self.put(&mut state, queue, item);
        Ok(state)
    }

    fn put(&self, state: &mut State<T>, queue: usize, item: T) {
        // Who has always more to do, and room for what it makes, never waits: it gets on all the same.
        pulse::beat();
        let bytes = item.weight_bytes() as u64;
        state.order += 1;
        let order = state.order;
        state.queues[queue].items.push_back((order, item));
        let now = self.counters().link_bytes.fetch_add(bytes, Relaxed) + bytes;
        self.counters().link_bytes_peak.fetch_max(now, Relaxed);
    }

    /// The consumer is awake from here on, also before its thread runs.
    fn wake_consumer(&self, state: &mut State<T>) {
        state.held_since = None;
        if std::mem::take(&mut state.is_asleep) {
            if let Some(lockstep) = &self.lockstep {
                lockstep.wake_one();
            }
            self.filled.notify_one();
        }
    }

    /// Nothing waits in it.
    pub fn is_empty(&self) -> bool {
        self.state.lock().queues.iter().all(|queue| queue.items.is_empty())
    }

    /// The queue that the consumer waits for; None where it waits for any.
    pub fn starving_for(&self) -> Option<usize> {
        self.state.lock().starving_for
    }

    fn over_budget(&self, state: &State<T>, queue: usize, other: usize) -> Error {
        Error::new(
            Code::LIMIT,
            format!(
                "more than {} bytes wait in '{}' while '{}' has nothing: the streams are too far apart",
                self.context.link_budget_bytes, state.queues[queue].name, state.queues[other].name
            ),
        )
        .at("link")
        .with_hint("Raise the engine's link_budget_bytes, or check that both streams of the input cover the same time.")
    }

    /// Takes the next item of queue `wanted`, or of any in the order of their arrival; waits for one. None when the job is
    /// cancelled.
    pub fn receive(&self, wanted: Option<usize>) -> Option<(usize, T)> {
        self.receive_patiently(wanted, &[], || ())
    }

    /// As [`Self::receive`], but takes from another queue when that has more than `patience` items beyond its length, and calls `before_sleep`
    /// when there is nothing to take.
    pub fn receive_patiently(
        &self,
        wanted: Option<usize>,
        patience: &[usize],
        before_sleep: impl FnOnce(),
    ) -> Option<(usize, T)> {
        let mut before_sleep = Some(before_sleep);
        let mut state = self.state.lock();
        loop {
            if self.context.is_cancelled() || state.is_closed {
                return None;
            }
            let queue = match wanted {
                Some(queue) if state.queues[queue].items.is_empty() => state.overfull(patience),
                Some(queue) => Some(queue),
                None => state.first(),
            };
            if let Some((queue, (_, item))) = queue.and_then(|q| Some((q, state.queues[q].items.pop_front()?))) {
                pulse::beat();
                state.starving_for = None;
                self.counters().link_bytes.fetch_sub(item.weight_bytes() as u64, Relaxed);
                if state.queues[queue].has_much_room() {
                    self.room.notify_all();
                }
                return Some((queue, item));
            }
            if let Some(before_sleep) = before_sleep.take() {
                MutexGuard::unlocked(&mut state, before_sleep);
                continue;
            }
            state.starving_for = wanted;
            if wanted.is_some() {
                self.room.notify_all();
            }
            state.is_asleep = true;
            if let Some(lockstep) = &self.lockstep {
                lockstep.sleep();
            }
            let label = state.queues.get(wanted.unwrap_or(0)).map_or(0, |queue| queue.label);
            let waiting = Doing::EmptyLink.begin(label);
            self.filled.wait(&mut state);
            drop(waiting);
            self.wake_consumer(&mut state);
        }
    }

    /// As [`Self::close`], by another one than the consumer, who is told.
    pub fn end(&self) {
        self.close();
        self.wake_consumer(&mut self.state.lock());
    }

    /// The consumer wants no more: what waits is thrown away, and producers are told.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let mut bytes = 0;
        for queue in &mut state.queues {
            bytes += queue.items.drain(..).map(|(_, item)| item.weight_bytes() as u64).sum::<u64>();
        }
        self.counters().link_bytes.fetch_sub(bytes, Relaxed);
        self.room.notify_all();
    }

    /// The consumer wants no more of one queue.
    pub fn close_queue(&self, queue: usize) {
        let mut state = self.state.lock();
        let queue = &mut state.queues[queue];
        queue.is_closed = true;
        let bytes = queue.items.drain(..).map(|(_, item)| item.weight_bytes() as u64).sum::<u64>();
        self.counters().link_bytes.fetch_sub(bytes, Relaxed);
        self.room.notify_all();
    }
}

impl<T> State<T> {
    /// A queue with more items than the consumer is willing to leave there.
    fn overfull(&self, patience: &[usize]) -> Option<usize> {
        let is_over = |(queue, patience): (&Queue<T>, &usize)| queue.items.len() > queue.limit + patience;
        self.queues.iter().zip(patience).position(is_over)
    }

    /// The queue whose first item arrived first.
    fn first(&self) -> Option<usize> {
        let first = |(index, queue): (usize, &Queue<T>)| queue.items.front().map(|(order, _)| (*order, index));
        self.queues.iter().enumerate().filter_map(first).min().map(|(_, index)| index)
    }
}

impl<T: Weight + Send> Wake for Inbox<T> {
    fn wake(&self) {
        let _guard = self.state.lock();
        self.filled.notify_all();
        self.room.notify_all();
    }

    fn fills(&self) -> Vec<Fill> {
        let state = self.state.try_lock_for(Duration::from_millis(50));
        let fill = |queue: &Queue<T>| Fill {
            name: queue.name.clone(),
            items: queue.items.len(),
            limit: queue.limit,
            bytes: queue.items.iter().map(|(_, item)| item.weight_bytes()).sum(),
        };
        state.map(|state| state.queues.iter().map(fill).collect()).unwrap_or_default()
    }
}

/// Closes the inbox when the consumer ends, however it ends: producers never wait for a thread that is gone.
pub struct CloseOnDrop<T: Weight + Send + 'static>(pub Arc<Inbox<T>>);

impl<T: Weight + Send + 'static> Drop for CloseOnDrop<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests;
