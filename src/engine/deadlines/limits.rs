//! What the options say of one file's time.

use crate::options::{FileSpec, JobSpec, is_live, parse_integer};
use std::time::Duration;

/// Which time it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Until somebody connects, or sends the first packet.
    Wait,
    /// Opening, with probe or header.
    Open,
    Read,
    Write,
    Idle,
    Total,
}

const KINDS: [(Kind, &str); 6] = [
    (Kind::Wait, "mt_wait_timeout_ms"),
    (Kind::Open, "mt_open_timeout_ms"),
    (Kind::Read, "mt_read_timeout_ms"),
    (Kind::Write, "mt_write_timeout_ms"),
    (Kind::Idle, "mt_idle_timeout_ms"),
    (Kind::Total, "mt_total_timeout_ms"),
];

/// Of a live file that says nothing else.
const LIVE: Duration = Duration::from_secs(10);

impl Kind {
    pub fn option(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// What did not come in the time.
    pub fn words(self, is_input: bool) -> &'static str {
        match (self, is_input) {
            (Kind::Wait, true) => "gave no first packet",
            (Kind::Wait, false) => "had nobody connect to it",
            (Kind::Open, true) => "could not be opened and probed",
            (Kind::Open, false) => "could not be opened and take its header",
            (Kind::Read, _) => "gave no whole packet",
            (Kind::Write, _) => "did not take what was written",
            (Kind::Idle, true) => "gave no packet of one of its streams",
            (Kind::Idle, false) => "was given no packet",
            (Kind::Total, _) => "was not at its end",
        }
    }
}

/// By [`Kind`]; None is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits([Option<Duration>; 6]);

impl Limits {
    pub fn of(job: &JobSpec, file: &FileSpec, is_input: bool) -> Limits {
        let given = KINDS.map(|(_, option)| file.value(option).and_then(parse_integer));
        let is_live = is_live(job, file);
        // Who listens may wait long for somebody; where a wait was set, that is what bounds it.
        let opens_soon = given[Kind::Wait as usize].is_none() && !is_listening(file);
        let default = |kind| {
            let is_bounded = match kind {
                Kind::Open => opens_soon,
                Kind::Read => is_input,
                Kind::Write => !is_input,
                _ => false,
            };
            (is_live && is_bounded).then_some(LIVE)
        };
        let limit = |(kind, _): (Kind, &str)| match given[kind as usize] {
            Some(ms) => Some(Duration::from_millis(ms.max(0) as u64)).filter(|limit| !limit.is_zero()),
            None => default(kind),
        };
        Limits(KINDS.map(limit))
    }

    pub fn get(&self, kind: Kind) -> Option<Duration> {
        self.0[kind as usize]
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// Whether a file waits for somebody to connect, as far as its options and URL say so.
fn is_listening(file: &FileSpec) -> bool {
    let by_option = file.av_options().any(|setting| match setting.name.as_str() {
        "listen" => setting.value != "0",
        "rtsp_flags" => setting.value.contains("listen"),
        "mode" => setting.value == "listener",
        _ => false,
    });
    let query = file.url.split_once('?').map_or("", |(_, query)| query);
    by_option || query.split('&').any(|part| ["listen", "listen=1", "listen=2", "mode=listener"].contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::parse_args;

    fn limits(line: &str) -> (Limits, Limits) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let job = parse_args(&words, &Classes).unwrap();
        let of = |file: &FileSpec, is_input| Limits::of(&job, file, is_input);
        (of(&job.inputs[0], true), of(&job.outputs[0], false))
    }

    const TEN: Option<Duration> = Some(LIVE);

    #[test]
    fn there_are_none_but_those_that_are_set() {
        let (input, output) = limits("-mt_read_timeout_ms 250 -i a -mt_total_timeout_ms 0 b");
        assert_eq!(input.get(Kind::Read), Some(Duration::from_millis(250)));
        assert_eq!((input.get(Kind::Open), output.is_empty()), (None, true));
    }

    #[test]
    fn live_files_have_some_and_what_is_set_goes_before() {
        let (input, output) = limits("-mt_live 1 -mt_read_timeout_ms 0 -i a b");
        assert_eq!((input.get(Kind::Open), input.get(Kind::Read), input.get(Kind::Write)), (TEN, None, None));
        assert_eq!((output.get(Kind::Open), output.get(Kind::Read), output.get(Kind::Write)), (TEN, None, TEN));
        assert_eq!((output.get(Kind::Wait), output.get(Kind::Idle), output.get(Kind::Total)), (None, None, None));
    }

    #[test]
    fn who_listens_is_opened_whenever_somebody_comes() {
        for input in ["-listen 1 -i rtmp://127.0.0.1/a", "-i tcp://127.0.0.1:1?listen", "-mt_wait_timeout_ms 9 -i a"] {
            let (input, _) = limits(&format!("-mt_live 1 {input} b"));
            assert_eq!((input.get(Kind::Open), input.get(Kind::Read)), (None, TEN));
        }
    }
}
