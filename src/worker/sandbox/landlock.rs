//! Landlock (landlock(7)): a process gives up the rights over files that it does not name, for good.

use super::places::{Access, Places};
use crate::engine::is_unknown_call;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

// The same on every architecture.
const CREATE_RULESET: i64 = 444;
const ADD_RULE: i64 = 445;
const RESTRICT_SELF: i64 = 446;

const VERSION: u32 = 1;
const PATH_BENEATH: i32 = 1;

// linux/landlock.h
const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
/// All that the first version knows: up to MAKE_SYM.
const FIRST: u64 = (1 << 13) - 1;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;
/// What a rule on a file, which is no folder, may say.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
/// Signals to processes outside.
const SCOPE_SIGNAL: u64 = 1 << 1;

/// struct landlock_ruleset_attr, of which older kernels take the beginning.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    handled_fs: u64,
    handled_net: u64,
    scoped: u64,
}

/// struct landlock_path_beneath_attr
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// The version of the kernel's Landlock, or why there is none.
pub fn version() -> Result<u32, String> {
    // SAFETY: asks for the version, without a ruleset.
    let version = unsafe { libc::syscall(CREATE_RULESET, std::ptr::null::<u8>(), 0usize, VERSION) };
    u32::try_from(version).map_err(|_| {
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENOSYS) => "the kernel has no Landlock (5.13 does), or a filter of system calls hides it".into(),
            Some(libc::EOPNOTSUPP) => "Landlock is switched off in this kernel (lsm=)".into(),
            _ => format!("Landlock: {error}"),
        }
    })
}

fn handled(version: u32) -> u64 {
    let newer = [(2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)];
    newer.iter().filter(|(since, _)| version >= *since).fold(FIRST, |all, (_, right)| all | right)
}

fn rights(access: Access) -> u64 {
    match access {
        Access::Read => READ_FILE | READ_DIR,
        Access::Write => {
            READ_FILE | READ_DIR | WRITE_FILE | REMOVE_FILE | REMOVE_DIR | MAKE_REG | MAKE_DIR | REFER | TRUNCATE
        }
        Access::Device => READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | IOCTL_DEV,
    }
}

/// Confines the calling thread and those that it starts to `places`. PR_SET_NO_NEW_PRIVS must be set. Gives the version.
pub fn confine(places: &Places) -> Result<u32, String> {
    let version = version()?;
    let failed = |what: &str| format!("Landlock: {what}: {}", io::Error::last_os_error());
    let mut attributes = Attributes { handled_fs: handled(version), ..Attributes::default() };
    if places.reads_everything {
        attributes.handled_fs &= !(READ_FILE | READ_DIR);
    }
    if version >= 6 {
        attributes.scoped = SCOPE_SIGNAL;
    }
    let size = match version {
        ..4 => 8usize,
        4 | 5 => 16,
        _ => size_of::<Attributes>(),
    };
    // SAFETY: a struct of at least as many bytes as are said; a new descriptor or -1.
    let ruleset = unsafe { libc::syscall(CREATE_RULESET, &raw const attributes, size, 0u32) };
    let ruleset = i32::try_from(ruleset).ok().filter(|fd| *fd >= 0).ok_or_else(|| failed("no ruleset"))?;
    // SAFETY: a new descriptor of ours.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset) };
    for (path, access) in places.all() {
        add(&ruleset, path, rights(access) & attributes.handled_fs)
            .map_err(|error| format!("Landlock: no rule: {error}"))?;
    }
    // SAFETY: our ruleset, and no flags.
    match unsafe { libc::syscall(RESTRICT_SELF, ruleset.as_raw_fd(), 0u32) } {
        0 => Ok(version),
        _ => Err(failed("cannot restrict")),
    }
}

/// What is not there, or is in no file system of names, needs no rule. An error: no rule at all can be made.
fn add(ruleset: &OwnedFd, path: &Path, rights: u64) -> io::Result<()> {
    let Ok(name) = CString::new(path.as_os_str().as_bytes()) else { return Ok(()) };
    // SAFETY: a terminated path; the descriptor opens nothing (O_PATH), so that even a pipe or a device is not touched.
    let fd = unsafe { libc::open(name.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
    if fd < 0 {
        return Ok(());
    }
    // SAFETY: a new descriptor of ours.
    let parent = unsafe { OwnedFd::from_raw_fd(fd) };
    // A rule may only say what is handled, and something.
    for allowed in [rights, rights & OF_FILES] {
        let rule = Beneath { allowed, parent: parent.as_raw_fd() };
        // SAFETY: a rule of that kind, which the kernel copies.
        if unsafe { libc::syscall(ADD_RULE, ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0u32) } == 0 {
            return Ok(());
        }
        if is_unknown_call() {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
