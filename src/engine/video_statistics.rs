//! -vstats: a line for each packet of an encoder of video. Source: `update_video_stats` of FFmpeg's fftools/ffmpeg.c (5.1) and
//! ffmpeg_enc.c (7.1).

use super::context::JobContext;
use super::errors::failed;
use super::statistics::StatisticsFile;
use crate::av::{self, NOPTS, Packet, PictureQuality, Rational, rescale};
use crate::error::{Code, Error};
use crate::options::{JobSpec, Release, parse_integer};
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct VideoStatisticsPlan {
    path: String,
    version: i64,
}

impl VideoStatisticsPlan {
    /// -vstats_file, or -vstats with a name by the time; the last one holds.
    pub fn of(job: &JobSpec) -> Option<VideoStatisticsPlan> {
        let names = ["vstats", "vstats_file"];
        let asked = job.global.iter().rfind(|s| s.definition.is_some() && names.contains(&s.name.as_str()))?;
        let path = match (asked.name.as_str(), asked.value.as_str()) {
            ("vstats", "0") => return None,
            ("vstats", _) => {
                let [_, _, _, hour, minute, second] = av::process::local_time();
                format!("vstats_{hour:02}{minute:02}{second:02}.log")
            }
            (_, path) => path.to_owned(),
        };
        let version = job.global("vstats_version").and_then(parse_integer).unwrap_or(2);
        Some(VideoStatisticsPlan { path, version })
    }
}

struct Sample {
    size: usize,
    dts: i64,
    quality: PictureQuality,
}

/// The lines of one stream. They name times of the muxer's time base, so they wait for the header.
pub struct VideoStatistics {
    plan: VideoStatisticsPlan,
    output: usize,
    stream: usize,
    encoder_time_base: Rational,
    /// Where the encoder says how much its pictures differ from the source's.
    measured_pixels: Option<i64>,
    packets: u64,
    bytes: u64,
    waiting: VecDeque<Sample>,
    file: Option<Arc<StatisticsFile>>,
}

impl VideoStatistics {
    pub fn new(
        plan: &VideoStatisticsPlan,
        (output, stream): (usize, usize),
        encoder_time_base: Rational,
        measured_pixels: Option<i64>,
    ) -> VideoStatistics {
        VideoStatistics {
            plan: plan.clone(),
            output,
            stream,
            encoder_time_base,
            measured_pixels,
            packets: 0,
            bytes: 0,
            waiting: VecDeque::new(),
            file: None,
        }
    }

    /// A packet of the encoder's came.
    pub fn packet(&mut self, packet: &Packet) {
        self.waiting.push_back(Sample { size: packet.size(), dts: packet.dts(), quality: packet.quality() });
    }

    /// Writes what waits. `muxer_time_base`: of the stream, whose header is written.
    pub fn write(&mut self, context: &JobContext, muxer_time_base: Rational) -> Result<(), Error> {
        while let Some(sample) = self.waiting.pop_front() {
            let line = self.line(&sample, muxer_time_base);
            self.packets += 1;
            self.bytes += sample.size as u64;
            self.put(context, &line).map_err(|e| {
                let what = format!("option vstats_file: cannot write '{}'", self.plan.path);
                failed(e, "mux", Code::EIO, &what)
            })?;
        }
        Ok(())
    }

    /// The file is there from the first packet on. It is a path: "a:b" is no URL.
    fn put(&mut self, context: &JobContext, line: &str) -> Result<(), av::AvError> {
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = context.statistics.open(&format!("file:{}", self.plan.path), &context.interrupt)?;
                self.file.insert(file)
            }
        };
        file.write(line)
    }

    fn line(&self, sample: &Sample, muxer_time_base: Rational) -> String {
        let release = av::loaded_release();
        let mut line = String::new();
        if self.plan.version > 1 {
            let _ = write!(line, "out= {:2} st= {:2} ", self.output, self.stream);
        }
        let _ = write!(line, "frame= {:5} q= {:2.1} ", self.packets, sample.quality.quantiser);
        if let Some(decibels) = self.decibels(sample, release) {
            let _ = write!(line, "PSNR= {decibels:6.2} ");
        }
        let _ = write!(line, "f_size= {:6} ", sample.size);
        let seconds = match sample.dts {
            NOPTS => 0.01,
            dts if release < Release(6, 0) => {
                rescale(dts, self.encoder_time_base, muxer_time_base) as f64 * muxer_time_base.to_f64()
            }
            dts => dts as f64 * self.encoder_time_base.to_f64(),
        };
        let seconds = f64::max(seconds, 0.01);
        let rate = (sample.size * 8) as f64 / self.encoder_time_base.to_f64() / 1000.0;
        let average = (self.bytes * 8) as f64 / seconds / 1000.0;
        let unit = if release < Release(7, 0) { "kB" } else { "KiB" };
        let _ = writeln!(
            line,
            "s_size= {:8.0}{unit} time= {seconds:.3} br= {rate:7.1}kbits/s avg_br= {average:7.1}kbits/s type= {}",
            self.bytes as f64 / 1024.0,
            sample.quality.letter()
        );
        line
    }

    /// PSNR of the first plane.
    fn decibels(&self, sample: &Sample, release: Release) -> Option<f64> {
        let error = sample.quality.errors[0];
        let share = error as f64 / (self.measured_pixels? as f64 * 255.0 * 255.0);
        let is_said = if release < Release(6, 0) { error >= 0 } else { (0.0..=1.0).contains(&share) };
        // FFmpeg shows no negative number from 6.0 on, and none of its numbers are but of a picture that is all wrong.
        is_said.then(|| -10.0 * share.log10())
    }
}
