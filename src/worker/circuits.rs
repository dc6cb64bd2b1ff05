//! The circuits of an engine are its host's: a worker asks before it tries a host, and tells what came of it.

use super::host::Remote;
use super::message::{CIRCUIT, CIRCUIT_ANSWER};
use super::wire::write_frame;
use crate::engine::{BreakerSettings, CircuitAnswer, CircuitClass, Circuits, Outcome};
use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A host that does not answer within this says nothing against a try.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

/// The worker's side.
pub(super) struct RemoteCircuits {
    control: Arc<Mutex<UnixStream>>,
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Default)]
struct State {
    asked: u64,
    /// To questions that somebody waits with. None: not there yet.
    answers: BTreeMap<u64, Option<CircuitAnswer>>,
}

impl RemoteCircuits {
    pub fn new(control: &Arc<Mutex<UnixStream>>) -> Arc<RemoteCircuits> {
        let control = Arc::clone(control);
        Arc::new(RemoteCircuits { control, state: Mutex::default(), answered: Condvar::new() })
    }

    fn say(&self, value: &Value) {
        let _ = write_frame(&self.control.lock(), CIRCUIT, value.to_string().as_bytes());
    }

    /// The host's answer.
    pub fn hear(&self, value: &Value) {
        let answer = match value["wait_ms"].as_u64() {
            None => CircuitAnswer::Go,
            Some(ms) => CircuitAnswer::Wait(Duration::from_millis(ms)),
        };
        let mut state = self.state.lock();
        if let Some(place) = value["question"].as_u64().and_then(|question| state.answers.get_mut(&question)) {
            *place = Some(answer);
            self.answered.notify_all();
        }
    }
}

impl Circuits for RemoteCircuits {
    fn ask(&self, host: &str) -> CircuitAnswer {
        let mut state = self.state.lock();
        state.asked += 1;
        let question = state.asked;
        state.answers.insert(question, None);
        drop(state);
        self.say(&json!({"question": question, "host": host}));
        let until = Instant::now() + ANSWERED_WITHIN;
        let mut state = self.state.lock();
        while matches!(state.answers.get(&question), Some(None)) {
            if self.answered.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.answers.remove(&question).flatten().unwrap_or(CircuitAnswer::Go)
    }

    fn tell(&self, host: &str, outcome: &Outcome) {
        self.say(&match outcome {
            Outcome::Succeeded => json!({"host": host, "outcome": "succeeded"}),
            Outcome::GivenUp => json!({"host": host, "outcome": "given up"}),
            Outcome::Failed(class, settings) => json!({
                "host": host, "outcome": "failed", "class": class.word(), "certificates": settings.certificates,
                "handshakes": settings.handshakes, "window_ms": settings.window.as_millis() as u64, "open_ms": settings.open.as_millis() as u64,
            }),
        });
    }
}

impl Remote<'_> {
    /// The host's side: a question, or what came of a try.
    pub(super) fn circuit(&mut self, value: &Value) {
        let host = value["host"].as_str().unwrap_or_default();
        let breakers = &self.context.breakers;
        if let Some(question) = value["question"].as_u64() {
            let wait_ms = match breakers.ask(host, Instant::now()) {
                CircuitAnswer::Go => {
                    self.tried.insert(host.to_owned());
                    None
                }
                CircuitAnswer::Wait(left) => Some(left.as_millis() as u64),
            };
            return self.say(CIRCUIT_ANSWER, json!({"question": question, "wait_ms": wait_ms}).to_string().as_bytes());
        }
        self.tried.remove(host);
        match value["outcome"].as_str() {
            Some("succeeded") => breakers.succeeded(host),
            Some("failed") => {
                if let Some(class) = value["class"].as_str().and_then(CircuitClass::parse) {
                    breakers.failed(host, class, &settings(value), Instant::now());
                }
            }
            _ => breakers.given_up(host),
        }
    }

    /// The worker is gone: nobody tells any more what came of its tries.
    pub(super) fn give_up_tries(&mut self) {
        for host in std::mem::take(&mut self.tried) {
            self.context.breakers.given_up(&host);
        }
    }
}

fn settings(value: &Value) -> BreakerSettings {
    let number = |key: &str| value[key].as_u64().unwrap_or(0).min(u64::from(u32::MAX));
    BreakerSettings {
        certificates: number("certificates") as u32,
        handshakes: number("handshakes") as u32,
        window: Duration::from_millis(number("window_ms")),
        open: Duration::from_millis(number("open_ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read_frame;
    use super::*;

    #[test]
    fn a_worker_waits_for_the_word_of_its_host() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let circuits = RemoteCircuits::new(&Arc::new(Mutex::new(ours)));
        let asker = std::thread::spawn({
            let circuits = Arc::clone(&circuits);
            move || circuits.ask("tls://h")
        });
        let mut payload = Vec::new();
        assert_eq!(read_frame(&theirs, &mut payload).unwrap(), Some(CIRCUIT));
        let asked: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(asked["host"], "tls://h");
        circuits.hear(&json!({"question": asked["question"], "wait_ms": 70}));
        assert_eq!(asker.join().unwrap(), CircuitAnswer::Wait(Duration::from_millis(70)));
        let breaker =
            BreakerSettings { certificates: 1, handshakes: 2, window: Duration::ZERO, open: Duration::from_millis(9) };
        circuits.tell("h", &Outcome::Failed(CircuitClass::Handshake, breaker));
        read_frame(&theirs, &mut payload).unwrap();
        let told: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((settings(&told), told["class"].as_str()), (breaker, Some("handshake")));
        // a host that is gone says nothing against it, after a second
        drop(theirs);
        assert_eq!(circuits.ask("h"), CircuitAnswer::Go);
    }
}
