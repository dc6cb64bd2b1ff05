//! The numbers of a job for a program's line of progress and summary, output by output.

use super::handle::Job;
use crate::engine::Differences;
use crate::options::MediaKind;
use std::sync::atomic::Ordering::Relaxed;

/// What one output stream has.
#[derive(Clone, Debug)]
pub struct StreamReport {
    pub kind: MediaKind,
    pub is_copy: bool,
    pub packets: u64,
    pub bytes: u64,
    /// Of the stream's global header.
    pub header_bytes: u64,
    /// The last quantiser; -1 of what is copied.
    pub quality: f32,
    /// How much the encoder's pictures differ from the source's, where it says so (-psnr).
    pub differences: Option<Differences>,
    /// Up to where it is written, in microseconds.
    pub end_us: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct OutputReport {
    pub streams: Vec<StreamReport>,
    /// None where the muxer opens its files itself.
    pub size_bytes: Option<u64>,
    /// Its header is written.
    pub is_begun: bool,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub outputs: Vec<OutputReport>,
    /// Since all files are open, in microseconds.
    pub elapsed_us: i64,
    pub frames_duplicated: u64,
    pub frames_dropped: u64,
}

impl Report {
    /// Whether every output has its header.
    pub fn is_begun(&self) -> bool {
        !self.outputs.is_empty() && self.outputs.iter().all(|output| output.is_begun)
    }
}

impl Job {
    /// What it had done when the first packet was written after all outputs were begun; of a job that is watched.
    pub fn first_report(&self) -> Option<&Report> {
        self.first_report.get()
    }

    /// Has the job keep how far each stream is, and the sizes of its files, packet by packet. To be called before the start.
    pub fn watch(&self) {
        self.is_watched.store(true, Relaxed);
    }

    /// The session description of outputs that are all RTP, once they have their headers: for a job that is watched, and once.
    pub fn take_sdp(&self) -> Option<String> {
        self.sdp.lock().take()
    }

    /// What it has done so far. How far each stream is, is known of jobs that are watched.
    pub fn report(&self) -> Report {
        let stats = self.stats();
        let outputs = self.counters.outputs.lock().clone();
        let outputs = outputs.iter().map(|output| OutputReport {
            streams: output
                .streams
                .iter()
                .map(|stream| StreamReport {
                    kind: stream.kind,
                    is_copy: stream.is_copy,
                    packets: stream.packets.load(Relaxed),
                    bytes: stream.bytes.load(Relaxed),
                    header_bytes: stream.header_bytes.load(Relaxed),
                    quality: stream.quality(),
                    differences: *stream.differences.lock(),
                    end_us: Some(stream.end_us.load(Relaxed)).filter(|us| *us != i64::MIN),
                })
                .collect(),
            size_bytes: u64::try_from(output.size_bytes.load(Relaxed)).ok(),
            is_begun: output.is_begun.load(Relaxed),
        });
        Report {
            outputs: outputs.collect(),
            elapsed_us: (stats.progress.elapsed_us - stats.open_us).max(0),
            frames_duplicated: stats.frames_duplicated,
            frames_dropped: stats.frames_dropped,
        }
    }
}
