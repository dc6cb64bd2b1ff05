//! What an output has written, stream by stream: the numbers of ffmpeg's line of progress and of its summary.

use super::counters::add;
use super::mux::Muxer;
use super::observer::LEVEL_INFO;
use crate::av::{NOPTS, Output, Packet, TIME_BASE, rescale};
use crate::error::{Code, Error};
use crate::options::MediaKind;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

/// How much an encoder's pictures differ from the source's.
#[derive(Clone, Copy, Debug)]
pub struct Differences {
    pub pixels: i64,
    /// The picture type of the last packet is known.
    pub is_typed: bool,
    /// Sums of squared differences of the last packet, by plane; -1 where unknown.
    pub last: [i64; 3],
    /// Of all frames, at the end.
    pub total: [u64; 3],
}

pub struct StreamNumbers {
    pub kind: MediaKind,
    pub is_copy: bool,
    pub packets: AtomicU64,
    pub bytes: AtomicU64,
    pub header_bytes: AtomicU64,
    /// Up to where it is written, in microseconds; i64::MIN before the first packet.
    pub end_us: AtomicI64,
    /// The bits of an f32: the last quantiser.
    quality: AtomicU32,
    /// Where the encoder says how much its pictures differ from the source's.
    pub differences: Mutex<Option<Differences>>,
}

impl StreamNumbers {
    pub fn new(kind: MediaKind, is_copy: bool) -> StreamNumbers {
        StreamNumbers {
            kind,
            is_copy,
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            header_bytes: AtomicU64::new(0),
            end_us: AtomicI64::new(NOPTS),
            // As ffmpeg shows it: nothing is known of what is copied.
            differences: Mutex::new(None),
            quality: AtomicU32::new(if is_copy { -1f32 } else { 0.0 }.to_bits()),
        }
    }

    pub fn set_quality(&self, quality: f32) {
        self.quality.store(quality.to_bits(), Relaxed);
    }

    pub fn quality(&self) -> f32 {
        f32::from_bits(self.quality.load(Relaxed))
    }
}

pub struct OutputNumbers {
    pub streams: Vec<StreamNumbers>,
    /// Of the file; -1 where the muxer opens its files itself.
    pub size_bytes: AtomicI64,
    /// The header is written.
    pub is_begun: AtomicBool,
}

impl OutputNumbers {
    pub fn new(streams: Vec<StreamNumbers>) -> OutputNumbers {
        OutputNumbers { streams, size_bytes: AtomicI64::new(-1), is_begun: AtomicBool::new(false) }
    }

    pub fn begun(&self, output: &Output) {
        for (index, stream) in self.streams.iter().enumerate() {
            stream.header_bytes.store(output.header_bytes(index), Relaxed);
            // As FFmpeg's muxers count it from here on.
            stream.end_us.store(0, Relaxed);
        }
        self.set_size(output, output.position_bytes());
        self.is_begun.store(true, Relaxed);
    }

    pub fn set_size(&self, output: &Output, bytes: u64) {
        if !output.flags().opens_no_file() {
            self.size_bytes.store(bytes as i64, Relaxed);
        }
    }

    /// A packet that was counted did not go to the muxer.
    pub fn take_back(&self, index: usize, bytes: u64) {
        let stream = &self.streams[index];
        stream.packets.fetch_sub(1, Relaxed);
        stream.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Before a packet goes to the muxer.
    pub fn count(&self, index: usize, packet: &Packet) {
        let stream = &self.streams[index];
        // One thread writes an output: no need to lock the bus.
        stream.packets.store(stream.packets.load(Relaxed) + 1, Relaxed);
        stream.bytes.store(stream.bytes.load(Relaxed) + packet.size() as u64, Relaxed);
        if stream.kind == MediaKind::Video && !stream.is_copy {
            let quality = packet.quality();
            stream.set_quality(quality.quantiser);
            if let Some(differences) = &mut *stream.differences.lock() {
                differences.last = quality.errors;
                differences.is_typed = quality.is_known();
            }
        }
    }
}

impl Muxer {
    /// The header is written: what the file holds is said to who listens.
    pub(super) fn tell_begun(&self) {
        self.numbers.begun(&self.output);
        if self.context.observer.wants(LEVEL_INFO) {
            self.output.dump(self.index, &crate::secrets::mask_url(&self.url));
        }
    }

    /// After a packet went to the muxer: how far it is. Asked for each packet only where somebody watches.
    pub(super) fn tell_written(&self, index: usize) {
        if self.is_watched {
            let end_us = self.output.end_us(index, self.streams[index].last_dts);
            self.numbers.streams[index].end_us.store(end_us, Relaxed);
            self.numbers.set_size(&self.output, self.output.position_bytes());
            self.context.observer.written();
        }
    }

    /// -mt_max_output_bytes, over all outputs of the job.
    pub(super) fn check_output_bytes(&self, size: u64) -> Result<(), Error> {
        let Some(limit) = self.context.trust.limits.output_bytes else { return Ok(()) };
        if self.context.counters.payload_bytes.fetch_add(size, Relaxed).saturating_add(size) <= limit {
            return Ok(());
        }
        let text =
            format!("the outputs would have more than {limit} bytes: the limit is {limit} (-mt_max_output_bytes)");
        Err(self.error(Error::new(Code::LIMIT, text).at("mux")))
    }

    pub(super) fn count(&mut self, index: usize, packet: &Packet) {
        let counters = &self.context.counters;
        if counters.packets_written.fetch_add(1, Relaxed) == 0 {
            counters.first_output_us.store(self.context.elapsed_us().max(1), Relaxed);
        }
        if self.first_video == Some(index) {
            add(&counters.frames, 1);
        }
        let time_base = self.output.time_base(index);
        let end = if packet.pts() == NOPTS { packet.dts() } else { packet.pts() };
        if end != NOPTS && self.streams[index].kind != MediaKind::Data {
            let end_us = rescale(end.saturating_add(packet.duration().max(0)), time_base, TIME_BASE);
            counters.position_us.fetch_max(end_us, Relaxed);
        }
        self.numbers.count(index, packet);
        self.payload_bytes += packet.size() as u64;
        self.since_measured += 1;
        if self.since_measured >= self.measured_every {
            self.measure();
        }
        self.context.observer.progress();
    }

    pub(super) fn measure(&mut self) {
        let written =
            if self.output.flags().opens_no_file() { self.payload_bytes } else { self.output.position_bytes() };
        self.measured(written);
    }

    pub(super) fn measured(&mut self, bytes: u64) {
        self.since_measured = 0;
        let now = bytes.max(self.size_bytes);
        add(&self.context.counters.size_bytes, now - self.size_bytes);
        self.size_bytes = now;
        self.numbers.set_size(&self.output, now);
    }
}
