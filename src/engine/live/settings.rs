//! What the options of an output say of how it takes part in a running job.

use super::registry::Place;
use crate::error::{Code, Error};
use crate::options::{FileSpec, JobSpec, is_live, parse_integer};
use std::time::Duration;

/// What happens when more waits for an output than it may be behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slow {
    /// The job waits for it: for files.
    Wait,
    /// It goes on with the next key frame.
    Skip,
    /// It ends.
    End,
}

#[derive(Clone, Debug)]
pub struct ViewerSettings {
    /// The output whose packets it takes; None: those of the inputs.
    pub from: Option<usize>,
    pub slow: Slow,
    pub queue_bytes: u64,
    /// How much time may wait; None with [`Slow::Wait`].
    pub queue_time: Option<Duration>,
}

const ONLY_VIEWERS: [&str; 2] = ["mt_queue_bytes", "mt_queue_ms"];
const QUEUE_BYTES: u64 = 8 << 20;
const QUEUE_MS: u64 = 5_000;
const GOP_BYTES: u64 = 16 << 20;

/// Whether an output takes part by a queue of its own from the beginning of its job.
pub fn is_viewer(spec: &FileSpec) -> bool {
    spec.value("mt_from").is_some() || spec.value("mt_slow").is_some_and(|slow| slow != "wait")
}

/// How much of the last group of pictures is kept for who joins; 0 is nothing.
pub fn gop_bytes(job: &JobSpec, spec: &FileSpec) -> u64 {
    number(spec, "mt_gop_bytes").unwrap_or(if is_live(job, spec) { GOP_BYTES } else { 0 })
}

fn number(spec: &FileSpec, name: &'static str) -> Option<u64> {
    spec.value(name).and_then(parse_integer).and_then(|number| u64::try_from(number).ok())
}

impl ViewerSettings {
    pub fn of(spec: &FileSpec) -> Result<ViewerSettings, Error> {
        let slow = match spec.value("mt_slow").unwrap_or("skip") {
            "wait" => Slow::Wait,
            "skip" => Slow::Skip,
            "end" => Slow::End,
            other => {
                let text = format!("option mt_slow has the unknown value '{other}'; it takes wait, skip or end");
                return Err(Error::option(text));
            }
        };
        let time_ms = number(spec, "mt_queue_ms").or((slow != Slow::Wait).then_some(QUEUE_MS));
        Ok(ViewerSettings {
            from: number(spec, "mt_from").map(|from| from as usize),
            slow,
            queue_bytes: number(spec, "mt_queue_bytes").filter(|bytes| *bytes > 0).unwrap_or(QUEUE_BYTES),
            queue_time: time_ms.filter(|ms| *ms > 0).map(Duration::from_millis),
        })
    }

    /// Where it takes its packets, in a job with so many inputs, of an output with this number.
    pub fn places(&self, inputs: usize, index: usize) -> Result<Vec<Place>, Error> {
        match self.from {
            None => Ok((0..inputs).map(Place::Input).collect()),
            Some(from) if from < index => Ok(vec![Place::Output(from)]),
            Some(from) => {
                let text = format!("option mt_from names output {from}, which is not one that stands before it");
                Err(Error::option(text)
                    .with_hint("Outputs are numbered from 0; name the one whose streams are to be had."))
            }
        }
    }
}

/// The ordinary outputs stand first: how many there are. An error where one stands behind an output that takes part in another.
pub fn ordinary_outputs(job: &JobSpec) -> Result<usize, Error> {
    let count = job.outputs.iter().take_while(|output| !is_viewer(output)).count();
    for (index, output) in job.outputs[..count].iter().enumerate() {
        if let Some(name) = ONLY_VIEWERS.into_iter().find(|name| output.value(name).is_some()) {
            let text = format!("option {name} is for outputs with a queue of their own");
            let error =
                Error::option(text).with_hint("Give it to an output with -mt_from N, or with -mt_slow skip or end.");
            return Err(error.on_output(index, &output.url));
        }
    }
    if let Some(behind) = job.outputs[count..].iter().position(|output| !is_viewer(output)) {
        let text = "outputs with -mt_from, or with -mt_slow skip or end, stand behind all others".to_owned();
        return Err(Error::option(text).on_output(count + behind, &job.outputs[count + behind].url));
    }
    if count == 0 && !job.outputs.is_empty() {
        let error = Error::new(Code::OPTION, "every output of the job takes part in another one".into());
        return Err(error.with_hint("Put one before them that takes all streams: -map 0 -c copy -f null -"));
    }
    Ok(count)
}
