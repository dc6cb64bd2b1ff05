//! What the library is linked with and runs on, for bug reports.

use crate::engine;
use serde_json::json;

pub fn diagnostics() -> String {
    let version = |v: (u32, u32, u32)| format!("{}.{}.{}", v.0, v.1, v.2);
    let libraries: serde_json::Map<String, serde_json::Value> = engine::libraries()
        .iter()
        .map(|l| (l.name.to_owned(), json!({"built": version(l.built), "loaded": version(l.loaded)})))
        .collect();
    let licence = engine::licence();
    let short = match licence.as_str() {
        l if l.starts_with("LGPL") => "LGPL",
        l if l.starts_with("GPL") => "GPL",
        _ => "nonfree",
    };
    let live: serde_json::Map<String, serde_json::Value> = engine::transports()
        .iter()
        .map(|way| (way.name.to_owned(), json!({"pull": way.pull, "push": way.push})))
        .collect();
    json!({
        "mt_transcode": env!("CARGO_PKG_VERSION"),
        "abi_version": 0,
        "ffmpeg": {
            "release": engine::release(),
            "licence": short,
            "licence_text": licence,
            "configuration": engine::configuration(),
            "libraries": libraries,
            "hardware": engine::device_kinds(),
            "protocols": {
                "in": engine::listing::protocol_names(false),
                "out": engine::listing::protocol_names(true),
            },
            "live": live,
        },
        "program_linking": if engine::is_program_dynamic() { "dynamic" } else { "static" },
        "libc": engine::libc_name(),
        "resolver": resolver(),
        "kernel": engine::kernel(),
        "sandbox": crate::worker::sandbox_diagnostics(),
        "cpus": engine::cpus::usable(),
        "architecture": std::env::consts::ARCH,
    })
    .to_string()
}

/// How host names are resolved: what FFmpeg's getaddrinfo call ends in.
fn resolver() -> &'static str {
    match (engine::is_program_dynamic(), cfg!(target_env = "gnu")) {
        (true, true) => "glibc getaddrinfo, on the thread that opens the URL",
        (false, true) => "static glibc: host names cannot be resolved safely",
        _ => "getaddrinfo of the libc, on the thread that opens the URL",
    }
}
