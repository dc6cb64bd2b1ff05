//! The FFmpeg that is loaded, beside the one that we were built against.

use super::ffi;
use crate::options::Release;
use std::ffi::CStr;

/// One library: name, version built against, version loaded.
pub struct Library {
    pub name: &'static str,
    pub built: (u32, u32, u32),
    pub loaded: (u32, u32, u32),
}

fn parts(version: u32) -> (u32, u32, u32) {
    (version >> 16, version >> 8 & 0xff, version & 0xff)
}

pub fn libraries() -> Vec<Library> {
    macro_rules! library {
        ($name:literal, $function:ident, $major:ident, $minor:ident, $micro:ident) => {
            Library {
                name: $name,
                built: (ffi::$major as u32, ffi::$minor as u32, ffi::$micro as u32),
                // SAFETY: returns a number.
                loaded: parts(unsafe { ffi::$function() }),
            }
        };
    }
    vec![
        library!(
            "libavutil",
            avutil_version,
            LIBAVUTIL_VERSION_MAJOR,
            LIBAVUTIL_VERSION_MINOR,
            LIBAVUTIL_VERSION_MICRO
        ),
        library!(
            "libavcodec",
            avcodec_version,
            LIBAVCODEC_VERSION_MAJOR,
            LIBAVCODEC_VERSION_MINOR,
            LIBAVCODEC_VERSION_MICRO
        ),
        library!(
            "libavformat",
            avformat_version,
            LIBAVFORMAT_VERSION_MAJOR,
            LIBAVFORMAT_VERSION_MINOR,
            LIBAVFORMAT_VERSION_MICRO
        ),
        library!(
            "libavfilter",
            avfilter_version,
            LIBAVFILTER_VERSION_MAJOR,
            LIBAVFILTER_VERSION_MINOR,
            LIBAVFILTER_VERSION_MICRO
        ),
        library!(
            "libavdevice",
            avdevice_version,
            LIBAVDEVICE_VERSION_MAJOR,
            LIBAVDEVICE_VERSION_MINOR,
            LIBAVDEVICE_VERSION_MICRO
        ),
        library!(
            "libswscale",
            swscale_version,
            LIBSWSCALE_VERSION_MAJOR,
            LIBSWSCALE_VERSION_MINOR,
            LIBSWSCALE_VERSION_MICRO
        ),
        library!(
            "libswresample",
            swresample_version,
            LIBSWRESAMPLE_VERSION_MAJOR,
            LIBSWRESAMPLE_VERSION_MINOR,
            LIBSWRESAMPLE_VERSION_MICRO
        ),
    ]
}

/// libpostproc, which FFmpeg's other libraries load where they have use for it: none that we link, so it is looked up.
pub fn postproc_version() -> Option<(u32, u32, u32)> {
    // SAFETY: a terminated name; what is found under it is libpostproc's function, which takes nothing and returns a number.
    unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, c"postproc_version".as_ptr());
        let version: Option<unsafe extern "C" fn() -> std::ffi::c_uint> = std::mem::transmute(found);
        version.map(|version| parts(version()))
    }
}

/// A library whose major version is not the one that we were built against: its structures are laid out differently.
pub fn mismatch(libraries: &[Library]) -> Option<&Library> {
    libraries.iter().find(|library| library.built.0 != library.loaded.0)
}

/// "LGPL version 2.1 or later", "GPL version 2 or later", "nonfree and unredistributable".
pub fn licence() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(ffi::avcodec_license()) }.to_string_lossy().into_owned()
}

/// The arguments of FFmpeg's configure.
pub fn configuration() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(ffi::avcodec_configuration()) }.to_string_lossy().into_owned()
}

/// FFmpeg's own release string ("5.1.9-0+deb12u1").
pub fn release() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(ffi::av_version_info()) }.to_string_lossy().into_owned()
}

/// The first libavcodec of each release of FFmpeg.
const RELEASES: [((u32, u32), Release); 6] = [
    ((59, 37), Release(5, 1)),
    ((60, 3), Release(6, 0)),
    ((60, 31), Release(6, 1)),
    ((61, 3), Release(7, 0)),
    ((61, 19), Release(7, 1)),
    ((62, 11), Release(8, 0)),
];

/// The release of FFmpeg that is loaded, as far as we know them: of a newer one the newest of ours.
pub fn loaded_release() -> Release {
    // SAFETY: returns a number.
    let (major, minor, _) = parts(unsafe { ffi::avcodec_version() });
    release_of((major, minor))
}

fn release_of(libavcodec: (u32, u32)) -> Release {
    RELEASES.iter().rev().find(|(first, _)| libavcodec >= *first).map_or(RELEASES[0].1, |(_, release)| *release)
}

/// Devices (lavfi and such) are formats only after this call; it may be repeated.
pub fn register_devices() {
    // SAFETY: fills tables, under FFmpeg's own lock.
    unsafe { ffi::avdevice_register_all() };
}

/// "Lavc59.37.100", as built against: what FFmpeg's LIBAVCODEC_IDENT says.
pub fn lavc_ident() -> String {
    let (major, minor, micro) =
        (ffi::LIBAVCODEC_VERSION_MAJOR, ffi::LIBAVCODEC_VERSION_MINOR, ffi::LIBAVCODEC_VERSION_MICRO);
    format!("Lavc{major}.{minor}.{micro}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_known_by_its_libavcodec() {
        assert_eq!(release_of((59, 37)), Release(5, 1));
        assert_eq!(release_of((60, 31)), Release(6, 1));
        assert_eq!(release_of((61, 5)), Release(7, 0));
        assert_eq!(release_of((99, 0)), Release(8, 0));
        assert!(release().starts_with(&format!("{}.", loaded_release().0)) || !release().starts_with(char::is_numeric));
    }

    #[test]
    fn another_major_version_is_a_mismatch() {
        let library = |built, loaded| Library { name: "libavcodec", built, loaded };
        assert!(mismatch(&[library((59, 37, 100), (59, 60, 100))]).is_none());
        assert_eq!(mismatch(&[library((59, 37, 100), (60, 3, 100))]).map(|l| l.name), Some("libavcodec"));
        assert!(mismatch(&libraries()).is_none(), "the libraries of this machine fit together");
    }
}
