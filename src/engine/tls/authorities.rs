//! The file of certificate authorities: named, or where systems keep it.

use crate::error::{Code, Error};
use std::path::{Path, PathBuf};

/// Debian and its like, Fedora and its like, SUSE, Alpine, FreeBSD and others: one file with all authorities.
pub const USUAL: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
];

fn not_there(path: &Path) -> Error {
    let text = format!("the environment's SSL_CERT_FILE: there is no file '{}'", path.display());
    Error::new(Code::ENOENT, text).at("options").with_hint("Name a file with authorities there, or in -mt_ca_file.")
}

/// -mt_ca_file, else SSL_CERT_FILE, a bundle in SSL_CERT_DIR, or the system's. None: FFmpeg's TLS library may know one.
pub fn authorities(named: Option<&str>) -> Result<Option<PathBuf>, Error> {
    if let Some(named) = named {
        let path = crate::text::to_path(named).to_path_buf();
        if !path.is_file() {
            let text = format!("option mt_ca_file: there is no file '{named}'");
            return Err(Error::new(Code::ENOENT, text).at("options"));
        }
        return Ok(Some(path));
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let in_folder = |folder: PathBuf| {
        let names = USUAL.iter().filter_map(|usual| Path::new(usual).file_name());
        names.map(|name| folder.join(name)).find(|file| file.is_file())
    };
    if let Some(path) = variable("SSL_CERT_FILE") {
        // Others than those that were named are not taken in their place.
        return if path.is_file() { Ok(Some(path)) } else { Err(not_there(&path)) };
    }
    let of_environment = variable("SSL_CERT_DIR").and_then(in_folder);
    Ok(of_environment.or_else(|| USUAL.iter().map(PathBuf::from).find(|file| file.is_file())))
}
