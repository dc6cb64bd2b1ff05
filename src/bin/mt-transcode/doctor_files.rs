//! Checks of `mt-transcode doctor`: programs, libraries, and files that jobs depend on.

use crate::doctor::{Finding, finding, good, warn};
use crate::doctor_about::Target;
use mt_transcode::job::diagnostics;
use mt_transcode::worker::find;
use object::elf::PT_INTERP;
use object::read::elf::{FileHeader, ProgramHeader};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::Command;

pub fn worker_program(_: &Target) -> Finding {
    let program = match find(None) {
        Ok(program) => program,
        Err(error) => return warn(error.message()),
    };
    let shown = program.display();
    let wanted = format!("mt-transcode {}", env!("CARGO_PKG_VERSION"));
    match Command::new(&program).arg("version").output() {
        Ok(done) if done.stdout.starts_with(wanted.as_bytes()) => good(format!("'{shown}', {wanted}")),
        Ok(done) => {
            warn(format!("'{shown}' is {}, and this is {wanted}", String::from_utf8_lossy(&done.stdout).trim()))
        }
        Err(error) => warn(format!("'{shown}' cannot be run: {error}")),
    }
}

/// The files that are mapped into the process, with what the kernel says behind their names.
fn mapped(target: &Target) -> BTreeSet<String> {
    let maps = target.read("maps");
    maps.lines().filter_map(|line| line.find('/').map(|at| line[at..].to_owned())).collect()
}

pub fn ffmpeg(target: &Target) -> Finding {
    if target.is_other {
        let name = |path: &String| path.rsplit('/').next().map(str::to_owned);
        let is_ours = |name: &String| name.starts_with("libav") || name.starts_with("libsw");
        let names: BTreeSet<String> = mapped(target).iter().filter_map(name).filter(is_ours).collect();
        let codecs = names.iter().filter(|name| name.starts_with("libavcodec.")).count();
        let list: Vec<&str> = names.iter().map(String::as_str).collect();
        return match codecs {
            0 => good("no shared library of FFmpeg is loaded"),
            1 => good(list.join(", ")),
            _ => warn(format!("two of a kind: {}", list.join(", "))),
        };
    }
    let about: Value = serde_json::from_str(&diagnostics()).unwrap_or_default();
    let Some(libraries) = about["ffmpeg"]["libraries"].as_object() else { return warn("cannot be asked") };
    let major = |version: &Value| version.as_str().and_then(|text| text.split('.').next()).map(str::to_owned);
    let is_other = |library: &Value| major(&library["built"]) != major(&library["loaded"]);
    let release = about["ffmpeg"]["release"].as_str().unwrap_or_default();
    match libraries.iter().find(|(_, library)| is_other(library)) {
        None => good(format!("FFmpeg {release}, as this was built for")),
        Some((name, library)) => {
            warn(format!("{name} {} is loaded, and this was built for {}", library["loaded"], library["built"]))
        }
    }
}

pub fn deleted_libraries(target: &Target) -> Finding {
    let is_gone = |path: &&String| path.ends_with("(deleted)") && path.contains(".so");
    match mapped(target).iter().filter(is_gone).map(String::as_str).collect::<Vec<_>>() {
        none if none.is_empty() => good("all files of libraries are as they were loaded"),
        gone => warn(format!("updated or removed since they were loaded: {}", gone.join(", "))),
    }
}

/// None where the program cannot be read.
fn has_interpreter(program: &Path) -> Option<bool> {
    let data = std::fs::read(program).ok()?;
    let header = object::elf::FileHeader64::<object::Endianness>::parse(&*data).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, &*data).ok()?;
    Some(segments.iter().any(|segment| segment.p_type(endian) == PT_INTERP))
}

pub fn static_glibc(target: &Target) -> Finding {
    match has_interpreter(&target.proc.join("exe")) {
        Some(true) => good("the program is linked dynamically"),
        Some(false) if is_built_with_musl(target) => good("the program is linked statically, with musl"),
        Some(false) => warn("the program is linked statically: host names cannot be resolved safely with glibc"),
        None => good("the program cannot be read"),
    }
}

/// Of another process that is linked statically nothing says so.
fn is_built_with_musl(target: &Target) -> bool {
    !target.is_other && cfg!(target_env = "musl")
}

pub fn musl(target: &Target) -> Finding {
    let is_musl = is_built_with_musl(target)
        || mapped(target).iter().any(|path| path.contains("/ld-musl-") || path.contains("/libc.musl-"));
    finding(!is_musl, if is_musl { "the program runs with musl" } else { "the program does not run with musl" })
}

pub fn ca_bundle(target: &Target) -> Finding {
    const PLACES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    if let Some(named) = target.variable("SSL_CERT_FILE") {
        return finding(target.path(&named).is_file(), format!("SSL_CERT_FILE={named}"));
    }
    match PLACES.iter().find(|place| target.path(place).is_file()) {
        Some(place) => good(*place),
        None => warn("there is none: https with certificates that are looked at fails"),
    }
}

pub fn shared_memory(target: &Target) -> Finding {
    writable(target, "/dev/shm")
}

pub fn temporary_folder(target: &Target) -> Finding {
    writable(target, &target.variable("TMPDIR").unwrap_or_else(|| "/tmp".into()))
}

/// Another process may have other rights: of it is only looked whether the folder is there.
fn writable(target: &Target, folder: &str) -> Finding {
    let path = target.path(folder);
    if !path.is_dir() {
        return warn(format!("{folder} is not there"));
    }
    if target.is_other {
        return good(format!("{folder} is there"));
    }
    let probe = path.join(format!("mt-doctor-{}", std::process::id()));
    match OpenOptions::new().write(true).create_new(true).open(&probe) {
        Ok(_) => {
            let _ = std::fs::remove_file(&probe);
            good(format!("{folder} can be written"))
        }
        Err(error) => warn(format!("{folder}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_maps(maps: &str) -> (tempfile::TempDir, Target) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("maps"), maps).unwrap();
        let proc = folder.path().to_owned();
        (folder, Target { proc, is_other: true })
    }

    #[test]
    fn libraries_that_were_updated_under_a_process_are_named() {
        let (_folder, old) = with_maps(
            "7f00-7f01 r-xp 0 08:01 1 /usr/lib/libavcodec.so.59.37.100 (deleted)\n7f02-7f03 rw-p 0 00:00 0\n",
        );
        let found = deleted_libraries(&old);
        assert!(!found.is_good && found.text.contains("libavcodec.so.59"), "{}", found.text);
        assert!(deleted_libraries(&with_maps("7f00-7f01 r-xp 0 08:01 1 /usr/lib/libz.so.1\n").1).is_good);
    }

    #[test]
    fn two_versions_of_ffmpeg_and_musl_are_found() {
        let line = |path: &str| format!("7f00-7f01 r-xp 0 08:01 1 {path}\n");
        let both = line("/usr/lib/libavcodec.so.59.37.100") + &line("/opt/lib/libavcodec.so.61.19.101");
        assert!(!ffmpeg(&with_maps(&both).1).is_good);
        assert!(ffmpeg(&with_maps(&line("/usr/lib/libavcodec.so.59.37.100")).1).is_good);
        assert!(!musl(&with_maps(&line("/lib/ld-musl-x86_64.so.1")).1).is_good);
    }

    #[test]
    fn this_program_is_linked_dynamically_and_a_text_is_no_program() {
        assert_eq!(has_interpreter(&std::env::current_exe().unwrap()), Some(true));
        assert_eq!(has_interpreter(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))), None);
    }
}
