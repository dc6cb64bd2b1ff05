//! One output being written: waits for its streams, writes the header, keeps timestamps growing, ends with the trailer.
//! Rules 10, 11, 15, 35 and 36; source: FFmpeg's fftools/ffmpeg_mux.c (5.1).

use super::activity::Doing;
use super::context::JobContext;
use super::counters::add;
use super::deadlines::{Clock, Kind};
use super::debug;
use super::decode::PacketItem;
use super::errors::unless_cancelled;
use super::host::Failure;
use super::inbox::Inbox;
use super::live::Hub;
use super::mux_stream::{MuxStream, repair, time_us};
use super::mux_sync::SyncQueue;
use super::numbers::{OutputNumbers, StreamNumbers};
use super::plan::{OpenOutput, OutStream, Work};
use super::sdp::Sdp;
use super::stream_setup::FileOptions;
use super::video_statistics::VideoStatisticsPlan;
use crate::av::{Dict, Input, NOPTS, Output, Packet, Parameters, Rational, SideData, TIME_BASE, rescale};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use std::collections::VecDeque;
use std::sync::Arc;

/// ffmpeg's default of -muxdelay.
pub(crate) const DEFAULT_DELAY_S: f64 = 0.7;

/// What an encoder says of its stream once it is open.
pub struct StreamReady {
    pub parameters: Parameters,
    /// Of the packets that will come.
    pub time_base: Rational,
    pub side_data: Vec<SideData>,
    pub sample_aspect_ratio: Option<Rational>,
    pub frame_rate: Option<Rational>,
    /// Overrides packet durations: a constant frame rate was asked for.
    pub is_constant_rate: bool,
    /// Duration of the source stream and its time base.
    pub duration: Option<(i64, Rational)>,
    /// The encoder's name, for the "encoder" tag.
    pub encoder_tag: Option<String>,
    /// Of its pictures, where it says how much they differ from the source (PSNR).
    pub measured_pixels: Option<i64>,
}

pub struct Muxer {
    pub(super) context: Arc<JobContext>,
    pub index: usize,
    pub url: String,
    /// Where who joined takes part.
    pub(super) hub: Arc<Hub>,
    /// The output, as threads that write it say it.
    pub(super) activity: u32,
    pub(super) output: Output,
    pub(super) host: Arc<Failure>,
    pub(super) clock: Arc<Clock>,
    pub(super) options: FileOptions,
    pub(super) header_options: Dict,
    pub(super) streams: Vec<MuxStream>,
    /// By stream: -vstats.
    pub(super) video_statistics: Vec<Option<VideoStatisticsPlan>>,
    pub(super) sdp: Option<Arc<Sdp>>,
    pub(super) sync: Option<SyncQueue>,
    pub(super) limit_bytes: Option<u64>,
    pub(super) is_full: bool,
    /// -frames wants nothing of it.
    pub(super) is_closed: bool,
    pub(super) aborts_on_empty_stream: bool,
    pub(super) is_strict: bool,
    pub(super) skips_refused: bool,
    pub(super) first_video: Option<usize>,
    pub(super) has_header: bool,
    pub(super) is_ended: bool,
    pub(super) size_bytes: u64,
    /// Of the packets: what is known of muxers that open their files themselves (HLS).
    pub(super) payload_bytes: u64,
    pub(super) since_measured: u32,
    /// So many packets lie between two looks at its size.
    pub(super) measured_every: u32,
    pub(super) numbers: Arc<OutputNumbers>,
    /// Somebody shows how far each stream is.
    pub(super) is_watched: bool,
}

impl Muxer {
    pub fn new(context: &Arc<JobContext>, mut open: OpenOutput, copied_time_bases: &[Option<Rational>]) -> Muxer {
        let is_limited = |stream: &OutStream| (1..i64::MAX).contains(&stream.max_frames);
        let limits_frames = open.streams.iter().any(is_limited);
        let sync = ((open.is_shortest || limits_frames) && open.streams.len() > 1).then(|| {
            let is_limiting = |s: &OutStream| (open.is_shortest || is_limited(s)) && !matches!(s.work, Work::Attach);
            SyncQueue::new(open.streams.iter().map(is_limiting).collect(), open.sync_buffer_us)
        });
        let numbers = open.streams.iter().map(|stream| StreamNumbers::new(stream.kind, stream.work.is_copy()));
        let numbers = Arc::new(OutputNumbers::new(numbers.collect()));
        context.counters.outputs.lock().push(Arc::clone(&numbers));
        let video_statistics = open.streams.iter_mut().map(|stream| stream.video_statistics.take()).collect();
        let streams = open.streams.iter_mut().zip(copied_time_bases).map(|(stream, time_base)| MuxStream {
            kind: stream.kind,
            incoming: time_base.unwrap_or(TIME_BASE),
            time_base: time_base.unwrap_or(TIME_BASE),
            is_ready: matches!(stream.work, Work::Attach),
            is_ended: matches!(stream.work, Work::Attach),
            filters: stream.filters.take(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            max_packets_waiting: stream.max_queue_packets,
            bytes_threshold: stream.queue_bytes_threshold,
            last_dts: NOPTS,
            fixed_duration: None,
            drops_times: stream.drops_times,
            statistics: None,
            splits_subtitles: stream.splits_subtitles,
            split: Vec::new(),
            packet_statistics: stream.mux_statistics.take(),
            // Video frames are counted before the encoder, which reorders them.
            max_packets: match stream.kind {
                MediaKind::Video if stream.work.is_encoded() => i64::MAX,
                _ => stream.max_frames,
            },
            packets: 0,
            has_warned: false,
            degrade: stream.degrade.clone(),
            is_left_out: false,
            refused: 0,
        });
        let streams: Vec<MuxStream> = streams.collect();
        let mut sync = sync;
        for (index, _) in streams.iter().enumerate().filter(|(_, stream)| stream.is_ended) {
            if let Some(sync) = &mut sync {
                sync.end(index);
            }
        }
        Muxer {
            context: Arc::clone(context),
            index: open.index,
            first_video: streams.iter().position(|s| s.kind == MediaKind::Video).filter(|_| open.index == 0),
            activity: super::dump::output_name(context, open.index, &open.url),
            hub: context.output_hub(open.index),
            url: open.url,
            output: open.output,
            host: open.host,
            clock: open.clock,
            options: open.options,
            header_options: open.header_options,
            streams,
            video_statistics,
            sdp: open.sdp,
            sync,
            limit_bytes: open.limit_bytes,
            is_full: open.limit_bytes == Some(0),
            is_closed: open.is_closed,
            aborts_on_empty_stream: open.aborts_on_empty_stream,
            is_strict: open.is_strict,
            skips_refused: open.skips_refused,
            has_header: false,
            is_ended: false,
            size_bytes: 0,
            payload_bytes: 0,
            since_measured: 0,
            // Of a live one there are few, and somebody may look now.
            measured_every: if context.is_joined() || open.skips_refused { 1 } else { 64 },
            numbers,
            is_watched: context.observer.is_watched(),
        }
    }

    /// The error of this output: the host's own where its stream failed first.
    pub(super) fn error(&self, error: Error) -> Error {
        let late = || self.clock.error(if error.stage().is_empty() { "mux" } else { error.stage() });
        let error = late().or_else(|| self.host.error("mux")).unwrap_or(error);
        unless_cancelled(&self.context, error.on_output(self.index, &self.url))
    }

    /// Takes a packet. False: this output wants no more of any stream.
    pub fn packet(&mut self, index: usize, packet: Packet) -> Result<bool, Error> {
        if let Some(statistics) = &mut self.streams[index].statistics {
            statistics.packet(&packet);
            self.write_statistics(index)?;
        }
        self.streams[index].split_subtitles(&packet);
        self.is_ended |= self.context.is_output_stopped(self.index);
        if self.is_ended || self.streams[index].is_ended {
            return Ok(!self.is_ended);
        }
        match &mut self.sync {
            Some(sync) => {
                let end_us = time_us(&packet, self.streams[index].incoming);
                sync.push(index, end_us, packet);
                self.release()?;
            }
            None => self.filtered(index, Some(packet))?,
        }
        Ok(!self.is_ended)
    }

    /// Subtitles of a decoder go to stream `to`: key frames split them where that was asked for.
    pub fn split_at_key_frames(&mut self, to: usize, decoder: &Arc<Inbox<PacketItem>>) {
        let others =
            self.streams.iter_mut().enumerate().filter(|(index, stream)| *index != to && stream.splits_subtitles);
        others.for_each(|(_, stream)| stream.split.push(Arc::clone(decoder)));
    }

    /// Writes what the slowest limiting stream allows.
    fn release(&mut self) -> Result<(), Error> {
        while let Some((index, packet)) = self.sync.as_mut().and_then(SyncQueue::pop) {
            self.filtered(index, Some(packet))?;
        }
        self.is_ended |= self.sync.as_ref().is_some_and(SyncQueue::is_over);
        Ok(())
    }

    pub(super) fn write(&mut self, index: usize, mut packet: Packet) -> Result<(), Error> {
        let stream = &mut self.streams[index];
        if stream.drops_times {
            packet.set_pts(NOPTS);
            packet.set_dts(NOPTS);
        }
        if let Some(tick) = stream.fixed_duration {
            packet.set_duration(rescale(1, tick, stream.time_base));
        }
        if self.hub.is_wanted() {
            self.publish(index, &packet);
        }
        let stream = &mut self.streams[index];
        packet.rescale(stream.time_base, self.output.time_base(index));
        let flags = self.output.flags();
        if !flags.has_no_timestamps() && repair(stream, &mut packet, flags.allows_equal_timestamps()) {
            add(&self.context.counters.timestamps_repaired, 1);
            if !stream.has_warned {
                stream.has_warned = true;
                let text = format!(
                    "timestamps of output stream {}:{index} do not grow; they are put right from here on",
                    self.index
                );
                self.context.warn("mux", Some(index), &text);
            }
        }
        stream.last_dts = packet.dts();
        let size = packet.size() as u64;
        self.check_output_bytes(size)?;
        packet.set_stream_index(index as i32);
        self.count(index, &packet);
        self.tell_packet(index, &packet)?;
        let writing = Doing::Peer.begin(self.activity);
        let output = &mut self.output;
        let written = self.clock.timed("mux", Kind::Write, || output.write(&mut packet));
        drop(writing);
        if let Err(error) = written {
            return self.not_written(index, error, size);
        }
        self.check_host()?;
        self.streams[index].refused = 0;
        self.clock.packet(None);
        self.tell_written(index);
        self.measure_limit();
        Ok(())
    }

    /// Who has joined takes part.
    fn publish(&self, index: usize, packet: &Packet) {
        let time_bases: Vec<Rational> = self.streams.iter().map(|stream| stream.time_base).collect();
        let outline = || Input::outline_of(&self.output, &time_bases);
        if self.hub.publish(&self.context, index, packet, outline).is_err() {
            self.context.warn("mux", Some(index), "no memory for a packet of who has joined: it is left out there");
        }
    }

    /// -debug_ts and -stats_mux_pre.
    fn tell_packet(&mut self, index: usize, packet: &Packet) -> Result<(), Error> {
        let time_base = self.output.time_base(index);
        if self.context.debug.times {
            debug::muxing(self.streams[index].kind, packet, time_base);
        }
        let told = self.streams[index].packet_statistics.as_mut().map_or(Ok(()), |all| all.packet(packet, time_base));
        told.map_err(|error| self.error(error.on_stream(index)))
    }

    /// Muxers of many files go on when one of them could not be opened or written.
    pub(super) fn check_host(&self) -> Result<(), Error> {
        match self.host.is_set() {
            true => Err(self.error(Error::new(Code::MUX, format!("writing '{}' failed", self.url)))),
            false => Ok(()),
        }
    }

    /// No more packets of this stream will come. False: this output wants no more of any stream.
    pub fn end_stream(&mut self, index: usize) -> Result<bool, Error> {
        if !self.is_ended {
            if let Some(sync) = &mut self.sync {
                sync.end(index);
                self.release()?;
            }
            if self.sync.is_none() {
                self.filtered(index, None)?;
            }
        }
        self.streams[index].is_ended = true;
        Ok(!self.is_ended)
    }

    /// Whether a stream has had enough (-frames).
    pub fn is_stream_ended(&self, index: usize) -> bool {
        self.is_ended || self.streams[index].is_ended
    }

    /// As ffmpeg: what is in the components still goes in, so only who reads stops (need_output).
    pub(super) fn measure_limit(&mut self) {
        let is_over = |limit| !self.output.flags().opens_no_file() && self.output.position_bytes() >= limit;
        self.is_full |= self.limit_bytes.is_some_and(is_over);
    }

    /// Whether the file is as large as -fs says, or -frames wants nothing of it.
    pub fn is_full(&self) -> bool {
        self.is_full || self.is_closed
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Microseconds of the last packet of a stream; None before the first.
    pub fn last_dts_us(&self, index: usize) -> Option<i64> {
        let last = self.streams[index].last_dts;
        (last != NOPTS).then(|| rescale(last, self.output.time_base(index), TIME_BASE))
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        self.hub.end();
    }
}
