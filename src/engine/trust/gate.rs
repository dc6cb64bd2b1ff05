//! Asked by FFmpeg while an input is opened and read.

use super::limits::Limits;
use super::profile::{Policy, Trust};
use super::protocols::scheme_of;
use crate::av::{Demuxer, Gate, StreamError};
use crate::engine::context::JobContext;
use crate::engine::counters::{Counters, add};
use crate::engine::host::{Failure, Stretch};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub struct InputGate {
    policy: Policy,
    limits: Limits,
    url: String,
    is_named: bool,
    /// The input's option http_proxy.
    proxy: Option<String>,
    protocols: Option<Vec<String>>,
    failure: Arc<Failure>,
    counters: Arc<Counters>,
    bytes: AtomicU64,
    stretch: Mutex<Stretch>,
}

impl InputGate {
    /// The gate of an input; None where everything may pass.
    pub fn of(
        policy: &Policy,
        url: &str,
        named: Option<Demuxer>,
        failure: &Arc<Failure>,
        context: &JobContext,
        proxy: Option<String>,
    ) -> Option<Arc<dyn Gate>> {
        (!policy.is_open()).then(|| {
            Arc::new(InputGate {
                policy: policy.clone(),
                limits: policy.limits.clone(),
                url: url.to_owned(),
                is_named: named.is_some(),
                proxy,
                protocols: policy.protocols_of(url),
                failure: Arc::clone(failure),
                counters: Arc::clone(&context.counters),
                bytes: AtomicU64::new(0),
                stretch: Mutex::default(),
            }) as Arc<dyn Gate>
        })
    }

    /// FFmpeg loses words: the input's failure keeps them.
    fn refuse(&self, error: &Error) -> i32 {
        let text = match error.hint() {
            "" => error.message().to_owned(),
            hint => format!("{}. {hint}", error.message()),
        };
        self.failure.refuse(&StreamError { code: error.code().to_c(), text });
        -libc::EPERM
    }

    fn check_url(&self, url: &str) -> Result<(), Error> {
        crate::engine::resolver::check(url, self.proxy.as_deref())?;
        let trust = self.policy.trust;
        let shown = crate::secrets::mask_url(url);
        if trust == Trust::Untrusted && url != self.url {
            let text = format!("the input would open '{shown}', which");
            return Err(super::refused(
                trust,
                text,
                "Give it -mt_trust standard or trusted if you know where it comes from.",
            ));
        }
        let scheme = scheme_of(url);
        let base = scheme.split('+').next().unwrap_or(&scheme);
        if self.protocols.as_ref().is_some_and(|list| !list.iter().any(|word| word == base)) {
            let list = self.protocols.as_ref().map(|list| list.join(",")).unwrap_or_default();
            let text = format!("the input would open '{shown}' by the protocol {base}, not one of {list}, which");
            return Err(super::refused(trust, text, "Give it -mt_trust trusted if you know it, or see -mt_protocols."));
        }
        self.policy.addresses.check(url)
    }
}

impl Gate for InputGate {
    fn check(&self, url: &str) -> Result<(), i32> {
        self.check_url(url).map_err(|error| self.refuse(&error))
    }

    fn check_guess(&self, format: Demuxer) -> Result<(), i32> {
        let is_by_scheme = format.opens_no_file() && is_by_scheme(format.names());
        self.policy.check_format(format, self.is_named || is_by_scheme).map_err(|error| self.refuse(&error))
    }

    fn may_read_on(&self, bytes: u64) -> bool {
        let before = self.bytes.fetch_max(bytes, Relaxed);
        add(&self.counters.bytes_read, bytes.saturating_sub(before));
        let Some(limit) = self.limits.open_bytes else { return true };
        if !self.stretch.lock().is_too_long(&self.failure, bytes.max(before), limit) {
            return true;
        }
        let text = format!(
            "no packet of media came in the bytes that were read: the limit is {limit} bytes (-mt_max_open_bytes)"
        );
        self.failure.refuse(&StreamError { code: Code::LIMIT.to_c(), text });
        false
    }

    fn forbids_redirects(&self) -> bool {
        self.policy.checks_addresses()
    }
}

/// Demuxers that a URL's scheme stands for.
fn is_by_scheme(names: &str) -> bool {
    names.split(',').any(|name| ["rtsp", "rtp", "sap"].contains(&name))
}
