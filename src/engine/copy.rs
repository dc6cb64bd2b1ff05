//! One stream copied without decoding. Rules 8, 9 and 14; source: `do_streamcopy` of FFmpeg's fftools/ffmpeg.c.

use crate::av::{NOPTS, Packet, Rational, TIME_BASE, rescale, rescale_delta};

/// What a copied stream needs to know.
#[derive(Clone, Debug)]
pub struct CopySettings {
    pub time_base: Rational,
    /// Of the packets that come out.
    pub out_time_base: Rational,
    pub is_audio: bool,
    pub sample_rate: i32,
    pub frame_size: i32,
    /// -copyinkf: also what stands before the first key frame.
    pub copies_non_key_start: bool,
    /// -copypriorss: also what stands before the start time.
    pub copies_before_start: bool,
    /// -ss of the output, in microseconds; None where not given.
    pub start_us: Option<i64>,
    /// The first time that may be copied: the output's -ss, or the input's with -copyts.
    pub first_us: i64,
    /// -t of the output in microseconds.
    pub duration_us: Option<i64>,
    /// Where the input's -t ends, in microseconds.
    pub input_end_us: Option<i64>,
}

pub struct CopyStream {
    settings: CopySettings,
    has_started: bool,
    rescale_last: i64,
}

/// What becomes of a packet.
pub enum Copied {
    Packet(Packet),
    /// Not wanted: before the start.
    Skipped,
    /// The stream is at its end.
    Ended,
}

impl CopyStream {
    pub fn new(settings: CopySettings) -> CopyStream {
        CopyStream { settings, has_started: false, rescale_last: NOPTS }
    }

    /// Of the packets that come out, before the first one.
    pub fn set_out_time_base(&mut self, time_base: Rational) {
        self.settings.out_time_base = time_base;
    }

    /// The packet belongs to this stream alone. `now_us` is its predicted decoding time, `pts_us` how far the stream is: the same, or where its
    /// decoder is; `audio_samples` the packet's duration, by its codec.
    pub fn process(&mut self, mut packet: Packet, now_us: i64, pts_us: i64, audio_samples: i32) -> Copied {
        let s = &self.settings;
        if s.start_us.is_some_and(|start| pts_us < start) {
            return Copied::Skipped;
        }
        if !self.has_started && !packet.is_key() && !s.copies_non_key_start {
            return Copied::Skipped;
        }
        if !self.has_started && !s.copies_before_start && self.is_before_start(&packet, pts_us) {
            return Copied::Skipped;
        }
        let s = &self.settings;
        let start_us = s.start_us.unwrap_or(0);
        let is_over = |end: Option<i64>| end.is_some_and(|end| pts_us >= end);
        if is_over(s.duration_us.map(|d| d.saturating_add(start_us))) || is_over(s.input_end_us) {
            return Copied::Ended;
        }
        self.retime(&mut packet, now_us, start_us, audio_samples);
        self.has_started = true;
        Copied::Packet(packet)
    }

    fn is_before_start(&self, packet: &Packet, pts_us: i64) -> bool {
        match packet.pts() {
            NOPTS => pts_us < self.settings.first_us,
            pts => pts < rescale(self.settings.first_us, TIME_BASE, self.settings.time_base),
        }
    }

    /// Audio goes through av_rescale_delta, as ffmpeg's does, and its pts is its dts. Since 7.0 (of_streamcopy of fftools/ffmpeg_mux.c) the start
    /// and a predicted time are rounded in the demuxer's time base, not in the muxer's.
    fn retime(&mut self, packet: &mut Packet, now_us: i64, start_us: i64, audio_samples: i32) {
        let s = &self.settings;
        let (from, to) = (s.time_base, s.out_time_base);
        let (start_before, start_after) = match cfg!(ffmpeg7_0) {
            true => (rescale(start_us, TIME_BASE, from), 0),
            false => (0, rescale(start_us, TIME_BASE, to)),
        };
        let retimed = |time: i64| rescale(time.wrapping_sub(start_before), from, to).wrapping_sub(start_after);
        if packet.pts() != NOPTS {
            packet.set_pts(retimed(packet.pts()));
        }
        let dts = if packet.dts() == NOPTS {
            match cfg!(ffmpeg7_0) {
                true => retimed(rescale(now_us, TIME_BASE, from)),
                false => rescale(now_us, TIME_BASE, to).wrapping_sub(start_after),
            }
        } else if s.is_audio && s.sample_rate > 0 {
            let samples = if audio_samples > 0 { audio_samples } else { s.frame_size.max(0) };
            let (rate, dts) = (Rational::new(1, s.sample_rate), packet.dts().wrapping_sub(start_before));
            let dts = rescale_delta(from, dts, rate, samples, &mut self.rescale_last, to).wrapping_sub(start_after);
            packet.set_pts(dts);
            dts
        } else {
            retimed(packet.dts())
        };
        packet.set_dts(dts);
        packet.set_duration(rescale(packet.duration(), from, to));
    }
}
