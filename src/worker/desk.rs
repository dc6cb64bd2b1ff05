//! Questions to a worker, from any thread of the host: who attends to the worker passes them on, and brings the answers back.

use crate::engine::EventFd;
use crate::error::Error;
use parking_lot::{Condvar, Mutex};
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
    is_over: bool,
}

pub struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    /// Raised when there is something to be passed on.
    pub(super) bell: EventFd,
}

impl Desk {
    pub fn new() -> Result<Desk, Error> {
        Ok(Desk { state: Mutex::default(), changed: Condvar::new(), bell: EventFd::new()? })
    }

    /// Asks the worker what it does. Never blocks.
    pub fn ask(&self) -> Question {
        let mut state = self.state.lock();
        state.asked += 1;
        self.bell.raise();
        state.asked
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
        if state.asked > state.sent {
            self.bell.raise(); // who asked meanwhile
        }
        self.changed.notify_all();
    }

    /// Nobody answers any more.
    pub(super) fn close(&self) {
        self.state.lock().is_over = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_passed_on_one_at_a_time_and_an_answer_is_for_all_that_were_asked_before() {
        let desk = Desk::new().unwrap();
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
