//! A place of a job where packets pass, and all that take part there. Costs one look at a flag where nobody does.

use super::feed::{Feed, Item, Pushed};
use super::gop::Gop;
use super::headers::Headers;
use crate::av::{AvError, Input, NOPTS, Packet, TIME_BASE, rescale};
use crate::engine::activity::Doing;
use crate::engine::context::{JobContext, Wake};
use crate::options::MediaKind;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[derive(Default)]
pub struct Hub {
    /// Somebody takes part, or the last group of pictures is kept.
    is_wanted: AtomicBool,
    state: Mutex<State>,
    described: Condvar,
}

#[derive(Default)]
struct State {
    /// Its streams, once a packet has passed since somebody wanted it.
    outline: Option<Input>,
    /// The outline lacks the leader's headers yet, and is shown to nobody.
    headers: Option<Headers>,
    /// The stream whose key frames are where a player can begin: the first video; None without.
    leader: Option<usize>,
    feeds: Vec<Arc<Feed>>,
    gop: Gop,
    is_ended: bool,
}

impl Hub {
    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Relaxed)
    }

    /// Keeps the last group of pictures, as far as it has no more bytes than this.
    pub fn keep(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.gop.keep(bytes);
        if state.gop.is_wanted() {
            self.is_wanted.store(true, Relaxed);
        }
    }

    /// Takes part: from the last key frame on where it was kept, else from the next one.
    pub fn subscribe(&self, feed: &Arc<Feed>) {
        let mut state = self.state.lock();
        if state.is_ended {
            feed.end();
            return;
        }
        feed.begin(state.gop.items());
        state.feeds.push(Arc::clone(feed));
        self.is_wanted.store(true, Relaxed);
    }

    pub fn unsubscribe(&self, feed: &Arc<Feed>) {
        feed.close();
        let mut state = self.state.lock();
        state.feeds.retain(|other| !Arc::ptr_eq(other, feed));
        let is_wanted = !state.feeds.is_empty() || state.gop.is_wanted();
        self.is_wanted.store(is_wanted, Relaxed);
    }

    /// A packet passes, in the time base that `outline` gives its stream. Waits only for who asked for that.
    pub fn publish(
        &self,
        context: &JobContext,
        stream: usize,
        packet: &Packet,
        outline: impl FnOnce() -> Result<Input, AvError>,
    ) -> Result<(), AvError> {
        let mut state = self.state.lock();
        if state.outline.is_none() {
            state.describe(outline()?);
            self.described.notify_all();
        }
        if state.find_headers(stream, packet)? {
            self.described.notify_all();
        }
        let item = state.item(stream, packet)?;
        let begins = match state.leader {
            Some(leader) => stream == leader && packet.is_key(),
            None => packet.is_key(),
        };
        if state.gop.is_wanted() && state.leader.is_some() {
            state.gop.add(&item, begins);
        }
        let (mut full, mut slow) = (Vec::new(), Vec::new());
        state.feeds.retain(|feed| match feed.push(&item, begins) {
            Pushed::Done => true,
            Pushed::Full => {
                full.push(Arc::clone(feed));
                true
            }
            Pushed::Gone => false,
            Pushed::TooSlow => {
                slow.push(Arc::clone(feed));
                false
            }
        });
        drop(state);
        slow.iter().for_each(|feed| feed.fail());
        full.iter().for_each(|feed| {
            let _ = feed.push_waiting(&item, context);
        });
        Ok(())
    }

    /// What was kept is of before a gap: who joins waits for what comes after it.
    pub fn forget_group(&self) {
        self.state.lock().gop.clear();
    }

    /// No more packets will pass.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.is_ended = true;
        state.gop.clear();
        let feeds = std::mem::take(&mut state.feeds);
        drop(state);
        feeds.iter().for_each(|feed| feed.end());
        self.described.notify_all();
    }

    /// A copy of its streams, once they are known; waits for that as long as `owner` goes on. None: it ended before.
    pub fn outline(&self, owner: &JobContext) -> Result<Option<Input>, AvError> {
        let mut state = self.state.lock();
        loop {
            if let (Some(outline), None) = (&state.outline, &state.headers) {
                return outline.outline().map(Some);
            }
            if state.is_ended || owner.is_ending() {
                return Ok(None);
            }
            let _waiting = Doing::EmptyLink.begin(0);
            self.described.wait(&mut state);
        }
    }
}

impl State {
    fn describe(&mut self, outline: Input) {
        let is_leader = |index: &usize| {
            outline.kind(*index) == MediaKind::Video
                && outline.describe(*index).is_ok_and(|stream| !stream.is_attached_picture())
        };
        self.leader = (0..outline.stream_count()).find(is_leader);
        self.headers = self.leader.and_then(|leader| Headers::awaited(&outline, leader));
        self.outline = Some(outline);
    }

    /// Whether the outline is whole with this packet.
    fn find_headers(&mut self, stream: usize, packet: &Packet) -> Result<bool, AvError> {
        let (Some(headers), Some(outline)) = (&mut self.headers, &mut self.outline) else { return Ok(false) };
        let are_in = headers.are_in(stream, packet, outline)?;
        if are_in {
            self.headers = None;
        }
        Ok(are_in)
    }

    fn item(&self, stream: usize, packet: &Packet) -> Result<Item, AvError> {
        let mut own = packet.reference()?;
        own.make_owned()?;
        let time = if packet.dts() == NOPTS { packet.pts() } else { packet.dts() };
        let time_base = self.outline.as_ref().filter(|outline| stream < outline.stream_count());
        let time_us =
            time_base.filter(|_| time != NOPTS).map(|outline| rescale(time, outline.time_base(stream), TIME_BASE));
        Ok(Item { stream, packet: Arc::new(own), time_us })
    }
}

impl Wake for Hub {
    fn wake(&self) {
        let _guard = self.state.lock();
        self.described.notify_all();
    }
}
