//! Where reports go: a descriptor of the host's, or a file.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// Engines with crash reports of their own at once.
const TARGETS: usize = 64;
/// How long a report that came from a worker waits for others.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
const FREE: i32 = -1;
const TAKEN: i32 = -2;

static FDS: [AtomicI32; TARGETS] = [const { AtomicI32::new(FREE) }; TARGETS];

/// An engine's place for reports; without any the handlers do nothing of their own.
#[derive(Debug)]
pub struct Target {
    index: usize,
    /// A file of ours, closed with the engine.
    _file: Option<std::fs::File>,
    appending: parking_lot::Mutex<()>,
}

impl Target {
    /// Reports are written to the host's descriptor, which must stay open while the engine lives.
    pub fn descriptor(fd: RawFd) -> io::Result<Target> {
        Target::put(fd, None)
    }

    /// Reports are appended to a file, opened now: a handler only writes.
    pub fn file(path: &std::path::Path) -> io::Result<Target> {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::OpenOptionsExt;
        // A command and paths stand in it; and a FIFO that nobody reads must not hold us up.
        let (mode, flags) = (0o600, libc::O_NONBLOCK);
        let file = std::fs::OpenOptions::new().append(true).create(true).mode(mode).custom_flags(flags).open(path)?;
        Target::put(file.as_raw_fd(), Some(file))
    }

    fn put(fd: RawFd, file: Option<std::fs::File>) -> io::Result<Target> {
        let index = FDS.iter().position(|place| place.compare_exchange(FREE, TAKEN, SeqCst, SeqCst).is_ok());
        let index = index.ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))?;
        FDS[index].store(fd, SeqCst);
        Ok(Target { index, _file: file, appending: parking_lot::Mutex::default() })
    }

    /// Writes a report that another process made. One after the other: several workers may crash together, and a report is more than one write. Who holds
    /// up the others for a second, as nobody reads, costs them theirs too: it is in their errors.
    pub fn append(&self, report: &str) {
        let Some(_one) = self.appending.try_lock_for(PATIENCE) else { return };
        if let Some(fd) = fd(Some(self.index)) {
            let mut room = vec![0; report.len().max(1)];
            let mut out = super::writer::Writer::new(&mut room, fd);
            out.text(report);
            out.flush();
        }
    }

    pub fn index(&self) -> usize {
        self.index
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        FDS[self.index].store(FREE, SeqCst);
    }
}

/// The descriptor of a target; without one of its own, the first that there is.
pub fn fd(index: Option<usize>) -> Option<RawFd> {
    let open = |place: &AtomicI32| Some(place.load(SeqCst)).filter(|fd| *fd >= 0);
    index.and_then(|index| FDS.get(index).and_then(open)).or_else(|| FDS.iter().find_map(open))
}
