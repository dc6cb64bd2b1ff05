//! Whole files by their URLs, whatever the protocol: attachments.

use super::{AvError, Interrupt, Url};
use std::sync::Arc;

/// Reads all of it; more than `max_bytes`, nothing, or an unknown size is an error.
pub fn read_whole(url: &str, max_bytes: u64, interrupt: &Arc<Interrupt>) -> Result<Vec<u8>, AvError> {
    let mut file = Url::open_for_reading(url, Some(interrupt))?;
    match file.size()? {
        0 => Err(AvError::INVALID),
        size if size > max_bytes => Err(AvError::INVALID),
        size => file.read_all(size as usize),
    }
}

/// Makes a file of `data`.
pub fn write_whole(url: &str, data: &[u8], interrupt: &Arc<Interrupt>) -> Result<(), AvError> {
    let mut file = Url::open_for_writing(url, Some(interrupt))?;
    file.send(data)?;
    file.close()
}
