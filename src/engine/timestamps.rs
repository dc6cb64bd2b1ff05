//! The timestamps of one input, put right packet by packet: offset to zero, 33-bit wraps, jumps, prediction of what is
//! missing. Rules 1–5 of the engine's rules; source: `process_input` and `process_input_packet` of FFmpeg's
//! fftools/ffmpeg.c (5.1), with the prediction of `ist_dts_update` (7.x), which needs no feedback from decoders.
//! Numbers only: no media is needed to test it.

use super::decode_clock::Place;
use super::looping::Looping;
use crate::av::{NOPTS, Rational, TIME_BASE, rescale, rescale_rnd_minmax};

/// What is known of one stream.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    pub time_base: Rational,
    pub wrap_bits: i32,
    pub start_time: i64,
    pub is_used: bool,
    pub is_audio: bool,
    pub is_video: bool,
    pub is_decoded: bool,
    pub avg_frame_rate: Rational,
    /// -r of the input; 0/0 where not given.
    pub forced_frame_rate: Rational,
    pub video_delay: i32,
    pub sample_rate: i32,
    pub frame_size: i32,
    pub has_fields: bool,
    pub scale: f64,
}

impl StreamFacts {
    /// Microseconds that pictures are decoded before they are shown.
    fn delay_us(&self) -> i64 {
        match self.avg_frame_rate.num {
            0 => 0,
            _ => (f64::from(self.video_delay) * 1e6 / self.avg_frame_rate.to_f64()) as i64,
        }
    }
}

/// What is known of the file and asked of it.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// Microseconds; None where unknown.
    pub start_time_us: Option<i64>,
    pub may_jump: bool,
    pub copy_ts: bool,
    pub delta_threshold_s: f64,
    pub error_threshold_s: f64,
    /// Microseconds added to every timestamp: minus the start time, plus -itsoffset.
    pub offset_us: i64,
}

/// The part of a packet that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub pts: i64,
    pub dts: i64,
    pub duration: i64,
}

#[derive(Clone, Debug)]
struct Clock {
    facts: StreamFacts,
    has_wrapped_check_done: bool,
    saw_first: bool,
    /// Microseconds: the decoding time of the current packet, and what the next one should have.
    dts: i64,
    next_dts: i64,
    /// What its decoder last gave, where that was told.
    pts: i64,
    /// Where it was before its file was opened again; NOPTS where that is long ago.
    floor_us: i64,
}

pub struct Timestamps {
    file: FileFacts,
    clocks: Vec<Clock>,
    last_ts: i64,
    /// Where the next packet stands, in microseconds, of a file that was opened again.
    resume_at: Option<i64>,
    /// Packets whose timestamps were thrown away as nonsense.
    pub dropped: u64,
    /// An input that is read several times.
    pub looping: Option<Looping>,
}

fn us(value: i64, time_base: Rational) -> i64 {
    rescale_rnd_minmax(value, time_base, TIME_BASE)
}

impl Timestamps {
    pub fn new(file: FileFacts, streams: Vec<StreamFacts>) -> Timestamps {
        let clock = |facts| Clock {
            facts,
            has_wrapped_check_done: false,
            saw_first: false,
            dts: NOPTS,
            next_dts: NOPTS,
            pts: i64::MIN,
            floor_us: NOPTS,
        };
        Timestamps {
            file,
            clocks: streams.into_iter().map(clock).collect(),
            last_ts: 0, // as ffmpeg's, which allocates it so: the first packet of all is compared with it, too
            resume_at: None,
            dropped: 0,
            looping: None,
        }
    }

    /// Microseconds added to every timestamp.
    pub fn offset_us(&self) -> i64 {
        self.file.offset_us
    }

    /// What stood at this time in the file stands at 0.
    pub fn begin_at(&mut self, zero_us: i64) {
        self.file.offset_us = zero_us.wrapping_neg();
    }

    /// What comes need not be near the beginning: other inputs say where that is.
    pub fn begin_anywhere(&mut self) {
        self.last_ts = NOPTS;
    }

    /// Where the streams that are used end so far, in microseconds: the latest of them.
    pub fn ends_us(&self) -> Option<i64> {
        let ends = self.clocks.iter().filter(|clock| clock.facts.is_used && clock.next_dts != NOPTS);
        ends.map(|clock| clock.next_dts).max()
    }

    /// The file was opened again: its next packet stands where the last ones ended, or `gap_us` later.
    pub fn resume(&mut self, may_jump: bool, gap_us: i64) {
        self.resume_at = self.ends_us().map(|end_us| end_us.saturating_add(gap_us));
        for clock in &mut self.clocks {
            clock.floor_us = if clock.next_dts == NOPTS { NOPTS } else { clock.dts };
            clock.next_dts = NOPTS;
        }
        (self.file.may_jump, self.file.start_time_us, self.last_ts) = (may_jump, None, NOPTS);
    }

    /// Whether a packet, whose time is `now_us`, stands before what was there before the file was opened again.
    pub fn is_behind(&mut self, stream: usize, now_us: i64) -> bool {
        let clock = &mut self.clocks[stream];
        let is_behind = clock.floor_us != NOPTS && now_us <= clock.floor_us;
        if !is_behind {
            clock.floor_us = NOPTS;
        }
        is_behind
    }

    /// What the next packet of a stream should have, in microseconds.
    pub fn next_us(&self, stream: usize) -> i64 {
        self.clocks[stream].next_dts
    }

    /// Puts the times of a packet right. `fields` is what a parser says of it: repeat_pict, None without a parser.
    /// Returns the packet's decoding time in microseconds as predicted, which is never missing.
    pub fn process(&mut self, stream: usize, times: &mut Times, fields: Option<i32>) -> i64 {
        self.find_place(stream, times);
        self.correct_wrap(stream, times);
        self.shift(stream, times);
        self.jump_between_streams(stream, times);
        if let Some(looping) = &mut self.looping {
            looping.shift(stream, times);
        }
        self.jump_within_stream(stream, times);
        if times.dts != NOPTS {
            self.last_ts = us(times.dts, self.clocks[stream].facts.time_base);
        }
        self.clocks[stream].predict(times, fields)
    }

    /// Microseconds from the last packet of a stream to the next one: by its duration, or the stream's frame rate.
    pub fn step_us(&self, stream: usize, duration: i64, fields: Option<i32>) -> i64 {
        self.clocks[stream].step(&Times { pts: NOPTS, dts: NOPTS, duration }, fields)
    }

    /// A decoder was drained, which moved the stream's clocks.
    pub fn continue_at(&mut self, stream: usize, place: &Place) {
        let clock = &mut self.clocks[stream];
        (clock.pts, clock.dts, clock.next_dts) = (place.pts_us, place.dts_us, place.next_dts_us);
    }

    /// The first packet since the file was opened again says where all of it stands.
    fn find_place(&mut self, stream: usize, times: &Times) {
        let time = if times.dts == NOPTS { times.pts } else { times.dts };
        if let Some(at_us) = self.resume_at.filter(|_| time != NOPTS) {
            self.resume_at = None;
            self.file.offset_us = at_us.wrapping_sub(us(time, self.clocks[stream].facts.time_base));
        }
    }

    /// Rules 2 and 3: the start of the streams in use, and timestamps that lie before a wrap.
    fn correct_wrap(&mut self, stream: usize, times: &mut Times) {
        let Some(start_us) = self.file.start_time_us else { return };
        let clock = &self.clocks[stream];
        if clock.has_wrapped_check_done || clock.facts.wrap_bits >= 64 {
            return;
        }
        if clock.next_dts == NOPTS && self.file.may_jump && self.file.offset_us == start_us.wrapping_neg() {
            let starts = self.clocks.iter().map(|c| &c.facts).filter(|f| f.is_used && f.start_time != NOPTS);
            let earliest = starts.map(|f| rescale(f.start_time, f.time_base, TIME_BASE)).min();
            if let Some(earliest) = earliest.filter(|earliest| *earliest > start_us) {
                self.file.offset_us = -earliest;
            }
        }
        let clock = &mut self.clocks[stream];
        clock.has_wrapped_check_done = true;
        let bits = clock.facts.wrap_bits.clamp(1, 63);
        let start = rescale(start_us, TIME_BASE, clock.facts.time_base);
        let (period, half) = (1i128 << bits, 1i128 << (bits - 1));
        if i128::from(start) + period > i128::from(i64::MAX) {
            return;
        }
        for value in [&mut times.dts, &mut times.pts] {
            if *value != NOPTS && i128::from(*value) > i128::from(start) + half {
                *value = (i128::from(*value) - period) as i64;
                clock.has_wrapped_check_done = false;
            }
        }
    }

    /// Rule 1, and -itsscale.
    fn shift(&mut self, stream: usize, times: &mut Times) {
        let facts = &self.clocks[stream].facts;
        let offset = rescale(self.file.offset_us, TIME_BASE, facts.time_base);
        for value in [&mut times.dts, &mut times.pts] {
            if *value != NOPTS {
                *value = value.wrapping_add(offset);
                if facts.scale != 1.0 {
                    *value = (*value as f64 * facts.scale) as i64;
                }
            }
        }
    }

    fn is_timed(&self, stream: usize) -> bool {
        self.clocks[stream].facts.is_audio || self.clocks[stream].facts.is_video
    }

    /// Rule 4 for the first packet of a stream: far away from where the other streams are.
    fn jump_between_streams(&mut self, stream: usize, times: &mut Times) {
        let dts_us = us(times.dts, self.clocks[stream].facts.time_base);
        let is_first = self.clocks[stream].next_dts == NOPTS;
        if !self.is_timed(stream) || dts_us == NOPTS || !is_first || self.file.copy_ts || !self.file.may_jump {
            return;
        }
        if self.last_ts == NOPTS {
            return;
        }
        let delta = dts_us.wrapping_sub(self.last_ts);
        if self.is_beyond(delta, self.file.delta_threshold_s) {
            self.move_file(stream, times, delta);
        }
    }

    /// Rule 4 for a running stream.
    fn jump_within_stream(&mut self, stream: usize, times: &mut Times) {
        let clock = &self.clocks[stream];
        let (time_base, next) = (clock.facts.time_base, clock.next_dts);
        let dts_us = us(times.dts, time_base);
        if !self.is_timed(stream) || dts_us == NOPTS || next == NOPTS || self.is_left_alone(stream, times.dts, dts_us) {
            return;
        }
        let delta = dts_us.wrapping_sub(next);
        if self.file.may_jump {
            let goes_back = dts_us.saturating_add(100_000) < clock.dts.max(clock.pts);
            if self.is_beyond(delta, self.file.delta_threshold_s) || goes_back {
                self.move_file(stream, times, delta);
            }
            return;
        }
        if self.is_beyond(delta, self.file.error_threshold_s) {
            times.dts = NOPTS;
            self.dropped += 1;
        }
        if times.pts != NOPTS {
            let pts_us = rescale(times.pts, time_base, TIME_BASE);
            if self.is_beyond(pts_us.wrapping_sub(next), self.file.error_threshold_s) {
                times.pts = NOPTS;
                self.dropped += 1;
            }
        }
    }

    /// With -copyts jumps are copied, unless a wrap explains them much better.
    fn is_left_alone(&self, stream: usize, dts: i64, dts_us: i64) -> bool {
        let clock = &self.clocks[stream];
        if !self.file.copy_ts {
            return false;
        }
        if !self.file.may_jump || clock.facts.wrap_bits >= 60 {
            return true;
        }
        let wrapped = us(dts.saturating_add(1 << clock.facts.wrap_bits), clock.facts.time_base);
        let distance = |value: i64| value.saturating_sub(clock.next_dts).saturating_abs();
        distance(wrapped) >= distance(dts_us) / 10
    }

    fn is_beyond(&self, delta_us: i64, threshold_s: f64) -> bool {
        let threshold_us = threshold_s * 1e6;
        (delta_us as f64) < -threshold_us || delta_us as f64 > threshold_us
    }

    /// A jump moves the offset of the whole file, not of one stream.
    fn move_file(&mut self, stream: usize, times: &mut Times, delta_us: i64) {
        self.file.offset_us = self.file.offset_us.wrapping_sub(delta_us);
        let delta = rescale(delta_us, TIME_BASE, self.clocks[stream].facts.time_base);
        times.dts = times.dts.wrapping_sub(delta);
        if times.pts != NOPTS {
            times.pts = times.pts.wrapping_sub(delta);
        }
    }
}

impl Clock {
    /// Rule 5: where this packet stands, and where the next one should.
    fn predict(&mut self, times: &Times, fields: Option<i32>) -> i64 {
        let facts = &self.facts;
        if !self.saw_first {
            self.dts = -facts.delay_us();
            if times.pts != NOPTS && !facts.is_decoded {
                self.dts = self.dts.wrapping_add(rescale(times.pts, facts.time_base, TIME_BASE));
            }
            self.saw_first = true;
        }
        if self.next_dts == NOPTS {
            self.next_dts = match times.pts {
                // Opened again, its first pictures may have no dts (Matroska): they stand behind what was there, where their pts says.
                pts if pts != NOPTS && self.floor_us != NOPTS => {
                    let pts_us = rescale(pts, facts.time_base, TIME_BASE);
                    pts_us.saturating_sub(facts.delay_us()).max(self.floor_us.saturating_add(1))
                }
                _ => self.dts,
            };
        }
        if times.dts != NOPTS {
            self.next_dts = rescale(times.dts, facts.time_base, TIME_BASE);
        }
        self.dts = self.next_dts;
        self.next_dts = self.next_dts.wrapping_add(self.step(times, fields));
        self.dts
    }

    /// Microseconds to the next packet.
    fn step(&self, times: &Times, fields: Option<i32>) -> i64 {
        let facts = &self.facts;
        if facts.is_audio {
            return match facts.sample_rate {
                rate if rate > 0 => 1_000_000 * i64::from(facts.frame_size) / i64::from(rate),
                _ => rescale(times.duration, facts.time_base, TIME_BASE),
            };
        }
        if !facts.is_video {
            return 0;
        }
        if facts.forced_frame_rate.is_positive() && !facts.is_decoded {
            let tick = facts.forced_frame_rate.inverse();
            let count = rescale(self.next_dts, TIME_BASE, tick);
            return rescale(count + 1, tick, TIME_BASE).wrapping_sub(self.next_dts);
        }
        if times.duration != 0 {
            return rescale(times.duration, facts.time_base, TIME_BASE);
        }
        if !facts.avg_frame_rate.is_positive() {
            return 0;
        }
        let count = match fields {
            Some(repeat) if facts.has_fields => 1 + i64::from(repeat),
            _ => 2,
        };
        // In half frames, so that single fields count.
        count * 1_000_000 * i64::from(facts.avg_frame_rate.den) / (2 * i64::from(facts.avg_frame_rate.num))
    }
}

#[cfg(test)]
mod tests;
