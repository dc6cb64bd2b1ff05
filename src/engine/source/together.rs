//! Opening the sources of a job at the same time: one that is silent holds up no other. Each is tried as often as its own options allow.

use super::resume::SourceInput;
use super::settings::is_source;
use crate::av;
use crate::engine::activity::Doing;
use crate::engine::context::JobContext;
use crate::engine::files::OpenInput;
use crate::engine::threads::Task;
use crate::error::Error;
use crate::options::JobSpec;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at the others, while one is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

type Opened = Option<(OpenInput, SourceInput)>;
type Result<T> = std::result::Result<T, Error>;

/// The sources of a job that are being opened. Those that nobody took are removed when this is dropped.
pub struct Opening {
    context: Arc<JobContext>,
    tasks: BTreeMap<usize, Task<Result<Opened>>>,
    opened: BTreeMap<usize, Opened>,
}

impl Opening {
    /// Begins with all of them. A source that has none beside it needs no thread: it is opened when it is taken.
    pub fn begin(context: &Arc<JobContext>, job: &JobSpec) -> Result<Opening> {
        let mut opening = Opening { context: Arc::clone(context), tasks: BTreeMap::new(), opened: BTreeMap::new() };
        let sources: Vec<usize> = (0..job.inputs.len()).filter(|index| is_source(&job.inputs[*index])).collect();
        if sources.len() < 2 {
            return Ok(opening);
        }
        let job = Arc::new(job.clone());
        for index in sources {
            let (own, job) = (Arc::clone(context), Arc::clone(&job));
            let task =
                context.threads.spawn(format!("mt-source{index}"), context.owner, move || run(&own, &job, index))?;
            opening.tasks.insert(index, task);
        }
        Ok(opening)
    }

    /// Waits until it is open. None: the input is no source. The error of another that fails meanwhile is the job's, too.
    pub fn take(&mut self, job: &JobSpec, index: usize) -> Result<Opened> {
        let _waiting = Doing::Threads.begin(0);
        loop {
            if let Some(opened) = self.opened.remove(&index) {
                return Ok(opened);
            }
            let Some(task) = self.tasks.get(&index) else { return SourceInput::open(&self.context, job, index) };
            let mut results: Vec<_> = task.join_timeout(LOOK_EVERY).map(|result| (index, result)).into_iter().collect();
            let others = self.tasks.iter().filter(|(other, task)| **other != index && task.is_finished());
            results.extend(others.filter_map(|(other, task)| Some((*other, task.join()?))));
            for (index, result) in results {
                self.tasks.remove(&index);
                self.opened.insert(index, result?);
            }
        }
    }
}

fn run(context: &Arc<JobContext>, job: &JobSpec, index: usize) -> Result<Opened> {
    av::set_log_slot(context.log_slot);
    context.mark_thread("open input");
    let entered = context.activity.enter("source");
    let opened = SourceInput::open(context, job, index);
    drop(entered);
    context.unmark_thread();
    av::set_log_slot(0);
    opened
}

impl Drop for Opening {
    fn drop(&mut self) {
        for index in self.tasks.keys() {
            self.context.live.remove_source(*index);
        }
        // A call that does not end is left behind by its own opening.
        for task in self.tasks.values() {
            task.join();
        }
    }
}
