//! What a process is: its folder in /proc, its limits, its cgroup.

use std::path::{Path, PathBuf};

pub struct Target {
    /// Its folder in /proc.
    pub proc: PathBuf,
    /// It is not this one.
    pub is_other: bool,
}

impl Target {
    pub fn own() -> Result<Target, String> {
        Ok(Target { proc: PathBuf::from("/proc/self"), is_other: false })
    }

    pub fn of(word: &str) -> Result<Target, String> {
        let pid: u32 = word.parse().ok().filter(|pid| *pid > 0).ok_or(format!("'{word}' is no process id"))?;
        let proc = PathBuf::from(format!("/proc/{pid}"));
        match std::fs::read_to_string(proc.join("status")) {
            Ok(_) => Ok(Target { proc, is_other: true }),
            Err(error) => Err(format!("cannot look at process {pid}: {error}")),
        }
    }

    /// Why one of these in its folder cannot be read, or says nothing; None where all can. Of a process of another user, and of one that has ended, little can be.
    pub fn unseen(&self, files: &[&str]) -> Option<String> {
        let state = self.status("State").unwrap_or_default();
        if self.is_other && !files.is_empty() && state.starts_with(['Z', 'X']) {
            return Some("it has ended, and its parent has not fetched its status".into());
        }
        files.iter().filter(|_| self.is_other).find_map(|name| {
            let path = self.proc.join(name);
            let seen = match *name {
                "fd" | "root" => std::fs::read_dir(&path).map(drop),
                "exe" => std::fs::File::open(&path).map(drop),
                _ => std::fs::read(&path).map(drop),
            };
            seen.err().map(|error| format!("{}: {error}", path.display()))
        })
    }

    /// Empty where it cannot be read.
    pub fn read(&self, name: &str) -> String {
        text(&self.proc.join(name))
    }

    /// A line of its status: "Threads".
    pub fn status(&self, key: &str) -> Option<String> {
        let prefix = format!("{key}:");
        self.read("status").lines().find_map(|line| line.strip_prefix(&prefix)).map(|value| value.trim().to_owned())
    }

    /// The soft limit of "Max open files" and so on; None is no limit.
    pub fn limit(&self, name: &str) -> Option<u64> {
        let limits = self.read("limits");
        limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    }

    /// A variable of the environment that it was started with.
    pub fn variable(&self, name: &str) -> Option<String> {
        let environment = std::fs::read(self.proc.join("environ")).unwrap_or_default();
        let prefix = format!("{name}=");
        let variables = String::from_utf8_lossy(&environment).into_owned();
        variables.split('\0').find_map(|variable| variable.strip_prefix(&prefix)).map(str::to_owned)
    }

    /// A file of its cgroup (version 2), or of one above it.
    pub fn cgroup(&self, name: &str) -> Option<String> {
        let own = self.read("cgroup");
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
        let folder = Path::new("/sys/fs/cgroup").join(path);
        // A container sees its own cgroup as the root.
        let found = folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup"));
        found.map(|folder| text(&folder.join(name))).find(|text| !text.is_empty()).map(|text| text.trim().to_owned())
    }

    /// A path as the process sees it.
    pub fn path(&self, path: &str) -> PathBuf {
        match self.is_other {
            true => self.proc.join("root").join(path.trim_start_matches('/')),
            false => PathBuf::from(path),
        }
    }
}

pub fn text(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// "12 of 1024", and whether that is more than `percent` of it.
pub fn share(used: u64, most: Option<u64>, percent: u64) -> (String, bool) {
    match most {
        None => (format!("{used}, without a limit"), false),
        Some(most) => (format!("{used} of {most}"), used.saturating_mul(100) > most.saturating_mul(percent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_status_and_environment_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "limits",
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024   4096   files\nMax stack size  unlimited unlimited bytes\n",
        );
        write("status", "Name:\tx\nThreads:\t7\nSigCgt:\t0000000000000400\n");
        write("environ", "A=1\0TMPDIR=/x\0");
        let target = Target { proc: folder.path().to_owned(), is_other: true };
        assert_eq!((target.limit("Max open files"), target.limit("Max stack size")), (Some(1024), None));
        assert_eq!(target.status("Threads").as_deref(), Some("7"));
        assert_eq!(target.variable("TMPDIR").as_deref(), Some("/x"));
    }

    #[test]
    fn shares() {
        assert_eq!(share(80, Some(100), 80), ("80 of 100".to_owned(), false));
        assert_eq!(share(81, Some(100), 80), ("81 of 100".to_owned(), true));
        assert_eq!(share(81, None, 80), ("81, without a limit".to_owned(), false));
    }
}
