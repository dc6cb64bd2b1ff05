//! A component of a job on its thread.

use super::context::JobContext;
use super::threads::Task;
use crate::error::Error;
use std::sync::Arc;

/// Starts a component of a job on a thread of its own. Its error ends the job, unless it is an output's own.
pub fn spawn_stage<T: Send + 'static>(
    context: &Arc<JobContext>,
    name: &str,
    body: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<Task<Result<T, Error>>, Error> {
    let (slot, owner, stage, place) = (context.log_slot, context.owner, stage_of(name), name.to_owned());
    let name = match context.label.is_empty() {
        true => format!("mt-{name}"),
        false => format!("{name}:{}", context.label),
    };
    let pool = Arc::clone(&context.threads);
    let context = Arc::clone(context);
    pool.spawn(name, owner, move || {
        crate::av::set_log_slot(slot);
        context.mark_thread(stage);
        let _counted = context.count_thread();
        let _entered = context.activity.enter(&place);
        let guard = StageGuard { context: &context, is_done: false };
        let result = body();
        guard.done();
        if let Err(error) = &result {
            context.stage_failed(error);
        }
        crate::av::set_log_slot(0);
        context.unmark_thread();
        result
    })
}

/// What a crash report calls the stage of a thread with this name.
fn stage_of(name: &str) -> &'static str {
    match name.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':') {
        "demux" => "demux",
        "dec" => "decode",
        "filter" => "filter",
        "enc" => "encode",
        "mux" => "mux",
        "sub" => "subtitle",
        _ => "other",
    }
}

/// A component that panics takes the job with it: its neighbours would wait for ever.
struct StageGuard<'a> {
    context: &'a JobContext,
    is_done: bool,
}

impl StageGuard<'_> {
    fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for StageGuard<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.context.abort();
        }
    }
}
