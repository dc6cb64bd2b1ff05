//! The line of progress, the lines of -progress, and the summary at the end (fftools/ffmpeg.c: print_report, print_final_stats).

use mt_transcode::job::{OutputReport, Report, StreamReport, ffmpeg_release};
use mt_transcode::options::{MediaKind, Release};
use std::fmt::Write;

/// Sizes are in KiB; FFmpeg calls them so from 7.0 on.
fn unit() -> &'static str {
    if ffmpeg_release() >= Release(7, 0) { "KiB" } else { "kB" }
}

/// The line and the block of -progress, without the word that ends it.
pub fn progress(report: &Report, is_last: bool) -> (String, String) {
    let (mut line, mut block) = (String::new(), String::new());
    streams(report, is_last, &mut line, &mut block);
    let position_us = position_us(report);
    let size = report.outputs.first().and_then(|output| output.size_bytes);
    let seconds = report.elapsed_us as f64 / 1e6;
    let bitrate = match (size, position_us) {
        (Some(size), Some(us)) if us != 0 => Some(size as f64 * 8.0 / (us as f64 / 1000.0)),
        _ => None,
    };
    let speed = position_us.filter(|_| seconds > 0.0).map(|us| us as f64 / 1e6 / seconds);
    let _ = match size {
        Some(bytes) => write!(line, "size={:>8.0}{} time=", bytes as f64 / 1024.0, unit()),
        None => write!(line, "size=N/A time="),
    };
    let time = position_us.map_or("N/A".to_owned(), |us| clock(us, 2));
    let rate = bitrate.filter(|rate| *rate >= 0.0).map_or("N/A".to_owned(), |rate| format!("{rate:>6.1}kbits/s"));
    let number = |value: Option<String>| value.unwrap_or_else(|| "N/A".to_owned());
    let _ = write!(line, "{time} bitrate={rate}");
    let _ = write!(block, "bitrate={rate}\ntotal_size={}\n", number(size.map(|size| size.to_string())));
    let us = number(position_us.map(|us| us.to_string()));
    // Both are microseconds, also what ffmpeg calls milliseconds.
    let _ = write!(block, "out_time_us={us}\nout_time_ms={us}\n");
    let _ = writeln!(block, "out_time={}", number(position_us.map(|us| clock(us, 6))));
    let (duplicated, dropped) = (report.frames_duplicated, report.frames_dropped);
    if duplicated > 0 || dropped > 0 {
        let _ = write!(line, " dup={duplicated} drop={dropped}");
    }
    let _ = write!(block, "dup_frames={duplicated}\ndrop_frames={dropped}\n");
    let speed = speed.map_or("N/A".to_owned(), |speed| format!("{:>4}x", significant(speed)));
    let _ = write!(line, " speed={speed}");
    let _ = writeln!(block, "speed={speed}");
    (line, block)
}

/// Frames of the first video stream, and the quantiser of each.
fn streams(report: &Report, is_last: bool, line: &mut String, block: &mut String) {
    let mut is_first = true;
    for (file, output) in report.outputs.iter().enumerate() {
        for (index, stream) in output.streams.iter().enumerate().filter(|(_, s)| s.kind == MediaKind::Video) {
            let quality = stream.quality;
            if std::mem::take(&mut is_first) {
                let seconds = report.elapsed_us as f64 / 1e6;
                let fps = if seconds > 1.0 { stream.packets as f64 / seconds } else { 0.0 };
                let digits = usize::from(fps < 9.95);
                let _ = write!(line, "frame={:>5} fps={fps:>3.digits$} q={quality:>3.1} ", stream.packets);
                let _ = write!(block, "frame={}\nfps={fps:.2}\n", stream.packets);
                line.push_str(if is_last { "L" } else { "" });
            } else {
                let _ = write!(line, "q={quality:>2.1} ");
            }
            let _ = writeln!(block, "stream_{file}_{index}_q={quality:.1}");
        }
    }
}

fn position_us(report: &Report) -> Option<i64> {
    report.outputs.iter().flat_map(|output| &output.streams).filter_map(|stream| stream.end_us).max()
}

/// [-]HH:MM:SS.fraction with so many digits of it.
fn clock(us: i64, digits: u32) -> String {
    let (sign, us) = (if us < 0 { "-" } else { "" }, us.unsigned_abs());
    let (seconds, fraction) = (us / 1_000_000, us % 1_000_000 / 10u64.pow(6 - digits));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{fraction:0width$}", width = digits as usize)
}

/// Three significant digits, as C's %.3g.
fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{value:.2e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match exponent {
        -4..=2 => trimmed(&format!("{value:.*}", (2 - exponent) as usize)),
        _ => format!("{}e{}{:02}", trimmed(digits), if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

/// How much of each kind was written, and how much the container added.
pub fn summary(report: &Report) -> String {
    let all = || report.outputs.iter().flat_map(|output| &output.streams);
    let bytes = |wanted: &dyn Fn(&StreamReport) -> bool| all().filter(|s| wanted(s)).map(|s| s.bytes).sum::<u64>();
    let of = |kind: MediaKind| bytes(&|stream| stream.kind == kind);
    let kinds = [MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle];
    let other = bytes(&|stream| !kinds.contains(&stream.kind));
    let header: u64 = all().map(|stream| stream.header_bytes).sum();
    let total = bytes(&|_| true);
    let size = report.outputs.first().and_then(|output| output.size_bytes).unwrap_or(0);
    let overhead = match total > 0 && size >= total {
        true => format!("{:.6}%", 100.0 * (size - total) as f64 / total as f64),
        false => "unknown".into(),
    };
    let kilo = |bytes: u64| format!("{:.0}{}", bytes as f64 / 1024.0, unit());
    format!(
        "video:{} audio:{} subtitle:{} other streams:{} global headers:{} muxing overhead: {overhead}\n",
        kilo(of(MediaKind::Video)),
        kilo(of(MediaKind::Audio)),
        kilo(of(MediaKind::Subtitle)),
        kilo(other),
        kilo(header),
    )
}

/// Nothing came out at all.
pub fn is_empty(report: &Report) -> bool {
    let nothing = |output: &OutputReport| output.streams.iter().all(|s| s.bytes == 0 && s.header_bytes == 0);
    report.outputs.iter().all(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for (value, text) in [
            (0.998, "0.998"),
            (12.345, "12.3"),
            (1.5, "1.5"),
            (100.0, "100"),
            (1234.5, "1.23e+03"),
            (0.00001234, "1.23e-05"),
            (99.95, "100"),
        ] {
            assert_eq!(significant(value), text);
        }
        assert_eq!(clock(3_723_456_789, 2), "01:02:03.45");
        assert_eq!(clock(-23_220, 6), "-00:00:00.023220");
    }
}
