//! -debug_ts, -dump, -hex and -benchmark_all: what passes through a job, in the log, as the ffmpeg program writes it.

use super::demux::Demuxer;
use super::observer::LEVEL_INFO;
use crate::av::{Encoder, Frame, Packet, Rational, TIME_BASE, process, program_log, seconds_text, timestamp_text};
use crate::options::{JobSpec, MediaKind, Setting};
use std::time::Instant;

/// What is to be logged.
#[derive(Clone, Copy, Default)]
pub struct Debug {
    pub times: bool,
    pub packets: bool,
    /// With the packets, what is in them.
    pub payload: bool,
    /// -benchmark_all.
    pub steps: bool,
    /// Statistics may name the decoder's frame that something was made of.
    pub marks_frames: bool,
}

fn is_form(setting: &Setting) -> bool {
    setting.definition.is_some() && setting.name.starts_with("stats_") && setting.name.ends_with("_fmt")
}

impl Debug {
    pub fn of(job: &JobSpec) -> Debug {
        Debug {
            times: job.global_flag("debug_ts"),
            packets: job.global_flag("dump"),
            payload: job.global_flag("hex"),
            steps: job.global_flag("benchmark_all"),
            marks_frames: job.outputs.iter().any(|output| output.settings.iter().any(is_form)),
        }
    }
}

/// The time of a step on its thread (ffmpeg.c: update_benchmark).
pub struct Step(Option<(Instant, (i64, i64))>);

impl Step {
    /// A step begins now.
    pub fn begin(debug: Debug) -> Step {
        Step(debug.steps.then(|| (Instant::now(), process::thread_times_us())))
    }

    /// It ends, and the next one begins. `name`: "decode_video 0.0".
    pub fn end(&mut self, name: impl FnOnce() -> String) {
        let Some((began, (user, system))) = &mut self.0 else { return };
        let (real, now) = (began.elapsed().as_micros(), process::thread_times_us());
        log(&format!("bench: {:8} user {:8} sys {real:8} real {} ", now.0 - *user, now.1 - *system, name()));
        (*began, *user, *system) = (Instant::now(), now.0, now.1);
    }
}

/// On a thread of the job.
fn log(line: &str) {
    program_log::message(LEVEL_INFO, &format!("{line}\n"));
}

/// "name:123 name_time:1.23".
fn time(name: &str, timestamp: i64, time_base: Rational) -> String {
    format!("{name}:{} {name}_time:{}", timestamp_text(timestamp), seconds_text(timestamp, time_base))
}

fn times(packet: &Packet, time_base: Rational) -> String {
    let (pts, dts) = (time("pkt_pts", packet.pts(), time_base), time("pkt_dts", packet.dts(), time_base));
    format!("{pts} {dts} {}", time("duration", packet.duration(), time_base))
}

const IS_OLD: bool = cfg!(not(ffmpeg6_1));

/// A packet of an input. `next_us`: where the stream is expected to go on; None: the times were put right.
pub fn demuxed(demuxer: &Demuxer, packet: &Packet, stream: usize, next_us: Option<i64>) {
    let (file, info) = (&demuxer.file, &demuxer.file.streams[stream].info);
    let step = if next_us.is_some() { "demuxer" } else { "demuxer+ffmpeg" };
    let index = match IS_OLD {
        true => (file.streams_before + stream).to_string(),
        false => format!("{}:{stream}", file.index),
    };
    let next = match next_us.filter(|_| IS_OLD) {
        Some(us) => format!("{} {} ", time("next_dts", us, TIME_BASE), time("next_pts", us, TIME_BASE)),
        None => String::new(),
    };
    let offset = match IS_OLD || next_us.is_none() {
        true => format!(" {}", time("off", demuxer.offset_us(), TIME_BASE)),
        false => String::new(),
    };
    let times = times(packet, info.time_base);
    log(&format!("{step} -> ist_index:{index} type:{} {next}{times}{offset}", info.kind().word()));
}

/// A picture that a decoder gave.
pub fn decoded(frame: &Frame, stream: usize, time_base: Rational) {
    let Rational { num, den } = time_base;
    let kind = format!("keyframe:{} frame_type:{}", i32::from(frame.is_key()), frame.picture_type());
    match IS_OLD {
        true => {
            let (pts, best) = (time("frame_pts", frame.pts(), time_base), frame.best_effort_timestamp());
            let best = format!("best_effort_ts:{best} best_effort_ts_time:{}", seconds_text(best, time_base));
            log(&format!("decoder -> ist_index:{stream} type:video {pts} {best} {kind} time_base:{num}/{den}"));
        }
        false => {
            let (pts, dts) = (time("pts", frame.pts(), time_base), time("pkt_dts", frame.packet_dts(), time_base));
            let duration = time("duration", frame.duration(), time_base);
            log(&format!("decoder -> {pts} {dts} {duration} {kind} time_base:{num}/{den}"));
        }
    }
}

/// A frame that a filter graph gave, in the encoder's time base; `exact`: between its ticks.
pub fn filtered(pts: i64, exact: f64, time_base: Rational) {
    log(&format!(
        "filter -> {} exact:{exact:.6} time_base:{}/{}",
        time("pts", pts, time_base),
        time_base.num,
        time_base.den
    ));
}

/// A frame that an encoder takes.
pub fn encoding(kind: MediaKind, frame: &Frame, time_base: Rational) {
    let pts = time("frame_pts", frame.pts(), time_base);
    log(&format!("encoder <- type:{} {pts} time_base:{}/{}", kind.word(), time_base.num, time_base.den));
}

/// A packet that an encoder gave.
pub fn encoded(kind: MediaKind, packet: &Packet, encoder: &Encoder) {
    log(&format!("encoder -> type:{} {}", kind.word(), times(packet, encoder.time_base())));
}

/// A packet that goes to the muxer.
pub fn muxing(kind: MediaKind, packet: &Packet, time_base: Rational) {
    let size = packet.size();
    match IS_OLD {
        true => log(&format!("muxer <- type:{} {} size:{size}", kind.word(), times(packet, time_base))),
        false => {
            let (pts, dts) = (time("pts", packet.pts(), time_base), time("dts", packet.dts(), time_base));
            log(&format!("muxer <- {pts} {dts} {} size:{size}", time("duration", packet.duration(), time_base)));
        }
    }
}
