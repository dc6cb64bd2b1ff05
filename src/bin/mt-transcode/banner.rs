//! Versions: the banner, -version, -buildconf, -L.

use crate::INFO;
use crate::messages::say;
use mt_transcode::job::listing;

/// The name that the program was called by. As "ffmpeg" (a link to it) it introduces itself so that who looks for FFmpeg's version
/// finds it.
pub fn program_name() -> String {
    let name = std::env::args().next().unwrap_or_default();
    let name = std::path::Path::new(&name).file_name().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "mt-transcode".into())
}

fn first_line() -> String {
    let (ours, ffmpeg) = (env!("CARGO_PKG_VERSION"), listing::release());
    match program_name().as_str() {
        "ffmpeg" => format!("ffmpeg version {ffmpeg} (mt-transcode {ours})\n"),
        name => format!("{name} version {ours}, FFmpeg version {ffmpeg}\n"),
    }
}

fn libraries(indent: &str) -> String {
    let library = |library: &listing::Library| {
        let (built, loaded) = (library.built, library.loaded);
        let (name, version) = (library.name, |v: (u32, u32, u32)| format!("{:>2}.{:>3}.{:>3}", v.0, v.1, v.2));
        format!("{indent}{name:<14} {} / {}\n", version(built), version(loaded))
    };
    listing::libraries().iter().map(library).collect()
}

/// What goes before everything else.
pub fn show() {
    say(INFO, &first_line());
    say(INFO, &format!("  configuration: {}\n", listing::configuration()));
    say(INFO, &libraries("  "));
}

/// -version.
pub fn version() -> String {
    format!("{}configuration: {}\n{}", first_line(), listing::configuration(), libraries(""))
}

/// -buildconf: one argument of FFmpeg's configure a line.
pub fn configuration() -> String {
    let arguments = listing::configuration();
    // "--pkg-config --static" is one.
    let split = arguments.replace(" --", "\n    --").replace("pkg-config\n    --", "pkg-config --");
    format!("\n  configuration:\n    {split}\n")
}

/// -L.
pub fn licence() -> String {
    format!(
        "mt-transcode is free software under the MIT licence or the Apache licence 2.0, as you choose.\n\
         The FFmpeg libraries that it runs with are under: {}.\nTogether they are under the terms of the latter.\n",
        listing::licence()
    )
}
