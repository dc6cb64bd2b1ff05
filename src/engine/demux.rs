//! Reading one input: packets in file order, their timestamps put right.

use super::activity::Doing;
use super::context::JobContext;
use super::counters::add;
use super::deadlines::Kind;
use super::debug;
use super::decode::Flushed;
use super::errors::failed;
use super::files::OpenInput;
use super::host::name_of;
use super::input_stream::StreamPlan;
use super::live::{Hub, Place};
use super::looping::Looping;
use super::pace::Pace;
use super::slate::SlateFeed;
use super::source::SourceInput;
use super::timestamps::{FileFacts, StreamFacts, Times, Timestamps};
use crate::av::{self, AvError, Packet, SideData};
use crate::error::{Code, Error};
use crate::options::{JobSpec, MediaKind, parse_float};
use std::sync::Arc;
use std::time::Duration;

pub struct Demuxer {
    pub(super) context: Arc<JobContext>,
    pub file: OpenInput,
    pub(super) timestamps: Timestamps,
    pace: Option<Pace>,
    /// Where who joined takes part; None for an input that is a hub itself.
    pub(super) hub: Option<Arc<Hub>>,
    /// It may come and go.
    pub source: Option<Box<SourceInput>>,
    /// Who shows something while it is away.
    pub slate: Option<SlateFeed>,
    /// Streams whose first packet was seen.
    has_begun: Vec<bool>,
    has_reported_new: bool,
    /// An input that breaks off fails the job (-mt_read_errors).
    pub(super) fails_job: bool,
}

/// What reading gives.
pub enum Read {
    /// `now_us`: the packet's decoding time as predicted, in microseconds; `step_us`: from it to the next.
    Packet { stream: usize, packet: Packet, now_us: i64, step_us: i64 },
    /// The end of the file, which is to be read again: what is decoded comes out first, then [`Demuxer::restart`].
    Again,
    /// The end of the file, a stop, or an error after which no more comes.
    End(Option<Error>),
}

fn looping(file: &OpenInput) -> Option<Looping> {
    let rate = |plan: &StreamPlan| match plan.forced_frame_rate.is_positive() {
        true => plan.forced_frame_rate,
        false => plan.info.avg_frame_rate,
    };
    let streams = file.streams.iter().map(|plan| (plan.info.time_base, rate(plan)));
    (file.loops != 0).then(|| Looping::new(file.loops, streams))
}

impl Demuxer {
    pub fn new(context: &Arc<JobContext>, job: &JobSpec, mut file: OpenInput) -> Demuxer {
        let streams = file.streams.iter().map(|plan| {
            let (info, par) = (&plan.info, &plan.info.parameters);
            StreamFacts {
                time_base: info.time_base,
                wrap_bits: info.pts_wrap_bits,
                start_time: info.start_time,
                is_used: plan.is_used,
                is_audio: info.kind() == MediaKind::Audio,
                is_video: info.kind() == MediaKind::Video,
                is_decoded: plan.is_decoded,
                avg_frame_rate: info.avg_frame_rate,
                forced_frame_rate: plan.forced_frame_rate,
                video_delay: par.video_delay(),
                sample_rate: par.sample_rate(),
                frame_size: par.frame_size(),
                has_fields: av::codec_has_fields(par.codec_id()),
                scale: plan.scale,
            }
        });
        if file.streams.iter().any(|plan| !plan.is_used) {
            file.host.set_sparse();
        }
        file.clock.expect_streams(file.streams.iter().map(|plan| {
            let is_flowing = matches!(plan.info.kind(), MediaKind::Video | MediaKind::Audio);
            plan.is_used && is_flowing && !plan.info.is_attached_picture()
        }));
        let threshold = |name, default| job.global(name).and_then(parse_float).unwrap_or(default);
        let facts = FileFacts {
            start_time_us: file.input.start_time_us(),
            may_jump: file.input.may_jump(),
            copy_ts: job.global_flag("copyts"),
            delta_threshold_s: threshold("dts_delta_threshold", 10.0),
            error_threshold_s: threshold("dts_error_threshold", 3600.0 * 30.0),
            offset_us: file.offset_us,
        };
        let mut timestamps = Timestamps::new(facts, streams.collect());
        timestamps.looping = looping(&file);
        if file.feed.is_some() || file.source.is_some() {
            timestamps.begin_anywhere();
        }
        let hub = file.feed.is_none().then(|| context.live.hub(Place::Input(file.index)));
        let mut source = file.source.take();
        if let Some(source) = &mut source {
            source.begin(&file);
        }
        Demuxer {
            context: Arc::clone(context),
            source,
            slate: None,
            hub,
            timestamps,
            pace: file.pace.map(Pace::new),
            has_begun: vec![false; file.streams.len()],
            has_reported_new: false,
            fails_job: job.global("mt_read_errors") != Some("ignore"),
            file,
        }
    }

    /// The next packet of a stream that is used.
    pub fn read(&mut self) -> Read {
        loop {
            if self.context.is_ending() {
                return self.ended(None);
            }
            if self.source.as_mut().is_some_and(|source| source.is_to_be_left()) {
                match self.come_back(None) {
                    Some(read) => return read,
                    None => continue,
                }
            }
            let mut packet = match Packet::new() {
                Ok(packet) => packet,
                Err(error) => return self.broken(error),
            };
            let reading = Doing::Peer.begin(self.file.activity);
            let read = self.read_in_time(&mut packet);
            drop(reading);
            // What a demuxer had begun when its time was over may come as a packet, and nothing after it (mpegts.c: handle_packets).
            let is_late = self.file.clock.error("demux").is_some();
            match read {
                read if self.source.is_some() && (read.is_err() || is_late) && !self.context.is_ending() => {
                    let was_left = self.source.as_mut().is_some_and(|source| source.was_left());
                    let why = (!was_left).then(|| self.left_by(read.err().unwrap_or(AvError::EXIT)));
                    match self.come_back(why) {
                        Some(read) => return read,
                        None => continue,
                    }
                }
                _ if is_late && !self.context.is_ending() => return self.broken(AvError::EXIT),
                Ok(()) => {}
                Err(AvError::EOF) if !self.file.host.is_set() => {
                    let goes_on = self.timestamps.looping.as_ref().is_some_and(Looping::goes_on);
                    return if goes_on { Read::Again } else { self.ended(None) };
                }
                Err(_) if self.context.is_ending() => return self.ended(None),
                Err(error) => return self.broken(error),
            }
            add(&self.context.counters.packets_read, 1);
            self.file.host.count_packet();
            if !self.is_known(&mut packet) {
                continue;
            }
            if self.context.debug.packets {
                self.file.input.dump_packet(&packet, self.context.debug.payload);
            }
            if let Some(read) = self.accept(packet) {
                return read;
            }
        }
    }

    /// Reads a packet, for which the input has its time (-mt_read_timeout_ms).
    fn read_in_time(&mut self, packet: &mut Packet) -> Result<(), AvError> {
        if let Some(feed) = &self.file.feed {
            let item = feed.next().ok_or(AvError::EOF)?;
            if let Some(zero_us) = feed.zero_us(&item) {
                self.timestamps.begin_at(zero_us);
            }
            *packet = item.packet.reference()?;
            packet.set_stream_index(item.stream as i32);
            return Ok(());
        }
        let (input, context) = (&mut self.file.input, &self.context);
        let clock = &self.file.clock;
        let read = clock.timed("demux", Kind::Read, || {
            loop {
                match input.read(packet) {
                    // Nothing there yet: wait a little, never spin (rule 32).
                    Err(AvError::AGAIN) if !context.is_ending() && !clock.interrupt.is_cancelled() => {
                        context.sleep(Duration::from_millis(10));
                    }
                    read => return read,
                }
            }
        });
        if read.is_ok() {
            clock.packet(usize::try_from(packet.stream_index()).ok());
        }
        read
    }

    /// Microseconds that a frame of a stream lasts.
    pub fn frame_us(&self, stream: usize) -> i64 {
        self.timestamps.step_us(stream, 0, self.file.input.repeat_picture(stream))
    }

    /// Microseconds that are added to timestamps.
    pub fn offset_us(&self) -> i64 {
        self.timestamps.offset_us()
    }

    /// Goes back to the beginning, as -stream_loop wants. `flushed`: where the decoder of each stream is, for those that are decoded. False
    /// where the input cannot go back.
    pub fn restart(&mut self, flushed: &[Option<Flushed>]) -> bool {
        let start_us = self.file.input.start_time_us().unwrap_or(0);
        let reading = Doing::Peer.begin(self.file.activity);
        let sought = self.file.input.seek(start_us);
        drop(reading);
        if sought.is_err() {
            self.context.warn("demux", None, "the input cannot be read again: seeking to its start failed");
            return false;
        }
        for (stream, flushed) in flushed.iter().enumerate() {
            if let Some(place) = flushed.as_ref().and_then(|flushed| flushed.place) {
                self.timestamps.continue_at(stream, &place);
            }
        }
        let samples: Vec<_> = flushed.iter().map(|flushed| flushed.as_ref()?.samples).collect();
        if let Some(looping) = &mut self.timestamps.looping {
            looping.again(&samples);
        }
        true
    }

    /// Reading broke off, which fails the job unless it was told to go on.
    fn broken(&self, error: AvError) -> Read {
        if self.fails_job {
            self.context.set_failing();
        }
        self.ended(Some(self.error(error)))
    }

    /// No more comes: who has joined hears of it.
    pub(super) fn ended(&self, error: Option<Error>) -> Read {
        if let Some(hub) = &self.hub {
            hub.end();
        }
        Read::End(error)
    }

    pub(super) fn error(&self, error: AvError) -> Error {
        if let Some(error) = self.file.clock.error("demux") {
            return error;
        }
        if let Some(error) = self.file.host.error("demux") {
            return error.on_input(self.file.index, &self.file.url);
        }
        // A demuxer that would have to seek in a host's pipe gets this of FFmpeg (aviobuf.c: avio_seek): nobody at the other end is gone.
        let error =
            if error == AvError::BROKEN_PIPE && name_of(&self.file.url).is_some() { AvError::SEEK } else { error };
        failed(error, "demux", Code::DEMUX, &format!("reading '{}' failed before its end", self.file.url))
            .on_input(self.file.index, &self.file.url)
            .with_hint(
                "The input is damaged or was cut; what could be read was written, and the outputs are complete files.",
            )
    }

    fn accept(&mut self, mut packet: Packet) -> Option<Read> {
        let stream = usize::try_from(packet.stream_index()).ok()?;
        if stream >= self.file.streams.len() {
            if !self.has_reported_new {
                self.has_reported_new = true;
                self.context.warn(
                    "demux",
                    Some(stream),
                    "a stream appeared after the start of the file; it is ignored",
                );
            }
            return None;
        }
        if !self.file.streams[stream].is_used {
            return None;
        }
        if packet.is_corrupt() {
            add(&self.context.counters.packets_corrupt, 1);
            self.context.warn("demux", Some(stream), "corrupt input packet");
        }
        if !std::mem::replace(&mut self.has_begun[stream], true) {
            self.add_side_data(stream, &mut packet);
        }
        if self.context.debug.times {
            debug::demuxed(self, &packet, stream, Some(self.timestamps.next_us(stream)));
        }
        let mut times = Times { pts: packet.pts(), dts: packet.dts(), duration: packet.duration() };
        let own = self.source.as_ref().map_or(Some(stream), |source| source.own_index(stream));
        let fields = own.and_then(|own| self.file.input.repeat_picture(own));
        let dropped = self.timestamps.dropped;
        let now_us = self.timestamps.process(stream, &mut times, fields);
        if self.source.is_some() && self.timestamps.is_behind(stream, now_us) {
            return None;
        }
        if self.timestamps.dropped > dropped {
            let text = "a timestamp is far from where it should be; it is not used (-dts_error_threshold)";
            self.context.warn("demux", Some(stream), text);
        }
        packet.set_pts(times.pts);
        packet.set_dts(times.dts);
        if self.context.debug.times {
            debug::demuxed(self, &packet, stream, None);
        }
        if let Some(pace) = &mut self.pace {
            pace.wait_until(&self.context, now_us);
        }
        self.publish(stream, &packet);
        let step_us = self.timestamps.step_us(stream, times.duration, fields);
        Some(Read::Packet { stream, packet, now_us, step_us })
    }

    /// Who has joined takes part. That memory is lacking for it is their loss, and not the job's.
    fn publish(&self, stream: usize, packet: &Packet) {
        if let Some(hub) = self.hub.as_ref().filter(|hub| hub.is_wanted())
            && hub.publish(&self.context, stream, packet, || self.file.input.outline()).is_err()
        {
            self.context.warn("demux", Some(stream), "no memory for a packet of who has joined: it is left out there");
        }
    }

    /// Until FFmpeg 6.0 side data of the stream goes with its first packet; later decoders find it in their parameters.
    fn add_side_data(&self, stream: usize, packet: &mut Packet) {
        if cfg!(ffmpeg6_1) {
            return;
        }
        let side_data = &self.file.streams[stream].info.side_data;
        for side in side_data.iter().filter(|side| side.kind != SideData::DISPLAY_MATRIX) {
            // Only memory can be lacking; the packet is good without it.
            let _ = packet.add_side_data(side.kind, &side.data);
        }
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        if let Some(hub) = &self.hub {
            hub.end();
        }
    }
}
