//! Jobs and probes in workers: whether, where the program is, what each may use.

use super::engine::Engine;
use super::engine_config::LogMode;
use super::handle::Job;
use crate::engine::JobContext;
use crate::error::{Code, Error};
use crate::options::JobSpec;
use crate::worker::{Desk, ForkServer, Limits, Sandbox, probe_isolated, run_isolated};
use parking_lot::Mutex;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What operators say over what the host configured: "thread" or "process".
const ENVIRONMENT: &str = "MT_TRANSCODE_ISOLATION";
/// Likewise: "best", "required" or "off".
const SANDBOX_ENVIRONMENT: &str = "MT_TRANSCODE_SANDBOX";

/// Where the jobs of an engine run.
#[derive(Clone, Debug, Default)]
pub struct Isolation {
    /// In a worker process each, and not on threads of this one.
    pub in_processes: bool,
    /// The worker program; None: where it is found.
    pub worker_path: Option<PathBuf>,
    pub limits: Limits,
    pub sandbox: Sandbox,
    /// Not even operators move these jobs: the program's, which is a process already, with a terminal and pipes of its own.
    pub stays_here: bool,
}

/// The forkserver of an engine, started with it, and again when it died.
pub struct Workers {
    is_wanted: bool,
    sandbox: Sandbox,
    server: Mutex<Option<Arc<ForkServer>>>,
}

impl Workers {
    pub fn new(isolation: &Isolation) -> Result<Workers, Error> {
        let is_wanted = match std::env::var(ENVIRONMENT).as_deref() {
            _ if isolation.stays_here => false,
            Ok("process") => true,
            Ok("thread") => false,
            Ok("") | Err(_) => isolation.in_processes,
            Ok(other) => {
                let text = format!("{ENVIRONMENT} is '{other}'; it takes thread or process");
                return Err(Error::invalid(text).at("spawn"));
            }
        };
        let sandbox = if is_wanted { sandbox(isolation)? } else { Sandbox::Off };
        let workers = Workers { is_wanted, sandbox, server: Mutex::new(None) };
        // Now, so that a program that is missing or another one is found when the engine is made, and not by its first job.
        workers.server(isolation).transpose()?;
        Ok(workers)
    }

    /// Whether jobs run in workers.
    pub fn are_wanted(&self) -> bool {
        self.is_wanted
    }

    /// The forkserver ends, with what workers there still are, whoever waits for them.
    pub fn close(&self) {
        if let Some(server) = self.server.lock().take() {
            server.close();
        }
    }

    /// None where jobs run on threads.
    pub fn server(&self, isolation: &Isolation) -> Option<Result<Arc<ForkServer>, Error>> {
        if !self.is_wanted {
            return None;
        }
        let mut server = self.server.lock();
        if let Some(running) = server.as_ref().filter(|server| server.is_alive()) {
            return Some(Ok(Arc::clone(running)));
        }
        let started = ForkServer::start(isolation.worker_path.as_deref()).map(Arc::new);
        *server = started.as_ref().ok().map(Arc::clone);
        Some(started)
    }
}

fn sandbox(isolation: &Isolation) -> Result<Sandbox, Error> {
    match std::env::var(SANDBOX_ENVIRONMENT).as_deref() {
        Ok("") | Err(_) => Ok(isolation.sandbox),
        Ok(word) => Sandbox::parse(word).ok_or_else(|| {
            Error::invalid(format!("{SANDBOX_ENVIRONMENT} is '{word}'; it takes best, required or off")).at("spawn")
        }),
    }
}

impl Job {
    pub(super) fn run_in_worker(
        &self,
        server: &ForkServer,
        context: &Arc<JobContext>,
        spec: &JobSpec,
    ) -> Result<(), Error> {
        let config = &self.engine.config;
        let desk = Arc::<Desk>::default();
        let facts = json!({
            "hang_timeout_ms": super::hang::limit_ms(spec, config.hang_timeout_ms),
            "level": self.max_level.load(Relaxed),
            "takes_log": config.log_mode != LogMode::Leave,
            "sandbox": self.engine.workers.sandbox.word(),
            "call_site": self.inner.lock().call_site,
            "is_watched": self.is_watched.load(Relaxed),
        });
        self.open_desk(&desk);
        let result = run_isolated(server, context, spec, config.isolation.limits, &facts, &desk);
        self.close_desk(&result);
        result.inspect_err(|error| self.engine.keep_report(error))
    }
}

impl Engine {
    /// Probes in a worker. `level`: how important lines of the log must be to come.
    pub(super) fn probe_in_worker(
        &self,
        context: &Arc<JobContext>,
        spec: &JobSpec,
        level: i32,
    ) -> Result<String, Error> {
        let config = &self.config;
        let server = match self.workers.server(&config.isolation) {
            Some(server) => server?,
            None => return Err(Error::new(Code::INTERNAL, "there are no workers".into())),
        };
        let facts = json!({
            "hang_timeout_ms": super::hang::limit_ms(spec, config.hang_timeout_ms),
            "level": level,
            "takes_log": config.log_mode != LogMode::Leave,
            "sandbox": self.workers.sandbox.word(),
        });
        let result = probe_isolated(&server, context, spec, config.isolation.limits, &facts);
        result.inspect_err(|error| self.keep_report(error))
    }

    /// The worker's report goes where reports of this process would.
    fn keep_report(&self, error: &Error) {
        if let Some(target) = &self.crash_target
            && matches!(error.code(), Code::CRASHED | Code::SANDBOX)
            && !error.detail().is_empty()
        {
            target.append(error.detail());
        }
    }
}
