//! The last events of a job, for a capture of it: a copy of them, as the host may have pulled them already.

use super::events::EventKind;
use crate::error::Error;
use crate::secrets::mask_text;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;

const MOST_EVENTS: usize = 256;

#[derive(Default)]
pub struct Recent(Mutex<VecDeque<(i64, EventKind)>>);

impl Recent {
    /// `time_us`: since the job was started.
    pub fn add(&self, time_us: i64, kind: &EventKind) {
        let mut events = self.0.lock();
        // Ten a second of them would be all that there is.
        if matches!(kind, EventKind::Progress(_)) {
            let last = events.pop_back().filter(|(_, last)| !matches!(last, EventKind::Progress(_)));
            events.extend(last);
        }
        if events.len() >= MOST_EVENTS {
            events.pop_front();
        }
        events.push_back((time_us, kind.clone()));
    }

    /// One line of JSON each.
    pub fn lines(&self) -> String {
        let events = self.0.lock();
        let line = |(time_us, kind): &(i64, EventKind)| {
            let mut value = of_kind(kind);
            value["time_us"] = json!(time_us);
            format!("{}\n", masked(value))
        };
        events.iter().map(line).collect()
    }
}

fn of_kind(kind: &EventKind) -> Value {
    let code = |error: &Option<Error>| error.as_ref().map_or(0, |error| error.code().to_c());
    let text = |error: &Option<Error>| error.as_ref().map_or(String::new(), |error| error.message().to_owned());
    match kind {
        EventKind::State(state) => json!({"event": "state", "state": state.word()}),
        EventKind::InputOpened { input, json } => {
            let about: Value = serde_json::from_str(json).unwrap_or_default();
            json!({"event": "input_opened", "input": input, "about": about})
        }
        EventKind::Progress(progress) => json!({
            "event": "progress", "position_us": progress.position_us, "frames": progress.frames, "size_bytes": progress.size_bytes,
        }),
        EventKind::Log { level, stage, stream, text, repeated } => {
            json!({"event": "log", "level": level, "stage": stage, "stream": stream, "text": text, "repeated": repeated})
        }
        EventKind::OutputFinished { output, size_bytes, error } => json!({
            "event": "output_finished", "output": output, "size_bytes": size_bytes, "code": code(error), "text": text(error),
        }),
        EventKind::Source { input, status } => {
            json!({"source": input, "state": status.state.word(), "reason": status.reason, "url": status.url})
        }
        EventKind::Degraded(degraded) => json!({"event": "degraded", "about": degraded.to_json()}),
        EventKind::PipeHighWater { name, fill_bytes } => {
            json!({"event": "pipe_high_water", "name": name, "fill_bytes": fill_bytes})
        }
        EventKind::Done { error } => json!({"event": "done", "code": code(error), "text": text(error)}),
    }
}

/// Every string of it with its URLs masked.
pub fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask_text(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(masked).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (key, masked(value))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Progress, State};

    fn line(text: &str) -> EventKind {
        EventKind::Log { level: 24, stage: "test".into(), stream: None, text: text.into(), repeated: 0 }
    }

    #[test]
    fn the_last_ones_are_kept_and_progress_does_not_push_them_out() {
        let recent = Recent::default();
        (0..1000).for_each(|_| recent.add(0, &EventKind::Progress(Progress::default())));
        recent.add(1, &EventKind::State(State::Running));
        assert_eq!(recent.lines().lines().count(), 2);
        (0..1000).for_each(|i| recent.add(i, &line(&i.to_string())));
        let lines = recent.lines();
        assert_eq!(lines.lines().count(), MOST_EVENTS);
        assert!(lines.lines().last().is_some_and(|last| last.contains("999")), "{lines}");
    }

    #[test]
    fn no_url_keeps_its_secret() {
        let recent = Recent::default();
        let about = json!({"format": {"filename": "rtmp://h/live/STREAMKEY"}}).to_string();
        recent.add(0, &EventKind::InputOpened { input: 0, json: about });
        recent.add(0, &line("http://u:PASSWORD@h/?t=TOKEN"));
        for secret in ["STREAMKEY", "PASSWORD", "TOKEN"] {
            assert!(!recent.lines().contains(secret));
        }
    }
}
