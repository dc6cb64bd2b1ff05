//! What concerns the whole process, for programs alone: a library that did any of this would change its host.

use super::{AvError, ffi};
use std::ffi::CStr;

/// `-cpuflags`: adds, removes or sets CPU features that FFmpeg uses ("-avx2+sse4", "0").
pub fn force_cpu_flags(text: &str) -> Result<(), AvError> {
    let text = crate::text::c_string(text).map_err(|_| AvError::INVALID)?;
    // SAFETY: a terminated string and a number; before any codec is opened.
    unsafe {
        let mut flags = ffi::av_get_cpu_flags() as u32;
        AvError::check(ffi::av_parse_cpu_caps(&mut flags, text.as_ptr()))?;
        ffi::av_force_cpu_flags(flags as i32);
    }
    Ok(())
}

/// `-cpucount`: how many CPUs FFmpeg takes as there; -1 is what there is.
pub fn force_cpu_count(count: i32) {
    // SAFETY: sets a number.
    unsafe { ffi::av_cpu_force_count(count) };
}

/// `-max_alloc`: the largest block that FFmpeg allocates.
pub fn limit_allocation(bytes: usize) {
    // SAFETY: sets a number.
    unsafe { ffi::av_max_alloc(bytes) };
}

/// `-timelimit`: SIGXCPU after so much CPU time, SIGKILL a second later.
pub fn limit_cpu_seconds(seconds: u64) -> std::io::Result<()> {
    let limit = libc::rlimit { rlim_cur: seconds, rlim_max: seconds + 1 };
    // SAFETY: reads the struct.
    match unsafe { libc::setrlimit(libc::RLIMIT_CPU, &limit) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// CPU time of the process in microseconds, in user code and in the kernel, and the largest resident memory in KiB.
pub fn usage() -> (i64, i64, i64) {
    // SAFETY: fills the struct.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let us = |time: libc::timeval| time.tv_sec as i64 * 1_000_000 + time.tv_usec as i64;
    (us(usage.ru_utime), us(usage.ru_stime), usage.ru_maxrss as i64)
}

/// User and system time of the calling thread, in microseconds.
pub fn thread_times_us() -> (i64, i64) {
    // SAFETY: fills the struct.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage
    };
    let us = |time: libc::timeval| time.tv_sec as i64 * 1_000_000 + time.tv_usec as i64;
    (us(usage.ru_utime), us(usage.ru_stime))
}

/// Year, month, day, hour, minute, second of now, in the local time zone.
pub fn local_time() -> [i32; 6] {
    // SAFETY: fills the structs.
    let now = unsafe {
        let (mut now, mut parts) = (0, std::mem::zeroed::<libc::tm>());
        libc::time(&mut now);
        libc::localtime_r(&now, &mut parts);
        parts
    };
    [now.tm_year + 1900, now.tm_mon + 1, now.tm_mday, now.tm_hour, now.tm_min, now.tm_sec]
}

/// "key=value:key=value" with FFmpeg's quoting, as the variable FFREPORT has it. Ends at what makes no sense.
pub fn key_values(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let Ok(text) = crate::text::c_string(text) else { return all };
    let mut rest = text.as_ptr();
    // SAFETY: walks over our terminated string; key and value are allocated by FFmpeg and freed here.
    unsafe {
        while *rest != 0 {
            let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
            if ffi::av_opt_get_key_value(&mut rest, c"=".as_ptr(), c":".as_ptr(), 0, &mut key, &mut value) < 0 {
                break;
            }
            let owned = |text| CStr::from_ptr(text).to_string_lossy().into_owned();
            all.push((owned(key), owned(value)));
            ffi::av_free(key.cast());
            ffi::av_free(value.cast());
            if *rest != 0 {
                rest = rest.add(1);
            }
        }
    }
    all
}
