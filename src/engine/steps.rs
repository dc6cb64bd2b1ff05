//! Which input a job in lockstep reads next, and when it has enough.

use super::context::JobContext;
use super::decode::FrameItem;
use super::encode::EncodeItem;
use super::files::OpenInput;
use super::inbox::Inbox;
use super::lockstep::{Lockstep, Next};
use super::mux_thread::Schedule;
use super::plan::{GraphPlan, OpenOutput};
use crate::av::NOPTS;
use std::sync::Arc;

/// What a stream of an output comes from.
pub enum Feeder {
    Input(usize),
    /// A graph, and the input of each of its sources.
    Graph(Arc<Inbox<FrameItem>>, Vec<usize>),
}

pub struct Steps {
    pub lockstep: Arc<Lockstep>,
    pub schedule: Arc<Schedule>,
    /// By stream of the schedule.
    pub feeders: Vec<Feeder>,
    pub encoders: Vec<Arc<Inbox<EncodeItem>>>,
}

impl Steps {
    /// Waits until input `input` is to be read. False: no more is wanted.
    pub fn wait_for_turn(&self, context: &JobContext, input: usize) -> bool {
        let may_read = self.lockstep.wait_for_turn(context, input, |ended| self.next(ended));
        if !may_read && self.lockstep.is_over() {
            // As ffmpeg: encoders give what they hold, decoders and filters do not.
            self.encoders.iter().for_each(|inbox| inbox.send_last(0, EncodeItem::Over));
        }
        may_read
    }

    fn next(&self, ended: &[usize]) -> Next {
        if self.schedule.is_over() {
            return Next::Over;
        }
        let is_open = |input: &usize| !ended.contains(input);
        let wanted = match self.schedule.furthest_behind().map(|stream| &self.feeders[stream]) {
            Some(Feeder::Input(input)) => Some(*input),
            Some(Feeder::Graph(inbox, inputs)) => {
                let starving = inbox.starving_for().and_then(|queue| inputs.get(queue)).copied();
                starving.filter(is_open).or_else(|| inputs.iter().copied().find(is_open))
            }
            None => None,
        };
        // Who is at its end is about to say so; another one may go on meanwhile.
        let inputs = self.feeders.iter().flat_map(|feeder| match feeder {
            Feeder::Input(input) => std::slice::from_ref(input),
            Feeder::Graph(_, inputs) => inputs,
        });
        wanted.filter(is_open).or_else(|| inputs.copied().find(is_open)).map_or(Next::Over, Next::Read)
    }

    pub fn settle(&self, context: &JobContext) {
        self.lockstep.settle(context);
    }

    pub fn input_ended(&self, input: usize) {
        self.lockstep.input_ended(input);
    }
}

/// Whether the result of a job with encoders hangs on how far each component has come.
pub fn are_wanted(inputs: &[OpenInput], graphs: &[GraphPlan], outputs: &[OpenOutput]) -> bool {
    // A graph that makes its frames itself has no input to wait for; an input that may be silent would hold up the others.
    let runs_alone = graphs.iter().any(|graph| graph.sources.is_empty());
    let may_be_silent = inputs.len() > 1 && inputs.iter().any(|input| !input.is_steady());
    if runs_alone || may_be_silent {
        return false;
    }
    outputs.iter().any(|output| output.limit_bytes.is_some() || output.is_closed || goes_by_decoder(inputs, output))
}

/// -frames 0 of the first stream closes an output before anything is read, unless an earlier output needs something (ffmpeg.c: need_output).
pub fn close_unwanted(outputs: &mut [OpenOutput]) {
    for output in outputs {
        output.is_closed = output.streams.first().is_some_and(|stream| stream.max_frames <= 0);
        if !output.is_closed && output.limit_bytes != Some(0) {
            return;
        }
    }
}

/// A copy whose end, or whose times, go by the decoder of the same stream.
fn goes_by_decoder(inputs: &[OpenInput], output: &OpenOutput) -> bool {
    let sources = output.streams.iter().filter(|stream| stream.work.is_copy()).filter_map(|stream| stream.source);
    sources.into_iter().any(|(input, stream)| {
        let input = &inputs[input];
        let has_end = output.duration_us.is_some() || input.duration_us.is_some() || output.start_us.is_some();
        let plan = &input.streams[stream];
        // A raw stream has no times of its own, and no start.
        plan.is_decoded && (has_end || plan.info.start_time == NOPTS)
    })
}
