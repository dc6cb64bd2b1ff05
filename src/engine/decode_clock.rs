//! Where a decoder is in time: the clocks of an InputStream of FFmpeg's fftools/ffmpeg.c (5.1), as `process_input_packet` moves them.

use crate::av::{NOPTS, Rational, TIME_BASE, rescale};
use std::collections::VecDeque;

/// Microseconds: InputStream.pts, .dts, .next_pts and .next_dts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    pub pts_us: i64,
    pub dts_us: i64,
    pub next_pts_us: i64,
    pub next_dts_us: i64,
}

pub struct DecodeClock {
    /// Microseconds: the packet, and the end of the last frame.
    pub now_us: i64,
    pub next_pts_us: i64,
    pub counted: i64,
    /// Frames that the decoder gave.
    pub frames: u64,
    pub rescale_last: i64,
    pub previous_packet_pts: i64,
    /// The first frame that -t counts from.
    pub first_us: Option<i64>,
    /// Samples of the last frame.
    pub last_samples: Option<i64>,
    pub place: Place,
    /// From a packet to the next one.
    pub step_us: i64,
    /// Whether the packet gave a frame already.
    has_given: bool,
    is_video: bool,
    /// Decoding times at which the decoder was drained, for frames without a time. What one draining leaves is there at the next, as ffmpeg
    /// has it (dts_buffer).
    pub drained: VecDeque<i64>,
}

/// What is known of the packet that a frame came out of.
#[derive(Clone, Copy)]
pub struct PacketTimes {
    pub pts: i64,
    pub duration: i64,
}

impl DecodeClock {
    pub fn new() -> DecodeClock {
        DecodeClock {
            now_us: 0,
            next_pts_us: 0,
            counted: 0,
            frames: 0,
            rescale_last: NOPTS,
            previous_packet_pts: NOPTS,
            first_us: None,
            last_samples: None,
            place: Place::default(),
            step_us: 0,
            has_given: false,
            is_video: false,
            drained: VecDeque::new(),
        }
    }

    /// A packet goes in.
    pub fn packet(&mut self, now_us: i64, step_us: i64, is_video: bool, has_dts: bool) {
        (self.now_us, self.step_us, self.is_video, self.has_given) = (now_us, step_us, is_video, false);
        let place = &mut self.place;
        (place.dts_us, place.next_dts_us) = (now_us, now_us);
        if is_video {
            place.next_dts_us += step_us;
        } else if has_dts {
            place.next_pts_us = now_us;
        }
        place.pts_us = place.next_pts_us;
    }

    /// The decoder is asked for a frame that it holds.
    pub fn drain(&mut self, time_base: Rational, is_video: bool) {
        let place = &mut self.place;
        (place.pts_us, place.dts_us) = (place.next_pts_us, place.next_dts_us);
        if is_video {
            self.drained.push_back(rescale(place.dts_us, TIME_BASE, time_base));
            place.next_dts_us += self.step_us;
        }
    }

    /// A frame came, with its times in `next_pts_us`.
    pub fn given(&mut self, is_draining: bool) {
        if is_draining {
            return;
        }
        let place = &mut self.place;
        // Only the first frame of a packet goes by the packet's own step.
        if std::mem::replace(&mut self.has_given, true) && self.is_video {
            place.next_dts_us += self.step_us;
        }
        (place.pts_us, place.dts_us) = (place.next_pts_us, place.next_dts_us);
    }
}
