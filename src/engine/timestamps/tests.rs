//! Each rule as a few packets: what goes in, what must come out.

use super::*;

const TS: Rational = Rational::new(1, 90_000);

fn video() -> StreamFacts {
    StreamFacts {
        time_base: TS,
        wrap_bits: 33,
        start_time: NOPTS,
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

fn audio() -> StreamFacts {
    StreamFacts {
        is_audio: true,
        is_video: false,
        avg_frame_rate: Rational::new(0, 0),
        sample_rate: 48_000,
        frame_size: 1024,
        ..video()
    }
}

fn transport(start_us: i64) -> FileFacts {
    FileFacts {
        start_time_us: Some(start_us),
        may_jump: true,
        copy_ts: false,
        delta_threshold_s: 10.0,
        error_threshold_s: 108_000.0,
        offset_us: -start_us,
    }
}

fn at(time: i64) -> Times {
    Times { pts: time, dts: time, duration: 3600 }
}

/// Sends packets `(stream, dts)` through and returns the decoding times that come out.
fn out(timestamps: &mut Timestamps, packets: &[(usize, i64)]) -> Vec<i64> {
    let one = |(stream, dts): &(usize, i64)| {
        let mut times = at(*dts);
        timestamps.process(*stream, &mut times, None);
        times.dts
    };
    packets.iter().map(one).collect()
}

#[test]
fn the_start_time_is_subtracted() {
    let mut timestamps = Timestamps::new(transport(1_400_000), vec![video()]);
    assert_eq!(out(&mut timestamps, &[(0, 126_000), (0, 129_600)]), [0, 3600]);
}

#[test]
fn the_start_of_the_streams_in_use_counts_but_only_upwards() {
    let unused = StreamFacts { is_used: false, start_time: 90_000, ..audio() };
    let used = StreamFacts { start_time: 180_000, ..video() };
    let mut timestamps = Timestamps::new(transport(1_000_000), vec![unused, used]);
    assert_eq!(out(&mut timestamps, &[(1, 180_000), (1, 183_600)]), [0, 3600]);
}

#[test]
fn a_33_bit_wrap_goes_on() {
    // The file starts just before the wrap: FFmpeg's start time is negative then.
    let start = -45_000 * 100 / 9;
    let mut timestamps = Timestamps::new(transport(start), vec![video()]);
    let near_end = (1i64 << 33) - 45_000;
    let times = out(&mut timestamps, &[(0, near_end), (0, near_end + 3600), (0, (1i64 << 33) - 1)]);
    assert_eq!(times[0], 0);
    assert_eq!(times[1], 3600);
    assert_eq!(times[2], 44_999);
}

#[test]
fn a_jump_moves_all_streams_of_the_file() {
    let mut timestamps = Timestamps::new(transport(0), vec![video(), audio()]);
    let times = out(
        &mut timestamps,
        &[(0, 0), (1, 0), (0, 3600), (0, 9_000_000), (1, 9_000_000 - 3600 + 1920), (0, 9_003_600)],
    );
    assert_eq!(times[3], 7200, "100 s later is a jump: it goes on at the predicted time");
    assert!((times[4] - 1920 - 3600).abs() <= 3600, "the audio moved with the video: {times:?}");
    assert_eq!(times[5], 10_800);
}

#[test]
fn a_step_back_of_more_than_a_tenth_of_a_second_is_a_jump() {
    let mut timestamps = Timestamps::new(transport(0), vec![video()]);
    let times = out(&mut timestamps, &[(0, 0), (0, 90_000), (0, 90_000 - 18_000), (0, 93_600 - 18_000)]);
    assert_eq!(times, [0, 90_000, 93_600, 97_200]);
}

#[test]
fn without_the_flag_only_nonsense_is_dropped() {
    let facts = FileFacts { may_jump: false, ..transport(0) };
    let mut timestamps = Timestamps::new(facts, vec![video()]);
    let far = 31 * 3600 * 90_000;
    assert_eq!(out(&mut timestamps, &[(0, 0), (0, 90_000_000), (0, far + 90_000_000)]), [0, 90_000_000, NOPTS]);
    assert_eq!(timestamps.dropped, 2, "dts and pts");
}

#[test]
fn copyts_copies_jumps() {
    let facts = FileFacts { copy_ts: true, offset_us: 0, ..transport(0) };
    let mut timestamps = Timestamps::new(facts, vec![video()]);
    assert_eq!(out(&mut timestamps, &[(0, 500), (0, 9_000_000)]), [500, 9_000_000]);
}

#[test]
fn missing_decoding_times_are_predicted() {
    let mut timestamps = Timestamps::new(transport(0), vec![video(), audio()]);
    let mut missing = |stream, duration| {
        let mut times = Times { pts: NOPTS, dts: NOPTS, duration };
        timestamps.process(stream, &mut times, None)
    };
    assert_eq!([missing(0, 3600), missing(0, 3600), missing(0, 0), missing(0, 0)], [0, 40_000, 80_000, 120_000]);
    assert_eq!([missing(1, 0), missing(1, 0), missing(1, 0)], [0, 21_333, 42_666]);
}

#[test]
fn a_forced_frame_rate_sets_the_pace() {
    let facts = StreamFacts { forced_frame_rate: Rational::new(10, 1), ..video() };
    let mut timestamps = Timestamps::new(transport(0), vec![facts]);
    let mut missing = || {
        let mut times = Times { pts: NOPTS, dts: NOPTS, duration: 3600 };
        timestamps.process(0, &mut times, None)
    };
    assert_eq!([missing(), missing(), missing()], [0, 100_000, 200_000]);
}

#[test]
fn absurd_numbers_do_no_harm() {
    let mut timestamps = Timestamps::new(transport(i64::MIN / 2), vec![video(), audio()]);
    for dts in [i64::MAX, i64::MIN + 1, NOPTS, 0, -1, i64::MAX / 2] {
        for stream in [0, 1] {
            let mut times = Times { pts: dts, dts, duration: i64::MAX };
            timestamps.process(stream, &mut times, Some(i32::MAX));
        }
    }
}
