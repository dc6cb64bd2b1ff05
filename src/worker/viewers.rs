//! What outputs that take part in a job are at, on their way from the worker to the host: those that changed since they were told last.

use super::message::VIEWERS;
use super::relay::Relay;
use crate::engine::{FeedCounts, Observer, Viewer, ViewerState, ViewerStats};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was told of each, last.
pub(super) type Told = BTreeMap<usize, (ViewerState, ViewerStats)>;

fn to_json(output: usize, state: ViewerState, stats: &ViewerStats) -> Value {
    let feed = &stats.feed;
    json!([
        output,
        state.to_c(),
        stats.packets_written,
        stats.size_bytes,
        stats.position_us,
        feed.packets_queued,
        feed.bytes_queued,
        feed.bytes_peak,
        feed.packets_dropped,
        feed.bytes_dropped,
        feed.skips,
    ])
}

fn of_json(value: &Value) -> Option<(usize, ViewerState, ViewerStats)> {
    let number = |place: usize| value[place].as_u64().unwrap_or(0);
    let stats = ViewerStats {
        packets_written: number(2),
        size_bytes: number(3),
        position_us: value[4].as_i64().unwrap_or(0),
        feed: FeedCounts {
            packets_queued: number(5),
            bytes_queued: number(6),
            bytes_peak: number(7),
            packets_dropped: number(8),
            bytes_dropped: number(9),
            skips: number(10),
        },
    };
    Some((value[0].as_u64()? as usize, ViewerState::from_c(value[1].as_u64()?)?, stats))
}

/// The host hears.
pub(super) fn take(value: &Value, observer: &dyn Observer) {
    let all = value.as_array().map_or(&[][..], Vec::as_slice);
    for (output, state, stats) in all.iter().filter_map(of_json) {
        observer.viewer(output, state, stats);
    }
}

impl Relay {
    /// Tells of those that are at something else than when they were told last.
    pub(super) fn viewers(&self, viewers: &[std::sync::Arc<Viewer>]) {
        let mut told = self.told.lock();
        let mut changed = Vec::new();
        for viewer in viewers {
            let now = (viewer.state(), viewer.stats());
            if told.insert(viewer.index, now) != Some(now) {
                changed.push(to_json(viewer.index, now.0, &now.1));
            }
        }
        if !changed.is_empty() {
            self.send(VIEWERS, &Value::Array(changed));
        }
    }

    /// The last numbers of one that ends.
    pub(super) fn last_numbers(&self, output: usize) {
        if let Some(viewer) = self.live.viewer(output) {
            self.viewers(&[viewer]);
            self.told.lock().remove(&output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_they_went() {
        let feed = FeedCounts {
            packets_queued: 1,
            bytes_queued: 2,
            bytes_peak: 3,
            packets_dropped: 4,
            bytes_dropped: 5,
            skips: 6,
        };
        let stats = ViewerStats { feed, packets_written: 7, size_bytes: 8, position_us: -9 };
        let there = to_json(500, ViewerState::Stopping, &stats);
        assert_eq!(of_json(&there), Some((500, ViewerState::Stopping, stats)));
        for nonsense in [json!(7), json!([]), json!([1]), json!([1, 99]), json!(["a", "b"])] {
            assert_eq!(of_json(&nonsense), None);
        }
    }
}
