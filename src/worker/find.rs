//! Where the worker program is: what the config says, the environment, beside the library, libexec.

use crate::error::{Code, Error};
use std::ffi::CStr;
use std::path::{Path, PathBuf};

/// The operator's word on it.
pub const WORKER_ENVIRONMENT: &str = "MT_TRANSCODE_WORKER";
const NAME: &str = "mt-transcode";

/// The program, or an error that names every place.
pub fn find(configured: Option<&Path>) -> Result<PathBuf, Error> {
    let mut places: Vec<(PathBuf, &str)> = Vec::new();
    if let Some(path) = std::env::var_os(WORKER_ENVIRONMENT) {
        places.push((path.into(), "the environment's MT_TRANSCODE_WORKER"));
    } else if let Some(path) = configured {
        places.push((path.to_owned(), "the engine's worker_path"));
    } else {
        places.extend(beside_us());
    }
    if let Some((path, _)) = places.iter().find(|(path, _)| is_program(path)) {
        return Ok(path.clone());
    }
    let list: Vec<String> = places.iter().map(|(path, why)| format!("'{}' ({why})", path.display())).collect();
    Err(Error::new(Code::SPAWN_FAILED, format!("the worker program is not there: looked at {}", list.join(", ")))
        .at("spawn")
        .with_hint(
            "Install the program mt-transcode of the same release, or name it with worker_path or MT_TRANSCODE_WORKER.",
        ))
}

fn beside_us() -> Vec<(PathBuf, &'static str)> {
    let mut places = Vec::new();
    if let Some(library) = own_file() {
        let folder = library.parent().unwrap_or(Path::new("/")).to_owned();
        places.push((folder.join(NAME), "beside the library"));
        for up in folder.ancestors().skip(1).take(2) {
            places.push((up.join("bin").join(NAME), "the library's bin"));
            places.push((up.join("libexec").join(NAME), "the library's libexec"));
        }
    }
    places.push((Path::new("/usr/local/bin").join(NAME), "/usr/local"));
    places.push((Path::new("/usr/libexec").join(NAME), "libexec"));
    places.push((Path::new("/usr/bin").join(NAME), "/usr"));
    places
}

/// The file that this code was loaded from: the library, or the program that it was linked into.
fn own_file() -> Option<PathBuf> {
    // musl's dladdr knows nothing in a static program.
    loaded_from().or_else(|| std::env::current_exe().ok())
}

fn loaded_from() -> Option<PathBuf> {
    // SAFETY: an address of our own code; what dladdr gives lives as long as the file is loaded.
    let name = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(own_file as *const libc::c_void, &raw mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname).to_string_lossy().into_owned()
    };
    std::fs::canonicalize(name).ok()
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
