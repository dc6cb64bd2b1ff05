//! What the options of an input say of it as a source.

use super::timeline::Gap;
use crate::engine::host::name_of;
use crate::engine::slate::Slate;
use crate::error::Error;
use crate::options::{FileSpec, parse_integer, parse_time_us};
use std::time::Duration;

/// When the circuit of a host opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many bad certificates in a row.
    pub certificates: u32,
    /// So many failed handshakes within `window`.
    pub handshakes: u32,
    pub window: Duration,
    pub open: Duration,
}

#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// The input's own, then its alternates.
    pub urls: Vec<String>,
    pub first_delay: Duration,
    pub most_delay: Duration,
    /// How many times in a row it may fail; None: without end.
    pub attempts: Option<u32>,
    /// How long it may be gone; None: without end.
    pub silence: Option<Duration>,
    /// Opened only while somebody takes part in the job, and so long after the last.
    pub linger: Option<Duration>,
    /// How often the first URL is tried while an alternate is used.
    pub return_after: Duration,
    /// What becomes of the time that it was gone.
    pub gap: Gap,
    /// How much later than others it stands (-itsoffset), in microseconds.
    pub offset_us: i64,
    /// What decoders show while it is away, once it was for so long.
    pub slate: Option<Slate>,
    pub slate_after: Duration,
    pub breaker: BreakerSettings,
}

const ONLY_SOURCES: [&str; 11] = [
    "mt_slate",
    "mt_slate_after_ms",
    "mt_alternate",
    "mt_retry_ms",
    "mt_retry_most_ms",
    "mt_retry_attempts",
    "mt_silence_ms",
    "mt_on_demand",
    "mt_linger_ms",
    "mt_return_ms",
    "mt_breaker",
];

pub fn is_source(spec: &FileSpec) -> bool {
    spec.flag("mt_source").unwrap_or(false)
}

fn number(spec: &FileSpec, name: &'static str, default: u64) -> u64 {
    spec.value(name).and_then(parse_integer).and_then(|number| u64::try_from(number).ok()).unwrap_or(default)
}

impl SourceSettings {
    /// None: it is no source.
    pub fn of(spec: &FileSpec) -> Result<Option<SourceSettings>, Error> {
        if !is_source(spec) {
            let given = ONLY_SOURCES.into_iter().find(|name| spec.value(name).is_some());
            return match given {
                None => Ok(None),
                Some(name) => Err(Error::option(format!("option {name} is for sources: it needs -mt_source 1"))),
            };
        }
        let alternates = spec.all("mt_alternate").map(|setting| setting.value.clone());
        let urls: Vec<String> = std::iter::once(spec.url.clone()).chain(alternates).collect();
        if let Some(url) = urls.iter().find(|url| name_of(url).is_some() || *url == "-") {
            let text = format!("'{url}' cannot be a source (-mt_source): it is the host's, and can be opened once");
            return Err(Error::option(text).with_hint(
                "Give a URL that can be opened again, or begin a new job when the host's stream has ended.",
            ));
        }
        let ms = |name, default| Duration::from_millis(number(spec, name, default));
        let some_ms = |name| Some(ms(name, 0)).filter(|time| !time.is_zero());
        let first_delay = ms("mt_retry_ms", 500).max(Duration::from_millis(1));
        let gap = match spec.value("mt_gap") {
            None => Gap::Together,
            Some("close") => Gap::Close,
            Some("keep") => Gap::Keep,
            Some(other) => {
                return Err(Error::option(format!(
                    "option mt_gap has the unknown value '{other}'; it takes close or keep"
                )));
            }
        };
        Ok(Some(SourceSettings {
            urls,
            first_delay,
            most_delay: ms("mt_retry_most_ms", 30_000).max(first_delay),
            attempts: u32::try_from(number(spec, "mt_retry_attempts", 0)).ok().filter(|count| *count > 0),
            silence: some_ms("mt_silence_ms"),
            linger: spec.flag("mt_on_demand").unwrap_or(false).then(|| ms("mt_linger_ms", 5_000)),
            return_after: ms("mt_return_ms", 5_000).max(Duration::from_millis(1)),
            gap,
            offset_us: spec.value("itsoffset").and_then(parse_time_us).unwrap_or(0),
            slate: slate(spec)?,
            slate_after: ms("mt_slate_after_ms", 500),
            breaker: breaker(spec.value("mt_breaker").unwrap_or_default())?,
        }))
    }
}

fn slate(spec: &FileSpec) -> Result<Option<Slate>, Error> {
    let slate = match spec.value("mt_slate").unwrap_or("none") {
        "none" => return Ok(None),
        "black" => Slate::Black,
        "last" => Slate::Last,
        other => {
            let text = format!("option mt_slate has the unknown value '{other}'; it takes none, black or last");
            return Err(Error::option(text));
        }
    };
    match spec.flag("mt_on_demand").unwrap_or(false) {
        true => Err(Error::option("the options mt_slate and mt_on_demand exclude each other".into())),
        false => Ok(Some(slate)),
    }
}

/// "certificates=3:handshakes=5:window_ms=60000:open_ms=60000", any of them.
fn breaker(text: &str) -> Result<BreakerSettings, Error> {
    let minute = Duration::from_secs(60);
    let mut settings = BreakerSettings { certificates: 3, handshakes: 5, window: minute, open: minute };
    for part in text.split(':').filter(|part| !part.is_empty()) {
        let bad = || {
            let names = "certificates=, handshakes=, window_ms= and open_ms= with whole numbers, and colons between";
            Error::option(format!("option mt_breaker has '{part}'; it takes {names}"))
        };
        let (name, value) = part.split_once('=').ok_or_else(bad)?;
        let value: u32 = value.parse().map_err(|_| bad())?;
        let time = Duration::from_millis(u64::from(value));
        match name {
            "certificates" => settings.certificates = value,
            "handshakes" => settings.handshakes = value,
            "window_ms" => settings.window = time,
            "open_ms" => settings.open = time,
            _ => return Err(bad()),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_is_set_part_by_part() {
        let set = breaker("handshakes=2:open_ms=50").unwrap();
        assert_eq!((set.certificates, set.handshakes, set.open), (3, 2, Duration::from_millis(50)));
        for bad in ["handshakes", "handshakes=x", "open=3", "open_ms=-1"] {
            assert!(breaker(bad).is_err(), "{bad}");
        }
    }
}
