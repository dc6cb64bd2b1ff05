//! Copy-only jobs: everything on one thread (rule 16). The order in which inputs are read is that of ffmpeg: the output stream
//! that is furthest behind decides (`choose_output` of fftools/ffmpeg.c).

use super::context::JobContext;
use super::copy::{Copied, CopyStream};
use super::demux::{Demuxer, Read};
use super::errors::failed;
use super::mux::Muxer;
use crate::av::Packet;
use crate::error::{Code, Error};
use std::sync::Arc;

/// One copied stream.
pub struct Target {
    pub input: usize,
    pub stream: usize,
    pub output: usize,
    pub index: usize,
    pub copy: CopyStream,
}

pub struct SingleThread {
    pub context: Arc<JobContext>,
    pub demuxers: Vec<Demuxer>,
    pub muxers: Vec<Option<Muxer>>,
    pub targets: Vec<Target>,
    /// By target.
    pub is_done: Vec<bool>,
    /// By input.
    pub is_at_end: Vec<bool>,
    /// By output: what it failed with.
    pub failures: Vec<Option<Error>>,
    /// An input that ended with an error.
    pub read_error: Option<Error>,
}

impl SingleThread {
    pub fn new(
        context: &Arc<JobContext>,
        demuxers: Vec<Demuxer>,
        muxers: Vec<Muxer>,
        targets: Vec<Target>,
    ) -> SingleThread {
        SingleThread {
            context: Arc::clone(context),
            is_done: vec![false; targets.len()],
            is_at_end: vec![false; demuxers.len()],
            failures: muxers.iter().map(|_| None).collect(),
            muxers: muxers.into_iter().map(Some).collect(),
            demuxers,
            targets,
            read_error: None,
        }
    }

    /// Reads and writes until nothing is left to do.
    pub fn run(&mut self) {
        while let Some(input) = self.next_input() {
            if self.context.is_ending() {
                return;
            }
            match self.demuxers[input].read() {
                Read::Packet { stream, packet, now_us, .. } => self.distribute(input, stream, packet, now_us),
                Read::Again if self.demuxers[input].restart(&[]) => {}
                Read::Again => {
                    self.is_at_end[input] = true;
                    self.end_targets_of(input);
                }
                Read::End(error) => {
                    self.is_at_end[input] = true;
                    self.read_error = self.read_error.take().or(error);
                    self.end_targets_of(input);
                }
            }
        }
    }

    /// The input of the target that is furthest behind; None when all are done.
    fn next_input(&self) -> Option<usize> {
        // Outputs that are full go on as long as another one needs more (ffmpeg.c: need_output).
        let needs = |i: usize| {
            let target = &self.targets[i];
            let needs = |m: &Muxer| !m.is_full() && !m.is_stream_ended(target.index);
            !self.is_done[i] && self.muxers[target.output].as_ref().is_some_and(needs)
        };
        if !(0..self.targets.len()).any(needs) {
            return None;
        }
        let wants = |i: &usize| {
            let target = &self.targets[*i];
            !self.is_done[*i] && self.muxers[target.output].as_ref().is_some_and(|m| !m.is_stream_ended(target.index))
        };
        let open = (0..self.targets.len()).filter(wants);
        if self.demuxers.len() == 1 {
            return open.map(|i| self.targets[i].input).next();
        }
        let behind = |i: &usize| {
            let target = &self.targets[*i];
            self.muxers[target.output].as_ref().and_then(|m| m.last_dts_us(target.index)).unwrap_or(i64::MIN)
        };
        self.wait_for_any(wants);
        let key = |i: &usize| (!self.has_more(self.targets[*i].input), behind(i));
        open.min_by_key(key).map(|i| self.targets[i].input)
    }

    /// Whether reading an input that is a hub would give something at once. What a file has is always there.
    fn has_more(&self, input: usize) -> bool {
        self.demuxers[input].file.feed.as_ref().is_none_or(|feed| feed.is_ready())
    }

    /// A hub where nothing comes holds up no other: waits until one that feeds any of these targets has something.
    fn wait_for_any(&self, wants: impl Fn(&usize) -> bool) {
        let Some(feed) = &self.demuxers[0].file.feed else { return };
        loop {
            let seen = feed.arrivals().count();
            if (0..self.targets.len()).any(|i| wants(&i) && self.has_more(self.targets[i].input)) {
                return;
            }
            feed.arrivals().wait_beyond(seen);
        }
    }

    /// Gives the packet to each target of its stream; the last one gets it itself, the others a reference.
    fn distribute(&mut self, input: usize, stream: usize, packet: Packet, now_us: i64) {
        let samples = self.demuxers[input].file.streams[stream].info.parameters.audio_packet_samples(packet.size());
        let is_meant = |target: &Target| target.input == input && target.stream == stream;
        let mut left =
            self.targets.iter().zip(&self.is_done).filter(|(target, done)| !**done && is_meant(target)).count();
        let mut packet = Some(packet);
        for i in 0..self.targets.len() {
            if !is_meant(&self.targets[i]) || self.is_done[i] {
                continue;
            }
            left -= 1;
            let own = if left == 0 { packet.take().map(Ok) } else { packet.as_ref().map(Packet::reference) };
            let Some(own) = own else { return };
            let result = own
                .map_err(|error| failed(error, "mux", Code::ENOMEM, "cannot copy a packet"))
                .and_then(|own| self.copy(i, own, now_us, samples));
            if let Err(error) = result {
                self.fail_output(self.targets[i].output, error);
            }
        }
    }

    fn copy(&mut self, target: usize, packet: Packet, now_us: i64, samples: i32) -> Result<(), Error> {
        let Target { output, index, copy, .. } = &mut self.targets[target];
        let Some(muxer) = &mut self.muxers[*output] else { return Ok(()) };
        match copy.process(packet, now_us, now_us, samples) {
            Copied::Packet(packet) => {
                let goes_on = muxer.packet(*index, packet)?;
                if !goes_on && self.context.is_output_stopped(muxer.index) {
                    let output = muxer.index;
                    self.finish_output(output);
                }
                Ok(())
            }
            Copied::Skipped => Ok(()),
            Copied::Ended => {
                self.is_done[target] = true;
                muxer.end_stream(*index).map(drop)
            }
        }
    }

    fn end_targets_of(&mut self, input: usize) {
        for i in 0..self.targets.len() {
            let target = &self.targets[i];
            if target.input != input || self.is_done[i] {
                continue;
            }
            self.is_done[i] = true;
            let output = target.output;
            let ended = self.muxers[output].as_mut().map(|muxer| muxer.end_stream(target.index));
            if let Some(Err(error)) = ended {
                self.fail_output(output, error);
            }
        }
    }

    /// A failing output ends only itself (rule 35).
    fn fail_output(&mut self, output: usize, error: Error) {
        if let Some(muxer) = self.muxers[output].take() {
            let (size, _) = muxer.finish(Some(&error));
            self.context.observer.output_finished(output, size, Some(&error));
        }
        self.failures[output] = Some(error);
    }

    /// Ends the files that are still open.
    pub fn finish(&mut self) {
        for output in 0..self.muxers.len() {
            let Some(muxer) = self.muxers[output].take() else { continue };
            if !self.context.is_cancelled() {
                self.end(output, muxer);
            }
        }
    }

    /// Ends one file, the others go on.
    fn finish_output(&mut self, output: usize) {
        if let Some(muxer) = self.muxers[output].take() {
            self.end(output, muxer);
        }
    }

    fn end(&mut self, output: usize, muxer: Muxer) {
        let (size, result) = muxer.finish(None);
        self.context.observer.output_finished(output, size, result.as_ref().err());
        self.failures[output] = result.err();
    }
}
