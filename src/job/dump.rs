//! An engine as text, at any time: each job that is not final, or left threads behind, with what its threads wait for and their stacks
//! (`engine::dump`). Jobs in workers are asked over their sockets. Everything is gathered first, with locks that are only tried; who writes it
//! somewhere holds none.

use super::engine::Engine;
use super::handle::{Job, State};
use crate::engine::{JobContext, dump, one_line, other_threads, seconds, with_stacks};
use crate::options::command_line;
use crate::worker::{Desk, Question};
use std::fmt::Write;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const LOCK_LIMIT: Duration = Duration::from_millis(200);
/// All workers together have this long to answer.
const WORKER_LIMIT: Duration = Duration::from_millis(500);

/// A job as it is told.
struct Told {
    head: String,
    context: Option<Arc<JobContext>>,
    desk: Option<(Arc<Desk>, Question)>,
}

impl Engine {
    /// Everything as text; see the module.
    pub fn dump(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
        let mut text = format!("mt-transcode dump 1\ntime_ms: {now}\nprocess: {}\n", std::process::id());
        let Some(state) = self.state.try_lock_for(LOCK_LIMIT) else {
            return text + "engine: cannot be told now\nend of dump\n";
        };
        let (running, most, queued) = (state.running.len(), state.max_running, state.queue.len());
        let jobs: Vec<Arc<Job>> = state.jobs.values().filter_map(Weak::upgrade).collect();
        let contexts: Vec<Arc<JobContext>> = state.contexts.values().filter_map(Weak::upgrade).collect();
        drop(state);
        let (busy, idle) = self.threads().counts();
        let _ = writeln!(
            text,
            "engine: {running} of {most} jobs run, {queued} wait in the queue, {busy} threads are at work, {idle} idle"
        );
        let told: Vec<Told> = jobs.iter().filter_map(|job| job.tell_state(&contexts)).collect();
        let until = Instant::now() + WORKER_LIMIT;
        with_stacks(self.threads(), |mut stacks| {
            for told in told {
                text += &told.head;
                if let Some(context) = &told.context {
                    text += &dump(context, stacks.as_deref_mut());
                }
                if let Some((desk, question)) = told.desk {
                    let limit = until.saturating_duration_since(Instant::now());
                    text += "worker: ";
                    text += &desk.answer(question, limit).unwrap_or_else(|| "did not answer in time\n".into());
                }
                text += "end of job\n";
            }
            let others = other_threads(&text, stacks);
            if !others.is_empty() {
                let _ = write!(text, "other threads of jobs, and who knows whose\n{others}");
            }
        });
        text + "end of dump\n"
    }
}

impl Job {
    /// None for one that has nothing to tell: it is final, and left nothing behind.
    fn tell_state(&self, contexts: &[Arc<JobContext>]) -> Option<Told> {
        let Some(inner) = self.inner.try_lock_for(LOCK_LIMIT) else {
            return Some(Told {
                head: format!("job: {}\nstate: cannot be told now\n", self.id),
                context: None,
                desk: None,
            });
        };
        let context = contexts.iter().find(|context| context.owner == self.id).cloned();
        if inner.state.is_final() && context.is_none() {
            return None;
        }
        let mut head = format!("job: {}\nlabel: {}\n", self.id, one_line(&inner.label));
        let _ = writeln!(head, "command: {}", one_line(&command_line(&inner.spec, false, true)));
        let since = match inner.state {
            State::New => None,
            State::Queued => inner.started,
            _ => inner.began.or(inner.started),
        };
        let since = since.map_or(String::new(), |since| format!(", {}", seconds(since.elapsed().as_micros() as i64)));
        let left = if inner.state.is_final() { ", and left threads behind" } else { "" };
        let _ = writeln!(head, "state: {}{since}{left}", inner.state.word());
        let desk = inner.desk.clone();
        drop(inner);
        let progress = self.progress(0);
        let _ = writeln!(
            head,
            "progress: {} of media, {} frames, {} bytes",
            seconds(progress.position_us),
            progress.frames,
            progress.size_bytes
        );
        let desk = desk.map(|desk| {
            let question = desk.ask();
            (desk, question)
        });
        Some(Told { head, context, desk })
    }
}
