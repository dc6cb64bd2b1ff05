//! Opening a source on a thread of its own, which can be left behind: a call that asks nobody whether to give up (getaddrinfo, open(2) of a FIFO) must
//! not end a job whose source may be tried again.

use super::state::Source;
use crate::av;
use crate::engine::context::JobContext;
use crate::engine::files::{OpenInput, open_input};
use crate::error::{Code, Error};
use crate::options::JobSpec;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Between two looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// FFmpeg asks ten times a second; who has not given up by then, after nobody wants it any more, asks nobody.
const GRACE: Duration = Duration::from_millis(250);

const RUNS: u8 = 0;
const DONE: u8 = 1;
const LEFT: u8 = 2;

/// One try.
#[derive(Default)]
pub struct Attempt {
    state: AtomicU8,
    stuck: Mutex<Option<Error>>,
}

thread_local! {
    /// The try that this thread makes.
    static ATTEMPT: RefCell<Option<Arc<Attempt>>> = const { RefCell::new(None) };
}

impl Attempt {
    /// That of the calling thread.
    pub fn current() -> Option<Arc<Attempt>> {
        ATTEMPT.with(|attempt| attempt.borrow().clone())
    }

    /// Its time is over, and it does not end.
    pub fn is_stuck(&self, error: Error) {
        self.stuck.lock().get_or_insert(error);
    }
}

/// Opens the source of a job. What does not end in its time, or when the source is taken out, is left behind and counted until it does.
pub fn open(context: &Arc<JobContext>, job: &Arc<JobSpec>, source: &Arc<Source>) -> Result<OpenInput, Error> {
    let attempt = Arc::<Attempt>::default();
    let (its, own, job, index) = (Arc::clone(&attempt), Arc::clone(context), Arc::clone(job), source.index);
    let task = context.threads.spawn(format!("mt-open{index}"), context.owner, move || run(&its, &own, &job, index))?;
    let mut unwanted_since: Option<Instant> = None;
    loop {
        if let Some(result) = task.join_timeout(LOOK_EVERY) {
            return result;
        }
        // A cancel of the job waits for its calls, and leaves all of it behind.
        let is_over = !context.is_cancelled() && (source.is_removed() || context.is_ending());
        let since = is_over.then(|| *unwanted_since.get_or_insert_with(Instant::now));
        let error = attempt.stuck.lock().clone().or_else(|| {
            since.filter(|since| since.elapsed() >= GRACE).map(|_| {
                let text = format!("a call that opened input {index} did not end; it was left behind");
                Error::new(Code::DETACHED, text).at("open input")
            })
        });
        if let Some(error) = error
            && attempt.state.compare_exchange(RUNS, LEFT, SeqCst, SeqCst).is_ok()
        {
            context.observer.left_behind(1);
            return Err(error);
        }
    }
}

fn run(attempt: &Arc<Attempt>, context: &JobContext, job: &JobSpec, index: usize) -> Result<OpenInput, Error> {
    av::set_log_slot(context.log_slot);
    context.mark_thread("open input");
    let entered = context.activity.enter("open");
    ATTEMPT.with(|current| *current.borrow_mut() = Some(Arc::clone(attempt)));
    let opened = open_input(context, job, index);
    ATTEMPT.with(|current| *current.borrow_mut() = None);
    let was_left = attempt.state.swap(DONE, SeqCst) == LEFT;
    // Nobody takes it any more: it is closed before it counts as back.
    let opened = if was_left { opened.and_then(|open| Err(too_late(open))) } else { opened };
    drop(entered);
    context.unmark_thread();
    av::set_log_slot(0);
    if was_left {
        context.observer.left_behind(-1);
    }
    opened
}

fn too_late(open: OpenInput) -> Error {
    drop(open);
    Error::new(Code::ETIMEDOUT, "it was opened when nobody waited for it any more".into()).at("open input")
}
