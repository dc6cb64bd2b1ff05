//! What is shown of FFmpeg itself: versions, pixel formats, errors. Source: `ffprobe_show_*` and `show_error` of FFmpeg's
//! fftools/ffprobe.c.

use super::sink::bytes;
use super::{Section, Sink};
use crate::av::{AvError, configuration, ffi, libraries, postproc_version, release};
use std::ptr;

/// The release of FFmpeg that is loaded. Who built ffprobe, and with what, cannot be said: it is not here.
pub fn program_version(out: &mut dyn Sink) {
    out.begin(Section::ProgramVersion);
    out.text("version", release().as_bytes());
    out.text("configuration", configuration().as_bytes());
    out.end();
}

/// FFmpeg's libraries in ffprobe's order, with what they call themselves.
const LIBRARIES: [(&str, &str); 7] = [
    ("libavutil", "Lavu"),
    ("libavcodec", "Lavc"),
    ("libavformat", "Lavf"),
    ("libavdevice", "Lavd"),
    ("libavfilter", "Lavfi"),
    ("libswscale", "SwS"),
    ("libswresample", "SwR"),
];

pub fn library_versions(out: &mut dyn Sink) {
    let known = libraries();
    out.begin(Section::LibraryVersions);
    for (name, ident) in LIBRARIES {
        if let Some(library) = known.iter().find(|library| library.name == name) {
            one_library(out, name, ident, library.built, library.loaded);
        }
    }
    // Not linked by us, but by libavfilter where FFmpeg is under the GPL.
    if let Some(version) = postproc_version() {
        one_library(out, "libpostproc", "postproc", version, version);
    }
    out.end();
}

type Version = (u32, u32, u32);

fn one_library(out: &mut dyn Sink, name: &str, ident: &str, built: Version, loaded: Version) {
    let (major, minor, micro) = built;
    out.begin(Section::LibraryVersion);
    out.text("name", name.as_bytes());
    out.int("major", major);
    out.int("minor", minor);
    out.int("micro", micro);
    out.int("version", loaded.0 << 16 | loaded.1 << 8 | loaded.2);
    out.format("ident", format_args!("{ident}{major}.{minor}.{micro}"));
    out.end();
}

const FLAGS: [(&str, u32); 7] = [
    ("big_endian", ffi::AV_PIX_FMT_FLAG_BE),
    ("palette", ffi::AV_PIX_FMT_FLAG_PAL),
    ("bitstream", ffi::AV_PIX_FMT_FLAG_BITSTREAM),
    ("hwaccel", ffi::AV_PIX_FMT_FLAG_HWACCEL),
    ("planar", ffi::AV_PIX_FMT_FLAG_PLANAR),
    ("rgb", ffi::AV_PIX_FMT_FLAG_RGB),
    ("alpha", ffi::AV_PIX_FMT_FLAG_ALPHA),
];

pub fn pixel_formats(out: &mut dyn Sink) {
    out.begin(Section::PixelFormats);
    let mut descriptor = ptr::null();
    loop {
        // SAFETY: NULL or one of FFmpeg's static descriptors.
        descriptor = unsafe { ffi::av_pix_fmt_desc_next(descriptor) };
        // SAFETY: as above.
        let Some(format) = (unsafe { descriptor.as_ref() }) else { break };
        pixel_format(out, format);
    }
    out.end();
}

fn pixel_format(out: &mut dyn Sink, format: &ffi::AVPixFmtDescriptor) {
    let has = |flag: u32| format.flags as u32 & flag != 0;
    out.begin(Section::PixelFormat);
    // SAFETY: a static name; a static descriptor.
    let (name, bits) = unsafe { (bytes(format.name), ffi::av_get_bits_per_pixel(format)) };
    out.text("name", name.unwrap_or_default());
    out.int("nb_components", format.nb_components);
    for (key, shift) in [("log2_chroma_w", format.log2_chroma_w), ("log2_chroma_h", format.log2_chroma_h)] {
        match format.nb_components >= 3 && !has(ffi::AV_PIX_FMT_FLAG_RGB) {
            true => out.int(key, shift),
            false => out.unknown(key, "N/A"),
        }
    }
    match bits {
        0 => out.unknown("bits_per_pixel", "N/A"),
        _ => out.int("bits_per_pixel", bits),
    }
    if out.wants(Section::PixelFormatFlags) {
        out.begin(Section::PixelFormatFlags);
        FLAGS.iter().for_each(|(key, flag)| out.flag(key, has(*flag)));
        out.end();
    }
    if out.wants(Section::PixelFormatComponents) && format.nb_components > 0 {
        out.begin(Section::PixelFormatComponents);
        for (index, component) in format.comp.iter().take(format.nb_components.into()).enumerate() {
            out.begin(Section::PixelFormatComponent);
            out.int("index", index as i64 + 1);
            out.int("bit_depth", component.depth);
            out.end();
        }
        out.end();
    }
    out.end();
}

/// Why media could not be read.
pub fn error(error: AvError, out: &mut dyn Sink) {
    out.begin(Section::Error);
    out.int("code", error.0);
    out.text("string", error.words().as_bytes());
    out.end();
}
