//! The host's handle of a forkserver: starting the worker program, asking it for a worker.

use super::find::find;
use super::message::{FORK, FORKED, REFUSED, RUN};
use super::server::{identity, request};
use super::wire::{read_frame, send_with_fds, wait_readable, write_frame};
use crate::engine::{is_unknown_call, pipe_ends, resources};
use crate::error::{Code, Error};
use parking_lot::Mutex;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A forkserver is ready, and a worker is there, within this; loading FFmpeg from a slow disk takes a while.
pub const START_LIMIT: Duration = Duration::from_secs(20);
/// A frame that began is there within this.
pub const FRAME_LIMIT: Duration = Duration::from_secs(5);

/// What one worker may use; 0 is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub memory_bytes: u64,
    pub cpu_seconds: u32,
    pub descriptors: u32,
}

/// A process that forks workers; ends with this handle.
pub struct ForkServer {
    socket: Mutex<Option<UnixStream>>,
    child: Mutex<Child>,
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    let (code, why) = match error.raw_os_error() {
        Some(libc::EMFILE) => (Code::EMFILE, resources::descriptors(Code::EMFILE)),
        Some(libc::ENFILE) => (Code::ENFILE, resources::descriptors(Code::ENFILE)),
        Some(libc::EAGAIN) => (Code::SPAWN_FAILED, resources::processes()),
        _ => (Code::SPAWN_FAILED, String::new()),
    };
    Error::new(code, format!("{what}: {error}{why}")).at("spawn")
}

impl ForkServer {
    /// Starts the worker program, `program` or where it is found.
    pub fn start(program: Option<&Path>) -> Result<ForkServer, Error> {
        let program = find(program)?;
        let shown = program.display().to_string();
        let (ours, theirs) = UnixStream::pair().map_err(|e| failed("no socket for the worker program", &e))?;
        let child = Command::new(&program)
            .arg("--mt-forkserver")
            .arg(std::process::id().to_string())
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| failed(&format!("cannot start the worker program '{shown}'"), &e))?;
        let server = ForkServer { socket: Mutex::new(None), child: Mutex::new(child) };
        let _ = ours.set_read_timeout(Some(START_LIMIT));
        let mut answer = Vec::new();
        let greeted = write_frame(&ours, RUN, identity().as_bytes()).and_then(|()| read_frame(&ours, &mut answer));
        match greeted {
            Ok(Some(FORKED)) => {
                let _ = ours.set_read_timeout(None);
                let _ = ours.set_write_timeout(Some(FRAME_LIMIT));
                *server.socket.lock() = Some(ours);
                Ok(server)
            }
            Ok(Some(REFUSED)) => {
                let theirs = String::from_utf8_lossy(&answer).into_owned();
                let text = format!(
                    "the worker program '{shown}' is another one ({theirs}) than this library ({})",
                    identity()
                );
                Err(Error::new(Code::SPAWN_FAILED, text)
                    .at("spawn")
                    .with_hint("Install library and program of one release."))
            }
            Ok(_) => {
                Err(Error::new(Code::SPAWN_FAILED, format!("'{shown}' is no worker program, or ended at once"))
                    .at("spawn"))
            }
            Err(error) => Err(failed(&format!("the worker program '{shown}' did not answer"), &error)),
        }
    }

    /// Whether it still serves.
    pub fn is_alive(&self) -> bool {
        match &*self.socket.lock() {
            Some(socket) => !wait_readable([socket.as_raw_fd()], 0)[0], // it says nothing but its end
            None => false,
        }
    }

    /// It ends, and kills its workers.
    pub fn close(&self) {
        drop(self.socket.lock().take());
    }

    /// A new worker; whether it came says its status socket.
    pub fn fork(&self, limits: Limits) -> Result<Connection, Error> {
        let asked = Instant::now();
        let no_socket = |e: std::io::Error| failed("no socket for a worker", &e);
        let (control, worker) = UnixStream::pair().map_err(no_socket)?;
        let (status, its_status) = UnixStream::pair().map_err(no_socket)?;
        let (report, its_report) =
            report_file().map_err(|e| failed("no memory file for a worker's crash report", &e))?;
        let wanted = request(limits.memory_bytes, limits.cpu_seconds, limits.descriptors).to_string();
        let fds = [worker.as_raw_fd(), its_status.as_raw_fd(), its_report.as_raw_fd()];
        let gone = || Error::new(Code::SPAWN_FAILED, "the forkserver is gone".into()).at("spawn");
        {
            let socket = self.socket.lock();
            let socket = socket.as_ref().ok_or_else(gone)?;
            send_with_fds(socket, FORK, wanted.as_bytes(), &fds).map_err(|e| failed("the forkserver is gone", &e))?;
        }
        let _ = control.set_read_timeout(Some(FRAME_LIMIT));
        let _ = control.set_write_timeout(Some(FRAME_LIMIT));
        Ok(Connection { control, status, report, asked })
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        self.close();
        let mut child = self.child.lock();
        // It ends when its socket is closed. The host may have taken its status: that is an error here, and the end.
        for _ in 0..200 {
            match child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Where a worker writes its crash report: what the host reads of it when the worker is gone, and what the worker gets. A pipe where there are no memory files; it holds
/// the first 64 KiB.
fn report_file() -> std::io::Result<(File, File)> {
    // SAFETY: a terminated name; a new descriptor or an error.
    let fd = unsafe { libc::memfd_create(c"mt-crash-report".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        if is_unknown_call() {
            return pipe_ends().map(|(reader, writer)| (reader.into(), writer.into()));
        }
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: a new descriptor of ours.
    let file = unsafe { File::from_raw_fd(fd) };
    Ok((file.try_clone()?, file))
}

/// What the host holds of one worker.
pub struct Connection {
    pub control: UnixStream,
    pub status: UnixStream,
    pub report: File,
    pub asked: Instant,
}
