//! Files that statistics go to, line by line. Several streams may share one.

use crate::av::{AvError, Interrupt, Url};
use parking_lot::Mutex;
use std::sync::Arc;

pub struct StatisticsFile(Mutex<Url>);

impl StatisticsFile {
    /// Writes a whole line at once. Blocks as long as its protocol does.
    pub fn write(&self, line: &str) -> Result<(), AvError> {
        self.0.lock().send(&crate::text::to_bytes(line))
    }
}

/// Those of a job, by their URLs.
#[derive(Default)]
pub struct StatisticsFiles(Mutex<Vec<(String, Arc<StatisticsFile>)>>);

impl StatisticsFiles {
    /// Opens a file, which is emptied, unless it is open already.
    pub fn open(&self, url: &str, interrupt: &Arc<Interrupt>) -> Result<Arc<StatisticsFile>, AvError> {
        let mut files = self.0.lock();
        if let Some((_, file)) = files.iter().find(|(name, _)| name == url) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(StatisticsFile(Mutex::new(Url::open_for_writing(url, Some(interrupt))?)));
        files.push((url.to_owned(), Arc::clone(&file)));
        Ok(file)
    }
}
