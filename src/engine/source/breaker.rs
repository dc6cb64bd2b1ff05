//! A circuit for each host, shared by all jobs of an engine: a host whose certificate is wrong, or whose handshakes fail again and again, is left alone
//! for a while. Then one try goes through, and decides.

use super::settings::BreakerSettings;
use crate::av::AvError;
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why an opening failed, as far as a circuit cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Certificate,
    Handshake,
    /// Everything else: a host that is slow or away says nothing of the next try.
    Other,
}

impl Class {
    const ALL: [Class; 3] = [Class::Certificate, Class::Handshake, Class::Other];

    pub fn word(self) -> &'static str {
        match self {
            Class::Certificate => "certificate",
            Class::Handshake => "handshake",
            Class::Other => "other",
        }
    }

    pub fn parse(word: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.word() == word)
    }

    /// Of an error that opening `url` ended with.
    pub fn of(error: &Error, url: &str) -> Class {
        let is_tls =
            ["https:", "rtmps:", "rtmpts:", "tls:", "rtsps:", "ftps:"].iter().any(|scheme| url.starts_with(scheme));
        let is_elsewhere = [Code::ETIMEDOUT, Code::ECONNREFUSED, Code::ENOENT, Code::EACCES].contains(&error.code());
        match is_tls {
            true if error.code() == Code::TLS => Class::Certificate,
            // FFmpeg only says that it ended: what is no media has its own number.
            true if !is_elsewhere && error.ffmpeg_code() != AvError::INVALID_DATA.0 => Class::Handshake,
            _ => Class::Other,
        }
    }
}

/// What came of a try.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    Succeeded,
    GivenUp,
    Failed(Class, BreakerSettings),
}

/// Circuits that are kept elsewhere.
pub trait Circuits: Send + Sync {
    /// As [`Breakers::ask`]; waits for the answer, within bounds.
    fn ask(&self, host: &str) -> Answer;
    fn tell(&self, host: &str, outcome: &Outcome);
}

#[derive(Default)]
pub struct Breakers {
    circuits: Mutex<BTreeMap<String, Circuit>>,
    elsewhere: Option<Arc<dyn Circuits>>,
}

#[derive(Default)]
struct Circuit {
    certificates_in_row: u32,
    /// When handshakes failed.
    handshakes: VecDeque<Instant>,
    open_until: Option<Instant>,
    /// The one try after that is on its way.
    is_trying: bool,
}

/// Whether a host may be tried now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Go,
    /// The circuit is open for so long, or another one tries now.
    Wait(Duration),
}

impl Breakers {
    /// Those of another process.
    pub fn elsewhere(circuits: Arc<dyn Circuits>) -> Breakers {
        Breakers { elsewhere: Some(circuits), ..Breakers::default() }
    }

    /// Whether a host may be tried now. Who is told to go tells what came of it.
    pub fn ask(&self, host: &str, now: Instant) -> Answer {
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere.ask(host);
        }
        let mut circuits = self.circuits.lock();
        let Some(circuit) = circuits.get_mut(host) else { return Answer::Go };
        match circuit.open_until {
            None => Answer::Go,
            Some(until) if now < until => Answer::Wait(until - now),
            Some(_) if std::mem::replace(&mut circuit.is_trying, true) => Answer::Wait(Duration::from_millis(100)),
            Some(_) => Answer::Go,
        }
    }

    /// It could be opened: the circuit is closed.
    pub fn succeeded(&self, host: &str) {
        match &self.elsewhere {
            Some(elsewhere) => elsewhere.tell(host, &Outcome::Succeeded),
            None => drop(self.circuits.lock().remove(host)),
        }
    }

    /// It was not tried to its end.
    pub fn given_up(&self, host: &str) {
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.tell(host, &Outcome::GivenUp);
        } else if let Some(circuit) = self.circuits.lock().get_mut(host) {
            circuit.is_trying = false;
        }
    }

    /// Returns whether the circuit is open from here on, as far as it is known here.
    pub fn failed(&self, host: &str, class: Class, settings: &BreakerSettings, now: Instant) -> bool {
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.tell(host, &Outcome::Failed(class, *settings));
            return false;
        }
        let mut circuits = self.circuits.lock();
        if class == Class::Other {
            // No more in a row; a circuit that was tried stays as it is, and is tried again at once.
            if let Some(circuit) = circuits.get_mut(host) {
                circuit.certificates_in_row = 0;
                circuit.is_trying = false;
            }
            return false;
        }
        let circuit = circuits.entry(host.to_owned()).or_default();
        let was_tried = std::mem::take(&mut circuit.is_trying);
        match class {
            Class::Certificate => circuit.certificates_in_row += 1,
            _ => {
                circuit.certificates_in_row = 0;
                circuit.handshakes.push_back(now);
                while circuit.handshakes.front().is_some_and(|first| now - *first > settings.window) {
                    circuit.handshakes.pop_front();
                }
            }
        }
        let is_over = |count: usize, most: u32| most > 0 && count >= most as usize;
        let opens = was_tried
            || is_over(circuit.certificates_in_row as usize, settings.certificates)
            || is_over(circuit.handshakes.len(), settings.handshakes);
        if opens {
            circuit.open_until = Some(now + settings.open);
            circuit.handshakes.clear();
            circuit.certificates_in_row = 0;
        }
        opens
    }

    /// Hosts whose circuit is open, or about to be tried.
    pub fn open(&self) -> usize {
        self.circuits.lock().values().filter(|circuit| circuit.open_until.is_some()).count()
    }
}

/// "camera.example:443" of a URL; all of it where it has no host.
pub fn host_of(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const SETTINGS: BreakerSettings = BreakerSettings { certificates: 3, handshakes: 5, window: MINUTE, open: MINUTE };

    #[test]
    fn three_bad_certificates_in_a_row_open_it_and_one_try_decides() {
        let (breakers, now) = (Breakers::default(), Instant::now());
        let fail = |class, now| breakers.failed("h", class, &SETTINGS, now);
        assert!(!fail(Class::Certificate, now) && !fail(Class::Certificate, now));
        assert!(!fail(Class::Other, now), "a timeout does not count, and ends the row");
        assert!(!fail(Class::Certificate, now) && !fail(Class::Certificate, now) && fail(Class::Certificate, now));
        assert_eq!(breakers.ask("h", now + MINUTE / 2), Answer::Wait(MINUTE / 2));
        assert_eq!((breakers.ask("other", now), breakers.open()), (Answer::Go, 1));
        // Half open: one goes, the others wait; it fails, and the circuit is open again
        let later = now + MINUTE;
        assert_eq!(breakers.ask("h", later), Answer::Go);
        assert!(matches!(breakers.ask("h", later), Answer::Wait(_)));
        assert!(fail(Class::Certificate, later));
        assert!(matches!(breakers.ask("h", later), Answer::Wait(left) if left == MINUTE));
        // one that is given up lets the next one go, one that succeeds closes it
        assert_eq!(breakers.ask("h", later + MINUTE), Answer::Go);
        breakers.given_up("h");
        assert_eq!(breakers.ask("h", later + MINUTE), Answer::Go);
        breakers.succeeded("h");
        assert_eq!((breakers.ask("h", later), breakers.open()), (Answer::Go, 0));
    }

    #[test]
    fn five_failed_handshakes_within_a_minute_open_it() {
        let (breakers, now) = (Breakers::default(), Instant::now());
        let fail = |seconds| breakers.failed("h", Class::Handshake, &SETTINGS, now + Duration::from_secs(seconds));
        assert!((0..4).all(|i| !fail(i * 20)), "the first is over a minute old when the fifth comes");
        assert!(!fail(80) && fail(80));
    }

    #[test]
    fn a_host_is_what_is_dialled() {
        assert_eq!(host_of("rtmps://user:key@cam.example:443/live/key?x=1"), "rtmps://cam.example:443");
        assert_eq!(host_of("file.ts"), "file.ts");
    }
}
