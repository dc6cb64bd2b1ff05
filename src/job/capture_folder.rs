//! The folders of captures: made so that nobody but their user reads them and no link is followed, and not more than so many.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A capture while it is written: a name that begins so is not a whole one.
const PARTIAL: &str = ".partial-";
/// What a capture consists of; inputs are `input-NAME.bin`.
const FILES: [&str; 4] = ["command.json", "diagnostics.json", "events.jsonl", "report.txt"];

pub struct Folder {
    partial: PathBuf,
    place: PathBuf,
}

/// Makes the folder that captures go to, where there is none. Its parent must be there.
pub fn prepare(parent: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(parent) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && parent.is_dir() => Ok(()),
        other => other,
    }
}

impl Folder {
    /// A new one in `parent`, with a name that begins with the time, and `rest` in it.
    pub fn new(parent: &Path, now: SystemTime, rest: &str) -> io::Result<Folder> {
        let base = format!("{}-{rest}", time_name(now));
        for attempt in 1..=100 {
            let name = if attempt == 1 { base.clone() } else { format!("{base}-{attempt}") };
            let folder = Folder { partial: parent.join(format!("{PARTIAL}{name}")), place: parent.join(name) };
            if folder.place.symlink_metadata().is_ok() {
                continue;
            }
            match DirBuilder::new().mode(0o700).create(&folder.partial) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|()| folder),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all(content)
    }

    pub fn file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(self.partial.join(name))
    }

    /// It is whole. Returns where it is.
    pub fn finish(self) -> io::Result<PathBuf> {
        std::fs::rename(&self.partial, &self.place)?;
        Ok(self.place)
    }

    /// It could not be written.
    pub fn give_up(self) {
        remove(&self.partial);
    }
}

/// Removes the oldest captures, until there are no more than `most`. Anything else in the folder stays.
pub fn remove_oldest(parent: &Path, most: usize) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    let mut captures: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_capture(path)).collect();
    captures.sort(); // the names begin with the time
    let many = captures.len().saturating_sub(most);
    captures.iter().take(many).for_each(|path| remove(path));
}

fn is_capture(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (time, rest) = name.split_at_checked(20).unwrap_or_default();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "00000000T000000.000Z"
        && rest.starts_with('-')
        && path.symlink_metadata().is_ok_and(|about| about.is_dir())
        && path.join(FILES[0]).is_file()
}

/// Removes the files of a capture, and the folder if nothing else is in it.
fn remove(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if FILES.contains(&name.as_str()) || name.starts_with("input-") && name.ends_with(".bin") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(folder);
}

/// "20261121T183000.123Z"
pub fn time_name(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (seconds, ms) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = date((seconds / 86_400) as i64);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{ms:03}Z")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
fn date(days: i64) -> (i64, i64, i64) {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut left) = (1970, days);
    while left >= 365 + i64::from(is_leap(year)) {
        left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_utc_and_sort_as_text() {
        assert_eq!(time_name(UNIX_EPOCH), "19700101T000000.000Z");
        assert_eq!(time_name(at(951_827_696)), "20000229T123456.000Z");
        assert_eq!(time_name(at(1_795_279_702) + Duration::from_millis(48)), "20261121T164822.048Z");
    }

    #[test]
    fn a_capture_is_its_owners_and_whole_or_not_there() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::new(parent.path(), at(0), "1-DEMUX").unwrap();
        folder.write("command.json", b"{}").unwrap();
        assert!(folder.write("command.json", b"{}").is_err(), "nothing is written over");
        assert!(!parent.path().join("19700101T000000.000Z-1-DEMUX").exists());
        let place = folder.finish().unwrap();
        assert_eq!(place.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(place.join("command.json").metadata().unwrap().mode() & 0o777, 0o600);
        let second = Folder::new(parent.path(), at(0), "1-DEMUX").unwrap();
        assert!(second.finish().unwrap().ends_with("19700101T000000.000Z-1-DEMUX-2"));
    }

    #[test]
    fn links_are_not_followed() {
        let (parent, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(target.path(), parent.path().join("19700101T000000.000Z-1-DEMUX")).unwrap();
        symlink(target.path(), parent.path().join(".partial-19700101T000000.000Z-1-DEMUX-2")).unwrap();
        let folder = Folder::new(parent.path(), at(0), "1-DEMUX").unwrap();
        folder.write("command.json", b"{}").unwrap();
        folder.finish().unwrap();
        assert_eq!(target.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn the_oldest_go_and_what_is_no_capture_stays() {
        let parent = tempfile::tempdir().unwrap();
        for seconds in 0..5 {
            let folder = Folder::new(parent.path(), at(seconds), "1-DEMUX").unwrap();
            folder.write("command.json", b"{}").unwrap();
            folder.write("input-a.bin", b"x").unwrap();
            folder.finish().unwrap();
        }
        std::fs::create_dir(parent.path().join("00000000T000000.000Z-mine")).unwrap();
        std::fs::write(parent.path().join("19700101T000000.000Z-1-DEMUX/own.txt"), "x").unwrap();
        remove_oldest(parent.path(), 2);
        let mut left: Vec<String> =
            parent.path().read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let names = [
            "00000000T000000.000Z-mine",
            "19700101T000000.000Z-1-DEMUX",
            "19700101T000003.000Z-1-DEMUX",
            "19700101T000004.000Z-1-DEMUX",
        ];
        assert_eq!(left, names);
        assert_eq!(parent.path().join(names[1]).read_dir().unwrap().count(), 1, "what is not ours");
    }
}
