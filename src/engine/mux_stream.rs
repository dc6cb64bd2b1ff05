//! One stream of a muxer: where it stands, and timestamps that grow. Rule 10; source: `of_write_packet` of FFmpeg's
//! fftools/ffmpeg_mux.c (5.1).

use super::decode::PacketItem;
use super::degrade::Degrade;
use super::inbox::Inbox;
use super::stream_statistics::StreamStatistics;
use super::video_statistics::VideoStatistics;
use crate::av::{BitstreamFilters, NOPTS, Packet, Rational, TIME_BASE, rescale};
use crate::options::MediaKind;
use std::collections::VecDeque;
use std::sync::Arc;

pub struct MuxStream {
    pub kind: MediaKind,
    /// Of the packets that come.
    pub incoming: Rational,
    /// What they are brought to before the bitstream filters (ffmpeg.c: mux_timebase).
    pub time_base: Rational,
    pub is_ready: bool,
    pub is_ended: bool,
    pub filters: Option<BitstreamFilters>,
    /// Packets that wait for the header.
    pub waiting: VecDeque<Packet>,
    pub waiting_bytes: usize,
    pub max_packets_waiting: usize,
    pub bytes_threshold: usize,
    pub last_dts: i64,
    /// Of one packet, where the rate is constant.
    pub fixed_duration: Option<Rational>,
    /// -fps_mode drop: the muxer makes up the times.
    pub drops_times: bool,
    /// -vstats, once the encoder is open.
    pub statistics: Option<VideoStatistics>,
    /// -fix_sub_duration_heartbeat, and the decoders of the subtitles that it splits.
    pub splits_subtitles: bool,
    pub split: Vec<Arc<Inbox<PacketItem>>>,
    /// -stats_mux_pre.
    pub packet_statistics: Option<StreamStatistics>,
    pub max_packets: i64,
    pub packets: i64,
    pub has_warned: bool,
    /// -mt_degrade.
    pub degrade: Option<Arc<Degrade>>,
    /// The file has no such stream, after all.
    pub is_left_out: bool,
    /// Packets in a row that the muxer refused.
    pub refused: u32,
}

/// Where a packet stands in time, for holding streams together.
pub fn time_us(packet: &Packet, time_base: Rational) -> i64 {
    match (packet.dts(), packet.pts()) {
        (NOPTS, NOPTS) => NOPTS,
        (NOPTS, time) | (time, _) => rescale(time, time_base, TIME_BASE),
    }
}

impl MuxStream {
    /// A key frame came, in the time base of incoming packets: subtitles that are shown then are split at it.
    pub fn split_subtitles(&self, packet: &Packet) {
        if self.split.is_empty() || !packet.is_key() || packet.pts() == NOPTS {
            return;
        }
        let at_us = rescale(packet.pts(), self.incoming, TIME_BASE);
        // Never waits: the decoder may be waiting for this muxer.
        self.split.iter().for_each(|inbox| inbox.send_last(0, PacketItem::Split(at_us)));
    }
}

/// Rule 10: pts not before dts, dts growing. True where something had to be changed.
pub fn repair(stream: &MuxStream, packet: &mut Packet, may_be_equal: bool) -> bool {
    let mut is_changed = false;
    let last = stream.last_dts;
    let (pts, dts) = (packet.pts(), packet.dts());
    if pts != NOPTS && dts != NOPTS && dts > pts {
        let mut three = [pts, dts, last.wrapping_add(1)];
        three.sort_unstable();
        packet.set_pts(three[1]);
        packet.set_dts(three[1]);
        is_changed = true;
    }
    let is_timed = matches!(stream.kind, MediaKind::Audio | MediaKind::Video | MediaKind::Subtitle);
    if is_timed && packet.dts() != NOPTS && last != NOPTS {
        let lowest = last + i64::from(!may_be_equal);
        if packet.dts() < lowest {
            if packet.pts() >= packet.dts() {
                packet.set_pts(packet.pts().max(lowest));
            }
            packet.set_dts(lowest);
            is_changed = true;
        }
    }
    is_changed
}
