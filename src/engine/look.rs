//! Looking at inputs: what is in them, with a job or without one.

use super::context::{JobContext, LEVEL_INFO};
use super::files::{OpenInput, open_input};
use crate::av;
use crate::error::Error;
use crate::options::JobSpec;
use std::sync::Arc;

/// Says what is in an input, where somebody listens.
pub fn show(context: &JobContext, input: &OpenInput) {
    if context.observer.wants(LEVEL_INFO) {
        input.input.dump(input.index, &crate::secrets::mask_url(&input.url));
    }
}

/// Opens the inputs of a job and says what is in them, on the calling thread.
pub fn open_inputs(context: &Arc<JobContext>, job: &JobSpec) -> Result<(), Error> {
    av::set_log_slot(context.log_slot);
    let opened = (0..job.inputs.len()).try_for_each(|index| open_input(context, job, index).map(|i| show(context, &i)));
    av::set_log_slot(0);
    opened
}
