//! Reads an open input and shows it, in ffprobe's order. Source: `probe_file`, `read_interval_packets` and `process_frame` of
//! FFmpeg's fftools/ffprobe.c.

use super::intervals::{Limit, ReadInterval, Start};
use crate::av::probe::{Counts, Section, ShownLog, Sink, Subject, Subtitle, Wanted};
use crate::av::{AvError, DISCARD_ALL, Decoder, Frame, Input, NOPTS, Packet, TIME_BASE, rescale, write_log};
use crate::engine::activity::Doing;
use crate::engine::context::JobContext;
use crate::engine::observer::{LEVEL_ERROR, LEVEL_VERBOSE};
use crate::options::MediaKind;
use std::time::Duration;

/// What is read, and what is shown of it beyond the choice of fields.
#[derive(Clone, Default)]
pub struct Request {
    pub wanted: Wanted,
    pub counts_frames: bool,
    pub counts_packets: bool,
    /// All of the input where it is empty.
    pub intervals: Vec<ReadInterval>,
    /// A stream specifier: only these streams are read and shown.
    pub streams: Option<String>,
}

/// An open input that is being looked at.
pub struct Prober<'a> {
    pub input: Input,
    /// Of each stream that the input had when it was opened.
    pub decoders: Vec<Option<Decoder>>,
    pub request: &'a Request,
    /// The name that is shown; None: the input's own.
    pub url: Option<&'a str>,
    pub log: Option<&'a ShownLog>,
    /// Who may end it before the input does.
    pub context: Option<&'a JobContext>,
    selected: Vec<bool>,
    counts: Vec<Counts>,
    /// How far the input was read, in microseconds.
    position_us: Option<i64>,
}

impl<'a> Prober<'a> {
    pub fn new(input: Input, decoders: Vec<Option<Decoder>>, request: &'a Request) -> Prober<'a> {
        let (streams, position_us) = (decoders.len(), input.start_time_us());
        Prober {
            input,
            decoders,
            request,
            url: None,
            log: None,
            context: None,
            selected: vec![true; streams],
            counts: vec![Counts::default(); streams],
            position_us,
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            input: &self.input,
            decoders: Some(&self.decoders),
            selected: Some(&self.selected),
            counts: &self.counts,
            wanted: &self.request.wanted,
            url: self.url,
        }
    }

    /// Reads what is asked for and shows every section of the root that `out` wants.
    pub fn show(&mut self, out: &mut dyn Sink) -> Result<(), AvError> {
        self.select()?;
        let (packets, frames) = (out.wants(Section::Packets), out.wants(Section::Frames));
        let section = match (packets, frames) {
            (true, true) if out.joins_packets_and_frames() => Some(Section::PacketsAndFrames),
            (true, false) => Some(Section::Packets),
            (_, true) => Some(Section::Frames),
            (false, false) => None,
        };
        if let Some(section) = section {
            out.begin(section);
        }
        let result = self.read(packets, frames, out);
        if section.is_some() {
            out.end();
        }
        result?;
        let subject = self.subject();
        type Show<'a> = fn(&Subject<'a>, &mut dyn Sink) -> Result<(), AvError>;
        let sections: [(Section, Show<'_>); 4] = [
            (Section::Programs, Subject::programs),
            (Section::Streams, Subject::streams),
            (Section::Chapters, Subject::chapters),
            (Section::Format, Subject::format),
        ];
        for (section, show) in sections {
            if out.wants(section) {
                show(&subject, out)?;
            }
        }
        Ok(())
    }

    /// Streams that are not selected are not read either.
    fn select(&mut self) -> Result<(), AvError> {
        let Some(specifier) = &self.request.streams else { return Ok(()) };
        for index in 0..self.selected.len() {
            self.selected[index] = self.input.matches(index, specifier)?;
            if !self.selected[index] {
                self.input.set_discard(index, DISCARD_ALL);
            }
        }
        Ok(())
    }

    fn read(&mut self, shows_packets: bool, shows_frames: bool, out: &mut dyn Sink) -> Result<(), AvError> {
        let reads_packets = shows_packets || self.request.counts_packets;
        let reads_frames = shows_frames || self.request.counts_frames;
        if !reads_packets && !reads_frames {
            return Ok(());
        }
        let frame = Frame::new()?;
        let mut reading = Reading { reads_packets, reads_frames, shows_packets, shows_frames, frame, out };
        let whole = [ReadInterval::default()];
        let request = self.request;
        let intervals = if request.intervals.is_empty() { &whole } else { request.intervals.as_slice() };
        for (id, interval) in intervals.iter().enumerate() {
            write_log(LEVEL_VERBOSE, &format!("Processing read interval id:{id} {interval}"));
            if let Some(start) = interval.start {
                self.seek(start).inspect_err(|_| {
                    write_log(LEVEL_ERROR, &format!("Could not read packets in interval id:{id} {interval}"));
                })?;
            }
            self.read_interval(interval, &mut reading)?;
        }
        Ok(())
    }

    fn seek(&mut self, start: Start) -> Result<(), AvError> {
        let target_us = match (start, self.position_us) {
            (Start::At(us), _) => us,
            (Start::After(us), Some(position_us)) => position_us + us,
            (Start::After(_), None) => {
                write_log(LEVEL_ERROR, "Could not seek to relative position since current timestamp is not defined");
                return Err(AvError::INVALID);
            }
        };
        write_log(LEVEL_VERBOSE, &format!("Seeking to read interval start point {}", target_us as f64 / 1e6));
        self.input.seek_near(target_us).inspect_err(|error| {
            write_log(LEVEL_ERROR, &format!("Could not seek to position {target_us}: {}", error.words()));
        })
    }

    /// Reads from where the input stands to the end of the interval.
    fn read_interval(&mut self, interval: &ReadInterval, reading: &mut Reading) -> Result<(), AvError> {
        let mut packet = Packet::new()?;
        let mut limit = Limit::new(interval.end);
        while self.next_packet(&mut packet) {
            let index = usize::try_from(packet.stream_index()).unwrap_or(usize::MAX);
            if self.selected.get(index) != Some(&true) {
                packet.clear();
                continue;
            }
            if packet.pts() != NOPTS {
                let time_base = self.input.time_base(index);
                self.position_us = Some(rescale(packet.pts(), time_base, TIME_BASE));
            }
            if limit.is_reached(self.position_us) {
                break;
            }
            self.packet(index, &packet, reading)?;
            packet.clear();
        }
        packet.clear();
        if reading.reads_frames {
            self.drain(&mut packet, reading)?;
        }
        Ok(())
    }

    /// False at the end of the input, whatever ended it.
    fn next_packet(&mut self, packet: &mut Packet) -> bool {
        loop {
            let reading = Doing::Peer.begin(0);
            let read = self.input.read(packet);
            drop(reading);
            match (read, self.context) {
                (_, Some(context)) if context.is_ending() => return false,
                (Ok(()), _) => return true,
                // Nothing there yet: wait a little.
                (Err(AvError::AGAIN), Some(context)) => context.sleep(Duration::from_millis(10)),
                (Err(_), _) => return false,
            }
        }
    }

    fn packet(&mut self, index: usize, packet: &Packet, reading: &mut Reading) -> Result<(), AvError> {
        if reading.reads_packets {
            if reading.shows_packets {
                self.subject().packet(packet, reading.out)?;
            }
            self.counts[index].packets += 1;
        }
        let mut is_new = true;
        while reading.reads_frames && self.decode(index, packet, &mut is_new, reading)? {}
        Ok(())
    }

    /// Gets out of the decoders what they still hold.
    fn drain(&mut self, blank: &mut Packet, reading: &mut Reading) -> Result<(), AvError> {
        for index in 0..self.decoders.len() {
            blank.set_stream_index(index as i32);
            let only_once = self.decoders[index].as_ref().is_some_and(Decoder::drains_without_end);
            while self.decode(index, blank, &mut true, reading)? && !only_once {}
            if let Some(decoder) = &mut self.decoders[index] {
                decoder.flush();
            }
        }
        Ok(())
    }

    /// One step of decoding: gives the packet to the decoder where it is new, and takes a frame from it. True where there may be
    /// more. A packet that cannot be decoded is passed over.
    fn decode(
        &mut self,
        index: usize,
        packet: &Packet,
        is_new: &mut bool,
        reading: &mut Reading,
    ) -> Result<bool, AvError> {
        if let Some(log) = self.log {
            log.clear();
        }
        if self.context.is_some_and(JobContext::is_ending) {
            return Ok(false);
        }
        let kind = self.input.kind(index);
        let Some(decoder) = &mut self.decoders[index] else { return Ok(false) };
        match kind {
            MediaKind::Video | MediaKind::Audio => {
                match if *is_new { decoder.send(Some(packet)) } else { Ok(()) } {
                    Ok(()) | Err(AvError::EOF) => *is_new = false,
                    Err(AvError::AGAIN) => {}
                    Err(_) => return Ok(false),
                }
                match decoder.receive(&mut reading.frame) {
                    Ok(()) => {}
                    Err(AvError::AGAIN | AvError::EOF) => return Ok(*is_new),
                    Err(_) => return Ok(false),
                }
                self.counts[index].frames += 1;
                if reading.shows_frames {
                    self.subject().frame(index, &reading.frame, self.log, reading.out)?;
                }
                Ok(true)
            }
            MediaKind::Subtitle => {
                let decoded = if *is_new { Subtitle::decode(decoder, packet) } else { Ok(None) };
                *is_new = false;
                let Ok(Some(subtitle)) = decoded else { return Ok(false) };
                self.counts[index].frames += 1;
                if reading.shows_frames {
                    self.subject().subtitle(&subtitle, reading.out)?;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// What is done with what is read.
struct Reading<'a> {
    reads_packets: bool,
    reads_frames: bool,
    shows_packets: bool,
    shows_frames: bool,
    frame: Frame,
    out: &'a mut dyn Sink,
}
