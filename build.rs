//! Finds FFmpeg by pkg-config, declares its functions to Rust, and sets the soname.
//!
//! The declarations are made here by bindgen instead of taken from ffmpeg-sys-next, for one reason: that crate turns
//! FFmpeg's C enums into Rust enums, and a Rust enum read from memory that FFmpeg filled is undefined behaviour as soon
//! as the value is one the headers did not know (a newer library, or a hostile file: MatrixCoefficients 200). With
//! `EnumVariation::Consts` an enum is a plain integer everywhere, so no such value can be made, by construction.

use std::env;
use std::path::PathBuf;

const HEADER: &str = r#"
#include <libavutil/avutil.h>
#include <libavutil/opt.h>
#include <libavutil/dict.h>
#include <libavutil/parseutils.h>
#include <libavutil/avstring.h>
#include <libavutil/pixdesc.h>
#include <libavutil/imgutils.h>
#include <libavutil/display.h>
#include <libavutil/stereo3d.h>
#include <libavutil/spherical.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/dovi_meta.h>
#if __has_include(<libavutil/iamf.h>)
#include <libavutil/iamf.h>
#endif
#include <libavutil/hdr_dynamic_metadata.h>
#include <libavutil/hdr_dynamic_vivid_metadata.h>
#include <libavutil/hash.h>
#include <libavutil/timecode.h>
#include <libavutil/eval.h>
#include <libavutil/cpu.h>
#include <libavutil/channel_layout.h>
#include <libavutil/hwcontext.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libswscale/swscale.h>
#include <libswresample/swresample.h>
#include <libavdevice/avdevice.h>
"#;

/// The first release that the project supports is FFmpeg 5.1: libavformat 59.27.
const LIBRARIES: [(&str, &str); 7] = [
    ("libavformat", "59.27"),
    ("libavcodec", "59.37"),
    ("libavfilter", "8.44"),
    ("libavdevice", "59.7"),
    ("libavutil", "57.28"),
    ("libswscale", "6.7"),
    ("libswresample", "4.7"),
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let mut includes = Vec::new();
    for (name, version) in LIBRARIES {
        let found = pkg_config::Config::new().atleast_version(version).probe(name);
        match found {
            Ok(library) => {
                if name == "libavcodec" {
                    releases(&library.version);
                }
                includes.extend(library.include_paths);
            }
            Err(error) => {
                eprintln!("FFmpeg's {name} {version} or newer was not found by pkg-config. Run scripts/setup.sh, or");
                eprintln!("install the FFmpeg development packages of your distribution.\n{error}");
                std::process::exit(1);
            }
        }
    }
    bindings(&includes);
    soname();
}

/// `cfg(ffmpeg6_1)` and so on: the linked FFmpeg is that release or newer, by the version of its libavcodec.
fn releases(version: &str) {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    for (release, first) in [
        ("ffmpeg6", (60, 3)),
        ("ffmpeg6_1", (60, 31)),
        ("ffmpeg7_0", (61, 3)),
        ("ffmpeg7_1", (61, 19)),
        ("ffmpeg8_0", (62, 11)),
    ] {
        println!("cargo:rustc-check-cfg=cfg({release})");
        if version >= first {
            println!("cargo:rustc-cfg={release}");
        }
    }
}

fn bindings(includes: &[PathBuf]) {
    let generated = bindgen::Builder::default()
        .header_contents("ffmpeg.h", HEADER)
        .clang_args(includes.iter().map(|path| format!("-I{}", path.display())))
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .allowlist_function("(av|avcodec|avformat|avio|avfilter|avdevice|swscale|swresample|sws|swr)_?.*")
        .allowlist_type("(AV|Sws|Swr|FF).*")
        .allowlist_var("(AV|FF|LIB|AVIO|SWS|SWR|PARSER_FLAG).*")
        .blocklist_function("av_vlog|av_asprintf|av_bprint_strftime")
        .derive_default(false)
        .layout_tests(false)
        .generate_comments(false)
        .generate()
        .unwrap_or_else(|error| {
            eprintln!("bindgen could not read FFmpeg's headers (is clang installed?): {error}");
            std::process::exit(1);
        });
    let target = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("ffmpeg.rs");
    if let Err(error) = generated.write_to_file(&target) {
        eprintln!("cannot write {}: {error}", target.display());
        std::process::exit(1);
    }
}

/// The soname carries the number of the ABI, not the version; `-z nodelete` makes dlclose harmless (threads of ours may
/// still be about to return into our code).
fn soname() {
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libmt_transcode.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
