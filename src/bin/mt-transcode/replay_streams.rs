//! What a replay gives to a job in place of the host's streams: captured bytes to read, files to write.

use mt_transcode::job::{ByteStream, HostStore, StreamError};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An input as far as it was captured: it ends where the capture does.
pub struct Captured {
    data: Vec<u8>,
    /// Where in the input, where in the data, and how many bytes.
    regions: Vec<(u64, usize, usize)>,
    at: u64,
    size: u64,
    can_seek: bool,
}

impl Captured {
    pub fn open(folder: &Path, about: &Value, can_seek: bool) -> Result<Captured, String> {
        let path = folder.join(about["file"].as_str().unwrap_or_default());
        let data = std::fs::read(&path).map_err(|e| format!("cannot read '{}': {e}", path.display()))?;
        let mut regions = Vec::new();
        let mut offset = 0;
        for region in about["regions"].as_array().map_or(&[][..], Vec::as_slice) {
            let (Some(at), Some(length)) = (region[0].as_u64(), region[1].as_u64()) else { continue };
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(data.len() - offset);
            regions.push((at, offset, length));
            offset += length;
        }
        let last = regions.last().map_or(0, |(at, _, length)| at + *length as u64);
        let size = about["size"].as_u64().or(about["end"].as_u64()).unwrap_or(last);
        Ok(Captured { data, regions, at: 0, size, can_seek })
    }

    pub fn empty() -> Captured {
        Captured { data: Vec::new(), regions: Vec::new(), at: 0, size: 0, can_seek: false }
    }
}

impl ByteStream for Captured {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let here = self.regions.iter().find(|(at, _, length)| (*at..at + *length as u64).contains(&self.at));
        let Some((at, offset, length)) = here else { return Ok(0) };
        let skipped = (self.at - at) as usize;
        let count = buffer.len().min(length - skipped);
        buffer[..count].copy_from_slice(&self.data[offset + skipped..offset + skipped + count]);
        self.at += count as u64;
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.at = position;
        Ok(())
    }

    fn size(&mut self) -> Option<u64> {
        self.can_seek.then_some(self.size)
    }

    fn can_seek(&self) -> bool {
        self.can_seek
    }

    fn can_write(&self) -> bool {
        false
    }
}

fn failed(error: &std::io::Error) -> StreamError {
    StreamError { code: -error.raw_os_error().unwrap_or(5), text: error.to_string() }
}

/// An output, in a file.
pub struct Kept {
    file: File,
    can_seek: bool,
}

impl Kept {
    pub fn create(path: &Path, can_seek: bool) -> std::io::Result<Kept> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Kept { file, can_seek })
    }
}

impl ByteStream for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        self.file.read(buffer).map_err(|error| failed(&error))
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, StreamError> {
        self.file.write(data).map_err(|error| failed(&error))
    }

    fn seek(&mut self, position: u64) -> Result<(), StreamError> {
        self.file.seek(SeekFrom::Start(position)).map(drop).map_err(|error| failed(&error))
    }

    fn size(&mut self) -> Option<u64> {
        self.file.metadata().ok().map(|about| about.len())
    }

    fn can_seek(&self) -> bool {
        self.can_seek
    }

    fn can_read(&self) -> bool {
        self.can_seek
    }
}

/// A store, in a folder. Names are checked by the library: relative, and without "..".
pub struct KeptStore(pub PathBuf);

impl HostStore for KeptStore {
    fn open(self: Arc<Self>, name: &str) -> Result<Box<dyn ByteStream>, StreamError> {
        let kept = Kept::create(&self.0.join(name), true).map_err(|error| failed(&error))?;
        Ok(Box::new(kept))
    }

    fn remove(&self, name: &str) -> Result<(), StreamError> {
        std::fs::remove_file(self.0.join(name)).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn regions_stand_where_they_stood_and_gaps_are_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("input-a.bin"), b"abcxyz").unwrap();
        let about = json!({"file": "input-a.bin", "regions": [[0, 3], [10, 3]], "size": 20});
        let mut input = Captured::open(folder.path(), &about, true).unwrap();
        let mut buffer = [0; 8];
        assert_eq!((input.read(&mut buffer).unwrap(), &buffer[..3]), (3, &b"abc"[..]));
        assert_eq!((input.read(&mut buffer).unwrap(), input.size()), (0, Some(20)));
        input.seek(11).unwrap();
        assert_eq!((input.read(&mut buffer).unwrap(), &buffer[..2]), (2, &b"yz"[..]));
    }

    #[test]
    fn a_capture_that_lies_about_its_lengths_is_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("input-a.bin"), b"abc").unwrap();
        let about = json!({"file": "input-a.bin", "regions": [[0, 2], [5, u64::MAX]]});
        let mut input = Captured::open(folder.path(), &about, true).unwrap();
        input.seek(5).unwrap();
        assert_eq!(input.read(&mut [0; 8]).unwrap(), 1);
    }
}
