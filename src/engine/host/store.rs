//! What muxers open by themselves, found among the job's binds.

use super::binds::{Binds, name_of, relative};
use super::formats::check_many_files;
use super::stream::{Failure, HostStream};
use crate::av::{ByteStream, Dict, Files, Interrupt, Muxer, StreamError};
use crate::engine::activity::Doing;
use crate::engine::context::JobContext;
use crate::engine::observer::LEVEL_WARNING;
use crate::error::{Code, Error};
use std::sync::{Arc, Weak};

/// FFmpeg's DASH muxer deletes through a protocol of FFmpeg's unless its URL is HTTP's; then it opens the file with the method
/// DELETE, through us (dashenc.c: dashenc_delete_file). So it gets this URL, which nobody else sees.
const ALIAS: &str = "http://mt.invalid/";

/// The URL that a muxer is given instead of one of a store's, where it needs another.
pub fn alias_of(url: &str, muxer: Muxer, options: &Dict) -> Result<Option<String>, Error> {
    let Some((name, rest)) = name_of(url).filter(|_| muxer.name() == "dash") else {
        return Ok(None);
    };
    // Past us it would really connect.
    check_many_files("dash", options)?;
    Ok(Some(format!("{ALIAS}{name}/{rest}")))
}

/// The files of one output.
pub struct HostFiles {
    context: Weak<JobContext>,
    interrupt: Arc<Interrupt>,
    binds: Arc<Binds>,
    failure: Arc<Failure>,
    allows_stores: bool,
}

impl HostFiles {
    pub fn new(
        context: &Arc<JobContext>,
        interrupt: &Arc<Interrupt>,
        failure: &Arc<Failure>,
        allows_stores: bool,
    ) -> Arc<HostFiles> {
        let (context, binds) = (Arc::downgrade(context), Arc::clone(&context.binds));
        let (interrupt, failure) = (Arc::clone(interrupt), Arc::clone(failure));
        Arc::new(HostFiles { context, interrupt, binds, failure, allows_stores })
    }
}

impl HostFiles {
    /// A muxer reads what it has written.
    fn read_back(&self, context: &JobContext, name: &str, rest: &str) -> Result<Box<dyn ByteStream>, i32> {
        let shown = format!("mt:{name}/{rest}");
        let shown = shown.trim_end_matches('/');
        match self.binds.reopen(name).filter(|_| rest.is_empty()) {
            // A stop ends reading of inputs; this belongs to the output.
            Some(stream) => {
                let stream = HostStream::writing(stream, &self.interrupt, &self.failure, shown);
                Ok(Box::new(stream.counting(context, false)))
            }
            None => {
                let code = Code::UNSUPPORTED.to_c();
                let text = format!("the muxer reads '{shown}' back, which needs an io with read, seek and write");
                self.failure.set(&StreamError { code, text });
                Err(code)
            }
        }
    }
}

/// `mt:NAME/rest`, also behind the alias; None for what is not the host's.
fn host_name(url: &str) -> Option<(&str, &str)> {
    match url.strip_prefix(ALIAS) {
        Some(aliased) => aliased.split_once('/'),
        None => name_of(url),
    }
}

impl Files for HostFiles {
    fn open(&self, url: &str, writes: bool) -> Option<Result<Box<dyn ByteStream>, i32>> {
        let (name, rest) = host_name(url)?;
        let Some(context) = self.context.upgrade() else { return Some(Err(-libc::ECANCELED)) };
        if !writes {
            return Some(self.read_back(&context, name, rest));
        }
        if !self.allows_stores && self.binds.store(name).is_some() {
            let (code, text) =
                (Code::UNSUPPORTED.to_c(), format!("a part of a tee cannot be in the store 'mt:{name}'"));
            self.failure.set(&StreamError { code, text });
            return Some(Err(code));
        }
        let opening = Doing::Callback.begin(context.activity.name(&format!("mt:{name}")));
        let opened = self.binds.writer(name, rest, &context, &self.interrupt);
        drop(opening);
        Some(match opened {
            Ok(stream) => {
                let shown = format!("mt:{name}/{rest}");
                let shown = shown.trim_end_matches('/');
                let stream = HostStream::writing(stream, &self.interrupt, &self.failure, shown);
                Ok(Box::new(stream.counting(&context, self.binds.pipe(name).is_some())))
            }
            Err(error) => {
                let text = format!("opening 'mt:{name}/{rest}' failed: {}", error.message());
                let code = error.code().to_c();
                self.failure.set(&StreamError { code, text });
                Err(code)
            }
        })
    }

    fn remove(&self, url: &str) -> Option<()> {
        let (name, rest) = host_name(url)?;
        let context = self.context.upgrade();
        let _removing =
            context.as_ref().map(|context| Doing::Callback.begin(context.activity.name(&format!("mt:{name}"))));
        let removed = match (self.binds.store(name), relative(rest)) {
            (Some(store), Some(file)) => store.remove(&file).map_err(|error| error.text),
            _ => Err("it is no file of a store".to_owned()),
        };
        // A file that stays is no reason to end a stream.
        if let (Err(text), Some(context)) = (removed, &context) {
            let line = format!("removing 'mt:{name}/{rest}' failed: {text}");
            context.observer.log(LEVEL_WARNING, "store", None, &line);
        }
        Some(())
    }
}
