//! One output on its thread: what encoders and copies send, in the order in which it comes.

use super::activity::Doing;
use super::context::{JobContext, Wake};
use super::inbox::{CloseOnDrop, Inbox, Weight};
use super::mux::{Muxer, StreamReady};
use super::turns::Turn;
use crate::av::Packet;
use crate::error::Error;
use parking_lot::{Condvar, Mutex};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

pub enum MuxItem {
    Ready(Box<StreamReady>),
    Packet(Packet),
    /// The stream will never be there: the file has none.
    LeaveOut,
    End,
}

impl Weight for MuxItem {
    fn weight_bytes(&self) -> usize {
        match self {
            MuxItem::Packet(packet) => packet.weight_bytes(),
            _ => 0,
        }
    }
}

/// How far every output stream is, so that no input runs ahead of the others (rule 33: 100 ms).
pub struct Schedule {
    heads: Mutex<Vec<Head>>,
    /// Graphs that are not built yet.
    starts: Mutex<Vec<GraphStart>>,
    moved: Condvar,
}

/// A graph before it is built: it waits for a first frame of each of its sources.
struct GraphStart {
    /// Of its sources, the input of each.
    inputs: Vec<usize>,
    /// The source whose first frame it waits for; None once it is built.
    wanted: Option<usize>,
}

struct Head {
    /// Microseconds; None before the first packet.
    dts_us: Option<i64>,
    is_ended: bool,
    /// Its encoder is open, or it is a copy.
    is_ready: bool,
    /// Its file is as large as -fs says.
    is_full: bool,
    /// Inputs that feed this stream.
    inputs: Vec<usize>,
}

const AHEAD_US: i64 = 100_000;

impl Schedule {
    /// One entry for each output stream: the inputs that feed it.
    pub fn new(context: &JobContext, inputs: Vec<Vec<usize>>) -> Arc<Schedule> {
        let head = |inputs| Head { dts_us: None, is_ended: false, is_ready: false, is_full: false, inputs };
        let schedule = Arc::new(Schedule {
            heads: Mutex::new(inputs.into_iter().map(head).collect()),
            starts: Mutex::default(),
            moved: Condvar::new(),
        });
        let weak = Arc::downgrade(&schedule);
        context.on_cancel(weak);
        schedule
    }

    fn advance(&self, stream: usize, dts_us: Option<i64>, is_ended: bool) {
        let mut heads = self.heads.lock();
        let head = &mut heads[stream];
        head.dts_us = dts_us.or(head.dts_us);
        head.is_ended |= is_ended;
        drop(heads);
        self.moved.notify_all();
    }

    /// Before anything runs. Returns the graph's number.
    pub fn add_graph(&self, inputs: Vec<usize>) -> usize {
        let mut starts = self.starts.lock();
        let wanted = (!inputs.is_empty()).then_some(0);
        starts.push(GraphStart { inputs, wanted });
        starts.len() - 1
    }

    /// A graph waits for the first frame of a source; None: it is built.
    pub fn graph_wants(&self, graph: usize, source: Option<usize>) {
        let mut starts = self.starts.lock();
        if std::mem::replace(&mut starts[graph].wanted, source) != source {
            drop(starts);
            let _guard = self.heads.lock();
            self.moved.notify_all();
        }
    }

    /// All that an input feeds are graphs that wait for the first frame of another input: as ffmpeg, it is not read on meanwhile. What it
    /// gave would pile up, and without end where a filter makes it. A copy goes on.
    fn is_held(&self, input: usize) -> bool {
        let starts = self.starts.lock();
        let mut fed = starts.iter().filter(|start| start.inputs.contains(&input)).peekable();
        fed.peek().is_some() && fed.all(|start| start.wanted.is_some_and(|source| start.inputs[source] != input))
    }

    /// The inputs that feed a stream.
    pub fn inputs_of(&self, stream: usize) -> Vec<usize> {
        self.heads.lock()[stream].inputs.clone()
    }

    pub fn set_ready(&self, stream: usize) {
        self.heads.lock()[stream].is_ready = true;
    }

    fn set_full(&self, streams: Range<usize>) {
        self.heads.lock()[streams].iter_mut().for_each(|head| head.is_full = true);
    }

    /// Whether no stream needs more (ffmpeg.c: need_output).
    pub fn is_over(&self) -> bool {
        self.heads.lock().iter().all(|head| head.is_ended || head.is_full)
    }

    /// The stream that is to be fed next (ffmpeg.c: choose_output).
    pub fn furthest_behind(&self) -> Option<usize> {
        let heads = self.heads.lock();
        let running = || heads.iter().enumerate().filter(|(_, head)| !head.is_ended);
        let unready = running().find(|(_, head)| !head.is_ready);
        let behind = || running().min_by_key(|(_, head)| head.dts_us.unwrap_or(i64::MIN));
        unready.or_else(behind).map(|(stream, _)| stream)
    }

    /// Waits while everything that input `input` feeds is ahead of something that another input feeds.
    /// `is_only_filtered`: all of it goes to graphs.
    pub fn wait_for_turn(&self, context: &JobContext, input: usize, is_only_filtered: bool) {
        let mut heads = self.heads.lock();
        let _waiting = Doing::Threads.begin(0);
        while !context.is_ending() && (is_only_filtered && self.is_held(input) || !may_read(&heads, input)) {
            // A stream that another input feeds may have no packet for long: look again now and then.
            self.moved.wait_for(&mut heads, Duration::from_millis(500));
        }
    }
}

fn may_read(heads: &[Head], input: usize) -> bool {
    let running = || heads.iter().filter(|head| !head.is_ended);
    let slowest = running().map(|head| head.dts_us.unwrap_or(i64::MIN)).min().unwrap_or(i64::MIN);
    let limit = slowest.saturating_add(AHEAD_US);
    let mut own = running().filter(|head| head.inputs.contains(&input)).peekable();
    own.peek().is_none() || own.any(|head| head.dts_us.is_none_or(|dts| dts <= limit))
}

impl Wake for Schedule {
    fn wake(&self) {
        let _guard = self.heads.lock();
        self.moved.notify_all();
    }
}

pub struct MuxStage {
    pub context: Arc<JobContext>,
    pub inbox: Arc<Inbox<MuxItem>>,
    pub muxer: Muxer,
    pub streams: usize,
    pub schedule: Arc<Schedule>,
    /// Where this output's streams begin in the schedule.
    pub first_in_schedule: usize,
    /// Where it shares a standard stream with other outputs.
    pub turn: Option<Turn>,
}

impl MuxStage {
    /// Writes until every stream has ended, and the trailer. The error is this output's own.
    pub fn run(mut self) -> Result<(), Error> {
        let close = CloseOnDrop(Arc::clone(&self.inbox));
        let late = Arc::downgrade(&self.inbox);
        self.muxer.clock.when_over(move || {
            if let Some(inbox) = late.upgrade() {
                inbox.end();
            }
        });
        let written = self.write_all();
        let late = self.muxer.clock.error("mux");
        let is_late = late.is_some();
        let written = written.and_then(|()| late.map_or(Ok(()), Err));
        drop(close);
        for stream in 0..self.streams {
            self.schedule.advance(self.first_in_schedule + stream, None, true);
        }
        if self.context.is_cancelled() {
            return Ok(());
        }
        let turn = self.turn.take();
        if let Some(turn) = &turn {
            turn.wait(&self.context);
        }
        let index = self.muxer.index;
        let (size, finished) = self.muxer.finish(written.as_ref().err());
        let result = written.and(finished);
        if let (Err(error), true) = (&result, is_late) {
            self.context.output_left(index, || error.clone());
        }
        self.context.observer.output_finished(index, size, result.as_ref().err());
        self.context.output_over(index);
        result
    }

    fn note_size(&self) {
        if self.muxer.is_full() {
            self.schedule.set_full(self.first_in_schedule..self.first_in_schedule + self.streams);
        }
    }

    fn write_all(&mut self) -> Result<(), Error> {
        for index in (0..self.streams).filter(|_| self.muxer.is_closed()) {
            self.schedule.advance(self.first_in_schedule + index, None, true);
        }
        self.note_size();
        let mut is_open: Vec<bool> = (0..self.streams).map(|index| !self.muxer.is_stream_ended(index)).collect();
        for index in (0..self.streams).filter(|index| !is_open[*index]) {
            self.schedule.advance(self.first_in_schedule + index, None, true);
        }
        while is_open.contains(&true) {
            let Some((index, item)) = self.inbox.receive(None) else { return Ok(()) };
            let wanted = match item {
                MuxItem::Ready(ready) => {
                    self.schedule.set_ready(self.first_in_schedule + index);
                    self.muxer.stream_ready(index, *ready).map(|()| true)?
                }
                MuxItem::LeaveOut => {
                    self.schedule.set_ready(self.first_in_schedule + index);
                    self.muxer.leave_out(index).map(|()| true)?
                }
                MuxItem::Packet(packet) => {
                    let wanted = self.muxer.packet(index, packet)?;
                    self.schedule.advance(self.first_in_schedule + index, self.muxer.last_dts_us(index), false);
                    wanted
                }
                MuxItem::End => {
                    is_open[index] = false;
                    self.schedule.advance(self.first_in_schedule + index, None, true);
                    self.muxer.end_stream(index)?
                }
            };
            self.note_size();
            if !wanted {
                return Ok(());
            }
            if is_open[index] && self.muxer.is_stream_ended(index) {
                // It has had enough (-frames): whoever feeds it is told, and its End will not come.
                is_open[index] = false;
                self.inbox.close_queue(index);
                self.schedule.advance(self.first_in_schedule + index, None, true);
            }
        }
        Ok(())
    }
}
