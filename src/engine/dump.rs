//! A job as text for who wonders what it does: its links and pipes, its threads, what each waits for and since when, and their stacks.
//! Nothing here waits for the job: locks are tried for a moment, and what cannot be told is left out with a word.

use super::activity::{Doing, Seen};
use super::context::JobContext;
use super::pipe::Side;
use super::threads::ThreadPool;
use crate::av::os::coarse_clock_us;
use crate::crash::{Stacks, Task};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const LOCK_LIMIT: Duration = Duration::from_millis(50);
/// How long another one who asks threads for their stacks is waited for.
const TURN_LIMIT: Duration = Duration::from_secs(2);

/// The output as threads that write it say it.
pub fn output_name(context: &JobContext, index: usize, url: &str) -> u32 {
    context.activity.name(&format!("output {index} '{}'", crate::secrets::mask_url(url)))
}

/// "1.234 s"
pub fn seconds(us: i64) -> String {
    format!("{:.3} s", us.max(0) as f64 / 1e6)
}

/// Runs `body` with the right to ask threads for their stacks; None where somebody else has it all the time.
pub fn with_stacks<T>(threads: &Arc<ThreadPool>, body: impl FnOnce(Option<&mut Stacks>) -> T) -> T {
    // An engine that was closed gives no thread: then places in files loaded since are not found.
    let spawn = |work: Box<dyn FnOnce() + Send>| drop(threads.spawn_aside("mt-modules", work));
    body(Stacks::begin(TURN_LIMIT, spawn).as_mut())
}

/// Links, pipes and threads of a job.
pub fn dump(context: &JobContext, mut stacks: Option<&mut Stacks>) -> String {
    let mut text = String::new();
    for fill in context.fills() {
        let _ = writeln!(text, "link '{}': {} of {} items, {} bytes", fill.name, fill.items, fill.limit, fill.bytes);
    }
    pipes(context, &mut text);
    let mut told = threads(context, context.slot(), stacks.as_deref_mut(), &mut text);
    for (output, own) in context.live.joined() {
        let feed = output.stats().feed;
        let (packets, bytes) = (feed.packets_queued, feed.bytes_queued);
        let state = output.state().word();
        let _ = writeln!(text, "output {} joined: {state}, {packets} packets wait for it, {bytes} bytes", output.index);
        told.extend(threads(&own, context.slot(), stacks.as_deref_mut(), &mut text));
    }
    // Those that FFmpeg started carry the job's slot in their masks, as those that started them.
    let Some(slot) = context.slot() else { return text };
    for task in Task::all().iter().filter(|task| task.slot() == Some(slot) && !told.contains(&task.id)) {
        of_ffmpeg(task, stacks.as_deref_mut(), &mut text);
    }
    text
}

/// Those that say what they are at. Returns their numbers.
fn threads(context: &JobContext, slot: Option<u8>, mut stacks: Option<&mut Stacks>, text: &mut String) -> Vec<i32> {
    let Some(seen) = context.activity.look() else {
        *text += "threads: cannot be told now\n";
        return Vec::new();
    };
    for one in &seen {
        let (id, place) = (one.pulse.thread, &one.pulse.name);
        let _ = writeln!(text, "thread {id} {place}: {}", said(one, &seen, slot));
        stack(Task::find(id), stacks.as_deref_mut(), text);
    }
    seen.iter().map(|seen| seen.pulse.thread).collect()
}

fn pipes(context: &JobContext, text: &mut String) {
    for (name, pipe, side) in context.binds.pipes().unwrap_or_default() {
        let Some(stats) = pipe.stats_within(LOCK_LIMIT) else {
            let _ = writeln!(text, "pipe 'mt:{name}': cannot be told now");
            continue;
        };
        let how = match (side, stats.fill_bytes) {
            _ if stats.is_read_closed => "",
            (Side::Read, 0) if !stats.is_write_closed => ", empty: nobody writes",
            (Side::Write, fill) if fill >= stats.capacity_bytes => ", full: nobody reads",
            _ => "",
        };
        let ended = if stats.is_write_closed { ", writing has ended" } else { "" };
        let gone = if stats.is_read_closed { ", the reader is gone" } else { "" };
        let (fill, capacity) = (stats.fill_bytes, stats.capacity_bytes);
        let _ = writeln!(text, "pipe 'mt:{name}': {fill} of {capacity} bytes{how}{ended}{gone}");
    }
}

/// What a thread is at, and since when.
pub fn said(seen: &Seen, all: &[Seen], slot: Option<u8>) -> String {
    let name = if seen.name.is_empty() { String::new() } else { format!(" {}", seen.name) };
    let peer = if seen.doing == Doing::Peer && seen.waits_for_peer(all, slot) { ", waiting for it" } else { "" };
    format!("{}{name}{peer} for {}", seen.doing.words(), seconds(coarse_clock_us() - seen.since_us))
}

fn of_ffmpeg(task: &Task, stacks: Option<&mut Stacks>, text: &mut String) {
    let _ = writeln!(text, "thread {} '{}': of FFmpeg's own", task.id, task.name);
    stack(Some(task.clone()), stacks, text);
}

fn stack(task: Option<Task>, stacks: Option<&mut Stacks>, text: &mut String) {
    *text += &match (task, stacks) {
        (None, _) => "stack: none: the thread ended\n".to_owned(),
        (Some(task), Some(stacks)) => stacks.of(&task),
        (Some(task), None) => format!("stack: none: somebody else asks threads; {}\n", task.kernel_side()),
    };
}

/// Threads of jobs that do not say whose they are: FFmpeg's own, of jobs whose threads are not marked. `known`: those that were told already.
pub fn other_threads(known: &str, mut stacks: Option<&mut Stacks>) -> String {
    let is_ours = |task: &Task| {
        task.name.starts_with("mt-")
            && ["idle", "timer", "cancel", "modules", "watch", "dump"].contains(&&task.name[3..])
    };
    let is_known = |task: &Task| known.contains(&format!("thread {} ", task.id));
    let mut text = String::new();
    for task in Task::all().iter().filter(|task| task.is_of_pool() && !is_ours(task) && !is_known(task)) {
        of_ffmpeg(task, stacks.as_deref_mut(), &mut text);
    }
    text
}
