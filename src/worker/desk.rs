//! Questions and orders to a worker, from any thread of the host: who attends to the worker passes them on, and brings the answers back.

use super::order::Order;
use crate::engine::Wake;
use parking_lot::{Condvar, Mutex};
use std::sync::Weak;
use std::time::{Duration, Instant};

/// A question's number.
pub type Question = u64;

#[derive(Default)]
struct State {
    asked: Question,
    /// The last one that was passed on, and the last that was answered.
    sent: Question,
    answered: Question,
    answer: String,
    orders: Vec<Order>,
    is_over: bool,
}

#[derive(Default)]
pub struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    /// Who attends to the worker.
    attendant: Mutex<Option<Weak<dyn Wake>>>,
}

impl Desk {
    /// Somebody attends to the worker from here on, and is woken for each question.
    pub(super) fn open(&self, attendant: Weak<dyn Wake>) {
        *self.attendant.lock() = Some(attendant);
    }

    fn ring(&self) {
        let attendant = self.attendant.lock().as_ref().and_then(Weak::upgrade);
        if let Some(attendant) = attendant {
            attendant.wake();
        }
    }

    /// Asks the worker what it does. Never blocks.
    pub fn ask(&self) -> Question {
        let mut state = self.state.lock();
        state.asked += 1;
        let question = state.asked;
        drop(state);
        self.ring();
        question
    }

    /// Wants something of the worker, which hears of it in the order of these calls, or is gone. Never blocks.
    pub fn order(&self, order: Order) {
        let mut state = self.state.lock();
        if !state.is_over {
            state.orders.push(order);
        }
        drop(state);
        self.ring();
    }

    pub(super) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut self.state.lock().orders)
    }

    /// What it said to this question or a later one; None when the time is over first, or the worker.
    pub fn answer(&self, question: Question, limit: Duration) -> Option<String> {
        let until = Instant::now() + limit;
        let mut state = self.state.lock();
        while state.answered < question {
            if state.is_over || self.changed.wait_until(&mut state, until).timed_out() {
                return None;
            }
        }
        Some(state.answer.clone())
    }

    /// Whether there is a question to be passed on: one at a time, so that who is stuck is not flooded.
    pub(super) fn take(&self) -> bool {
        let mut state = self.state.lock();
        let is_wanted = state.asked > state.sent && state.sent == state.answered;
        if is_wanted {
            state.sent = state.asked;
        }
        is_wanted
    }

    pub(super) fn put(&self, answer: String) {
        let mut state = self.state.lock();
        state.answered = state.sent;
        state.answer = answer;
        let is_asked_again = state.asked > state.sent;
        drop(state);
        self.changed.notify_all();
        if is_asked_again {
            self.ring();
        }
    }

    /// Nobody answers any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        state.orders.clear();
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_passed_on_one_at_a_time_and_an_answer_is_for_all_that_were_asked_before() {
        let desk = Desk::default();
        let (first, second) = (desk.ask(), desk.ask());
        assert!(desk.take() && !desk.take());
        let third = desk.ask();
        assert!(!desk.take(), "the worker has not answered yet");
        desk.put("one".into());
        assert_eq!(desk.answer(first, Duration::ZERO).as_deref(), Some("one"));
        assert_eq!(desk.answer(second, Duration::ZERO).as_deref(), Some("one"));
        assert_eq!(desk.answer(third, Duration::from_millis(1)), None);
        assert!(desk.take());
        desk.close();
        assert_eq!(desk.answer(third, Duration::from_secs(60)), None);
    }
}
