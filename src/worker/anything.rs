//! For tests that send what no worker of ours would (fuzz/): the host reads it as it reads a worker's.

use super::ending::Ending;
use super::message::{DONE, ENDED, NUMBERS, OPEN, PROBED, VIEWERS, error_of_json};
use super::numbers::take_numbers;
use super::probed::Probed;
use super::stream::{self, Abilities};
use super::wire::{receive_with_fds, write_frame};
use crate::engine::{Bind, Binds, Buffer, Copied, Identity, InMemory, Interrupt, JobContext, Nobody, ThreadPool};
use serde_json::Value;
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// What fits into the buffer of a socket that nobody reads yet.
const MOST_BYTES: usize = 32 << 10;

/// Hears `data` as frames of a worker about its job, and as the frames of a stream that it opened: one to read, one to write, and one that is
/// not there. Returns when all is read; on errors it ends early.
#[doc(hidden)]
pub fn hear_anything(data: &[u8]) {
    let data = &data[..data.len().min(MOST_BYTES)];
    let binds = Binds::default();
    if let Ok(bytes) = Copied::new(&[7; 5000], Box::new(|_| ())) {
        let _ = binds.add("in", Bind::Io(Some(Box::new(InMemory::new(bytes)))));
    }
    let _ = binds.add("out", Bind::Buffer(Buffer::new(1 << 20, Box::new(|_| ())), false));
    let identity = Identity { binds: Arc::new(binds), ..Identity::default() };
    let context = JobContext::new(Interrupt::new(), Arc::default(), Arc::new(Nobody), ThreadPool::new(), identity);
    hear(data, &context);
    for request in [r#"{"name":"in","as":"input"}"#, r#"{"name":"out","rest":"","as":"output"}"#, "{}"] {
        let Some((ours, theirs)) = said(data) else { return };
        let answers = std::thread::spawn(move || std::io::copy(&mut &theirs, &mut std::io::sink()));
        stream::serve(OwnedFd::from(ours), &serde_json::from_str(request).unwrap_or_default(), &context);
        let _ = answers.join();
    }
}

/// A socket that `data` comes from, then the end; and its other side, which answers go to.
fn said(data: &[u8]) -> Option<(UnixStream, UnixStream)> {
    let (ours, mut theirs) = UnixStream::pair().ok()?;
    theirs.write_all(data).and_then(|()| theirs.shutdown(Shutdown::Write)).ok()?;
    Some((ours, theirs))
}

fn hear(data: &[u8], context: &JobContext) {
    let Some((control, _answers)) = said(data) else { return };
    let (mut payload, mut probed) = (Vec::new(), Probed::default());
    while let Ok(Some((kind, _))) = receive_with_fds(&control, &mut payload) {
        let value: Value = serde_json::from_slice(&payload).unwrap_or_default();
        match kind {
            PROBED => drop(probed.add(&payload)),
            DONE => drop(error_of_json(&value).to_string()),
            VIEWERS => super::viewers::take(&value, &Nobody),
            NUMBERS => take_numbers(&value, &context.counters),
            OPEN => drop(Abilities::of_json(&value).to_json()),
            ENDED => drop(Ending::of_json(&value).error(&String::from_utf8_lossy(&payload)).to_string()),
            _ => drop(write_frame(&control, kind, &payload)),
        }
    }
    drop(probed.text());
}
