//! The one table of limits: docs/trust.md shows it, and a test compares them.

use super::Trust;
use crate::options::{JobSpec, parse_float, parse_integer};

/// A limit of `standard` and `untrusted`. In `trusted` only what is set by hand holds.
pub struct Limit {
    /// Without dash; one of FFmpeg's own where it has one.
    pub option: &'static str,
    pub unit: &'static str,
    /// None: no limit, unless it is set.
    pub default: Option<u64>,
    pub what: &'static str,
}

const fn limit(option: &'static str, unit: &'static str, default: Option<u64>, what: &'static str) -> Limit {
    Limit { option, unit, default, what }
}

pub static LIMITS: [Limit; 8] = [
    limit("probesize", "bytes", Some(5_000_000), "read to find the streams of an input; an input's option of FFmpeg's"),
    limit("max_streams", "streams", Some(32), "streams of an input; an input's option of FFmpeg's"),
    limit("mt_max_open_bytes", "bytes", Some(64 << 20), "read before an input is open, and between two packets"),
    limit("mt_max_pixels", "pixels", Some(8192 * 8192), "of a picture, in what probes and in every decoder"),
    limit("mt_max_repeat", "frames", Some(7200), "made of one input frame, by a frame rate or a filter"),
    limit("mt_max_output_bytes", "bytes", None, "written by all outputs together"),
    limit("mt_max_time", "seconds", None, "that a job may run"),
    limit(
        "mt_idle_timeout",
        "seconds",
        Some(60),
        "without progress, not counting what is spent waiting for the host (its pipes and callbacks)",
    ),
];

/// The limits of a job; None is no limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    pub open_bytes: Option<u64>,
    pub pixels: Option<u64>,
    pub repeat: Option<u64>,
    pub output_bytes: Option<u64>,
    pub time_s: Option<f64>,
    pub idle_s: Option<f64>,
}

/// The default of a limit by its option.
pub fn default_of(option: &str) -> Option<u64> {
    LIMITS.iter().find(|limit| limit.option == option).and_then(|limit| limit.default)
}

impl Limits {
    /// What the options say, else the defaults of the profile. 0 by hand is no limit.
    pub fn of(job: &JobSpec, trust: Trust) -> Limits {
        let default = |option: &str| default_of(option).filter(|_| trust != Trust::Trusted);
        let whole = |option: &'static str| match job.global(option).and_then(parse_integer) {
            Some(value) => u64::try_from(value).ok().filter(|value| *value > 0),
            None => default(option),
        };
        let seconds = |option: &'static str| match job.global(option).and_then(parse_float) {
            Some(value) => Some(value).filter(|value| *value > 0.0),
            None => default(option).map(|value| value as f64),
        };
        Limits {
            open_bytes: whole("mt_max_open_bytes"),
            pixels: whole("mt_max_pixels"),
            repeat: whole("mt_max_repeat"),
            output_bytes: whole("mt_max_output_bytes"),
            time_s: seconds("mt_max_time"),
            idle_s: seconds("mt_idle_timeout"),
        }
    }
}
