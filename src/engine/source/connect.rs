//! Opening a source, as often as it takes.

use super::aside;
use super::backoff;
use super::breaker::{Answer, Class, host_of};
use super::settings::SourceSettings;
use super::state::{Source, SourceState};
use crate::engine::activity::Doing;
use crate::engine::context::JobContext;
use crate::engine::counters::Waiting;
use crate::engine::files::OpenInput;
use crate::engine::low_latency;
use crate::error::{Code, Error};
use crate::options::JobSpec;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A source, and how it is opened.
pub struct Connector {
    pub source: Arc<Source>,
    context: Arc<JobContext>,
    /// The job, for each of its URLs.
    jobs: Vec<Arc<JobSpec>>,
    /// The URL that it was opened with.
    pub at: usize,
}

/// How long it has been without media, and what ends that.
struct Gone {
    began: Instant,
    limit: Option<Duration>,
}

/// Why it was not opened.
pub enum Refused {
    /// The job ends, or it was removed.
    Over,
    Failed(Error),
}

impl Connector {
    /// None where the input is no source.
    pub fn of(context: &Arc<JobContext>, job: &JobSpec, index: usize) -> Result<Option<Connector>, Error> {
        let spec = &job.inputs[index];
        let settings = SourceSettings::of(spec).map_err(|error| error.on_input(index, &spec.url))?;
        let Some(settings) = settings else { return Ok(None) };
        let with = |url: &String| {
            let mut job = job.clone();
            job.inputs[index].url.clone_from(url);
            // What a live input is given hangs on its protocol.
            Arc::new(low_latency::expand(&job).into_owned())
        };
        let jobs = settings.urls.iter().map(with).collect();
        let source = Source::new(context, index, settings);
        context.live.add_source(&source);
        Ok(Some(Connector { source, context: Arc::clone(context), jobs, at: 0 }))
    }

    fn settings(&self) -> &SourceSettings {
        &self.source.settings
    }

    fn is_over(&self) -> bool {
        self.source.is_removed() || self.context.is_ending()
    }

    /// Whether nobody takes part in a job whose source is opened for them only.
    pub fn is_unwanted(&self) -> bool {
        self.settings().linger.is_some() && self.context.live.running() == 0
    }

    /// Opens it, as often as its options allow. `fits`: whether what was opened can be used.
    pub fn connect(&mut self, fits: &dyn Fn(&OpenInput, u32) -> Result<(), Error>) -> Result<OpenInput, Refused> {
        // Who waits for a peer, or because he was told to, is neither idle nor does he hang.
        let context = Arc::clone(&self.context);
        let name = context.activity.name(&format!("source {}", self.source.index));
        let _waiting = (Waiting::begin(&context.counters), Doing::Peer.begin(name));
        let mut gone = Gone { began: Instant::now(), limit: self.settings().silence };
        loop {
            self.wait_until_wanted(&mut gone);
            if self.is_over() {
                self.end();
                return Err(Refused::Over);
            }
            self.source.take_left();
            let error = match self.try_in_order(fits)? {
                Ok(open) => return Ok(open),
                // It was closed because nobody wanted it any more: that is no failure.
                Err(_) if self.source.take_left() => continue,
                Err(error) => error,
            };
            let failures = self.source.status().failures;
            let rounds = failures.div_ceil(self.jobs.len() as u32);
            if self.settings().attempts.is_some_and(|most| rounds >= most) {
                self.end();
                let text = format!("{} (it was tried {rounds} times, which is -mt_retry_attempts)", error.message());
                return Err(Refused::Failed(
                    Error::new(error.code(), text)
                        .at("open input")
                        .on_input(self.source.index, &self.settings().urls[0]),
                ));
            }
            if let Err(error) = self.pause(rounds, &gone) {
                self.end();
                return Err(Refused::Failed(error));
            }
        }
    }

    /// The job ends, or it does.
    pub fn end(&self) {
        self.source.go(SourceState::Ended, |_| {});
    }

    /// Waits for as long as a source must be open before it is opened again.
    pub fn rest(&self, opened_at: Instant) {
        let until = opened_at + self.settings().first_delay;
        while !self.is_over() && Instant::now() < until {
            self.context.sleep((until - Instant::now()).min(Duration::from_millis(100)));
        }
    }

    fn wait_until_wanted(&self, gone: &mut Gone) {
        if !self.is_unwanted() {
            return;
        }
        self.source.go(SourceState::Idle, |status| status.failures = 0);
        while self.is_unwanted() && !self.is_over() {
            self.context.sleep(Duration::from_millis(100));
        }
        gone.began = Instant::now(); // who comes now waits from now on
    }

    /// Tries each of its URLs whose host's circuit is closed. The last error, where none could be opened.
    fn try_in_order(
        &mut self,
        fits: &dyn Fn(&OpenInput, u32) -> Result<(), Error>,
    ) -> Result<Result<OpenInput, Error>, Refused> {
        let mut last = None;
        let mut blocked = None;
        for at in 0..self.jobs.len() {
            let url = self.settings().urls[at].clone();
            let host = host_of(&url);
            if let Answer::Wait(left) = self.context.breakers.ask(&host, Instant::now()) {
                blocked = Some(blocked.map_or(left, |other: Duration| other.min(left)));
                continue;
            }
            let shown = crate::secrets::mask_url(&url);
            self.source.go(SourceState::Connecting, |status| status.url = shown);
            let opened = self.open(at, fits);
            if self.is_over() {
                self.context.breakers.given_up(&host);
                self.end();
                return Err(Refused::Over);
            }
            match opened {
                Ok(open) => {
                    self.context.breakers.succeeded(&host);
                    self.at = at;
                    self.source.go(SourceState::Live, |_| {});
                    return Ok(Ok(open));
                }
                Err(error) => {
                    let class = Class::of(&error, &url);
                    self.context.breakers.failed(&host, class, &self.settings().breaker, Instant::now());
                    self.source.failed(&error);
                    last = Some(error);
                }
            }
        }
        if let Some(left) = blocked.filter(|_| last.is_none()) {
            self.source.go(SourceState::Blocked, |status| status.retry_in = Some(left));
        }
        Ok(Err(last.unwrap_or_else(|| self.circuit_open())))
    }

    fn open(&self, at: usize, fits: &dyn Fn(&OpenInput, u32) -> Result<(), Error>) -> Result<OpenInput, Error> {
        let open = aside::open(&self.context, &self.jobs[at], &self.source)?;
        fits(&open, self.source.status().failures)?;
        Ok(open)
    }

    fn circuit_open(&self) -> Error {
        let url = &self.settings().urls[0];
        let text = format!("'{}' is not tried: its host failed too often (-mt_breaker)", crate::secrets::mask_url(url));
        Error::new(Code::CIRCUIT_OPEN, text).at("open input").on_input(self.source.index, url)
    }

    /// Waits before the next try. An error where the source has been gone for too long.
    fn pause(&self, rounds: u32, gone: &Gone) -> Result<(), Error> {
        let settings = self.settings();
        let status = self.source.status();
        let delay = match status.state {
            SourceState::Blocked => status.retry_in.unwrap_or(settings.first_delay),
            _ => {
                let delay = backoff::delay(rounds, settings.first_delay, settings.most_delay, backoff::chance());
                self.source.go(SourceState::Waiting, |status| status.retry_in = Some(delay));
                delay
            }
        };
        let now = Instant::now();
        let (until, end) = (now + delay, gone.limit.map(|limit| gone.began + limit));
        while !self.is_over() && !self.is_unwanted() {
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                return Err(self.silent());
            }
            let next = end.map_or(until, |end| end.min(until));
            if now >= until {
                break;
            }
            self.context.sleep((next - now).min(Duration::from_millis(100)));
        }
        Ok(())
    }

    fn silent(&self) -> Error {
        let (url, status) = (&self.settings().urls[0], self.source.status());
        let limit_ms = self.settings().silence.unwrap_or_default().as_millis();
        let text = format!(
            "source '{}' was gone for {limit_ms} ms (-mt_silence_ms); the last try: {}",
            crate::secrets::mask_url(url),
            status.reason
        );
        Error::new(Code::ETIMEDOUT, text).at("open input").on_input(self.source.index, url)
    }

    /// Opens the first URL again, beside one that is used instead. None where it is not there, or not as it was.
    pub fn try_first(&self, fits: &dyn Fn(&OpenInput, u32) -> Result<(), Error>) -> Option<OpenInput> {
        let host = host_of(&self.settings().urls[0]);
        if self.context.breakers.ask(&host, Instant::now()) != Answer::Go {
            return None;
        }
        let open = aside::open(&self.context, &self.jobs[0], &self.source);
        let open = open.and_then(|open| fits(&open, 0).map(|()| open));
        match open {
            Ok(open) => {
                self.context.breakers.succeeded(&host);
                Some(open)
            }
            Err(error) => {
                let class = Class::of(&error, &self.settings().urls[0]);
                self.context.breakers.failed(&host, class, &self.settings().breaker, Instant::now());
                None
            }
        }
    }

    /// One that opens beside this one.
    pub fn beside(&self) -> Connector {
        Connector {
            source: Arc::clone(&self.source),
            context: Arc::clone(&self.context),
            jobs: self.jobs.clone(),
            at: 0,
        }
    }

    pub fn context(&self) -> &Arc<JobContext> {
        &self.context
    }
}
