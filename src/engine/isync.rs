//! -isync: an input is shifted so that its clock is another one's. Source: `apply_sync_offsets` of FFmpeg's fftools/ffmpeg_opt.c.

use super::context::JobContext;
use super::files::OpenInput;
use crate::error::Error;
use crate::options::{JobSpec, parse_integer};

pub fn apply(context: &JobContext, job: &JobSpec, inputs: &mut [OpenInput]) -> Result<(), Error> {
    let reference = |index: usize| {
        let number = job.inputs[index].value("isync").and_then(parse_integer).unwrap_or(-1);
        (number != -1 && number != index as i64).then_some(number)
    };
    for index in 0..inputs.len() {
        let Some(number) = reference(index) else { continue };
        let bad = |why: &str| {
            Error::option(format!("option isync of input {index} {why}")).on_input(index, &job.inputs[index].url)
        };
        let other = usize::try_from(number).ok().filter(|other| *other < inputs.len());
        let other = other.ok_or_else(|| bad(&format!("names input {number}, which is not there")))?;
        let copy_ts = job.global_flag("copyts");
        if copy_ts && !job.global_flag("start_at_zero") {
            return Err(bad("needs -start_at_zero where -copyts is set"));
        }
        if reference(other).is_some_and(|third| third != number) {
            context.warn(
                "options",
                None,
                &format!("input {index} is not synchronised: input {other} is shifted itself"),
            );
            continue;
        }
        match adjustment_us(&inputs[index], &inputs[other], copy_ts) {
            Some(shift_us) => inputs[index].offset_us = inputs[index].offset_us.wrapping_add(shift_us),
            None => context.warn(
                "options",
                None,
                &format!("input {index} is not synchronised: the start times of inputs {index} and {other} are not both known"),
            ),
        }
    }
    Ok(())
}

/// Microseconds to add. Clock times count where both have one.
fn adjustment_us(own: &OpenInput, other: &OpenInput, copy_ts: bool) -> Option<i64> {
    let by_clock = own.input.start_time_realtime_us().zip(other.input.start_time_realtime_us());
    let (own_start, other_start) = by_clock.or_else(|| own.input.start_time_us().zip(other.input.start_time_us()))?;
    let seeks = own.start_us.unwrap_or(0) - other.start_us.unwrap_or(0);
    Some(own_start - other_start + if copy_ts { 0 } else { seeks } + other.user_offset_us)
}
