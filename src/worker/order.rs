//! What a host wants of a job that runs: outputs that join and leave, inputs that end. As frames, with their JSON.

use super::message::{JOIN, LEAVE_OUTPUT, STOP_INPUT};
use crate::engine::Classes;
use crate::error::Error;
use crate::options::{FileSpec, JobSpec, command_words, parse_args};
use serde_json::{Value, json};

/// A frame for the worker.
#[derive(Clone, Debug)]
pub struct Order {
    pub(super) kind: u8,
    pub(super) text: String,
}

impl Order {
    /// An output joins. `binds`: the streams of the host's that it names, as `Binds::facts` has them.
    pub fn join(output: usize, file: &FileSpec, binds: &[(String, &'static str, Value)]) -> Order {
        let alone = JobSpec { outputs: vec![file.clone()], ..JobSpec::default() };
        let binds: Vec<Value> =
            binds.iter().map(|(name, kind, about)| json!({"name": name, "kind": kind, "abilities": about})).collect();
        let value = json!({"output": output, "args": command_words(&alone, false, false), "binds": binds});
        Order { kind: JOIN, text: value.to_string() }
    }

    /// An output ends: in good order, or at once.
    pub fn leave(output: usize, is_graceful: bool) -> Order {
        let value = json!({"output": output, "is_graceful": is_graceful});
        Order { kind: LEAVE_OUTPUT, text: value.to_string() }
    }

    /// An input that may come and go ends.
    pub fn stop_input(input: usize) -> Order {
        Order { kind: STOP_INPUT, text: json!({"input": input}).to_string() }
    }
}

/// The output of [`Order::join`].
pub(super) fn file_of(value: &Value) -> Result<FileSpec, Error> {
    let words = value["args"].as_array().map_or(&[][..], Vec::as_slice);
    let args: Vec<String> = words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    let file = parse_args(&args, &Classes)?.outputs.pop();
    file.ok_or_else(|| Error::invalid("an output joins that is none".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_the_same_on_the_other_side() {
        let args: Vec<String> =
            ["-c", "copy", "-mt_from", "0", "-map", "0:v", "-f", "flv", "mt:a"].map(str::to_owned).into();
        let file = parse_args(&args, &Classes).unwrap().outputs.remove(0);
        let order = Order::join(7, &file, &[]);
        let there = file_of(&serde_json::from_str(&order.text).unwrap()).unwrap();
        let said = |file: &FileSpec| -> Vec<_> { file.settings.iter().map(|s| (s.key(), s.value.clone())).collect() };
        assert_eq!((there.url.as_str(), said(&there)), ("mt:a", said(&file)));
        assert!(file_of(&json!({"args": []})).is_err());
    }
}
