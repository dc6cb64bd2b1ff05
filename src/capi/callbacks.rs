//! The host's callbacks as streams and stores: called on threads of a job, released once.

use super::bind::{mt_transcode_io, mt_transcode_store};
use crate::error::Code;
use crate::job::{ByteStream, HostStore, StreamError};
use std::ffi::{CString, c_void};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(super) struct Callbacks {
    pub io: mt_transcode_io,
    pub releases: bool,
}

// SAFETY: the host says that its callbacks may be called from any thread; they are called by one at a time.
unsafe impl Send for Callbacks {}

/// The code of a callback's result, with words.
fn failed(result: i64, what: &str) -> StreamError {
    // A code beyond 32 bits is none: the caller makes an input/output error of it.
    let code = i32::try_from(result).unwrap_or(i32::MIN);
    let name = Code::from_c(code).name().to_string_lossy();
    StreamError { code, text: format!("the host's {what} callback returned {result} ({name})") }
}

fn missing(what: &str) -> StreamError {
    StreamError { code: Code::EINVAL.to_c(), text: format!("the host gave no {what} callback") }
}

/// A count, or an error.
fn count_of(result: i64, what: &str) -> Result<usize, StreamError> {
    usize::try_from(result).map_err(|_| failed(result, what))
}

impl ByteStream for Callbacks {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let read = self.io.read.ok_or_else(|| missing("read"))?;
        // SAFETY: the host's function, with a buffer of the size that is given.
        count_of(unsafe { read(self.io.user, buffer.as_mut_ptr(), buffer.len() as u64) }, "read")
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        let write = self.io.write.ok_or_else(|| missing("write"))?;
        // SAFETY: the host's function, with bytes of the size that is given.
        count_of(unsafe { write(self.io.user, data.as_ptr(), data.len() as u64) }, "write")
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        let seek = self.io.seek.ok_or_else(|| missing("seek"))?;
        // SAFETY: the host's function.
        reached(unsafe { seek(self.io.user, position as i64) }, position)
    }

    fn size(&mut self) -> Option<u64> {
        // SAFETY: the host's function.
        u64::try_from(unsafe { self.io.size?(self.io.user) }).ok()
    }

    fn can_seek(&self) -> bool {
        self.io.seek.is_some()
    }

    fn can_read(&self) -> bool {
        self.io.read.is_some()
    }

    fn can_write(&self) -> bool {
        self.io.write.is_some()
    }

    fn disown(&mut self) {
        self.releases = false;
    }
}

fn reached(result: i64, position: u64) -> Result<(), StreamError> {
    match u64::try_from(result) {
        Ok(at) if at == position => Ok(()),
        Ok(at) => {
            let text = format!("the host's seek callback returned {at}, not {position}");
            Err(StreamError { code: Code::EINVAL.to_c(), text })
        }
        Err(_) => Err(failed(result, "seek")),
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        if let Some(release) = self.io.release.filter(|_| self.releases) {
            // SAFETY: the host's function, called once: nothing else is called after this object is gone.
            unsafe { release(self.io.user) };
        }
    }
}

pub(super) struct StoreCallbacks {
    pub store: mt_transcode_store,
    /// False where the bind was refused: then it stays the host's.
    pub releases: AtomicBool,
}

// SAFETY: the host says that its callbacks may be called from any thread.
unsafe impl Send for StoreCallbacks {}
// SAFETY: as above; of different files also at the same time.
unsafe impl Sync for StoreCallbacks {}

fn name_for_c(name: &str) -> Result<CString, StreamError> {
    crate::text::c_string(name)
        .map_err(|_| StreamError { code: Code::EINVAL.to_c(), text: "the name has a NUL".into() })
}

impl StoreCallbacks {
    fn open_file(self: &Arc<Self>, name: &str) -> Result<StoreFile, StreamError> {
        let (open, c_name) = (self.store.open.ok_or_else(|| missing("open"))?, name_for_c(name)?);
        let mut file = std::ptr::null_mut();
        // SAFETY: the host's function, with a terminated string and a place for its result.
        let code = unsafe { open(self.store.user, c_name.as_ptr(), &mut file) };
        if code < 0 {
            return Err(failed(code.into(), "open"));
        }
        let mut file = StoreFile { store: Arc::clone(self), file, can_seek: false, is_closed: false };
        // One file of a store may be able to what another is not.
        file.can_seek = self.store.seek.is_some() && file.seek(0).is_ok();
        Ok(file)
    }
}

/// The store behind an Arc that its files share, so that it is released after the last of them.
impl HostStore for StoreCallbacks {
    fn open(self: Arc<Self>, name: &str) -> Result<Box<dyn ByteStream>, StreamError> {
        Ok(Box::new(self.open_file(name)?))
    }

    fn remove(&self, name: &str) -> Result<(), StreamError> {
        let (remove, c_name) = (self.store.remove.ok_or_else(|| missing("remove"))?, name_for_c(name)?);
        // SAFETY: the host's function, with a terminated string.
        let code = unsafe { remove(self.store.user, c_name.as_ptr()) };
        if code < 0 { Err(failed(code.into(), "remove")) } else { Ok(()) }
    }
}

impl Drop for StoreCallbacks {
    fn drop(&mut self) {
        let releases = *self.releases.get_mut();
        if let Some(release) = self.store.release.filter(|_| releases) {
            // SAFETY: as in Callbacks.
            unsafe { release(self.store.user) };
        }
    }
}

struct StoreFile {
    store: Arc<StoreCallbacks>,
    file: *mut c_void,
    can_seek: bool,
    is_closed: bool,
}

// SAFETY: as StoreCallbacks; a file is used by one thread at a time.
unsafe impl Send for StoreFile {}

impl ByteStream for StoreFile {
    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        let store = &self.store.store;
        let write = store.write.ok_or_else(|| missing("write"))?;
        // SAFETY: the host's function, with bytes of the size that is given.
        count_of(unsafe { write(store.user, self.file, data.as_ptr(), data.len() as u64) }, "write")
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        let store = &self.store.store;
        let seek = store.seek.ok_or_else(|| missing("seek"))?;
        // SAFETY: the host's function.
        reached(unsafe { seek(store.user, self.file, position as i64) }, position)
    }

    fn can_seek(&self) -> bool {
        self.can_seek
    }

    fn can_read(&self) -> bool {
        false
    }

    fn close(&mut self, code: i32) -> Result<(), StreamError> {
        let (Some(close), false) = (self.store.store.close, std::mem::replace(&mut self.is_closed, true)) else {
            return Ok(());
        };
        // SAFETY: the host's function, called once for the file.
        let result = unsafe { close(self.store.store.user, self.file, code) };
        if result < 0 { Err(failed(result.into(), "close")) } else { Ok(()) }
    }
}

impl Drop for StoreFile {
    fn drop(&mut self) {
        let _ = self.close(Code::ECANCELED.to_c());
    }
}
