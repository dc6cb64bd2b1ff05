//! What a worker gives up before FFmpeg opens anything: the system calls that it has no use for (`calls`, `seccomp`), the network where the job names none
//! (`needs`), and files that the job does not name (`words`, `places`, `system`, `landlock`). As far as the kernel can; docs/sandbox.md has the rules.

mod calls;
mod landlock;
mod needs;
mod places;
mod seccomp;
mod system;
mod words;

use crate::engine::JobTrust;
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec};
use needs::Needs;
use places::Places;
use serde_json::{Value, json};
use std::io;

/// What an engine wants of the sandbox of its workers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sandbox {
    /// As much as the kernel can.
    #[default]
    Best,
    /// All of it, or the job fails.
    Required,
    Off,
}

impl Sandbox {
    pub fn parse(word: &str) -> Option<Sandbox> {
        match word {
            "best" => Some(Sandbox::Best),
            "required" => Some(Sandbox::Required),
            "off" => Some(Sandbox::Off),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Sandbox::Best => "best",
            Sandbox::Required => "required",
            Sandbox::Off => "off",
        }
    }
}

/// What is in force, for the job's errors.
pub struct Confined {
    places: Option<Places>,
    has_network: bool,
    has_drivers: bool,
}

/// Reads, once for all workers that are forked from this process, what is the same for each: the text of a thousand mappings takes a millisecond.
pub fn prepare() {
    system::own_libraries();
}

/// Confines this process for one job. There is one thread, and nothing of the job is open.
pub fn confine(wanted: Sandbox, spec: &JobSpec) -> Result<Confined, Error> {
    if wanted == Sandbox::Off {
        return Ok(Confined { places: None, has_network: true, has_drivers: true });
    }
    let trust = JobTrust::of(spec).unwrap_or_default();
    let needs = Needs::of(spec, &trust);
    let places = Places::of(spec, &trust, &needs);
    crate::crash::install_forbidden(calls::name_of);
    let privileges = no_new_privileges();
    let files = landlock::confine(&places);
    let calls =
        seccomp::install(&calls::rules(&needs, std::process::id())).map_err(|error| format!("seccomp: {error}"));
    let missing: Vec<String> = [privileges.err(), files.as_ref().err().cloned(), calls.as_ref().err().cloned()]
        .into_iter()
        .flatten()
        .collect();
    if wanted == Sandbox::Required && !missing.is_empty() {
        let text = format!("the sandbox is required, and cannot be had here: {}", missing.join("; "));
        return Err(Error::new(Code::SANDBOX, text).at("spawn").with_hint(
            "Run on a kernel with Landlock and seccomp, where no outer filter forbids them, or do with the best there is (worker_sandbox, MT_TRANSCODE_SANDBOX).",
        ));
    }
    Ok(Confined {
        has_network: needs.network || calls.is_err(),
        has_drivers: needs.hardware || needs.devices || files.is_err(),
        places: files.is_ok().then_some(places),
    })
}

fn no_new_privileges() -> Result<(), String> {
    // SAFETY: numbers only; holds for this process.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(format!("no_new_privs: {}", io::Error::last_os_error())),
    }
}

const ALLOW: &str = "Name the file in the job, or allow its folder with -mt_allow_read or -mt_allow_write; worker_sandbox or MT_TRANSCODE_SANDBOX switch the sandbox off.";
const JOINING: &str = "Write it through a stream of the host's (mt:NAME), which is always allowed; or let the job, before its start, name such an output, or allow the folder with -mt_allow_write; worker_sandbox or MT_TRANSCODE_SANDBOX switch the sandbox off.";
const NETWORK: &str = "No URL of the job names a network protocol, so its worker makes no connections.";

impl Confined {
    /// Whether an output that joins the job can be opened: what the sandbox allows was settled when the job began.
    pub fn check_joining(&self, output: &FileSpec) -> Result<(), Error> {
        let refuse = |what: String| {
            let text = format!("the sandbox of the worker, which was closed when the job began, does not allow {what}");
            Err(Error::new(Code::SANDBOX, text).at("open output").with_hint(JOINING))
        };
        let alone = JobSpec { outputs: vec![output.clone()], ..JobSpec::default() };
        let needs = Needs::of(&alone, &JobTrust::default());
        if needs.network && !self.has_network {
            return refuse(format!("connections, which '{}' needs", crate::secrets::mask_url(&output.url)));
        }
        if (needs.hardware || needs.devices) && !self.has_drivers {
            return refuse("drivers and devices, which this output needs".into());
        }
        let Some(places) = &self.places else { return Ok(()) };
        let wanted = Places::of_output(output);
        let outside = wanted.all().find(|(path, access)| !places.allows(path, *access > places::Access::Read));
        outside.map_or(Ok(()), |(path, _)| refuse(format!("to write to '{}'", path.display())))
    }

    /// Says of an error whether it is the sandbox's doing.
    pub fn explain(&self, error: Error) -> Error {
        let is_refusal = matches!(error.code(), Code::EACCES | Code::EPERM) || error.ffmpeg_code() == -libc::EACCES;
        if !is_refusal || error.ffmpeg_code() == 0 {
            return error;
        }
        let path = error.url().strip_prefix("file:").unwrap_or(error.url()).to_owned();
        let is_outside = !path.is_empty()
            && self
                .places
                .as_ref()
                .is_some_and(|places| !places.allows(&crate::text::to_path(&path), error.output().is_some()));
        if is_outside {
            let text = format!("{error}: the sandbox of the worker does not allow '{path}'");
            return error.replaced(Code::SANDBOX, text).with_hint(ALLOW);
        }
        match (&self.places, self.has_network) {
            (None, true) => error,
            (None, false) => error.with_hint(NETWORK),
            (Some(_), true) => {
                error.with_hint(&format!("Check the permissions. It may also be the worker's sandbox: {ALLOW}"))
            }
            (Some(_), false) => error
                .with_hint(&format!("Check the permissions. It may also be the worker's sandbox: {ALLOW} {NETWORK}")),
        }
    }
}

/// What this kernel, and what is around this process, allow.
pub fn diagnostics() -> Value {
    let said = |result: Result<Value, String>| result.unwrap_or_else(|why| json!({"missing": why}));
    json!({
        // Any kernel since 3.5 has it.
        "no_new_privs": true,
        "landlock": said(landlock::version().map(|version| json!({"abi": version}))),
        "seccomp": said(seccomp::probe().map(|()| json!({"architecture": std::env::consts::ARCH}))),
        "network": if seccomp::probe().is_ok() { "closed for jobs whose URLs name none" } else { "open" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Classes;
    use crate::options::parse_args;
    use std::path::Path;

    fn places(line: &str) -> Places {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let spec = parse_args(&args, &Classes).unwrap();
        let trust = JobTrust::of(&spec).unwrap();
        Places::of(&spec, &trust, &Needs::of(&spec, &trust))
    }

    #[test]
    fn a_job_reads_what_it_names_and_writes_beside_its_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["in", "out", "logs", "other"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("a.mp4"), "").unwrap();
        }
        let f = folder.path().display();
        let job = places(&format!(
            "-i {f}/in/a.mp4 -vf psnr=stats_file={f}/logs/a.mp4 -metadata title={f}/other/a.mp4 {f}/out/b.mp4"
        ));
        assert!(job.allows(&at("in/a.mp4"), false) && !job.allows(&at("in/a.mp4"), true));
        assert!(!job.allows(&at("in/b.mp4"), false));
        assert!(job.allows(&at("out/a.mp4"), true) && job.allows(&at("logs/new"), true));
        assert!(!job.allows(&at("other/a.mp4"), false));
        let trusted = places(&format!("-mt_trust trusted -i {f}/in/a.mp4 {f}/out/b.mp4"));
        assert!(trusted.allows(&at("other/a.mp4"), false) && !trusted.allows(&at("other/a.mp4"), true));
    }

    #[test]
    fn an_error_says_that_it_was_the_sandbox() {
        let confined = Confined { places: Some(Places::default()), has_network: true, has_drivers: false };
        let refused = |code: Code| {
            Error::new(code, "cannot open".into())
                .on_input(0, "/srv/a.mp4")
                .with_ffmpeg(-libc::EACCES, "Permission denied".into())
        };
        let error = confined.explain(refused(Code::EACCES));
        assert_eq!((error.code(), error.input()), (Code::SANDBOX, Some(0)));
        assert!(error.message().contains("/srv/a.mp4") && error.hint().contains("mt_allow_read"), "{error:?}");
        let mut places = Places::default();
        places.add(Path::new("/srv"), places::Access::Read);
        let confined = Confined { places: Some(places), has_network: false, has_drivers: false };
        let error = confined.explain(refused(Code::EACCES));
        assert_eq!(error.code(), Code::EACCES);
        assert!(error.hint().contains("network"), "{}", error.hint());
    }
}
