//! Looking at inputs: what is in them, with a job or without one.

use super::attachments;
use super::context::JobContext;
use super::files::{OpenInput, open_input};
use super::observer::LEVEL_INFO;
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

/// Opens the inputs of a job, says what is in them and writes the attachments that are asked for, on the calling thread.
pub fn open_inputs(context: &Arc<JobContext>, job: &JobSpec) -> Result<(), Error> {
    av::set_log_slot(context.log_slot);
    let opened = (0..job.inputs.len()).try_for_each(|index| {
        let input = open_input(context, job, index)?;
        show(context, &input);
        input.check_options(context, job)?;
        attachments::dump(context, &job.inputs[index], &input, !job.global_flag("n"))
    });
    av::set_log_slot(0);
    opened
}
