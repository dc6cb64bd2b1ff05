//! What every worker may read: the system's libraries, fonts, certificates, and what the C library asks for.

use super::needs::Needs;
use super::places::{Access, Places};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const READ: [&str; 44] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/var/cache/fontconfig",
    "/proc/self",
    "/proc/sys",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/version",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/gnutls",
    "/etc/crypto-policies",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/fonts",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/mime.types",
    "/etc/ffmpeg",
];
/// What drivers read and write beside.
const DRIVERS: [&str; 5] = ["/etc", "/sys", "/run", "/var/run", "/opt"];
/// Of the user's own folder.
const HOME: [&str; 6] =
    [".fonts", ".fontconfig", ".config/fontconfig", ".cache/fontconfig", ".local/share/fonts", ".ffmpeg"];
/// Variables that name files or folders, with colons between them.
const VARIABLES: [&str; 15] = [
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "FFMPEG_DATADIR",
    "AVCONV_DATADIR",
    "FREI0R_PATH",
    "LADSPA_PATH",
    "LV2_PATH",
    "TZDIR",
    "LOCPATH",
];

pub fn add(places: &mut Places, needs: &Needs) {
    READ.iter().for_each(|path| places.add(Path::new(path), Access::Read));
    places.add(Path::new("/dev/null"), Access::Device);
    places.add(Path::new("/dev/full"), Access::Device);
    for path in
        VARIABLES.iter().filter_map(std::env::var_os).flat_map(|list| std::env::split_paths(&list).collect::<Vec<_>>())
    {
        if path.is_absolute() {
            places.add(&path, Access::Read);
        }
    }
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute()) {
        HOME.iter().for_each(|name| places.add(&home.join(name), Access::Read));
    }
    own_libraries().iter().for_each(|folder| places.add(folder, Access::Read));
    if needs.hardware || needs.devices {
        DRIVERS.iter().for_each(|path| places.add(Path::new(path), Access::Read));
        places.add(Path::new("/dev"), Access::Device);
    }
}

/// The folders of what is loaded: FFmpeg may be installed anywhere, with plug-ins beside it. The first call reads them; what is forked later knows them too.
pub fn own_libraries() -> &'static [PathBuf] {
    static FOLDERS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOLDERS.get_or_init(read_own_libraries)
}

fn read_own_libraries() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let files = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    let is_library = |path: &&Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so"));
    let mut folders: Vec<PathBuf> =
        files.filter(is_library).filter_map(|path| path.parent().map(Path::to_owned)).collect();
    folders.sort();
    folders.dedup();
    folders.retain(|folder| folder.parent().is_some());
    folders
}
