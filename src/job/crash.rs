//! Crash reports of an engine: where they go, and what they say of its jobs.

use super::engine::Engine;
use crate::engine::{CrashTarget, JobFacts, JobSlot, install_crash_reports, libraries, refresh_modules};
use crate::error::{Code, Error};
use std::os::fd::RawFd;
use std::path::PathBuf;

/// Where an engine's crash reports are written.
#[derive(Clone, Debug)]
pub enum CrashReports {
    /// The host's descriptor, open as long as the engine lives.
    Descriptor(RawFd),
    /// Appended to; opened with the engine.
    File(PathBuf),
}

impl CrashReports {
    /// Opens the place and installs the handlers, which stay for the life of the process.
    pub(super) fn prepare(&self) -> Result<CrashTarget, Error> {
        let (target, place) = match self {
            CrashReports::Descriptor(fd) => (CrashTarget::descriptor(*fd), format!("descriptor {fd}")),
            CrashReports::File(path) => (CrashTarget::file(path), format!("'{}'", path.display())),
        };
        let target = target.map_err(|error| {
            let code = error.raw_os_error().and_then(Code::from_errno).unwrap_or(Code::EINVAL);
            Error::new(code, format!("crash reports cannot go to {place}: {error}")).at("crash reports").with_hint(
                "Name a file that this process may append to, or give a descriptor, with crash_path or crash_fd.",
            )
        })?;
        install_crash_reports(versions());
        Ok(target)
    }
}

fn versions() -> String {
    let mut text = format!("mt-transcode {}", env!("CARGO_PKG_VERSION"));
    for library in libraries() {
        let (major, minor, micro) = library.loaded;
        text += &format!(", {} {major}.{minor}.{micro}", library.name);
    }
    text
}

impl Engine {
    pub(super) fn makes_crash_reports(&self) -> bool {
        self.crash_target.is_some()
    }

    /// A job's place in the reports, by which its threads are known too.
    pub(super) fn crash_slot(&self, job: u64, label: &str, command: &str, call_site: &str) -> Option<JobSlot> {
        let target = self.crash_target.as_ref().map_or(usize::MAX, CrashTarget::index);
        refresh_modules();
        JobSlot::take(&JobFacts { job, label, command, call_site, target })
    }
}
