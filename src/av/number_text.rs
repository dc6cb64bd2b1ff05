//! Numbers and times as FFmpeg writes them into logs and statistics.

use super::{NOPTS, Rational};
use std::ffi::{CStr, c_char};

/// C's %g with so many significant digits.
pub fn general_text(value: f64, digits: i32) -> String {
    let mut buffer = [0 as c_char; 64];
    // SAFETY: the buffer is writable and its size is given; snprintf terminates it.
    unsafe {
        libc::snprintf(buffer.as_mut_ptr(), buffer.len(), c"%.*g".as_ptr(), digits, value);
        CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned()
    }
}

/// A timestamp, or "NOPTS" (av_ts2str).
pub fn timestamp_text(timestamp: i64) -> String {
    if timestamp == NOPTS { "NOPTS".to_owned() } else { timestamp.to_string() }
}

/// A timestamp in seconds (av_ts2timestr). From FFmpeg 7.0 on with six digits behind the point, and the zeros at its end left out.
pub fn seconds_text(timestamp: i64, time_base: Rational) -> String {
    if timestamp == NOPTS {
        return "NOPTS".to_owned();
    }
    let seconds = time_base.to_f64() * timestamp as f64;
    if cfg!(not(ffmpeg7_0)) {
        return general_text(seconds, 6);
    }
    let magnitude = if seconds == 0.0 { f64::NEG_INFINITY } else { seconds.abs().log10().floor() };
    let digits = if magnitude.is_finite() && magnitude < 0.0 { (5.0 - magnitude) as usize } else { 6 };
    let text = format!("{seconds:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        assert_eq!(general_text(0.04, 6), "0.04");
        assert_eq!(general_text(1234567.0, 6), "1.23457e+06");
        assert_eq!(general_text(f64::INFINITY, 6), "inf");
        assert_eq!(timestamp_text(NOPTS), "NOPTS");
        assert_eq!(seconds_text(NOPTS, Rational::new(1, 25)), "NOPTS");
        assert_eq!(seconds_text(0, Rational::new(1, 25)), "0");
        assert_eq!(seconds_text(51, Rational::new(1, 25)), "2.04");
    }
}
