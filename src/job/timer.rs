//! What an engine does later: showing bytes that a pipe holds back, ending jobs that waited too long, giving free memory back. One
//! thread, only while something is planned.

use crate::engine::ThreadPool;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the thread stays without a plan: the next one usually follows.
const LINGER: Duration = Duration::from_secs(1);

/// A task's time and number.
pub(super) type Plan = (Instant, u64);
type Task = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(super) struct Timer {
    plans: Mutex<Plans>,
    changed: Condvar,
}

#[derive(Default)]
struct Plans {
    /// By time, and by number where two have the same.
    tasks: BTreeMap<Plan, Task>,
    next: u64,
    /// Until when the thread sleeps.
    wakes_at: Option<Instant>,
    is_running: bool,
    is_closed: bool,
}

impl Timer {
    /// Runs `task` at `time`, or soon after, on the engine's timer thread; it must not wait. Dropped unrun when the engine closes.
    /// Returns what [`Timer::forget`] takes.
    pub fn at(
        self: &Arc<Self>,
        time: Instant,
        threads: &Arc<ThreadPool>,
        task: impl FnOnce() + Send + 'static,
    ) -> Plan {
        let mut plans = self.plans.lock();
        if plans.is_closed {
            return (time, 0);
        }
        plans.next += 1;
        let key = (time, plans.next);
        plans.tasks.insert(key, Box::new(task));
        if plans.is_running {
            if plans.wakes_at.is_some_and(|wakes_at| time < wakes_at) {
                self.changed.notify_all();
            }
            return key;
        }
        let timer = Arc::clone(self);
        // Without a thread the plan waits for the next one that gets one.
        plans.is_running = threads.spawn_aside("mt-timer", move || timer.run()).is_ok();
        key
    }

    /// Drops a plan that was not run. Waking for nothing later is cheaper than being woken for that now.
    pub fn forget(&self, plan: Plan) {
        let task = self.plans.lock().tasks.remove(&plan);
        drop(task); // without the lock: it may be the last to hold something
    }

    fn run(&self) {
        let mut plans = self.plans.lock();
        let mut idle_until = Instant::now() + LINGER;
        while !plans.is_closed {
            let now = Instant::now();
            match plans.tasks.first_key_value().map(|(key, _)| *key) {
                Some(key) if key.0 <= now => {
                    let task = plans.tasks.remove(&key);
                    drop(plans);
                    if let Some(task) = task {
                        task();
                    }
                    plans = self.plans.lock();
                    idle_until = Instant::now() + LINGER;
                }
                None if now >= idle_until => break,
                next => {
                    let wakes_at = next.map_or(idle_until, |(time, _)| time);
                    plans.wakes_at = Some(wakes_at);
                    self.changed.wait_until(&mut plans, wakes_at);
                    plans.wakes_at = None;
                }
            }
        }
        plans.is_running = false;
    }

    pub fn close(&self) {
        let mut plans = self.plans.lock();
        plans.is_closed = true;
        plans.tasks.clear();
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_run_in_the_order_of_their_times_and_the_thread_goes_away() {
        let (threads, timer, order) = (ThreadPool::new(), Arc::new(Timer::default()), Arc::new(Mutex::new(Vec::new())));
        let now = Instant::now();
        for (number, after_ms) in [(2, 30), (1, 10), (3, 30)] {
            let order = Arc::clone(&order);
            timer.at(now + Duration::from_millis(after_ms), &threads, move || order.lock().push(number));
        }
        let until = Instant::now() + Duration::from_secs(60);
        while order.lock().len() < 3 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(*order.lock(), [1, 2, 3]);
        timer.close();
        assert_eq!(threads.close(Duration::from_secs(60)), 0);
    }
}
