//! What -mt_live 1 means.

use super::{FileSpec, JobSpec};

/// Whether an input or output is live: by its own option, else by the job's.
pub fn is_live(job: &JobSpec, file: &FileSpec) -> bool {
    file.value("mt_live").or_else(|| job.global("mt_live")).is_some_and(|value| value != "0")
}
