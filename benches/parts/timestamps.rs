//! The timestamps of a packet, put right.

use super::pair;
use criterion::Criterion;
use mt_transcode::av::{Rational, TIME_BASE, rescale};
use mt_transcode::engine::{FileFacts, StreamFacts, Times, Timestamps};
use std::hint::black_box;

const TICK: Rational = Rational::new(1, 90_000);
const FRAME_TICKS: i64 = 3600;

pub fn all(criterion: &mut Criterion) {
    pair(criterion, "timestamps", through_rules(), in_microseconds());
}

fn video() -> StreamFacts {
    StreamFacts {
        time_base: TICK,
        wrap_bits: 33,
        start_time: 0,
        is_used: true,
        is_audio: false,
        is_video: true,
        is_decoded: false,
        avg_frame_rate: Rational::new(25, 1),
        forced_frame_rate: Rational::new(0, 0),
        video_delay: 0,
        sample_rate: 0,
        frame_size: 0,
        has_fields: false,
        scale: 1.0,
    }
}

fn transport() -> FileFacts {
    FileFacts {
        start_time_us: Some(0),
        may_jump: true,
        copy_ts: false,
        delta_threshold_s: 10.0,
        error_threshold_s: 108_000.0,
        offset_us: 0,
    }
}

fn through_rules() -> impl FnMut() -> i64 {
    let mut timestamps = Timestamps::new(transport(), vec![video()]);
    let mut at = 0;
    move || {
        at += FRAME_TICKS;
        let mut times = Times { pts: at, dts: at, duration: FRAME_TICKS };
        timestamps.process(0, black_box(&mut times), None)
    }
}

/// Each packet's time and duration are needed in microseconds: FFmpeg's own arithmetic, once for each.
fn in_microseconds() -> impl FnMut() -> i64 {
    let mut at = 0;
    move || {
        at += FRAME_TICKS;
        rescale(black_box(at), TICK, TIME_BASE) + rescale(black_box(FRAME_TICKS), TICK, TIME_BASE)
    }
}
