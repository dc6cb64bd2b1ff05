//! The line of progress, the lines of -progress, and the summary at the end (fftools/ffmpeg.c: print_report, print_final_stats).

use mt_transcode::job::{OutputReport, Report, StreamReport, ffmpeg_release};
use mt_transcode::options::{MediaKind, Release};
use std::fmt::Write;

/// Sizes are in KiB; FFmpeg calls them so from 7.0 on.
fn unit() -> &'static str {
    if ffmpeg_release() >= Release(7, 0) { "KiB" } else { "kB" }
}

/// -qphist: how often a line of progress showed each quantiser (print_report of 5.1; gone in 6.1).
pub struct Quantisers([u32; 52]);

impl Quantisers {
    /// None where it is not asked for, or has no effect.
    pub fn of(is_asked: bool) -> Option<Quantisers> {
        (is_asked && ffmpeg_release() < Release(6, 1)).then_some(Quantisers([0; 52]))
    }

    /// Counts one more, and shows a digit for each of the first 32: the logarithm of their number.
    fn show(&mut self, quality: f32) -> String {
        let quality = quality.round_ties_even();
        if (0.0..52.0).contains(&quality) {
            self.0[quality as usize] += 1;
        }
        self.0[..32].iter().map(|count| format!("{:X}", (count + 1).ilog2())).collect()
    }
}

/// The line and the block of -progress, without the word that ends it.
pub fn progress(report: &Report, quantisers: Option<&mut Quantisers>, is_last: bool) -> (String, String) {
    let (mut line, mut block) = (String::new(), String::new());
    streams(report, quantisers, is_last, &mut line, &mut block);
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
fn streams(
    report: &Report,
    mut quantisers: Option<&mut Quantisers>,
    is_last: bool,
    line: &mut String,
    block: &mut String,
) {
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
                let _ = writeln!(block, "stream_{file}_{index}_q={quality:.1}");
                line.push_str(if is_last { "L" } else { "" });
                line.push_str(&quantisers.take().map(|all| all.show(quality)).unwrap_or_default());
                differences(stream, &format!("stream_{file}_{index}"), is_last, line, block);
            } else {
                let _ = write!(line, "q={quality:>2.1} ");
                let _ = writeln!(block, "stream_{file}_{index}_q={quality:.1}");
            }
        }
    }
}

/// PSNR by plane and of all, where the encoder says how much its pictures differ (print_report of 5.1; gone in 6.1).
fn differences(stream: &StreamReport, name: &str, is_last: bool, line: &mut String, block: &mut String) {
    let Some(found) = stream.differences.filter(|found| found.is_typed || is_last) else { return };
    if ffmpeg_release() >= Release(6, 1) {
        return;
    }
    let decibels = |error: f64, scale: f64| -10.0 * (error / scale).log10();
    let (mut errors, mut scales) = (0.0, 0.0);
    line.push_str("PSNR=");
    for (plane, letter) in ['Y', 'U', 'V'].into_iter().enumerate() {
        let (error, frames) = match is_last {
            true => (found.total[plane] as f64, stream.packets as f64),
            false => (found.last[plane] as f64, 1.0),
        };
        let scale = found.pixels as f64 * 255.0 * 255.0 * frames / if plane == 0 { 1.0 } else { 4.0 };
        (errors, scales) = (errors + error, scales + scale);
        let value = decibels(error, scale);
        let _ = write!(line, "{letter}:{value:2.2} ");
        let _ = writeln!(block, "{name}_psnr_{}={value:2.2}", letter.to_ascii_lowercase());
    }
    let value = decibels(errors, scales);
    let _ = write!(line, "*:{value:2.2} ");
    let _ = writeln!(block, "{name}_psnr_all={value:2.2}");
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
