//! The forkserver: a process with the libraries loaded and one thread. It forks a worker a job, watches what workers use, reaps them, and says how
//! they ended. When its host is gone, so is everything here.

use super::ending::{Cause, Ending};
use super::inherited::{Host, leave_behind};
use super::kills::Kills;
use super::library_data;
use super::message::{ENDED, FORK, FORKED, KILL, REFUSED};
use super::sandbox;
use super::spare::{Spare, become_worker, part};
use super::usage::{cpu_limit, kill, resident_kib, used_seconds};
use super::wire::{read_frame, receive_with_fds, write_frame};
use crate::engine::resources::processes;
use serde_json::{Value, json};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How often memory is looked at while a worker has a limit.
const WATCH_MS: i32 = 20;
/// How often it is looked whether the host lives, where the kernel does not say so.
const HOST_MS: i32 = 500;
/// A spare is made so long after a worker began: not while that and the host's thread, which hears of it, want the processors.
const SPARE_AFTER: Duration = Duration::from_millis(1);

/// What both sides must have in common: the release and the FFmpeg that is loaded.
pub fn identity() -> String {
    let mut text = format!("mt-transcode {} worker protocol 3", env!("CARGO_PKG_VERSION"));
    for library in crate::engine::libraries() {
        let (major, minor, micro) = library.loaded;
        text += &format!(", {} {major}.{minor}.{micro}", library.name);
    }
    text
}

struct Worker {
    pid: libc::pid_t,
    /// None where the host is not there any more to say or hear anything.
    status: Option<UnixStream>,
    memory_kib: u64,
    /// None is no limit.
    cpu_seconds: Option<u64>,
    peak_kib: u64,
    cause: Cause,
    ooms: u64,
}

impl Worker {
    fn status_fd(&self) -> RawFd {
        self.status.as_ref().map_or(-1, UnixStream::as_raw_fd)
    }
}

struct Server {
    host: UnixStream,
    /// The host's process, where it is known.
    process: Option<Host>,
    /// None where there is no signalfd: then children are asked for from time to time.
    children: Option<OwnedFd>,
    workers: Vec<Worker>,
    /// The next worker.
    spare: Option<Spare>,
    kills: Kills,
    /// When a spare is made, if there is none: after a job there may be another one. Not after a spare that ended: whoever ended it, or want of memory, would do
    /// so again.
    spare_at: Option<Instant>,
}

/// Serves the host whose socket is standard input, until it is gone; `process`: its number, as it says. Returns the exit status.
pub fn serve(process: Option<&str>) -> i32 {
    // SAFETY: this process was started for this: descriptor 0 is the host's socket and nobody else's.
    let host = unsafe { UnixStream::from_raw_fd(0) };
    let children = leave_behind();
    let process = Host::find(process.and_then(|number| number.parse().ok()));
    // SAFETY: a group of our own, so that a terminal's signals to the host pass us by.
    unsafe { libc::setpgid(0, 0) };
    crate::engine::register_devices();
    // What each worker would do, once: the handlers and the table of modules are there after a fork too.
    crate::crash::install(identity());
    sandbox::prepare();
    library_data::share();
    let mut payload = Vec::new();
    match read_frame(&host, &mut payload) {
        Ok(Some(_)) if payload == identity().as_bytes() => {}
        _ => {
            let _ = write_frame(&host, REFUSED, identity().as_bytes());
            return 1;
        }
    }
    if write_frame(&host, FORKED, &[]).is_err() {
        return 1;
    }
    Server { host, process, children, workers: Vec::new(), spare: None, kills: Kills::default(), spare_at: None }.run()
}

impl Server {
    fn run(mut self) -> i32 {
        loop {
            let (children, process) = (self.children_fd(), self.process.as_ref().map_or(-1, Host::fd));
            let mut places = vec![self.host.as_raw_fd(), children, process, self.spare.as_ref().map_or(-1, Spare::fd)];
            places.extend(self.workers.iter().map(Worker::status_fd));
            let is_asked = self.children.is_none() && !self.workers.is_empty();
            let ready = wait(&places, self.timeout_ms(is_asked));
            if self.process.as_ref().is_some_and(|host| ready[2] || host.is_gone()) {
                break;
            }
            for index in (0..self.workers.len()).rev().filter(|index| ready[index + 4]) {
                self.told(index);
            }
            if ready[1] || is_asked {
                self.reap();
            }
            self.look_after_spare(ready[3], ready[0]);
            if ready[0] && !self.requested() {
                break;
            }
            self.watch();
        }
        // Those that are left would be nobody's: first processes of containers often reap none.
        for worker in &self.workers {
            kill(worker.pid);
        }
        for worker in &self.workers {
            // SAFETY: a child of ours, which is dying.
            unsafe { libc::waitpid(worker.pid, std::ptr::null_mut(), 0) };
        }
        if let Some(spare) = self.spare.take() {
            spare.end();
        }
        0
    }

    fn children_fd(&self) -> RawFd {
        self.children.as_ref().map_or(-1, OwnedFd::as_raw_fd)
    }

    /// What a child must not hold, besides standard input.
    fn descriptors(&self) -> Vec<RawFd> {
        let mut fds = vec![self.children_fd(), self.process.as_ref().map_or(-1, Host::fd)];
        fds.extend(self.spare.as_ref().map(Spare::fd));
        fds.extend(self.workers.iter().map(Worker::status_fd));
        fds
    }

    /// `is_gone`: its socket says so; `is_asked`: somebody waits for a worker.
    fn look_after_spare(&mut self, is_gone: bool, is_asked: bool) {
        if let Some(spare) = self.spare.take_if(|spare| is_gone || spare.time_left_ms() == 0) {
            spare.end();
            self.spare_at = None;
        } else if !is_asked && self.lacks_spare_for_ms() == Some(0) {
            self.spare = Spare::fork(&self.descriptors()).ok();
            self.spare_at = self.spare_at.filter(|_| self.spare.is_some());
        }
    }

    /// After how long a spare is to be made.
    fn lacks_spare_for_ms(&self) -> Option<i32> {
        let at = self.spare_at.filter(|_| self.spare.is_none())?;
        Some(at.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000) as i32)
    }

    fn timeout_ms(&self, is_asked: bool) -> i32 {
        let is_watched = is_asked || self.workers.iter().any(|worker| worker.memory_kib > 0);
        let watch = is_watched.then_some(WATCH_MS);
        let host = self.process.as_ref().is_some_and(Host::is_asked).then_some(HOST_MS);
        let spare = self.lacks_spare_for_ms().or_else(|| self.spare.as_ref().map(Spare::time_left_ms));
        [watch, host, spare].into_iter().flatten().min().unwrap_or(-1)
    }

    /// What the host says about one worker: kill it, or by leaving, the same.
    fn told(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        let Some(status) = &worker.status else { return };
        let mut payload = Vec::new();
        let kind = read_frame(status, &mut payload);
        if matches!(kind, Ok(Some(KILL))) {
            worker.cause = Cause::Host;
        }
        kill(worker.pid);
        if !matches!(kind, Ok(Some(_))) {
            worker.status = None; // it would stay readable, and keep us busy until the worker is gone
        }
    }

    fn requested(&mut self) -> bool {
        let mut payload = Vec::new();
        let Ok(Some((FORK, fds))) = receive_with_fds(&self.host, &mut payload) else { return false };
        let Ok([control, status, report]) = <[OwnedFd; 3]>::try_from(fds) else { return true };
        let wanted: Value = serde_json::from_slice(&payload).unwrap_or_default();
        let status = UnixStream::from(status);
        self.spare_at = Some(Instant::now() + SPARE_AFTER);
        let ready = self.spare.take().and_then(|spare| spare.hand_over(&payload, &control, &report));
        if let Some(pid) = ready {
            self.employ(pid, status, &wanted);
            return true;
        }
        // SAFETY: this process has one thread, so the child may do what any process may.
        match unsafe { libc::fork() } {
            0 => {
                drop(status);
                part(&self.descriptors());
                become_worker(control, report, &wanted)
            }
            -1 => {
                let why = io::Error::last_os_error();
                let _ = write_frame(&status, REFUSED, format!("{why}{}", processes()).as_bytes());
            }
            pid => self.employ(pid, status, &wanted),
        }
        true
    }

    fn employ(&mut self, pid: libc::pid_t, status: UnixStream, wanted: &Value) {
        let _ = write_frame(&status, FORKED, pid.to_string().as_bytes());
        self.workers.push(Worker {
            pid,
            status: Some(status),
            memory_kib: wanted["memory_bytes"].as_u64().unwrap_or(0) >> 10,
            cpu_seconds: wanted["cpu_seconds"].as_u64().filter(|most| *most > 0).or_else(cpu_limit),
            peak_kib: 0,
            cause: Cause::None,
            ooms: self.kills.lately(),
        });
    }

    fn reap(&mut self) {
        if let Some(children) = &self.children {
            let mut information = [0u8; 128];
            // SAFETY: reads into our buffer; how much does not matter.
            while unsafe { libc::read(children.as_raw_fd(), information.as_mut_ptr().cast(), 128) } > 0 {}
        }
        loop {
            let mut status = 0;
            // SAFETY: all zero is a valid value; the call fills it.
            let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
            // SAFETY: two places of ours.
            let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage) };
            if pid <= 0 {
                return;
            }
            if self.spare.take_if(|spare| spare.pid() == pid).is_some() {
                self.spare_at = None;
            }
            let Some(index) = self.workers.iter().position(|worker| worker.pid == pid) else { continue };
            let worker = self.workers.swap_remove(index);
            let is_signal = libc::WIFSIGNALED(status);
            let ending = Ending {
                signal: if is_signal { libc::WTERMSIG(status) } else { 0 },
                status: if is_signal { 0 } else { libc::WEXITSTATUS(status) },
                cause: worker.cause,
                was_out_of_memory: is_signal && self.kills.now() > worker.ooms,
                was_out_of_time: worker.cpu_seconds.is_some_and(|most| used_seconds(&usage) >= most),
                peak_kib: worker.peak_kib.max(usage.ru_maxrss.unsigned_abs()),
            };
            if let Some(status) = &worker.status {
                let _ = write_frame(status, ENDED, ending.to_json().to_string().as_bytes());
            }
        }
    }

    /// Kills workers that are too large. RLIMIT_AS would count what is only reserved.
    fn watch(&mut self) {
        for worker in self.workers.iter_mut().filter(|worker| worker.memory_kib > 0 && worker.cause == Cause::None) {
            let resident_kib = resident_kib(worker.pid);
            worker.peak_kib = worker.peak_kib.max(resident_kib);
            if resident_kib > worker.memory_kib {
                worker.cause = Cause::Memory;
                kill(worker.pid);
            }
        }
    }
}

fn wait(fds: &[RawFd], timeout_ms: i32) -> Vec<bool> {
    let mut places: Vec<libc::pollfd> =
        fds.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    // SAFETY: as many places as are said.
    unsafe { libc::poll(places.as_mut_ptr(), places.len() as libc::nfds_t, timeout_ms) };
    places.iter().map(|place| place.revents != 0).collect()
}

/// What is asked for with a worker.
pub fn request(memory_bytes: u64, cpu_seconds: u32, descriptors: u32) -> Value {
    json!({"memory_bytes": memory_bytes, "cpu_seconds": cpu_seconds, "descriptors": descriptors})
}
