//! As [`super::list`]: what devices can read from and write to (fftools/opt_common.c: show_sources, show_sinks).

use super::list::word;
use super::{AvError, Dict, ffi, register_devices};
use std::ffi::c_char;
use std::fmt::Write;
use std::ptr;

type NextSource = unsafe extern "C" fn(*const ffi::AVInputFormat) -> *const ffi::AVInputFormat;
const AUDIO_SOURCES: NextSource = ffi::av_input_audio_device_next;
const VIDEO_SOURCES: NextSource = ffi::av_input_video_device_next;

/// "device" or "device,key=value:key=value"; all where it is empty. Opens the devices, which may take time.
pub fn sources(wanted: &str) -> String {
    let (mut out, device, options) = begin(wanted);
    // SAFETY: devices are static; the last one of a kind is followed by NULL.
    unsafe {
        for (next, is_audio) in [(AUDIO_SOURCES, true), (VIDEO_SOURCES, false)] {
            let mut format = next(ptr::null());
            while let Some(found) = format.as_ref() {
                let name = word(found.name).unwrap_or_default();
                // As ffmpeg, which asks lavfi once.
                if !(is_audio && name == "lavfi") && is_meant(name, &device) {
                    let mut list = ptr::null_mut();
                    let code =
                        ffi::avdevice_list_input_sources(format, ptr::null(), options.as_ptr().cast_mut(), &mut list);
                    let _ = writeln!(out, "Auto-detected sources for {name}:");
                    finish(&mut out, "sources", code, list);
                }
                format = next(format);
            }
        }
    }
    out
}

/// As [`sources`], of output devices.
pub fn sinks(wanted: &str) -> String {
    let (mut out, device, options) = begin(wanted);
    // SAFETY: as `sources`.
    unsafe {
        for next in [ffi::av_output_audio_device_next, ffi::av_output_video_device_next] {
            let mut format = next(ptr::null());
            while let Some(found) = format.as_ref() {
                let name = word(found.name).unwrap_or_default();
                if is_meant(name, &device) {
                    let mut list = ptr::null_mut();
                    let code =
                        ffi::avdevice_list_output_sinks(format, ptr::null(), options.as_ptr().cast_mut(), &mut list);
                    let _ = writeln!(out, "Auto-detected sinks for {name}:");
                    finish(&mut out, "sinks", code, list);
                }
                format = next(format);
            }
        }
    }
    out
}

/// What is printed first, the device that is meant, and its options.
fn begin(wanted: &str) -> (String, String, Dict) {
    register_devices();
    let (device, options) = wanted.split_once(',').unwrap_or((wanted, ""));
    let mut dict = Dict::default();
    for (key, value) in options.split(':').filter_map(|option| option.split_once('=')) {
        dict.set(key, value);
    }
    let out = match wanted.is_empty() {
        true => {
            "\nDevice name is not provided.\nYou can pass devicename[,opt1=val1[,opt2=val2...]] as an argument.\n\n"
        }
        false => "",
    };
    (out.to_owned(), device.to_owned(), dict)
}

/// Devices have several names: "video4linux2,v4l2".
fn is_meant(names: &str, device: &str) -> bool {
    device.is_empty() || names.split(',').any(|name| name.eq_ignore_ascii_case(device))
}

/// # Safety
/// `list` is NULL or a list of FFmpeg's, which is freed here.
unsafe fn finish(out: &mut String, what: &str, code: i32, mut list: *mut ffi::AVDeviceInfoList) {
    if code < 0 {
        let _ = writeln!(out, "Cannot list {what}: {}", AvError(code).words());
    }
    // SAFETY: by contract; its devices are counted.
    unsafe {
        if let Some(list) = list.as_ref().filter(|_| code >= 0) {
            for index in 0..list.nb_devices {
                let device = &**list.devices.offset(index as isize);
                let mark = if list.default_device == index { '*' } else { ' ' };
                let (name, about) = (text(device.device_name), text(device.device_description));
                let _ = writeln!(out, "{mark} {name} [{about}] ({})", media_of(device));
            }
        }
        ffi::avdevice_free_list_devices(&mut list);
    }
}

/// # Safety
/// NULL or a terminated string.
unsafe fn text(pointer: *const c_char) -> String {
    match pointer.is_null() {
        true => "(null)".into(),
        // SAFETY: by contract.
        false => unsafe { std::ffi::CStr::from_ptr(pointer) }.to_string_lossy().into_owned(),
    }
}

fn media_of(device: &ffi::AVDeviceInfo) -> String {
    // SAFETY: the device counts its kinds; any number may be asked for, and the answer is static.
    let kinds = (0..device.nb_media_types).map(|index| unsafe {
        word(ffi::av_get_media_type_string(*device.media_types.offset(index as isize))).unwrap_or("unknown")
    });
    let all: Vec<_> = kinds.collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}
